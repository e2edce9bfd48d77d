"""A file becomes examples; every row that does not is listed with its line and the reason.

Decided here:
- Ids are hashes of split and content, so they do not move when rows are added or shuffled; a row that occurs twice
  gets a number. A mapped id column is used as it is, behind the split's name.
- Surrounding white space is no content. A text that shows nothing is an empty text.
- In a conversation the last turn of the assistant is the answer, what stands before it the prompt.
- Training rows need an answer; a file of prompts alone has no answer column at all, which is said.
- A file without columns of its own is read like the training file where it is written the same way.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sayso import rooms
from sayso.dataset.columns import Columns, map_columns
from sayso.dataset.labels import Labels, Unusable, kind_of, labels_of
from sayso.dataset.lines import read_lines
from sayso.dataset.messages import conversation
from sayso.dataset.splits import split_validation as split_validation
from sayso.dataset.texts import visible
from sayso.errors import DataError
from sayso.protocols import RawRow
from sayso.records import Example, Message, Messages, Split

if TYPE_CHECKING:
    from sayso.recipe import DataPart, FilePart, TaskPart

OWN_OPTIONS = ("label_file",)
Built = tuple[Messages, str | None]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A row that did not become an example."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """One file's examples. `rows` is what was looked at: examples and dropped rows together. `hash` is the file's.

    `again` reads the file once more: what each example's row held, in the examples' order.
    """

    examples: tuple[Example, ...]
    dropped: tuple[Dropped, ...]
    columns: Columns
    source: str
    path: str
    hash: str
    rows: int
    said: tuple[str, ...] = ()
    again: Callable[[], Sequence[Mapping[str, Any]]] = field(default=tuple, compare=False)


def load(part: FilePart, split: Split, task: TaskPart, data: DataPart, base: Path) -> Loaded:
    """All examples of a file. DataError where the file, its columns or its options are wrong."""
    path = part.path if part.path.startswith("hub:") else str(base / part.path)
    source = _source(part, task, path)
    part, said = _like_training(part, source, task, data, base)
    options = {key: value for key, value in part.options.items() if key not in OWN_OPTIONS}

    def read() -> list[RawRow]:
        end = part.skip + part.limit if part.limit else None
        return list(islice(source.read(Path(path), options), part.skip, end))

    rows = read()
    columns = map_columns(part.columns, [row.fields for row in rows if not row.problem][:5000], task, path)
    labels = labels_of(data.label_names, _label_file(part, base, path), task.labels, task.several)
    build = _Builder(columns, task, split, labels)
    examples, dropped, _ = _examples(rows, build, split)
    name = source.__name__.rpartition(".")[2]
    said = said + columns.said() + _prompts_only(columns, task)
    facts = (name, path, file_hash(path), len(rows), tuple(said))
    return Loaded(tuple(examples), tuple(dropped), columns, *facts, lambda: _examples(read(), build, split)[2])


def file_hash(path: str) -> str:
    """SHA-256 of the file's bytes, of several files or a folder one after the other; of the name for the hub."""
    if path.startswith("hub:"):
        return hashlib.sha256(path.encode()).hexdigest()
    digest = hashlib.sha256()
    for file in _files(path):
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


# ---------------------------------------------------------------- where rows come from


def _source(part: FilePart, task: TaskPart, path: str) -> ModuleType:
    if part.format != "auto":
        return rooms.find("sources", part.format)
    return rooms.find("sources", _format(path, task))


def _format(path: str, task: TaskPart) -> str:
    """By the path's form, then its suffix; .txt with tabs in its lines is a table where the task needs two columns."""
    if path.startswith("hub:") or Path(path).is_dir():
        return "hub"
    if "," in path and not Path(path).is_file():
        return "parallel"
    suffix = Path(path).suffix.lower()
    for name in rooms.names("sources"):
        if suffix in rooms.find("sources", name).SUFFIXES:
            return "csv" if name == "text" and task.name != "text" and _has_tabs(Path(path)) else name
    known = sorted(s for name in rooms.names("sources") for s in rooms.find("sources", name).SUFFIXES)
    raise DataError(
        f"cannot tell the format of '{Path(path).name}' by its suffix",
        where=path,
        expected="a file ending in " + ", ".join(known) + "; two files as in a.zh,b.en; or hub:owner/name",
        fix="set format to one of " + ", ".join(rooms.names("sources")),
    )


def _has_tabs(path: Path) -> bool:
    first = [line.text for line in islice(read_lines(path), 20) if line.text.strip()]
    return bool(first) and all("\t" in text for text in first)


def _like_training(
    part: FilePart, source: ModuleType, task: TaskPart, data: DataPart, base: Path
) -> tuple[FilePart, list[str]]:
    """The part with the training file's columns and options, where it has none and is written the same way."""
    train = data.train
    if train is None or train.path == part.path or part.columns or part.options:
        return part, []
    if not (train.columns or train.options) or _source(train, task, str(base / train.path)) is not source:
        return part, []
    return part.model_copy(update={"columns": train.columns, "options": train.options}), [
        "read like the training file"
    ]


def _label_file(part: FilePart, base: Path, path: str) -> Path | None:
    """The file of label names: from the recipe's folder, else beside the data."""
    name = str(part.options.get("label_file", ""))
    if not name:
        return None
    return base / name if (base / name).is_file() else Path(path).parent / name


def _files(path: str) -> list[Path]:
    whole = Path(path)
    if whole.is_dir():
        return sorted(file for file in whole.rglob("*") if file.is_file())
    if whole.is_file():
        return [whole]
    return list(rooms.find("sources", "parallel").paths(whole))


# ---------------------------------------------------------------- rows to examples


def _examples(
    rows: list[RawRow], build: _Builder, split: Split
) -> tuple[list[Example], list[Dropped], list[Mapping[str, Any]]]:
    """The examples, the rows that give none, and what the examples' rows held."""
    examples: list[Example] = []
    dropped: list[Dropped] = []
    held: list[Mapping[str, Any]] = []
    seen: Counter[str] = Counter()
    for row in rows:
        try:
            if row.problem:
                raise Unusable(row.problem)
            prompt, target = build(row.fields)
            content, meta = _content(split, prompt, target), build.meta(row.fields)
            name = build.name(row.fields) or content
        except Unusable as reason:
            dropped.append(Dropped(row.line, str(reason)))
            continue
        except UnicodeEncodeError:
            dropped.append(Dropped(row.line, "half a character (a lone surrogate)"))
            continue
        name = _unused(name, seen)
        examples.append(Example(name, prompt, target, split, row.line, meta))
        held.append(row.fields)
    return examples, dropped, held


def _unused(name: str, seen: Counter[str]) -> str:
    """The name itself the first time, then with a number."""
    seen[name] += 1
    if seen[name] == 1:
        return name
    numbered = f"{name}#{seen[name]}"
    return _unused(name, seen) if numbered in seen else _unused(numbered, seen)


def _content(split: str, prompt: Messages, target: str | None) -> str:
    parts = [split, *(f"{m.role}:{m.text}" for m in prompt), "" if target is None else f"={target}"]
    return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:16]


class _Builder:
    """Builds prompt and target of a row, by the task."""

    def __init__(self, columns: Columns, task: TaskPart, split: Split, labels: Labels) -> None:
        self.by_role, self.labels = columns.by_role, labels
        self.answer_needed = split == "train" or task.name in ("classify", "translate")
        self.kept = {role[5:]: name for role, name in columns.by_role.items() if role.startswith("meta.")}
        self.split = split
        builders: dict[str, Callable[[Mapping[str, Any]], Built]] = {
            "classify": self._classify,
            "translate": self._translate,
            "generate": self._generate,
            "text": self._text,
        }
        self.build = builders[task.name]

    def __call__(self, fields: Mapping[str, Any]) -> Built:
        return self.build(fields)

    def name(self, fields: Mapping[str, Any]) -> str:
        """The id that the row brings, if any."""
        given = fields.get(self.by_role["id"]) if "id" in self.by_role else None
        text = str(given).strip() if isinstance(given, str | int) else ""
        text.encode("utf-8")
        return f"{self.split}:{text}" if text else ""

    def meta(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """The columns that the recipe keeps as they are."""
        meta = {key: str(fields[name]) for key, name in self.kept.items() if fields.get(name) is not None}
        "".join(meta.values()).encode("utf-8")
        return meta

    def _classify(self, fields: Mapping[str, Any]) -> Built:
        prompt = (Message("user", self._needed(fields, "text")),)
        target = self.labels.target(self._value(fields, "label"))
        target.encode("utf-8")
        return prompt, target

    def _translate(self, fields: Mapping[str, Any]) -> Built:
        return (Message("user", self._needed(fields, "source")),), self._needed(fields, "target")

    def _text(self, fields: Mapping[str, Any]) -> Built:
        return (), self._needed(fields, "text")

    def _generate(self, fields: Mapping[str, Any]) -> Built:
        if "messages" in self.by_role and fields.get(self.by_role["messages"]):
            prompt, target = conversation(fields[self.by_role["messages"]])
            if target is None and self.answer_needed:
                raise Unusable("no answer: the conversation has no turn of the assistant")
            return prompt, target
        system, extra = self._optional(fields, "system"), self._optional(fields, "input")
        text = self._needed(fields, "prompt") + (f"\n\n{extra}" if extra else "")
        turns = ((Message("system", system),) if system else ()) + (Message("user", text),)
        if "target" not in self.by_role:
            return turns, None
        answer = self._optional(fields, "target")
        if not answer and self.answer_needed:
            raise Unusable("no answer")
        return turns, answer or None

    def _value(self, fields: Mapping[str, Any], role: str) -> Any:
        if role not in self.by_role:
            raise Unusable(f"no {role}")
        return fields.get(self.by_role[role])

    def _needed(self, fields: Mapping[str, Any], role: str) -> str:
        text = self._optional(fields, role)
        if not text:
            raise Unusable(f"no {role}" if self._value(fields, role) is None else f"empty {role}")
        return text

    def _optional(self, fields: Mapping[str, Any], role: str) -> str:
        value = fields.get(self.by_role[role]) if role in self.by_role else None
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Unusable(f"the {role} is {kind_of(value)}, not text")
        text = value.strip()
        return text if visible(text) else ""


def _prompts_only(columns: Columns, task: TaskPart) -> list[str]:
    alone = task.name == "generate" and not {"target", "messages"} & set(columns.by_role) and columns.by_role
    return ["no answer column: prompts only"] if alone else []
