"""The checks of a recipe become comments that say what was seen, where, under which rule, and how it is measured."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.checks import read
from sayso.critics.rule import Knobs, comment
from sayso.errors import FeedbackError
from sayso.protocols import Task
from sayso.recipe import TaskPart
from sayso.records import Answer, Author, Example, Feedback, Scope, user
from sayso.tasks import classify, generate

FREE: Task = generate.task(TaskPart(name="generate"), ())
LABELS: Task = classify.task(TaskPart(), ("正面", "负面"))


def said(*rows: tuple[str, str], rules: tuple[str, ...], task: Task = FREE, gold: str | None = None) -> list[Feedback]:
    pairs = [(Example(str(i), user(asked), gold), Answer(str(i), text)) for i, (asked, text) in enumerate(rows)]
    return list(comment(task, pairs, Knobs(rules)))


def test_each_broken_check_is_a_comment_and_a_kept_one_is_none() -> None:
    rows = [("在吗？", "在。有事请说。快一点。"), ("Are you there?", "Please wait."), ("还在吗？", "请稍候。")]
    found = said(*rows, rules=("at_most_sentences(2)", "polite"))
    assert [(one.item, one.comment) for one in found] == [("0", "回答有 3 句，最多只能 2 句。")]
    found = said(*rows, rules=("polite", "contains(您好 | hello)"))
    assert [one.item for one in found] == ["0", "1", "2"]
    assert found[1].comment == 'The answer does not say "您好" or "hello".'
    first = found[0]
    assert (first.author, first.language) == (Author("critic", "rule:contains(您好 | hello)"), "zh")
    assert (first.attempt.text, first.prompt, first.polarity) == (rows[0][1], user("在吗？"), "negative")


def test_a_condition_is_the_scope_and_without_one_the_rule_is_everywhere() -> None:
    rows = [("我要退款", "好的。"), ("到哪了？", "在路上。"), ("A refund, please", "Sure.")]
    always, when = "contains(订单号 | order number)", "contains(订单号 | order number) when 退款 | refund"
    found = said(*rows, rules=(when,))
    assert [one.item for one in found] == ["0", "2"]
    assert {one.scope for one in found} == {Scope("rule", read(when).rule("zh"))}
    assert found[1].comment.startswith("The answer does not say")
    found = said(*rows, rules=(always,))
    assert [one.item for one in found] == ["0", "1", "2"]
    assert {one.scope for one in found} == {Scope("everywhere", "要说到“订单号”或“order number”。")}
    english = said(*rows[2:], rules=(always,))
    assert english[0].scope.when == 'Say "订单号" or "order number".'


def test_the_check_of_a_comment_tells_whether_another_answer_heeds_it() -> None:
    found = said(("我要退款", "马上退。"), rules=("contains(订单号) when 退款",))[0]
    (check,) = map(read, found.checks)
    assert check.breach(found.prompt, found.attempt.text) is not None
    assert check.breach(found.prompt, "请告诉我订单号。") is None


def test_what_must_not_be_said_is_marked() -> None:
    found = said(("能退吗？", "保证能退，保证。"), rules=("lacks(保证)",))[0]
    assert [found.attempt.text[span.start : span.end] for span in found.spans] == ["保证", "保证"]
    assert [span.start for span in found.spans] == [0, 5]


def test_the_labels_of_the_task_are_meant_where_none_are_named() -> None:
    rows = [("很好吃", "正面"), ("难吃", "不知道")]
    found = said(*rows, rules=("one_of",), task=LABELS, gold="负面")
    assert [(one.item, one.checks, one.reveals_answer) for one in found] == [("1", ("one_of(正面 | 负面)",), True)]
    assert said(*rows, rules=("one_of",)) == []
    assert not said(*rows, rules=("one_of(好 | 坏)",), gold="负面")[0].reveals_answer


def test_a_rule_that_is_none_stops_before_anything_is_asked() -> None:
    with pytest.raises(FeedbackError, match="no rule is named"):
        comment(FREE, [], Knobs())
    with pytest.raises(FeedbackError, match="no check 'at_most_word'") as caught:
        Knobs(("one_sentence", "at_most_word(3)"))
    assert "'at_most_words'" in caught.value.fix


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=4))
@settings(max_examples=60)
def test_a_comment_is_made_exactly_where_the_check_is_broken(rows: list[tuple[str, str]]) -> None:
    rules = ("at_most_words(2)", "lacks(a | 好)", "finished when 好", "keeps_numbers")
    found = {(one.item, one.checks[0]) for one in said(*rows, rules=rules)}
    broken = {
        (str(i), rule)
        for i, (asked, text) in enumerate(rows)
        for rule in rules
        if read(rule).breach(user(asked), text) is not None
    }
    assert found == broken
