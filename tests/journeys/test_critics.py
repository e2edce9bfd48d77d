"""Critics comment on the model's own errors; whoever can judge the new answers is asked again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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


# ---------------------------------------------------------------- rules, judges, audits

POLITE = {"name": "rule", "knobs": {"rules": ["polite", "contains(订单号) when 退款"]}}
ENDPOINT_SAYS = {"请": "是。", "please": "Yes.", "Hm": "Well, it depends."}


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A judge at an address of this machine, which wants a polite word in the reply."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = body["messages"][-1]["content"]
            reply = next(line for line in asked.splitlines() if line.startswith(("Reply: ", "回答：")))
            chinese = "否。要有礼貌。" if reply.startswith("回答") else "No. Be polite."
            said = next((words for mark, words in ENDPOINT_SAYS.items() if mark in reply), chinese)
            raw = json.dumps({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1#tiny"
    server.shutdown()
    thread.join()
    server.server_close()


def judge(model: str | Path, **knobs: Any) -> dict[str, Any]:
    criteria = {"criteria_en": "Be polite.", "criteria_zh": "要有礼貌。"}
    return {"name": "judge", "knobs": {"model": str(model), **criteria, **knobs}}


def asking(*critics: dict[str, Any]) -> list[str]:
    return ["--set", f"feedback.critics={json.dumps(critics, ensure_ascii=False)}"]


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Sixty verdicts on polite and impolite answers, in both languages, and a line that is none."""
    rows: list[dict[str, Any]] = []
    for i in range(15):
        rows += [
            {"prompt": f"第{i}单到了吗？", "answer": f"请稍候，第{i}单马上就到。", "ok": True},
            {"prompt": f"第{i}单到了吗？", "attempt": f"第{i}单没到，等着。", "comment": "太硬了。"},
            {"prompt": f"Where is order {i}?", "answer": f"Order {i} is on its way, please wait.", "ok": True},
            {"prompt": f"Where is order {i}?", "answer": f"Order {i}? Wait for it, will you.", "ok": False},
        ]
    file = tmp_path / "known.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    file.write_text("\n".join([*lines, '{"prompt": "?"}']), encoding="utf-8")
    return file


def test_a_critic_is_audited_before_it_is_believed(project: tuple[Path, list[str]], known: Path) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    before = [one.id for one in run.feedback()]
    silent = {"name": "rule", "knobs": {"rules": ["not_empty"]}}
    words = ["comment", recipe, *settings, *asking(POLITE, silent), "--audit", known]
    told = sayso(*words, "--json")
    assert f"{known}:61: not read: no answer" in told.err
    good, blind = told.json
    assert (good["critic"], good["trusted"], good["n"], good["judged"]) == ("rule", True, 60, 60)
    assert good["agreement"]["value"] == 1.0
    assert good["agreement"]["interval"][0] < 1.0
    assert set(good["languages"]) == {"en", "zh"}
    assert (blind["trusted"], blind["misses"]["value"], blind["false_alarms"]["value"]) == (False, 1.0, 0.0)
    said = sayso(*words).out
    assert "rule is trusted: of 60 known verdicts it judged 60 and agrees on 60 of 60" in said
    assert "rule is not trusted: it is wrong too often" in said
    assert [one.id for one in run.feedback()] == before
    for wrong, what in (([], "known"), (["--add", known], "--add")):
        file = known.with_name("none.jsonl")
        file.write_text("")
        assert what in sayso(*words[:-1], known if wrong else file, *wrong, "--json", code=2).json["what"]
    assert "names no critic" in sayso(*words[:-2], *asking(), "--audit", known, "--json", code=2).json["what"]


def test_a_judge_at_an_address_comments_and_is_audited(
    project: tuple[Path, list[str]], known: Path, address: str
) -> None:
    recipe, settings = project
    words = ["comment", recipe, *settings, *asking(judge(address))]
    (found,) = sayso(*words, "--audit", known, "--json").json
    assert (found["trusted"], found["judged"], found["agreement"]["value"]) == (True, 60, 1.0)
    told = sayso(*words, "--json").json
    run = Run.open(recipe.parent / "run")
    assert len(told) == len(run.answers("train", "validation")) == 10
    assert {one["feedback"]["author"]["id"] for one in told} == {"judge:tiny"}
    assert {one["feedback"]["comment"] for one in told} == {"Be polite."}
    assert not any(one["feedback"].get("reveals_answer") for one in told)


def test_a_judge_that_cannot_judge_says_nothing(
    project: tuple[Path, list[str]], models: Path, known: Path, address: str
) -> None:
    """A tiny model that was never trained gives no verdict: every answer is not judged, none is blamed."""
    recipe, settings = project
    babble = judge(models / "llama", votes=2, max_new_tokens=4)
    told = sayso("comment", recipe, *settings, *asking(babble))
    assert "critic judge: 10 of 10 answers not judged" in told.err
    assert "this is no verdict" in told.err
    assert "0 comments" in told.out
    file = known.with_name("few.jsonl")
    file.write_text("".join(known.read_text("utf-8").splitlines(keepends=True)[:4]), encoding="utf-8")
    said = sayso("comment", recipe, *settings, *asking(babble), "--audit", file).out
    assert "judge is not trusted: it judged only 0 of 4 answers" in said
    assert "judge did not judge 4; line 1: 2 of 2 votes failed: this is no verdict" in said
    error = sayso("comment", recipe, *settings, *asking(judge(models / "bert")), "--json", code=2).json
    assert "is an encoder" in error["what"]


def test_a_rule_that_is_none_is_named_before_anything_is_read(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    wrong = {"name": "rule", "knobs": {"rules": ["at_most_word(3)"]}}
    error = sayso("comment", recipe, *settings, *asking(wrong), "--json", code=2).json
    assert error["fix"] == "did you mean 'at_most_words'?"


def test_a_program_that_has_changed_is_asked_anew(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    file = recipe.parent / "again.py"
    file.write_text("def comment(prompt, answer):\n    return 'One thing.'\n", encoding="utf-8")
    words = [
        "comment",
        recipe,
        *settings,
        *asking({"name": "program", "knobs": {"program": f"{file}:comment"}}),
        "--json",
    ]
    first = [one["id"] for one in sayso(*words).json]
    assert [one["id"] for one in sayso(*words).json] == first
    file.write_text("def comment(prompt, answer):\n    return 'Another thing.'\n", encoding="utf-8")
    assert {one["feedback"]["comment"] for one in sayso(*words).json} == {"Another thing."}
