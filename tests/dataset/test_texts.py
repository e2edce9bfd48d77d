from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.dataset.texts import fold, has_controls, language, replaced, tidy, undo_mojibake, visible

CHINESE = [
    "你好，世界。",
    "这家酒店的服务非常好",
    "锦瑟无端五十弦，一弦一柱思华年",
    "联通",
    "烫",
    "“引号”和——破折号……",
]
WESTERN = ["naïve café", "São João à noite", "Grüße aus Köln – “schön”", "€100 – 200", "ça va, élève"]


@pytest.mark.parametrize("text", CHINESE)
def test_misread_chinese_is_put_right(text: str) -> None:
    assert undo_mojibake(text.encode().decode("latin-1")) == text
    try:
        misread = text.encode().decode("gbk")
    except UnicodeDecodeError:
        return  # such text cannot be misread without loss
    if len(text) > 1:
        assert undo_mojibake(misread) == text


@pytest.mark.parametrize("text", ["naïve café", "“quoted”", "it’s", "Grüße"])
def test_misread_western_text_is_put_right(text: str) -> None:
    assert undo_mojibake(text.encode().decode("cp1252", "strict") if "”" not in text else "â€œquotedâ€\x9d") == text


@pytest.mark.parametrize("text", [*CHINESE, *WESTERN, "", "plain", "日本語のテキスト", "한국어", "Привет", "🙂👩‍👩‍👧"])
def test_genuine_text_is_left_alone(text: str) -> None:
    assert undo_mojibake(text) == text
    assert tidy(text) == text


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=30))
def test_no_chinese_characters_look_misread(text: str) -> None:
    assert undo_mojibake(text.encode("gb2312", "ignore").decode("gb2312")) == text.encode("gb2312", "ignore").decode(
        "gb2312"
    )


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60))
def test_tidying_twice_is_tidying_once(text: str) -> None:
    assert not has_controls(tidy(text))
    assert fold(fold(text)) == fold(text)


def test_tidy() -> None:
    assert tidy("\ufeff 你\u200b好 \t 世界 \r\n 再见\x00 ") == "你好 世界\n再见"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今天天气很好", "zh"),
        ("A good day", "en"),
        ("我用 iPhone 拍照片发朋友圈，然后去吃饭", "zh"),
        ("Tatoeba 是 a corpus of 句子 and words", "mixed"),
        ("これは日本語です", "other"),
        ("Привет, мир", "other"),
        ("12345 !!!", "other"),
        ("Ein schöner Tag", "en"),
        ("", "other"),
    ],
)
def test_language_by_script(text: str, expected: str) -> None:
    assert language(text) == expected


def test_lost_and_invisible_characters() -> None:
    assert replaced("好\ufffd")
    assert replaced("锟斤拷锟斤拷")
    assert not replaced("好")
    assert has_controls("a\x00b")
    assert has_controls("a\u202eb")
    assert not has_controls("a\tb\r\nc")
    assert visible("好")
    assert visible("!")
    assert not visible(" \u200b\x00 ")


def test_fold_sees_through_width_and_case() -> None:
    assert fold("ＧＯＯＤ　Day") == fold("good day ")
    assert fold("好") != fold("坏")
