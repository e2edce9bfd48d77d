"""A run folder, read once: what every section of the report is made from.

Decided here:
- Claims are made on the test items where they were scored, else on the validation items; never on both at once.
- A stage is there when it has scores. Stages keep their order: base, tuned, learnt. What is scored under another name
  is a rival: a baseline that the model must beat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sayso.recipe import Recipe
from sayso.records import Comparison, Feedback, Lesson, Outcome, Score
from sayso.report.figures import STAGES
from sayso.report.loose import mapping
from sayso.store.runs import Run

SPLITS = ("test", "validation")
HEADLINES = ("accuracy", "f1_macro", "chrf", "bleu", "f1_micro", "exact_match", "log_likelihood")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the run folder holds. `scores` is [stage, split][unit] of all items, `graded` [stage, split][item]."""

    run: Run
    recipe: Recipe
    facts: Mapping[str, Any]
    metrics: tuple[Mapping[str, Any], ...]
    scores: Mapping[tuple[str, str], Mapping[str, Score]]
    graded: Mapping[tuple[str, str], Mapping[str, Score]]
    comparisons: tuple[Comparison, ...]
    feedback: tuple[Feedback, ...]
    outcomes: Mapping[str, Outcome]
    lessons: Mapping[str, tuple[Lesson, ...]]

    def note(self, name: str) -> dict[str, Any]:
        """A stage's note; {} where there is none."""
        return mapping(self.run.note(name))

    def evaluation(self, stage: str) -> dict[str, Any]:
        """The details of a stage's answers on the split that claims are made on."""
        return self.note(f"evaluation.{stage}.{self.split}")

    @property
    def method(self) -> str:
        """The method that the comments were learnt by; of `auto` the one that was chosen, once it is."""
        asked = self.recipe.learn.method
        return str(self.note("auto").get("method", asked)) if asked == "auto" else asked

    @property
    def split(self) -> str:
        """The split that claims are made on; "" where nothing was scored."""
        scored = {split for stage, split in self.scores if stage in STAGES}
        return next((split for split in SPLITS if split in scored), "")

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that were scored on that split."""
        return tuple(stage for stage in STAGES if (stage, self.split) in self.scores)

    @property
    def result(self) -> str:
        """The last stage that was scored and not refused; "" where nothing was scored."""
        gate = mapping((self.run.proof() or {}).get("gate"))
        stages = [stage for stage in self.stages if stage != "learn" or gate.get("promoted", True)]
        return stages[-1] if stages else ""

    @property
    def rivals(self) -> tuple[str, ...]:
        """The baselines that were scored on that split."""
        return rivals_on(self.scores, self.split)

    @property
    def headline(self) -> str:
        """The unit of the headline; "" where nothing was scored."""
        units = {unit for stage in self.stages for unit in self.scores[stage, self.split]}
        asked = self.recipe.task.metric
        return next((unit for unit in (asked, *HEADLINES, *sorted(units)) if unit in units), "")

    def score(self, stage: str, unit: str) -> Score | None:
        """A stage's score on the split that claims are made on."""
        return self.scores.get((stage, self.split), {}).get(unit)

    def comparison(self, before: str, after: str, unit: str) -> Comparison | None:
        """The comparison of two stages on that split."""
        wanted = (before, after, unit, self.split)
        found = (c for c in self.comparisons if (c.before_stage, c.after_stage, c.unit, c.split) == wanted)
        return next(found, None)


def rivals_on(scores: Iterable[tuple[str, str]], split: str) -> tuple[str, ...]:
    """The names that are no stage of a model, in the order in which they were scored."""
    return tuple(name for name, on in scores if on == split and name not in STAGES)


def read(run: Run) -> Contents:
    """All that the report shows. RunError where a file of the run is damaged."""
    scores: dict[tuple[str, str], dict[str, Score]] = {}
    graded: dict[tuple[str, str], dict[str, Score]] = {}
    for stage, split, score in run.scores():
        if score.item:
            graded.setdefault((stage, split), {})[score.item] = score
        else:
            scores.setdefault((stage, split), {})[score.unit] = score
    lessons = {stage: tuple(run.lessons(stage)) for stage in ("train", "learn")}
    return Contents(
        run=run,
        recipe=run.recipe(),
        facts=run.facts(),
        metrics=tuple(run.metrics()),
        scores=scores,
        graded=graded,
        comparisons=tuple(run.comparisons()),
        feedback=tuple(run.feedback()),
        outcomes={outcome.feedback: outcome for outcome in run.outcomes()},
        lessons={stage: found for stage, found in lessons.items() if found},
    )
