"""How far an answer does what a comment asks: a check's word, else closeness; and a belief per token."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sayso.cli.effects import believed, effects, elsewhere, judged, shuffled
from sayso.cli.project import Project
from sayso.material import Case
from sayso.recipe import Recipe
from sayso.records import Attempt, Example, Feedback, user


@pytest.fixture
def project(tmp_path: Any) -> Project:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "你好", "target": "您好"}\n' * 10, encoding="utf-8")
    data = {"train": {"path": str(tmp_path / "rows.jsonl")}, "validation_share": 0}
    return Project.open(
        Recipe.model_validate({"run": str(tmp_path / "run"), "task": {"name": "generate"}, "data": data})
    )


def case(comment: str, check: str = "", better: str | None = None) -> Case:
    made = Feedback(user(f"约{comment}?"), Attempt("No."), comment, checks=(check,) if check else ())
    return Case(made, made.prompt, "No.", better)


RIBBON = case("Name the ribbon.", "contains(ribbon | 丝带)", "With a ribbon.")


def test_a_checks_word_decides_and_content_is_one(project: Project) -> None:
    assert judged(project, [(RIBBON, "A ribbon."), (RIBBON, "有丝带。"), (RIBBON, "No.")]) == [1.0, 1.0, 0.0]


def test_without_a_check_closeness_to_the_better_answer_decides(project: Project) -> None:
    closest, near, far = judged(
        project, [(case("?", better="您好，请问"), text) for text in ("您好，请问", "您好", "x")]
    )
    assert (closest, far) == (1.0, 0.0)
    assert 0 < (near or 0) < 1
    assert judged(project, [(case("?"), "anything")]) == [None]


def test_comments_without_an_answer_or_a_judge_are_left_out(project: Project) -> None:
    unjudged, mute = case("Hm."), case("Again.", "contains(x)")
    said = {RIBBON.feedback.id: "A ribbon.", unjudged.feedback.id: "Yes."}
    assert effects(project, [RIBBON, unjudged, mute], said) == {RIBBON.feedback.id: 1.0}


def test_the_other_comment_is_one_whose_better_answer_does_not_do_the_same(project: Project) -> None:
    same, other = case("丝带!", better="Ribbon, 丝带。"), case("Say sorry.", "contains(sorry)", "Sorry.")
    chosen = shuffled(project, [RIBBON, same, other])
    assert chosen[RIBBON.feedback.id] == other.feedback


def test_elsewhere_the_comment_is_about_another_prompt(project: Project) -> None:
    moved = elsewhere(RIBBON, user("Where?"))
    assert (moved.feedback.prompt, moved.feedback.comment) == (user("Where?"), RIBBON.feedback.comment)


def test_a_belief_is_per_token_and_items_without_a_target_have_none(project: Project) -> None:
    learner: Any = SimpleNamespace(
        kind="decoder",
        row=lambda context, text: SimpleNamespace(targets=tuple(text)),
        logps=lambda rows: [-3.0 * len(row.targets) for row in rows],
    )
    asked = [Example("long", user("a"), "xxxx"), Example("short", user("b"), "x"), Example("none", user("c"))]
    assert believed(project, learner, project.task, asked, "base") == {"long": -3.0, "short": -3.0}
