"""The search of `sayso tune`: workers ask the study for trials, train them, and tell it what they came to.

Decided here:
- A worker is this process, or, with several, a process of its own that opens data and model itself. Ctrl-C reaches the
  first process, which passes it on once; a worker whose first process is gone stops at its next validation.
- At each validation the named metric is reported; where the study says that it is not worth it, the training ends.
- A training that fails (a loss that is not finite, no memory) is a trial that failed, and the search goes on; where
  the recipe as it stands fails, that is an error of the recipe.
- Where validations come after so many steps, they come after as many rows with any size of batch, so that trials are
  compared at the same point.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.cli.trial import Question, Trial, changed, forget, tally, tried
from sayso.errors import SaysoError
from sayso.store.runs import Run

if TYPE_CHECKING:
    from sayso.evaluate.tally import Tally
    from sayso.learn.loop import Event
    from sayso.recipe import Recipe
    from sayso.tune.space import Space
    from sayso.tune.study import Asked, Budget, Study, Told

POLL_SECONDS = 0.5


class Pruned(Exception):
    """The trial is not worth going on with."""


@dataclass(frozen=True)
class Search:
    """What is searched, where, and how long."""

    question: Question
    space: Space
    start: Mapping[str, Any]
    folder: Path
    of: str
    budget: Budget
    workers: int = 1


@dataclass(frozen=True)
class Spawned:
    """What a worker needs to ask the same question in a process of its own."""

    recipe: Recipe
    stage: str
    search: dict[str, Any]
    index: int
    parent: int


def search_all(search: Search) -> None:
    """Try until the budget is used up. What an earlier process left unfinished is begun again first."""
    from sayso.tune.study import opened

    with opened(search.folder, search.space, search.of, search.question.recipe.seed) as study:
        study.begin(search.start)
        _take_up(search, study)
    if search.workers == 1:
        work(search)
        return
    while _in_parallel(search):  # a worker was killed: its trial is begun again
        pass


def work(search: Search, index: int = 0, parent: int = 0) -> None:
    """One worker: ask, train, tell, until there is nothing left to ask. parent: a process to end with, 0 for none."""
    from sayso.tune.study import opened

    seed = search.question.recipe.seed + 7_919 * index
    with opened(search.folder, search.space, search.of, seed) as study:
        while (asked := study.ask(search.budget, search.workers)) is not None:
            _one(search, study, asked, parent)
            if search.workers == 1:
                say_trial(study.trials()[asked.number], study)


def recipe_of(question: Question, values: Mapping[str, Any]) -> Recipe:
    """The question's recipe with these values, validated after as many rows as before."""
    recipe = changed(question.recipe, values)
    section = "strategy" if question.stage == "train" else "learn.strategy"
    asked = recipe.strategy if question.stage == "train" else recipe.learn.strategy
    rows = f"{section}.batch_rows"
    own = question.recipe.strategy if question.stage == "train" else question.recipe.learn.strategy
    if asked.validate_every and own.batch_rows and rows in values:
        every = max(1, round(asked.validate_every * own.batch_rows / asked.batch_rows))
        return changed(recipe, {f"{section}.validate_every": every})
    return recipe


def trained(search: Search, name: str, recipe: Recipe) -> Tally:
    """A training outside the study, to its end; what is done is not repeated. Its metric item by item."""
    folder = search.folder / "again" / name
    tried(Trial(search.question, folder, recipe))
    return tally(search.question, folder)


def say_trial(told: Told, study: Study) -> None:
    """One line about a trial, on stderr."""
    from sayso.cli.console import console

    best = study.best()
    which = f"trial {told.number} ({'the recipe as it stands' if told.first else written(told.values)})"
    value = "" if told.value is None else f" {told.value:.4g}"
    so_far = f"; best so far {best.value:.4g}, trial {best.number}" if best is not None else ""
    why = f": {told.why}" if told.why else ""
    console(stderr=True).print(f"{which}: {told.state}{value}{why}{so_far}")


def written(values: Mapping[str, Any]) -> str:
    """Values in a line, by the last part of their keys."""
    return ", ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in values.items())


# ---------------------------------------------------------------- one trial


def _one(search: Search, study: Study, asked: Asked, parent: int) -> None:
    """Train one trial and tell the study."""
    began, known = time.monotonic(), study.known(asked)
    if known is not None:
        study.done(asked, known, 0.0)
        return
    folder = search.folder / "trials" / asked.folder
    watched = _Watched(search, study, asked, folder, parent)
    try:
        recipe = recipe_of(search.question, asked.values)
        result = tried(Trial(search.question, folder, recipe), watched.through)
        study.done(asked, result.value, time.monotonic() - began)
    except Pruned:
        study.pruned(asked)
        forget(folder)
    except KeyboardInterrupt:
        study.stopped(asked.number, "it is begun again by the same command")
        say_trial(study.trials()[asked.number], study)
        raise
    except SaysoError as error:
        study.failed(asked.number, error.what)
        forget(folder)
        if not asked.prunable:
            raise


class _Watched:
    """Reports a trial's validations to the study."""

    def __init__(self, search: Search, study: Study, asked: Asked, folder: Path, parent: int) -> None:
        self.search, self.study, self.asked, self.parent = search, study, asked, parent
        self.run, self.began = Run(folder), time.monotonic()

    def through(self, events: Iterator[Event]) -> Iterator[Event]:
        """The same events. Pruned where the study says so, KeyboardInterrupt where the first process is gone."""
        from sayso.learn.loop import Validation

        for event in events:
            yield event
            if isinstance(event, Validation):
                self._report(event.values)

    def _report(self, values: Mapping[str, float]) -> None:
        """The event has been written by now, so the run knows how many validations there were."""
        if self.parent and os.getppid() != self.parent:
            raise KeyboardInterrupt
        stage, metric = self.search.question.stage, self.search.question.metric
        lines = [one for one in self.run.metrics() if one.get("stage") == stage and one.get("kind") == "validation"]
        value = values["balance" if "balance" in values else metric]
        if len(lines) > 1 and self.study.report(self.asked, len(lines) - 1, value, time.monotonic() - self.began):
            raise Pruned


# ---------------------------------------------------------------- workers


def _take_up(search: Search, study: Study) -> None:
    """Trials that nobody is at work on any more. RunError where somebody is."""
    for told in study.trials():
        folder = search.folder / "trials" / told.folder
        if told.state == "running" and folder.is_dir():
            with Run(folder).lock():
                pass
    for told in study.take_up():
        say_trial(told, study)


def _in_parallel(search: Search) -> bool:
    """All workers until they end. Whether one of them was killed at a trial that is to be begun again."""
    import multiprocessing

    from sayso.tune.study import opened

    context = multiprocessing.get_context("spawn")
    plain = {"space": search.space, "start": search.start, "folder": search.folder, "of": search.of}
    plain |= {"budget": search.budget, "workers": search.workers}
    recipe, stage = search.question.recipe, search.question.stage
    parts = [Spawned(recipe, stage, plain, index, os.getpid()) for index in range(search.workers)]
    workers = [context.Process(target=_spawned, args=(part,)) for part in parts]
    for one in workers:
        one.start()
    with opened(search.folder, search.space, search.of, search.question.recipe.seed) as study:
        _wait(workers, study)
        _raise_first_failure(study)
        _raise_broken(search, workers)
        left = study.take_up()
        for told in left:
            say_trial(told, study)
    return any(one.state == "stopped" for one in left)


def _wait(workers: list[Any], study: Study) -> None:
    """Until all have ended; trials are told as they end. Ctrl-C is passed on, and waited for."""
    said = {one.number for one in study.trials() if one.state not in ("running", "waiting")}
    try:
        while any(one.is_alive() for one in workers):
            time.sleep(POLL_SECONDS)
            said |= _say_new(study, said)
        _say_new(study, said)
    except KeyboardInterrupt:
        for one in workers:
            if one.is_alive() and one.pid is not None:
                os.kill(one.pid, signal.SIGINT)
        for one in workers:
            one.join()
        _say_new(study, said)
        raise


def _say_new(study: Study, said: set[int]) -> set[int]:
    ended = [one for one in study.trials() if one.number not in said and one.state not in ("running", "waiting")]
    for told in ended:
        say_trial(told, study)
    return {one.number for one in ended}


def _raise_first_failure(study: Study) -> None:
    """The recipe as it stands does not train: that is no trial's failure."""
    from sayso.errors import TrainingFault

    first = next((one for one in study.trials() if one.first and one.state == "failed"), None)
    if first is not None:
        raise TrainingFault(f"the recipe as it stands does not train: {first.why}", fix="mend the recipe first")


def _raise_broken(search: Search, workers: list[Any]) -> None:
    """A worker that ended with an error of its own, not by a signal and not with a trial."""
    from sayso.errors import MachineFault

    for number, one in enumerate(workers, 1):
        if (one.exitcode or 0) > 0:
            log = str(search.folder / f"worker-{number}.log")
            raise MachineFault(f"worker {number} ended with an error", where=log, fix="its last lines say why")


def _spawned(part: Spawned) -> None:
    """A worker's process. What it would show goes into a file beside the study: the first process tells of trials."""
    from sayso.cli.project import prepare

    os.setsid()  # a terminal's Ctrl-C reaches the first process alone
    folder = part.search["folder"]
    with (folder / f"worker-{part.index + 1}.log").open("a", encoding="utf-8", buffering=1) as log:
        sys.stdout = sys.stderr = log
        try:
            prepare(part.recipe)
            question = Question.of(part.recipe, "learn" if part.stage == "learn" else "train")
            work(Search(question, **part.search), part.index, part.parent)
        except KeyboardInterrupt:
            pass
        except SaysoError as error:
            print(error)
            sys.exit(error.exit_code)
        except Exception:
            traceback.print_exc()
            sys.exit(1)
        finally:
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
