"""The versions of a run's model that were learnt while it was served: a folder each, and a pointer to the current one.

Decided here:
- Version 0 is the run itself; the others are runs in `live/v1`, `live/v2`, ... with recipe, lessons, proof and weights
  of their own. All files of a version are on disk before the pointer names it.
- The pointer is one small file that is written beside and renamed: whoever reads it sees the old version or the new
  one. It carries the way back, so promoting and rolling back are one rename each.
- A version is promoted only over the one that it was learnt from: what was rolled back meanwhile stays so.
- Weights of old versions may be deleted, never those that what is served or the way back to it needs.
- What was decided is a log. A version that neither the log nor the pointer knows was broken off: its number is used
  again, and the learning that was begun there goes on.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sayso.errors import MachineFault, RunError
from sayso.records import State
from sayso.store.feedback import FeedbackStore
from sayso.store.files import append_line, read_json, read_lines, write_text
from sayso.store.runs import Run

FOLDER = "live"
Deed = Literal["promoted", "refused", "back"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a version, when (UTC), and why in words."""

    deed: Deed
    number: int
    words: str
    at: str


class Versions:
    """The versions of one run. Reading needs no lock; RunError for a pointer that cannot be read."""

    def __init__(self, run: Path) -> None:
        self.run = Path(run)
        self.home = self.run / FOLDER

    def folder(self, number: int) -> Path:
        """Where a version's run is; 0 is the run that all began with."""
        return self.home / f"v{number}" if number else self.run

    @property
    def current(self) -> int:
        """The version that is to be served."""
        return self.way[-1]

    @property
    def way(self) -> tuple[int, ...]:
        """From 0 to the current version, each learnt from the one before."""
        if not self._pointer.is_file():
            return (0,)
        found = read_json(self._pointer)
        way = found.get("way") if isinstance(found, dict) else None
        if not isinstance(way, list) or way[:1] != [0] or not all(isinstance(one, int) for one in way):
            fix = "delete it to serve the run as it was before anything was learnt live"
            raise RunError("not a pointer to a version", where=str(self._pointer), fix=fix)
        return tuple(way)

    @property
    def history(self) -> list[Decision]:
        """All decisions, oldest first."""
        return [_decision(line) for _, line in read_lines(self._log, torn=True)]

    def next(self) -> int:
        """The number of the version that is to be learnt: one that was broken off is gone on with."""
        return max(*self.way, *(one.number for one in self.history), 0) + 1

    def promote(self, number: int, over: int, words: str, start: int | None = None) -> bool:
        """Let a version be served; False where meanwhile another than `over` is served, and nothing is changed.

        `start`: the version on the way that it was learnt from, `over` where it is None.
        """
        with self._pointing():
            way = self.way
            if way[-1] != over:
                return False
            on = way if start is None else way[: way.index(start) + 1]
            self._point((*on, number))
            self.note("promoted", number, words)
        return True

    def back(self, words: str) -> int:
        """Let the version before be served again; returns the one that no longer is. RunError where there is none."""
        with self._pointing():
            way = self.way
            if len(way) < 2:
                fix = "nothing was learnt live, or all of it was rolled back"
                raise RunError("there is no version to go back to", where=str(self.run), fix=fix)
            self._point(way[:-1])
            self.note("back", way[-1], words)
        return way[-1]

    def note(self, deed: Deed, number: int, words: str) -> None:
        """Add to the log."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"deed": deed, "number": number, "at": at, "words": words}
        append_line(self._log, line)

    def prune(self, more: int) -> list[int]:
        """Delete the weights of old versions, all but those on the way, the `more` newest of the others, and what any
        of these begins with; returns whose. What they had learnt and why they were decided on stays.

        Nobody goes back to a pruned version. One that the log does not know is being learnt, and is left alone.
        """
        with self._pointing():
            known = sorted({one.number for one in self.history})
            others = [number for number in known if number not in self.way]
            kept = {*self.way, *(others[-more:] if more > 0 else ())}
            while begun := {self._begun_with(number) for number in kept} - kept:
                kept |= begun
            old = [number for number in known if number not in kept and self._heavy(number)]
            for number in old:
                for folder in self._heavy(number):
                    shutil.rmtree(folder)
        return old

    # ------------------------------------------------------------ inside

    def _heavy(self, number: int) -> list[Path]:
        places = (self.folder(number) / name for name in ("weights", "checkpoints"))
        return [place for place in places if place.is_dir()]

    def _begun_with(self, number: int) -> int:
        """The version whose weights this one goes on from; 0 where there is none."""
        link = Run(self.folder(number)).weights("train")
        begun = link.resolve() if number and link.is_symlink() else self.run
        return next((one.number for one in self.history if self.folder(one.number).resolve() in begun.parents), 0)

    @property
    def _pointer(self) -> Path:
        return self.home / "current.json"

    @property
    def _log(self) -> Path:
        return self.home / "history.jsonl"

    def _point(self, way: tuple[int, ...]) -> None:
        write_text(self._pointer, json.dumps({"way": way}) + "\n")

    @contextmanager
    def _pointing(self) -> Iterator[None]:
        """Nobody else moves the pointer meanwhile."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with (self.home / ".pointer").open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise MachineFault(f"cannot be written: {error.strerror}", where=str(self.home)) from error


def roll_back(versions: Versions, store: FeedbackStore, who: str) -> int:
    """Let the version before be served again, and tell its comments so. Returns the version that is served now."""
    gone = versions.back(f"rolled back by {who}")
    tell(store, Run(versions.folder(gone)), State.NOT_HEEDED, f"version {gone}, which had learnt it, was rolled back")
    return versions.current


def tell(store: FeedbackStore, run: Run, state: State, why: str) -> None:
    """What became of a version's comments after all; those that its method could not use stay refused."""
    store.record(replace(one, state=state, why=why) for one in run.outcomes() if one.state is not State.REFUSED)


# ---------------------------------------------------------------- inside


def _decision(line: Mapping[str, Any]) -> Decision:
    return Decision(line["deed"], int(line["number"]), str(line["words"]), str(line["at"]))
