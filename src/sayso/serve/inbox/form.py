"""What a page sends, and the comment that it makes.

Decided here:
- A form is read as browsers send it; the comment goes through the API's own schema and checks, so both ways in have
  the same rules.
- Marked words are [start, end) of the answer. Where the page could not count them (no script), they are looked for.
- Browsers end lines with CR LF; people mean a new line.
- What is wrong with a form is told by the key of its wording, and everything that was typed is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import parse_qs

from fastapi import Request
from pydantic import ValidationError

from sayso.records import Author, Feedback, Reach, Scope
from sayso.report.page import holdable
from sayso.serve.feedback import comment_on
from sayso.serve.problems import Refusal
from sayso.serve.schemas import FeedbackRequest, ScopeGiven, SpanGiven
from sayso.store.responses import Response

MOST_FIELDS = 1000
_SAYS = {"comment": "say_something", "scope.when": "say_when"}


class Form:
    """The fields of a form, each with all its values."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The first value of a field, "" where there is none."""
        return (self._fields.get(name) or [""])[0]

    def all(self, name: str) -> list[str]:
        """All values of a field."""
        return self._fields.get(name, [])


async def form_of(request: Request) -> Form:
    """The form that a request carries. Refusal (400) for more fields than any page has."""
    body = (await request.body()).decode("utf-8", "replace")
    try:
        found = parse_qs(body, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace")
    except ValueError:
        raise Refusal(400, "this form has too many fields", "invalid") from None
    return Form({name: [value.replace("\r\n", "\n") for value in values] for name, values in found.items()})


@dataclass(frozen=True, slots=True)
class Marked:
    """Words of the answer, what is wrong with them, and better ones; `start` is -1 where it is not known."""

    words: str
    note: str = ""
    better: str = ""
    start: int = -1


@dataclass(frozen=True, slots=True)
class Draft:
    """A comment as it stands in the form."""

    comment: str = ""
    revision: str = ""
    reach: Reach = "item"
    when: str = ""
    marked: tuple[Marked, ...] = ()
    praise: bool = False
    change: str = ""


class Unfinished(Exception):
    """A form that is no comment yet: the key of the wording that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def draft_of(form: Form) -> Draft:
    """What was typed."""
    columns = (form.all("span_words"), form.all("span_note"), form.all("span_better"), form.all("span_start"))
    rows = zip(*columns, strict=False)
    marked = tuple(Marked(words, note, better, _number(start)) for words, note, better, start in rows if words)
    return Draft(
        form.one("comment"),
        form.one("revision"),
        scope_of(form).reach,
        form.one("when"),
        marked,
        form.one("verdict") == "positive",
        form.one("change"),
    )


def scope_of(form: Form) -> Scope:
    """How far it is to reach; a condition counts for a rule only."""
    asked = form.one("reach")
    reach: Reach = "rule" if asked == "rule" else "everywhere" if asked == "everywhere" else "item"
    return Scope(reach, form.one("when") if reach == "rule" else "")


def draft_from(one: Feedback) -> Draft:
    """A comment in the form again, to be changed."""
    marked = (
        Marked(one.attempt.text[span.start : span.end], span.label, span.replacement or "", span.start)
        for span in one.spans
    )
    praise = one.polarity == "positive"
    return Draft(one.comment, one.revision or "", one.scope.reach, one.scope.when, tuple(marked), praise, one.id)


def comment_from(draft: Draft, response: Response, choice: int, author: Author) -> Feedback:
    """The comment. Unfinished where it says nothing, or marks words that are not in the answer."""
    answer = response.choices[choice].text
    revision = draft.revision if draft.revision.strip() and draft.revision != _as_typed(answer) else None
    try:
        body = FeedbackRequest(
            response_id=response.id,
            choice=choice,
            comment=draft.comment,
            spans=[_span(holdable(answer), one) for one in draft.marked],
            revision=revision,
            scope=ScopeGiven(reach=draft.reach, when=draft.when if draft.reach == "rule" else ""),
            polarity="positive" if draft.praise else "negative",
            supersedes=draft.change,
        )
        return comment_on(response, body, author)
    except ValidationError:
        raise Unfinished("too_long") from None
    except Refusal as refusal:
        raise Unfinished(_SAYS.get(refusal.param or "", "not_found_words")) from None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an answer; `notes` say what people find wrong with it."""

    text: str
    notes: tuple[str, ...] = field(default=())


def stretches(text: str, comments: Sequence[Feedback]) -> list[Stretch]:
    """The answer cut where marked words begin and end; joined, the parts give it back."""
    spans = [(span, one) for one in comments if one.attempt.text == text for span in one.spans]
    cuts = sorted({0, len(text), *(place for span, _ in spans for place in (span.start, span.end))})
    return [
        Stretch(
            text[start:end],
            tuple(span.label or one.comment for span, one in spans if span.start <= start and end <= span.end),
        )
        for start, end in pairwise(cuts)
        if end <= len(text)
    ]


# ---------------------------------------------------------------- inside


def _as_typed(answer: str) -> str:
    """The answer as it comes back from a field that nobody has touched."""
    return holdable(answer).replace("\r\n", "\n").replace("\r", "\n")


def _span(answer: str, one: Marked) -> SpanGiven:
    start = one.start
    if start < 0 or answer[start : start + len(one.words)] != one.words:
        start = _nearest(answer, one.words, max(0, start))
    return SpanGiven(start=start, end=start + len(one.words), label=one.note.strip(), replacement=one.better or None)


def _nearest(answer: str, words: str, to: int) -> int:
    """Where these words stand, of several places the nearest. Unfinished where they do not."""
    found = [place for place in range(len(answer)) if answer.startswith(words, place)]
    if not found:
        raise Unfinished("not_found_words")
    return min(found, key=lambda place: abs(place - to))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
