"""One real training step, to check a plan: peak memory, seconds, and real token counts.

Decided here: it is the loop itself that is run, for two steps on the longest rows that one piece holds, so that
whatever a step allocates is in the figure. The first step warms up; the second is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sayso.cli.layout import Lengths

if TYPE_CHECKING:
    from sayso.models.open import AnyLearner
    from sayso.recipe import StrategyPart
    from sayso.records import Lesson

SAMPLE = 2000
STEPS = 2


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a step took: bytes at the peak, seconds, and tokens per second (padding not counted)."""

    peak: int
    seconds: float
    rows: int
    tokens: int
    tokens_per_second: float


def count_lengths(learner: AnyLearner, lessons: Sequence[Lesson]) -> Lengths:
    """Real token counts, of at most 2,000 lessons spread over all."""
    from sayso.learn.batches import views

    sample = lessons[:: max(1, len(lessons) // SAMPLE)]
    seen = [views(learner, lesson) for lesson in sample]
    tokens = [view.tokens for view in seen]
    supervised = sum(len(row.targets) for view in seen for row in view.student)
    total = round(sum(tokens) / max(1, len(sample)) * len(lessons))
    longest = max((view.longest for view in seen), default=1)
    return Lengths(len(lessons), total, longest, min(1.0, supervised / max(1, sum(tokens))), counted=True)


def rehearse(learner: AnyLearner, lessons: Sequence[Lesson], strategy: StrategyPart, seed: int = 0) -> Rehearsal:
    """Train two steps on the longest lessons that fit one piece. The learner has changed afterwards."""
    from sayso.learn.loop import Step, Training, train
    from sayso.models.hardware import peak_bytes, reset_peak

    chosen = _longest(learner, lessons, strategy.micro_tokens)
    device = learner.core.device.type
    training = Training(_two_steps(strategy, len(chosen)), seed=seed)
    reset_peak(device)
    steps = [event for event in train(learner, chosen, training) if isinstance(event, Step)]
    last = steps[-1]
    seconds = last.seconds - steps[0].seconds
    tokens = last.tokens - steps[0].tokens
    return Rehearsal(peak_bytes(device), seconds, len(chosen), tokens, tokens / max(seconds, 1e-9))


def _two_steps(strategy: StrategyPart, rows: int) -> Any:
    same = {"steps": STEPS, "batch_rows": rows, "batch_tokens": 0, "early_stopping": 0, "packing": "off"}
    return strategy.model_copy(update=same)


def _longest(learner: AnyLearner, lessons: Sequence[Lesson], budget: int) -> list[Lesson]:
    """The longest lessons whose padded size stays within the budget; at least one."""
    from sayso.learn.batches import views

    sample = lessons[:: max(1, len(lessons) // SAMPLE)]
    sized = sorted(
        ((views(learner, lesson), i) for i, lesson in enumerate(sample)), key=lambda x: (-x[0].longest, x[1])
    )
    count = max(1, budget // max(1, sized[0][0].longest))
    return [sample[i] for _, i in sized[:count]]
