"""`sayso live`: the learner beside a server: comments become a new version, which the gate lets in or keeps out.

Decided here:
- It is a process of its own, with a low claim on the processor: the server goes on answering. Both meet in the run's
  folder (serve/versions.py) and in the store of comments alone.
- A version goes on from the weights that are served, with the comments that no version has tried yet and those that
  were refused before. Where a comment that was learnt is taken back or superseded, the next version begins at the last
  one that had not learnt it, so nothing of it is left. Words that stand in the prompt are found anew for all comments,
  from where the run's own learning begins.
- The proof and the gate are those of `sayso prove`, against what the version began with. `--eager` also lets in what
  too few comments can prove: where one at least is heeded, if only by coming closer to the better answer, none fell,
  nothing that the gate watches is shown to be worse and the answers have not collapsed (evaluate/alarm.py).
- Every comment stays in the store whatever happens. One that a refused version had learnt waits for the next.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import RecipeError
from sayso.records import Answer, Feedback, Outcome, State

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.serve.versions import Versions

_NOTHING_LEFT = "Rolled back: nothing that this version had learnt stands any more."
KINDNESS = 10  # nice: the server's threads come first
FEW = 8  # comments of which a test can show little


@dataclass(frozen=True, slots=True)
class Turn:
    """One version that was learnt: its number, whether it is served now, why, and what became of its comments."""

    number: int
    promoted: bool
    words: str
    states: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"version": self.number, "promoted": self.promoted, "words": self.words, "states": dict(self.states)}


def live(
    run: Annotated[Path, typer.Argument(help="a run folder, or the recipe that made it")],
    once: Annotated[bool, typer.Option("--once", help="learn what waits now, and end")] = False,
    back: Annotated[bool, typer.Option("--back", help="let the version before be served again, and end")] = False,
    eager: Annotated[bool, typer.Option("--eager", help="let in what too few comments can prove")] = False,
    method: Annotated[str, typer.Option(help="a method's name; the recipe's when empty")] = "",
    store: Annotated[str, typer.Option(help="database of comments; the run's when empty")] = "",
    least: Annotated[int, typer.Option(min=1, help="new comments that are waited for")] = 1,
    every: Annotated[float, typer.Option(min=0.1, help="seconds between two looks at the store")] = 5.0,
    keep: Annotated[
        int | None,
        typer.Option(min=0, help="delete weights of older versions but this many, and those that are needed"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print each version's result as JSON")] = False,
) -> None:
    """Learn in the background from what a server is told, and let in what the gate promotes; or roll back."""
    from sayso.cli.comment import store_of
    from sayso.serve.versions import Versions, roll_back
    from sayso.store.runs import Run

    project = project_at(run, method, store)
    versions = Versions(project.run.folder)
    if back:
        with store_of(project) as kept:
            now = roll_back(versions, kept, "command")
        _print({"version": now, "words": f"Rolled back: version {now} is served."}, as_json=as_json)
        return
    with Run(versions.home).lock():
        os.nice(KINDNESS)
        while True:
            turn = learn_waiting(project, versions, least, eager=eager)
            if turn is not None:
                _print(turn.as_json(), as_json=as_json)
            elif once:
                words = "Nothing to learn: no new comment waits."
                _print({"version": versions.current, "words": words}, as_json=as_json)
            if keep is not None:
                versions.prune(keep)
            if once:
                return
            time.sleep(every)


def project_at(run: Path, method: str = "", store: str = "") -> Project:
    """The project of a run folder or recipe, as it is to be learnt from live. RecipeError where no method is named."""
    from sayso.cli.asked import check_asked
    from sayso.cli.project import Project, prepare
    from sayso.recipe import load
    from sayso.rooms import names
    from sayso.store.runs import Run

    asked = load(run) if run.suffix in (".yaml", ".yml") else None
    found = Run.open(run if asked is None else Project.home(asked))
    recipe = found.recipe()
    learn = recipe.learn.model_copy(update={"method": method, "knobs": {}} if method else {})
    where = store or recipe.feedback.store or str(found.folder.absolute() / "feedback.db")
    feedback = recipe.feedback.model_copy(update={"store": where, "files": []})
    recipe = recipe.model_copy(update={"learn": learn, "feedback": feedback})
    if not learn.method:
        raise RecipeError("no method is named to learn by", fix=f"--method: {', '.join(names('methods'))}")
    check_asked(recipe)
    prepare(recipe)
    return Project(recipe, found)


def learn_waiting(project: Project, versions: Versions, least: int = 1, *, eager: bool) -> Turn | None:
    """Learn what waits as a new version and let the gate rule; None where fewer than `least` new comments wait."""
    from sayso.cli.comment import store_of
    from sayso.serve.versions import roll_back, tell

    found = _waiting(project, versions)
    if not found.feedback and found.stale:
        with store_of(project) as store:
            return Turn(
                roll_back(versions, store, "the learner: its comments were taken back"), True, _NOTHING_LEFT, {}
            )
    if not found.feedback or (found.new < least and not found.stale):
        return None
    number, over = versions.next(), versions.current
    version = _opened(project, versions, number, found)
    with version.run.lock():
        turn = _learnt(version, number, eager=eager)
    if turn.promoted and not versions.promote(number, over, turn.words, max(0, found.start)):
        turn = replace(
            turn, promoted=False, words="Refused: another version is served now than the one it began with."
        )
    if not turn.promoted:
        versions.note("refused", number, turn.words)
        with store_of(project) as store:
            tell(store, version.run, State.WAITING, f"version {number} had learnt it and was not let in: {turn.words}")
    return turn


# ---------------------------------------------------------------- what waits


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The comments of the next version and the version that it begins with (-1: where the run's learning begins).

    `under`: the version that rolling it back leads to. `new`: how many of the comments no version has tried. `stale`:
    the served version had learnt one that no longer stands.
    """

    feedback: tuple[Feedback, ...]
    start: int
    under: int
    new: int
    stale: bool


def _waiting(project: Project, versions: Versions) -> _Waiting:
    from sayso.cli.comment import store_of

    with store_of(project) as store:
        standing = store.all()
    known, way = {one.id for one in standing}, versions.way
    tried = {number: _taught(project, versions, number) for number in range(versions.next())}
    refused = {one.number for one in versions.history if one.deed == "refused"}
    rejected = {one.number for one in versions.history if one.deed == "back"}
    clean = [number for place, number in enumerate(way) if _union(tried, way[: place + 1]) <= known]
    under = clean[-1] if clean else 0
    start = under if clean and not _speaks(project, versions, under) else -1
    kept = set() if start < 0 else _union(tried, way[: way.index(start) + 1])
    gone = _union(tried, rejected) - _union(tried, way)
    wanted = tuple(one for one in standing if one.id not in kept | gone)
    if {one.id for one in wanted} in [tried[number] for number in refused]:
        return _Waiting((), start, under, 0, False)
    new = sum(one.id not in _union(tried, tried) for one in wanted)
    return _Waiting(wanted, start, under, new, clean != [*way])


def _taught(project: Project, versions: Versions, number: int) -> set[str]:
    """The comments that a version has tried; the run's own count where it learnt from them."""
    from sayso.store.runs import Run

    if number == 0:
        return {one.feedback for one in project.run.outcomes()} if project.latest() == "learn" else set()
    return {one.id for one in Run(versions.folder(number)).feedback()}


def _union(tried: Mapping[int, set[str]], numbers: Iterable[int]) -> set[str]:
    return set().union(*(tried[number] for number in numbers if number in tried))


def _stage(project: Project, number: int) -> str:
    """The stage of a version's run that is served: what was let in, even where its own gate had been overruled."""
    return "learn" if number else project.latest()


def _speaks(project: Project, versions: Versions, number: int) -> bool:
    """Whether words of its method stand in a version's prompts: its weights are nothing without them."""
    from sayso.store.runs import Run

    words = Run(versions.folder(number)).note("standing") or {}
    return _stage(project, number) == "learn" and any(words.values())


# ---------------------------------------------------------------- a version


def _opened(project: Project, versions: Versions, number: int, found: _Waiting) -> Project:
    """The project of a version; one that was broken off is gone on with where it would be the same."""
    from sayso.cli.project import Project
    from sayso.recipe import dump
    from sayso.store.runs import Run

    folder = versions.folder(number)
    run = str(folder.absolute())
    recipe = project.recipe.model_copy(update={"name": f"{project.recipe.name[:90]}-v{number}", "run": run})
    begun = {"start": found.start, "comments": [one.id for one in found.feedback], "recipe": dump(recipe)}
    if Run(folder).note("live") != begun:
        shutil.rmtree(folder, ignore_errors=True)
        version = Project(recipe, Run.create(folder, recipe))
        _begin_with(project, versions, found.start, version)
        version.run.write_feedback(found.feedback)
        version.run.write_note("live", begun)
    return Project(recipe, Run.open(folder))


def _begin_with(project: Project, versions: Versions, start: int, version: Project) -> None:
    """The weights that are gone on from are this version's trained ones; their answers are known already."""
    from sayso.cli.fingerprint import of_scores
    from sayso.cli.scoring import write_scores
    from sayso.store.runs import Run

    before = project.run if start < 1 else Run(versions.folder(start))
    stage = project.start() if start < 0 else _stage(project, start)
    here = "base" if stage == "base" else "train"
    if stage != "base":
        link = version.run.weights("train")
        link.parent.mkdir(parents=True)
        link.symlink_to(os.path.relpath(before.weights(stage).resolve(), link.parent.resolve()), True)
    thresholds = before.note(f"thresholds.{stage}")
    if thresholds is not None:
        version.run.write_note(f"thresholds.{here}", thresholds)
    for split in ("validation", "test"):
        examples, answers = version.examples(split), before.answers(stage, split)
        if [one.id for one in examples] != [one.item for one in answers]:
            return
        if examples:
            write_scores(version, here, split, examples, answers)
    version.run.mark_done(f"{here} scored", of_scores(version, here))


def _learnt(version: Project, number: int, *, eager: bool) -> Turn:
    """Learn, prove, and rule."""
    from sayso.cli.learn import learn_stage, states_of
    from sayso.cli.prove import prove_stage
    from sayso.cli.report import report_stage

    learn_stage(version)
    proof = prove_stage(version)
    report_stage(version)
    states = {state: count for state, count in states_of(version).items() if count}
    if not proof:
        return Turn(number, False, "Refused: the method can use none of the comments.", states)
    gate = proof["gate"]
    known = version.run
    words = "" if gate["promoted"] or not eager else eagerly(gate, known.feedback(), known.outcomes(), known.fates())
    return Turn(number, bool(gate["promoted"] or words), words or gate["words"], states)


def eagerly(
    gate: Mapping[str, Any],
    feedback: Sequence[Feedback],
    outcomes: Sequence[Outcome],
    fates: Sequence[Mapping[str, Any]],
) -> str:
    """Why a version is let in that the gate could not tell from chance; "" where it is not."""
    heeded = sum(one.state is State.HEEDED for one in outcomes)
    fell = any(fate.get("fell") for fate in fates)
    if gate.get("losses") or fell or not heeded or len(outcomes) > FEW or _collapsed(feedback, outcomes):
        return ""
    told = "1 comment is" if len(outcomes) == 1 else f"of {len(outcomes)} comments {heeded} are"
    return (
        f"Promoted eagerly: {told} heeded now, too few to show more; "
        "nothing that the gate watches is shown to be worse."
    )


def _collapsed(feedback: Sequence[Feedback], outcomes: Sequence[Outcome]) -> bool:
    """Whether the answers are cut short or repeat themselves beside those that people wrote, or else those before."""
    from sayso.evaluate.alarm import asked_for, collapse, vitals

    better = {one.id: one.revision for one in feedback if one.revision is not None}
    taught = [one for one in outcomes if one.state is not State.REFUSED]
    meant = vitals([Answer(one.feedback, better.get(one.feedback, one.before)) for one in taught])
    now = vitals([Answer(one.feedback, one.after) for one in taught])
    return bool(collapse(meant, now, asked_for(feedback)))


# ---------------------------------------------------------------- for people


def _print(told: Mapping[str, Any], *, as_json: bool) -> None:
    from sayso.cli.console import console
    from sayso.evaluate.outcomes import in_words

    if as_json:
        print(json.dumps(told, ensure_ascii=False), flush=True)
        return
    out = console()
    out.print(f"version {told['version']}: {told['words']}")
    if told.get("states"):
        out.print(in_words(Counter(told["states"])))
