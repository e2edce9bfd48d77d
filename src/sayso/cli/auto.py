"""`learn.method: auto`: the probe recommends, the two most promising methods are tried, the better one is taken.

Decided here:
- They are tried as they would learn, in as many rounds and with the same programs to ask, by the knobs' own values.
- They are tried on a slice of the comments to learn from, part of which is held out for it. The comments that the run
  holds out are not looked at: what is said of them in the end has chosen nothing.
- Better is what does more of what the slice's held-out comments ask; where two are level, what believes more in their
  better answers; else the recommended one.
- The choice holds for the same comments, model and settings. It is made once, and said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sayso.errors import UnsupportedError
from sayso.records import Feedback, to_json

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.evaluate.measured import Measured
    from sayso.models.open import AnyLearner
    from sayso.protocols import Material
    from sayso.store.split import Halves

AUTO = "auto"
SLICE = 48  # comments
TESTED = 3  # one in so many is held out of the slice, where the comments do not say
LEVEL = 0.005  # a difference of shares


def chosen_method(project: Project) -> str:
    """The recipe's method; for `auto` the one that is chosen. UnsupportedError where none can learn from them."""
    if project.recipe.learn.method != AUTO:
        return project.recipe.learn.method
    run, print_of = project.run, f"{project.fingerprint('learn')}:{project.start()}"
    note = run.note(AUTO)
    if note is None or not run.done(AUTO, print_of):
        from sayso.cli.console import console

        note = _chosen(project)
        run.write_note(AUTO, note)
        run.mark_done(AUTO, print_of)
        for words in note["words"]:
            console(stderr=True).print(f"auto     {words}")
    return str(note["method"])


# ---------------------------------------------------------------- inside


@dataclass(frozen=True, slots=True)
class _Trial:
    """A method that was tried: by comment's id how far it does what was asked, and what it believes."""

    method: str
    shares: Mapping[str, float]
    beliefs: Mapping[str, float]


def _chosen(project: Project) -> dict[str, Any]:
    from sayso.cli.probe import probe_stage
    from sayso.store.split import hold_out

    probed = probe_stage(project)
    methods, why = probed["methods"][:2], " ".join(probed["why"])
    if not methods:
        fix = "write revisions of some answers, or name a method yourself: learn.method"
        raise UnsupportedError(f"no method can learn from these comments: {why}", fix=fix)
    feedback, recipe = project.run.feedback(), project.recipe
    halves = _slice(hold_out(feedback, recipe.feedback.held_out, recipe.seed).learn, recipe.seed)
    if len(methods) < 2 or not halves.held_out:
        return {"method": methods[0], "tried": [], "words": [f"{methods[0]} is recommended. {why}"]}
    first, second = (_tried(project, name, halves) for name in methods)
    compared = _compared(project, first, second)
    taken, found = methods[_better(*compared)], [one for one in compared if one is not None]
    words = [f"{methods[0]} is recommended. {why}", *(one.words for one in found), f"{taken} is taken."]
    return {"method": taken, "tried": [to_json(one) for one in found], "words": words}


def _slice(feedback: Sequence[Feedback], seed: int) -> Halves:
    """Some of the comments in two parts, by rule or item as for a run."""
    from sayso.store.split import Halves, hold_out

    some = list(feedback[:: max(1, len(feedback) // SLICE)][:SLICE])
    halves = hold_out(some, 1 / TESTED, seed)
    if halves.held_out or len(some) < TESTED:
        return halves
    held = some[TESTED - 1 :: TESTED]
    return Halves(tuple(one for one in some if one not in held), tuple(held))


def _tried(project: Project, name: str, halves: Halves) -> _Trial:
    """Learn one part of the slice by a method, and measure the other."""
    from sayso.cli.effects import effects, read, usable
    from sayso.cli.knobs import knobs_of
    from sayso.cli.learn import material_for
    from sayso.cli.rounds import material_of
    from sayso.rooms import find

    method = find("methods", name)
    knobs = knobs_of(method, {}, f"learn -> knobs of {name}")
    learner = project.learner(project.start(), training="learn")
    learner.core.remember("start")
    project.run.write_note("standing", {language: method.standing(knobs, language) for language in ("zh", "en")})
    material = material_for(project, learner, method, halves.learn)
    for number in range(material.rounds):
        _taught(project, learner, method, material_of(material, number), knobs)
    tested = usable(project, halves.held_out, learner.kind)
    found = read(project, learner, tested, "learn", ())
    shares = effects(project, tested, found.answers.get("none", {}))
    return _Trial(name, shares, found.beliefs.get("none", {}))


def _taught(project: Project, learner: AnyLearner, method: Any, material: Material, knobs: Any) -> None:
    """One round: its lessons, and the words that it found, which stand in the prompt from now on."""
    from sayso.learn.loop import Training, train

    syllabus = method.lessons(material, knobs)
    if syllabus.standing:
        project.run.write_note("standing", dict(syllabus.standing))
    if syllabus.lessons:
        strategy = project.strategy(learner, "learn", len(syllabus.lessons))
        training = Training(strategy, method.objective(knobs), material.seed, remembered=True)
        for _ in train(learner, syllabus.lessons, training):
            pass


def _compared(project: Project, first: _Trial, second: _Trial) -> tuple[Measured | None, Measured | None]:
    """Shares, beliefs: the second less the first."""
    from sayso.evaluate.measured import Draw, Measure, paired

    draw = Draw(project.recipe.evaluate.resamples, project.recipe.seed)
    sides = (f"by {first.method}", f"by {second.method}")
    done = Measure("share", "comments of the slice done as asked", sides)
    believed = Measure("belief", "log p of the slice's better answers", sides, "nats")
    shares = paired(done, first.shares, second.shares, draw)
    return shares, paired(believed, first.beliefs, second.beliefs, draw)


def _better(share: Measured | None, belief: Measured | None) -> int:
    """0 for the first, 1 for the second."""
    if share is not None and abs(share.difference) > LEVEL:
        return int(share.difference > 0)
    return int(belief is not None and belief.difference > 0)
