from __future__ import annotations

import json
from pathlib import Path

import pytest

from sayso.cli.check import check
from sayso.cli.init import SAMPLES, Begin, Language, init, project_files
from sayso.cli.project import Project
from sayso.errors import UserError
from sayso.evaluate.baseline import baselines
from sayso.evaluate.metrics import evaluate
from sayso.recipe import load
from sayso.records import Feedback, from_json
from sayso.store.imports import read_comments

EVERY = [(task, language) for task in Begin for language in Language]
SPLITS = ("train", "validation", "test")


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("task", "language"), EVERY)
def test_what_is_written_is_a_recipe_with_its_data(tmp_path: Path, task: Begin, language: Language) -> None:
    folder = tmp_path / "我的 'project'"
    init(folder, task, language)
    recipe = load(folder / "recipe.yaml")
    assert recipe.name == folder.name
    assert recipe.run == str(folder / "run")
    for split in SPLITS:
        part = getattr(recipe.data, split)
        known = rows(Path(part.path).read_text(encoding="utf-8"))
        assert len(known) >= 10
        assert all(set(part.columns.values()) <= set(row) for row in known)
    assert [Path(file).is_file() for file in recipe.feedback.files] == [True]


@pytest.mark.parametrize(("task", "language"), EVERY)
def test_the_sample_data_is_sound(task: Begin, language: Language) -> None:
    files = project_files("p", task, language)
    parts = {split: rows(files[f"{split}.jsonl"]) for split in SPLITS}
    bare = [json.dumps({k: v for k, v in row.items() if k != "id"}) for part in parts.values() for row in part]
    assert len(bare) == len(set(bare)) == 60
    if "label" in parts["train"][0]:
        assert {row["label"] for row in parts["test"]} <= {row["label"] for row in parts["train"]}
    comments = [from_json(Feedback, row) for row in rows(files["comments.jsonl"])]
    assert len({comment.id for comment in comments}) == len(comments) >= 4
    assert all(c.revision and c.revision != c.attempt.text and c.comment for c in comments)


@pytest.mark.parametrize(("task", "language"), EVERY)
def test_what_is_written_passes_the_checks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], task: Begin, language: Language
) -> None:
    init(tmp_path, task, language)
    capsys.readouterr()
    check(tmp_path / "recipe.yaml", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    invented = "personal data: name"  # of people in the samples; the check cannot know that they are made up
    assert [one for one in report["findings"] if invented not in one["what"]] == []
    comments = read_comments(tmp_path / "comments.jsonl")
    assert len(comments.feedback) >= 4
    assert not comments.refused


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("task", [Begin.SENTIMENT, Begin.TOPICS, Begin.LABELS])
def test_what_the_rows_teach_holds_for_the_test_rows(tmp_path: Path, task: Begin, language: Language) -> None:
    """A linear model learns it: else a small model, which knows no more than the rows, could not."""
    init(tmp_path, task, language)
    project = Project.open(load(tmp_path / "recipe.yaml"))
    held = [*project.data.validation, *project.data.test]
    (answers,) = baselines(project.task, project.data.train, project.data.validation, held).values()
    assert evaluate(project.task, held, answers, resamples=0).value(project.task.metric) > 0.8


def test_the_comments_follow_the_language(tmp_path: Path) -> None:
    chinese = project_files("p", Begin.TOPICS, Language.ZH)["recipe.yaml"]
    english = project_files("p", Begin.TOPICS, Language.EN)["recipe.yaml"]
    assert "数据" in chinese
    assert english.isascii()
    assert [line.partition("#")[0].rstrip() for line in chinese.splitlines() if ":" in line.partition("#")[0]] == [
        line.partition("#")[0].rstrip() for line in english.splitlines() if ":" in line.partition("#")[0]
    ]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match=r"already there: recipe.yaml") as caught:
        init(tmp_path, Begin.SENTIMENT, Language.ZH)
    assert "--force" in caught.value.fix
    assert [file.name for file in tmp_path.iterdir()] == ["recipe.yaml"]
    init(tmp_path, Begin.SENTIMENT, Language.ZH, force=True)
    assert (tmp_path / "recipe.yaml").read_text(encoding="utf-8") != "mine"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "p").touch()
    with pytest.raises(UserError, match="in the way"):
        init(tmp_path / "p")


def test_the_next_command_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(tmp_path / "a b")
    assert capsys.readouterr().out.endswith(f"next: sayso run '{tmp_path}/a b/recipe.yaml'\n")
    init(tmp_path / "c", json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["next"] == f"sayso run {tmp_path}/c/recipe.yaml"
    assert set(told["files"]) == {file.name for file in (tmp_path / "c").iterdir()}


def test_every_project_has_its_samples() -> None:
    assert {folder.name for folder in SAMPLES.iterdir() if folder.is_dir()} == {f"{t}.{k}" for t, k in EVERY}
