"""Both languages say everything, in the same places, and the reader gets theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sayso.serve.inbox import words
from sayso.serve.inbox.words import Words, preferred
from sayso.surface import is_chinese

HERE = Path(words.__file__).parent
NOT_TRANSLATED = {"brand", "unknown_sure", "on_words"}


def table(language: str) -> dict[str, object]:
    return dict(yaml.safe_load((HERE / f"words_{language}.yaml").read_text(encoding="utf-8")))


def wordings(found: object) -> list[str]:
    return list(found.values()) if isinstance(found, dict) else [found]  # type: ignore[list-item]


def test_both_tables_say_the_same_things_with_the_same_places() -> None:
    en, zh = table("en"), table("zh")
    assert list(en) == list(zh)
    for key in en:
        places = [set(re.findall(r"{(\w+)}", text)) for text in (*wordings(en[key]), *wordings(zh[key]))]
        assert all(one == places[0] for one in places), key


def test_every_wording_is_a_text_in_its_language() -> None:
    for language in ("en", "zh"):
        for key, found in table(language).items():
            for text in wordings(found):
                assert isinstance(text, str), f"{key}: YAML reads {text!r} as something else"
                letters = re.sub(r"{\w+}|Sayso|Shift|[^\w]|sayso", "", text)
                if letters and key not in NOT_TRANSLATED:
                    assert is_chinese(letters) == (language == "zh"), key


def test_templates_and_code_ask_for_nothing_that_is_not_there() -> None:
    asked: set[str] = set()
    for path in (*HERE.glob("templates/*.jinja"), *HERE.glob("*.py")):
        asked |= set(re.findall(r'\bsay\("(\w+)"(?! ~)[,)]', path.read_text(encoding="utf-8")))
    assert asked - set(table("en")) == set()
    assert len(asked) > 80


def test_one_and_several() -> None:
    assert [Words("en")("n_comments", n=n) for n in (0, 1, 2)] == ["0 comments", "1 comment", "2 comments"]
    assert Words("zh")("n_comments", n=1) == "1 条评语"
    with pytest.raises(KeyError):
        Words("en")("no such key")


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de,zh;q=0.3,en;q=0.7", "en"),
        ("fr", "en"),
        ("zh;q=abc", "zh"),
        ("\0;q=1,,,;", "en"),
    ],
)
def test_the_browser_s_language_is_a_first_guess(asked: str, language: str) -> None:
    assert preferred(asked) == language


def test_days_are_written_as_people_do() -> None:
    stamp = "2026-03-04T05:06:07.000001+00:00"
    assert Words("en").day(stamp) == "4 Mar 2026, 05:06"
    assert Words("zh").day(stamp) == "2026年3月4日 05:06"
    assert Words("en").day("") == ""
