"""Text to token ids: as the tokenizer says or, in training, with some of its merges left out (BPE dropout).

Decided here:
- Provilkov et al. 2020, arXiv 1910.13267, algorithm 1: a word begins as characters; of the merges that could come
  next each is left out with probability `rate`, the first of the rest is made, until none is left.
- The library's own dropout takes no seed. Here the dice follow from (seed, draw, text), so a resumed run sees the same
  pieces. What stands before an answer is cut the same with the answer behind it: its words come first.
- Words are the tokenizer's own (its normaliser and its splitting are kept). A token that is no product of characters
  stays whole: a special token, a byte, an unknown character.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Mapping, Sequence
from itertools import groupby
from random import Random
from typing import Any

from sayso.errors import UnsupportedError
from sayso.records import Imitate, Lesson

Ranks = Mapping[tuple[str, str], int]
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")


class Segments:
    """A tokenizer's way of cutting text. Without a rate it is the tokenizer's own, whatever is drawn."""

    def __init__(self, tokenizer: Any, rate: float = 0.0, seed: int = 0) -> None:
        self.tokenizer, self.rate, self.seed = tokenizer, rate, seed
        self.ranks: Ranks = {}
        if rate:
            self.ranks = _merges(tokenizer)
            self.pieces: Mapping[str, int] = tokenizer.get_vocab()
            self.whole = set(tokenizer.get_added_vocab().values()) | {tokenizer.unk_token_id}

    def redraws(self, lesson: Lesson) -> bool:
        """Is this lesson cut anew each time? Not where its tokens are given, marked, or compared with a teacher's."""
        plain = isinstance(lesson, Imitate) and not (lesson.target_ids or lesson.marks)
        return bool(self.rate) and plain

    def drawn(self, lesson: Lesson | None, draw: int | None) -> int | None:
        """The draw to cut this lesson by; None for the tokenizer's own way."""
        return draw if lesson is not None and self.redraws(lesson) else None

    def ids(self, text: str, draw: int | None = None, room: int | None = None, key: str = "") -> list[int]:
        """Token ids without special ones. A draw that needs more than `room` tokens gives way to the usual pieces.

        `key` stands for the text in the dice, for a text of which it is the beginning.
        """
        encoded = self.tokenizer(text, add_special_tokens=False)
        usual = list(encoded["input_ids"])
        if draw is None or not self.rate:
            return usual
        dice = Random(f"{self.seed}:{draw}:{key or text}")
        words = groupby(zip(usual, encoded.tokens(), encoded.word_ids(), strict=True), key=lambda piece: piece[2])
        ids = [i for _, word in words for i in self._again([(token, piece) for token, piece, _ in word], dice)]
        return usual if room is not None and len(ids) > room else ids

    def _again(self, word: Sequence[tuple[int, str]], dice: Random) -> list[int]:
        if all(token in self.whole for token, _ in word):
            return [token for token, _ in word]
        symbols = [symbol for token, piece in word for symbol in self._symbols(token, piece)]
        return [self.pieces[symbol] for symbol in merged(symbols, self.ranks, self.rate, dice)]

    def _symbols(self, token: int, piece: str) -> Sequence[str]:
        atomic = token in self.whole or _BYTE.fullmatch(piece) or not all(c in self.pieces for c in piece)
        return (piece,) if atomic else piece


def merged(symbols: Sequence[str], ranks: Ranks, rate: float, dice: Random) -> list[str]:
    """The symbols after all merges but those left out, the lowest rank first, the leftmost among equals."""
    parts, after, before = list(symbols), [*range(1, len(symbols)), -1], list(range(-1, len(symbols) - 1))
    heap: list[tuple[int, int, str, str]] = []

    def offer(left: int, right: int) -> None:
        if left >= 0 and right >= 0 and (parts[left], parts[right]) in ranks:
            heapq.heappush(heap, (ranks[parts[left], parts[right]], left, parts[left], parts[right]))

    for place in range(len(parts) - 1):
        offer(place, place + 1)
    left_out: list[tuple[int, int, str, str]] = []
    while heap:
        entry = heapq.heappop(heap)
        _, left, first, second = entry
        right = after[left]
        if parts[left] != first or right < 0 or parts[right] != second:
            continue  # one of the two has been merged with another since
        if rate and dice.random() < rate:
            left_out.append(entry)
            continue
        parts[left], parts[right], after[left] = first + second, "", after[right]
        if after[right] >= 0:
            before[after[right]] = left
        for again in left_out:
            heapq.heappush(heap, again)
        left_out.clear()
        offer(before[left], left)
        offer(left, after[left])
    return [part for part in parts if part]


def _merges(tokenizer: Any) -> dict[tuple[str, str], int]:
    """Every merge with its rank. UnsupportedError for a tokenizer that has none."""
    fast = bool(getattr(tokenizer, "is_fast", False))
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"] if fast else {"type": "not one of merges"}
    marked = model.get("continuing_subword_prefix") or model.get("end_of_word_suffix")
    if model["type"] != "BPE" or marked:
        what = f"BPE whose pieces carry '{marked}'" if marked else str(model["type"])
        raise UnsupportedError(
            f"bpe_dropout leaves out merges, and this model's tokenizer is {what}",
            expected="a fast tokenizer of byte-pair merges without marks at words' ends",
            fix="set strategy.bpe_dropout to 0",
        )
    pairs = (tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in model["merges"])
    return {(left, right): rank for rank, (left, right) in enumerate(pairs)}
