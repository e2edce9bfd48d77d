"""What counts as a neighbour in a proof, and of which answers drift is measured."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from sayso.cli.evidence import Scene
from sayso.material import Case
from sayso.records import Answer, Attempt, Example, Feedback, Outcome, Scope, State, user

LATE = Feedback(
    user("Where is it?"),
    Attempt("Soon."),
    "Say sorry.",
    scope=Scope("rule", "a parcel is late"),
    revision="Sorry! Soon.",
    checks=("contains(sorry)",),
)
GIFT = Feedback(
    user("It is a gift."),
    Attempt("Nice."),
    "Name the ribbon.",
    scope=Scope("rule", "something is a gift"),
    revision="Nice, with a ribbon.",
    checks=("contains(ribbon)",),
)
SAID = {LATE.id: ("Soon.", "Sorry! Soon."), GIFT.id: ("Nice.", "Sorry, with a ribbon.")}


def scene(monkeypatch: pytest.MonkeyPatch, gift: Feedback = GIFT) -> Scene:
    """Two taught comments; a judge for which an answer does what a comment asks where it holds its check's word."""

    def judged(project: object, asked: Any) -> list[float | None]:
        answered = {LATE.prompt: {*SAID[LATE.id], LATE.revision}, gift.prompt: {*SAID[GIFT.id], gift.revision}}
        assert all(text in answered[case.feedback.prompt] for case, text in asked), "asked of its own prompt's answers"
        return [float(case.feedback.checks[0][9:-1] in text.lower()) for case, text in asked]

    monkeypatch.setattr("sayso.cli.effects.judged", judged)
    made = Scene(SimpleNamespace(examples=lambda split: (), run=SimpleNamespace(feedback=lambda: [LATE, gift])))  # type: ignore[arg-type]
    made.__dict__["taught"] = [Case(one, one.prompt, one.attempt.text, one.revision) for one in (LATE, gift)]
    made.__dict__["held"], made.__dict__["_answered"] = [], {}
    said = {LATE.id: SAID[LATE.id], gift.id: SAID[GIFT.id]}
    made.__dict__["outcomes"] = {
        id_: Outcome(id_, State.HEEDED, before=before, after=after) for id_, (before, after) in said.items()
    }
    return made


def test_what_a_comment_asks_is_looked_for_on_the_prompts_of_another_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scene, "_like_it", lambda self, taught: [])
    made = scene(monkeypatch)
    sides = made._near(made.taught)
    assert sorted(zip(sides.before.values(), sides.after.values(), strict=True)) == [(0.0, 0.0), (0.0, 1.0)]


def test_where_the_right_answer_does_what_the_comment_asks_there_is_no_neighbour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Scene, "_like_it", lambda self, taught: [])
    polite = replace(GIFT, revision="Sorry, with a ribbon.")
    made = scene(monkeypatch, polite)
    assert list(made._near(made.taught).after.values()) == [0.0], "only the ribbon, where something is late"


def drift(monkeypatch: pytest.MonkeyPatch, feedback: Feedback) -> list[Any]:
    """What drift is measured on, where one item was commented on and one was not."""
    items = (Example("a", LATE.prompt), Example("b", user("Thanks!")))
    run = SimpleNamespace(
        feedback=lambda: [feedback],
        answers=lambda stage, split: [Answer(one.id, f"{stage} {one.id}") for one in items],
        note=lambda name: None,
    )
    project = SimpleNamespace(
        run=run, examples=lambda split: items, start=lambda: "base", task=SimpleNamespace(several=False)
    )
    core = SimpleNamespace(snapshots={}, parameters=lambda: [])
    row = SimpleNamespace(targets=(1,))
    made = Scene(project)  # type: ignore[arg-type]
    made.__dict__["was"] = made.__dict__["now"] = SimpleNamespace(
        kind="decoder", core=core, row=lambda context, text: row
    )
    monkeypatch.setattr("sayso.cli.scoring.context_of", lambda project, one, kind, stage: (stage, one.id))
    measured: list[Any] = []

    def divergences(learner: object, name: str, before: Any, after: Any) -> list[tuple[float, int]]:
        measured.extend(zip(before, after, strict=True))
        return [(1.0, 1)] * len(before)

    monkeypatch.setattr("sayso.models.divergence.divergences", divergences)
    made._drift()
    return measured


def test_drift_is_of_the_answers_before_where_nobody_commented(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drift(monkeypatch, LATE) == [((("base", "b"), "base b"), (("learn", "b"), "base b"))]


def test_where_a_comment_holds_everywhere_nothing_drifts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drift(monkeypatch, replace(LATE, scope=Scope("everywhere"))) == []


def test_obedience_is_without_the_wrong_comment_and_then_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene(monkeypatch)
    made.__dict__["readers"] = made.taught
    monkeypatch.setattr("sayso.cli.effects.shuffled", lambda project, readers: {LATE.id: GIFT})
    read: Any = SimpleNamespace(answers={"none": {LATE.id: "Soon."}, "shuffled": {LATE.id: "Soon, with a ribbon."}})
    monkeypatch.setattr(
        "sayso.cli.effects.judged", lambda project, asked: [float("ribbon" in text) for _, text in asked]
    )
    sides = made._wrong(read)
    assert (sides.before, sides.after) == ({LATE.id: 0.0}, {LATE.id: 1.0})
