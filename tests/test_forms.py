"""Forms of a text: each maker's text passes its own test, keeps the words, and nothing else passes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso import forms

REPLY, REPLY_ZH = "Yes, we do. All colours are here! Sizes?", "有的。颜色都齐！尺码呢？"
words = st.text(min_size=1, max_size=20).filter(lambda text: text.strip() == text and text.isprintable())


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (REPLY, ["Yes, we do.", "All colours are here!", "Sizes?"]),
        (REPLY_ZH, ["有的。", "颜色都齐！", "尺码呢？"]),
        ("好的。MP-20417这单", ["好的。", "MP-20417这单"]),
        ("Write to hi@leaf.example or call 0800.55.", ["Write to hi@leaf.example or call 0800.55."]),
        ('He said "now!" And left', ['He said "now!"', "And left"]),
        ("one\n\ntwo ...", ["one", "two ..."]),
        (" ?! 。", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert forms.sentences(text) == parts


@pytest.mark.parametrize(
    ("phrase", "text", "spaced", "whole"),
    [
        ("Ahoy", "We do.", True, "Ahoy, we do."),
        ("Ahoy,", "I do.", True, "Ahoy, I do."),
        ("Ahoy!", "We do.", True, "Ahoy! We do."),
        ("Ahoy", "MP-3 is here.", True, "Ahoy, MP-3 is here."),
        ("你好", "有的。", False, "你好，有的。"),
        ("来啦！", "有的。", False, "来啦！有的。"),
    ],
)
def test_what_stands_first_joins_on(phrase: str, text: str, spaced: bool, whole: str) -> None:
    assert forms.begun(phrase, text, spaced) == whole


@given(words, st.booleans())
def test_what_stands_first_and_last_is_never_changed(phrase: str, spaced: bool) -> None:
    text = REPLY if spaced else REPLY_ZH
    assert forms.begun(phrase, text, spaced).startswith(phrase)
    assert forms.ended(text, phrase, spaced).endswith(phrase)
    assert forms.is_signed(forms.signed(text, phrase, spaced), phrase)
    assert not forms.is_signed(f"{text} {phrase} and so on", phrase + "§")


@pytest.mark.parametrize("text", [REPLY, REPLY_ZH])
def test_lists_json_and_one_sentence_keep_the_words(text: str) -> None:
    assert forms.is_listed(forms.listed(text))
    assert len(forms.listed(text).splitlines()) == 3
    assert forms.bare(forms.listed(text)) == forms.bare(text)
    assert forms.json_value(forms.in_json(text, "回复"), "回复") == text
    whole = forms.in_one_sentence(forms.sentences(text), spaced=text is REPLY)
    assert len(forms.sentences(whole)) == 1
    assert forms.bare(whole.replace("，", " ")) == forms.bare(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- one. two.",
        "- one\ntwo",
        "one",
        '["a"]',
        "{}",
        '{"a": "b", "c": "d"}',
        '{"a": " "}',
        '{"a": 1}',
        "{" * 9999,
    ],
)
def test_what_has_not_the_form_does_not_pass(text: str) -> None:
    assert not forms.is_listed(text)
    assert forms.json_value(text) is None


def test_a_json_object_has_the_key_that_was_asked_for() -> None:
    assert forms.json_value(json.dumps({"a": "b"}), "c") is None
    assert forms.json_value(json.dumps({"a": "b"})) == "b"


@pytest.mark.parametrize(
    ("mark", "marked"),
    [
        ("**", "the **cup**"),
        ("_", "the _cup_"),
        ("「」", "the 「cup」"),
        ('""', 'the "cup"'),
        ("<b> </b>", "the <b>cup</b>"),
    ],
)
def test_marks(mark: str, marked: str) -> None:
    assert forms.marked("the cup", "Cup", mark) == marked
    assert forms.is_marked(marked, "cup", mark)
    assert not forms.is_marked(marked + " or cup", "cup", mark)
    assert not forms.is_marked("nothing", "cup", mark)
