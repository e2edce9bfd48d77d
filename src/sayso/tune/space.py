"""What is searched: ranges and choices by recipe key, from spaces.yaml, the recipe and a file that a person names.

Decided here:
- A preset's ranges lie around the value that the recipe resolves to, so they fit every size of model; what a person
  says names the values themselves, or multiples in the same way.
- A person's entry replaces the built-in one of the same key; an empty one takes the key out of the search.
- The recipe as it stands must lie in the space: it is tried first, and everything is compared with it.
- Only `strategy` may be searched for training, and only `learn` for learning from comments: another model, task or
  data would be another question.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sayso import outline
from sayso.errors import RecipeError, nearest

BOOK = Path(__file__).with_name("spaces.yaml")
ROOTS = {"train": "strategy.", "learn": "learn."}
DIGITS = 3  # of a drawn number: more would only look exact
_RANGE, _CHOICES = {"low", "high", "log", "whole"}, {"choices"}
_TIMES = {"times", "log", "each", "whole"}
Value = float | int | str | bool


@dataclass(frozen=True, slots=True)
class Range:
    """All numbers from low to high; `log`: equal factors are equally likely."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a value lies in it."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Choices:
    """Just these values."""

    values: tuple[Value, ...]

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return value in self.values


Dimension = Range | Choices
Space = Mapping[str, Dimension]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a space depends on: the stage, its preset, the method's name, whether adapters are trained.

    `values`: by recipe key, what the recipe as it stands resolves to.
    """

    stage: str
    preset: str
    method: str
    adapters: bool
    values: Mapping[str, Any]


def space_of(setting: Setting, *asked: tuple[str, Mapping[str, Any]]) -> dict[str, Dimension]:
    """The space of a setting; `asked` are (where it was written, entries by recipe key), the later ones counting.

    Raises RecipeError for a key that is not there or may not be searched, for an entry that is no range and no choice,
    and where the recipe as it stands lies outside.
    """
    space = {key: _dimension(BOOK.name, key, entry, setting) for key, entry in _built_in(setting)}
    for where, entries in asked:
        for key, entry in entries.items():
            _check_key(where, key, setting)
            if entry is None or entry == {}:
                space.pop(key, None)
            else:
                space[key] = _dimension(where, key, entry, setting)
    if not space:
        raise RecipeError("nothing is left to search", fix="leave some keys in the space")
    return space


def start_of(space: Space, setting: Setting) -> dict[str, Any]:
    """The recipe as it stands, as a point of the space. RecipeError where it lies outside."""
    for key, dimension in space.items():
        if not dimension.holds(setting.values[key]):
            raise RecipeError(
                f"the recipe's own value {setting.values[key]!r} lies outside what is searched: {describe(dimension)}",
                where=f"the space -> {key}",
                fix="widen the space: the recipe as it stands is tried first, to compare with",
            )
    return {key: setting.values[key] for key in space}


def rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drawn numbers to DIGITS digits, so that a written recipe can be read."""
    return {key: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for key, value in values.items()}


def describe(dimension: Dimension) -> str:
    """In words: 1e-05 to 0.001, by factors; 8, 16 or 32."""
    if isinstance(dimension, Choices):
        return ", ".join(map(str, dimension.values[:-1])) + f" or {dimension.values[-1]}"
    return f"{dimension.low:g} to {dimension.high:g}" + (", by factors" if dimension.log else "")


def as_json(space: Space) -> dict[str, Any]:
    """The space as plain values."""
    return {key: asdict(dimension) for key, dimension in space.items()}


def read_space(path: Path) -> dict[str, Any]:
    """The entries of a space file. RecipeError where it cannot be read or is no mapping."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the space cannot be read: {error}", where=str(path)) from None
    node = outline.compose(text, str(path))
    plain = None if node is None else outline.plain(node, lambda part: f"{path}:{outline.line_of(part)}")
    if not isinstance(plain, dict):
        raise RecipeError(
            "a space is keys with ranges", where=str(path), expected="strategy.epochs: {low: 2, high: 8}"
        )
    return plain


# ---------------------------------------------------------------- inside


@cache
def _book() -> dict[str, Any]:
    node = outline.compose(BOOK.read_text(encoding="utf-8"), BOOK.name)
    assert node is not None
    book: dict[str, Any] = outline.plain(node, lambda part: f"{BOOK.name}:{outline.line_of(part)}")
    return book


def _built_in(setting: Setting) -> Iterator[tuple[str, Any]]:
    """(recipe key, entry) of what a preset, the adapters and the method search."""
    book = _book()
    found = dict(book["strategy"]) | dict(book["presets"].get(setting.preset) or {})
    if setting.adapters:
        found |= book["adapters"]
    section = "strategy" if setting.stage == "train" else "learn.strategy"
    for key, entry in found.items():
        name = _batch(setting, section) if key == "batch" else f"{section}.{key}"
        usable = name in setting.values if "choices" in (entry or {}) else setting.values.get(name)
        if entry and usable:
            yield name, entry
    for knob, entry in (book["methods"].get(setting.method) or {}).items() if setting.stage == "learn" else ():
        yield f"learn.knobs.{knob}", _with_own(entry, setting.values[f"learn.knobs.{knob}"])


def _with_own(entry: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """A built-in entry, widened to hold the recipe's own value."""
    if "choices" in entry:
        return entry if value in entry["choices"] else {"choices": [*entry["choices"], value]}
    return dict(entry) | {"low": min(entry["low"], value), "high": max(entry["high"], value)}


def _batch(setting: Setting, section: str) -> str:
    rows = f"{section}.batch_rows"
    return rows if setting.values.get(rows) else f"{section}.batch_tokens"


def _check_key(where: str, key: str, setting: Setting) -> None:
    root = ROOTS[setting.stage]
    if not key.startswith(root):
        known = [name for name in setting.values if name.startswith(root)]
        expected = (
            f"a key under {root.removesuffix('.')}, e.g. {root}{'epochs' if root == 'strategy.' else 'knobs.beta'}"
        )
        raise RecipeError(f"'{key}' may not be searched", where=where, expected=expected, fix=nearest(key, known))
    if key not in setting.values:
        raise RecipeError(f"there is no key '{key}'", where=where, fix=nearest(key, setting.values))


def _dimension(where: str, key: str, entry: Any, setting: Setting) -> Dimension:
    if not isinstance(entry, Mapping):
        raise _no_entry(where, key, entry)
    if set(entry) <= _CHOICES and isinstance(entry.get("choices"), list) and entry["choices"]:
        return _choices(where, key, entry["choices"])
    if "times" in entry and set(entry) <= _TIMES:
        return _times(where, key, entry, setting.values[key])
    if {"low", "high"} <= set(entry) <= _RANGE:
        return _range(where, key, entry, setting.values[key])
    raise _no_entry(where, key, entry)


def _choices(where: str, key: str, values: list[Any]) -> Choices:
    if any(not isinstance(value, float | int | str | bool) for value in values):
        raise _no_entry(where, key, {"choices": values})
    return Choices(tuple(dict.fromkeys(values)))


def _times(where: str, key: str, entry: Mapping[str, Any], own: Any) -> Dimension:
    factors = entry["times"]
    numbers = isinstance(factors, list) and all(isinstance(one, int | float) and one > 0 for one in factors)
    if not numbers or not isinstance(own, int | float) or isinstance(own, bool) or own <= 0:
        raise RecipeError(
            f"{key}: multiples of {own!r} are asked for: {factors!r:.60}",
            where=where,
            expected="factors above 0 of a number above 0: [0.5, 1, 2]",
        )
    whole = isinstance(own, int)
    values = [max(1, round(own * one)) if whole else float(f"{own * one:.6g}") for one in factors]
    if entry.get("each"):
        return Choices(tuple(dict.fromkeys(values)))
    return _range(where, key, {"low": min(values), "high": max(values), "log": entry.get("log", False)}, own)


def _range(where: str, key: str, entry: Mapping[str, Any], own: Any) -> Range:
    low, high, log = entry["low"], entry["high"], bool(entry.get("log", False))
    numbers = _is_number(low) and _is_number(high)
    if not numbers or low >= high or (log and low <= 0):
        expected = "two numbers, low below high" + (", both above 0 where log is true" if log else "")
        raise RecipeError(f"{key}: {low!r} to {high!r} is no range", where=where, expected=expected)
    whole = bool(entry.get("whole", isinstance(own, int) and not isinstance(own, bool)))
    return Range(round(low) if whole else float(low), round(high) if whole else float(high), log, whole)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _no_entry(where: str, key: str, entry: Any) -> RecipeError:
    return RecipeError(
        f"{key}: {entry!r:.60} is nothing that can be searched",
        where=where,
        expected="{low: ..., high: ...}, {choices: [...]} or {times: [...]}; an empty entry takes the key out",
    )
