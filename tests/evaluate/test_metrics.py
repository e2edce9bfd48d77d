"""Evaluation as a whole: what is scored for which task, in which order, on which items."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from sayso.errors import DataError
from sayso.evaluate.metrics import Evaluation, evaluate, paired
from sayso.records import Answer, Example, Why, from_json, to_json, user
from sayso.tasks.classify import Classify
from sayso.tasks.generate import Generate
from sayso.tasks.text import Text
from sayso.tasks.translate import Translate

MOOD = Classify(("差评", "好评"))


def moods(*golds: str | None) -> list[Example]:
    return [Example(f"i{k}", user("房间"), gold) for k, gold in enumerate(golds)]


def said(*texts: str) -> list[Answer]:
    return [Answer(f"i{k}", text) for k, text in enumerate(texts)]


def test_classification_has_scores_reasons_a_table_and_a_matrix():
    found = evaluate(MOOD, moods("好评", "差评", "好评"), said("好评", "好评", "好评"), resamples=200)
    assert found.scores[0].unit == "accuracy"
    assert found.value("accuracy") == pytest.approx(2 / 3)
    low, high = found.scores[0].interval or (1, 0)
    assert 0 <= low < 2 / 3 < high <= 1
    assert [score.why for score in found.per_item] == [Why.RIGHT, Why.WRONG_LABEL, Why.RIGHT]
    assert found.confusion is not None
    assert found.confusion.counts == ((0, 1), (0, 2))
    assert found.calibration is None


def test_probabilities_bring_calibration():
    answers = [Answer("i0", "好评", {"差评": 0.2, "好评": 0.8}), Answer("i1", "差评", {"差评": 1.0, "好评": 0.0})]
    found = evaluate(MOOD, moods("好评", "好评"), answers, resamples=0)
    assert found.calibration is not None
    assert found.value("ece") == found.calibration.ece == pytest.approx((0.2 + 1.0) / 2)


def test_the_order_of_answers_does_not_matter_and_the_tasks_own_metric_comes_first():
    task = Classify(MOOD.options, metric="f1_macro")
    examples, answers = moods("好评", "差评"), said("好评", "好评")
    assert evaluate(task, examples, answers[::-1], 100) == evaluate(task, examples, answers, 100)
    assert evaluate(task, examples, answers, 0).scores[0].unit == "f1_macro"


def test_items_without_a_right_answer_are_not_counted():
    found = evaluate(MOOD, moods("好评", None), said("好评", "好评"), resamples=0)
    assert (found.n, found.value("accuracy")) == (1, 1.0)
    assert found.per_item[1].why is Why.NOT_JUDGED
    nothing = evaluate(MOOD, moods(None), said("好评"))
    assert (nothing.n, nothing.scores, nothing.confusion) == (0, (), None)
    assert evaluate(MOOD, [], []).scores == ()


def test_translation_has_text_scores_and_a_signature():
    found = evaluate(Translate("en", "zh"), moods("早上好。", "再见。"), said("早上好。", "再会。"), resamples=100)
    assert found.scores[0].unit == "chrf"
    assert {"bleu", "chrf", "exact_match", "length_ratio", "copy_rate", "ended"} <= {s.unit for s in found.scores}
    assert "tok:zh" in found.signature
    assert found.value("exact_match") == 0.5


def test_generation_without_gold_is_still_looked_at():
    found = evaluate(Generate(), moods(None, None), said("你好，很高兴见到你", ""), resamples=0)
    assert {score.unit for score in found.scores} == {"repetition_rate", "copy_rate", "empty_rate", "ended"}
    assert found.value("empty_rate") == 0.5


def test_plain_text_is_scored_by_its_log_likelihood_per_token():
    answers = [Answer("i0", "", {"per_token": 0.5}, tokens=30), Answer("i1", "", {"per_token": 0.125}, tokens=10)]
    found = evaluate(Text(), moods("从前有座山", "山里有座庙"), answers, resamples=100)
    expected = (30 * math.log(0.5) + 10 * math.log(0.125)) / 40
    assert found.value("log_likelihood") == pytest.approx(expected)
    assert found.scores[0].detail == f"perplexity {math.exp(-expected):.4g}"
    assert (found.scores[0].interval or (0, 0))[0] < expected


def test_an_evaluation_survives_json():
    answers = [Answer("i0", "好评", {"差评": 0.2, "好评": 0.8}), Answer("i1", "不知道", {"差评": 0.6, "好评": 0.4})]
    found = evaluate(MOOD, moods("好评", "好评"), answers, resamples=100)
    assert from_json(Evaluation, json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.parametrize(
    ("examples", "answers"),
    [
        (moods("好评", "差评"), said("好评")),
        (moods("好评"), said("好评", "差评")),
        (moods("好评"), [Answer("other", "好评")]),
        (moods("好评", "差评"), [Answer("i0", "好评"), Answer("i0", "好评")]),
        (moods("好评") * 2, said("好评") * 2),
    ],
)
def test_answers_to_other_items_are_refused(examples, answers):
    with pytest.raises(DataError, match="do not belong together"):
        paired(examples, answers)


def test_evaluating_loads_no_torch():
    code = (
        "import sys\n"
        "import sayso.evaluate.answers, sayso.evaluate.baseline, sayso.evaluate.cases, sayso.evaluate.compare\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
