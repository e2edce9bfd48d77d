"""An audit of a run, and an author who wants to be forgotten: what a reviewer says in private, followed to its end."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest
from journey import sayso, sets

from sayso.store.feedback import FeedbackStore
from sayso.store.runs import Run

PHONE = "13812345678"
PRIVATE = {
    "prompt": "我的包裹到哪了？",
    "attempt": "不知道。",
    "comment": f"应该给出联系方式{PHONE}。",
    "revision": f"请打{PHONE}。",
    "author": "anna",
    "split": "train",
}


def begun(folder: Path, models: Path, **more: object) -> tuple[Path, list[str]]:
    sayso("init", folder, "--task", "instructions", "--language", "zh", "--force")
    with (folder / "comments.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(PRIVATE, ensure_ascii=False) + "\n")
    asked = {
        "model__name": models / "llama",
        "task__max_new_tokens": 4,
        "learn__method": "imitate",
        "learn__replay": 0,
    }
    return folder / "recipe.yaml", sets(**(asked | more))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str], str]:
    recipe, settings = begun(tmp_path_factory.mktemp("audit"), models, privacy__canaries=2)
    said = sayso("run", recipe, *settings).err
    return recipe, settings, said


def test_an_audit_says_what_it_found_and_what_it_cannot_see(project: tuple[Path, list[str], str]) -> None:
    recipe, _, said = project
    assert "1 comment holds personal data: phone (2)" in said
    assert PHONE not in said
    run = recipe.parent / "run"
    knobs = ["--knob", "memorisation.draws=1", "--knob", "memorisation.others=7"]
    told = sayso("audit", run, "--only", "privacy", "--only", "memorisation", *knobs, "--json").json
    privacy, memory = told["audits"]
    assert privacy["details"]["comments"] == {"phone": 2}
    assert any(one["level"] == "warning" and "comments" in one["what"] for one in privacy["findings"])
    assert PHONE not in json.dumps(told, ensure_ascii=False)
    assert memory["knobs"]["others"] == 7
    assert memory["details"]["secrets"] == 3, "two canaries and a number"
    bits = {one["stage"]: one for one in memory["figures"] if one["name"] == "exposure of secrets"}
    assert set(bits) == {"base", "train", "learn"}
    assert all(0 <= one["value"] <= 3 for one in bits.values())
    areas = [one for one in memory["figures"] if one["unit"] == "AUC"]
    assert {one["stage"] for one in areas} == {"train", "learn"}
    page = unescape((run / "report.html").read_text(encoding="utf-8"))
    for words in (*privacy["cannot_see"], *memory["cannot_see"]):
        assert words in page
    assert not any(one["stale"] for one in Run.open(run).audits().values())


def test_an_unknown_audit_or_knob_is_said_with_the_nearest(project: tuple[Path, list[str], str]) -> None:
    run = project[0].parent / "run"
    assert "privacy" in sayso("audit", run, "--only", "privcy", "--json", code=2).json["fix"]
    asked = ["--only", "privacy", "--knob", "privacy.row=3", "--json"]
    assert "rows" in sayso("audit", run, *asked, code=2).json["fix"]


def test_an_erased_author_is_in_no_file_of_the_run(project: tuple[Path, list[str], str]) -> None:
    recipe, settings, _ = project
    run = recipe.parent / "run"
    assert any(PHONE.encode() in path.read_bytes() for path in run.rglob("*") if path.is_file())
    told = sayso("forget", recipe, "--author", "anna", *settings, "--json").json
    assert told["erased"] == 1
    assert "learnt anew" in told["learnt"]
    assert [Path(one["file"]).name for one in told["left"]] == ["comments.jsonl"], "a file outside is named"
    assert not told["gone"]
    for path in run.rglob("*"):
        assert not (path.is_file() and PHONE.encode() in path.read_bytes()), path
    ids = {id_ for one in Run.open(run).lessons("learn") for id_ in one.from_ids}
    assert ids
    assert not ids & set(told["ids"])
    with FeedbackStore(run / "feedback.db") as store:
        store.import_jsonl(recipe.parent / "comments.jsonl")
        assert [one for one in store.all(current=False) if one.author.id == "anna"] == [], (
            "a file does not bring it back"
        )
    assert "anna" in sayso("forget", recipe, "--author", "anna", *settings, "--json", code=2).json["what"]
    assert all(one["stale"] for one in Run.open(run).audits().values()), "the audits are of earlier weights"


def test_what_is_taken_out_at_the_door_is_taught_to_nobody(tmp_path: Path, models: Path) -> None:
    recipe, settings = begun(tmp_path / "it", models, privacy__comments="redact")
    sayso("learn", recipe, *settings)
    run = Run.open(recipe.parent / "run")
    assert any("[手机号]" in one.comment for one in run.feedback())
    assert any("[手机号]" in one.target for one in run.lessons("learn"))  # type: ignore[union-attr]
    for path in run.folder.rglob("*"):
        assert not (path.is_file() and PHONE.encode() in path.read_bytes()), path


def test_rows_with_personal_data_are_warned_of_or_refused(tmp_path: Path, models: Path) -> None:
    recipe, settings = begun(tmp_path / "it", models)
    row = json.dumps({"id": "own", "prompt": f"打{PHONE}", "answer": "好的。"}, ensure_ascii=False)
    train = recipe.parent / "train.jsonl"
    train.write_text(train.read_text(encoding="utf-8").rstrip() + "\n" + row + "\n", encoding="utf-8")
    told = sayso("check", recipe, *settings, "--json").json
    found = [one for one in told["findings"] if "personal data" in one["what"] and one["level"] == "warning"]
    assert [one["split"] for one in found] == ["train"]
    error = sayso("train", recipe, *settings, "--set", "privacy.rows=refuse", "--json", code=2).json
    assert "personal data" in error["what"]
    assert PHONE not in error["what"]
