"""Traces of Langfuse with their scores, or the score files of its scheduled export: a comment for each score in words.

Decided here:
- A trace is as the page or the API gives it: input, output, scores, observations. A score on an observation is about
  what that observation read and wrote.
- A file of scores alone needs `observations`, the file of observations or traces that they belong to.
- An input or output that the export has written as JSON in a text is read as that; an answer in JSON stays as it is.
- The words are the score's comment; a score without one is listed, and so is one on an input that is no text. A score
  of true or false, a category such as good or bad, or 1, 0, -1 is a verdict; any other number is neither praise nor
  blame. What an evaluator said is a critic's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sayso.dataset.lines import check_options
from sayso.dataset.objects import json_objects
from sayso.dataset.remarks import conversation, said, verdict
from sayso.protocols import RawRow

SUFFIXES: tuple[str, ...] = ()
OPTIONS = ("observations",)
Fields = Mapping[str, Any]
_SHAPES = {"role", "messages", "choices"}


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Comments, one per score. Option: observations (the file that a file of scores belongs to)."""
    check_options(options, OPTIONS, "langfuse")
    beside = str(options.get("observations", ""))
    known = {_get(row.fields, "id"): row.fields for row in json_objects(Path(beside))} if beside else {}
    for row in json_objects(Path(path)):
        yield from [row] if row.problem else _of_row(row, known)


def _of_row(row: RawRow, known: Mapping[Any, Fields]) -> Iterator[RawRow]:
    if _get(row.fields, "trace_id") and "scores" not in row.fields and "trace" not in row.fields:
        yield _comment(row.line, row.fields, known, {})
        return
    trace = row.fields.get("trace")
    trace = trace if isinstance(trace, Mapping) else row.fields
    here = {_get(trace, "id"): trace} | {
        _get(one, "id"): one for one in [*_objects(row.fields, "observations"), *_objects(trace, "observations")]
    }
    scores = _objects(trace, "scores") or _objects(row.fields, "scores")
    if not scores:
        yield RawRow(row.line, {}, "a trace without scores")
    yield from (_comment(row.line, score, here, trace) for score in scores)


def _comment(number: int, score: Fields, known: Mapping[Any, Fields], trace: Fields) -> RawRow:
    words = score.get("comment")
    if not isinstance(words, str) or not words.strip():
        return RawRow(number, {}, f"the score '{score.get('name', '')}' has no comment")
    on = known.get(_get(score, "observation_id")) or known.get(_get(score, "trace_id")) or trace
    if not on:
        what = f"trace {_get(score, 'trace_id')} is not in the file of observations"
        return RawRow(number, {}, what if known else "a score without its trace; name the file: observations=...")
    prompt, answer = conversation(_unpacked(on.get("input"))), said(_unpacked(on.get("output")))
    if not prompt or not answer:
        what = "input" if not prompt else "output"
        return RawRow(number, {}, f"the {what} is no text and no conversation")
    value = _get(score, "string_value") if _get(score, "string_value") is not None else score.get("value")
    author = {"kind": "critic" if score.get("source") == "EVAL" else "person", "id": _who(score, trace)}
    polarity = verdict(value) or "neutral"
    return RawRow(
        number, {"prompt": prompt, "attempt": answer, "comment": words, "author": author, "polarity": polarity}
    )


def _who(score: Fields, trace: Fields) -> str:
    if score.get("source") == "EVAL":
        return str(score.get("name") or "")
    return str(_get(score, "author_user_id") or _get(trace, "user_id") or "")


def _get(fields: Fields, name: str) -> Any:
    """A field in snake_case, as files have it, or in camelCase, as the API has it."""
    first, *rest = name.split("_")
    return fields.get(name, fields.get(first + "".join(part.title() for part in rest)))


def _unpacked(value: Any) -> Any:
    """What an export has turned into a text: a text, turns, or an object with a turn. Other JSON is what was said."""
    if not isinstance(value, str) or not value.lstrip().startswith(('"', "[", "{")):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    turns = found if isinstance(found, list) else [found]
    shaped = isinstance(found, str) or any(isinstance(one, dict) and _SHAPES & set(one) for one in turns)
    return found if shaped else value


def _objects(fields: Fields, name: str) -> list[Fields]:
    found = fields.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
