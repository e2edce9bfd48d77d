from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from sayso.cli.check import check, check_project
from sayso.errors import DataError
from sayso.recipe import DataPart, FilePart, Recipe

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


def test_an_answer_that_does_not_fit_names_its_row(tmp_path: Path) -> None:
    long = "".join(chr(0x4E00 + 7 * i) for i in range(90))
    rows = [
        {"prompt": "写一个故事", "target": "short"},
        {"prompt": "again", "target": long},
        *[{"prompt": "a", "target": "b"}] * 9,
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    model = {"model_type": "llama", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model |= {"intermediate_size": 16, "max_position_embeddings": 64}
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "task: {name: generate}\ndata: {train: {path: a.jsonl}, validation_share: 0}\n"
        f"model: {{scratch: {json.dumps(model)}, vocabulary: 300, max_length: 32}}\n"
    )
    with pytest.raises(DataError, match=r"a\.jsonl, line 2.*does not fit into 32"):
        run(str(recipe), "--tokens")
