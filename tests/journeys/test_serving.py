"""A trained run is served by the command itself, talked to, commented on, and stopped."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai
import pytest
from journey import sayso, sets

from sayso.records import user
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import ResponseLog
from sayso.store.runs import Run


@contextmanager
def serving(*words: str | Path, code: int = 130) -> Iterator[tuple[str, list[str]]]:
    """`sayso serve` in a process of its own; its address, and what it said on stderr once it has ended."""
    args = [sys.executable, "-m", "sayso", "serve", *map(str, words), "--port", "0"]
    said: list[str] = []
    # What ignores Ctrl-C passes that on to its children; one that handles it does not.
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        started = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, earlier)
    with started as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, process.communicate()[1]
            yield found[0], said
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
            said += err.splitlines()
    assert process.returncode == code, said
    assert "Traceback" not in "\n".join(said)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A run that has learnt by a method whose words stand in the prompt."""
    recipe = tmp_path_factory.mktemp("served") / "recipe.yaml"
    sayso("init", recipe.parent, "--task", "instructions", "--language", "zh", "--force")
    settings = sets(model__name=models / "llama", task__max_new_tokens=6)
    sayso("run", recipe, *settings, "--set", "learn.method=condition")
    return recipe


def test_a_run_is_served_as_it_was_evaluated_and_listens(project: Path, tmp_path: Path) -> None:
    run = Run.open(project.parent / "run")
    example, answer = run.examples("test")[0], run.answers("learn", "test")[0]
    keys = tmp_path / "keys.json"
    secret = sayso("keys", "add", keys, "--name", "shop", "--role", "reviewer").out.strip()
    with serving(project, "--stage", "learn", "--keys", keys, "--golden", "8") as (url, said):
        with openai.OpenAI(base_url=url, api_key=secret, max_retries=0) as client:
            model = client.models.list().data[0].id
            made = client.chat.completions.create(
                model=model, messages=[{"role": one.role, "content": one.text} for one in example.prompt]
            )
            assert made.choices[0].message.content == answer.text
            assert re.fullmatch(r".+/learn@[0-9a-f]{8}", made.system_fingerprint or "")
        stranger = openai.OpenAI(base_url=url, api_key="sayso-no", max_retries=0)
        with stranger, pytest.raises(openai.AuthenticationError):
            stranger.models.list()
        headers = {"Authorization": f"Bearer {secret}"}
        told = httpx.post(f"{url}/feedback", json={"response_id": made.id, "comment": "请更客气。"}, headers=headers)
        assert told.status_code == 201
    assert "golden   8 of 8 items are answered as in the evaluation" in said
    with FeedbackStore(run.folder / "feedback.db") as store, ResponseLog(run.folder / "feedback.db") as log:
        kept = store.get(told.json()["id"])
        assert (kept.prompt, kept.attempt.text, kept.author.id) == (example.prompt, answer.text, "shop")
        assert log.count() == 1
    listed = sayso("keys", "list", keys, "--json").json
    assert [(one["name"], one["role"]) for one in listed] == [("shop", "reviewer")]


def test_other_weights_of_the_run_can_be_served_and_differences_are_said(project: Path, tmp_path: Path) -> None:
    run = Run.open(project.parent / "run")
    answers = run.answers("base", "test")
    where = run.folder / "answers" / "base.test.jsonl"
    kept = where.read_text(encoding="utf-8")
    try:
        run.write_answers("base", "test", [answers[0].__class__(answers[0].item, "另一个回答"), *answers[1:]])
        with serving(run.folder, "--stage", "base", "--store", tmp_path / "store.db", "--golden", "100") as (
            url,
            said,
        ):
            assert httpx.get(url.replace("/v1", "/health")).json()["version"].split("/")[1].startswith("base")
    finally:
        where.write_text(kept, encoding="utf-8")
    golden = next(line for line in said if line.startswith("golden"))
    assert f"{len(answers) - 1} of {len(answers)} items" in golden
    assert f"item {answers[0].item}" in golden
    assert "另一个回答" in golden
    assert not (tmp_path / "feedback.db").exists()


def test_a_classifier_is_served_with_the_probabilities_of_its_evaluation(tmp_path: Path, models: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    sayso("init", tmp_path, "--task", "labels", "--language", "en", "--force")
    sayso("train", recipe, *sets(model__name=models / "bert"))
    run = Run.open(tmp_path / "run")
    example, answer = run.examples("test")[0], run.answers("train", "test")[0]
    with serving(tmp_path / "run", "--golden", "4") as (url, said):
        told = httpx.post(f"{url}/classify", json={"input": example.prompt[0].text}).json()["data"][0]
        assert told["probabilities"] == pytest.approx(dict(answer.probabilities), abs=1e-5)
        assert " | ".join(told["labels"]) == answer.text
    assert "golden   4 of 4 items are answered as in the evaluation" in said


def test_another_server_answers_and_this_one_keeps_what_is_said(project: Path, models: Path, tmp_path: Path) -> None:
    exported = Run.open(project.parent / "run").weights("learn")
    near = ["--stage", "learn", "--golden", "5", "--store", tmp_path / "near.db"]
    with (
        serving(exported, "--name", "exported", "--store", tmp_path / "far.db") as (url, _),
        serving(project, "--upstream", f"{url}#exported", *near) as (front, said),
    ):
        made = httpx.post(f"{front}/chat/completions", json={"messages": [{"role": "user", "content": "你好"}]})
        assert made.status_code == 200
        body = {"response_id": made.json()["id"], "comment": "不对"}
        assert httpx.post(f"{front}/feedback", json=body).status_code == 201
    assert "golden   5 of 5 items are answered as in the evaluation" in said
    with FeedbackStore(tmp_path / "near.db") as store:
        assert store.all()[0].prompt == user("你好")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["embedded", "--host", "0.0.0.0"], "without keys nobody else may reach this server"),
        (["embedded", "--keys", "none.json"], "holds no keys"),
        (["embedded", "--stage", "learn"], "is no run"),
        (["embedded", "--stage", "lern"], "did you mean 'learn'"),
        (["./nowhere"], "no model folder"),
        (["embedded", "--upstream", "http://127.0.0.1:9/v1"], "names no model"),
        (["nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_served_is_said(words: list[str], told: str) -> None:
    assert told in sayso("serve", *words, "--port", "0", code=2).err


def test_a_port_that_is_taken_is_known_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = sayso("serve", "embedded", "--port", str(taken.getsockname()[1]), code=2)
    assert "cannot listen" in told.err


def test_keys_come_and_go(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    made = sayso("keys", "add", keys, "--name", "anna", "--role", "owner", "--json").json
    assert made["key"].startswith("sayso-")
    assert made["key"] not in keys.read_text()
    assert "anna" in sayso("keys", "list", keys).out
    assert "did you mean 'owner'" in sayso("keys", "add", keys, "--name", "b", "--role", "owned", code=2).err
    assert "did you mean 'remove'" in sayso("keys", "remov", keys, code=2).err
    sayso("keys", "remove", keys, "--name", "anna")
    assert sayso("keys", "list", keys, "--json").json == []
    assert os.access(keys, os.R_OK)
