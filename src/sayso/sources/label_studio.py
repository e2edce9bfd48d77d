"""Tasks of Label Studio, from its JSON export: a comment for each annotation of a task.

Decided here:
- Prompt and answer are keys of the task's `data`, by well-known names or by the options of those names.
- A text area is the comment or the better answer by the name of its tag, and the comment where its name says nothing.
  Choices such as good or bad are a verdict; other choices are the comment where nobody wrote one.
- A label on words of the answer marks them; one on words of the prompt is left out; one on words that are in neither
  makes the annotation listed. Skipped annotations and tasks without any are listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sayso.dataset.lines import check_options
from sayso.dataset.objects import json_objects
from sayso.dataset.remarks import column, conversation, said, verdict
from sayso.protocols import RawRow

SUFFIXES: tuple[str, ...] = ()
OPTIONS = ("prompt", "attempt", "comment", "revision")


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Comments, one per annotation. Options: prompt, attempt (keys of `data`), comment, revision (names of tags)."""
    check_options(options, OPTIONS, "label_studio")
    for task in json_objects(Path(path)):
        yield from [task] if task.problem else _of_task(task, options)


def _of_task(task: RawRow, asked: Mapping[str, Any]) -> Iterator[RawRow]:
    data, given = task.fields.get("data"), task.fields.get("annotations")
    if not isinstance(data, Mapping):
        yield RawRow(task.line, {}, "no `data`: not a task of Label Studio's JSON export (JSON-MIN is a table)")
        return
    prompt, attempt = (column(role, list(data), asked) for role in ("prompt", "attempt"))
    shown, answer = conversation(data.get(prompt)), said(data.get(attempt))
    if not shown or not answer:
        yield RawRow(task.line, {}, f"no key for {'the prompt' if not shown else 'the answer'}: {list(data)}")
        return
    annotations = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    if not annotations:
        yield RawRow(task.line, {}, "nobody has annotated it")
    for one in annotations:
        yield _comment(task.line, {"prompt": shown, "attempt": answer}, one, asked)


def _comment(number: int, common: dict[str, Any], annotation: Mapping[str, Any], asked: Mapping[str, Any]) -> RawRow:
    if annotation.get("was_cancelled"):
        return RawRow(number, {}, "its annotator skipped it")
    result = annotation.get("result")
    regions = [one for one in result if isinstance(one, Mapping)] if isinstance(result, list) else []
    texts, choices = _texts(regions, "textarea", "text"), _texts(regions, "choices", "choices")
    named = {role: column(role, list(texts), {k: v for k, v in asked.items() if v in texts}) for role in OPTIONS[2:]}
    named["comment"] = named["comment"] or next((name for name in texts if name not in named.values()), "")
    row = common | {"author": _who(annotation)} | {role: texts[name] for role, name in named.items() if name}
    judged = [found for word in choices.values() if (found := verdict(word))]
    others = [word for word in choices.values() if not verdict(word)]
    row |= {"comment": "; ".join(others)} if others and not row.get("comment") else {}
    row |= {"polarity": judged[0]} if judged else {}
    try:
        spans = list(_spans(regions, common["attempt"], str(common["prompt"])))
    except ValueError as error:
        return RawRow(number, {}, str(error))
    return RawRow(number, row | ({"spans": spans} if spans else {}))


def _texts(regions: Sequence[Mapping[str, Any]], kind: str, key: str) -> dict[str, str]:
    """By the name of its tag, what was written or chosen there."""
    found: dict[str, str] = {}
    for one in regions:
        value = one.get("value")
        if one.get("type") == kind and isinstance(value, Mapping):
            words = value.get(key)
            text = "\n".join(map(str, words)) if isinstance(words, list) else str(words or "")
            name = str(one.get("from_name") or "")
            found[name] = f"{found[name]}\n{text}" if name in found else text
    return found


def _spans(regions: Sequence[Mapping[str, Any]], answer: str, prompt: str) -> Iterator[dict[str, Any]]:
    """Marked words of the answer. ValueError for words that are nowhere."""
    for one in regions:
        value = one.get("value")
        if one.get("type") != "labels" or not isinstance(value, Mapping):
            continue
        start, end, words = value.get("start"), value.get("end"), value.get("text")
        inside = isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(answer)
        if inside and (words is None or answer[start:end] == words):
            yield {"start": start, "end": end, "label": ", ".join(map(str, value.get("labels") or []))}
        elif not (isinstance(words, str) and words in prompt):
            raise ValueError(f"marked words are not in the answer: [{start}, {end}) {str(words or '')[:40]!r}")


def _who(annotation: Mapping[str, Any]) -> str:
    who = annotation.get("completed_by")
    who = who.get("email") or who.get("id") if isinstance(who, Mapping) else who
    return str(who) if who is not None else ""
