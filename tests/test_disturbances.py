"""Each disturbance changes what it says and nothing else, the same way every time."""

from __future__ import annotations

import pytest

from sayso.disturbances import KINDS, disturbed

EN = "I don't like this movie, but the phone is very good."
ZH = "房间非常好，但是前台在做登记的时候有点慢。"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"script"}))
@pytest.mark.parametrize("text", [EN, ZH])
def test_the_same_text_is_always_disturbed_in_the_same_way(kind: str, text: str) -> None:
    assert disturbed(kind, text, 3) == disturbed(kind, text, 3)
    assert disturbed(kind, "") == ""


def test_a_typo_keeps_the_letters() -> None:
    typed = disturbed("typos", EN)
    assert typed != EN
    assert sorted(typed) == sorted(EN)
    assert len(typed.split()) == len(EN.split())
    assert sum(a != b for a, b in zip(typed, EN, strict=True)) == 2


def test_a_slip_takes_one_character_for_another() -> None:
    typed = disturbed("typos", ZH)
    assert len(typed) == len(ZH)
    assert 1 <= sum(a != b for a, b in zip(typed, ZH, strict=True)) <= 2
    assert sorted(disturbed("typos", "苹果香蕉")) == sorted("苹果香蕉")


def test_case_and_back() -> None:
    assert disturbed("case", EN) == EN.upper()
    assert disturbed("case", EN.upper()) == EN.lower()
    assert disturbed("case", ZH) == ZH


def test_punctuation_goes_and_words_stay_apart() -> None:
    assert disturbed("punctuation", "Good,bad; it's fine.") == "Good bad its fine"
    assert disturbed("punctuation", ZH) == "房间非常好但是前台在做登记的时候有点慢"


def test_width_goes_both_ways() -> None:
    assert disturbed("width", "ok 12!") == "ｏｋ　１２！"
    assert disturbed("width", "很好，３颗星。") == "很好,3颗星."


def test_words_for_words_that_mean_the_same() -> None:
    assert disturbed("rephrased", "Movie: I don't want to.") == "Film: I do not would like to."
    assert disturbed("rephrased", ZH) == "客房十分好，不过总台在做登记的时间有点慢。"


def test_script() -> None:
    pytest.importorskip("opencc")
    assert disturbed("script", "这个软件很好") == "這個軟件很好"
    assert disturbed("script", "這個軟件很好") == "这个软件很好"
    assert disturbed("script", EN) == EN
