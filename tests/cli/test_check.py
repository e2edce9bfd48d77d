from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from sayso.cli.check import check, check_project, tokens_stage
from sayso.cli.project import Project
from sayso.cli.train import train_stage, training_lessons
from sayso.dataset.files import load_files
from sayso.errors import DataError
from sayso.models.open import load_tokenizer, locate
from sayso.recipe import DataPart, FilePart, Recipe, TaskPart, load

ROWS = "text,label\n很好，很喜欢。,1\nbad film,0\n,1\nbad film,0\n不好,0\n不错,1\n"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "train.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "test.csv").write_text("text,label\nBAD film,0\n新的,1\n", encoding="utf-8")
    file = tmp_path / "recipe.yaml"
    file.write_text("name: t\ndata:\n  train: {path: train.csv}\n  test: {path: test.csv}\n")
    return file


def run(*words: str) -> tuple[int, str]:
    app = Typer()
    app.command()(check)
    found = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return found.exit_code, found.stdout


def test_a_person_reads_what_is_wrong(recipe: Path) -> None:
    code, text = run(str(recipe))
    assert code == 0
    assert "dropped 1: empty text (lines 4)" in text
    assert "text = column 'text' (guessed: by its name)" in text
    assert "1 row with a text that also stands in test" in text or "2 rows with a text" in text


def test_a_program_reads_the_same(recipe: Path) -> None:
    code, text = run(str(recipe), "--json", "--set", "data.validation_share=0")
    report = json.loads(text)
    assert code == 0
    assert report["ok"]
    assert report["splits"]["train"]["dropped"]["empty text"] == {"count": 1, "lines": [4]}
    assert report["overlaps"][0]["pairs"] == [[3, 2], [5, 2]]
    assert set(report["hashes"]) == {"train", "test"}


def test_a_mended_copy_is_written(recipe: Path, tmp_path: Path) -> None:
    code, text = run(str(recipe), "--repair", str(tmp_path / "mended"), "--json")
    assert code == 0
    assert json.loads(text)["repaired"]["train"] == {
        "path": str(tmp_path / "mended/train.jsonl"),
        "rows": 3,
        "dropped": 3,
        "mended": 0,
    }
    assert "data.train.path" in run(str(recipe), "--repair", str(tmp_path / "mended"))[1]


def test_the_mended_copy_is_read_like_the_original_with_the_columns_that_are_told(
    recipe: Path, tmp_path: Path
) -> None:
    rows = "".join(f"k{i},很好{i},{i % 2},京{i}\n" for i in range(12))
    (tmp_path / "train.csv").write_text("nr,text,label,city\n" + rows, encoding="utf-8")
    columns = "{id: nr, meta.place: city}"
    recipe.write_text(f"data: {{train: {{path: train.csv, columns: {columns}}}, validation_share: 0}}\n")
    text = run(str(recipe), "--repair", str(tmp_path / "mended"))[1]
    assert "data.train.columns: {meta.place: place}" in text
    before = load_files(TaskPart(), load(recipe).data, Path())["train"].examples
    recipe.write_text("data: {train: {path: mended/train.jsonl, columns: {meta.place: place}}, validation_share: 0}\n")
    assert [(e.id, e.meta) for e in load_files(TaskPart(), load(recipe).data, Path())["train"].examples] == [
        (e.id, e.meta) for e in before
    ]


def test_an_error_in_the_data_is_exit_code_2(recipe: Path) -> None:
    (recipe.parent / "train.csv").write_text("text,label\n好,1\n不错,1\n", encoding="utf-8")
    code, text = run(str(recipe))
    assert code == 2
    assert "only one label: 1" in text


def test_the_pure_function(recipe: Path) -> None:
    part = FilePart(path="train.csv")
    report = check_project(Recipe(data=DataPart(train=part)), recipe.parent)
    assert json.loads(json.dumps(report))["splits"]["validation"]["kept"] == 1
    with pytest.raises(DataError, match="no such file"):
        check_project(Recipe(data=DataPart(train=FilePart(path="tran.csv"))), recipe.parent)


def test_tokens_are_shown_and_counted(recipe: Path, tmp_path: Path) -> None:
    model = {"model_type": "bert", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model |= {"intermediate_size": 16, "max_position_embeddings": 64}
    settings = [f"model.scratch={json.dumps(model)}", "model.vocabulary=300", "model.max_length=32"]
    words = [word for setting in settings for word in ("--set", setting)]
    code, text = run(str(recipe), "--tokens", *words)
    assert code == 0
    assert "training rows as encoder: " in text
    assert "⟦1⟧" in text
    report = json.loads(run(str(recipe), "--tokens", "--json", *words)[1])
    assert report["tokens"]["supervised"] == report["tokens"]["rows"]
    assert report["tokens"]["examples"][0][-1][1] is True


@pytest.fixture
def too_long(tmp_path: Path) -> Path:
    """Two of eleven answers do not fit into 32 tokens."""
    long = "".join(chr(0x4E00 + 7 * i) for i in range(90))
    rows = [{"prompt": "写一个故事", "target": "short"}, {"prompt": "again", "target": long}]
    rows += [{"prompt": "a", "target": "b"}] * 8 + [{"prompt": "还有", "target": long + long}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    model = {"model_type": "llama", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model |= {"intermediate_size": 16, "max_position_embeddings": 1024}
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        f"run: {tmp_path / 'run'}\ntask: {{name: generate}}\n"
        f"data: {{train: {{path: {tmp_path / 'a.jsonl'}}}, validation_share: 0}}\n"
        f"model: {{scratch: {json.dumps(model)}, vocabulary: 300, max_length: 32, dtype: float32}}\n"
    )
    return recipe


def test_all_answers_that_do_not_fit_are_listed_with_their_lengths_and_the_setting(too_long: Path) -> None:
    code, text = run(str(too_long), "--tokens")
    assert code == 2
    assert "train: 11 of 11 rows" in text
    assert "9 training rows as decoder: " in text
    assert "2 training rows cannot be learnt from (model.max_length is 32):" in text
    assert re.search(r"line 2: an answer of \d+ tokens does not fit into 32\n  line 11: an answer of \d+ tokens", text)
    assert "to fix: raise model.max_length" in text
    code, text = run(str(too_long), "--tokens", "--json")
    report = json.loads(text)
    assert (code, report["ok"]) == (2, False)
    assert [row["line"] for row in report["tokens"]["unfit"]] == [2, 11]
    assert len(report["tokens"]["examples"]) == 2


def test_planning_and_training_name_the_file_and_the_line(too_long: Path) -> None:
    project = Project.open(load(too_long))
    learner = project.learner("base")
    for stage in (lambda: training_lessons(project, learner), lambda: train_stage(project)):
        with pytest.raises(DataError, match=r"a\.jsonl, line 2: .*does not fit into 32 \(and so 1 more\)") as caught:
            stage()
        assert "`sayso check --tokens` lists them" in caught.value.fix


def test_what_is_supervised_is_counted_once(too_long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project.open(load(too_long, ["model.max_length=1000"]))
    learner = project.learner("base")
    note = tokens_stage(project, learner)
    assert note["rows"] == 11
    monkeypatch.setattr("sayso.cli.check.tokens_of", None)
    assert json.dumps(tokens_stage(project, learner)) == json.dumps(note)


def test_a_text_longer_than_the_model_brings_no_warning_of_a_library(caplog: pytest.LogCaptureFixture) -> None:
    from transformers.utils import logging as messages

    tokenizer = load_tokenizer(locate("embedded"))
    logger = messages.get_logger("transformers")
    logger.addHandler(caplog.handler)
    try:
        assert len(tokenizer("猫 cat " * 2000)["input_ids"]) > tokenizer.model_max_length
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.text == ""


def test_without_training_rows_nothing_is_counted(recipe: Path) -> None:
    recipe.write_text("task: {labels: ['0', '1']}\ndata: {test: {path: test.csv}}\n")
    with pytest.raises(DataError, match="no training rows"):
        run(str(recipe), "--tokens")
