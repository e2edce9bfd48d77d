"""Critics comment on the model's own errors; whoever can judge the new answers is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest
from journey import contents, sayso, sets

from sayso.records import State
from sayso.store.runs import Run

PROGRAM = """
def comment(prompt, answer):
    return "不要回答 positive。" if answer == "positive" else None
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str]]:
    """A project whose comments come from critics alone, trained; its recipe and settings."""
    folder = tmp_path_factory.mktemp("critics")
    sayso("init", folder, "--task", "sentiment", "--language", "en", "--force")
    (folder / "critic.py").write_text(PROGRAM, encoding="utf-8")
    recipe = folder / "recipe.yaml"
    critics = (
        "[{name: validation, knobs: {reveal: false}},"
        f" {{name: program, knobs: {{program: '{folder / 'critic.py'}:comment'}}}}]"
    )
    text = recipe.read_text(encoding="utf-8").replace("files: [comments.jsonl]", f"critics: {critics} #")
    recipe.write_text(text, encoding="utf-8")
    settings = sets(model__name=models / "bert", strategy__learning_rate=0.0001, feedback__held_out=0)
    sayso("train", recipe, *settings)
    return recipe, settings


def test_errors_become_comments_and_comments_outcomes(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    told = sayso("comment", recipe, *settings, "--json").json
    run = Run.open(recipe.parent / "run")
    gold = {one.id: one.target for one in run.examples("validation")}
    wrong = {one.item for one in run.answers("train", "validation") if one.text != gold[one.item]}
    said = run.feedback()
    assert {one.item for one in said if one.author.kind == "critic"} == wrong
    assert [one["id"] for one in told] == [one.id for one in said]
    assert sayso("comment", recipe, *settings).out.count("\n") >= len(said)
    sayso("learn", recipe, *settings, "--method", "imitate")
    after = {one.feedback: one for one in run.outcomes()}
    assert set(after) == {one.id for one in said}
    for one in said:
        found = after[one.id]
        if one.author.kind == "program" and found.state is not State.REFUSED:
            assert (found.state is State.HEEDED) == (found.after != "positive")
        elif one.author.kind == "critic":
            assert (found.state is State.HEEDED) == (found.after == one.revision)


def test_critics_speak_of_the_model_before_it_learnt(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    sayso("learn", recipe, *settings, "--method", "imitate")
    said = [one.id for one in run.feedback()]
    run.forget("comment")
    sayso("comment", recipe, *settings)
    assert [one.id for one in run.feedback()] == said


def test_a_critic_that_fails_is_not_a_verdict(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    (recipe.parent / "critic.py").write_text("def comment(prompt, answer):\n    raise ValueError('坏了')\n", "utf-8")
    run = Run.open(recipe.parent / "run")
    run.forget("comment")
    told = sayso("comment", recipe, *settings)
    assert "critic program: 10 of 10 answers not judged" in told.err
    assert not [one for one in run.feedback() if one.author.kind == "program"]


def test_a_method_that_can_use_no_comment_leaves_no_learnt_model(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    sayso("learn", recipe, *settings, "--method", "imitate")
    trained = contents(run.weights("train"))
    lines = '{"prompt": "a film", "attempt": "positive", "comment": "no"}\n'
    (recipe.parent / "useless.jsonl").write_text(lines)
    settings = [*settings, "--set", "feedback.critics=[]", "--set", f"feedback.files=[{recipe.parent}/useless.jsonl]"]
    told = sayso("learn", recipe, *settings, "--method", "prefer", "--json", code=2).json
    assert told["figures"] == {}
    assert [(one["state"], one["comment"]) for one in told["outcomes"]] == [("refused", "no")]
    assert [one.state for one in run.outcomes()] == [State.REFUSED]
    said = sayso("learn", recipe, *settings, "--method", "prefer", code=2).out
    assert "learn: nothing was learnt" in said
    assert "1 comment: 1 refused" in said
    assert run.outcomes()[0].why in said
    assert "1 comment\n" in sayso("comment", recipe, *settings).out
    assert not run.weights("learn").exists()
    assert "learn" not in {stage for stage, _, _ in run.scores()}
    assert contents(run.weights("train")) == trained


def test_a_stage_that_is_none_is_named(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    error = sayso("evaluate", recipe, *settings, "--stage", "trian", "--json", code=2).json
    assert error["fix"] == "did you mean 'train'?"
