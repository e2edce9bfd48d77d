"""What each stage depends on: sections of the recipe, the data's bytes, and what earlier stages left.

Decided here:
- A stage is done for a fingerprint. Where that changes, it is not done and begins anew; the others stay.
- A critic's program, or a judge's weights, are part of what was asked of it: with other bytes under the same name the
  comments are gathered anew, and so is what was learnt, since learning asks it about new answers.
- Weights do not depend on how they are scored, nor a training on the comments that come after it: so another
  `evaluate.limit` only scores again, and another method only learns again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.privacy.policy import CHANGES

if TYPE_CHECKING:
    from sayso.cli.project import Project

BLOCK, EVERY = 1 << 20, 1 << 26
_DATA = ("task", "data", "seed")
_SECTIONS = {
    "check": _DATA,
    "baseline": (*_DATA, "evaluate"),
    "base": (*_DATA, "model"),
    "train": (*_DATA, "model", "strategy"),
    "plan": (*_DATA, "model", "strategy", "learn", "evaluate"),
    "comment": (*_DATA, "model", "strategy", "evaluate", "feedback"),
    "learn": (*_DATA, "model", "strategy", "learn"),
}


def fingerprint(project: Project, stage: str) -> str:
    """16 hex digits of all that a stage depends on."""
    recipe = project.recipe.model_dump(include=set(_SECTIONS[stage]))
    return _digest(stage, recipe, sorted(project.data.hashes.items()), list(_besides(project, stage)))


def of_scores(project: Project, stage: str) -> str:
    """The same for the scores of a stage's model."""
    return _digest(fingerprint(project, stage), project.recipe.evaluate.model_dump())


def _besides(project: Project, stage: str) -> Iterator[Any]:
    part, run, privacy = project.recipe.feedback, project.run, project.recipe.privacy
    if privacy.rows in CHANGES:
        yield privacy.model_dump(include={"rows", "kinds", "key"})
    if "model" in _SECTIONS[stage]:
        yield _model_bytes(Path(project.recipe.model.name)) if project.recipe.model.name else ""
    if privacy.canaries:
        yield privacy.canaries
    if stage == "comment" and privacy.comments in (*CHANGES, "refuse"):
        yield privacy.model_dump(include={"comments", "kinds", "key"})
    if stage == "comment":
        yield [_bytes_of(Path(name)) for name in part.files]
        yield run.note("added")
        yield from _critics(project)
    elif stage == "learn":
        yield from _critics(project)
        yield part.held_out
        yield [one.id for one in run.feedback()]


def _critics(project: Project) -> Iterator[str]:
    """The bytes of what the recipe's critics read: programs, and judges' folders."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    for part in project.recipe.feedback.critics:
        critic = find("critics", part.name)
        if hasattr(critic, "files"):
            paths = critic.files(knobs_of(critic, part.knobs, f"critic {part.name}"))
            yield from (_model_bytes(path) if path.is_dir() else _bytes_of(path) for path in paths)


def _bytes_of(path: Path) -> str:
    """A file that is not there is found by the stage itself."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _model_bytes(folder: Path) -> str:
    """A local model's files, so that other weights under the same name are another model; "" for a hub's id.

    Of a large file its size and a block now and then are read: weights that were trained differ everywhere.
    """
    if not folder.is_dir():
        return ""
    text = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        size = file.stat().st_size
        text.update(f"{file.name}:{size}:".encode("utf-8", "surrogatepass"))
        with file.open("rb") as opened:
            for place in range(0, size, EVERY):
                opened.seek(place)
                text.update(opened.read(BLOCK))
    return text.hexdigest()[:16]


def _digest(*facts: Any) -> str:
    return hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
