"""What the stages of a project share: one decision on how weights are changed, and what each stage depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.cli.project import Project
from sayso.cli.train import class_weighted
from sayso.errors import DataError, MachineFault, RunError
from sayso.recipe import Recipe
from sayso.records import Attempt, Feedback, Imitate, user
from sayso.store.runs import Run

ROWS = [{"text": f"{i} 很好" if i % 2 else f"{i} bad", "label": "好" if i % 2 else "bad"} for i in range(10)]


@pytest.fixture
def base(tmp_path: Path) -> dict[str, Any]:
    """The sections of a small recipe."""
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    return {"run": str(tmp_path / "run"), "data": {"train": {"path": str(path)}, "validation_share": 0.2}}


def project(base: dict[str, Any], **sections: Any) -> Project:
    return Project.open(Recipe.model_validate(base | sections))


@pytest.mark.parametrize(
    ("parameters", "asked", "scratch", "expected"),
    [
        (2_000_000_000, "auto", {}, ("lora", 16)),
        (2_000_000, "auto", {}, ("full", 0)),
        (2_000_000_000, "auto", {"model_type": "bert"}, ("full", 0)),
        (2_000_000, "dora", {}, ("dora", 16)),
        (2_000_000_000, "full", {}, ("full", 0)),
    ],
)
def test_opening_and_training_agree_on_what_is_changed(
    base: dict[str, Any], monkeypatch: pytest.MonkeyPatch, parameters: int, asked: str, scratch: Any, expected: Any
) -> None:
    """The opened model has one parameter here: were its size asked, the two would differ."""
    import torch

    from sayso.models.decoder import Decoder

    made = project(base, strategy={"tuning": asked, "bpe_dropout": 0.1}, model={"scratch": scratch})
    monkeypatch.setattr(Project, "_parameters", parameters)
    learner: Any = Decoder.__new__(Decoder)
    learner.core = type("Core", (), {"model": torch.nn.Linear(1, 1)})()
    strategy, opening = made.strategy(learner, "train", 10), made._opening("train")
    assert (strategy.tuning, strategy.lora_rank) == (opening.tuning, opening.lora_rank) == expected
    assert (opening.bpe_dropout, made._opening("learn").bpe_dropout) == (0.1, 0.0)


def test_the_size_that_decides_is_that_of_the_plan(base: dict[str, Any]) -> None:
    named = project(base, model={"name": "Qwen/Qwen3-0.6B"})
    assert named._parameters > 500_000_000
    assert named.tuning("train") == "full"


CHANGES: list[tuple[dict[str, Any], set[str]]] = [
    ({"learn": {"method": "prefer"}}, {"plan", "learn"}),
    ({"learn": {"strategy": {"epochs": 3}}}, {"plan", "learn"}),
    ({"feedback": {"held_out": 0.5}}, {"comment", "learn"}),
    ({"evaluate": {"limit": 3}}, {"plan", "baseline", "comment"}),
    ({"threads": 3, "trackers": ["tensorboard"]}, set()),
]


@pytest.mark.parametrize(("change", "undone"), CHANGES, ids=[next(iter(change)) for change, _ in CHANGES])
def test_what_a_change_undoes(base: dict[str, Any], change: dict[str, Any], undone: set[str]) -> None:
    stages = ("check", "plan", "baseline", "base", "train", "comment", "learn")
    before = {stage: project(base).fingerprint(stage) for stage in stages}
    after = {stage: project(base, **change).fingerprint(stage) for stage in stages}
    assert {stage for stage in stages if before[stage] != after[stage]} == undone


def test_other_data_undoes_everything_and_other_comments_only_learning(base: dict[str, Any], tmp_path: Path) -> None:
    stages = ("check", "plan", "baseline", "base", "train", "comment", "learn")
    before = {stage: project(base).fingerprint(stage) for stage in stages}
    Run.open(tmp_path / "run").write_feedback([Feedback(user("问"), Attempt("答"), "不对。")])
    after = {stage: project(base).fingerprint(stage) for stage in stages}
    assert {stage for stage in stages if before[stage] != after[stage]} == {"learn"}
    with (tmp_path / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "新的一行", "label": "好"}, ensure_ascii=False) + "\n")
    later = {stage: project(base).fingerprint(stage) for stage in stages}
    assert all(later[stage] != after[stage] for stage in stages)


def test_other_weights_under_the_same_name_are_another_model(base: dict[str, Any], tmp_path: Path) -> None:
    stages = ("check", "baseline", "base", "train", "comment", "learn")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"one")
    before = {stage: project(base, model={"name": str(folder)}).fingerprint(stage) for stage in stages}
    same = {stage: project(base, model={"name": str(folder)}).fingerprint(stage) for stage in stages}
    (folder / "model.safetensors").write_bytes(b"two")
    after = {stage: project(base, model={"name": str(folder)}).fingerprint(stage) for stage in stages}
    assert same == before
    assert {stage for stage in stages if before[stage] != after[stage]} == {"base", "train", "comment", "learn"}


def test_another_program_under_the_same_name_is_another_critic(base: dict[str, Any], tmp_path: Path) -> None:
    stages = ("check", "baseline", "base", "train", "comment", "learn")
    file, script = tmp_path / "checks.py", tmp_path / "lint.sh"
    programs = [f"{file}:polite", f"sh {script} {{answer}}"]
    critics = {"critics": [{"name": "program", "knobs": {"program": program}} for program in programs]}

    def prints() -> dict[str, str]:
        return {stage: project(base, feedback=critics).fingerprint(stage) for stage in stages}

    for path in (file, script):
        path.write_text("# one\n")
    before = prints()
    assert prints() == before
    for path in (file, script):
        path.write_text("# two\n")
        after = prints()
        assert {stage for stage in stages if before[stage] != after[stage]} == {"comment", "learn"}
        before = after


def test_what_was_begun_for_something_else_is_forgotten(base: dict[str, Any]) -> None:
    made = project(base, learn={"method": "imitate"})
    made.begin("learn")
    (made.run.checkpoints("learn") / "step-00000001").mkdir(parents=True)
    made.run.add_metric({"stage": "learn", "kind": "step", "step": 1, "loss": 1.0})
    project(base, learn={"method": "imitate"}).begin("learn")
    assert made.run.checkpoints("learn").is_dir()
    assert made.run.metrics()
    project(base, learn={"method": "prefer"}).begin("learn")
    assert not made.run.checkpoints("learn").exists()
    assert made.run.metrics() == []


def test_labels_are_found_in_the_rows_unless_they_are_named(base: dict[str, Any], tmp_path: Path) -> None:
    assert project(base).labels == ("bad", "好")
    base["run"] = str(tmp_path / "named")
    assert project(base, task={"labels": ["好", "bad"]}).labels == ("好", "bad")
    (tmp_path / "train.jsonl").write_text('{"text": "一", "label": "好"}\n{"text": "二", "label": "好"}\n')
    base["run"] = str(tmp_path / "one")
    with pytest.raises(DataError, match="at least two labels"):
        _ = project(base).labels


def test_weights_that_are_not_there(base: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="no 'learn' weights yet") as caught:
        project(base).learner("learn")
    assert "sayso learn" in caught.value.fix


def test_weights_that_cannot_be_saved_leave_those_before(base: dict[str, Any]) -> None:
    made = project(base)

    class Core:
        """Saves a file, or finds the disk full."""

        full = False

        def save(self, folder: Path) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            (folder / "a").write_text("旧")

    learner: Any = type("Learner", (), {"core": Core()})()
    made.keep(learner, "train")
    learner.core.full = True
    with pytest.raises(MachineFault, match="No space left"):
        made.keep(learner, "train")
    assert (made.run.weights("train") / "a").read_text() == "旧"
    assert [path.name for path in made.run.weights("train").parent.iterdir()] == ["train"]


def test_balanced_weights_have_a_mean_of_one() -> None:
    lessons = [Imitate(user(str(i)), "好" if i else "坏") for i in range(4)]
    weighted = class_weighted(lessons, several=False)
    weights = [lesson.weight for lesson in weighted if isinstance(lesson, Imitate)]
    assert weights == pytest.approx([2.0, 2 / 3, 2 / 3, 2 / 3])
    with pytest.raises(DataError, match="one label per row"):
        class_weighted(lessons, several=True)
