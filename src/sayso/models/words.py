"""Tokens as the words that a person reads: sub-word pieces joined, Chinese by the character.

Decided here:
- A word is what letters make without a space between them; a character in Chinese and Japanese; a sign by itself.
  Tokens that share a word are one, and words that share a token are one: nothing is ever divided that the model read
  as one, and no byte of a character stands alone. A space belongs to the word behind it.
- Where each token stands in the text is what the tokenizer says. One that does not say is shown token by token.
- Each word knows whether somebody said it or whether it stands around what was said (a template, a special token).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_UNSPACED = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNIT = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:['’\-][^\W{_UNSPACED}]+)*|[^\w\s]")
_FRAME = 3  # special tokens looked for before and after a text

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A word and the places of its tokens. `said`: somebody's words, not what stands around them."""

    text: str
    places: tuple[int, ...]
    said: bool


def words_of(tokenizer: Any, ids: Sequence[int], text: str, said: Sequence[str] = ()) -> list[Piece]:
    """The words of token ids that were made from `text`, perhaps cut on the left, with special tokens around it.

    `said` are the parts of the text that somebody said, in their order; all of it where none is given.
    """
    spans = _spans(tokenizer, ids, text)
    if spans is None:
        return [_alone(tokenizer, token, place) for place, token in enumerate(ids)]
    spoken = _found(text, said) if said else [(0, len(text))]
    pieces: list[Piece] = []
    for places in _joined(spans, text):
        begin, end = min(spans[p][0] for p in places), max(spans[p][1] for p in places)
        if begin == end:
            pieces += [_alone(tokenizer, ids[place], place, said=False) for place in places]
        else:
            begin, end = _stripped((begin, end), text)
            pieces.append(Piece(text[begin:end], places, any(a <= begin and end <= b for a, b in spoken)))
    return pieces


def joined_values(pieces: Sequence[Piece], values: Sequence[float]) -> list[float]:
    """One value per word: the sum over its tokens."""
    return [sum(values[place] for place in piece.places) for piece in pieces]


# ---------------------------------------------------------------- inside


def _spans(tokenizer: Any, ids: Sequence[int], text: str) -> list[Span] | None:
    """Each token's characters in the text, nowhere for a special one; None where the tokenizer does not say."""
    if not getattr(tokenizer, "is_fast", False):
        return None
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    usual, offsets = list(encoded["input_ids"]), [tuple(span) for span in encoded["offset_mapping"]]
    for before in range(_FRAME + 1):
        for after in range(_FRAME + 1):
            kept = len(ids) - before - after
            if 0 <= kept <= len(usual) and list(ids[before : before + kept]) == usual[len(usual) - kept :]:
                inner = [_stripped(span, text) for span in offsets[len(offsets) - kept :]]
                return [(0, 0)] * before + inner + [(0, 0)] * after
    return None


def _stripped(span: Span, text: str) -> Span:
    """Without the space that many tokenizers count to the token behind it."""
    part = text[span[0] : span[1]]
    begin = span[0] + len(part) - len(part.lstrip())
    return (begin, begin + len(part.strip())) if part.strip() else span


def _joined(spans: Sequence[Span], text: str) -> list[tuple[int, ...]]:
    """Places of tokens, word by word, in order: two are together where they touch the same unit of the text."""
    units = [match.span() for match in _UNIT.finditer(text)]
    groups: list[list[int]] = []
    reach, at = -1, 0
    for place, (begin, end) in enumerate(spans):
        if begin == end:
            groups.append([place])
            continue
        while at < len(units) and units[at][1] <= begin:
            at += 1
        own, last = end, at
        while last < len(units) and units[last][0] < end:
            own, last = max(own, units[last][1]), last + 1
        last_one = spans[groups[-1][-1]] if groups else (0, 0)
        spaced = last_one[1] == begin and not text[last_one[0] : last_one[1]].strip()
        if last_one[0] != last_one[1] and (begin < reach or spaced):
            groups[-1].append(place)
        else:
            groups.append([place])
        reach = max(reach, own)
    return [tuple(group) for group in groups]


def _found(text: str, said: Sequence[str]) -> list[Span]:
    """Where the parts stand in the text, one after the other; a part that is not there is left out."""
    spans, at = [], 0
    for part in said:
        begin = text.find(part.strip(), at)
        if begin >= 0 and part.strip():
            at = begin + len(part.strip())
            spans.append((begin, at))
    return spans or [(0, len(text))]


def _alone(tokenizer: Any, token: int, place: int, said: bool = True) -> Piece:
    special = token in set(tokenizer.all_special_ids)
    text = str(tokenizer.decode([token])).strip() or str(tokenizer.convert_ids_to_tokens(token))
    return Piece(text, (place,), said and not special)
