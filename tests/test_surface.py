"""The surface of a text: script, repetition, copying, in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.surface import copied_share, copies, is_chinese, repeated_ngrams, repeats, repetition, same, units


@pytest.mark.parametrize("text", ["房间很小", "这台 iPhone 不错", "我用 Python 写代码，很开心", "一般"])
def test_chinese(text):
    assert is_chinese(text)


@pytest.mark.parametrize("text", ["", "a small room", "The word 好 means good", "これは本です", "42!", "Привет, мир"])
def test_not_chinese(text):
    assert not is_chinese(text)


def test_units_are_words_or_characters():
    assert units("The cat sat.") == ["The", "cat", "sat."]
    assert units("我爱 Python 语言。") == ["我", "爱", "Python", "语", "言", "。"]


def test_repeated_ngrams_are_counted_after_their_first_time():
    assert repeated_ngrams("a b c d a b c d") == (1, 5)
    assert repeated_ngrams("我我我我我我") == (2, 3)
    assert repetition("three little words") == 0


def test_repeats_in_both_languages():
    assert repeats("I like it I like it I like it I like it")
    assert repeats("很好很好很好很好很好")
    assert not repeats("The hotel was clean and the staff were kind.")
    assert not repeats("酒店很干净，服务员也很热情。")


def test_a_copy_with_other_punctuation_is_a_copy():
    assert copies("Good morning, everyone!", "good morning everyone")
    assert copies("大家早上好，请坐！", "大家早上好请坐")
    assert not copies("大家早上好", "Good morning")
    assert not copies("a very long source sentence indeed", "a very")
    assert copied_share("早", "早。") == 1
    assert not copies("", "")


def test_same_ignores_spacing_and_width():
    assert same("Ａ cat\n", "A  cat")
    assert not same("a cat", "A cat")


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_shares_stay_within_bounds(one, other):
    assert 0 <= repetition(one) < 1
    assert 0 <= copied_share(one, other) <= 1
