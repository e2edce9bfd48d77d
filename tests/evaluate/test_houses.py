"""Which rules live together, what is said about them, and what is measured of a model that was taught them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny_world import TinyWorld

from sayso.evaluate.heeding import Finding, findings, report
from sayso.evaluate.houses import (
    AFTER,
    LATER,
    RULES,
    House,
    away,
    comments,
    critic,
    expected,
    houses,
    material,
    questions,
)
from sayso.evaluate.questions import Asker, drawn_rules
from sayso.houserules import ALWAYS, HouseRule
from sayso.records import Example

WORLD = TinyWorld()
DRAWN = drawn_rules({"tiny": WORLD}, 24, 0)
BUILT = houses("tiny", WORLD, DRAWN, 0)


def test_every_rule_has_one_house_whose_rules_agree() -> None:
    assert sorted(rule.id for house in BUILT for rule in house.rules) == sorted(rule.id for rule in DRAWN)
    for house in BUILT:
        everything = (*house.rules, *house.later)
        assert 1 <= len(house.rules) <= RULES
        assert len(house.later) <= LATER
        assert len({rule.family for rule in everything}) == len(everything)
        assert len({(rule.language, rule.when == ALWAYS) for rule in everything}) == 1
    assert any(len(house.rules) > 1 for house in BUILT)
    assert len({house.id for house in BUILT}) == len(BUILT)


def test_comments_are_about_what_breaks_their_rule_alone() -> None:
    house = next(house for house in BUILT if len(house.rules) > 1)
    said = comments(WORLD, house.rules, (), 3, 0)
    assert len(said) == 3 * len(house.rules)
    for one in said:
        rule = next(rule for rule in house.rules if rule.id == one.checks[0])
        assert rule.values[0][1] in one.comment
        assert not WORLD.shows(rule, one.prompt, one.attempt.text)
        for other in house.rules:
            if WORLD.scope_of(other, one.prompt) == "in":
                assert WORLD.shows(other, one.prompt, one.revision or "")
    assert comments(WORLD, house.rules, (), 3, 0) == said


def test_the_critic_speaks_to_each_answer_and_not_of_one_that_keeps_the_rule() -> None:
    world = TinyWorld()
    house = houses("tiny", world, world.rules(4, 0, "test"), 0)[0]
    says = critic(world, house.rules)
    for one in comments(world, house.rules, (), 2, 0):
        assert says(one, one.attempt.text) == one.comment
        assert says(one, one.revision or "") is None


def test_rules_that_cannot_be_kept_at_once_give_no_comment() -> None:
    rule = next(rule for rule in DRAWN if rule.family == "begin_with")
    rival = replace(rule, values=(("phrase", "other-phrase"),))
    example = WORLD.prompts(rule, "in", 1, 0)[0]
    assert expected(WORLD, (rule,), example) is not None
    assert expected(WORLD, (rule, rival), example) is None
    assert comments(WORLD, (rule,), (rival,), 2, 0) == []


class Unkeepable(TinyWorld):
    def obey(self, rule: HouseRule, example: Example) -> str:
        return "no" if rule.family == "contain" else super().obey(rule, example)


def test_a_rule_that_the_world_cannot_keep_has_no_house() -> None:
    homed = {rule for house in houses("tiny", Unkeepable(), DRAWN, 0) for rule in house.rules}
    assert homed == {rule for rule in DRAWN if rule.family != "contain"} != set(DRAWN)


def test_taught_and_unseen_prompts_are_apart() -> None:
    asker, house = Asker("tiny", WORLD, 0), BUILT[0]
    asked = list(questions(asker, house, 3, 2))
    taught = {one.prompt for one in asked if one.form == "taught"}
    assert taught >= {one.prompt for one in comments(WORLD, house.rules, (), 2, 0)}
    assert not taught & {one.prompt for one in asked if one.form != "taught"}
    assert {one.scope for one in asked} == {"in", "near"}
    assert all(WORLD.scope_of(rule, one.prompt) == "out" for one in away(asker, house, 3) for rule in house.rules)
    assert {one.split for one in material(WORLD, house)} == {"train"}


def answered(house: House, stage: str, taught: bool) -> list[Finding]:
    """A model that has, or has not, learnt the first rule of the house, and shows it on near prompts too."""
    rule = house.rules[0]
    asked = list(questions(Asker("tiny", WORLD, 0), house, 3, 2))
    replies = [
        WORLD.obey(rule, one.example) if taught and one.rule == rule else one.example.target or "" for one in asked
    ]
    found = findings({"tiny": WORLD}, list(zip(asked, replies, strict=True)), stage)
    return [replace(one, cluster=house.id) for one in found]


def test_what_is_measured_afterwards() -> None:
    found = []
    for house in BUILT:
        found += answered(house, "base", False) + answered(house, "taught", True) + answered(house, "later", False)
        drifted = answered(house, "taught", True)[0].question
        away_from = Finding(replace(drifted, scope="out", form="remark"), "", {"kl": 2.0, "tokens": 4.0}, "taught")
        found.append(replace(away_from, cluster=house.id))
    said = {one.measure: one for one in report(AFTER, found, resamples=100).overall}
    share = len(BUILT) / len(DRAWN)
    assert said["internalised"].value == pytest.approx(share)
    assert said["transfer"].value == pytest.approx(share)
    assert said["overreach"].value == pytest.approx(share)
    assert said["retention"].value == 0.0
    assert said["skill"].value == 0.0
    assert said["drift"].value == pytest.approx(0.5)
    assert said["transfer"].clusters == len(BUILT)
    assert said["transfer"].interval is not None


def test_nothing_is_to_drift_where_no_rule_of_the_house_is_about_it() -> None:
    for house in BUILT:
        for one in away(Asker("tiny", WORLD, 0), house, 3):
            assert {WORLD.scope_of(rule, one.prompt) for rule in house.rules} == {"out"}


def test_less_overreach_and_less_drift_are_better() -> None:
    assert {one.name for one in AFTER if one.better == -1} == {"overreach", "drift"}
