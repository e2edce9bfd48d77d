"""`sayso bench` on the model that the package carries, a tiny world and an endpoint on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sayso.records import GREEDY, Messages, Reply, Sampling

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluate"))
sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
from journey import sayso
from tiny_world import FakeSpeaker, TinyWorld, careful, deaf

SMALL = ("--rules", "2", "--prompts", "2")
TAUGHT = ("--method", "imitate", "--comments", "2", "--set", "threads=1", "--set", "learn.strategy.steps=3")
RATE = ("--set", "learn.strategy.learning_rate=0.001")


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[TinyWorld]:
    made = TinyWorld()
    monkeypatch.setattr("sayso.cli.worlds.found_worlds", lambda: {"tiny": made, "unfinished": object()})
    before = torch.get_num_threads()
    with torch.random.fork_rng():
        yield made
    torch.set_num_threads(before)


@pytest.fixture
def speaking(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a fake in the place of the model."""

    def put(speaker: FakeSpeaker) -> FakeSpeaker:
        monkeypatch.setattr("sayso.cli.bench._speaker", lambda recipe, methods: speaker)
        return speaker

    return put


def value(told: Any, measure: str, part: str = "in_context") -> float:
    found = told["methods"][part] if part != "in_context" else told[part]
    return float(next(one["value"] for one in found["measures"] if one["measure"] == measure))


def test_the_carried_model_is_measured_and_taught(tmp_path: Path) -> None:
    plot, save = tmp_path / "new" / "measures.svg", tmp_path / "answers.jsonl"
    extent = ("--rules", "12", "--prompts", "1", *TAUGHT, *RATE, "--save", save, "--json")
    told = sayso("bench", "embedded", *extent, "--plot", plot)
    result = told.json
    assert (result["houserules"], result["whole"]) == (1, True)
    assert {"heed", "revise", "critique", "skill", "right remark", "vague revise"} <= {
        one["measure"] for one in result["in_context"]["measures"]
    }
    after = {one["measure"]: one["value"] for one in result["methods"]["imitate"]["measures"]}
    assert {"internalised", "transfer", "retention", "overreach", "drift", "skill"} == set(after)
    assert after["drift"] > 0
    assert set(result["in_context"]["groups"]["language"]) == {"en", "zh"}
    assert "in context 12/12" in told.err.replace("  ", " ")
    assert plot.read_text("utf-8").startswith("<svg")
    lines = save.read_text("utf-8").splitlines()
    again = sayso("bench", "embedded", *extent)
    assert again.json == result
    assert save.read_text("utf-8").splitlines() == lines


def test_the_model_is_as_it_was_between_houses() -> None:
    from sayso.cli.bench import _recipe
    from sayso.cli.pupil import Pupil
    from sayso.evaluate.houses import comments, material
    from sayso.evaluate.houses import houses as build
    from sayso.models.open import Opening, open_learner

    recipe = _recipe("embedded", [*RATE[1:], "learn.strategy.steps=3", "learn.strategy.batch_rows=4"])
    learner = open_learner(recipe.model, Opening())
    pupil, tiny = Pupil(learner, recipe, "prefer"), TinyWorld()
    house = build("tiny", tiny, tiny.rules(2, 0, "test", "en"), 0)[0]
    was = {name: p.detach().clone() for name, p in learner.core.parameters()}
    pupil.teach(comments(tiny, house.rules, (), 2, 0), material(tiny, house), 0)
    assert any(not torch.equal(was[name], p) for name, p in learner.core.parameters())
    pupil.forget()
    assert all(torch.equal(was[name], p) for name, p in learner.core.parameters())


def test_words_that_a_method_finds_stand_in_the_prompts_and_more_are_added_to_them() -> None:
    from sayso.cli.bench import _recipe
    from sayso.cli.pupil import Pupil
    from sayso.models.open import Opening, open_learner
    from sayso.records import Attempt, Feedback, Scope, user

    recipe = _recipe("embedded", ["learn.knobs.calls=0"])
    pupil = Pupil(open_learner(recipe.model, Opening()), recipe, "prompt")
    was = {name: p.detach().clone() for name, p in pupil.learner.core.parameters()}
    asked, heard = (
        user("Where is it?"),
        [
            Feedback(user(f"Where is {thing}?"), Attempt("Gone."), f"Name the {thing}.", scope=Scope("everywhere"))
            for thing in ("lamp", "table")
        ],
    )
    assert pupil.prompt(asked) == asked
    pupil.teach(heard[:1], (), 0)
    assert pupil.prompt(asked)[0].text.endswith("Name the lamp.")
    pupil.teach(heard[1:], (), 0)
    assert {"- Name the lamp.", "- Name the table."} <= set(pupil.prompt(asked)[0].text.splitlines())
    assert all(torch.equal(was[name], p) for name, p in pupil.learner.core.parameters())
    pupil.forget()
    assert pupil.prompt(asked) == asked


def test_a_method_with_rounds_hears_the_critic_in_each() -> None:
    from sayso.cli.bench import _recipe
    from sayso.cli.pupil import Pupil
    from sayso.evaluate.houses import comments, material
    from sayso.evaluate.houses import houses as build
    from sayso.models.open import Opening, open_learner

    sets = [*RATE[1:], "learn.strategy.steps=1", "learn.rounds=2", "learn.knobs={group: 2, temperature: 1.5}"]
    recipe = _recipe("embedded", sets)
    learner = open_learner(recipe.model, Opening())
    pupil, tiny, heard = Pupil(learner, recipe, "reinforce"), TinyWorld(), []
    house = build("tiny", tiny, tiny.rules(2, 0, "test", "en"), 0)[0]

    def says(_about: object, answer: str) -> str | None:
        heard.append(answer)
        return "no" if len(heard) % 2 else None

    said = comments(tiny, house.rules, (), 1, 0)
    pupil.teach(said, material(tiny, house), 0, says)
    assert len(heard) >= 2 * 2 * len(said), "two answers of each prompt in each of two rounds"


def test_tables_name_measures_groups_and_weak_families(speaking: Any) -> None:
    def half(said: str, usual: str) -> str:
        return careful(said, usual) if "-phrase" in said else usual

    speaking(FakeSpeaker(half))
    told = sayso("bench", "fake", "--rules", "40", "--prompts", "2", "--seeds", "2")
    assert "HouseRules 1: fake" in told.out
    assert "family begin_with" in told.out
    assert "novelty pairing" in told.out
    assert "weak in heed: " in told.out
    assert "begin_with" not in told.out.partition("weak in heed: ")[2].partition("\n")[0]
    assert "heed by seed: " in told.out


def test_what_was_saved_is_not_asked_again(speaking: Any, tmp_path: Path) -> None:
    save = ("--save", tmp_path / "answers.jsonl", "--json")
    few = speaking(FakeSpeaker(careful))
    first = sayso("bench", "fake", *SMALL, *save).json
    assert value(first, "heed") == 1.0
    again = speaking(FakeSpeaker(deaf))
    assert sayso("bench", "fake", *SMALL, *save).json == first
    assert again.asked == 0
    more = speaking(FakeSpeaker(careful))
    sayso("bench", "fake", "--rules", "2", "--prompts", "4", *save)
    whole = speaking(FakeSpeaker(careful))
    sayso("bench", "fake", "--rules", "2", "--prompts", "4", "--json")
    assert more.asked + few.asked == whole.asked
    told = sayso("bench", "another", *SMALL, *save, code=2)
    assert "other answers" in told.json["what"]


class Stopping(FakeSpeaker):
    """Ctrl-C comes after so many answers."""

    def reply(self, prompts: Any, sampling: Sampling = GREEDY) -> list[Reply]:
        if self.asked > 600:
            raise KeyboardInterrupt
        return super().reply(prompts, sampling)


def test_stopped_what_was_measured_is_shown_and_kept(speaking: Any, tmp_path: Path) -> None:
    save, extent = tmp_path / "answers.jsonl", ("--rules", "60", "--prompts", "4", "--language", "en")
    speaking(Stopping(careful))
    told = sayso("bench", "fake", *extent, "--save", save, "--json", code=130)
    assert told.json["whole"] is False
    assert value(told.json, "heed") == 1.0
    assert "run the same command again" in told.err
    kept = len(save.read_text("utf-8").splitlines()) - 1
    assert kept > 600
    rest = speaking(FakeSpeaker(careful))
    result = sayso("bench", "fake", *extent, "--save", save, "--json").json
    assert result["whole"] is True
    assert rest.asked + kept == len(save.read_text("utf-8").splitlines()) - 1
    assert set(result["in_context"]["groups"]["language"]) == {"en"}


def test_an_endpoint_is_measured_and_not_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    from sayso.endpoint import Endpoint

    def once(self: Endpoint, body: dict[str, Any]) -> Any:
        text = FakeSpeaker(careful)._one(_messages(body))
        return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}

    monkeypatch.setattr(Endpoint, "_once", once)
    told = sayso("bench", "http://127.0.0.1:9/v1#m", *SMALL, "--json").json
    assert value(told, "heed") == value(told, "critique") == 1.0
    refused = sayso("bench", "http://127.0.0.1:9/v1#m", "--method", "imitate", "--json", code=2).json
    assert "cannot be taught" in refused["what"]


def _messages(body: dict[str, Any]) -> Messages:
    from sayso.records import Message

    return tuple(Message(turn["role"], turn["content"]) for turn in body["messages"])


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("embedded", "--worlds", "tinny"), "no world 'tinny'"),
        (("embedded", "--worlds", "unfinished"), "no world 'unfinished'"),
        (("embedded", "--language", "fr"), "no world speaks 'fr'"),
        (("embedded", "--method", "imitat"), "no 'imitat' among the methods"),
        (("./nowhere",), "no model folder"),
        (("http://host/v1",), "names no model"),
        (("embedded", "--set", "learn.nob=1"), "unknown"),
        (("embedded", "--set", "strategy.epochs=6"), "means nothing"),
    ],
)
def test_what_cannot_be_asked_is_said(words: tuple[str, ...], what: str) -> None:
    told = sayso("bench", *words, "--json", code=2).json
    assert what in told["what"]
