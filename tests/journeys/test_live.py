"""A served run is commented on, learns beside the server, exchanges its model, and is rolled back.

The journeys that promote replace the gate's ruling (`lenient`): what they show is what follows a promotion, never that
one is earned. The proof is really made, and the ruling itself is tested in tests/evaluate/test_gate.py; that the gate
keeps out what it cannot tell from chance is the second journey here.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from journey import sayso, sets
from test_serving import serving

from sayso.evaluate.gate import Ruling
from sayso.records import Attempt, Feedback, Scope, State, user
from sayso.serve.versions import Versions
from sayso.store.feedback import FeedbackStore
from sayso.store.runs import Run


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate's ruling replaced by one that lets everything in: so small a model gets better at nothing."""
    monkeypatch.setattr("sayso.evaluate.gate.rule", lambda *_: Ruling(promoted=True, words="Promoted: better."))


def trained(folder: Path, models: Path, **changes: object) -> Path:
    recipe = folder / "recipe.yaml"
    sayso("init", folder, "--task", "instructions", "--language", "zh", "--force")
    asked = {"model__name": models / "llama", "task__max_new_tokens": 6, "learn__method": "imitate", **changes}
    sayso("train", recipe, *sets(**asked))
    return recipe


@pytest.fixture
def project(tmp_path: Path, models: Path) -> Path:
    return trained(tmp_path, models, learn__replay=0.0)


def comments(number: int) -> list[Feedback]:
    everywhere = Scope("everywhere")
    asked = [user(f"问题{place}") for place in range(number)]
    return [Feedback(one, Attempt("不知道"), "请回答好的。", scope=everywhere, revision="好的") for one in asked]


def told(run: Path, *feedback: Feedback) -> None:
    with FeedbackStore(run / "feedback.db") as store:
        store.add(feedback)


def until(url: str, mark: str) -> str:
    for _ in range(600):
        version = str(httpx.get(url.replace("/v1", "/health")).json()["version"])
        if mark in version:
            return version
        time.sleep(0.05)
    raise AssertionError(f"{mark} never came")


@pytest.mark.usefixtures("lenient")
def test_a_served_run_learns_what_it_is_told_and_goes_back(project: Path) -> None:
    run = project.parent / "run"
    body = {"messages": [{"role": "user", "content": "问题0"}]}
    with serving(project) as (url, said):
        before = httpx.post(f"{url}/chat/completions", json=body).json()
        assert "/train@" in before["system_fingerprint"]
        revision = {"response_id": before["id"], "comment": "请回答好的。", "revision": "好的"}
        kept = httpx.post(f"{url}/feedback", json=revision).json()
        turn = sayso("live", run, "--once", "--json").json
        assert (turn["version"], turn["promoted"]) == (1, True)
        version = until(url, "-v1/learn@")
        after = httpx.post(f"{url}/chat/completions", json=body).json()
        learnt = Run(Versions(run).folder(1)).outcomes()[0]
        assert (after["choices"][0]["message"]["content"], after["system_fingerprint"]) == (learnt.after, version)
        history = httpx.get(f"{url}/feedback/{kept['id']}").json()["history"]
        assert [(one["run"], one["after"]) for one in history] == [("v1", learnt.after)]
        assert "version 0" in sayso("live", project, "--back").out
        until(url, "/train@")
        again = httpx.post(f"{url}/chat/completions", json=body).json()
        assert again["choices"] == before["choices"]
        assert again["system_fingerprint"] == before["system_fingerprint"]
        assert "rolled back" in httpx.get(f"{url}/feedback/{kept['id']}").json()["why"]
    assert any(line.startswith("version 1 answers now") for line in said)
    assert "no new comment waits" in sayso("live", run, "--once").out
    assert "no version to go back to" in sayso("live", run, "--back", code=2).err


def test_without_eagerness_one_comment_proves_nothing_and_waits(project: Path) -> None:
    run = project.parent / "run"
    one, two = comments(2)
    told(run, one)
    turn = sayso("live", run, "--once", "--json").json
    assert not turn["promoted"]
    assert turn["words"].startswith("Refused")
    versions = Versions(run)
    assert versions.current == 0
    assert versions.history[-1].deed == "refused"
    with serving(project, "--golden", "0") as (url, _):
        assert "/train@" in httpx.get(url.replace("/v1", "/health")).json()["version"]
    with FeedbackStore(run / "feedback.db") as store:
        outcome = store.outcome(one.id)
    assert outcome is not None
    assert outcome.state is State.WAITING
    assert "was not let in" in outcome.why
    assert "no new comment waits" in sayso("live", run, "--once", "--eager").out
    told(run, two)
    sayso("live", run, "--once")
    assert {each.id for each in Run(versions.folder(2)).feedback()} == {one.id, two.id}


@pytest.mark.usefixtures("lenient")
def test_a_version_goes_on_from_the_one_that_is_served(project: Path) -> None:
    run = project.parent / "run"
    versions = Versions(run)
    for number, one in enumerate(comments(2), 1):
        told(run, one)
        assert sayso("live", run, "--once", "--json").json["promoted"]
        assert versions.current == number
        assert [each.id for each in Run(versions.folder(number)).feedback()] == [one.id]
    assert versions.way == (0, 1, 2)
    assert Run(versions.folder(2)).weights("train").resolve() == Run(versions.folder(1)).weights("learn").resolve()


@pytest.mark.usefixtures("lenient")
def test_what_is_taken_back_is_not_in_the_next_version(project: Path) -> None:
    run = project.parent / "run"
    versions, (one, two) = Versions(run), comments(2)
    for each in (one, two):
        told(run, each)
        sayso("live", run, "--once", "--eager")
    assert versions.way == (0, 1, 2)
    with FeedbackStore(run / "feedback.db") as store:
        store.withdraw(one.id, "a mistake")
    assert sayso("live", run, "--once", "--json").json["promoted"]
    assert versions.way == (0, 3)
    assert [each.id for each in Run(versions.folder(3)).feedback()] == [two.id]
    with FeedbackStore(run / "feedback.db") as store:
        store.withdraw(two.id, "that too")
    assert "nothing that this version had learnt stands" in sayso("live", run, "--once").out
    assert versions.way == (0,)
    assert "no new comment waits" in sayso("live", run, "--once").out


def test_a_learner_that_is_killed_leaves_a_servable_run_and_every_comment(project: Path) -> None:
    run = project.parent / "run"
    feedback = comments(4)
    told(run, *feedback)
    args = [sys.executable, "-m", "sayso", "live", str(run), "--eager", "--every", "0.1"]
    learnt = run / "live" / "v1"
    for mark in ("recipe.yaml", "lessons.learn.jsonl", "outcomes.jsonl"):
        with subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as learner:
            deadline = time.monotonic() + 120
            while not (learnt / mark).is_file() and learner.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            learner.send_signal(signal.SIGKILL)
        assert Versions(run).current in (0, 1)
        with serving(project, "--golden", "0") as (url, _):
            made = httpx.post(f"{url}/chat/completions", json={"messages": [{"role": "user", "content": "你好"}]})
            assert made.status_code == 200
        with FeedbackStore(run / "feedback.db") as store:
            assert [one.id for one in store.all()] == [one.id for one in feedback]
    sayso("live", run, "--once", "--eager")
    versions = Versions(run)
    assert {one.number for one in versions.history} == {1}
    assert {one.id for one in Run(versions.folder(1)).feedback()} == {one.id for one in feedback}


def test_words_in_the_prompt_are_found_anew_for_all_comments(tmp_path: Path, models: Path) -> None:
    recipe = trained(tmp_path, models)
    run, versions = tmp_path / "run", Versions(tmp_path / "run")
    for number, one in enumerate(comments(2), 1):
        told(run, one)
        sayso("live", run, "--once", "--method", "condition")
        versions.promote(number, number - 1, "for the test")
    assert len(Run(versions.folder(2)).feedback()) == 2
    assert versions.way == (0, 1, 2)
    with serving(recipe, "--golden", "2") as (url, _):
        assert "-v2/learn@" in httpx.get(url.replace("/v1", "/health")).json()["version"]


def test_only_one_learner_and_what_cannot_be_learnt_is_said(project: Path, tmp_path: Path) -> None:
    run = project.parent / "run"
    with Run(Versions(run).home).lock():
        assert "is already at work here" in sayso("live", run, "--once", code=2).err
    assert "did you mean 'imitate'" in sayso("live", run, "--once", "--method", "imitat", code=2).err
    assert "no run here" in sayso("live", tmp_path / "nowhere", "--once", code=2).err
    told(run, Feedback(user("问"), Attempt("答"), "不对"))
    turn = json.loads(sayso("live", run, "--once", "--eager", "--json").out)
    assert re.match("Refused: the method can use none", turn["words"])
