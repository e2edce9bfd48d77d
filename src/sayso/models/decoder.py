"""A decoder: instruction following, classification by label likelihood, translation by prompt.

Decided here:
- Several short rows may share a line (packing): positions restart with each row and transformers derives from them
  that rows must not see each other; `packing_is_exact` compares with unpacked rows before anyone relies on it.
- Rows are padded on the right for training and on the left for generation; padding is known by length.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sayso.models import decode
from sayso.models.core import Core, TokenBatch, padded, picked_logits, row_logps, supervised_part
from sayso.models.generate import continuations, with_logprobs
from sayso.models.render import Renderer
from sayso.records import GREEDY, Kind, Lesson, Messages, Reply, Row, Sampling


class Decoder:
    """A causal language model as a Learner."""

    kind: Kind = "decoder"

    def __init__(self, core: Core) -> None:
        self.core = core
        self.renderer = Renderer(core.tokenizer, core.max_length, core.segments)
        self.packing = False

    # ------------------------------------------------------------ learning

    def row(self, context: Messages, target: str, lesson: Lesson | None = None, draw: int | None = None) -> Row:
        """The row that teaches `target` in `context`."""
        return self.renderer.row(context, target, lesson, self.core.segments.drawn(lesson, draw))

    def redraws(self, lesson: Lesson) -> bool:
        """With BPE dropout every text is cut anew."""
        return self.core.segments.redraws(lesson)

    def batch(self, rows: Sequence[Row]) -> TokenBatch:
        """Lay rows out, several to a line where packing is on."""
        lines = (
            pack([len(row.ids) for row in rows], self.core.max_length)
            if self.packing
            else [[i] for i in range(len(rows))]
        )
        ids = [[token for i in line for token in rows[i].ids] for line in lines]
        ids_LT = padded(ids, self.core.tokenizer.pad_token_id or 0, self.core.device)
        width = ids_LT.shape[1]
        positions = [_positions([len(rows[i].ids) for i in line], width) for line in lines]
        starts = [0] * len(rows)
        for number, line in enumerate(lines):
            offset = 0
            for i in line:
                starts[i] = number * width + offset
                offset += len(rows[i].ids)
        position_ids = torch.tensor(positions, device=self.core.device)
        inputs = {"input_ids": ids_LT, "position_ids": position_ids, "use_cache": False}
        return TokenBatch(inputs, tokens=ids_LT.numel(), **supervised_part(rows, starts, self.core.device))

    def logits(self, batch: TokenBatch) -> torch.Tensor:
        """logits_NV at the supervised positions."""
        with self.core.computing(batch):
            return picked_logits(self.core.model, batch.inputs, batch.at_N)

    def cost(self, row: Row) -> int:
        """Tokens of this row that go through the network."""
        return len(row.ids)

    def logps(self, rows: Sequence[Row]) -> list[float]:
        """log p(targets | context) of each row, in nats."""
        return row_logps(self, rows)

    def packing_is_exact(self, rows: Sequence[Row], tolerance: float = 1e-3) -> bool:
        """Do packed rows get the logits that they get alone? Compared on two of the shortest rows, on one line."""
        rows = sorted(rows, key=self.cost)[:2]
        if len(rows) < 2 or len(pack([len(row.ids) for row in rows], self.core.max_length)) > 1:
            return False
        was, was_training = self.packing, self.core.model.training
        self.core.model.eval()
        try:
            with torch.no_grad():
                self.packing = True
                together = self.logits(self.batch(rows))
                self.packing = False
                alone = torch.cat([self.logits(self.batch([row])) for row in rows])
        finally:
            self.packing = was
            self.core.model.train(was_training)
        return bool((together - alone).abs().max() <= tolerance * (1 + alone.abs().max()))

    # ------------------------------------------------------------ speaking

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        """One reply per prompt."""
        room = min(sampling.max_new_tokens, self.core.max_length // 2)
        encoded = [self.renderer.prompt_ids(prompt, room) for prompt in prompts]
        if decode.suits(self.core, sampling):
            return decode.replies(self.core, self.renderer, encoded, sampling)
        replies = continuations(self.core, self.renderer, encoded, sampling)
        return with_logprobs(self, prompts, replies) if sampling.temperature > 0 else replies

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        """log p(option and its end | prompt), in nats."""
        rows = [self.row(prompt, option) for prompt in prompts for option in options]
        scores = self.logps(rows)
        return [scores[i : i + len(options)] for i in range(0, len(scores), len(options))]


def pack(lengths: Sequence[int], width: int) -> list[list[int]]:
    """First-fit decreasing: indices of rows per line, each line at most max(width, longest row) tokens."""
    lines: list[list[int]] = []
    free: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        place = next((k for k, room in enumerate(free) if room >= lengths[i]), None)
        if place is None:
            lines.append([i])
            free.append(max(width, lengths[i]) - lengths[i])
        else:
            lines[place].append(i)
            free[place] -= lengths[i]
    return lines


def _positions(lengths: Sequence[int], width: int) -> list[int]:
    """Positions that restart with each row; padding goes on counting, nobody looks at it."""
    counted = [place for length in lengths for place in range(length)]
    return counted + list(range(lengths[-1], lengths[-1] + width - len(counted)))
