"""`sayso tune`: the search, what is stopped or killed, several workers, and the winner as a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journey import contents, sayso, sets

pytest.importorskip("optuna", reason="needs the extra `tune`")

from sayso.learn import loop
from sayso.recipe import load
from sayso.store.runs import Run


def begun(folder: Path, models: Path, **changes: Any) -> tuple[Path, list[str]]:
    """A Chinese project whose test file is gone: whoever reads it fails."""
    sayso("init", folder, "--task", "sentiment", "--language", "zh", "--force")
    (folder / "test.jsonl").rename(folder / "hidden.jsonl")
    settings: dict[str, Any] = {"model__name": models / "bert", "learn__method": "imitate", "strategy__steps": None}
    return folder / "recipe.yaml", sets(**(settings | {"strategy__epochs": 2} | changes))


def test_a_search_ends_in_a_verdict_a_page_and_a_recipe(tmp_path: Path, models: Path) -> None:
    recipe, settings = begun(tmp_path, models)
    words = ["tune", recipe, *settings, "--trials", "3", "--seeds", "2"]
    found = sayso(*words, "--json").json
    assert [one["number"] for one in found["trials"]] == [0, 1, 2]
    first = found["trials"][0]
    assert first["first"] is True
    assert first["values"]["strategy.learning_rate"] == 0.003
    assert set(found["space"]) == {"strategy.learning_rate", "strategy.batch_rows", "strategy.epochs"}
    page = Path(found["page"]).read_text(encoding="utf-8")
    assert found["words"][0].split(".")[0] in page
    assert "http" not in page.replace("http-equiv", "")
    if found["comparison"]:
        assert found["comparison"]["n"] == len(Run(tmp_path / "run-tune/train/trials/0000").examples("validation"))
        assert len(found["comparison"]["by_seed"]) == 2
    winner = load(found["winner"])
    assert winner.strategy.epochs == found["best"]["values"]["strategy.epochs"]
    assert winner.data.test is not None, "the winner is a whole recipe"
    folder = tmp_path / "run-tune"
    before = {name: text for name, text in contents(folder).items() if not name.endswith((".html", ".asking"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sayso.models.open.open_learner", None)
        again = sayso(*words, "--json").json
    assert again["trials"] == found["trials"]
    assert before == {name: text for name, text in contents(folder).items() if name in before}, "nothing is done twice"
    (tmp_path / "hidden.jsonl").rename(tmp_path / "test.jsonl")
    sayso("train", found["winner"], "--json")


def test_a_stopped_search_is_taken_up_and_what_fails_or_is_killed_is_said(tmp_path: Path, models: Path) -> None:
    recipe, settings = begun(tmp_path, models)
    space = tmp_path / "space.yaml"
    space.write_text("strategy.learning_rate: {choices: [0.003, 0.004, 0.9]}\nstrategy.epochs: {}\n", encoding="utf-8")
    words = ["tune", recipe, *settings, "--trials", "2", "--space", space, "--seeds", "2"]
    real = loop._Loop._step

    def stopped(self: Any) -> Any:
        event = real(self)
        if event.step == 3:
            raise KeyboardInterrupt
        return event

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop._Loop, "_step", stopped)
        told = sayso(*words, code=130)
    assert "trial 0 (the recipe as it stands): stopped" in told.err
    found = sayso(*words, "--json").json
    states = [(one["state"], one["folder"]) for one in found["trials"]]
    assert states[0] == ("stopped", "0000")
    assert ("done", "0000") in states[1:], "begun again in the same folder"
    assert sum(state != "stopped" for state, _ in states) == 2, "a trial that was begun again counts once"
    assert "Stopped and begun again: trial 0." in found["words"]

    def broken(self: Any) -> Any:
        from sayso.errors import TrainingFault

        if self.strategy.learning_rate != 0.003:
            raise TrainingFault("the loss is nan")
        return real(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop._Loop, "_step", broken)
        more = sayso("tune", recipe, *settings, "--trials", "6", "--space", space, "--seeds", "2")
    assert "failed" in more.out
    assert "the loss is nan" in more.out


def test_workers_share_the_study(tmp_path: Path, models: Path) -> None:
    recipe, settings = begun(tmp_path, models)
    found = sayso("tune", recipe, *settings, "--trials", "3", "--workers", "2", "--seeds", "2", "--json").json
    assert sorted(one["state"] for one in found["trials"] if one["value"] is not None) == ["done"] * 3
    assert (tmp_path / "run-tune/train/worker-2.log").is_file()


def test_knobs_are_searched_with_the_comments_of_the_run(tmp_path: Path, models: Path) -> None:
    recipe, settings = begun(tmp_path, models, learn__strategy__steps=None, learn__strategy__epochs=1)
    assert "no comments to learn from yet" in sayso("tune", recipe, *settings, "--stage", "learn", code=2).err
    (tmp_path / "hidden.jsonl").rename(tmp_path / "test.jsonl")
    sayso("comment", recipe, *settings)
    (tmp_path / "test.jsonl").unlink()
    found = sayso("tune", recipe, *settings, "--stage", "learn", "--trials", "2", "--seeds", "2", "--json").json
    assert {"learn.knobs.match", "learn.knobs.anchors", "learn.strategy.learning_rate"} <= set(found["space"])
    assert [one["state"] for one in found["trials"]] == ["done"] * 2
    assert not Run.open(tmp_path / "run").outcomes(), "no comment's state changes"


def test_what_cannot_be_searched_is_said(tmp_path: Path, models: Path) -> None:
    recipe, settings = begun(tmp_path, models)
    assert "did you mean 'train'" in sayso("tune", recipe, *settings, "--stage", "trian", code=2).err
    assert "2 or more" in sayso("tune", recipe, *settings, "--seeds", "1", code=2).err
    space = tmp_path / "space.yaml"
    for text, said in {
        "strategy.epoch: {low: 1, high: 2}": "did you mean 'strategy.epochs'",
        "strategy.epochs: 3": "nothing that can be searched",
        "model.name: {choices: [a, b]}": "may not be searched",
        "strategy.epochs: {low: 5, high: 9}": "lies outside what is searched",
    }.items():
        space.write_text(text, encoding="utf-8")
        assert said in sayso("tune", recipe, *settings, "--space", space, code=2).err
    sayso("tune", recipe, *settings, "--trials", "1", "--seeds", "2")
    other = sayso("tune", recipe, *settings, "--set", "strategy.dropout=0.3", code=2)
    assert "holds the search of another recipe" in other.err
