"""The study: what was tried, in SQLite beside the run, so that several processes share it and a stopped one goes on.

Decided here:
- Optuna's tree-structured Parzen estimator proposes (Bergstra et al. 2011, NeurIPS), after a few random trials; its
  median rule prunes a trial whose metric at a validation lies below the median of the others at that validation.
- The recipe as it stands is the first trial and is never pruned: everything is compared with it.
- A trial that was stopped, or whose process was killed, is begun again under another number in the same folder, so it
  goes on where its checkpoint is. One whose process is killed twice has failed: perhaps it takes too much memory.
- How many trials there may be is counted under a lock, so that workers together begin no more.
- A study belongs to one question (recipe, data, space, metric); another one is refused, never mixed in.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sayso.errors import RunError, UnsupportedError
from sayso.tune.space import Choices, Dimension, Space, rounded

NAME, FILE = "tune", "study.db"
RANDOM_FIRST = 6  # trials drawn at random before the estimator proposes
MEDIAN_OF = 4  # finished trials before any is pruned
SECOND = 2  # the first validation at which a trial may be pruned, counted from 1
BUSY_SECONDS = 120.0  # how long a worker waits for the others' writing
KILLED_TWICE = "its process was killed twice, perhaps because it takes too much memory"
State = Literal["done", "pruned", "failed", "stopped", "running", "waiting"]


@dataclass(frozen=True, slots=True)
class Budget:
    """When no further trial begins: so many trials, or so many minutes of training; 0 is no bound."""

    trials: int
    minutes: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial to be made: its number, its values by recipe key, the name of its folder, whether it may be pruned."""

    number: int
    values: Mapping[str, Any]
    folder: str
    prunable: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a trial. `value` is None where it has none; `why` says what went wrong."""

    number: int
    state: State
    value: float | None
    values: Mapping[str, Any]
    seconds: float
    why: str
    folder: str
    first: bool


class Study:
    """Trials of one question, asked and told."""

    def __init__(self, study: Any, folder: Path, space: Space) -> None:
        self.study, self.folder, self.space = study, folder, space

    # ------------------------------------------------------------ asking and telling

    def begin(self, start: Mapping[str, Any]) -> None:
        """Put the recipe as it stands first, once."""
        if not self.study.trials:
            self.study.enqueue_trial(dict(start), user_attrs={"first": True, "folder": _folder(0)})

    def ask(self, budget: Budget, workers: int) -> Asked | None:
        """The next trial; None where the budget is used up."""
        with self._alone():
            if self._used_up(budget, workers):
                return None
            trial = self.study.ask({key: _distribution(one) for key, one in self.space.items()})
            attributes = trial.user_attrs
            if "folder" not in attributes:
                trial.set_user_attr("folder", _folder(trial.number))
            first = bool(attributes.get("first"))
            values = dict(trial.params) if first else rounded(trial.params)
            return Asked(trial.number, values, attributes.get("folder", _folder(trial.number)), not first)

    def report(self, asked: Asked, step: int, value: float, seconds: float) -> bool:
        """A validation's value; whether the trial is not worth going on with."""
        from optuna.trial import Trial

        trial = Trial(self.study, self._id(asked.number))
        trial.report(value, step)
        trial.set_user_attr("seconds", seconds)
        return asked.prunable and bool(trial.should_prune())

    def done(self, asked: Asked, value: float, seconds: float) -> None:
        """It came to this value."""
        self._attribute(asked.number, "seconds", seconds)
        self.study.tell(asked.number, value)

    def pruned(self, asked: Asked) -> None:
        """It was not worth going on with; its last value counts."""
        from optuna.trial import TrialState

        self.study.tell(asked.number, state=TrialState.PRUNED)

    def failed(self, number: int, why: str) -> None:
        """It came to nothing, and is not begun again."""
        from optuna.trial import TrialState

        self._attribute(number, "why", why)
        self.study.tell(number, state=TrialState.FAIL)

    def stopped(self, number: int, why: str, killed: int = 0) -> None:
        """It is to be begun again, in the same folder."""
        from optuna.trial import TrialState

        trial = self.study.trials[number]
        self._attribute(number, "why", why)
        self._attribute(number, "again", True)
        self.study.tell(number, state=TrialState.FAIL)
        kept = {key: trial.user_attrs[key] for key in ("first", "folder") if key in trial.user_attrs}
        self.study.enqueue_trial(dict(trial.params), user_attrs=kept | {"killed": killed})

    def take_up(self) -> list[Told]:
        """What an earlier process left running waits to be begun again, or is given up. Nobody else may be at work."""
        left = [one for one in self.study.trials if one.state.name == "RUNNING"]
        for one in left:
            killed = int(one.user_attrs.get("killed", 0)) + 1
            if killed > 1:
                self.failed(one.number, KILLED_TWICE)
            else:
                self.stopped(one.number, "its process ended before it did; it is begun again", killed)
        numbers = {one.number for one in left}
        return [one for one in self.trials() if one.number in numbers]

    # ------------------------------------------------------------ what is known

    def trials(self) -> list[Told]:
        """All trials in their order; one that was begun again is "stopped"."""
        return [_told(one) for one in self.study.trials]

    def best(self) -> Told | None:
        """The finished trial with the highest value, the earlier of two; None before any."""
        finished = [one for one in self.trials() if one.state == "done"]
        return max(finished, key=lambda one: (one.value, -one.number), default=None)

    def known(self, asked: Asked) -> float | None:
        """The value of a finished trial with just these values: the same training would come to the same."""
        same = [one for one in self.trials() if one.state == "done" and rounded(one.values) == rounded(asked.values)]
        return same[0].value if same else None

    def importance(self) -> dict[str, float]:
        """By key its share of what moved the metric (fANOVA: Hutter et al. 2014, ICML); {} with too few trials."""
        from optuna.importance import FanovaImportanceEvaluator, get_param_importances

        values = {one.value for one in self.trials() if one.state == "done"}
        if len(values) < MEDIAN_OF:
            return {}
        found = get_param_importances(self.study, evaluator=FanovaImportanceEvaluator(seed=0))
        return {key: float(value) for key, value in found.items()}

    # ------------------------------------------------------------ inside

    def _used_up(self, budget: Budget, workers: int) -> bool:
        trials = self.trials()
        begun = sum(one.state not in ("stopped", "waiting") for one in trials)
        spent = sum(one.seconds for one in trials) / workers
        over = budget.minutes and spent >= 60 * budget.minutes
        return bool(begun and (over or (budget.trials and begun >= budget.trials)))

    def _id(self, number: int) -> int:
        return int(self.study.trials[number]._trial_id)

    def _attribute(self, number: int, key: str, value: Any) -> None:
        self.study._storage.set_trial_user_attr(self._id(number), key, value)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / ".asking").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def opened(folder: Path, space: Space, of: str, seed: int) -> Iterator[Study]:
    """The study in a folder, made or reopened. `of` names the question that it belongs to; `seed` draws the trials.

    Raises RunError where the folder holds another question's study, UnsupportedError where Optuna is not installed.
    """
    optuna = _optuna()
    folder.mkdir(parents=True, exist_ok=True)
    wait = {"connect_args": {"timeout": BUSY_SECONDS}}
    storage = optuna.storages.RDBStorage(f"sqlite:///{folder / FILE}", engine_kwargs=wait)
    try:
        found = optuna.create_study(
            storage=storage,
            study_name=NAME,
            direction="maximize",
            load_if_exists=True,
            sampler=optuna.samplers.TPESampler(n_startup_trials=RANDOM_FIRST, seed=_fresh(seed, storage)),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=MEDIAN_OF, n_warmup_steps=SECOND),
        )
        if found.user_attrs.setdefault("of", of) != of:
            fix = "name another folder with `run:`, or delete this one to begin anew"
            raise RunError("this folder holds the search of another recipe, space or data", where=str(folder), fix=fix)
        found.set_user_attr("of", of)
        yield Study(found, folder, space)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise UnsupportedError(
            "searching needs Optuna, which is not installed", fix="pip install 'sayso[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _fresh(seed: int, storage: Any) -> int:
    """Another stream of draws each time a study is opened: the first trials would be drawn again else."""
    known = storage.get_all_studies()
    trials = sum(storage.get_n_trials(one._study_id) for one in known)
    return int((seed + 1_000 * trials) % 2**32)


def _folder(number: int) -> str:
    return f"{number:04}"


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choices):
        return CategoricalDistribution(dimension.values)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _told(trial: Any) -> Told:
    attributes = trial.user_attrs
    states: dict[str, State] = {"COMPLETE": "done", "PRUNED": "pruned", "RUNNING": "running", "WAITING": "waiting"}
    state = states.get(trial.state.name, "stopped" if attributes.get("again") else "failed")
    value = trial.value
    if value is None and trial.intermediate_values:
        value = max(trial.intermediate_values.values())
    return Told(
        trial.number,
        state,
        value,
        dict(trial.params or trial.system_attrs.get("fixed_params", {})),
        float(attributes.get("seconds", 0.0)),
        str(attributes.get("why", "")),
        str(attributes.get("folder", _folder(trial.number))),
        bool(attributes.get("first")),
    )
