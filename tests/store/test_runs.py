"""A run folder gives back what was put in, survives what usually breaks files, and belongs to one recipe."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import MachineFault, RunError
from sayso.recipe import EvaluatePart, FeedbackPart, LearnPart, Recipe, StrategyPart, TaskPart
from sayso.records import (
    Answer,
    Attempt,
    Comparison,
    Example,
    Feedback,
    Imitate,
    Match,
    Outcome,
    Prefer,
    Score,
    State,
    Why,
    user,
)
from sayso.store.files import read_lines, write_lines
from sayso.store.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", Recipe(name="中文"))


def test_the_same_recipe_reopens_the_folder(run: Run) -> None:
    run.mark_done("base", "a")
    again = Run.create(run.folder, Recipe(name="中文", threads=2))
    assert again.done("base", "a")
    assert again.recipe().threads == 2
    assert Run.open(run.folder).recipe().name == "中文"


@pytest.mark.parametrize("stage", ["train begun", "learn begun"])
def test_another_recipe_is_refused_by_its_first_key(run: Run, stage: str) -> None:
    run.mark_done(stage, "a")
    with pytest.raises(RunError, match=r"task\.name was 'classify', now 'generate'") as caught:
        Run.create(run.folder, Recipe(name="中文", task=TaskPart(name="generate")))
    assert caught.value.exit_code == 2
    assert run.recipe().task.name == "classify"


def test_until_a_training_has_begun_a_recipe_is_simply_corrected(run: Run) -> None:
    for stage in ("check", "plan", "baseline", "base scored"):
        run.mark_done(stage, "a")
    other = Recipe(name="中文", task=TaskPart(name="generate"))
    assert Run.create(run.folder, other).recipe() == other
    assert run.begun("check")
    assert not run.begun("train begun")


def test_what_comes_after_the_training_may_change(run: Run) -> None:
    run.mark_done("train begun", "a")
    run.mark_done("train", "a")
    learn = LearnPart(method="prefer", strategy=StrategyPart(epochs=2))
    feedback = FeedbackPart(files=["意见.jsonl"], held_out=0.5)
    other = Recipe(name="中文", learn=learn, feedback=feedback, evaluate=EvaluatePart(limit=5))
    assert Run.create(run.folder, other).recipe() == other
    assert run.done("train", "a")


def test_a_recipe_does_not_change_under_a_process_that_works_with_it(run: Run) -> None:
    with run.lock():
        assert Run.create(run.folder, Recipe(name="中文")).folder == run.folder
        with pytest.raises(RunError, match="already at work"):
            Run.create(run.folder, Recipe(name="中文", learn=LearnPart(method="prefer")))
    assert run.recipe().learn.method == ""


def test_a_folder_that_is_no_run(run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run here") as caught:
        Run.open(tmp_path / "ran")
    assert str(run.folder) in caught.value.fix


def test_every_door_gives_back_what_was_put_in(run: Run) -> None:
    context = user("你好\u2028第二行\x85")
    lessons = [Imitate(context, "好", 0.5), Prefer(context, "a", "b", from_ids=("1",)), Match(context, (), "c")]
    run.write_lessons("learn", lessons)
    run.write_examples("test", [Example("1", context, "是", "test", 3, {"a": "b"})])
    run.write_answers("base", "test", [Answer("1", "否", {"是": 0.25, "否": 0.75}, False, 2)])
    run.write_comparisons([Comparison("chrf", "test", "base", "train", 1, 2, 1, (0.5, 1.5), 9, "better", "更好")])
    comment = Feedback(context, Attempt("否", (1, 2)), "应该回答是。", item="1")
    run.write_feedback([comment])
    run.write_outcomes([Outcome(comment.id, State.HEEDED, "改了", "否", "是", "run")])
    assert run.lessons("learn") == lessons
    assert run.examples("test")[0].meta == {"a": "b"}
    assert run.answers("base", "test")[0].probabilities["否"] == 0.75
    assert run.comparisons()[0].interval == (0.5, 1.5)
    assert run.feedback() == [comment]
    assert run.feedback()[0].id == comment.id
    assert run.outcomes()[0].state is State.HEEDED


def test_what_was_never_written_is_empty(run: Run) -> None:
    assert run.answers("train", "test") == run.lessons("learn") == run.scores() == run.metrics() == []
    assert run.examples("test") == run.feedback() == run.outcomes() == run.comparisons() == []
    assert run.facts() == {}
    assert run.note("plan") is None


def test_scores_of_one_stage_and_split_are_replaced(run: Run) -> None:
    run.write_scores("base", "test", [Score("classify", "", "accuracy", 0.5, interval=(0.4, 0.6), n=10)])
    run.write_scores("train", "test", [Score("classify", "1", "accuracy", 1.0, Why.RIGHT)])
    run.write_scores("base", "test", [Score("classify", "", "accuracy", 0.6, n=10)])
    assert [(stage, score.value) for stage, _, score in run.scores()] == [("train", 1.0), ("base", 0.6)]
    assert run.scores()[0][2].why is Why.RIGHT


def test_facts_add_up_and_notes_are_kept(run: Run) -> None:
    run.add_facts({"seed": 1, "machine": "甲"})
    run.add_facts({"seed": 2})
    run.write_note("check", {"rows": 3, "丢弃": ["空行"]})
    assert run.facts() == {"seed": 2, "machine": "甲"}
    assert run.note("check") == {"rows": 3, "丢弃": ["空行"]}


def test_of_two_lines_about_a_step_the_later_counts(run: Run) -> None:
    for step, loss in [(1, 3.0), (2, 2.0), (2, 1.5)]:
        run.add_metric({"stage": "train", "kind": "step", "step": step, "loss": loss})
    run.add_metric({"stage": "learn", "kind": "step", "step": 2, "loss": 9.0})
    assert [line["loss"] for line in run.metrics()] == [3.0, 1.5, 9.0]
    run.drop_metrics("train")
    assert [line["loss"] for line in run.metrics()] == [9.0]


@given(st.integers(1, 30))
@settings(deadline=None, max_examples=10)
def test_a_torn_last_line_costs_only_itself(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    run = Run.create(tmp_path_factory.mktemp("run"), Recipe())
    run.add_metric({"step": 1, "损失": 2.0})
    run.add_metric({"step": 2, "损失": 1.0, "文": "好好好好"})
    path = run.folder / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    run.add_metric({"step": 3})
    steps = [line["step"] for line in run.metrics()]
    assert steps[0] == 1
    assert steps[-1] == 3


def test_a_broken_line_is_named(run: Run) -> None:
    (run.folder / "outcomes.jsonl").write_text('{"feedback": "a", "state": "heeded"}\n{"feedback": 1}\n')
    with pytest.raises(RunError, match=r"outcomes\.jsonl:2"):
        run.outcomes()
    (run.folder / "outcomes.jsonl").write_text("nonsense\n")
    with pytest.raises(RunError, match=r"outcomes\.jsonl:1"):
        run.outcomes()
    (run.folder / "facts.json").write_text("{")
    with pytest.raises(RunError, match=r"facts\.json"):
        run.facts()


def test_done_only_for_its_fingerprint(run: Run) -> None:
    run.mark_done("train", "a")
    assert run.done("train", "a")
    assert not run.done("train", "b")
    assert not run.done("train")
    run.forget("train")
    assert not run.done("train", "a")


def test_a_second_process_is_refused_by_the_pid_of_the_first(run: Run) -> None:
    code = f"""
import sys
from pathlib import Path
from sayso.store.runs import Run
with Run.open(Path({str(run.folder)!r})).lock():
    print("in", flush=True)
    sys.stdin.readline()
"""
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "in\n"
    with pytest.raises(RunError, match=f"process {other.pid} "), run.lock():
        pass
    other.communicate("\n")
    with run.lock():
        pass


def test_a_full_disk_leaves_the_old_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write_note("plan", {"旧": 1})

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sayso.store.files.os.fsync", full)
    with pytest.raises(MachineFault, match="No space left") as caught:
        run.write_note("plan", {"新": 2})
    assert caught.value.exit_code == 1
    monkeypatch.undo()
    assert run.note("plan") == {"旧": 1}
    assert [file.name for file in (run.folder / "notes").iterdir()] == ["plan.json"]


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineFault):
        Run.create(tmp_path / "file" / "run", Recipe())


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["\ud800", "中\u2028文\r\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(plain, max_size=5))
@settings(deadline=None, max_examples=40)
def test_lines_come_back_whatever_stands_in_them(tmp_path_factory: pytest.TempPathFactory, lines: list[Any]) -> None:
    path = tmp_path_factory.mktemp("lines") / "a.jsonl"
    write_lines(path, lines)
    assert [line for _, line in read_lines(path)] == lines
