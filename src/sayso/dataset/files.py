"""All files of a project: one Loaded per split, the validation part taken from training where no file gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sayso.dataset.columns import Columns
from sayso.dataset.examples import Loaded, load
from sayso.dataset.splits import split_validation
from sayso.errors import DataError
from sayso.records import Split

if TYPE_CHECKING:
    from sayso.recipe import DataPart, TaskPart

SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def load_files(task: TaskPart, data: DataPart, base: Path) -> dict[str, Loaded]:
    """The files that the recipe names, by split. DataError where it names none."""
    loaded: dict[str, Loaded] = {
        split: load(part, split, task, data, base) for split in SPLITS if (part := getattr(data, split)) is not None
    }
    if not loaded:
        raise DataError(
            "the recipe names no data", where="data", expected="data.train.path", fix="`sayso init` writes a sample"
        )
    return loaded


def with_validation(loaded: Mapping[str, Loaded], share: float, seed: int) -> dict[str, Loaded]:
    """The same, with a share of the training rows as validation where there is none."""
    return _with(loaded, "validation", share, seed)


def with_splits(loaded: Mapping[str, Loaded], data: DataPart, seed: int) -> dict[str, Loaded]:
    """The same, with the shares of the training rows that the recipe takes as test and as validation."""
    return with_validation(_with(loaded, "test", data.test_share, seed + 1), data.validation_share, seed)


def _with(loaded: Mapping[str, Loaded], split: str, share: float, seed: int) -> dict[str, Loaded]:
    if "train" not in loaded or split in loaded or share == 0:
        return dict(loaded)
    train = loaded["train"]
    kept, taken = split_validation(train.examples, share, seed)
    said = (f"{share:.3g} of the training rows",)
    part = Loaded(tuple(taken), (), Columns(), train.source, train.path, train.hash, len(taken), said)
    rest = replace(train, examples=tuple(kept), rows=train.rows - len(taken))
    found = {**loaded, "train": rest, split: part}
    return {name: found[name] for name in SPLITS if name in found}
