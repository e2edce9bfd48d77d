"""An encoder-decoder: the source goes in whole, the target comes out with its end token.

Decided here:
- Conversations are written as their turns' text, one to a line; a translation's source is thus the sentence alone.
- Plain text is taught by infilling (BART, arXiv 1910.13461): spans of the source give way to a mask token, or to
  nothing where the tokenizer has none, and the whole text is the target.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence

import torch

from sayso.errors import DataError
from sayso.models.core import Core, TokenBatch, filled, frame, padded, picked_logits, row_logps, supervised_part
from sayso.models.generate import continuations, with_logprobs
from sayso.models.render import token_weights
from sayso.records import GREEDY, Imitate, Kind, Lesson, Messages, Reply, Row, Sampling

INFILL_SHARE = 0.3


class EncoderDecoder:
    """A sequence-to-sequence model as a Learner. In a Row, `ids` is the source and `targets` the target."""

    kind: Kind = "encoder_decoder"

    def __init__(self, core: Core) -> None:
        self.core = core
        self.frame = frame(core.tokenizer)
        self.target_frame = frame(core.tokenizer, target=True)
        start = core.model.config.decoder_start_token_id
        start = core.tokenizer.bos_token_id if start is None else start
        self.start = core.tokenizer.pad_token_id if start is None else start

    # ------------------------------------------------------------ learning

    def row(self, context: Messages, target: str, lesson: Lesson | None = None, draw: int | None = None) -> Row:
        """The source, cut from the left, and the target with its end. DataError where the target cannot fit."""
        drawn = self.core.segments.drawn(lesson, draw)
        given = list(getattr(lesson, "target_ids", ()))
        ids, spans = (given, []) if given else self._target(target, drawn)
        if not context:
            cut = max(0, len(ids) - self.core.max_length)
            ids = [*ids[: len(ids) - cut - 1], ids[-1]]
            source = self._corrupted(target, draw or 0, drawn)
        else:
            source, cut = self._source(context, drawn)
        if len(ids) > self.core.max_length:
            raise DataError(
                f"an answer of {len(ids)} tokens does not fit into {self.core.max_length}",
                expected=f"at most {self.core.max_length} tokens in an answer: answers are never cut",
                fix="raise model.max_length, or shorten or drop the row",
            )
        return Row(source, tuple(ids), tuple(range(len(ids))), token_weights(lesson, len(ids), spans), cut)

    def redraws(self, lesson: Lesson) -> bool:
        """Plain text is corrupted anew every time; with BPE dropout every text is cut anew."""
        plain = isinstance(lesson, Imitate) and not lesson.context
        return plain or self.core.segments.redraws(lesson)

    def batch(self, rows: Sequence[Row]) -> TokenBatch:
        """Sources and targets, each padded on the right; the decoder reads the target shifted by one."""
        device, pad = self.core.device, self.core.tokenizer.pad_token_id or 0
        sources = [row.ids for row in rows]
        shifted = [(self.start, *row.targets[:-1]) for row in rows]
        ids_BT, shifted_BS = padded(sources, pad, device), padded(shifted, pad, device)
        inputs = {
            "input_ids": ids_BT,
            "attention_mask": filled(sources, device),
            "decoder_input_ids": shifted_BS,
            "use_cache": False,
        }
        starts = [i * shifted_BS.shape[1] for i in range(len(rows))]
        tokens = ids_BT.numel() + shifted_BS.numel()
        return TokenBatch(inputs, tokens=tokens, **supervised_part(rows, starts, device))

    def logits(self, batch: TokenBatch) -> torch.Tensor:
        """logits_NV of the target's tokens."""
        with self.core.computing(batch):
            return picked_logits(self.core.model, batch.inputs, batch.at_N)

    def cost(self, row: Row) -> int:
        """Tokens of this row that go through the network."""
        return len(row.ids) + len(row.targets)

    def logps(self, rows: Sequence[Row]) -> list[float]:
        """log p(targets | source) of each row, in nats."""
        return row_logps(self, rows)

    # ------------------------------------------------------------ speaking

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        """One reply per prompt."""
        opening = [self.start, *self.target_frame[0]]
        sources = [self._source(prompt)[0] for prompt in prompts]
        replies = continuations(self.core, self, sources, sampling, opening)
        return with_logprobs(self, prompts, replies) if sampling.temperature > 0 else replies

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        """log p(option and its end | prompt), in nats."""
        scores = self.logps([self.row(prompt, option) for prompt in prompts for option in options])
        return [scores[i : i + len(options)] for i in range(0, len(scores), len(options))]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer, without special tokens and surrounding space."""
        return str(self.core.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    @property
    def end_ids(self) -> tuple[int, ...]:
        """The token that ends an answer."""
        end = self.core.tokenizer.eos_token_id
        end = self.core.tokenizer.sep_token_id if end is None else end
        return () if end is None else (int(end),)

    # ------------------------------------------------------------ inside

    def _source(self, context: Messages, drawn: int | None = None) -> tuple[tuple[int, ...], int]:
        before, after = self.frame
        room = self.core.max_length - len(before) - len(after)
        ids = self.core.segments.ids("\n".join(message.text for message in context), drawn, room)
        cut = max(0, len(ids) - room)
        return (*before, *ids[cut:], *after), cut

    def _target(self, text: str, drawn: int | None) -> tuple[list[int], list[tuple[int, int]]]:
        if drawn is not None:
            begin, end = self.target_frame[0], self.end_ids
            room = self.core.max_length - len(begin) - len(end)
            return [*begin, *self.core.segments.ids(text, drawn, room), *end], []
        fast = bool(getattr(self.core.tokenizer, "is_fast", False))
        encoded = self.core.tokenizer(text_target=text, add_special_tokens=False, return_offsets_mapping=fast)
        spans = [tuple(span) for span in encoded["offset_mapping"]] if fast else []
        before = self.target_frame[0]
        return [*before, *encoded["input_ids"], *self.end_ids], [(0, 0)] * len(before) + spans

    def _corrupted(self, text: str, draw: int, drawn: int | None) -> tuple[int, ...]:
        before, after = self.frame
        room = self.core.max_length - len(before) - len(after)
        ids = self.core.segments.ids(text, drawn, room)[:room]
        dice = random.Random(zlib.crc32(text.encode("utf-8", "surrogatepass")) * 1_000_003 + draw)
        mask, hidden, place = self.core.tokenizer.mask_token_id, 0, 0
        kept: list[int] = []
        while place < len(ids):
            if hidden < INFILL_SHARE * len(ids) and dice.random() < INFILL_SHARE / 3:
                length = min(dice.choice((1, 2, 3, 4, 5)), len(ids) - place)
                kept += [] if mask is None else [int(mask)]
                hidden, place = hidden + length, place + length
            else:
                kept.append(ids[place])
                place += 1
        return (*before, *kept, *after)
