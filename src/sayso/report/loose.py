"""Reads notes, which may hold anything or lack anything, as what the report needs.

Decided here:
- A value of another type than expected is as good as absent: a report leaves a part out rather than failing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def mapping(value: object) -> dict[str, Any]:
    """The mapping with its keys as text, else an empty one."""
    return {str(key): item for key, item in value.items()} if isinstance(value, Mapping) else {}


def listing(value: object) -> list[Any]:
    """The list, else an empty one."""
    return list(value) if isinstance(value, list | tuple) else []


def number(value: object) -> float | None:
    """The finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def count(value: object) -> int:
    """The whole number at or above 0, else 0."""
    found = number(value)
    return int(found) if found is not None and found >= 0 else 0


def text(value: object) -> str:
    """A text or a number as text, else an empty text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, str | int | float) else ""


def numbers(value: object) -> dict[str, float]:
    """The finite numbers of a mapping."""
    found = {key: number(item) for key, item in mapping(value).items()}
    return {key: item for key, item in found.items() if item is not None}


def flat(value: object, at: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of all that can be written in a line; lists of such things in one line."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{at} {key}".strip().replace("_", " "))
    elif isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        yield at, ", ".join(map(text, value))
    elif text(value):
        yield at, text(value)
