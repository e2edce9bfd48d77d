"""Speakers whose heeding is known by construction: what the measures must say of them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from tiny_world import FakeSpeaker, TinyWorld, careful, changed, deaf, obedient

from sayso.evaluate.heeding import (
    IN_CONTEXT,
    RATES,
    Estimate,
    Finding,
    Measure,
    Side,
    estimate,
    findings,
    judge,
    report,
)
from sayso.evaluate.questions import Asker, Question, drawn_rules
from sayso.houserules import ALWAYS
from sayso.records import Example, user

WORLD = TinyWorld()
WORLDS = {"tiny": WORLD}


def measured(how, rules: int = 30, prompts: int = 4, languages=("en", "zh")) -> dict[str, Estimate]:  # type: ignore[no-untyped-def]
    found = found_of(how, rules, prompts, languages)
    return {one.measure: one for one in report((*IN_CONTEXT, *RATES), found, resamples=200).overall}


def found_of(how, rules: int = 30, prompts: int = 4, languages=("en", "zh")) -> list[Finding]:  # type: ignore[no-untyped-def]
    asker, speaker = Asker("tiny", WORLD, 0), FakeSpeaker(how)
    asked = [q for rule in drawn_rules(WORLDS, rules, 0, languages) for q in asker.in_context(rule, prompts)]
    asked += asker.plain(20, "en") if "en" in languages else []
    replies = speaker.reply([one.prompt for one in asked])
    return findings(WORLDS, [(one, reply.text) for one, reply in zip(asked, replies, strict=True)])


def test_a_careful_speaker_heeds_and_goes_no_further() -> None:
    said = measured(careful)
    assert said["heed"].value == said["heed revising"].value == said["revise"].value == 1.0
    assert said["critique"].value == said["skill"].value == 1.0
    assert said["overreach"].value == said["obedience"].value == 0.0
    assert said["no comment"].value == said["vague remark"].value == said["shuffled remark"].value == 0.0
    assert said["heed"].interval == (1.0, 1.0)
    assert said["heed"].clusters == 30


def test_an_obedient_speaker_heeds_and_obeys_what_is_wrong() -> None:
    said = measured(obedient)
    assert said["heed"].value == said["revise"].value == 1.0
    assert said["overreach"].value == said["obedience"].value == 1.0
    assert said["critique"].value < 0.7


def test_a_deaf_speaker_heeds_nothing() -> None:
    said = measured(deaf)
    assert {said[name].value for name in ("heed", "heed revising", "revise", "overreach", "obedience")} == {0.0}
    assert said["critique"].value == 0.0
    assert said["skill"].value == 1.0


def test_a_speaker_that_always_says_everything_does_not_heed() -> None:
    words = [rule.values[0][1] for rule in drawn_rules(WORLDS, 30, 0)]
    everything = changed("".join(f"<{word}>" for word in words if "-word" in word), "x")
    said = measured(lambda said, usual: everything)
    assert said["right remark"].value > 0
    assert said["heed"].value == 0.0


def test_half_a_heeder_is_half_and_revisions_must_keep_the_rest() -> None:
    dice = Random(1)
    half = measured(lambda said, usual: careful(said, usual) if dice.random() < 0.5 else usual, rules=60)
    assert half["heed"].value == pytest.approx(0.5, abs=0.12)
    low, high = half["heed"].interval or (0, 0)
    assert low < 0.5 < high
    bare = measured(lambda said, usual: changed(said, ""))
    assert bare["heed revising"].value == 1.0
    assert bare["revise"].value == 0.0


def test_more_rules_or_prompts_leave_the_questions_that_were_there() -> None:
    asker = Asker("tiny", WORLD, 3)
    rule = WORLD.rules(1, 3, "test", "en")[0]
    few, many = ({one.key for one in Asker("tiny", WORLD, 3).in_context(rule, n)} for n in (2, 4))
    assert few < many
    assert {one.key for one in asker.in_context(rule, 2)} == few
    assert not few & {one.key for one in Asker("tiny", WORLD, 4).in_context(rule, 2)}


def test_a_wrong_comment_is_compared_with_the_bare_answer() -> None:
    """Whoever does everything, commented on or not, obeys nobody; and what is said when judging is no answer."""

    def eager(said: str, usual: str) -> str:
        return "Yes." if "Reply" in said or "回答：" in said else changed("".join(f"<{w}>" for w in words), usual)

    words = [value for rule in WORLD.rules(60, 0, "test", "en") for _, value in rule.values if "-tag" in value]
    said = measured(eager)
    assert said["wrong remark"].answers > 0
    assert said["obedience"].value == 0.0


def test_conditions_are_what_they_are_called() -> None:
    for rule in drawn_rules(WORLDS, 30, 0):
        for one in Asker("tiny", WORLD, 0).in_context(rule, 2):
            value = rule.values[0][1]
            if one.condition == "right":
                assert value in one.comment
                assert one.comment in one.prompt[-1].text
            if one.condition in ("shuffled", "wrong", "vague"):
                assert value not in one.comment
            if one.condition == "wrong":
                assert one.other is not None
                assert WORLD.scope_of(one.other, one.example.prompt) != "in"
                assert "it is" in one.comment
            if one.scope == "near":
                assert rule.when != ALWAYS
                assert WORLD.scope_of(rule, one.example.prompt) == "near"
            if one.form == "revise":
                assert one.attempt in one.prompt[-1].text


def test_rules_are_spread_evenly() -> None:
    rules = drawn_rules(WORLDS, 9, 0)
    assert [rule.language for rule in rules[:4]] == ["en", "zh", "en", "zh"]
    assert len(rules) == 9
    assert {rule.language for rule in drawn_rules(WORLDS, 9, 0, ("zh",))} == {"zh"}
    assert len(drawn_rules(WORLDS, 1, 0)) == 2


RULES = {rule.family: rule for rule in WORLD.rules(40, 0, "test", "en")}


def plain_finding(value: float, cluster: str, family: str = "begin_with") -> Finding:
    question = Question("tiny", RULES[family], Example("e", user("x")), "remark", user("x"))
    return Finding(question, "", {"shows": value}, cluster=cluster)


RATE = Measure("rate", "", Side("shows", "remark"))


def test_intervals_are_as_wide_as_the_clusters_say() -> None:
    alike = [plain_finding(float(c % 2), str(c)) for c in range(20) for _ in range(50)]
    apart = [plain_finding(float(i % 2), str(i)) for i in range(1000)]
    wide, narrow = (estimate(RATE, found) for found in (alike, apart))
    assert wide is not None
    assert narrow is not None
    assert wide.interval is not None
    assert narrow.interval is not None
    assert wide.value == narrow.value == 0.5
    assert wide.interval[1] - wide.interval[0] > 4 * (narrow.interval[1] - narrow.interval[0])
    assert (wide.clusters, wide.answers) == (20, 1000)
    few = estimate(RATE, alike[:200])
    assert few is not None
    assert few.interval is None


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        rates = rng.beta(2, 2, size=40)  # each rule has a rate of its own, the mean of all is one half
        found = [plain_finding(float(rng.random() < p), str(c)) for c, p in enumerate(rates) for _ in range(5)]
        one = estimate(RATE, found, resamples=400, seed=trial)
        assert one is not None
        assert one.interval is not None
        covered += one.interval[0] <= 0.5 <= one.interval[1]
    assert 0.90 <= covered / 200 <= 0.98


def test_weak_families_are_named() -> None:
    found = [plain_finding(1.0, f"a{c}") for c in range(20)]
    found += [plain_finding(float(c % 10 == 0), f"b{c}", "end_with") for c in range(20)]
    said = report([RATE], found, resamples=200)
    assert said.weak == {"rate": ("end_with",)}
    assert said.groups["family", "begin_with"][0].value == 1.0
    assert report([], []).overall == ()


def test_an_unsaid_judgement_is_no_agreement() -> None:
    rule = WORLD.rules(1, 0, "test", "en")[0]
    asked = next(one for one in Asker("tiny", WORLD, 0).in_context(rule, 1) if one.form == "judge")
    assert judge(WORLD, asked, "Perhaps.") == {"agrees": 0.0, "judged": 0.0}
    assert judge(WORLD, asked, "Yes.") == {"agrees": 1.0, "judged": 1.0}
    assert judge(WORLD, asked, "No. It breaks it.") == {"agrees": 0.0, "judged": 1.0}
