"""Free text: sacreBLEU's own figures, its tokenizers, and what goes wrong with answers."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.evaluate import texts
from sayso.records import Answer, Example, user
from sayso.tasks.translate import Translate

words = st.lists(st.sampled_from(["the", "cat", "sat", "on", "猫", "坐", "垫子", "，", "."]), max_size=12).map(
    " ".join
)


def figures(hypotheses, references, language=""):
    answers = [Answer(str(i), text) for i, text in enumerate(hypotheses)]
    found = texts.scored(answers, references, language)
    return {tally.unit: tally.value for tally in found.tallies}, found.signature


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=8), st.sampled_from(["en", "zh"]))
def test_bleu_and_chrf_are_sacrebleus(rows, language):
    hypotheses, references = [h for h, _ in rows], [r for _, r in rows]
    found, _ = figures(hypotheses, references, language)
    tokenizer = {"en": "13a", "zh": "zh"}[language]
    bleu = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=tokenizer, force=True)
    assert found["bleu"] == pytest.approx(bleu.score, abs=1e-9)
    assert found["chrf"] == pytest.approx(sacrebleu.corpus_chrf(hypotheses, [references]).score, abs=1e-9)
    if bleu.ref_len:
        assert found["length_ratio"] == pytest.approx(bleu.sys_len / bleu.ref_len)


def test_sums_of_many_resamples_are_scored_at_once():
    sums = np.array([[[10, 11, 8, 5, 3, 1, 10, 9, 8, 7], [10, 9, 8, 0, 0, 0, 10, 9, 8, 7]]], dtype=float)
    found = texts.bleu_of_sums(sums)
    for row, value in zip(sums[0], found[0], strict=True):
        slow = sacrebleu.BLEU.compute_bleu(row[2:6].tolist(), row[6:].tolist(), int(row[0]), int(row[1]), "exp")
        assert value == pytest.approx(slow.score)


def test_chinese_is_cut_by_character_and_13a_would_say_something_else():
    hypothesis, reference = ["我非常喜欢这部电影。"], ["我很喜欢这部电影。"]
    chinese, signature = figures(hypothesis, reference, "zh-CN")
    english, _ = figures(hypothesis, reference, "en")
    assert chinese["bleu"] > 50 > english["bleu"]
    assert "tok:zh" in signature
    assert signature.startswith("BLEU|nrefs:1")
    assert "chrF2|nrefs:1" in signature


@pytest.mark.parametrize(
    ("language", "references", "tokenizer"),
    [
        ("zh_TW", [], "zh"),
        ("", ["猫坐在垫子上。", "OK"], "13a"),
        ("", ["猫坐在垫子上。", "早上好", "OK"], "zh"),
        ("de", ["猫坐在垫子上。"], "13a"),
        ("", ["The cat.", "A dog."], "13a"),
        ("", [], "13a"),
    ],
)
def test_the_tokenizer_follows_the_target_language_or_the_references(language, references, tokenizer):
    assert texts.tokenizer_for(language, references) == tokenizer


def test_japanese_and_korean_use_mecab_where_it_is(monkeypatch):
    monkeypatch.setattr(texts, "_installed", lambda *modules: True)
    assert texts.tokenizer_for("ja") == "ja-mecab"
    assert texts.tokenizer_for("", ["안녕하세요"]) == "ko-mecab"
    monkeypatch.setattr(texts, "_installed", lambda *modules: False)
    assert texts.tokenizer_for("", ["これは本です"]) == "char"
    assert texts.tokenizer_for("ko") == "13a"


def test_what_can_be_seen_without_a_reference():
    task = Translate("zh", "en")
    examples = [
        Example(str(i), user(source), "x y z") for i, source in enumerate(["早上好", "再见", "谢谢你", "好的"])
    ]
    answers = [
        Answer("0", "早上好"),
        Answer("1", ""),
        Answer("2", "a b c d a b c d", ended=False),
        Answer("3", "fine, thank you very much"),
    ]
    graded = [task.grade(example, answer) for example, answer in zip(examples, answers, strict=True)]
    found = {tally.unit: tally.value for tally in texts.seen(answers, graded)}
    assert found == {"repetition_rate": pytest.approx(1 / 7), "copy_rate": 0.25, "empty_rate": 0.25, "ended": 0.75}


def test_repetition_is_counted_in_characters_in_chinese():
    answers = [Answer("0", "很好很好很好很好")]
    examples = [Example("0", user("very good"), "很好")]
    graded = [Translate("en", "zh").grade(examples[0], answers[0])]
    assert texts.seen(answers, graded)[0].value == pytest.approx(3 / 5)
