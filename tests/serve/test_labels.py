"""Labels with probabilities and translations, each with an id that can be commented on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from live import Live, Parrot, house, running

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import saved

from sayso.cli.serving import house_of, served
from sayso.records import Answer, user
from sayso.serve.queue import Room
from sayso.tasks.classify import Classify
from sayso.tasks.translate import Translate

MOODS = ("glad", "sad", "不满")


def ask(live: Live, path: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{live.v1}/{path}", json=body, timeout=60)


def test_one_label_each_with_the_probability_of_all(tmp_path: Path) -> None:
    voice = Parrot()
    with running(house(voice, tmp_path, task=Classify(MOODS)), voice) as live:
        told = ask(live, "classify", input=["好", "bad"]).json()
        assert [one["labels"] for one in told["data"]] == [["glad"], ["glad"]]
        assert told["data"][0]["probabilities"] == {"glad": 0.75, "sad": 0.25, "不满": 0.0}
        logged = live.house.log.find(told["data"][0]["id"])
        assert logged is not None
        assert (logged.prompt, logged.choices[0].text, logged.choices[0].certainty) == (user("好"), "glad", 0.75)
        other = ask(live, "classify", input="x", labels=["a", "b"]).json()
        assert other["data"][0]["labels"] == ["a"]
        assert ask(live, "classify", input="x", several=True).status_code == 400
        assert ask(live, "classify", input="x", labels=["a", "a"]).status_code == 400
        assert ask(live, "classify", input="x", labels=["a | b", "c"]).status_code == 422
        assert ask(live, "classify", input=[]).status_code == 422
        assert ask(live, "classify", input="x", model="other").status_code == 404


def test_several_labels_at_once(tmp_path: Path) -> None:
    voice = Parrot()
    with running(house(voice, tmp_path, task=Classify(MOODS, several=True)), voice) as live:
        told = ask(live, "classify", input="x").json()["data"][0]
        assert told["labels"] == list(MOODS)
        assert set(told["probabilities"].values()) == {0.9}
        logged = live.house.log.find(told["id"])
        assert logged is not None
        assert logged.choices[0].certainty == 0.9


def test_of_several_labels_the_one_that_is_least_decided_tells_how_sure_it_is(tmp_path: Path) -> None:
    voice, odds = Parrot(), {"glad": 0.95, "sad": 0.4, "不满": 0.01}
    made = house(voice, tmp_path, task=Classify(MOODS, several=True))
    with running(replace(made, decide=lambda _, some: [Answer(one.id, "glad", odds) for one in some]), voice) as live:
        logged = live.house.log.find(ask(live, "classify", input="x").json()["data"][0]["id"])
        assert logged is not None
        assert logged.choices[0].certainty == 0.6


def test_translations(tmp_path: Path) -> None:
    voice = Parrot()
    with running(house(voice, tmp_path, task=Translate("en", "zh")), voice) as live:
        told = ask(live, "translate", input=["one", "two"]).json()["data"]
        assert [one["text"] for one in told] == ["zh:one", "zh:two"]
        assert told[0]["finish_reason"] == "stop"
        assert ask(live, "translate", input="one", target="de").json()["data"][0]["text"] == "de:one"
        assert ask(live, "classify", input="x").json()["error"]["param"] == "labels"
        said = ask(live, "feedback", response_id=told[1]["id"], comment="应为二", revision="二").json()
        assert live.house.store.get(said["id"]).prompt == user("two")


@pytest.mark.parametrize("kind", ["encoder", "encoder_decoder"])
def test_what_a_kind_of_model_cannot_do_is_refused(tmp_path: Path, kind: str) -> None:
    voice = Parrot(kind=kind)
    task: Any = Classify(MOODS) if kind == "encoder" else Translate("en", "zh")
    with running(house(voice, tmp_path, task=task), voice) as live:
        assert ask(live, "translate", input="one", target="de").status_code == 400
        if kind == "encoder":
            assert ask(live, "classify", input="x", labels=["a", "b"]).status_code == 400
            for path, body in (("chat/completions", {"messages": [{"role": "user", "content": "x"}]}),):
                told = ask(live, path, **body)
                assert told.status_code == 400
                assert "encoder" in told.json()["error"]["message"]
            assert ask(live, "completions", prompt="x").status_code == 400


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    from sayso.models.open import Opening, open_learner
    from sayso.recipe import ModelPart

    folder = tmp_path_factory.mktemp("encoder")
    learner = open_learner(ModelPart(name=str(saved("bert", folder / "bert"))), Opening(options=MOODS, several=True))
    (folder / "head").mkdir()
    learner.core.save(folder / "head")
    what = replace(served(str(folder / "head"), "", ""), store=str(folder / "store.db"))
    with running(house_of(what, Room()), what.voice) as live:
        yield live


def test_a_saved_head_is_served_with_its_labels(encoder: Live) -> None:
    card = httpx.get(f"{encoder.v1}/models").json()["data"][0]
    assert (card["id"], card["kind"], card["task"], card["labels"]) == ("head", "encoder", "classify", list(MOODS))
    told = ask(encoder, "classify", input="fine").json()["data"][0]
    odds = encoder.voice.weigh([user("fine")], MOODS)[0]
    assert told["probabilities"].keys() == set(MOODS)
    assert told["labels"] == [label for label, logp in zip(MOODS, odds, strict=True) if logp > -0.6931471805599453]
