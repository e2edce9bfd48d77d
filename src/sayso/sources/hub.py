"""Datasets of the hub (`hub:owner/name[:split]`), and datasets saved on disk by the `datasets` library.

Decided here:
- Only a path that begins with "hub:" may reach the network; a folder is read from disk alone.
- Class numbers become the class names that the dataset itself declares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sayso.dataset.lines import check_options
from sayso.errors import DataError, nearest
from sayso.protocols import RawRow

SUFFIXES = ()
OPTIONS = ("split", "config", "revision")
PREFIX = "hub:"


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Rows of a dataset. Options: split, config, revision."""
    check_options(options, OPTIONS, "hub")
    name = str(path)
    table = _split_of(_download(name, options) if name.startswith(PREFIX) else _saved(path), name, options)
    classes = {key: kind.names for key, kind in table.features.items() if hasattr(kind, "names")}
    for number, row in enumerate(table, 1):
        yield RawRow(number, {key: _named(value, classes.get(key)) for key, value in row.items()})


def _named(value: Any, names: list[str] | None) -> Any:
    known = names is not None and isinstance(value, int) and 0 <= value < len(names)
    return names[value] if known and names else value


def _download(name: str, options: Mapping[str, Any]) -> Any:
    import datasets

    owner_name = name.removeprefix(PREFIX).partition(":")[0]
    try:
        return datasets.load_dataset(owner_name, options.get("config"), revision=options.get("revision"))
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:  # offline, missing, gated, wrong config
        raise DataError(
            f"cannot get the dataset '{owner_name}' from the hub",
            where=name,
            expected="hub:owner/name[:split] of a dataset that this machine can reach or has cached",
            fix=f"download it once while online, or name a local file ({_first_line(error)})",
        ) from error


def _saved(folder: Path) -> Any:
    import datasets

    try:
        return datasets.load_from_disk(str(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"no dataset saved in this folder: {_first_line(error)}",
            where=str(folder),
            expected="a folder written by save_to_disk, or a file",
            fix="name a file of the folder",
        ) from error


def _split_of(found: Any, name: str, options: Mapping[str, Any]) -> Any:
    """One table; of several splits the one that is asked for."""
    if hasattr(found, "features"):
        return found
    after_name = name.removeprefix(PREFIX).partition(":")[2] if name.startswith(PREFIX) else ""
    split = str(after_name or options.get("split", "") or (next(iter(found)) if len(found) == 1 else ""))
    if split not in found:
        raise DataError(
            f"no split '{split}' in this dataset" if split else "this dataset has several splits",
            where=name,
            expected="one of " + ", ".join(sorted(found)),
            fix=nearest(split, found) if split else "add :train to the path, or options.split",
        )
    return found[split]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
