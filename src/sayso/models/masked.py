"""An encoder on plain text: masked-language modelling, for continued pretraining and pretraining from scratch.

Decided here: BERT's recipe (arXiv 1810.04805, section 3.1: 15 % of the tokens; of these 80 % masked, 10 % replaced,
10 % kept), drawn anew at every epoch from a seed made of the text and the epoch, so that a resumed run masks the same.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence

import torch

from sayso.errors import UnsupportedError
from sayso.models.core import Core, TokenBatch, filled, frame, padded, picked_logits, row_logps, supervised_part
from sayso.records import GREEDY, Imitate, Kind, Lesson, Messages, Reply, Row, Sampling

SHARE = 0.15


class MaskedEncoder:
    """A masked language model as a Learner: it can be trained on text and scored, but answers nothing."""

    kind: Kind = "encoder"

    def __init__(self, core: Core) -> None:
        self.core = core
        self.frame = frame(core.tokenizer)
        self.words = [i for i in range(len(core.tokenizer)) if i not in set(core.tokenizer.all_special_ids)]

    def row(self, context: Messages, target: str, lesson: Lesson | None = None, draw: int | None = None) -> Row:
        """The text with some tokens hidden; these are the targets."""
        text = "\n".join([*(message.text for message in context), target])
        before, after = self.frame
        room = self.core.max_length - len(before) - len(after)
        inner = self.core.segments.ids(text, self.core.segments.drawn(lesson, draw), room)
        cut = max(0, len(inner) - room)
        inner = inner[: len(inner) - cut]
        dice = random.Random(zlib.crc32(text.encode("utf-8", "surrogatepass")) * 1_000_003 + (draw or 0))
        chosen = sorted(dice.sample(range(len(inner)), max(1, round(SHARE * len(inner))))) if inner else []
        targets = tuple(inner[i] for i in chosen)
        for i in chosen:
            inner[i] = self._hidden(inner[i], dice)
        weight = lesson.weight if isinstance(lesson, Imitate) else 1.0
        return Row(
            (*before, *inner, *after), targets, tuple(i + len(before) for i in chosen), (weight,) * len(targets), cut
        )

    def redraws(self, lesson: Lesson) -> bool:
        """Every time other tokens are hidden."""
        return isinstance(lesson, Imitate)

    def batch(self, rows: Sequence[Row]) -> TokenBatch:
        """Padded on the right."""
        ids, device = [row.ids for row in rows], self.core.device
        ids_BT = padded(ids, self.core.tokenizer.pad_token_id or 0, device)
        inputs = {"input_ids": ids_BT, "attention_mask": filled(ids, device)}
        starts = [i * ids_BT.shape[1] for i in range(len(rows))]
        return TokenBatch(inputs, tokens=ids_BT.numel(), **supervised_part(rows, starts, device))

    def logits(self, batch: TokenBatch) -> torch.Tensor:
        """logits_NV at the hidden places."""
        with self.core.computing(batch):
            return picked_logits(self.core.model, batch.inputs, batch.at_N)

    def cost(self, row: Row) -> int:
        """Tokens of this row that go through the network."""
        return len(row.ids)

    def logps(self, rows: Sequence[Row]) -> list[float]:
        """log p(targets | text) of each row, in nats."""
        return row_logps(self, rows)

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        del prompts, sampling
        raise UnsupportedError(
            f"'{self.core.origin}' is an encoder without labels: it answers nothing",
            fix="choose a decoder or an encoder-decoder, or give the task labels to get a head",
        )

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        del prompts, options
        raise UnsupportedError("a masked language model has no labels", fix="give the task labels to get a head")

    def _hidden(self, token: int, dice: random.Random) -> int:
        fate = dice.random()
        if fate < 0.8:
            return int(self.core.tokenizer.mask_token_id)
        return dice.choice(self.words) if fate < 0.9 else token
