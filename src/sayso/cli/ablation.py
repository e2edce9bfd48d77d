"""Which comments made an answer so: gradients as a cheap proxy, and learning again without a comment as the truth.

Decided here:
- What is asked is log p of the answer under the prompt, in nats: before the comments, as learnt, and where the model
  learns again from the same start, lessons, losses and steps without one comment's lessons.
- Learning again has no validation and keeps its last weights, with the comment and without, so that both are compared
  alike. Two more trainings on all lessons, with other seeds, say how far chance alone moves the answer.
- Pulls are summed over the weights at the start and those that were learnt: two checkpoints of TracIn.
- Comments that share a lesson stand or fall together. Those left out in turn are spread evenly over the ranks of the
  proxy, so that the rank correlation says whether the proxy orders comments as the truth does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sayso.errors import UnsupportedError
from sayso.reasons import Blamed, Cause
from sayso.records import Lesson, Messages, Objective

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner
    from sayso.records import Row

SEEDS = 2
FEWEST = 4  # comments left out, below which a rank correlation says nothing
ROUNDS = "the method wrote its lessons in rounds; here all of them are taught at once"


@dataclass(frozen=True, eq=False)
class Taught:
    """What the run's learning taught: its lessons and losses, by comments that stand together."""

    lessons: tuple[Lesson, ...]
    objective: Objective
    groups: tuple[tuple[str, ...], ...]
    rounds: int


def taught_by(project: Project) -> Taught:
    """What was learnt in this run. UnsupportedError where no comment changed the weights."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    lessons = tuple(project.run.lessons("learn"))
    groups = standing_together([one.from_ids for one in lessons if one.from_ids])
    if not groups or not project.run.weights("learn").is_dir():
        fix = "`sayso learn` teaches comments; words that stand in the prompt are read in the prompt itself"
        raise UnsupportedError("no comment has changed this run's weights", where=str(project.run.folder), fix=fix)
    name = project.recipe.learn.method
    name = str((project.run.note("auto") or {}).get("method", name)) if name == "auto" else name
    method = find("methods", name)
    knobs = knobs_of(method, project.recipe.learn.knobs, f"learn -> knobs of {name}")
    rounds = len((project.run.note("rounds") or {}).get("rounds", [])) or 1
    return Taught(lessons, method.objective(knobs), tuple(groups), rounds)


def standing_together(ids: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Comments that share a lesson, directly or through another comment; each comment once."""
    groups: list[dict[str, None]] = []
    for some in ids:
        touched = [group for group in groups if any(one in group for one in some)]
        joined = {one: None for group in touched for one in group} | dict.fromkeys(some)
        groups = [group for group in groups if group not in touched] + [joined]
    return [tuple(group) for group in groups]


def cause_of(project: Project, context: Messages, answer: str, without: int) -> Cause:
    """Which comments made the answer so; `without` of them are left out in turn and the rest is learnt again."""
    taught = taught_by(project)
    course = _Course(project, taught, context, answer)
    before, found = course.by_gradient()
    after = course.logp()
    chosen = _spread(sorted(found, key=lambda one: -one.pull), without)
    if not chosen:
        return Cause(answer, before, after, None, None, _ranked(found), notes=_notes(taught))
    seed = project.recipe.seed
    again = course.learnt_from(taught.lessons, seed)
    noise = max(abs(course.learnt_from(taught.lessons, seed + 1 + i) - again) for i in range(SEEDS))
    effects = {one.ids: again - course.learnt_from(_without(taught.lessons, one.ids), seed) for one in chosen}
    blamed = [replace(one, effect=effects.get(one.ids)) for one in found]
    return Cause(answer, before, after, again, noise, _ranked(blamed), _agreement(blamed), _notes(taught))


# ---------------------------------------------------------------- inside


class _Course:
    """One learner, put to the run's start again and again."""

    def __init__(self, project: Project, taught: Taught, context: Messages, answer: str) -> None:
        self.project, self.taught = project, taught
        self.learner = project.learner(project.start(), training="learn")
        for name in ("start", "base"):
            self.learner.core.remember(name)
        self.learnt = _weights(project.learner("learn", training="learn"))
        self.row: Row = self.learner.row(context, answer)

    def logp(self) -> float:
        """log p of the answer at the weights that the learner has now, in nats."""
        return self.learner.logps([self.row])[0]

    def by_gradient(self) -> tuple[float, list[Blamed]]:
        """log p of the answer at the start, and every comment by the proxy. The learner is the learnt one then."""
        from sayso.learn.influence import Pull, pulls

        words = {one.id: one.comment for one in self.project.run.feedback()}
        seen: list[list[Pull]] = [pulls(self.learner, self.row, self.taught.lessons, self.taught.objective)]
        before = self.logp()
        self._put(self.learnt)
        seen.append(pulls(self.learner, self.row, self.taught.lessons, self.taught.objective))
        return before, [self._blamed(group, seen, words) for group in self.taught.groups]

    def _blamed(self, group: tuple[str, ...], seen: Sequence[Sequence[Any]], words: dict[str, str]) -> Blamed:
        own = [i for i, one in enumerate(self.taught.lessons) if set(one.from_ids) & set(group)]
        pull = sum(found[i].product for found in seen for i in own)
        cosine = sum(found[i].cosine for found in seen for i in own) / (len(own) * len(seen))
        said = dict.fromkeys(words.get(one, "") for one in group)
        return Blamed(group, " / ".join(filter(None, said)) or group[0], pull, cosine, len(own))

    def learnt_from(self, lessons: Sequence[Lesson], seed: int) -> float:
        """log p of the answer after learning these lessons from the start, in nats."""
        from sayso.learn.loop import Training, train

        self._put(self.learner.core.snapshots["start"])
        strategy = self.project.strategy(self.learner, "learn", len(self.taught.lessons))
        for _ in train(self.learner, lessons, Training(strategy, self.taught.objective, seed, remembered=True)):
            pass
        return self.logp()

    def _put(self, weights: dict[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for name, p in self.learner.core.parameters():
                p.copy_(weights[name])
        self.learner.core.train_mode(False)


def _weights(learner: AnyLearner) -> dict[str, Any]:
    return {name: p.detach().clone() for name, p in learner.core.parameters()}


def _without(lessons: Sequence[Lesson], ids: Sequence[str]) -> list[Lesson]:
    return [one for one in lessons if not set(one.from_ids) & set(ids)]


def _spread(ranked: Sequence[Blamed], count: int) -> list[Blamed]:
    """`count` of them, evenly over the ranks, the first and the last among them."""
    if count >= len(ranked):
        return list(ranked)
    places = [round(i * (len(ranked) - 1) / max(1, count - 1)) for i in range(count)]
    return [ranked[place] for place in dict.fromkeys(places)]


def _ranked(found: Sequence[Blamed]) -> tuple[Blamed, ...]:
    """By effect where it is known, those first; then by pull."""
    return tuple(sorted(found, key=lambda one: (one.effect is None, -(one.effect or 0.0), -one.pull)))


def _agreement(found: Sequence[Blamed]) -> dict[str, float]:
    """Spearman's rank correlation of each proxy with the effects; {} where too few were left out to say."""
    from scipy.stats import spearmanr

    known = [(one.effect, one.pull, one.cosine) for one in found if one.effect is not None]
    if len(known) < FEWEST or any(len(set(column)) < 2 for column in zip(*known, strict=True)):
        return {}
    effects, products, cosines = zip(*known, strict=True)
    return {
        "pull": float(spearmanr(effects, products).statistic),
        "cosine": float(spearmanr(effects, cosines).statistic),
    }


def _notes(taught: Taught) -> tuple[str, ...]:
    return (ROUNDS,) if taught.rounds > 1 else ()
