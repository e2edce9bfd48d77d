"""What an audit is given and what it hands back: a question of trust, asked of a run, answered in plain words.

Decided here:
- An audit is handed a Subject and opens nothing itself: which weights there are, and how they are opened, is known to
  the command alone.
- What an audit cannot see is part of its answer, not of its documentation: a reader of the result reads it too.
- A figure carries its n and its interval; a finding says how serious it is and what can be done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sayso.records import Example, Feedback, Lesson

if TYPE_CHECKING:
    from sayso.protocols import Learner, Task
    from sayso.recipe import Recipe
    from sayso.store.runs import Run

Level = Literal["fine", "note", "warning"]
Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in words. `fine`: it was looked into, and there is nothing to worry about."""

    level: Level
    what: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure on `n` items. `stage` is "base", "train" or "learn", "" where it is of no model.

    `unit` is "share" (in [0, 1]), "points" (a difference of shares), "nats", "bits" or what it counts.
    """

    name: str
    value: float
    unit: str = "share"
    n: int = 0
    interval: tuple[float, float] | None = None
    stage: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings: worst cases, kinds, groups. A cell is a text or a number."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit hands back. `details` are plain values for programs, shown to nobody."""

    findings: tuple[Finding, ...]
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


class Subject(Protocol):
    """A run that is audited: its data, comments and lessons, and its model as it was after each stage."""

    @property
    def recipe(self) -> Recipe: ...
    @property
    def run(self) -> Run: ...
    @property
    def task(self) -> Task: ...
    @property
    def stages(self) -> tuple[str, ...]:
        """ "base" and those of "train" and "learn" that have weights, in this order."""
        ...

    @property
    def result(self) -> str:
        """The stage whose weights are the run's result (a learnt model that the gate refused is not)."""
        ...

    def learner(self, stage: str) -> Learner:
        """The model as it is after a stage. The one asked for last is kept open, another one is opened anew."""
        ...

    def train(self) -> Sequence[Example]:
        """The training rows."""
        ...

    def examples(self, split: str) -> Sequence[Example]:
        """The scored items of "validation" or "test"; [] where there are none."""
        ...

    def feedback(self) -> Sequence[Feedback]:
        """The comments of the run, held out ones included."""
        ...

    def lessons(self, stage: str) -> Sequence[Lesson]:
        """What "train" or "learn" taught; [] where it has not said."""
        ...


class Audit(Protocol):
    """A file in audits/: its module is the audit.

    ASKS is the question in words; CANNOT_SEE are the limits of the answer, whole sentences.
    """

    Knobs: type[Any]
    ASKS: str
    CANNOT_SEE: tuple[str, ...]

    def audit(self, subject: Subject, knobs: Any) -> Audited:
        """UnsupportedError, with the reason, where the question makes no sense for this run."""
        ...
