"""What every method is given of the comments: of a contradiction the newer, one case where several say the same."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sayso import material as shared
from sayso.material import cases, syllabus
from sayso.methods import imitate
from sayso.records import Attempt, Author, Feedback, Span, user

sys.path.insert(0, str(Path(__file__).parent / "methods"))
from materials import COMMENT, ENGLISH, labelled, material

AGAIN = replace(COMMENT, comment="店里规定是七天，请说七天。", author=Author(id="李"), confidence=0.5)
NEWER = replace(COMMENT, comment="店规改了，现在是九天。", revision="九天。")


def test_the_newer_of_two_that_contradict_each_other_is_taught_and_the_older_refused_with_its_words() -> None:
    ready, refused = cases(material(COMMENT, ENGLISH, NEWER))
    assert [case.feedback for case in ready] == [ENGLISH, NEWER]
    assert refused == {COMMENT.id: "a newer comment contradicts it: 店规改了，现在是九天。"}
    found = syllabus(imitate, material(COMMENT, ENGLISH, NEWER), imitate.Knobs(anchors=0))
    assert found.notices == (f'"{COMMENT.comment}" is contradicted by the newer "{NEWER.comment}": the newer counts',)
    assert [one.from_ids for one in found.lessons] == [(ENGLISH.id,), (NEWER.id,)]


def test_of_one_prompt_several_texts_may_be_right_but_one_label() -> None:
    other = replace(COMMENT, attempt=Attempt("五天吧。"), comment="说得肯定些。", revision="退货要七天。")
    ready, refused = cases(material(COMMENT, other))
    assert ([case.feedback for case in ready], refused) == ([COMMENT, other], {})
    labels = [replace(COMMENT, revision="正面"), replace(other, revision="负面")]
    given = material(*labels, task=labelled())
    assert set(cases(given)[1]) == {labels[0].id}
    assert "contradicted" in syllabus(imitate, given, imitate.Knobs(anchors=0)).notices[0]


def test_a_comment_that_cannot_be_used_overrules_nobody() -> None:
    doubted = replace(NEWER, confidence=0.0)
    no_label = replace(NEWER, revision="不是标签")
    for newer, task in ((doubted, None), (no_label, labelled())):
        older = replace(COMMENT, revision="正面" if task else COMMENT.revision)
        ready, refused = cases(material(older, newer, task=task))
        assert [case.feedback for case in ready] == [older]
        assert set(refused) == {newer.id}


def test_who_says_the_same_of_the_same_answer_is_one_case_with_the_surest_words() -> None:
    (case,), refused = cases(material(AGAIN, COMMENT))
    assert (case.feedback, case.weight, case.from_ids) == (COMMENT, 1.0, (AGAIN.id, COMMENT.id))
    assert refused == {}
    assert (
        "2 comments say the same thing"
        in shared.syllabus(imitate, material(AGAIN, COMMENT), imitate.Knobs()).notices[0]
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(AGAIN, prompt=user("换货要多久？")),
        replace(AGAIN, attempt=Attempt("五天。")),
        replace(AGAIN, spans=(Span(0, 2),)),
        replace(AGAIN, comment="请用敬语。"),
        replace(AGAIN, author=Author("program", "checks.py:days")),
    ],
)
def test_what_is_about_another_answer_or_matter_stays_a_case_of_its_own(other: Feedback) -> None:
    ready, _ = cases(material(COMMENT, other))
    assert [case.from_ids for case in ready] == [(COMMENT.id,), (other.id,)]


def test_where_one_of_several_cannot_be_used_none_can() -> None:
    bare = [replace(one, revision=None) for one in (COMMENT, AGAIN)]
    found = imitate.lessons(material(*bare, ENGLISH), imitate.Knobs(anchors=0))
    assert set(found.refused) == {one.id for one in bare}
    assert [one.from_ids for one in found.lessons] == [(ENGLISH.id,)]
