"""YAML as a recipe uses it: a tree whose every node knows its line, and the same YAML written back.

Decided here:
- The words of YAML 1.2's core schema: 3e-5 is a number; `on`, `no` and 12:30 are text; .inf and .nan are text too.
- Anchors, aliases, tags of other languages, repeated keys and several documents are refused: each is either a slip or
  a way to make ten lines mean a million.
- What is written is quoted wherever YAML 1.1 or 1.2 would read it as something else than text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import yaml

from sayso.errors import RecipeError

DEEPEST = 40
_INT = re.compile(r"[-+]?[0-9]+$")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_CORE = "tag:yaml.org,2002:"
NULL, TEXT = _CORE + "null", _CORE + "str"
_KNOWN = {_CORE + name for name in ("str", "int", "float", "bool", "null", "map", "seq")}


class _Reader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (PyYAML keeps them in the class)

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases (& and *) are not read", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)


class _Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _teach(cls: Any) -> None:
    digits = list("-+.0123456789")
    cls.add_implicit_resolver(NULL, _NULL, ["~", "n", "N", ""])
    cls.add_implicit_resolver(_CORE + "bool", _BOOL, list("tTfF"))
    cls.add_implicit_resolver(_CORE + "int", _INT, digits)
    cls.add_implicit_resolver(_CORE + "float", _FLOAT, digits)


_teach(_Reader)
_teach(_Writer)


def compose(text: str, where: str) -> yaml.Node | None:
    """The text's tree; None where there is nothing in it. RecipeError says `where:line`."""
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Reader)
        if node is not None:
            _inspect(node, where)
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, where) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RecipeError(
            f"the character {error.character!r} cannot stand in a recipe", where=f"{where}:{line}"
        ) from None
    except (RecursionError, ValueError, OverflowError):
        raise RecipeError("this cannot be read as YAML", where=where, expected="sections, keys and values") from None
    return node


def line_of(node: yaml.Node) -> int:
    """The node's line, from 1."""
    return int(node.start_mark.line) + 1


def plain(node: yaml.Node, spot: Callable[[yaml.Node], str]) -> Any:
    """The node as Python values, where nobody says what is expected; `spot` names a node's place."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: plain(value, spot) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(value, spot) for value in node.value]
    try:
        return _scalar(node.tag.removeprefix(_CORE), str(node.value))
    except (ValueError, KeyError):
        raise RecipeError(
            f"{node.value!r:.60} cannot be read",
            where=spot(node),
            expected=f"a value of type {node.tag.removeprefix(_CORE)}",
        ) from None


def write(value: Any) -> str:
    """Plain values as YAML that `compose` reads back as the same."""
    return str(yaml.dump(value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=119))


def _scalar(kind: str, text: str) -> Any:
    """Raises ValueError or KeyError where the text is not of that kind."""
    if kind == "null":
        return None
    if kind == "bool":
        return {"true": True, "false": False}[text.lower()]
    if kind == "int":
        return int(text)
    return _finite(float(text)) if kind == "float" else text


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(value)
    return value


def _inspect(node: yaml.Node, where: str, depth: int = 0) -> None:
    """What YAML allows and a recipe does not."""
    here = f"{where}:{line_of(node)}"
    if depth > DEEPEST:
        raise RecipeError("too deep", where=here, expected=f"at most {DEEPEST} levels", fix="write it flatter")
    if node.tag not in _KNOWN:
        raise RecipeError(
            f"the tag {node.tag!r:.60} is not read", where=here, expected="plain text, numbers, true or false"
        )
    if isinstance(node, yaml.MappingNode):
        _inspect_keys(node, where)
        for _, value in node.value:
            _inspect(value, where, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _inspect(value, where, depth + 1)
    elif any("\ud800" <= c <= "\udfff" or c == "\0" for c in node.value):
        raise RecipeError("a character that no file can hold", where=here, expected="text")


def _inspect_keys(node: yaml.MappingNode, where: str) -> None:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        here = f"{where}:{line_of(key)}"
        if not isinstance(key, yaml.ScalarNode):
            raise RecipeError("a list or a section stands where a key should", where=here, expected="key: value")
        _inspect(key, where)
        if key.value in lines:
            first = lines[key.value]
            raise RecipeError(
                f"'{key.value}' stands twice, first on line {first}", where=here, fix="keep one of the two"
            )
        lines[key.value] = line_of(key)


def _unreadable(error: yaml.MarkedYAMLError, text: str, where: str) -> RecipeError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem, fix = str(error.problem or error.context or "this cannot be read as YAML"), ""
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    if "\\t" in problem or "\t" in written[: len(written) - len(written.lstrip())]:
        problem, fix = "a tab in the indentation", "indent with spaces"
    elif "another document" in problem:
        problem, fix = "a second document begins ('---')", "one file, one recipe"
    elif "mapping values are not allowed" in problem:
        fix = "put text that contains ': ' in quotes"
    return RecipeError(f"{problem}: {written.strip()!r:.80}", where=f"{where}:{line}", expected="key: value", fix=fix)
