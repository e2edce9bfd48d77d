"""Personal data is found in both languages; what only looks like it is not."""

from __future__ import annotations

import pytest
from sentences import counts, sentences, share

from sayso.privacy.found import KINDS
from sayso.privacy.numbers import is_card, is_iban, is_id_card
from sayso.privacy.search import search


def found(text: str) -> list[tuple[str, str]]:
    return [(one.kind, text[one.start : one.end]) for one in search(text)]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("half", "least"), [("seen", 0.98), ("held out", 0.93)])
def test_precision_and_recall_on_the_written_sentences(language: str, half: str, least: float) -> None:
    counted = counts(search, half)  # type: ignore[arg-type]
    assert share(counted, language, "right", "found") >= least
    assert share(counted, language, "hit", "gold") >= least


def test_the_sentences_are_many_have_every_kind_and_hard_negatives() -> None:
    every = [*sentences("seen"), *sentences("held out")]
    assert len(every) >= 150
    assert {one.kind for _, gold in every for one in gold} == set(KINDS)
    assert sum(not gold for _, gold in every) >= 60


def test_one_wrong_digit_is_no_identity_card_no_bank_card_no_iban() -> None:
    assert is_id_card("110101199003074514")
    assert is_card("4539029313758584")
    assert is_iban("DE89370400440532013000")
    for at in range(18):
        changed = list("110101199003074514")
        changed[at] = str((int(changed[at]) + 1) % 10)
        assert not is_id_card("".join(changed)), at
    for at in range(16):
        changed = list("4539029313758584")
        changed[at] = str((int(changed[at]) + 1) % 10)
        assert not is_card("".join(changed)), at
    assert not is_iban("DE89370400440532013001")
    assert is_id_card("44030520010619731" + "2")
    assert not is_id_card("110101199013074514"), "there is no thirteenth month"


def test_an_identity_card_may_end_in_x_of_either_case() -> None:
    for last in "Xx":
        assert found(f"证号11010119900307109{last}。") == [("id_card", f"11010119900307109{last}")]


def test_chinese_letters_may_stand_beside_a_number_and_digits_may_not() -> None:
    assert found("电话13812345678找我") == [("phone", "13812345678")]
    assert found("单号9138123456780") == []
    assert found("全角１３８１２３４５６７８也算") == [("phone", "１３８１２３４５６７８")]


def test_what_has_no_form_needs_a_word_that_says_what_it_is() -> None:
    assert found("Passport 548291037 expired") == [("passport", "548291037")]
    assert found("Parcel 548291037 expired") == []
    assert found("固件版本10.2.3.4") == []
    assert found("登录地址10.2.3.4") == [("ip", "10.2.3.4")]


def test_a_name_that_is_a_word_needs_a_surname() -> None:
    assert found("Grace under pressure.") == []
    assert found("We met Grace Kim there.") == [("name", "Grace Kim")]
    assert found("高兴得很") == []
    assert found("我叫高兴华，") == [("name", "高兴华")]


def test_only_the_kinds_that_are_asked_for() -> None:
    text = "我叫张伟，手机13812345678"
    assert {one.kind for one in search(text)} == {"name", "phone"}
    assert {one.kind for one in search(text, ("phone",))} == {"phone"}


def test_a_long_text_is_searched_in_a_moment() -> None:
    """Nothing backtracks without end: what grows tenfold takes no hundredfold of finds, and comes back at all."""
    for text in (
        "一" * 20_000,
        "9 " * 20_000,
        "Aa " * 20_000,
        "a@" * 20_000,
        ":" * 5_000,
        "1-" * 20_000,
        "路" * 5_000,
    ):
        search(text)
