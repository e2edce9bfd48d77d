"""Writes docs/reference/*.md from the code: python docs/reference.py.

Decided here:
- A page says what the code says of itself: docstrings, fields with their defaults, options of commands. Nothing is
  told twice, and a test compares the pages with what would be written now.
- Everything is read in this process, so the pages do not depend on a terminal's width or colours.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import annotated_types
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import sayso
from sayso import presets, rooms
from sayso.cli.main import COMMANDS, command
from sayso.recipe import Recipe

FOLDER = Path(__file__).with_name("reference")
NOTICE = "Written by `make docs` from the code; do not edit."


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    made: dict[str, tuple[str, Callable[[], Iterable[str]]]] = {
        "commands": ("Commands", _commands),
        "recipe": ("The recipe", _recipe),
        "api": ("The Python API", _api),
        "methods": ("Methods", lambda: _room("methods", "A method turns comments into lessons: `learn.method`.")),
        "critics": ("Critics", lambda: _room("critics", "A critic comments on answers: `feedback.critics`.")),
        "sources": ("Sources", _sources),
        "presets": ("Presets", _presets),
    }
    return {f"{name}.md": "\n\n".join([f"# {title}", NOTICE, *make()]) + "\n" for name, (title, make) in made.items()}


def main() -> None:
    """Write every page, and remove what is no page any more."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for old in FOLDER.glob("*.md"):
        if old.name not in written:
            old.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


# ---------------------------------------------------------------- pages


def _commands() -> Iterator[str]:
    group = command()
    for name in COMMANDS:
        _, found, _ = group.resolve_command(None, [name])
        arguments = [one for one in found.params if one.param_type_name == "argument"]
        options = [one for one in found.params if one not in arguments]
        words = " ".join(one.name.upper() if one.required else f"[{one.name.upper()}]" for one in arguments)
        yield f"## sayso {name}"
        yield _text(found.help or "")
        yield f"```text\nsayso {name} {words}{' ' if words else ''}[OPTIONS]\n```"
        rows = [(f"`{one.name.upper()}`", "", one.help or "") for one in arguments]
        rows += [(_flags(one), _default(one.default), _help(one)) for one in options]
        yield _table(("", "default", "meaning"), rows)
    yield (
        "Exit codes: 0 done; 2 an error that you can mend; 1 a fault of Sayso or of the machine; 130 after Ctrl-C. "
        "With `--json` the result, or the error, is JSON on stdout; progress and notices are on stderr."
    )


def _recipe() -> Iterator[str]:
    yield (
        "Every key that a recipe may have. All have defaults except `path` and `name` of a file or critic; an unknown "
        "key is an error that names the nearest one. Paths are relative to the recipe."
    )
    yield from _section(Recipe, "")


def _section(part: type[BaseModel], at: str) -> Iterator[str]:
    yield f"## {at or 'The top'}"
    inner = [(name, found) for name, field in part.model_fields.items() if (found := _part_in(field.annotation))]
    rows = [
        (f"`{name}`", _kind(field), _shown(field), field.description or ", ".join(_linked(at, name, field)))
        for name, field in part.model_fields.items()
    ]
    yield _table(("key", "type", "default", "meaning"), rows)
    for name, found in inner:
        path = f"{at}.{name}" if at else name
        if not (at == "data" and name != "train") and path != "learn.strategy":
            yield from _section(found, path)


def _linked(at: str, name: str, field: FieldInfo) -> list[str]:
    path = f"{at}.{name}" if at else name
    return [f"see [{path}](#{path.replace('.', '')})"] if _part_in(field.annotation) else []


def _api() -> Iterator[str]:
    yield "The public names of `sayso`. They are resolved when they are first used, so `import sayso` loads no torch."
    for name in sayso.__all__:
        value = getattr(sayso, name)
        yield f"## {name}"
        if inspect.isclass(value):
            yield from _class(name, value)
        else:
            yield f"```python\n{_signature(name, value)}\n```"
            yield _text(inspect.getdoc(value) or "")


def _class(name: str, value: type) -> Iterator[str]:
    yield _text(_own_doc(value))
    if issubclass(value, BaseModel):
        yield "Its keys are those of [a recipe](recipe.md)."
    elif dataclasses.is_dataclass(value):
        yield _fields(value)
    elif not issubclass(value, BaseException):
        yield f"```python\n{_signature(name, value)}\n```"
    yield from _methods(value)


def _methods(value: type) -> Iterator[str]:
    """What a class lets one do, beyond what every dataclass or model has."""
    if issubclass(value, BaseModel | BaseException):
        return
    rows = []
    for name, member in vars(value).items():
        plain = getattr(member, "__func__", member)
        doc = _first(inspect.getdoc(plain) or "")
        if name.startswith("_") or not doc:
            continue
        if isinstance(member, property):
            rows.append((f"`.{name}`", _first(inspect.getdoc(member) or "")))
        elif inspect.isfunction(plain):
            rows.append((f"`.{_signature(name, plain)}`", doc))
    if rows:
        yield _table(("member", "meaning"), rows)


def _room(room: rooms.Room, opening: str) -> Iterator[str]:
    yield opening
    for name in rooms.names(room):
        module = rooms.find(room, name)
        yield f"## {name}"
        yield _text(inspect.getdoc(module) or "")
        if hasattr(module, "KINDS"):
            yield "For: " + ", ".join(kind.replace("_", "-") for kind in module.KINDS) + "."
        yield _text(_own_doc(module.Knobs))
        yield _fields(module.Knobs)


def _sources() -> Iterator[str]:
    yield "A source reads a file into rows: `data.train.format` names it, `options` are passed to it."
    for name in rooms.names("sources"):
        module = rooms.find("sources", name)
        yield f"## {name}"
        yield _text(inspect.getdoc(module) or "")
        suffixes = ", ".join(f"`{one}`" for one in module.SUFFIXES) or "none; the path's form or `format` chooses it"
        options = ", ".join(f"`{one}`" for one in getattr(module, "OPTIONS", ())) or "none"
        yield f"Suffixes: {suffixes}. Options: {options}."
        yield _text(inspect.getdoc(module.read) or "")


def _presets() -> Iterator[str]:
    source = presets.BOOK.read_text(encoding="utf-8")
    book = yaml.safe_load(source)
    yield (
        "A preset fills what a recipe leaves open. `auto` chooses by kind of model and by rows: few are below "
        f"{presets.AMOUNTS['few']:,}, some below {presets.AMOUNTS['some']:,}, many above. Learning rates go by "
        f"parameters: tiny below {presets.SIZES['tiny']:,.0f}, small below {presets.SIZES['small']:,.0f}, base below "
        f"{presets.SIZES['base']:,.0f}, large above."
    )
    sizes = tuple(presets.SIZES)
    yield "## Presets"
    head = ("preset", "for", *sizes, "batch", "epochs", "patience", "besides")
    yield _table(head, [_preset_row(name, values, sizes) for name, values in book["presets"].items()])
    yield "## Common values"
    yield _table(("key", "value"), [(f"`{key}`", str(value)) for key, value in book["common"].items()])
    yield "## Ways of tuning"
    yield "The preset's learning rate is multiplied by `rate`, up to `most`."
    keys = ("rate", "most", "rank", "weight_decay")
    rows = [(f"`{name}`", *(str(how.get(key, "")) for key in keys)) for name, how in book["tunings"].items()]
    yield _table(("tuning", *keys), rows)
    yield "## Where the values come from"
    yield "```text\n" + "\n".join(_legend(source)) + "\n```"


def _preset_row(name: str, values: dict[str, Any], sizes: Sequence[str]) -> tuple[str, ...]:
    rest = dict(values)
    rates = rest.pop("learning_rate")
    batch = f"{rest.pop('batch_rows')} rows" if "batch_rows" in rest else f"{rest.pop('batch_tokens')} tokens"
    says, epochs, patience = rest.pop("says"), rest.pop("epochs"), rest.pop("early_stopping")
    rest.pop("for")
    besides = ", ".join(f"{key} {value}" for key, value in rest.items())
    return (f"`{name}`", says, *(str(rates[size]) for size in sizes), batch, str(epochs), str(patience), besides)


def _legend(source: str) -> Iterator[str]:
    """The comment at the top of presets.yaml from its first [name] on."""
    lines = source.splitlines()
    begin = next(i for i, line in enumerate(lines) if re.match(r"#\s+\[", line))
    for line in lines[begin:]:
        if not line.startswith("#"):
            return
        yield line.removeprefix("# ")


# ---------------------------------------------------------------- how things are written


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [[_cell(cell) for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in [list(head), ["---"] * len(head), *cells]]
    return "\n".join(lines)


def _cell(text: str) -> str:
    """One line; bars and, outside of code, angle brackets mean themselves."""
    line = re.sub(r"\s+", " ", text).replace("|", "\\|").strip()
    return "".join(part if i % 2 else part.replace("<", "&lt;") for i, part in enumerate(re.split(r"(`[^`]*`)", line)))


def _fields(value: type) -> str:
    return _table(
        ("field", "type", "default"),
        [(f"`{one.name}`", f"`{_type(one.type)}`", _field_default(one)) for one in dataclasses.fields(value)],
    )


def _field_default(one: dataclasses.Field[Any]) -> str:
    if one.default_factory is not dataclasses.MISSING:
        return f"`{one.default_factory()!r}`"
    return "" if one.default is dataclasses.MISSING else f"`{_plain(one.default)}`"


def _plain(value: Any) -> str:
    """A default as one would write it; a record by its name alone."""
    if dataclasses.is_dataclass(value):
        return f"{type(value).__name__}()"
    return repr(str(value)) if isinstance(value, str) else repr(value)


def _type(hint: Any) -> str:
    return hint if isinstance(hint, str) else getattr(hint, "__name__", str(hint))


def _signature(name: str, value: Any) -> str:
    found = inspect.signature(value)
    kept = [one for one in found.parameters.values() if one.name not in ("self", "cls")]
    lined = str(found.replace(parameters=kept)).replace("'", '"') if kept else "()" + _returns(found)
    lined = re.sub(r'(?<=[:>] )"([^"]*)"', r"\1", lined)
    return f"{name}{lined}".replace(" -> None", "")


def _returns(found: inspect.Signature) -> str:
    return "" if found.return_annotation is inspect.Signature.empty else f" -> {found.return_annotation}"


def _own_doc(value: type) -> str:
    """The class's docstring as its author wrote it, else nothing: not the one that dataclass makes up."""
    doc = inspect.cleandoc(value.__doc__ or "")
    return "" if doc.startswith(f"{value.__name__}(") else doc


def _text(doc: str) -> str:
    """A docstring as Markdown: indented formulas become blocks, the rest stays."""
    blocks = []
    for block in re.split(r"\n\s*\n", doc.strip()):
        formula = all(line.startswith("    ") for line in block.splitlines())
        blocks.append("```text\n" + inspect.cleandoc(block) + "\n```" if formula and block.strip() else block)
    return "\n\n".join(blocks).replace("\nDecided here:\n- ", "\nDecided here:\n\n- ")


def _first(doc: str) -> str:
    """The first paragraph, on one line."""
    return " ".join(doc.partition("\n\n")[0].split())


def _flags(option: Any) -> str:
    return ", ".join(f"`{one}`" for one in [*option.opts, *option.secondary_opts])


def _help(option: Any) -> str:
    choices = [str(one.value) for one in type(option.default)] if isinstance(option.default, Enum) else []
    return (option.help or "") + (": " + ", ".join(f"`{one}`" for one in choices) if choices else "")


def _default(value: Any) -> str:
    value = "on" if value is True else getattr(value, "value", value)
    return "" if value in (None, "", 0, False, ()) else f"`{value}`"


# ---------------------------------------------------------------- types of the recipe


def _part_in(hint: Any) -> type[BaseModel] | None:
    """The section that a field holds, alone, optional or as a list."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return hint
    inner = (_part_in(one) for one in typing.get_args(hint))
    return next((one for one in inner if one is not None), None)


def _kind(field: FieldInfo) -> str:
    hint, bounds = field.annotation, [*field.metadata, *_bounds(field.annotation)]
    limits = [f"{sign} {value:g}" for sign, value in _limits(bounds) if abs(value) < 1e6]
    return _named(hint) + (f", {' and '.join(limits)}" if limits else "")


def _bounds(hint: Any) -> list[Any]:
    return [item for one in typing.get_args(hint)[1:] for item in getattr(one, "metadata", [one])]


def _limits(bounds: Iterable[Any]) -> Iterator[tuple[str, float]]:
    signs = ((annotated_types.Ge, "ge", "≥"), (annotated_types.Gt, "gt", ">"))
    signs += ((annotated_types.Le, "le", "≤"), (annotated_types.Lt, "lt", "<"))  # type: ignore[assignment]
    for one in bounds:
        for kind, name, sign in signs:
            if isinstance(one, kind):
                yield sign, float(getattr(one, name))


def _named(hint: Any) -> str:
    if (found := _part_in(hint)) is not None:
        return "list of sections" if typing.get_origin(hint) is list else "section"
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner if one)
    if origin is typing.Annotated:
        return _named(inner[0])
    if origin is list:
        return f"list of {_named(inner[0])}"
    if origin is dict:
        return "names and values"
    if origin in (typing.Union, types.UnionType):
        return _named(inner[0])
    words = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    return words.get(hint, "anything") if found is None else "section"


def _shown(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or isinstance(value, BaseModel) or value in ([], {}):
        return ""
    return "`''`" if value == "" else f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    importlib.invalidate_caches()
    main()
