"""What goes wrong says what, where, what was expected and how to mend it; it ends with 2 (yours) or 1 (ours)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from journey import contents, sayso, sets

from sayso.store.runs import Run

TEXTS = ("画面很美，演员也好。", "无聊透顶，浪费时间。")


@pytest.fixture
def recipe(tmp_path: Path, models: Path) -> Path:
    """A small project on an encoder, in Chinese."""
    rows = [{"text": f"{i} {TEXTS[i % 2]}", "label": ("好评", "差评")[i % 2]} for i in range(12)]
    _write(tmp_path / "train.jsonl", rows)
    _write(tmp_path / "test.jsonl", [{**row, "text": f"测试 {row['text']}"} for row in rows[:4]])
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"name: faults\nrun: run\ntask: {{name: classify}}\nmodel: {{name: {models / 'bert'}}}\n"
        "data:\n  train: {path: train.jsonl}\n  test: {path: test.jsonl}\n  validation_share: 0.3\n",
        encoding="utf-8",
    )
    return path


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _refused(*words: str | Path, code: int = 2) -> dict[str, str]:
    """The one error of a command; it says how to mend it, on stderr too."""
    told = sayso(*words, "--json", code=code)
    error: dict[str, str] = told.json
    assert told.err.count("error: ") == 1
    assert error["what"] in told.err
    assert "unexpected" not in error["what"]
    assert error.get("fix") or error.get("expected")
    return error


def test_a_wrong_key(recipe: Path) -> None:
    _rewrite(recipe, "validation_share", "validation_shere")
    error = _refused("run", recipe)
    assert error["error"] == "RecipeError"
    assert f"{recipe}:8" in error["where"]
    assert "validation_share" in error["fix"]
    assert not (recipe.parent / "run").exists()


def test_an_unreadable_file(recipe: Path) -> None:
    (recipe.parent / "train.jsonl").unlink()
    error = _refused("run", recipe)
    assert error["error"] == "DataError"
    assert "train.jsonl" in error["where"] + error["what"]
    (recipe.parent / "train.jsonl").mkdir()
    assert _refused("run", recipe)["error"] == "DataError"


def test_a_row_of_the_wrong_type(recipe: Path) -> None:
    _rewrite(recipe.parent / "train.jsonl", f'{{"text": "2 {TEXTS[0]}"', '{"text": ["不是", "文本"]')
    report = sayso("check", recipe, "--json").json
    (reason, lines), *_ = report["splits"]["train"]["dropped"].items()
    assert lines == {"count": 1, "lines": [3]}
    assert "text" in reason
    text = sayso("check", recipe).out
    assert "(lines 3)" in text


def test_a_missing_label(recipe: Path) -> None:
    _rewrite(recipe.parent / "train.jsonl", ', "label": "好评"', "")
    report = sayso("check", recipe, "--json").json
    assert [lines["lines"] for lines in report["splits"]["train"]["dropped"].values()] == [[1]]
    rows = [{"text": text} for text in TEXTS]
    _write(recipe.parent / "train.jsonl", rows)
    assert "label" in _refused("run", recipe, *sets())["what"]


def _without_tokenizer(folder: Path) -> None:
    for path in folder.glob("*token*"):
        path.unlink()


def _without_opening(folder: Path) -> None:
    template = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    (folder / "chat_template.jinja").write_text(template)


@pytest.mark.parametrize(
    ("model", "spoil", "words"),
    [("bert", _without_tokenizer, "tokenizer"), ("llama", _without_opening, "generation prompt")],
    ids=["tokenizer", "template"],
)
def test_a_model_that_lacks_something(
    recipe: Path, models: Path, tmp_path: Path, model: str, spoil: Callable[[Path], None], words: str
) -> None:
    folder = tmp_path / "模型"
    shutil.copytree(models / model, folder)
    spoil(folder)
    error = _refused("train", recipe, *sets(model__name=folder))
    assert error["error"] == "ModelError"
    assert words in " ".join(error.values())


def test_a_row_that_is_too_long(recipe: Path, models: Path) -> None:
    rows = [{"prompt": "写一首诗", "target": "春眠不觉晓。" * (200 if i == 3 else 1)} for i in range(8)]
    _write(recipe.parent / "train.jsonl", rows)
    _write(recipe.parent / "test.jsonl", [{"prompt": "写一句话", "target": "好"}])
    settings = sets(model__name=models / "llama", task__name="generate", data__validation_share=0)
    error = _refused("train", recipe, *settings)
    assert "does not fit" in error["what"]
    assert error["where"].endswith("train.jsonl, line 4")
    assert "max_length" in error["fix"]
    (unfit,) = sayso("check", recipe, *settings, "--tokens", "--json", code=2).json["tokens"]["unfit"]
    assert unfit["line"] == 4


def test_a_loss_that_is_not_finite(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sayso.learn import loop

    real = loop._Loop._backward
    monkeypatch.setattr(
        loop._Loop,
        "_backward",
        lambda self, items: {
            k: v * (float("nan") if self.progress.step == 3 else 1) for k, v in real(self, items).items()
        },
    )
    error = _refused("train", recipe, *sets(), code=1)
    assert error["error"] == "TrainingFault"
    assert "step 4" in error["what"]
    assert "learning_rate" in error["fix"]
    run = Run.open(recipe.parent / "run")
    assert [path.name for path in run.checkpoints("train").glob("step-*")] == ["step-00000002"]
    monkeypatch.undo()
    assert "resumed after step 2" in sayso("train", recipe, *sets()).err


def test_a_failed_start_is_simply_corrected(recipe: Path, tmp_path: Path) -> None:
    _refused("run", recipe, *sets(model__name=tmp_path / "nothing"))
    sayso("evaluate", recipe, *sets(), "--stage", "base")


def test_too_many_unusable_rows(recipe: Path, models: Path) -> None:
    rows = [{"prompt": f"问{i}", "target": "好"} for i in range(20)]
    broken = [{"prompt": f"问{i}"} for i in range(8)]
    _write(recipe.parent / "train.jsonl", [*rows, *broken])
    _write(recipe.parent / "test.jsonl", rows[:4])
    settings = sets(model__name=models / "llama", task__name="generate", data__validation_share=0)
    error = _refused("evaluate", recipe, *settings)
    assert "8 of the 28 train rows are unusable: 8 " in error["what"]
    assert "(line 21, ...)" in error["what"]
    assert error["where"].endswith("train.jsonl")
    assert "data.most_dropped" in error["fix"]
    findings = sayso("check", recipe, *settings, "--json", code=2).json["findings"]
    (finding,) = [one for one in findings if "dropped" in one["what"]]
    assert (finding["level"], finding["split"]) == ("error", "train")
    told = sayso("plan", recipe, *settings, "--set", "data.most_dropped=0.3", "--no-probe", "--json")
    assert told.json["lengths"]["rows"] == 20


def test_changed_data_begins_the_training_anew_and_says_so(recipe: Path) -> None:
    first = sayso("train", recipe, *sets())
    run = Run.open(recipe.parent / "run")
    assert {stage for stage, _, _ in run.scores()} >= {"base", "train"}  # the base is scored first by this command too
    assert "begins anew" not in first.err + sayso("train", recipe, *sets()).err
    before = run.lessons("train")
    with (recipe.parent / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"text": "又好又快，非常满意", "label": "好评"}\n')
    assert "train    begins anew: what it depends on" in sayso("train", recipe, *sets()).err
    assert len(run.lessons("train")) == len(before) + 1  # what is taught has the new row


def test_two_runs_in_one_folder(recipe: Path) -> None:
    sayso("evaluate", recipe, *sets(), "--stage", "base")
    run = Run.open(recipe.parent / "run")
    run.mark_done("train begun", "x")
    before = contents(run.folder)
    code = (
        "import sys; from pathlib import Path; from sayso.store.runs import Run\n"
        "with Run.open(Path(sys.argv[1])).lock(): print('in', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", code, str(run.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        assert f"process {other.pid}" in _refused("run", recipe, *sets())["what"]
        other.communicate("\n")
    error = _refused("run", recipe, *sets(strategy__learning_rate=0.5))
    assert "strategy.learning_rate was 0.003, now 0.5" in error["what"]
    assert error["where"] == str(run.folder)
    assert contents(run.folder) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=480k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_while_training(recipe: Path, small_disk: Path) -> None:
    settings = sets(run=small_disk / "run")
    sayso("evaluate", recipe, *settings, "--stage", "base")
    before = contents(small_disk / "run")
    error = _refused("train", recipe, *settings, code=1)
    assert error["error"] == "MachineFault"
    assert "o space left" in error["what"]
    after = contents(small_disk / "run")
    assert {name: after[name] for name in before if name != "stages.json"} == {
        name: body for name, body in before.items() if name != "stages.json"
    }
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    sayso("train", recipe, *settings)


@pytest.mark.parametrize("place", ["checkpoint", "weights", "answers"])
def test_a_full_disk_wherever_it_shows(recipe: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    sayso("evaluate", recipe, *sets(), "--stage", "base")
    before = contents(recipe.parent / "run" / "answers")
    targets = {
        "checkpoint": "sayso.learn.checkpoints.save_file",
        "weights": "sayso.models.core.Core.save",
        "answers": "sayso.store.runs.Run.write_answers",
    }
    monkeypatch.setattr(targets[place], full)
    error = _refused("train", recipe, *sets(), code=1)
    assert error["error"] == "MachineFault"
    assert contents(recipe.parent / "run" / "answers") == before
    monkeypatch.undo()
    sayso("train", recipe, *sets())
    assert Run.open(recipe.parent / "run").weights("train").is_dir()
