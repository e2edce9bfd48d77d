"""An encoder with a head: the target is a label and the vocabulary is the label set.

Decided here:
- Where several labels may hold, each label is a position with a vocabulary of two (off, on) and logits (0, z): binary
  cross-entropy, preferences and divergences are then the same losses as everywhere else.
- The text is cut from the left like any prompt; special tokens stay.
- A new head that decides each label by itself begins at how often the label holds. From one half it would learn that
  first, and with it to answer every text alike (the bias of arXiv 1708.02002, section 3.3, taken from the data).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sayso.errors import DataError, nearest
from sayso.models.core import (
    SCORING_TOKENS,
    Core,
    TokenBatch,
    chunks_by_tokens,
    filled,
    frame,
    padded,
    row_logps,
    supervised_part,
)
from sayso.records import GREEDY, Imitate, Kind, Lesson, Messages, Reply, Row, Sampling, join_labels, split_labels


class Encoder:
    """A sequence classifier as a Learner."""

    kind: Kind = "encoder"

    def __init__(self, core: Core, options: Sequence[str], several: bool) -> None:
        self.core, self.options, self.several = core, tuple(options), several
        self.frame = frame(core.tokenizer)
        self.places = {label: i for i, label in enumerate(self.options)}

    # ------------------------------------------------------------ learning

    def row(self, context: Messages, target: str, lesson: Lesson | None = None, draw: int | None = None) -> Row:
        """The text with its label (or all labels, each on or off). DataError for a label that the head lacks."""
        weight = lesson.weight if isinstance(lesson, Imitate) else 1.0
        ids, cut = self._ids(context, self.core.segments.drawn(lesson, draw))
        if self.several:
            on = {self._place(label) for label in split_labels(target)}
            targets = tuple(int(i in on) for i in range(len(self.options)))
            return Row(ids, targets, tuple(range(len(self.options))), (weight,) * len(targets), cut)
        return Row(ids, (self._place(target),), (0,), (weight,), cut)

    def redraws(self, lesson: Lesson) -> bool:
        """With BPE dropout every text is cut anew."""
        return self.core.segments.redraws(lesson)

    def expect(self, lessons: Sequence[Lesson]) -> None:
        """Set a new head's bias to the log-odds of each label; a new one is known by a bias of zeros."""
        bias = self._bias()
        taught = [lesson for lesson in lessons if isinstance(lesson, Imitate) and lesson.weight > 0]
        if not self.several or bias is None or bool(bias.any()) or not taught:
            return
        on = [0.0] * len(self.options)
        for lesson in taught:
            for label in split_labels(lesson.target):
                on[self._place(label)] += lesson.weight
        total = sum(lesson.weight for lesson in taught)
        odds = [(held + 0.5) / (total - held + 0.5) for held in on]
        with torch.no_grad():
            bias.copy_(torch.tensor(odds).log())

    @property
    def head(self) -> frozenset[str]:
        """Names of the trainable parameters that do not belong to the pretrained body."""
        body = f"{self.core.model.base_model_prefix}."
        return frozenset(name for name, _ in self.core.parameters() if not name.startswith(body))

    def batch(self, rows: Sequence[Row]) -> TokenBatch:
        """Padded on the right; one logit vector per row, or one pair per row and label."""
        ids = [row.ids for row in rows]
        device = self.core.device
        inputs = {
            "input_ids": padded(ids, self.core.tokenizer.pad_token_id or 0, device),
            "attention_mask": filled(ids, device),
        }
        step = len(self.options) if self.several else 1
        starts = [i * step for i in range(len(rows))]
        return TokenBatch(inputs, tokens=inputs["input_ids"].numel(), **supervised_part(rows, starts, device))

    def logits(self, batch: TokenBatch) -> torch.Tensor:
        """logits_NV: V labels per row, or (0, z) per row and label."""
        with self.core.computing(batch):
            scores_BL = self.core.model(**batch.inputs).logits
        if not self.several:
            return scores_BL.index_select(0, batch.at_N)  # type: ignore[no-any-return]
        on_N = scores_BL.reshape(-1).index_select(0, batch.at_N)
        return torch.stack([torch.zeros_like(on_N), on_N], dim=1)

    def cost(self, row: Row) -> int:
        """Tokens of this row that go through the network."""
        return len(row.ids)

    def logps(self, rows: Sequence[Row]) -> list[float]:
        """log p(targets | text) of each row, in nats."""
        return row_logps(self, rows)

    # ------------------------------------------------------------ speaking

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        """The likeliest label; where several may hold, all with probability above one half."""
        del sampling
        return [Reply(self._say(scores)) for scores in self.weigh(prompts, self.options)]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        """Log-softmax over the labels, or log-sigmoid per label where several may hold."""
        order = [self._place(option) for option in options]
        encoded = [self._ids(prompt)[0] for prompt in prompts]
        scores: list[list[float]] = [[] for _ in prompts]
        self.core.model.eval()
        with torch.no_grad():
            for group in chunks_by_tokens([len(ids) for ids in encoded], SCORING_TOKENS):
                lines = [encoded[i] for i in group]
                ids_BT = padded(lines, self.core.tokenizer.pad_token_id or 0, self.core.device)
                z_BL = self.core.model(input_ids=ids_BT, attention_mask=filled(lines, self.core.device)).logits.float()
                logp_BL = torch.nn.functional.logsigmoid(z_BL) if self.several else z_BL.log_softmax(-1)
                for i, row in zip(group, logp_BL[:, order].tolist(), strict=True):
                    scores[i] = row
        return scores

    # ------------------------------------------------------------ inside

    def _ids(self, context: Messages, drawn: int | None = None) -> tuple[tuple[int, ...], int]:
        text = "\n".join(message.text for message in context)
        before, after = self.frame
        room = self.core.max_length - len(before) - len(after)
        ids = self.core.segments.ids(text, drawn, room)
        cut = max(0, len(ids) - room)
        return (*before, *ids[cut:], *after), cut

    def _bias(self) -> torch.nn.Parameter | None:
        """Of the last layer, one value per label."""
        shape = torch.Size([len(self.options)])
        found = [p for name, p in self.core.parameters() if name in self.head and p.shape == shape]
        return found[-1] if found else None

    def _place(self, label: str) -> int:
        if label not in self.places:
            raise DataError(f"'{label}' is not a label of this model", fix=nearest(label, self.options))
        return self.places[label]

    def _say(self, logps: Sequence[float]) -> str:
        if self.several:
            half = -0.6931471805599453
            return join_labels(label for label, logp in zip(self.options, logps, strict=True) if logp > half)
        return self.options[max(range(len(logps)), key=logps.__getitem__)]
