"""Reads YAML into a pydantic model, knowing at each place what is expected there and on which line it was written.

Decided here:
- Where text is expected, `on`, `007` and `no` are the text as written; where a number is expected, "3e-5" is one;
  truth is true/false, yes/no or on/off. An empty section is a section of defaults.
- The first thing that does not fit is an error: file:line, section -> key, the value, what was expected, the nearest
  name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from sayso import outline
from sayso.errors import RecipeError, nearest

At = tuple[str | int, ...]
Spot = Callable[[yaml.Node], str]
M = TypeVar("M", bound=BaseModel)

_TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_EXPECTED = {bool: "true or false", int: "a whole number", float: "a number"}
_VERDICTS = {  # pydantic's names for what does not fit
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "literal_error": "{expected}",
    "string_too_short": "some text",
    "string_pattern_mismatch": "a name without slashes, at most 100 characters",
    "finite_number": "a finite number",
}


class Sheet(Generic[M]):
    """A text being read as the model `shape`: plain values, and the place where each was written."""

    def __init__(self, where: str, shape: type[M]) -> None:
        self.where, self.shape = where, shape
        self.values: dict[str, Any] = {}
        self.places: dict[At, str] = {}

    def fill(self, text: str) -> None:
        """Read a whole text. Raises RecipeError for what is no YAML, unknown keys and values of the wrong kind."""
        node = outline.compose(text, self.where)
        if node is None or node.tag == outline.NULL:
            raise RecipeError("the recipe is empty", where=f"{self.where}:1", fix="`sayso init FOLDER` writes one")
        self.values = self._read(node, self.shape, (), lambda part: f"{self.where}:{outline.line_of(part)}")

    def override(self, words: str, settle: Callable[[At, Any], Any]) -> None:
        """Put `section.key=value` over what was read, after `settle(place, value)`."""
        where = f"--set {words}"
        key, equals, text = words.partition("=")
        at: At = tuple(key.strip().split("."))
        if not equals:
            raise RecipeError("an override needs a value", where=where, expected="section.key=value")
        hint = self._hint_at(at, where)
        value = self._read(_node_of(text, hint, where), hint, at, lambda _: where)
        self._put(at, settle(at, value), where)

    def build(self) -> M:
        """The model. Raises RecipeError for a value outside what its field allows."""
        try:
            return self.shape.model_validate(self.values)
        except ValidationError as error:
            raise self._refused(error) from None

    def error(self, at: At, what: str, expected: str = "", fix: str = "") -> RecipeError:
        """An error about the value at `at`, with the place where it, or what holds it, was written."""
        known = next((at[:n] for n in range(len(at), -1, -1) if at[:n] in self.places), ())
        where = self.places.get(known, self.where)
        return RecipeError(f"{_path(at)}: {what}" if at else what, where=where, expected=expected, fix=fix)

    # ------------------------------------------------------------ reading

    def _read(self, node: yaml.Node, hint: Any, at: At, spot: Spot) -> Any:
        """The node as what `hint` expects there."""
        self.places[at] = spot(node)
        base = _base(hint)
        if node.tag == outline.NULL and NoneType in get_args(hint):
            return None
        if base is Any:
            return outline.plain(node, spot)
        if _is_model(base):
            return self._read_section(node, base, at, spot)
        if get_origin(base) is list:
            items = self._children(node, yaml.SequenceNode, at, "a list: [a, b]")
            return [self._read(item, get_args(base)[0], (*at, i), spot) for i, item in enumerate(items)]
        if get_origin(base) is dict:
            pairs = self._children(node, yaml.MappingNode, at, "names and values: {a: b}")
            return {key.value: self._read(value, get_args(base)[1], (*at, key.value), spot) for key, value in pairs}
        return self._read_scalar(node, base, at)

    def _read_section(self, node: yaml.Node, section: type[BaseModel], at: At, spot: Spot) -> dict[str, Any]:
        fields, read = section.model_fields, {}
        for key, value in self._children(node, yaml.MappingNode, at, "a section of " + ", ".join(fields)):
            here = (*at, key.value)
            if key.value not in fields:
                self.places[here] = spot(key)
                raise self.error(here, "unknown key", fix=nearest(key.value, fields))
            read[key.value] = self._read(value, fields[key.value].annotation, here, spot)
        return read

    def _children(self, node: yaml.Node, kind: type[yaml.Node], at: At, expected: str) -> list[Any]:
        if node.tag == outline.NULL:
            return []
        if not isinstance(node, kind):
            raise self.error(at, f"{_words(node)} does not fit here", expected=expected)
        return list(node.value)

    def _read_scalar(self, node: yaml.Node, base: Any, at: At) -> Any:
        wrong = self.error(at, f"{_words(node)} does not fit here", expected=_EXPECTED.get(base, "text"))
        if not isinstance(node, yaml.ScalarNode) or node.tag == outline.NULL:
            raise wrong
        try:
            return _scalar(str(node.value), base)
        except (ValueError, KeyError):
            raise wrong from None

    # ------------------------------------------------------------ overrides and errors

    def _hint_at(self, at: At, where: str) -> Any:
        """What is expected at a place. RecipeError where there is no such place."""
        hint: Any = self.shape
        for depth, key in enumerate(at, start=1):
            base = _base(hint)
            if base is Any:
                return Any
            if get_origin(base) in (list, dict):
                hint = get_args(base)[-1]
            elif not _is_model(base):
                raise RecipeError(f"{_path(at[: depth - 1])} has no keys of its own", where=where)
            elif key not in base.model_fields:
                fix = nearest(str(key), base.model_fields)
                raise RecipeError(f"{_path(at[:depth])}: unknown key", where=where, fix=fix)
            else:
                hint = base.model_fields[key].annotation
        return hint

    def _put(self, at: At, value: Any, where: str) -> None:
        holder: Any = self.values
        for key in at[:-1]:
            step = _step(holder, key, where)
            if isinstance(holder, dict) and holder.get(step) is None:
                holder[step] = {}
            holder = holder[step]
        holder[_step(holder, at[-1], where)] = value

    def _refused(self, error: ValidationError) -> RecipeError:
        first = error.errors(include_url=False)[0]
        at, kind, value = first["loc"], first["type"], first["input"]
        if kind == "missing":
            return self.error(at, "this key is missing", expected=f"{at[-1]}: ...")
        expected = _VERDICTS.get(kind, "{}").format(first["msg"], **first.get("ctx", {}))
        choices = [choice for choice in get_args(_base(self._hint_at(at, self.where))) if choice]
        fix = nearest(value, choices) if kind == "literal_error" else ""
        return self.error(at, f"{value!r:.60} does not fit here", expected=expected, fix=fix)


def _is_model(base: Any) -> bool:
    return isinstance(base, type) and issubclass(base, BaseModel)


def _base(hint: Any) -> Any:
    """What is expected, without Annotated and without `| None`."""
    if get_origin(hint) is Annotated:
        return _base(get_args(hint)[0])
    if NoneType in get_args(hint):
        return next(_base(arg) for arg in get_args(hint) if arg is not NoneType)
    return hint


def _node_of(text: str, hint: Any, where: str) -> yaml.Node:
    """A value from the command line: as it stands where text is expected, else as YAML."""
    base = _base(hint)
    if base is str or get_origin(base) is Literal:
        return yaml.ScalarNode(outline.TEXT, text)
    return outline.compose(text, where) or yaml.ScalarNode(outline.NULL, "")


def _scalar(text: str, base: Any) -> Any:
    """Raises ValueError or KeyError for what `base` cannot be."""
    if base is bool:
        return _TRUTH[text.lower()]
    if base is float:
        return float(text)
    if base is int:
        return int(text) if text.lstrip("+-").isdecimal() else _whole(float(text))
    return text


def _whole(value: float) -> int:
    if not math.isfinite(value) or value != int(value):
        raise ValueError(value)
    return int(value)


def _step(holder: Any, key: str | int, where: str) -> Any:
    """`key` as an index where the holder is a list."""
    if isinstance(holder, Mapping):
        return key
    if not isinstance(holder, list) or not str(key).isdecimal() or int(key) >= len(holder):
        raise RecipeError(
            f"there is no entry '{key}' here", where=where, expected="section.key=value; lists count from 0"
        )
    return int(key)


def _path(at: At) -> str:
    return " -> ".join(map(str, at))


def _words(node: yaml.Node) -> str:
    if node.tag == outline.NULL:
        return "nothing"
    if isinstance(node, yaml.ScalarNode):
        return f"{node.value!r:.60}"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a section"
