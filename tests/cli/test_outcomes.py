"""Programs are asked about the answers to every comment's prompt, and a person reads what became of each comment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.cli.learn import OUTCOMES_SHOWN, _print, learn, states_of
from sayso.cli.outcomes import outcomes_of
from sayso.cli.project import Project
from sayso.errors import FeedbackError, RecipeError
from sayso.recipe import Recipe
from sayso.records import Attempt, Author, Feedback, Outcome, State, user
from sayso.store.split import Halves

PROGRAM = """
def ask(prompt, answer):
    if answer == "崩": raise ValueError
    with open(__file__ + ".log", "a") as file: file.write(answer + "\\n")
    return None if "order number?" in answer or "订单号是" in answer else "Ask for it first."
"""
REFUND, SUPPORT = "Can I have a refund?", "Yes, a refund is no problem."
REVISION, NEAR = "What is your order number?", "You can't promise that. We always ask for the order no."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "c.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text('{"prompt": "你好", "target": "您好"}\n' * 10, encoding="utf-8")
    sections = {
        "run": str(tmp_path / "run"),
        "task": {"name": "generate"},
        "data": {"train": {"path": str(tmp_path / "rows.jsonl")}, "validation_share": 0},
        "feedback": {"critics": [{"name": "program", "knobs": {"program": f"{tmp_path / 'c.py'}:ask"}}]},
    }
    return Project.open(Recipe.model_validate(sections))


def said(words: str, revision: str | None = REVISION, **more: object) -> Feedback:
    return Feedback(user(REFUND), Attempt(SUPPORT), words, revision=revision, **more)  # type: ignore[arg-type]


def became(project: Project, one: Feedback, after: str) -> Outcome:
    project.run.write_feedback([one])
    halves = Halves((one,), ())
    return outcomes_of(project, halves, {}, {one.id: SUPPORT}, {one.id: after})[0]


def test_an_answer_that_the_recipes_program_rejects_is_not_heeded_however_close(project: Project) -> None:
    found = became(project, said("Ask for the order number."), NEAR)
    assert (found.state, found.why) == (State.NOT_HEEDED, "c.py:ask says of the answer: Ask for it first.")
    assert became(project, said("先问订单号。"), "订单号是多少？").state is State.HEEDED
    asked = (Path(project.run.folder).parent / "c.py.log").read_text(encoding="utf-8").splitlines()
    assert asked[:3] == [SUPPORT, REVISION, NEAR]


def test_a_comment_that_names_the_program_is_judged_by_it_without_a_better_answer(project: Project) -> None:
    assert became(project, said("Hm.", None), NEAR).state is State.CANNOT_TELL
    assert became(project, said("Hm.", None, checks=("c.py:ask",)), NEAR).state is State.NOT_HEEDED
    assert became(project, said("Hm.", None, author=Author("program", "c.py:ask")), REVISION).state is State.HEEDED


def test_a_check_that_a_comment_names_judges_the_new_answer(project: Project) -> None:
    checks = ("contains(order number) when refund", "at_most_words(6)")
    long = "Could you tell me what your order number is?"
    for checked, after, state in (
        (checks[:1], "Your order number?", State.HEEDED),
        (checks[:1], "Sure.", State.NOT_HEEDED),
        (checks[:1], long, State.HEEDED),
        (checks, long, State.NOT_HEEDED),
        (checks[1:], "Sure.", State.CANNOT_TELL),
    ):
        found = became(project, said("Ask for it.", None, checks=checked), after)
        assert (found.state, after) == (state, after)
    assert found.why == "at_most_words(6) is content with the answer, as with the one before learning"


def test_where_the_program_fails_closeness_decides(project: Project) -> None:
    assert became(project, said("问订单号。", "崩溃"), "崩").why.startswith("closer to the better answer")


@pytest.fixture
def many(project: Project) -> Project:
    """Thirty comments: one heeded, one held out, the rest refused."""
    comments = [said(f"第 {i} 条评语，\n" + "很长" * 80) for i in range(30)]
    states = [State.REFUSED] * 28 + [State.HEEDED, State.HELD_OUT]
    project.run.write_feedback(comments)
    project.run.write_outcomes(
        [Outcome(one.id, state, f"因为 {i}") for i, (one, state) in enumerate(zip(comments, states, strict=True))]
    )
    return project


def test_counts_come_first_and_every_state_has_a_place(many: Project, capsys: pytest.CaptureFixture[str]) -> None:
    _print(many, {"passes": 0.5}, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("learn: passes 50.0 %")
    assert lines[1] == "30 comments: 1 heeded, 1 held out (0 of them heeded all the same), 28 refused"
    assert lines[2].split() == ["state", "comment", "why"]
    assert len(lines) == 3 + OUTCOMES_SHOWN + 1
    assert lines[3].startswith("heeded")
    assert "因为 28" in lines[3]
    assert lines[4].startswith("held out")
    assert all(line.startswith("refused") for line in lines[5:-1])
    assert lines[-1] == f"and 10 more: all of them are in {many.run.folder / 'outcomes.jsonl'}"


def test_the_json_holds_every_outcome(many: Project, capsys: pytest.CaptureFixture[str]) -> None:
    _print(many, {}, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["states"] == states_of(many)
    assert (told["states"]["refused"], len(told["outcomes"])) == (28, 30)
    assert told["outcomes"][28]["state"] == "heeded"
    assert told["outcomes"][28]["comment"].startswith("第 28 条评语")


def test_without_a_method_or_a_comment_there_is_nothing_to_learn(project: Project, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"run: {tmp_path / 'empty'}\ntask: {{name: generate}}\ndata: {{train: {{path: {tmp_path / 'rows.jsonl'}}}}}\n"
    )
    with pytest.raises(RecipeError, match="no method") as caught:
        learn(recipe)
    assert "imitate" in caught.value.fix
    with pytest.raises(FeedbackError, match="no comments"):
        learn(recipe, "imitate")
