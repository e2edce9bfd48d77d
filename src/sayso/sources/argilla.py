"""Records of Argilla, as `dataset.records.to_json` and the hub have them: a comment for each annotator of a record.

Decided here:
- Which field is the prompt and which the answer, which question holds the comment, the better answer or marked words,
  goes by well-known names, or by the options of those names.
- What is submitted counts; drafts and discarded responses are listed, and so is a record that nobody has answered.
- A question with a list of {start, end, label} marks words of the answer. Labels such as good or bad are a verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sayso.dataset.lines import check_options
from sayso.dataset.objects import json_objects
from sayso.dataset.remarks import column, conversation, said, verdict
from sayso.protocols import RawRow

SUFFIXES: tuple[str, ...] = ()
OPTIONS = ("prompt", "attempt", "comment", "revision")
Answers = dict[str, Any]


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Comments, one per record and annotator. Options: prompt, attempt, comment, revision (fields and questions)."""
    check_options(options, OPTIONS, "argilla")
    for record in json_objects(Path(path)):
        yield from [record] if record.problem else _of_record(record, options)


def _of_record(record: RawRow, asked: Mapping[str, Any]) -> Iterator[RawRow]:
    fields = record.fields.get("fields")
    fields = fields if isinstance(fields, Mapping) else record.fields
    present = [name for name, value in fields.items() if value is not None]
    prompt, attempt = (column(role, present, asked) for role in ("prompt", "attempt"))
    shown = conversation(fields.get(prompt))
    if not shown or not attempt:
        yield RawRow(record.line, {}, f"no field for {'the prompt' if not shown else 'the answer'}: {present}")
        return
    common = {"prompt": shown, "attempt": said(fields[attempt])}
    people = _people(record.fields)
    if not people:
        yield RawRow(record.line, {}, "nobody has answered its questions")
    for who, (status, answers) in people.items():
        yield _comment(record.line, common | {"author": who}, status, answers, asked)


def _comment(number: int, common: dict[str, Any], status: str, answers: Answers, asked: Mapping[str, Any]) -> RawRow:
    if status not in ("", "submitted"):
        return RawRow(number, {}, f"the response of {common['author'] or 'somebody'} is {status}, not submitted")
    texts = [name for name, value in answers.items() if isinstance(value, str)]
    named = {role: column(role, texts, {k: v for k, v in asked.items() if v in texts}) for role in OPTIONS[2:]}
    row = common | {role: answers[name] for role, name in named.items() if name}
    spans = [span for value in answers.values() for span in _spans(value)]
    judged = [found for name, value in answers.items() if name not in named.values() and (found := verdict(value))]
    row |= ({"spans": spans} if spans else {}) | ({"polarity": judged[0]} if judged else {})
    return RawRow(number, row)


def _people(record: Mapping[str, Any]) -> dict[str, tuple[str, Answers]]:
    """By annotator: the response's status and the answers by question, from the nested form or the flat one."""
    found: dict[str, tuple[str, Answers]] = defaultdict(lambda: ("", {}))
    for question, who, value, status in [*_nested(record), *_flat(record)]:
        before = found[who]
        found[who] = (status or before[0], before[1] | {question: value})
    return found


def _nested(record: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, str]]:
    responses = record.get("responses")
    for question, given in responses.items() if isinstance(responses, Mapping) else ():
        for one in given if isinstance(given, list) else ():
            if isinstance(one, Mapping):
                yield question, str(one.get("user_id") or ""), one.get("value"), str(one.get("status") or "")


def _flat(record: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, str]]:
    for name, values in record.items():
        if name.endswith(".responses") and isinstance(values, list):
            people, statuses = (_list(record.get(f"{name}.{more}"), len(values)) for more in ("users", "status"))
            for value, who, status in zip(values, people, statuses, strict=True):
                yield name.removesuffix(".responses"), str(who or ""), value, str(status or "")


def _list(value: Any, n: int) -> list[Any]:
    return value if isinstance(value, list) and len(value) == n else [None] * n


def _spans(value: Any) -> Iterator[dict[str, Any]]:
    for one in value if isinstance(value, list) else ():
        if isinstance(one, Mapping) and {"start", "end"} <= set(one):
            yield {"start": one["start"], "end": one["end"], "label": str(one.get("label") or "")}
