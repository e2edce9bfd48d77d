"""Rounds of learning: the method writes its lessons from the learner as it then is, the loop teaches them, and again.

Decided here:
- A round goes on from the last weights of the one before: what it is to bring may look like a loss for a while, or not
  be seen by the validation at all (a refiner). Kept in the end are the weights that validated best in any of them.
- What anchors and pairs are held against, the teacher "start", stays the model as it was before the first round, so
  that rounds do not add up to a drift that nobody sees.
- A round's lessons are drawn once and written down. Stopped and begun again, the round goes on with them; a finished
  round is not repeated. Each round draws with a seed of its own, the first with the recipe's.
- A collapse ends the learning: the best weights before it are kept and no further round is begun. Where nothing is
  validated, it is looked for at the end of a round, which is then undone.
- A comment is refused where no round could use it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.records import Lesson, Objective, lesson_from_json, to_json

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.cli.watch import Watch
    from sayso.learn.loop import Event, Validate
    from sayso.models.open import AnyLearner
    from sayso.protocols import Material, Syllabus
    from sayso.recipe import LearnPart
    from sayso.store.runs import Run

STRIDE = 1_000_003  # between the seeds of two rounds, so that they are not those of neighbouring runs


@dataclass(frozen=True)
class Course:
    """How one learning is taught: the method's lessons and losses, what they are written from, what is watched.

    The loop's events go `through` a generator, which may stop the learning.
    """

    lessons: Callable[[Material], Syllabus]
    objective: Objective
    material: Material
    watch: Watch
    validate: Validate | None
    metric: str
    through: Callable[[Iterator[Event]], Iterator[Event]] = iter


@dataclass(frozen=True)
class Taught:
    """How many lessons all rounds taught, why comments were of no use to any of them, and which words now stand."""

    lessons: int
    refused: Mapping[str, str]
    standing: Mapping[str, str]

    @property
    def something(self) -> bool:
        """Whether the learnt model is another one than before, or is asked in another way."""
        return self.lessons > 0 or any(self.standing.values())


def rounds_of(asked: LearnPart, method: Any) -> int:
    """The recipe's number of rounds, else the method's own, else one."""
    return asked.rounds or int(getattr(method, "ROUNDS", 1))


def material_of(material: Material, number: int) -> Material:
    """What the method reads in this round, counted from 0."""
    return replace(material, round=number, seed=material.seed + STRIDE * number)


def teach_rounds(project: Project, learner: AnyLearner, course: Course) -> Taught:
    """All rounds, those that are done left out. The learner has changed afterwards."""
    return _Rounds(project, learner, course).run()


def forget_rounds(run: Run) -> None:
    """Once the outcome is kept elsewhere nothing goes on from the rounds; a single training's best weights stay."""
    from sayso.learn.checkpoints import forget_steps

    folder = run.checkpoints("learn")
    forget_steps(folder)
    (folder / SYLLABUS).unlink(missing_ok=True)
    for each in folder.glob("round-*"):
        shutil.rmtree(each, ignore_errors=True)


# ---------------------------------------------------------------- inside

SYLLABUS = "syllabus.json"


class _Rounds:
    """One learning in progress."""

    def __init__(self, project: Project, learner: AnyLearner, course: Course) -> None:
        self.project, self.learner, self.course, self.run_ = project, learner, course, project.run
        self.total = course.material.rounds
        self.taught: list[Lesson] = []
        self.refused: dict[str, str] = {}
        self.used: set[str] = set()
        self.standing: Mapping[str, str] = {}
        self.said: set[str] = set()
        self.keeps_last = project.asked("learn").keep == "last"

    def run(self) -> Taught:
        self.begun = self.run_.done("learn begun", self.project.fingerprint("learn"))
        halted = ""
        for number in range(self.total):
            if self._is_finished(number):
                continue
            halted = self._round(number)
            if halted:
                break
        if self.total > 1 and self.course.validate is not None and (halted or not self.keeps_last):
            self._restore_best()
        refused = {one: why for one, why in self.refused.items() if one not in self.used}
        return Taught(len(self.taught), refused, self.standing)

    def _is_finished(self, number: int) -> bool:
        """A round that another process finished: the learner becomes what it was then."""
        from sayso.learn.checkpoints import load_end

        weights = load_end(self._folder(number)) if self.begun else None
        if weights is None:
            return False
        self._put(weights)
        self._remember(self._syllabus(number))
        return True

    def _round(self, number: int) -> str:
        """Write, teach, look. Returns what collapsed, in words."""
        syllabus, earlier = self._syllabus(number), len(self.taught)
        self._remember(syllabus)
        new = tuple(words for words in syllabus.notices if words not in self.said)
        self.said |= {*new}
        for words in new:
            self._say(number, words)
        self.run_.write_lessons("learn", self.taught)
        halted = self._teach(number, syllabus.lessons, earlier) if syllabus.lessons else ""
        seen = self.course.watch.look()
        if not halted and syllabus.lessons and self.course.validate is None:
            halted = self._undone(number)
        self._note(number, replace(syllabus, notices=new), seen, halted)
        if syllabus.lessons and not halted and number + 1 < self.total:
            self._keep(number)
        return halted

    def _teach(self, number: int, lessons: Sequence[Lesson], earlier: int) -> str:
        from sayso.cli.follow import NO_PAST, Past, follow
        from sayso.learn.checkpoints import halted
        from sayso.learn.loop import Training, train

        project, course, folder = self.project, self.course, self._folder(number)
        strategy = project.strategy(self.learner, "learn", len(lessons))
        seed = material_of(course.material, number).seed
        training = Training(
            strategy,
            course.objective,
            seed,
            folder,
            course.validate,
            course.metric,
            newer_wins=True,
            remembered=True,
            earlier=earlier,
            restore=self.total == 1,
        )
        past = Past.before(self.run_, "learn", number + 1) if self.total > 1 else NO_PAST
        events = course.through(train(self.learner, lessons, training))
        follow(events, self.run_, "learn", tuple(project.recipe.trackers), past)
        return halted(folder)

    def _undone(self, number: int) -> str:
        """Where nothing is validated a collapse is found only now: back to the weights that the round began with."""
        from sayso.learn.checkpoints import load_end

        words = self.course.watch.collapse()
        if words:
            earlier = [load_end(self._folder(one)) for one in range(number)]
            before = next((one for one in reversed(earlier) if one is not None), None)
            self._put(self.learner.core.snapshots["start"] if before is None else before)
            self._say(number, f"undone: {words}")
        return words

    def _restore_best(self) -> None:
        """The learner becomes what validated best, whichever round that was in."""
        from sayso.learn.checkpoints import best_of, load_best

        folders = [self._folder(number) for number in range(self.total)]
        best = best_of(folders)
        weights = load_best(folders[best[0]]) if best is not None else None
        if best is None or weights is None:
            return
        self._put(weights)
        number, found = best
        note = self.run_.note("rounds") or {}
        kept = {"round": number + 1, "step": found.best_step, self.course.metric: found.best_value}
        self.run_.write_note("rounds", note | {"kept": kept})
        self._say(number, f"its weights after step {found.best_step} are kept: {self.course.metric} was best there")

    # ------------------------------------------------------------ what is written down

    def _syllabus(self, number: int) -> Syllabus:
        """The lessons that this round wrote before it was stopped, else new ones."""
        from sayso.protocols import Syllabus
        from sayso.store.files import read_json, write_text

        file = self._folder(number) / SYLLABUS
        if self.begun and file.is_file():
            kept = read_json(file)
            lessons = tuple(map(lesson_from_json, kept.pop("lessons")))
            return Syllabus(lessons, kept["refused"], tuple(kept["notices"]), kept["standing"], tuple(kept["stand"]))
        made = self.course.lessons(material_of(self.course.material, number))
        self.project.begin("learn")
        self.begun = True
        plain = {"refused": dict(made.refused), "notices": made.notices}
        plain |= {"standing": dict(made.standing), "stand": made.stand}
        write_text(file, json.dumps({"lessons": list(map(to_json, made.lessons)), **plain}))
        return made

    def _remember(self, syllabus: Syllabus) -> None:
        """Count it among the rounds; words that it found stand in the prompt from now on."""
        self.taught += syllabus.lessons
        self.used |= {*syllabus.stand, *(one for lesson in syllabus.lessons for one in lesson.from_ids)}
        self.refused |= syllabus.refused
        if syllabus.standing:
            self.standing = syllabus.standing
            self.run_.write_note("standing", dict(syllabus.standing))

    def _note(self, number: int, syllabus: Syllabus, seen: Mapping[str, float], halted: str) -> None:
        """What the report tells of this round, beside the rounds before it."""
        from sayso.evaluate.alarm import in_words

        kept = [one for one in (self.run_.note("rounds") or {}).get("rounds", []) if one["round"] <= number]
        facts = {"round": number + 1, "lessons": len(syllabus.lessons), "refused": len(syllabus.refused)}
        told = {"notices": list(syllabus.notices), "halted": halted, "watched": dict(seen), "seen": in_words(seen)}
        self.run_.write_note("rounds", {"of": self.total, "rounds": [*kept, facts | told]})
        if self.total > 1:
            self._say(number, f"{facts['lessons']:,} lessons" + (f"; {in_words(seen)}" if seen else ""))

    def _keep(self, number: int) -> None:
        from sayso.learn.checkpoints import save_end

        save_end(self._folder(number), {name: p.detach() for name, p in self.learner.core.parameters()})

    def _put(self, weights: Mapping[str, Any]) -> None:
        import torch

        with torch.no_grad():
            for name, p in self.learner.core.parameters():
                p.copy_(weights[name])

    def _folder(self, number: int) -> Path:
        """One training's checkpoints lie where they do without rounds."""
        folder = self.run_.checkpoints("learn")
        return folder / f"round-{number + 1}" if self.total > 1 else folder

    def _say(self, number: int, words: str) -> None:
        from sayso.cli.console import console

        which = f"round {number + 1} of {self.total}: " if self.total > 1 else ""
        if words:
            console(stderr=True).print(f"learn    {which}{words}")
