"""Every world with house rules keeps these promises. A new file in worlds/ is tested by being there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from functools import cache
from math import sqrt
from random import Random
from typing import Any, get_args

import pytest

from sayso import rooms
from sayso.houserules import HouseRule, Part, Scope, parted
from sayso.records import Example, Messages, Split
from sayso.surface import units

WORLDS = [name for name in rooms.names("worlds") if hasattr(rooms.find("worlds", name), "FAMILIES")]
LANGUAGES = ("en", "zh")
PARTS: tuple[Part, ...] = get_args(Part)
SCOPES: tuple[Scope, ...] = get_args(Scope)
SPLITS: tuple[Split, ...] = get_args(Split)
RULES = 150


@cache
def world(name: str) -> Any:
    return rooms.find("worlds", name)


@cache
def drawn(name: str, part: Part, seed: int = 5) -> tuple[HouseRule, ...]:
    return tuple(world(name).rules(RULES, seed, part))


@cache
def found(name: str, scope: Scope) -> tuple[tuple[HouseRule, Example], ...]:
    """A few prompts of a scope for rules of both parts."""
    rules = [rule for part in PARTS for rule in drawn(name, part)]
    return tuple((rule, example) for rule in rules for example in world(name).prompts(rule, scope, 2, 7))


def said(prompt: Messages) -> str:
    return "\n".join(message.text for message in prompt)


@pytest.mark.parametrize("name", WORLDS)
def test_the_same_seed_gives_the_same_and_another_seed_something_else(name: str) -> None:
    rule = drawn(name, "train")[0]
    for draw in (
        lambda seed: world(name).rules(20, seed, "test"),
        lambda seed: world(name).plain(20, seed),
        lambda seed: world(name).prompts(rule, "in", 5, seed),
    ):
        assert draw(1) == draw(1)
        assert draw(1) != draw(2)


@pytest.mark.parametrize("name", WORLDS)
def test_nothing_depends_on_the_machine_or_the_run(name: str) -> None:
    code = (
        f"from random import Random; from sayso.worlds import {name} as w; rules = w.rules(12, 3, 'train')\n"
        "for rule in rules:\n"
        "    (e,) = w.prompts(rule, 'in', 1, 4)\n"
        "    texts = w.texts(rule.language)\n"
        "    print(ascii((rule, e, w.obey(rule, e), texts.comment(rule, Random(rule.id), 'train'))))\n"
        "print(ascii(w.plain(12, 3)))\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1] != ""


@pytest.mark.parametrize("name", WORLDS)
def test_plain_prompts_are_different_and_in_both_languages(name: str) -> None:
    examples = world(name).plain(200, 1)
    assert len({e.id for e in examples}) == len({e.prompt for e in examples}) == 200
    assert all(e.target for e in examples)
    assert all(len(world(name).plain(20, 1, language)) == 20 for language in LANGUAGES)


@pytest.mark.parametrize("name", WORLDS)
def test_splits_share_no_prompt(name: str) -> None:
    drawn_prompts: dict[str, set[str]] = {}
    rule = drawn(name, "train")[3]
    for seed, split in enumerate(SPLITS):
        examples = world(name).plain(250, seed, split=split) + world(name).prompts(rule, "in", 25, seed, split=split)
        assert {e.split for e in examples} == {split}
        drawn_prompts[split] = {said(e.prompt) for e in examples}
    train, validation, test = drawn_prompts.values()
    assert not train & validation
    assert not train & test
    assert not validation & test


@pytest.mark.parametrize("name", WORLDS)
def test_thousands_of_different_rules(name: str) -> None:
    rules = world(name).rules(2000, 9, "train")
    assert len({rule.id for rule in rules}) == 2000
    assert Counter(rule.language for rule in rules).keys() == set(LANGUAGES)
    assert {rule.world for rule in rules} == {name}
    assert {rule.language for rule in world(name).rules(20, 9, "test", "zh")} == {"zh"}


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_held_out_is_never_trained(name: str) -> None:
    train, test = (world(name).rules(800, 11, part) for part in PARTS)
    held_out = {family.name for family in world(name).FAMILIES if family.held_out}
    assert {rule.family for rule in train} == {family.name for family in world(name).FAMILIES} - held_out
    assert {rule.novelty for rule in train} == {"nothing"}
    seen_values = {(rule.language, *pair) for rule in train for pair in rule.values}
    seen_pairs = {(rule.family, rule.when) for rule in train}
    for rule in test:
        assert rule.novelty != "nothing"
        assert (rule.novelty == "family") == (rule.family in held_out)
        if rule.novelty == "values":
            assert not any((rule.language, *pair) in seen_values for pair in rule.values), rule.id
        if rule.novelty == "pairing":
            assert (rule.family, rule.when) not in seen_pairs, rule.id


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", WORLDS)
def test_every_family_has_many_paraphrases_and_some_are_held_out(name: str, language: str) -> None:
    texts = world(name).texts(language)
    for family in world(name).FAMILIES:
        comments = texts.comments[family.name]
        assert len(set(comments)) >= 30, family.name
        assert len(parted(comments, "test")) >= 5, family.name
        assert len(set(texts.states[family.name])) >= 8, family.name
        assert all(len(texts.whens[when]) >= 4 for when in family.whens if when != "always"), family.name


@pytest.mark.parametrize("name", WORLDS)
def test_held_out_comments_are_not_said_in_training(name: str) -> None:
    shown: dict[tuple[str, str], HouseRule] = {(r.family, r.language): r for part in PARTS for r in drawn(name, part)}
    for rule in shown.values():
        texts, dice = world(name).texts(rule.language), Random(rule.id)
        train, test = ({texts.comment(rule, dice, part, 0.0) for _ in range(150)} for part in PARTS)
        assert not train & test, rule.id


@pytest.mark.parametrize("name", WORLDS)
def test_what_people_say_has_every_slot_filled(name: str) -> None:
    for part in PARTS:
        for rule in drawn(name, part):
            texts, dice = world(name).texts(rule.language), Random(rule.id)
            said = [texts.statement(rule, dice, part) for _ in range(3)]
            said += [texts.comment(rule, dice, part) for _ in range(6)]
            for text in said:
                assert not re.search(r"\{\w+\}|\[[^\[\]]*\|[^\[\]]*\]|\|\]|  ", text), text
                assert [value for _, value in rule.values if value not in text] == [], text


@pytest.mark.parametrize("name", WORLDS)
def test_obeying_shows_and_the_usual_answer_does_not(name: str) -> None:
    for rule, example in found(name, "in"):
        reply = world(name).obey(rule, example)
        assert reply.strip()
        assert reply == world(name).obey(rule, example)
        assert world(name).shows(rule, example.prompt, reply), (rule.id, example.prompt, reply)
        assert not world(name).shows(rule, example.prompt, example.target), (rule.id, example.target)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("name", WORLDS)
def test_prompts_stand_to_a_rule_as_they_were_asked_for(name: str, scope: Scope) -> None:
    for rule, example in found(name, scope):
        assert world(name).scope_of(rule, example.prompt) == scope, (rule.id, example.prompt)
        assert not world(name).shows(rule, example.prompt, example.target), (rule.id, example.prompt, example.target)


@pytest.mark.parametrize("name", WORLDS)
def test_obeying_where_a_rule_does_not_hold_does_no_harm(name: str) -> None:
    for scope in ("near", "out"):
        assert all(world(name).obey(rule, example).strip() for rule, example in found(name, scope))


@pytest.mark.parametrize("name", WORLDS)
def test_near_prompts_are_nearer_than_others(name: str) -> None:
    """By their words: of most rules, those that only seem to be meant share more with those that are."""
    nearer, further = 0.0, 0.0
    for rule in drawn(name, "train")[:60]:
        words = {scope: _words(world(name).prompts(rule, scope, 12, 3)) for scope in SCOPES}
        nearer += _alike(words["in"], words["near"])
        further += _alike(words["in"], words["out"])
    assert nearer > 1.03 * further


def _words(examples: list[Example]) -> Counter[str]:
    return Counter(unit for e in examples for unit in units(said(e.prompt).casefold()))


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """Cosine of the two counts."""
    product = sum(one[word] * other[word] for word in one)
    return product / sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values()))


@pytest.mark.parametrize("name", WORLDS)
def test_the_usual_answer_is_sound_and_another_ones_mostly_not(name: str) -> None:
    examples = world(name).plain(400, 17)
    right = [world(name).sound(e, e.target or "") for e in examples]
    assert sum(right) >= 0.99 * len(right)
    assert not any(world(name).sound(e, "") for e in examples)
    others = [world(name).sound(e, other.target or "") for e, other in zip(examples, examples[7:], strict=False)]
    assert sum(others) < 0.5 * len(others)
