"""From `sayso init` to the report, as a user goes it, for every kind of learner, task and language."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from journey import contents, sayso, sets

from sayso.records import State
from sayso.store.feedback import FeedbackStore
from sayso.store.runs import Run

# project, language, model, methods that it can learn by, headline
JOURNEYS = [
    ("sentiment", "zh", "bert", ("prefer",), "accuracy"),
    ("labels", "en", "bert", ("imitate",), "f1_macro"),
    ("topics", "en", "llama", ("condition",), "accuracy"),
    ("labels", "zh", "llama", ("imitate",), "f1_macro"),
    ("translation", "zh", "bart", ("prefer", "condition"), "chrf"),
    ("instructions", "zh", "llama", ("imitate", "condition", "prefer", "prompt"), "chrf"),
]


@pytest.mark.parametrize(("task", "language", "model", "methods", "metric"), JOURNEYS)
def test_the_whole_way(
    tmp_path: Path, models: Path, task: str, language: str, model: str, methods: tuple[str, ...], metric: str
) -> None:
    recipe = tmp_path / "项目" / "recipe.yaml"
    sayso("init", recipe.parent, "--task", task, "--language", language)
    settings = sets(model__name=models / model, task__max_new_tokens=6)
    assert sayso("check", recipe, *settings, "--tokens", "--json").json["ok"] is True
    assert sayso("plan", recipe, *settings, "--no-probe", "--json").json["fits"] is True
    result = sayso("run", recipe, *settings, "--set", f"learn.method={methods[0]}", "--json").json
    assert set(result["figures"]) == {"base", "train", "learn"}
    assert all(next(iter(figures)) == metric for figures in result["figures"].values())
    run = Run.open(recipe.parent / "run")
    trained = contents(run.weights("train"))
    assert {"base", "train", "learn"} <= {stage for stage, split, _ in run.scores() if split == "test"}
    for method in methods:
        told = sayso("learn", recipe, *settings, "--method", method, "--json").json
        assert told["stage"] == "learn"
        assert metric in told["figures"]
        assert {one.feedback for one in run.outcomes()} == {one.id for one in run.feedback()}
    assert contents(run.weights("train")) == trained
    page = sayso("report", recipe, "--json").json
    html = Path(page["report"]).read_text(encoding="utf-8")
    assert all(one.comment.split("\n")[0][:10] in html for one in run.feedback()[:1])


def test_running_again_repeats_nothing(sentiment: tuple[Path, list[str]]) -> None:
    recipe, settings = sentiment
    first = sayso("run", recipe, *settings, "--json").json
    before = contents(recipe.parent / "run")
    assert {part for name in before for part in Path(name).parts if part.startswith("best-")}
    assert not [name for name in before if "step-" in name], "only resuming needs the optimiser's state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sayso.models.open.open_learner", None)
        again = sayso("run", recipe, *settings, "--json").json
        sayso("evaluate", recipe, *settings)
        for stage in ("train", "comment", "learn"):
            sayso(stage, recipe, *settings, "--json")
    assert again == first
    assert contents(recipe.parent / "run") == before


@pytest.fixture(scope="module")
def sentiment(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str]]:
    """A Chinese project that has been run."""
    folder = tmp_path_factory.mktemp("project")
    sayso("init", folder, "--task", "sentiment", "--language", "zh", "--force")
    settings = sets(model__name=models / "bert", learn__method="imitate")
    sayso("run", folder / "recipe.yaml", *settings)
    return folder / "recipe.yaml", settings


def test_another_method_only_learns_again(sentiment: tuple[Path, list[str]]) -> None:
    recipe, settings = sentiment
    run = Run.open(recipe.parent / "run")
    sayso("learn", recipe, *settings, "--method", "imitate")
    before, stages = contents(run.folder), json.loads((run.folder / "stages.json").read_text())
    imitated = [line["loss"] for line in run.metrics() if line["stage"] == "learn" and line["kind"] == "step"]
    sayso("learn", recipe, *settings, "--method", "prefer")
    after, later = contents(run.folder), json.loads((run.folder / "stages.json").read_text())
    changed = {name for name in before if before[name] != after.get(name)}
    assert not {name for name in changed if "train" in name or "base" in name}
    moved = {name for name in stages if stages[name] != later[name]}
    assert moved == {"learn begun", "learn", "learn scored", "prove"}
    preferred = [line for line in run.metrics() if line["stage"] == "learn" and line["kind"] == "step"]
    assert "prefer" in preferred[0]
    assert [line["loss"] for line in preferred] != imitated
    sayso("learn", recipe, *settings, "--method", "imitate")
    again = [line["loss"] for line in run.metrics() if line["stage"] == "learn" and line["kind"] == "step"]
    assert again == imitated


def test_other_items_are_scored_with_the_same_weights(sentiment: tuple[Path, list[str]]) -> None:
    recipe, settings = sentiment
    run = Run.open(recipe.parent / "run")
    weights = contents(run.folder / "weights")
    rows = sayso("evaluate", recipe, *settings, "--set", "evaluate.limit=4", "--stage", "train", "--json").json
    shown = {(row["stage"], row["split"]): row["score"]["n"] for row in rows if row["score"]["unit"] == "accuracy"}
    assert shown["base", "test"] == shown["train", "test"] == shown["linear", "test"] == 4
    assert contents(run.folder / "weights") == weights
    table = sayso("evaluate", recipe, *settings)
    assert "accuracy" in table.out


def test_comments_added_later_are_learnt(sentiment: tuple[Path, list[str]], tmp_path: Path) -> None:
    recipe, settings = sentiment
    run = Run.open(recipe.parent / "run")
    sayso("learn", recipe, *settings)
    known = {one.id for one in run.feedback()}
    more = tmp_path / "更多.jsonl"
    rows: list[dict[str, Any]] = [
        {"prompt": "屏幕有划痕，退货也不给退。", "attempt": "正面", "comment": "不给退货是差评。", "revision": "负面"},
        {"prompt": "快递很快。", "comment": ""},
    ]
    more.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    told = sayso("comment", recipe, *settings, "--add", more, "--json")
    assert "更多.jsonl:2: not imported: neither a comment nor a revision" in told.err
    added = {one["id"] for one in told.json} - known
    assert len(added) == 1
    sayso("learn", recipe, *settings)
    outcomes = {one.feedback: one for one in run.outcomes()}
    assert added <= set(outcomes)
    with FeedbackStore(run.folder / "feedback.db") as store:
        latest = store.outcome(next(iter(added)))
    assert latest == outcomes[next(iter(added))]
    assert latest is not None
    assert latest.state is not State.WAITING
    page = Path(sayso("report", recipe, "--json").json["report"]).read_text(encoding="utf-8")
    assert latest.why in unescape(page)


def test_a_run_without_data_for_training_scores_the_base(tmp_path: Path, models: Path) -> None:
    folder = tmp_path / "only test"
    sayso("init", folder, "--task", "sentiment")
    recipe = folder / "recipe.yaml"
    lines = recipe.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.lstrip().startswith(("train:", "validation:"))]
    recipe.write_text("".join(kept).replace("name: classify", "name: classify\n  labels: [negative, positive]"))
    settings = sets(model__name=models / "bert", learn__method="", feedback__files="[]")
    assert set(sayso("run", recipe, *settings, "--json").json["figures"]) == {"base"}
