"""What can be measured of a run's comments: the two models' answers and beliefs, before and after learning.

Decided here:
- The stage that learning began from and the learnt one answer the same prompts. Answers that the run wrote down are
  not asked for again.
- In the prompt at most READ comments are read, by both models; they are drawn from taught and held-out ones alike.
- Earlier comments are those of the project's store that another run taught and heeded, and that are not in this run.
- A prompt is a neighbour of a comment only where its own right answer does not do what the comment asks; else the
  comment may well hold there. Of items whose gold answers nobody wrote with the comment in mind, none is a neighbour
  where a program decides: where it objects, the comment holds by its word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from sayso.records import Example, Feedback, Outcome, State

if TYPE_CHECKING:
    from sayso.cli.effects import Read
    from sayso.cli.project import Project
    from sayso.evaluate.proof import Evidence, Fate, Sides
    from sayso.material import Case
    from sayso.models.open import AnyLearner

READ = 32  # comments that both models read
ANSWERS = 64  # answers whose drift is measured
EARLIER = 32
Said = tuple[str, str]  # before, after
Near = tuple["Case", str, Said]  # a comment as if made on another prompt, its right answer, what was answered


@dataclass
class Scene:
    """Both models, the comments that can be measured, and what was answered."""

    project: Project

    @cached_property
    def was(self) -> AnyLearner:
        """The model that learning began from."""
        return self.project.learner(self.project.start(), training="learn")

    @cached_property
    def now(self) -> AnyLearner:
        """The learnt model."""
        return self.project.learner("learn", training="learn")

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """By comment's id, those of comments that were not refused."""
        return {one.feedback: one for one in self.project.run.outcomes() if one.state is not State.REFUSED}

    @cached_property
    def taught(self) -> list[Case]:
        """The comments that were taught; those that say the same once."""
        return self._usable(held=False)

    @cached_property
    def held(self) -> list[Case]:
        """Those that were held out."""
        return self._usable(held=True)

    @property
    def cases(self) -> list[Case]:
        """Both."""
        return [*self.taught, *self.held]

    def evidence(self) -> Evidence:
        """All that can be measured in this run."""
        from sayso.evaluate.proof import Evidence

        taught, held = self.taught, self.held
        was, now = self._read()
        return Evidence(
            learnt=self._bare(taught),
            held_out=self._bare(held),
            belief=self._belief(taught),
            belief_held_out=self._belief(held),
            was=self._shares(was),
            now=self._shares(now),
            near=self._near(taught),
            earlier=self._earlier(),
            wrong=self._wrong(now),
            drift=self._drift(),
        )

    def fates(self, evidence: Evidence) -> Iterator[Fate]:
        """Every comment of the run, before and after."""
        from sayso.evaluate.proof import Fate

        words = {one.id: one.comment for one in self.project.run.feedback()}
        for one in self.project.run.outcomes():
            share = [_pair(sides, one.feedback) for sides in (evidence.learnt, evidence.held_out)]
            belief = [_pair(sides, one.feedback) for sides in (evidence.belief, evidence.belief_held_out)]
            yield Fate(one, words.get(one.feedback, ""), share[0] or share[1], belief[0] or belief[1])

    # ------------------------------------------------------------ inside

    def _usable(self, *, held: bool) -> list[Case]:
        from sayso.cli.effects import usable

        known = self.outcomes
        ours = [one for one in self.project.run.feedback() if one.id in known]
        side = [one for one in ours if (known[one.id].state is State.HELD_OUT) == held]
        return usable(self.project, side, self.now.kind)

    def _bare(self, found: Sequence[Case]) -> Sides:
        """Without any comment in the prompt, from the answers that the outcomes hold."""
        from sayso.cli.effects import effects
        from sayso.evaluate.proof import Sides

        known = self.outcomes
        before = {case.feedback.id: known[case.feedback.id].before for case in found}
        after = {case.feedback.id: known[case.feedback.id].after for case in found}
        return Sides(effects(self.project, found, before), effects(self.project, found, after))

    def _belief(self, found: Sequence[Case]) -> Sides:
        from sayso.cli.effects import believed
        from sayso.evaluate.proof import Sides
        from sayso.evaluate.reading import bare

        project, asked = self.project, [bare(case) for case in found]
        before = believed(project, self.was, project.task, asked, project.start())
        return Sides(before, believed(project, self.now, project.task, asked, "learn"))

    @cached_property
    def readers(self) -> list[Case]:
        """The comments that both models read; none for an encoder, which cannot."""
        if self.now.kind == "encoder":
            return []
        drawn = Random(f"prove:{self.project.recipe.seed}").sample(self.cases, min(READ, len(self.cases)))
        return sorted(drawn, key=self.cases.index)

    def _read(self) -> tuple[Read | None, Read | None]:
        from sayso.cli.effects import read

        if not self.readers:
            return None, None
        was = read(self.project, self.was, self.readers, self.project.start(), ("right",))
        return was, read(self.project, self.now, self.readers, "learn", ("right", "shuffled"))

    def _shares(self, found: Read | None) -> dict[str, dict[str, float]]:
        from sayso.cli.effects import effects

        answers = found.answers if found is not None else {}
        return {condition: effects(self.project, self.readers, texts) for condition, texts in answers.items()}

    def _wrong(self, now: Read | None) -> Sides:
        """What the comment that stands in another's place asks for, of the answers without it and with it."""
        from sayso.cli.effects import elsewhere, judged, shuffled
        from sayso.evaluate.proof import Sides

        texts = now.answers if now is not None else {}
        by_id = {case.feedback.id: case for case in self.readers}
        pairs = [
            (id_, elsewhere(by_id[other.id], by_id[id_].feedback.prompt))
            for id_, other in shuffled(self.project, self.readers).items()
            if id_ in texts.get("shuffled", {})
        ]
        values = [
            judged(self.project, [(case, texts[condition][id_]) for id_, case in pairs])
            for condition in ("none", "shuffled")
            if condition in texts
        ]
        return Sides(*(_known([id_ for id_, _ in pairs], side) for side in values)) if pairs else Sides()

    def _near(self, taught: Sequence[Case]) -> Sides:
        """Answers to prompts that a taught comment is not about."""
        from sayso.cli.effects import judged
        from sayso.evaluate.proof import Sides

        asked = self._free_of([*self._under_other_rules(taught), *self._like_it(taught)])
        keys = [f"{case.feedback.id} {number}" for number, (case, _) in enumerate(asked)]
        sides = [judged(self.project, [(case, said[side]) for case, said in asked]) for side in (0, 1)]
        return Sides(*(_known(keys, side) for side in sides))

    def _free_of(self, near: Sequence[Near]) -> list[tuple[Case, Said]]:
        """Those whose right answer does not do what the comment asks."""
        from sayso.cli.effects import SHOWS, judged

        rights = judged(self.project, [(case, right) for case, right, _ in near])
        return [(case, said) for (case, _, said), value in zip(near, rights, strict=True) if (value or 0.0) < SHOWS]

    def _under_other_rules(self, taught: Sequence[Case]) -> Iterator[Near]:
        """Prompts of comments that name another condition."""
        from sayso.cli.effects import elsewhere
        from sayso.evaluate.near import under_other_rules

        by_id = {case.feedback.id: case for case in self.cases}
        for case in taught:
            for other in under_other_rules(case.feedback, [each.feedback for each in self.cases]):
                right, found = by_id[other.id].better, self.outcomes[other.id]
                if right is not None:
                    yield elsewhere(case, other.prompt), right, (found.before, found.after)

    def _like_it(self, taught: Sequence[Case]) -> list[Near]:
        """Items near a comment on one item that no program knows the matter of."""
        from sayso.cli.effects import elsewhere, has_program
        from sayso.evaluate.near import like_it

        pool = [one for one in self._uncommented() if one.target is not None]
        found = [(elsewhere(case, one.prompt), one) for case in taught for one in like_it(case.feedback, pool)]
        programs = has_program(self.project, [(case, one.target or "") for case, one in found])
        return [
            (case, one.target or "", self._answered[one.id])
            for (case, one), program in zip(found, programs, strict=True)
            if not program
        ]

    @cached_property
    def _answered(self) -> dict[str, Said]:
        """By item, what both stages answered."""
        run, split = self.project.run, self._split
        was = {one.item: one.text for one in run.answers(self.project.start(), split)}
        return {one.item: (was[one.item], one.text) for one in run.answers("learn", split) if one.item in was}

    @property
    def _split(self) -> str:
        return "test" if self.project.examples("test") else "validation"

    def _uncommented(self) -> list[Example]:
        feedback = self.project.run.feedback()
        items, prompts = {one.item for one in feedback}, {one.prompt for one in feedback}
        examples = self.project.examples(self._split)
        free = [one for one in examples if one.id not in items and one.prompt not in prompts]
        return [one for one in free if one.id in self._answered]

    def _earlier(self) -> Sides:
        """Comments of earlier runs that were heeded then."""
        from sayso.cli.effects import effects, read, usable
        from sayso.evaluate.proof import Sides

        found = usable(self.project, _heeded_before(self.project), self.now.kind)[-EARLIER:]
        if not found:
            return Sides()
        was = read(self.project, self.was, found, self.project.start(), ()).answers["none"]
        now = read(self.project, self.now, found, "learn", ()).answers["none"]
        return Sides(effects(self.project, found, was), effects(self.project, found, now))

    def _drift(self) -> list[tuple[float, int]]:
        """KL(before || after) of the answers before; none where a comment holds everywhere, nor for several labels."""
        from sayso.cli.scoring import context_of
        from sayso.errors import DataError
        from sayso.models.divergence import divergences

        everywhere = any(one.scope.reach == "everywhere" for one in self.project.run.feedback())
        if everywhere or self.project.task.several:
            return []
        start, kind = self.project.start(), self.now.kind
        self.now.core.snapshots["start"] = {name: p.detach() for name, p in self.was.core.parameters()}
        pairs = []
        for one in self._uncommented()[:ANSWERS]:
            text = self._answered[one.id][0]
            before, after = (context_of(self.project, one, kind, stage) for stage in (start, "learn"))
            try:
                if text and self.now.row(before, text).targets == self.now.row(after, text).targets:
                    pairs.append(((before, text), (after, text)))
            except DataError:
                continue
        return divergences(self.now, "start", [a for a, _ in pairs], [b for _, b in pairs]) if pairs else []


# ---------------------------------------------------------------- inside


def _heeded_before(project: Project) -> list[Feedback]:
    from sayso.cli.comment import store_of

    own, name = {one.id for one in project.run.feedback()}, project.run.folder.name
    with store_of(project) as store:
        return [one for one in store.all() if one.id not in own and _was_heeded(store.history(one.id), name)]


def _was_heeded(history: Sequence[Outcome], here: str) -> bool:
    elsewhere = [one for one in history if one.run != here]
    return bool(elsewhere) and elsewhere[-1].state is State.HEEDED


def _known(keys: Sequence[str], values: Sequence[float | None]) -> dict[str, float]:
    return {key: value for key, value in zip(keys, values, strict=True) if value is not None}


def _pair(sides: Sides, id_: str) -> tuple[float, float] | None:
    return (sides.before[id_], sides.after[id_]) if id_ in sides.before and id_ in sides.after else None
