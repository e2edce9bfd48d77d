"""What is looked at while comments are learnt: the validation items, the comments, and whether the model collapses.

Decided here:
- Which of the learnt weights are kept: with labels, those that do best on validation items that were not taught, the
  later ones where two do equally well. With free text a rule that people ask for is rarely in the gold answers, so
  there it is the mean of how good the answers to the comments' own prompts are, against the better answers, and how
  good the other validation answers still are.
- A collapse (evaluate/alarm.py says what that is) ends the learning; the weights that were best before are kept. It is
  looked for on WATCHED prompts that nobody commented on, of the validation items, else of the training rows.
- How many of the taught comments nobody would make again, of those whose matter a program or a check knows, is shown
  and decides nothing: a program's words may be about anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from sayso.errors import DataError
from sayso.evaluate import alarm
from sayso.evaluate.alarm import Vitals
from sayso.records import Answer, Example, Feedback, Messages

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.learn.loop import Validate
    from sayso.models.open import AnyLearner
    from sayso.store.split import Halves

WATCHED = 16
ASKED = 32  # comments on whose new answers a program or a check is asked


class Watch:
    """The learner's answers to prompts that nobody commented on, compared with those that it gave at the start."""

    def __init__(self, project: Project, learner: AnyLearner, halves: Halves) -> None:
        """Looks at the learner as it is now: this is the start, which it must remember as the teacher "start"."""
        self.project, self.learner = project, learner
        self.examples = uncommented(project, [*halves.learn, *halves.held_out])
        self.asked = {*alarm.asked_for(halves.learn), *(_NO_ALARM if project.task.options else ())}
        self.answers = self._answers(project.start())
        self.start, self.now = self._vitals(self.answers, project.start()), Vitals()

    def look(self) -> dict[str, float]:
        """The figures of the learner as it is now; {} where there is nothing to look at."""
        if not self.examples:
            return {}
        self.now = self._vitals(self._answers("learn"), "learn")
        found = alarm.figures(self.start, self.now)
        texts = ("watched_length", "watched_repetition") if self.project.task.options else ()
        return {name: value for name, value in found.items() if name not in texts}

    def collapse(self) -> str:
        """What has collapsed when it was last looked at, in words; "" for nothing."""
        return alarm.collapse(self.start, self.now, self.asked) if self.examples else ""

    def _answers(self, stage: str) -> list[Answer]:
        from sayso.cli.scoring import answers_of

        return answers_of(self.project, self.learner, self.examples, stage) if self.examples else []

    def _vitals(self, answers: Sequence[Answer], stage: str) -> Vitals:
        from sayso.models.divergence import divergences, entropies

        own = [pair for pair in self._pairs(answers, stage) if self._is_row(*pair)]
        before, after = self._pairs(self.answers, self.project.start()), self._pairs(self.answers, stage)
        both = [pair for pair in zip(before, after, strict=True) if all(self._is_row(*one) for one in pair)]
        drifts = divergences(self.learner, "start", [one for one, _ in both], [one for _, one in both])
        return alarm.vitals(answers, _mean(entropies(self.learner, own)), _mean(drifts))

    def _pairs(self, answers: Sequence[Answer], stage: str) -> list[tuple[Messages, str]]:
        """Each answer in the context in which the stage's model is shown the prompt."""
        from sayso.cli.scoring import context_of

        shown = (context_of(self.project, example, self.learner.kind, stage) for example in self.examples)
        return [(context, answer.text) for context, answer in zip(shown, answers, strict=True)]

    def _is_row(self, context: Messages, answer: str) -> bool:
        try:
            return bool(self.learner.row(context, answer).targets)
        except DataError:
            return False


def uncommented(project: Project, feedback: Sequence[Feedback]) -> list[Example]:
    """WATCHED examples on which nobody commented: of the validation items, else of the training rows."""
    if project.task.name == "text":
        return []
    items, prompts = {one.item for one in feedback}, {one.prompt for one in feedback}
    for split in ("validation", "train"):
        pool = [one for one in project.data.split(split) if one.id not in items and one.prompt not in prompts]
        if pool:
            return Random(f"watch:{project.recipe.seed}").sample(pool, min(WATCHED, len(pool)))
    return []


def validation(project: Project, learner: AnyLearner, halves: Halves, watch: Watch) -> tuple[Validate | None, str]:
    """What is measured while comments are learnt, and which figure decides. `Halt` is raised at a collapse."""
    inner, metric = _deciding(project, learner, halves)
    kept = still_said(project, learner, halves.learn)
    if inner is None:
        return None, metric

    def check() -> dict[str, float]:
        from sayso.learn.loop import Halt

        values = dict(inner()) | watch.look() | kept()
        words = watch.collapse()
        if words:
            raise Halt(words, values)
        return values

    return check, metric


def still_said(project: Project, learner: AnyLearner, feedback: Sequence[Feedback]) -> Callable[[], dict[str, float]]:
    """The share of these comments' prompts to whose answers they who know the matter have nothing to say now."""
    from sayso.cli.outcomes import answers_to, can_be_asked, said_again

    asked = [one for one in feedback if can_be_asked(project, one)][:ASKED]

    def content() -> dict[str, float]:
        said = answers_to(project, learner, asked, "learn") if asked else {}
        judged = [words for words in said_again(project, [(one, said[one.id]) for one in asked]) if words is not None]
        return {"comments_kept": judged.count("") / len(judged)} if judged else {}

    return content


# ---------------------------------------------------------------- inside

_NO_ALARM = ("length", "repetition", "entropy", "drift")


def _deciding(project: Project, learner: AnyLearner, halves: Halves) -> tuple[Validate | None, str]:
    from sayso.cli.outcomes import heeding
    from sayso.cli.scoring import validator
    from sayso.evaluate.compare import ON_SACREBLEUS_SCALE

    taught = frozenset(one.item for one in halves.learn if one.item)
    rest = validator(project, learner, "learn", without=taught)
    metric = project.recipe.task.metric or project.task.metric
    heeded = None if project.task.options else heeding(project, learner, (*halves.learn, *halves.held_out))
    if heeded is None:
        return rest, metric

    def check() -> Mapping[str, float]:
        values = rest() if rest is not None else {}
        kept = values.get(metric, 0.0) / (100 if metric in ON_SACREBLEUS_SCALE else 1)
        heed = heeded()
        return values | {"heed": heed, "balance": (heed + kept) / 2 if rest is not None else heed}

    return check, "balance"


def _mean(sums: Sequence[tuple[float, int]]) -> float | None:
    tokens = sum(n for _, n in sums)
    return sum(value for value, _ in sums) / tokens if tokens else None
