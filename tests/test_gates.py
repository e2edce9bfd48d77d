"""The gate of a rule opens by words that a person can see, and one condition is one rule."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sayso.gates import gated, patches_of
from sayso.material import cases
from sayso.recipe import TaskPart
from sayso.records import Attempt, Example, Feedback, Scope, user
from sayso.tasks import classify

sys.path.insert(0, str(Path(__file__).parent / "methods"))
from materials import material

ENGLISH = classify.task(TaskPart(), ("good", "bad"))
LATE = Scope("rule", "when the review says the delivery was late")
SAID = Feedback(user("Nice lamp, late delivery."), Attempt("good"), "Late is bad.", scope=LATE, revision="bad")
TEXTS = ("Late delivery again.", "It broke.", "I love it.", "Too small.", "My late father had one.")
ROWS = tuple(Example(f"r{i}", user(text), "good") for i, text in enumerate(TEXTS))


def words_of(*feedback: Feedback, rows: Sequence[Example] = ROWS) -> list[set[str]]:
    ready, _ = cases(material(*feedback, task=ENGLISH, kind="encoder", examples=rows))
    return [set(gated(patch, rows, 0.4).words) for patch in patches_of(ready, {})]


def test_the_gate_is_made_of_words_of_the_condition_that_stand_in_the_texts_and_in_few_others() -> None:
    assert words_of(SAID) == [{"delive", "late"}]
    often = [replace(row, prompt=user(row.prompt[0].text + " late")) for row in ROWS]
    assert words_of(SAID, rows=often) == [{"delive"}]
    chinese = Feedback(
        user("灯不错，快递慢。"), Attempt("good"), "", scope=Scope("rule", "如果评论提到快递"), revision="bad"
    )
    assert words_of(chinese) == [{"快递"}]


def test_what_is_quoted_is_the_gate_and_what_is_missing_makes_none() -> None:
    quoted = replace(SAID, scope=Scope("rule", "the review says “late delivery”"))
    assert words_of(quoted) == [{"late delivery"}]
    missing = replace(SAID, prompt=user("Nice lamp."), scope=Scope("rule", 'it does not say "late"'))
    assert words_of(missing) == [set()]


def test_a_gate_opens_where_enough_of_its_words_stand() -> None:
    ready, _ = cases(material(SAID, task=ENGLISH, kind="encoder", examples=ROWS))
    patch = gated(patches_of(ready, {})[0], ROWS, 0.4)
    assert [patch.opens(row, 1.0) for row in ROWS] == [True, False, False, False, False]
    assert [patch.opens(row, 0.5) for row in ROWS] == [True, False, False, False, True]
    assert not any(replace(patch, words=frozenset()).opens(row, 0.5) for row in ROWS)


def test_one_condition_is_one_patch_and_of_two_labels_the_newer_counts() -> None:
    again = replace(SAID, prompt=user("My delivery came late."), scope=Scope("rule", "The delivery was late"))
    other, denied = replace(again, revision="good"), replace(again, scope=Scope("rule", "The delivery was not late"))

    def found(*feedback: Feedback) -> tuple[list[tuple[str, ...]], dict[str, str]]:
        refused: dict[str, str] = {}
        ready, _ = cases(material(*feedback, task=ENGLISH, kind="encoder", examples=ROWS))
        return [one.from_ids for one in patches_of(ready, refused)], refused

    assert found(SAID, again) == ([(SAID.id, again.id)], {})
    assert found(SAID, other) == ([(other.id,)], {SAID.id: "a newer comment gives this condition another label"})
    assert found(SAID, denied) == ([(SAID.id,), (denied.id,)], {})
