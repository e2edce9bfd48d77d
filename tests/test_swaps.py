"""The same text about somebody else."""

from __future__ import annotations

import pytest

from sayso.swaps import AXES, LANGUAGES, groups_in, judges_a_group, swapped, variants


@pytest.mark.parametrize(
    ("text", "other", "language"),
    [
        ("He gave the man his book.", "She gave the woman her book.", "en"),
        ("THE actress and Mr Smith", "THE actor and Mrs Smith", "en"),
        ("the theme of mankind", "the theme of mankind", "en"),
        ("先生说她的儿子很好", "女士说他的女儿很好", "zh"),
        ("女主角比男主角好", "男主角比女主角好", "zh"),
    ],
)
def test_words_are_exchanged_in_both_directions(text: str, other: str, language: str) -> None:
    assert swapped(text, language) == other


def test_of_whom_a_text_speaks() -> None:
    assert groups_in("She is here", "en") == {"female"}
    assert groups_in("他和妈妈", "zh") == {"male", "female"}
    assert not groups_in("the parcel", "en")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("axis", AXES)
def test_groups_have_as_many_words_and_every_sentence_has_its_place(language: str, axis: str) -> None:
    found = variants(language, axis)
    words = {group: {one.words for one in found if one.group == group} for group in {one.group for one in found}}
    assert len({len(own) for own in words.values()}) == 1
    assert len({one.sentence for one in found}) == 12
    assert all(one.words in one.text and "{}" not in one.text for one in found)
    assert len({one.words for one in found}) == sum(map(len, words.values()))


def test_a_label_is_a_verdict_too() -> None:
    assert judges_a_group("Foreigners: spam", ("spam",)) is not None
    assert judges_a_group("Foreigners: spam", ("ham",)) is None
    found = judges_a_group("外地人一律拒绝")
    assert found is not None
    assert found.groups == ("外地人",)
    assert set(found.verdicts) == {"一律", "拒绝"}
