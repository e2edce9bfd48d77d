"""Which column is the text, which the label: as the recipe says, else by well-known names, else by content.

Decided here:
- What the recipe names is taken as named, by column name or by number from 0; a column that is not there is an error.
- What is guessed is said, with the reason, so that a person can see it and write it down.
- Only the roles of the task are looked for. Other columns are ignored, and named as ignored; `meta.NAME` keeps one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sayso.errors import DataError, nearest

if TYPE_CHECKING:
    from sayso.recipe import TaskPart

SAMPLE = 1000
Fields = Mapping[str, Any]

# Roles by task; the first are needed. A role's own name is always a well-known name.
NEEDED = {
    "classify": ("text", "label"),
    "translate": ("source", "target"),
    "generate": ("prompt",),
    "text": ("text",),
}
OPTIONAL = {
    "classify": ("id",),
    "translate": ("id",),
    "generate": ("target", "messages", "input", "system", "id"),
    "text": ("id",),
}
SYNONYMS = {"text": "source", "source": "text", "prompt": "text", "label": "target", "target": "label"}
_TEXT = ("text", "sentence", "content", "review", "comment", "title", "headline", "text_a", "sentence1", "document")
KNOWN = {
    "text": (*_TEXT, "query", "question", "input", "body", "文本", "内容", "句子", "评论", "标题", "正文"),
    "label": ("label", "labels", "category", "class", "sentiment", "topic", "emotion", "emotions", "intent", "rating",
              "stars", "polarity", "target", "标签", "类别", "情感", "分类"),
    "source": ("source", "src", "original", "input", "原文", "源文"),
    "target": ("target", "tgt", "translation", "reference", "ref", "response", "output", "answer", "completion",
               "reply", "译文", "参考译文", "回答", "答案", "输出", "回复"),
    "prompt": ("prompt", "instruction", "question", "query", "text", "指令", "问题", "提示"),
    "input": ("input", "context", "输入"),
    "messages": ("messages", "conversations", "conversation", "dialogue", "dialog", "对话"),
    "system": ("system", "system_prompt", "系统"),
    "id": ("id", "idx", "index", "index_id", "uid", "guid", "uuid", "key", "编号", "序号"),
}  # fmt: skip
_ALL_KNOWN = {name for names in KNOWN.values() for name in names}
_HAN = re.compile(r"[\u3400-\u9fff]")
_NUMBER = re.compile(r"[-+]?[\d.,|\s]+%?")


@dataclass(frozen=True, slots=True)
class Columns:
    """Role -> column, why where it was guessed, and the columns that nobody reads."""

    by_role: Mapping[str, str] = field(default_factory=dict)
    guessed: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def said(self) -> list[str]:
        """One line per role, for people."""
        reasons = {role: f" (guessed: {why})" for role, why in self.guessed.items()}
        lines = [f"{role} = column '{name}'{reasons.get(role, '')}" for role, name in self.by_role.items()]
        return lines + ([f"not read: {', '.join(self.ignored)}"] if self.ignored else [])


def map_columns(asked: Mapping[str, str], sample: Sequence[Fields], task: TaskPart, where: str) -> Columns:
    """The columns of a task. DataError where a named column is absent or a needed one cannot be guessed."""
    present = list(dict.fromkeys(name for row in sample for name in row))
    by_role = {_role(role, task, where): _named(name, present, where) for role, name in asked.items()}
    guessed: dict[str, str] = {}
    for role, name, why in _guesses(by_role, sample[:SAMPLE], present, task):
        if role not in by_role and name not in by_role.values():
            by_role[role], guessed[role] = name, why
    missing = [role for role in NEEDED[task.name] if role not in by_role]
    if missing and present and not (task.name == "generate" and "messages" in by_role):
        raise DataError(
            f"no column for {' and '.join(missing)}",
            where=where,
            expected=f"columns for {', '.join(NEEDED[task.name])}; there are {_listed(present)}",
            fix=f"name it: columns: {{{missing[0]}: {present[-1]!r}}}",
        )
    return Columns(by_role, guessed, tuple(name for name in present if name not in by_role.values()))


def is_header(first: Sequence[Sequence[str]]) -> bool:
    """Whether the first of some rows names the columns: a well-known name, or words above a column of numbers."""
    if not first:
        return False
    cells = [cell.strip() for cell in first[0]]
    plain = all(cell and len(cell) <= 40 and not _NUMBER.fullmatch(cell) for cell in cells)
    if not plain or len(set(cells)) < len(cells):
        return False
    if any(cell.lower() in _ALL_KNOWN for cell in cells):
        return True
    rest = [row for row in first[1:] if len(row) == len(cells)]
    return bool(rest) and any(all(_NUMBER.fullmatch(row[i].strip()) for row in rest) for i in range(len(cells)))


# ---------------------------------------------------------------- as asked


def _role(role: str, task: TaskPart, where: str) -> str:
    known = NEEDED[task.name] + OPTIONAL[task.name]
    if role in known or role.startswith("meta."):
        return role
    for synonym in (SYNONYMS.get(role, ""), "prompt" if role in ("text", "source") else "", "target"):
        if synonym in known and role in SYNONYMS:
            return synonym
    raise DataError(
        f"the task '{task.name}' has no use for a column called '{role}'",
        where=f"{where}: columns",
        expected="one of " + ", ".join(known) + ", meta.NAME",
        fix=nearest(role, known),
    )


def _named(name: str, present: Sequence[str], where: str) -> str:
    plain = str(name)
    if plain in present or not present:
        return plain
    if plain.isdecimal() and int(plain) < len(present):
        return present[int(plain)]
    numbers = all(column.isdecimal() for column in present)
    raise DataError(
        f"no column '{plain}'",
        where=where,
        expected=_listed(present) + (" (the file has no header that was recognised)" if numbers else ""),
        fix="set options.header to true, or give the column's number" if numbers else nearest(plain, present),
    )


def _listed(present: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in present[:20])
    return f"{len(present)} columns: {shown}" + (", ..." if len(present) > 20 else "")


# ---------------------------------------------------------------- as guessed


def _guesses(
    fixed: Mapping[str, str], sample: Sequence[Fields], present: Sequence[str], task: TaskPart
) -> Iterator[tuple[str, str, str]]:
    """Role, column, why: by name first, by content for what is needed and still open."""
    taken = dict(fixed)
    lowered = {name.strip().lower(): name for name in reversed(present)}
    languages = {"source": task.source_language, "target": task.target_language} if task.name == "translate" else {}
    for role in NEEDED[task.name] + OPTIONAL[task.name]:
        wanted = (*filter(None, [languages.get(role, "").lower()]), *KNOWN[role])
        name = next((lowered[w] for w in wanted if w in lowered and lowered[w] not in taken.values()), None)
        if role not in taken and name is not None:
            taken[role] = name
            yield role, name, "by its name"
    free = [name for name in present if name not in taken.values() and _is_text(sample, name)]
    if "messages" not in taken:
        yield from _by_content(task, taken, free, sample)


def _by_content(
    task: TaskPart, taken: Mapping[str, str], free: Sequence[str], sample: Sequence[Fields]
) -> Iterator[tuple[str, str, str]]:
    if task.name == "classify":
        yield from _text_and_label(taken, free, sample)
    elif task.name == "text" and "text" not in taken and free:
        yield "text", max(free, key=lambda name: _length(sample, name)), "the longest texts"
    elif task.name == "translate":
        yield from _by_script(task, taken, free, sample)
    elif task.name == "generate" and all(name.isdecimal() for name in free):
        for role, name in zip([r for r in ("prompt", "target") if r not in taken], free, strict=False):
            yield role, name, "by its place"


def _text_and_label(
    taken: Mapping[str, str], free: Sequence[str], sample: Sequence[Fields]
) -> Iterator[tuple[str, str, str]]:
    """The label is the column with the fewest different values, the text the longest of the others."""
    rest = list(free)
    if "text" not in taken and "label" not in taken and len(rest) < 2:
        return
    if "label" not in taken and rest:
        label = min(rest, key=lambda name: (_variety(sample, name), _length(sample, name)))
        if _variety(sample, label) <= 0.5 or len(sample) < 20:
            rest.remove(label)
            yield "label", label, "the fewest different values"
    if "text" not in taken and rest:
        yield "text", max(rest, key=lambda name: _length(sample, name)), "the longest texts"


def _by_script(
    task: TaskPart, taken: Mapping[str, str], free: Sequence[str], sample: Sequence[Fields]
) -> Iterator[tuple[str, str, str]]:
    """Chinese is known by its characters; the other language is the first column that is not."""
    rest = list(free)
    languages = {"source": task.source_language, "target": task.target_language}
    for role, language in languages.items():
        fits = [name for name in rest if language and _chinese(sample, name) == language.lower().startswith("zh")]
        if role not in taken and (fits or rest):
            name = (fits or rest)[0]
            rest.remove(name)
            yield role, name, f"its script ({language})" if fits else "by its place"


def _is_text(sample: Sequence[Fields], name: str) -> bool:
    return any(isinstance(row.get(name), str | int | list) for row in sample)


def _texts(sample: Sequence[Fields], name: str) -> list[str]:
    return [str(row[name]) for row in sample if row.get(name) is not None]


def _length(sample: Sequence[Fields], name: str) -> float:
    texts = _texts(sample, name)
    return sum(map(len, texts)) / max(1, len(texts))


def _variety(sample: Sequence[Fields], name: str) -> float:
    texts = _texts(sample, name)
    return len(set(texts)) / max(1, len(texts))


def _chinese(sample: Sequence[Fields], name: str) -> bool:
    text = "".join(_texts(sample, name)[:200])
    return len(_HAN.findall(text)) > 0.3 * max(1, sum(letter.isalpha() for letter in text))
