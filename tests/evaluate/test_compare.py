"""Comparison: when it says better, when worse, and when it must not say either."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import DataError
from sayso.evaluate.compare import compare, figure
from sayso.records import Answer, Example, user
from sayso.tasks.classify import Classify
from sayso.tasks.text import Text
from sayso.tasks.translate import Translate

MOOD = Classify(("差评", "好评"))
STAGES = ("base", "train")


def examples_of(count: int) -> list[Example]:
    return [Example(str(i), user("房间"), MOOD.options[i % 2]) for i in range(count)]


def answers_of(right: list[bool]) -> list[Answer]:
    return [Answer(str(i), MOOD.options[(i + (not ok)) % 2]) for i, ok in enumerate(right)]


def accuracy(before: list[bool], after: list[bool], **options):
    examples = examples_of(len(before))
    found = compare(MOOD, examples, answers_of(before), answers_of(after), stages=STAGES, split="test", **options)
    return found[0]


def test_a_clear_gain_is_better_and_turned_round_it_is_worse():
    low, high = [i % 5 < 3 for i in range(200)], [i % 5 < 4 for i in range(200)]
    gain = accuracy(low, high)
    assert (gain.unit, gain.verdict, gain.n) == ("accuracy", "better", 200)
    assert gain.difference == pytest.approx(0.2)
    assert accuracy(high, low).verdict == "worse"


def test_the_words_hold_the_figures_and_how_many():
    words = accuracy([i % 5 < 3 for i in range(200)], [i % 5 < 4 for i in range(200)]).words
    assert words.startswith("accuracy on 200 items: 60.0 % (base), 80.0 % (train); difference +20.0 points")
    assert words.endswith(": better.")


def test_a_few_items_that_all_improved_prove_nothing():
    found = accuracy([False] * 4, [True] * 4)
    assert found.interval == (1.0, 1.0)
    assert found.verdict == "cannot tell"
    assert "too few answers differ" in found.words
    assert accuracy([False] * 12, [True] * 12).verdict == "better"


def test_noise_is_not_called_a_change():
    rng = random.Random(1)
    found = accuracy([rng.random() < 0.7 for _ in range(100)], [rng.random() < 0.7 for _ in range(100)])
    assert found.verdict == "cannot tell"
    assert "chance" in found.words


def test_of_many_comparisons_without_a_difference_about_one_in_twenty_is_called_one():
    rng = random.Random(5)
    called = 0
    for seed in range(200):
        sides = [[rng.random() < 0.6 for _ in range(80)] for _ in range(2)]
        called += accuracy(*sides, resamples=300, seed=seed).verdict != "cannot tell"
    assert called <= 18


@settings(deadline=None, max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_identical_answers_cannot_be_told_apart(right):
    found = accuracy(right, right, resamples=100)
    assert (found.verdict, found.difference, found.interval) == ("cannot tell", 0.0, (0.0, 0.0))
    assert "level" in found.words


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40), st.integers(0, 3))
def test_the_verdict_is_antisymmetric_for_every_metric(pairs, seed):
    before, after = answers_of([b for b, _ in pairs]), answers_of([a for _, a in pairs])
    examples, options = examples_of(len(pairs)), {"stages": STAGES, "split": "test", "resamples": 100, "seed": seed}
    turned = {"better": "worse", "worse": "better", "cannot tell": "cannot tell"}
    there = compare(MOOD, examples, before, after, **options)
    back = compare(MOOD, examples, after, before, **options)
    for one, other in zip(there, back, strict=True):
        assert turned[one.verdict] == other.verdict
        assert one.interval[0] <= one.difference <= one.interval[1]
        assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))


def test_the_same_seed_says_the_same_and_another_nearly_so():
    before, after = [i % 5 < 3 for i in range(100)], [i % 4 < 3 for i in range(100)]
    assert accuracy(before, after, seed=1) == accuracy(before, after, seed=1)
    assert accuracy(before, after, seed=2).interval == pytest.approx(
        accuracy(before, after, seed=1).interval, abs=0.03
    )


def test_a_smaller_calibration_error_is_better():
    examples = examples_of(100)
    right = [i % 10 < 7 for i in range(100)]

    def sure(p: float) -> list[Answer]:
        plain = answers_of(right)
        return [
            Answer(a.item, a.text, {label: p if label == a.text else 1 - p for label in MOOD.options}) for a in plain
        ]

    found = {
        c.unit: c for c in compare(MOOD, examples, sure(0.99), sure(0.7), stages=STAGES, split="test", resamples=500)
    }
    assert found["ece"].difference < 0
    assert found["ece"].verdict == "better"
    assert found["accuracy"].verdict == "cannot tell"


def test_translation_is_compared_by_bleu_and_chrf_from_sums():
    source = ["我喜欢猫", "他在跑步", "天气很好", "我们去学校", "她在看书"] * 6
    gold = [
        "I like cats a lot",
        "He is running fast",
        "The weather is very good",
        "We go to school",
        "She reads books",
    ] * 6
    task = Translate("zh", "en")
    examples = [Example(str(i), user(s), g) for i, (s, g) in enumerate(zip(source, gold, strict=True))]
    poor = [Answer(str(i), "It is " + g.split()[-1]) for i, g in enumerate(gold)]
    good = [Answer(str(i), g if i % 3 else "I like " + g.split()[0]) for i, g in enumerate(gold)]
    found = {c.unit: c for c in compare(task, examples, poor, good, stages=STAGES, split="test", resamples=300)}
    assert found["chrf"].verdict == found["bleu"].verdict == "better"
    assert "length_ratio" not in found


def test_other_items_are_refused_and_nothing_judged_is_nothing_compared():
    with pytest.raises(DataError, match="do not belong together"):
        compare(MOOD, examples_of(2), answers_of([True]), answers_of([True, True]), stages=STAGES, split="test")
    blind = [Example("0", user("x"))]
    assert compare(MOOD, blind, [Answer("0", "好评")], [Answer("0", "差评")], stages=STAGES, split="test") == []


def test_models_that_were_judged_on_different_items_are_not_compared():
    examples = [Example(str(i), (), "从前") for i in range(2)]
    both = [Answer(str(i), "", {"per_token": 0.5}, tokens=2) for i in range(2)]
    with pytest.raises(DataError, match="different items"):
        compare(Text(), examples, both, [both[0], Answer("1", "")], stages=STAGES, split="test")


def test_figures_are_written_as_people_write_them():
    assert figure("accuracy", 0.8732) == "87.3 %"
    assert figure("bleu", 27.66) == "27.7"
    assert figure("log_likelihood", 0.0512, signed=True) == "+0.051"
    assert figure("f1_macro", -0.031, signed=True) == "-3.1 points"
