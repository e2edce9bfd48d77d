"""A raw value of a label column becomes the label's name, or a reason why it cannot.

Decided here:
- `data.label_names` (and a file of names, one a line, for numbers from 0) says what raw values mean. A value that
  already is one of those names is accepted, so a mended copy reads like the original.
- Several labels are a JSON list, or parts between "|" or ","; an empty list says that none holds, an empty cell says
  nothing and is listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.dataset.lines import read_lines
from sayso.errors import DataError, nearest
from sayso.records import LABEL_JOINT, join_labels


class Unusable(Exception):
    """Why a row cannot become an example."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What raw values mean (`names`), which labels there may be (`allowed`, empty for any), and how many at once."""

    names: Mapping[str, str]
    allowed: frozenset[str]
    several: bool

    def target(self, raw: Any) -> str:
        """The label as target text. Raises Unusable with the reason."""
        if not self.several:
            return self._name(plain_value(raw))
        return join_labels(dict.fromkeys(self._name(part) for part in self._parts(raw)))

    def _parts(self, raw: Any) -> list[str]:
        values = raw if isinstance(raw, list | tuple) else _json_list(raw)
        if values is not None:
            return [plain_value(value) for value in values]
        text = plain_value(raw)
        if text in self.names or text in self.allowed:
            return [text]
        joint = "|" if "|" in text else ","
        return [part.strip() for part in text.replace("，", ",").split(joint) if part.strip()]

    def _name(self, raw: str) -> str:
        if not raw:
            raise Unusable("no label")
        name = self.names.get(raw, raw)
        known = self.allowed or (frozenset(self.names.values()) if self.names else frozenset())
        if known and name not in known:
            seems_several = not self.several and any(mark in raw for mark in "|,，")
            hint = "set task.several where several may hold" if seems_several else nearest(raw, known)[:120]
            raise Unusable(f"unknown label '{raw[:40]}' ({hint})")
        if LABEL_JOINT.strip() in name and self.several:
            raise Unusable(f"label '{name[:40]}' holds a '|', which stands between labels")
        return name


def labels_of(names: Mapping[str, str], file: Path | None, allowed: Sequence[str], several: bool) -> Labels:
    """The labels of one file. DataError for a label file that cannot be read, or names that the task does not have."""
    known = (_numbered(file) if file else {}) | {str(key): value for key, value in names.items()}
    strange = sorted(set(known.values()) - set(allowed)) if allowed else []
    if strange and file is None:
        raise DataError(
            f"data.label_names leads to '{strange[0]}', which task.labels does not list",
            where="data.label_names",
            fix=nearest(strange[0], allowed),
        )
    return Labels(known, frozenset(allowed), several)


def plain_value(raw: Any) -> str:
    """A number, truth value or text as the text that a person would write. Raises Unusable for anything else."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else str(raw)
    if isinstance(raw, str):
        return raw.strip()
    if isinstance(raw, int):
        return str(raw) if raw.bit_length() < 128 else "a very large number"
    if isinstance(raw, list | tuple):
        raise Unusable("a list of labels where one was expected; set task.several")
    raise Unusable(f"the label is {kind_of(raw)}")


def kind_of(value: Any) -> str:
    """A value's type in words."""
    words = {dict: "an object", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    return "bytes" if isinstance(value, bytes) else words.get(type(value), f"a {type(value).__name__}")


def _json_list(raw: Any) -> list[Any] | None:
    if not isinstance(raw, str) or not raw.lstrip().startswith("["):
        return None
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def _numbered(path: Path) -> dict[str, str]:
    """Names by line number from 0."""
    lines = list(read_lines(path))
    broken = next((line for line in lines if line.problem), None)
    if broken:
        raise DataError(f"the label file cannot be read: {broken.problem}", where=f"{path}, line {broken.number}")
    return {str(line.number - 1): line.text.strip() for line in lines if line.text.strip()}
