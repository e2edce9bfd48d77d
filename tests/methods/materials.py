"""Small Material in both languages, a task-free task, and a speaker that says what it is told to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sayso.protocols import Material, Task
from sayso.recipe import StrategyPart, TaskPart
from sayso.records import Attempt, Example, Feedback, Kind, Messages, Reply, Sampling, user
from sayso.tasks import classify, generate


@dataclass
class Parrot:
    """Says the given answers in turn, and remembers what it was asked."""

    answers: Sequence[str]
    kind: Kind = "decoder"
    asked: list[Messages] = field(default_factory=list)
    sampling: Sampling | None = None

    def reply(self, prompts: Sequence[Messages], sampling: Sampling) -> list[Reply]:
        self.asked += prompts
        self.sampling = sampling
        return [Reply(self.answers[i % len(self.answers)]) for i in range(len(prompts))]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        return [[0.0 for _ in options] for _ in prompts]


def steadily(batch_rows: int, steps: int, learning_rate: float = 3e-3) -> StrategyPart:
    """A training of a tiny model in which nothing but the lessons' losses is at work."""
    return StrategyPart(
        learning_rate=learning_rate,
        schedule="constant",
        warmup=0.0,
        batch_rows=batch_rows,
        micro_tokens=4096,
        steps=steps,
        early_stopping=0,
        weight_decay=0.0,
        clip=1.0,
        label_smoothing=0.0,
        packing="off",
    )


def labelled() -> Task:
    return classify.task(TaskPart(), ("正面", "负面"))


def free() -> Task:
    return generate.task(TaskPart(name="generate"), ())


EXAMPLES = tuple(Example(f"e{i}", user(f"这家店第{i}次来"), "正面" if i % 2 else "负面") for i in range(12))
COMMENT = Feedback(user("退货要多久？"), Attempt("三天。"), "店规是七天，要说七天。", revision="七天。")
ENGLISH = Feedback(
    user("How long do returns take?"), Attempt("Three days."), "The rule says seven.", revision="Seven."
)


def material(*feedback: Feedback, task: Task | None = None, **others: Any) -> Material:
    """A decoder's Material of these comments."""
    return Material(
        feedback, others.pop("examples", EXAMPLES), task or free(), others.pop("kind", "decoder"), **others
    )
