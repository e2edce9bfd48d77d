"""Conversations from a phrase bank: drawn from the seed alone, true to their scene, parted by how they are said."""

from __future__ import annotations

import re
from itertools import islice
from random import Random

import pytest

from sayso.conversations import (
    Bank,
    answers,
    conversation,
    drawn_scene,
    name_of,
    read_bank,
    read_line,
    split_of,
    stream,
)

RAW = {
    "spaced": True,
    "echoed": "product product2",
    "about_orders": "broken",
    "slots": {
        "product": "cup\nlamp\nrug",
        "wearable": "hat",
        "colour": "red\nblue",
        "size": "S\nM",
        "day": "Monday\nFriday",
        "name": "Ann\nBo",
    },
    "parts": {
        "hello": "Hi,\nHello.",
        "order_note": "Order {order}.",
        "bye": "Thanks.\nBest,",
        "signature": "{name}",
        "negative": "I'm cross.",
        "positive": "I like you.",
        "aside": "No rush.",
        "ack": "Hello,",
        "sorry": "Sorry!",
        "offer": "Just ask.",
    },
    "intents": {
        "broken": {
            "mood": "negative",
            "heard": "broke",
            "says": "My {product} broke.\nIt broke.",
            "replies": "We mend it.\nWe mend the {product}.",
        },
        "when": {
            "heard": "when",
            "says": "day> When do you open?\nnight> When do you close?",
            "replies": "day> At nine.\nnight> At six on {day2}.",
        },
    },
    "typos": {"broke": "brok"},
}


@pytest.fixture(scope="module")
def bank() -> Bank:
    return read_bank("en", RAW)


def test_the_same_seed_gives_the_same_and_no_message_comes_twice(bank: Bank) -> None:
    first, again, other = (list(islice(stream({"en": bank}, seed), 60)) for seed in ("a", "a", "b"))
    assert first == again != other
    assert len({e.id for e in first}) == len({e.prompt for e in first}) == 60


def test_a_reply_answers_its_question_and_echoes_only_what_was_said(bank: Bank) -> None:
    for example in islice(stream({"en": bank}, "c"), 300):
        text, reply = example.prompt[0].text, example.target or ""
        assert ("nine" in reply) == (example.meta["topic"] == "day")
        named = re.search("cup|lamp|rug", reply)
        assert named is None or named[0] in text
        assert bool(re.search(r"\d{5}", text)) <= (example.meta["intent"] == "broken")
        assert ("cross" in text) <= (example.meta["sentiment"] == "negative")


def test_one_intent_may_be_asked_for(bank: Bank) -> None:
    assert {e.meta["intent"] for e in islice(stream({"en": bank}, "d", "en", ("when",)), 20)} == {"when"}


def test_a_scene_has_two_different_products_and_an_order_number(bank: Bank) -> None:
    scenes = [drawn_scene(bank, Random(seed)) for seed in range(30)]
    assert all(scene["product"] != scene["product2"] for scene in scenes)
    assert all(re.fullmatch(r"(MP-?|#)?\d{5}", scene["order"]) for scene in scenes)
    assert conversation(bank, (), Random("e")) == conversation(bank, (), Random("e"))


def test_a_split_depends_on_how_a_thing_is_said() -> None:
    shares = [split_of(f"way {i}") for i in range(2000)]
    assert split_of("My {product} broke.") == split_of("my {product} BROKE.")
    assert pytest.approx(
        {split: shares.count(split) / 2000 for split in ("train", "validation", "test")}, abs=0.03
    ) == {"train": 0.8, "validation": 0.1, "test": 0.1}
    assert name_of("a") != name_of("b")


def test_a_topic_stands_before_its_template(bank: Bank) -> None:
    assert (read_line("day> At nine.").topic, read_line("At nine.").topic) == ("day", "")
    texts = [line.text for line in answers(bank.intents["broken"], read_line("It broke."), bank)]
    assert texts == ["We mend it."]
