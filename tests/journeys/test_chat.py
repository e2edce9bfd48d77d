"""A conversation in which the model is told what is wrong, learns it, and is asked again; in a pipe."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from journey import Told, sayso, sets

from sayso.cli.chat import COMMANDS, WORDS
from sayso.evaluate.gate import Ruling
from sayso.serve.versions import Versions
from sayso.store.feedback import FeedbackStore

Talk = Callable[..., Told]


@pytest.fixture
def project(tmp_path: Path, models: Path) -> Path:
    recipe = tmp_path / "recipe.yaml"
    sayso("init", tmp_path, "--task", "instructions", "--language", "en", "--force")
    changes = {"model__name": models / "llama", "task__max_new_tokens": 4, "learn__method": "imitate"}
    sayso("train", recipe, *sets(**changes))
    return recipe


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Talk:
    def talk(model: Path | str, *lines: str, options: tuple[str, ...] = ()) -> Told:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return sayso("chat", str(model), *options)

    return talk


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    def set_to(promoted: bool) -> None:
        losses = () if promoted else ("all of it is worse",)
        ruling = Ruling(promoted=promoted, losses=losses, words="Promoted." if promoted else "Refused: worse.")
        monkeypatch.setattr("sayso.evaluate.gate.rule", lambda *_: ruling)

    return set_to


def stored(project: Path) -> FeedbackStore:
    return FeedbackStore(project.parent / "run" / "feedback.db")


def test_say_learn_ask_again_and_back(project: Path, talk: Talk, gate: Callable[[bool], None]) -> None:
    gate(True)
    told = talk(
        project, "hello", "/say too long", "/fix ok", "/learn", "/again", "/history", "/back", "/again", "/quit"
    )
    first, second, third = told.out.splitlines()
    assert first == third
    assert "version 1 answers now" in told.err
    assert told.err.count("version 0 answers now") == 2
    assert "-v1/learn@" in told.err
    assert Versions(project.parent / "run").way == (0,)
    with stored(project) as store:
        one = store.all()[0]
        assert (one.prompt[-1].text, one.attempt.text, one.comment, one.revision) == ("hello", first, "too long", "ok")
        assert "/train@" in one.attempt.model
        outcomes = store.history(one.id)
    assert outcomes[0].after == second
    assert "rolled back" in outcomes[-1].why


def test_in_chinese(project: Path, talk: Talk, gate: Callable[[bool], None]) -> None:
    gate(True)
    told = talk(project, "你好", "/当 客人问好时：先问好", "/改 您好", "/学", "/再问", "/退回", "/退出")
    assert "已记下；1 条等待 /学" in told.err
    assert "现在由版本 1 回答" in told.err
    assert "现在由版本 0 回答" in told.err
    with stored(project) as store:
        one = store.all()[0]
    assert (one.scope.reach, one.scope.when, one.comment, one.revision) == ("rule", "客人问好时", "先问好", "您好")


def test_what_the_gate_refuses_answers_only_where_it_is_taken(
    project: Path, talk: Talk, gate: Callable[[bool], None]
) -> None:
    gate(False)
    versions = Versions(project.parent / "run")
    told = talk(project, "hello", "/fix ok", "/learn", "/again", "/learn")
    assert "Refused: worse." in told.err
    assert "no new comment waits" in told.err
    assert len(set(told.out.splitlines())) == 1
    assert versions.current == 0
    told = talk(project, "/take", "/take", "/quit")
    assert versions.current == 1
    assert "the gate said: Refused: worse." in versions.history[-1].words
    assert "no version was refused last" in told.err


def test_what_makes_no_sense_is_said_and_the_talk_goes_on(project: Path, talk: Talk) -> None:
    told = talk(
        project, "/say nothing yet", "/again", "/when only a condition", "/lern", "/back", "/take", "", "hello"
    )
    assert told.err.count("nothing has been answered yet") == 2
    assert "/when ...: ..." in told.err
    assert "did you mean '/learn'" in told.err
    assert "no version to go back to" in told.err
    assert len(told.out.splitlines()) == 1


def test_how_far_a_comment_reaches(project: Path, talk: Talk) -> None:
    talk(project, "hello", "/say here", "/always everywhere", "/new", "again", "/say there")
    with stored(project) as store:
        found = [(one.comment, one.scope.reach, len(one.prompt)) for one in store.all()]
    assert found == [("here", "item", 1), ("everywhere", "everywhere", 1), ("there", "item", 1)]


def test_ctrl_c_ends_an_answer_and_keeps_what_was_said(
    project: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, eager: bool) -> None:
        assert eager
        raise KeyboardInterrupt

    monkeypatch.setattr("sayso.cli.live.learn_waiting", stopped)
    with_comment = talk(project, "hello", "/say no", "/learn", "hello again")
    assert "what you said is kept" in with_comment.err
    assert len(with_comment.out.splitlines()) == 2
    with stored(project) as store:
        assert [one.comment for one in store.all()] == ["no"]


def test_ctrl_c_twice_at_the_prompt_leaves(project: Path, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["hello", KeyboardInterrupt, "hello", KeyboardInterrupt, KeyboardInterrupt, "never"])

    def type_(_: str = "") -> str:
        one = next(typed)
        if isinstance(one, str):
            return one
        raise one

    monkeypatch.setattr("builtins.input", type_)
    told = talk(project)
    assert len(told.out.splitlines()) == 2
    assert next(typed) == "never"


def test_a_bare_model_gets_a_run_of_its_own(tmp_path: Path, models: Path) -> None:
    args = [sys.executable, "-m", "sayso", "chat", str(models / "llama")]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        args, input="你好\n/说 不对\n", capture_output=True, text=True, cwd=tmp_path, env=env, check=True
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.strip()
    with FeedbackStore(tmp_path / "runs" / "chat-llama" / "feedback.db") as store:
        assert [one.comment for one in store.all()] == ["不对"]


def test_who_does_not_converse_is_said(tmp_path: Path, models: Path) -> None:
    sayso("init", tmp_path, "--task", "labels", "--language", "en", "--force")
    sayso("train", tmp_path / "recipe.yaml", *sets(model__name=models / "bert", learn__method="imitate"))
    assert "does not converse" in sayso("chat", tmp_path / "run", code=2).err
    assert "no model folder" in sayso("chat", "./nowhere", code=2).err


def test_every_command_and_word_is_there_in_both_languages() -> None:
    assert all(set(said) == {"en", "zh"} for said in WORDS.values())
    for name, also in COMMANDS.items():
        if name not in ("help",):
            assert f"/{name}" in WORDS["help"]["en"]
            assert any(f"/{one}" in WORDS["help"]["zh"] for one in also)
