"""Comments of other tools come into a project, are backed up, restored and exported; and come back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from journey import sayso

from sayso.records import Attempt, Feedback, user
from sayso.store.feedback import FeedbackStore

TASK = {
    "id": 1,
    "data": {"question": "退货要多久？", "answer": "三天。"},
    "annotations": [
        {
            "completed_by": 7,
            "result": [{"type": "textarea", "from_name": "comment", "value": {"text": ["说七天。"]}}],
        },
        {"completed_by": 8, "was_cancelled": True, "result": []},
    ],
}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    sayso("init", tmp_path, "--task", "instructions", "--language", "zh", "--force")
    return tmp_path / "recipe.yaml"


def test_comments_of_other_tools_come_in_and_every_dropped_row_has_its_reason(recipe: Path) -> None:
    folder = recipe.parent
    (folder / "export.json").write_text(json.dumps([TASK]), encoding="utf-8")
    (folder / "意见.csv").write_text("提问,回复,看法\nHi,Yo,Politely!\nHi\n", encoding="utf-8")
    told = sayso("comment", recipe, "--add", folder / "export.json", "--from", "label_studio", "--json")
    known = {one["comment"] for one in (line["feedback"] for line in told.json)}
    assert "说七天。" in known
    assert "export.json:1: not imported: its annotator skipped it" in told.err.replace("\n", "")
    missing = sayso("comment", recipe, "--add", folder / "意见.csv", code=2)
    assert "--column comment=看法" in missing.err.replace("\n", " ")
    table = sayso("comment", recipe, "--add", folder / "意见.csv", "--column", "comment=看法", "--json")
    assert {one["feedback"]["comment"] for one in table.json} >= {"说七天。", "Politely!"}
    assert "1 fields where the table has 3" in table.err.replace("\n", " ")
    wrong = sayso("comment", recipe, "--add", folder / "export.json", "--from", "labelstudio", code=2)
    assert "did you mean 'label_studio'" in wrong.err
    assert "name the file with --add" in sayso("comment", recipe, "--from", "argilla", code=2).err


def test_a_recipe_reads_tables_too(recipe: Path) -> None:
    (recipe.parent / "意见.tsv").write_text("问题\t回答\t意见\n在吗\t在\t先问好\n", encoding="utf-8")
    told = sayso("comment", recipe, "--set", f"feedback.files=[{recipe.parent / '意见.tsv'}]", "--json")
    assert [one["feedback"]["comment"] for one in told.json] == ["先问好"]


@pytest.mark.parametrize("name", ["safe.db", "safe.jsonl"])
def test_a_store_is_put_in_safety_and_brought_back(recipe: Path, tmp_path: Path, name: str) -> None:
    comments = [Feedback(user(f"{n}"), Attempt("在"), "先问好。") for n in range(3)]
    (tmp_path / "c.jsonl").write_text('{"prompt": "在吗", "attempt": "在", "comment": "先问好。"}\n', encoding="utf-8")
    sayso("comment", recipe, "--add", tmp_path / "c.jsonl")
    run = tmp_path / "run"
    with FeedbackStore(run / "feedback.db") as store:
        store.add(comments)
        store.withdraw(comments[0].id)
        before = store.all(current=False)
    assert "are in" in sayso("store", "backup", recipe, tmp_path / name).out
    shutil.rmtree(run)
    told = sayso("store", "restore", tmp_path / "new.db", tmp_path / name, "--json").json
    assert (told["action"], told["count"]) == ("restore", len(before) + 1)
    with FeedbackStore(tmp_path / "new.db") as store:
        assert store.all(current=False) == before
    again = sayso("store", "restore", tmp_path / "new.db", tmp_path / name, code=2)
    assert "something in it already" in again.err.replace("\n", " ")


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet"])
def test_what_is_exported_comes_back_as_it_was(recipe: Path, tmp_path: Path, name: str) -> None:
    comments = [Feedback(user(words), Attempt("=1+1"), words, revision='""') for words in ("先问好。", "a\r\nb", "'")]
    with FeedbackStore(tmp_path / "a.db") as store:
        store.add(comments)
        store.withdraw(comments[2].id)
    assert sayso("store", "export", tmp_path / "a.db", tmp_path / name, "--json").json["count"] == 2
    assert sayso("store", "export", tmp_path / "a.db", tmp_path / name, "--all", "--json").json["count"] == 3
    told = sayso("comment", recipe, "--add", tmp_path / name, "--json").json
    ids = [one.id for one in comments]
    assert [one["id"] for one in told if one["id"] in ids] == ids


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    assert "did you mean 'backup'" in sayso("store", "backups", tmp_path, tmp_path / "a.db", code=2).err
    assert "this folder is no run" in sayso("store", "backup", tmp_path, tmp_path / "a.db", code=2).err
    none = sayso("store", "export", tmp_path / "none.db", tmp_path / "a.csv", code=2)
    assert "there is no feedback store" in none.err
    FeedbackStore(tmp_path / "a.db").close()
    assert "not exported as '.xls'" in sayso("store", "export", tmp_path / "a.db", tmp_path / "a.xls", code=2).err
