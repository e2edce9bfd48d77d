"""The one step that every export goes through: written beside, replayed in its engine, compared, then put in place.

Decided here:
- Nothing half-written is ever at the target: a bundle is made in a folder beside it and renamed at the end. One that
  is not equal is deleted, and the error says by how much it differs.
- The engine sees inputs only; what the learner said stays here.
- What is not a number, or is of another shape, never agrees.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sayso.bundle import Export, Exporter, Floats, Replay, Replayed, Tolerance, blinded, in_words, notice
from sayso.errors import Fault, UnsupportedError, UserError

ROWS, GOLDEN = 32, 20  # what an agreement rests on at least, where a run has as many


@dataclass(frozen=True, slots=True)
class Agreement:
    """How an engine's outputs compare with the learner's own.

    difference and mean_difference: relative, over all compared places. argmax: share of places with the same
    likeliest entry. tokens: share of the golden answers' tokens that agree up to the first that does not; answers:
    share that are the same from beginning to end. seconds: writing and replaying; size: bytes of the bundle.
    """

    exporter: str
    engine: str
    version: str
    rows: int
    places: int
    golden: int
    difference: float
    mean_difference: float
    argmax: float
    tokens: float
    answers: float
    tolerance: Tolerance
    knobs: dict[str, Any]
    seconds: dict[str, float]
    size: int

    @property
    def holds(self) -> bool:
        """Whether it is within its tolerance; a difference that is no number is not."""
        allowed = self.tolerance
        close = self.difference <= allowed.difference and self.argmax >= allowed.argmax
        return close and self.tokens >= allowed.answers

    @property
    def words(self) -> str:
        """In a line."""
        few = "" if self.rows >= ROWS and self.golden >= GOLDEN else " (the run has no more)"
        return (
            f"{self.exporter}: {self.engine} {self.version} against the trained model in float32 on {self.rows} real "
            f"rows ({self.places} places) and {self.golden} golden prompts{few}: relative difference at most "
            f"{self.difference:.1e}, the same likeliest entry at {self.argmax:.1%} of places, {self.tokens:.1%} of "
            f"greedy answers' tokens agree, {self.answers:.1%} of answers are the same throughout"
        )


def make(export: Export, exporter: Exporter, name: str, knobs: Any, target: Path) -> Agreement:
    """Write, prove and put in place a bundle.

    UnsupportedError for what this exporter cannot carry, Fault beyond tolerance: then nothing is at `target`.
    UserError where something is there already that is no earlier bundle.
    """
    check(export, exporter, name, knobs)
    with _beside(target) as folder:
        began = time.perf_counter()
        exporter.write(export, folder, knobs)
        written = time.perf_counter()
        replayed = exporter.replay(folder, blinded(export.replay), knobs)
        seconds = {"write": written - began, "replay": time.perf_counter() - written}
        found = compared(name, export.replay, replayed, exporter.tolerance(knobs), knobs, seconds, _size(folder))
        if not found.holds:
            raise _refusal(found)
        _told(folder, found, export, exporter.use(export, knobs))
    return found


def check(export: Export, exporter: Exporter, name: str, knobs: Any) -> None:
    """UnsupportedError for what this exporter cannot carry."""
    if export.kind not in exporter.KINDS:
        raise UnsupportedError(
            f"{name} cannot carry {_words(export.kind)}", expected=" or ".join(map(_words, exporter.KINDS))
        )
    exporter.check(export, knobs)


def compared(
    name: str,
    replay: Replay,
    replayed: Replayed,
    tolerance: Tolerance,
    knobs: Any,
    seconds: dict[str, float],
    size: int,
) -> Agreement:
    """The agreement of what an engine answered with what the learner said. Fault for another shape."""
    own, other = replay.logits_NV, replayed.logits_NV
    if own.shape != other.shape or len(replayed.answers) != len(replay.golden):
        raise Fault(
            f"{replayed.engine} answered with logits of shape {other.shape} and {len(replayed.answers)} answers",
            expected=f"shape {own.shape} and {len(replay.golden)} answers",
        )
    apart_N = relative(own, other)
    said = [mine.answer if replayed.recut is None else replayed.recut(mine.answer) for mine in replay.golden]
    pairs = list(zip(said, replayed.answers, strict=True))
    agreed = [prefix(mine, theirs) for mine, theirs in pairs]
    longest = [max(len(mine), len(theirs)) for mine, theirs in pairs]
    same = [mine == theirs for mine, theirs in pairs]
    return Agreement(
        exporter=name,
        engine=replayed.engine,
        version=replayed.version,
        rows=len(replay.rows),
        places=len(own),
        golden=len(replay.golden),
        difference=float(apart_N.max(initial=0.0)),
        mean_difference=float(apart_N.mean()) if len(apart_N) else 0.0,
        argmax=float(_alike(own, other, replay.several).mean()) if len(own) else 1.0,
        tokens=_share(sum(agreed), sum(longest)),
        answers=_share(sum(same), len(same)),
        tolerance=tolerance,
        knobs=asdict(knobs),
        seconds={key: round(value, 3) for key, value in seconds.items()},
        size=size,
    )


def relative(own_NV: Floats, other_NV: Floats) -> Floats:
    """|other - own| / |own| per place, Euclidean over V, in float64; infinite where `other` is no number."""
    own, other = own_NV.astype(np.float64), other_NV.astype(np.float64)
    apart_N = np.linalg.norm(other - own, axis=-1) / np.maximum(np.linalg.norm(own, axis=-1), 1e-12)
    return np.where(np.isfinite(apart_N), apart_N, np.inf).astype(np.float32)


def prefix(mine: Sequence[int], theirs: Sequence[int]) -> int:
    """How many tokens two answers share before the first that differs."""
    pairs = zip(mine, theirs, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(theirs)))


# ---------------------------------------------------------------- inside


def _alike(own_NV: Floats, other_NV: Floats, several: bool) -> Any:
    if several:
        return ((own_NV > 0) == (other_NV > 0)).all(axis=-1)
    return own_NV.argmax(axis=-1) == other_NV.argmax(axis=-1)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _words(kind: str) -> str:
    return {"encoder": "an encoder", "decoder": "a decoder"}.get(kind, "an encoder-decoder")


def _refusal(found: Agreement) -> Fault:
    allowed = found.tolerance
    return Fault(
        f"the export is not the model that was trained. {found.words}",
        expected=f"a relative difference of at most {allowed.difference:g}, {allowed.argmax:.1%} of places and "
        f"{allowed.answers:.1%} of tokens; nothing was left behind",
        fix="export again; where it stays so, take another exporter: this engine does not compute this model",
    )


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target` at the end, and is gone where anything goes wrong."""
    if target.exists() and not (target / "agreement.json").is_file():
        raise UserError("something else is here already", where=str(target), fix="name another folder with --into")
    beside = target.with_name(f".{target.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _told(folder: Path, found: Agreement, export: Export, use: str) -> None:
    """agreement.json for programs; for people README.md: the card, how it is used, how it agrees; and NOTICE.md."""
    (folder / "agreement.json").write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    for language, words in export.card.standing.items():
        use += f"\n\nThese words must stand after the last turn of every prompt ({language}):\n\n```text\n{words}\n```"
    told = f"## How to use it\n\n{use.strip()}\n\n## Proven equal\n\n{found.words}.\n"
    (folder / "README.md").write_text(f"{in_words(export.card)}\n{told}".lstrip(), encoding="utf-8")
    (folder / "NOTICE.md").write_text(notice(export.card), encoding="utf-8")
