"""Probe, learn, prove, take back: the way of a comment from before it is learnt until it is forgotten."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from journey import contents, sayso, sets

from sayso.cli.auto import _tried
from sayso.cli.run import opened
from sayso.methods import imitate
from sayso.protocols import Material, Syllabus
from sayso.records import Attempt, Feedback, Outcome, State, user
from sayso.store.feedback import FeedbackStore
from sayso.store.runs import Run
from sayso.store.split import Halves


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, models: Path) -> tuple[Path, list[str]]:
    """A Chinese project with a decoder, trained; its comments are learnt by imitation."""
    folder = tmp_path_factory.mktemp("proof")
    sayso("init", folder, "--task", "instructions", "--language", "zh", "--force")
    settings = sets(model__name=models / "llama", task__max_new_tokens=6, learn__method="imitate", learn__replay=0)
    sayso("train", folder / "recipe.yaml", *settings)
    return folder / "recipe.yaml", settings


def learnt(recipe: Path, settings: list[str], *more: str) -> Any:
    return sayso("learn", recipe, *settings, *more, "--json").json


def test_a_probe_looks_before_anything_is_learnt_and_changes_nothing(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    weights = contents(run.folder / "weights")
    told = sayso("probe", recipe, *settings, "--json").json
    assert contents(run.folder / "weights") == weights
    assert told["sight"] in ("sees", "blind", "cannot tell")
    assert {(one["name"], one["unit"]) for one in told["edge"]} >= {("edge", "nats"), ("content", "nats")}
    assert all(one["n"] == told["n"] for one in told["edge"] if one["name"] == "edge")
    routes = {route["method"]: route for route in told["routes"]}
    assert routes["imitate"]["tokens"] > 0
    assert routes["hindsight"]["obstacle"]
    assert told["recommended"] == told["methods"][0]
    assert not routes[told["recommended"]]["obstacle"]
    thrice = sayso("probe", recipe, *settings, "--set", "learn.rounds=3", "--json").json
    more = {route["method"]: route for route in thrice["routes"]}
    for key in ("lessons", "tokens"):
        assert more["imitate"][key] == pytest.approx(3 * routes["imitate"][key], rel=0.02)
    assert more["reinforce"]["drawn"] == pytest.approx(3 / 4 * routes["reinforce"]["drawn"], rel=0.2)
    words = sayso("probe", recipe, *settings)
    assert f"learn.method: {told['recommended']}" in words.out
    assert all(sentence in words.out for sentence in told["why"])


def test_an_encoder_reads_no_comment_and_is_told_what_it_can_learn_from(tmp_path: Path, models: Path) -> None:
    sayso("init", tmp_path / "it", "--task", "sentiment")
    settings = sets(model__name=models / "bert")
    told = sayso("probe", tmp_path / "it" / "recipe.yaml", *settings, "--json").json
    assert (told["edge"], told["recommended"], told["start"]) == ([], "imitate", "base")
    assert "an encoder" in told["why"][0]
    assert "not measured" in sayso("probe", tmp_path / "it" / "recipe.yaml", *settings).out


def test_without_comments_there_is_nothing_to_probe(tmp_path: Path, models: Path) -> None:
    sayso("init", tmp_path / "it", "--task", "sentiment")
    settings = sets(model__name=models / "bert", feedback__files="[]")
    error = sayso("probe", tmp_path / "it" / "recipe.yaml", *settings, "--json", code=2).json
    assert error["what"] == "there are no comments to probe the model with"


def test_a_proof_says_what_became_of_each_comment_and_the_gate_rules(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    said = learnt(recipe, settings)
    told = sayso("prove", run.folder, "--json").json
    assert told["gate"] == said["gate"]
    measures = {one["name"]: one for one in told["measures"]}
    assert {"internalised", "transfer", "heed", "belief", "drift"} <= set(measures)
    assert {one["outcome"]["feedback"] for one in told["comments"]} == {one.id for one in run.feedback()}
    shares = [one["share"] for one in told["comments"] if one["outcome"]["state"] not in ("refused", "held_out")]
    assert measures["internalised"]["before"] == pytest.approx(sum(share[0] for share in shares) / len(shares))
    assert measures["internalised"]["after"] == pytest.approx(sum(share[1] for share in shares) / len(shares))
    for one in told["comments"]:
        was, now = one.get("share") or (0.0, 0.0)
        assert one["fell"] is (now <= was - 0.05)
    page = unescape((run.folder / "report.html").read_text(encoding="utf-8"))
    assert told["gate"]["words"] in page
    words = sayso("prove", recipe)
    assert told["gate"]["words"] in words.out
    assert all(one["words"] in words.out for one in told["measures"])


def test_what_is_refused_stays_on_disk_and_is_not_the_result(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    learnt(recipe, settings)
    proof = json.loads((run.folder / "proof.json").read_text(encoding="utf-8"))
    results = {}
    for promoted in (True, False):
        proof["gate"] |= {"promoted": promoted}
        (run.folder / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
        card = Path(sayso("report", recipe, "--json").json["card"]).read_text(encoding="utf-8")
        results[promoted] = (run.best(), f"weights/{run.best()}" in card, "the gate refused it" in card)
    assert results == {True: ("learn", True, False), False: ("train", True, True)}
    assert run.weights("learn").is_dir()
    learnt(recipe, settings, "--set", "learn.strategy.steps=3")
    assert run.best() == ("learn" if run.proof()["gate"]["promoted"] else "train"), "another learning, another ruling"  # type: ignore[index]


def test_comments_of_earlier_runs_and_neighbours_are_measured_too(tmp_path: Path, models: Path) -> None:
    sayso("init", tmp_path / "it", "--task", "sentiment")
    recipe, store = tmp_path / "it" / "recipe.yaml", tmp_path / "it" / "comments.db"
    earlier = Feedback(user("A dull film."), Attempt("positive"), "Dull is bad.", revision="negative")
    with FeedbackStore(store) as kept:
        kept.add([earlier])
        kept.record([Outcome(earlier.id, State.HEEDED, run="another run")])
    settings = sets(model__name=models / "bert", feedback__store=store, learn__method="imitate", strategy__steps=1)
    learnt(recipe, settings)
    run = Run.open(recipe.parent / "run")
    measures = {one["name"]: one for one in sayso("prove", recipe, "--json").json["measures"]}
    assert measures["retention"]["n"] == 1
    assert earlier.id not in {one.id for one in run.feedback()}
    assert measures["overreach"]["n"] > 3
    assert "heed" not in measures, "an encoder reads no comment"
    with FeedbackStore(store) as kept:
        kept.record([Outcome(earlier.id, State.NOT_HEEDED, run="another run")])
    learnt(recipe, settings, "--set", "learn.strategy.steps=3")
    assert "retention" not in {one["name"] for one in sayso("prove", recipe, "--json").json["measures"]}


def test_nothing_learnt_is_nothing_to_prove(tmp_path: Path, models: Path) -> None:
    sayso("init", tmp_path / "it", "--task", "sentiment")
    recipe = tmp_path / "it" / "recipe.yaml"
    sayso("comment", recipe, *sets(model__name=models / "bert"))
    error = sayso("prove", recipe, "--json", code=2).json
    assert error["what"] == "nothing was learnt from comments in this run"


def test_a_comment_is_taken_back_and_its_effect_with_it(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    settings = [*settings, "--set", "learn.strategy.steps=8", "--set", "learn.knobs.anchors=0"]
    run = Run.open(recipe.parent / "run")
    learnt(recipe, settings)
    taught = [one.feedback for one in run.outcomes() if one.state.value not in ("held_out", "refused")]
    gone = taught[0]
    told = sayso("forget", recipe, gone[:10], *settings, "--why", "说错了", "--json").json
    assert told["id"] == gone
    assert told["learnt"] > told["start"], "it was learnt before it was taken back"
    assert told["after"] < told["learnt"], "and less sure of after"
    assert set(told["answers"]) == {"start", "learnt", "after"}
    assert gone not in {one.id for one in run.feedback()}
    assert gone not in {id_ for lesson in run.lessons("learn") for id_ in lesson.from_ids}
    with FeedbackStore(run.folder / "feedback.db") as store:
        assert store.withdrawn(gone) == "说错了"
        assert store.get(gone).id == gone
    run.forget("comment")
    sayso("comment", recipe, *settings)
    assert gone not in {one.id for one in run.feedback()}, "nor does it come back with its file"
    error = sayso("forget", recipe, gone, *settings, "--json", code=2).json
    assert error["what"] == f"this run has no comment '{gone}'"


def test_a_comment_that_was_not_taught_is_taken_back_without_learning(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    learnt(recipe, settings)
    weights = contents(run.weights("learn"))
    held = next(one.feedback for one in run.outcomes() if one.state.value == "held_out")
    said = sayso("forget", recipe, held, *settings)
    assert "had not been taught" in said.out
    assert contents(run.weights("learn")) == weights
    assert held not in {one.id for one in run.feedback()}


def test_auto_tries_two_methods_takes_one_and_says_why(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    run = Run.open(recipe.parent / "run")
    auto = [*settings, "--set", "learn.method=auto"]
    told = sayso("learn", recipe, *auto)
    note = run.note("auto")
    assert note is not None
    probed = sayso("probe", recipe, *auto, "--json").json
    assert note["method"] in probed["methods"][:2]
    assert len(note["tried"]) == 2
    assert all(f"auto     {words}" in told.err for words in note["words"])
    share, belief = note["tried"]
    first = share["difference"] < 0 if abs(share["difference"]) > 0.005 else belief["difference"] <= 0
    assert note["method"] == probed["methods"][0 if first else 1]
    card = Path(sayso("report", recipe, "--json").json["card"]).read_text(encoding="utf-8")
    assert ("\n- " + note["method"] in card) == (run.best() == "learn")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sayso.models.open.open_learner", None)
        assert sayso("learn", recipe, *auto, "--json").json["stage"] == "learn"


def test_auto_tries_a_method_in_all_its_rounds(
    project: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, settings = project
    one, seen = opened(recipe, [*settings[1::2], "learn.rounds=2"]), []
    lessons = imitate.lessons

    def watched(material: Material, knobs: imitate.Knobs) -> Syllabus:
        seen.append((material.round, material.rounds, material.seed, material.feedback))
        return lessons(material, knobs)

    monkeypatch.setattr(imitate, "lessons", watched)
    taught, tested = (Feedback(user(text), Attempt("嗯"), "说好。", revision="好") for text in ("在吗", "在不在"))
    tried = _tried(one, "imitate", Halves((taught,), (tested,)))
    assert [number for number, *_ in seen] == [0, 1]
    assert {of for _, of, *_ in seen} == {2}
    assert len({seed for _, _, seed, _ in seen}) == 2, "each round draws anew"
    assert {feedback for *_, feedback in seen} == {(taught,)}
    assert tried.beliefs.keys() == {tested.id}


def test_knobs_of_a_method_that_is_yet_to_be_chosen_are_refused(project: tuple[Path, list[str]]) -> None:
    recipe, settings = project
    told = sayso(
        "learn", recipe, *settings, "--set", "learn.method=auto", "--set", "learn.knobs.beta=1", "--json", code=2
    )
    assert told.json["where"] == "learn -> knobs"
