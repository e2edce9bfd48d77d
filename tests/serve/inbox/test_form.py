"""What is typed becomes the comment that was meant, and what is no comment says why."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.records import Attempt, Author, Feedback, Scope, Span, user
from sayso.serve.inbox.form import (
    Draft,
    Form,
    Marked,
    Unfinished,
    comment_from,
    draft_from,
    draft_of,
    stretches,
)
from sayso.store.responses import Choice, Response

ANSWER = "亲，退货三天👍🏽。Three days, three!\r\nBye"
RESPONSE = Response("r", "chat", user("退货？"), (Choice(ANSWER, (1, 2)), Choice("other")), "v1")
ANNA = Author(id="anna")


def made(draft: Draft, choice: int = 0) -> Feedback:
    return comment_from(draft, RESPONSE, choice, ANNA)


def form(**fields: Any) -> Form:
    return Form({name: value if isinstance(value, list) else [value] for name, value in fields.items()})


def test_all_that_was_typed_is_in_the_comment() -> None:
    given_form = form(
        comment=" 太随便了。",
        revision="退货三天。",
        reach="rule",
        when="问退货",
        verdict="negative",
        span_words=["亲", "three"],
        span_note=["tone", ""],
        span_better=["您好", ""],
        span_start=["0", "21"],
    )
    one = made(draft_of(given_form))
    assert (one.prompt, one.attempt.text, one.attempt.model, one.item) == (RESPONSE.prompt, ANSWER, "v1", "r")
    assert (one.comment, one.revision, one.scope) == ("太随便了。", "退货三天。", Scope("rule", "问退货"))
    assert one.spans == (Span(0, 1, "tone", replacement="您好"), Span(21, 26))
    assert (one.author, one.polarity, one.supersedes) == (ANNA, "negative", "")
    assert made(Draft("x"), 1).attempt.text == "other"


def test_words_are_found_also_where_the_page_could_not_count_them() -> None:
    assert ANSWER[21:26] == "three"
    for start in (-1, 20, 500):
        (span,) = made(Draft(marked=(Marked("three", "again", start=start),))).spans
        assert ANSWER[span.start : span.end] == "three"
    (first,) = made(Draft(marked=(Marked("hree", start=9),))).spans
    (second,) = made(Draft(marked=(Marked("hree", start=24),))).spans
    assert first.start < second.start, "of several places the nearest"


@pytest.mark.parametrize(
    ("draft", "key"),
    [
        (Draft(), "say_something"),
        (Draft("  \n"), "say_something"),
        (Draft(revision=ANSWER.replace("\r\n", "\n")), "say_something"),
        (Draft("x", reach="rule", when=" "), "say_when"),
        (Draft("x", marked=(Marked("not there"),)), "not_found_words"),
        (Draft("x" * 20_001), "too_long"),
        (Draft("x", marked=(Marked("亲", "n" * 201),)), "too_long"),
    ],
)
def test_what_is_no_comment_says_why(draft: Draft, key: str) -> None:
    with pytest.raises(Unfinished) as caught:
        made(draft)
    assert caught.value.key == key


def test_praise_needs_no_words_and_an_untouched_answer_is_no_rewriting() -> None:
    one = made(Draft(praise=True, revision=ANSWER.replace("\r\n", "\n")))
    assert (one.polarity, one.revision, one.comment) == ("positive", None, "")


def test_a_condition_counts_for_a_rule_only() -> None:
    assert made(Draft("x", reach="everywhere", when="left over")).scope == Scope("everywhere")
    assert draft_of(form(comment="x", reach="king", when="w")).reach == "item"


def test_a_comment_comes_back_into_the_form_as_it_was_said() -> None:
    one = made(Draft("x", "y", "rule", "w", (Marked("亲", "tone", "您", 0),)))
    draft = draft_from(one)
    assert draft.change == one.id
    again = made(draft)
    assert again.supersedes == one.id
    assert (again.comment, again.revision, again.scope, again.spans) == (one.comment, "y", one.scope, one.spans)


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda p: Span(min(p), max(p) + 1, "n")))


@given(st.text(max_size=30), spans)
def test_the_parts_of_an_answer_give_it_back(text: str, marked: list[Span]) -> None:
    one = Feedback(user("q"), Attempt(text), "c", spans=tuple(span for span in marked if span.end <= len(text)))
    parts = stretches(text, [one])
    assert "".join(part.text for part in parts) == text
    place = 0
    for part in parts:
        covering = [span for span in one.spans if span.start <= place and place + len(part.text) <= span.end]
        assert len(part.notes) == len(covering)
        place += len(part.text)
