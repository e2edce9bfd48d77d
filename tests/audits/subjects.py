"""A run that is audited, with a model that answers as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso.recipe import Recipe, TaskPart
from sayso.records import GREEDY, Example, Feedback, Kind, Lesson, Messages, Reply, Sampling, user
from sayso.store.runs import Run
from sayso.tasks import classify, generate

Says = Callable[[str], str]
LABELS = ("negative", "positive")


class Saying:
    """A Speaker that answers by a function of the last turn; a label gets nine tenths of the probability."""

    kind: Kind = "decoder"

    def __init__(self, says: Says) -> None:
        self.says = says

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        return [Reply(self.says(prompt[-1].text)) for prompt in prompts]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        told = [self.says(prompt[-1].text) for prompt in prompts]
        return [[-0.105 if one == said else -2.303 for one in options] for said in told]


class Audited:
    """A Subject: `says` gives the model of each stage."""

    def __init__(
        self, folder: Path, says: Mapping[str, Says], rows: Sequence[tuple[str, str | None]], **more: Any
    ) -> None:
        labelled = more.pop("labelled", True)
        part = TaskPart(name="classify", labels=list(LABELS)) if labelled else TaskPart(name="generate")
        self.recipe = Recipe(name="audited", task=part)
        self.run = Run.create(folder / "run", self.recipe)
        self.task = classify.task(part, LABELS) if labelled else generate.task(part, ())
        self.says = says
        self.rows = [Example(str(i), user(text), target, "test") for i, (text, target) in enumerate(rows)]
        self.comments: Sequence[Feedback] = more.pop("comments", ())

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(self.says)

    @property
    def result(self) -> str:
        return self.stages[-1]

    def learner(self, stage: str) -> Any:
        return Saying(self.says[stage])

    def train(self) -> Sequence[Example]:
        return ()

    def examples(self, split: str) -> Sequence[Example]:
        return self.rows if split == "test" else ()

    def feedback(self) -> Sequence[Feedback]:
        return self.comments

    def lessons(self, stage: str) -> Sequence[Lesson]:
        return ()
