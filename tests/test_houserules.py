"""House rules: what is held out is decided by content, words are filled, and what a revision keeps is counted."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.errors import Fault
from sayso.houserules import (
    ALWAYS,
    HELD_OUT_SHARE,
    Family,
    HouseRule,
    draw_rule,
    kept_share,
    parted,
    read_texts,
)

FAMILIES = (
    Family("begin", ("phrase",), (ALWAYS, "refund", "late", "gift", "size", "stock")),
    Family("brief", (), (ALWAYS,)),
    Family("swap", ("word", "instead")),
    Family("sign", ("phrase",), held_out=True),
)
VALUES = {
    "phrase": [f"p{i}" for i in range(40)],
    "word": [f"w{i}" for i in range(20)],
    "instead": ["w1", "w2", *(f"x{i}" for i in range(18))],
}


@given(st.lists(st.text(max_size=8), max_size=40))
def test_two_parts_share_nothing_and_lose_nothing(options: list[str]) -> None:
    train, test = parted(options, "train"), parted(options, "test")
    assert not set(train) & set(test)
    assert set(train) | set(test) == set(options)
    assert len(test) == round(HELD_OUT_SHARE * len(set(options)))


def test_what_is_held_out_does_not_depend_on_its_neighbours_order() -> None:
    words = [f"word{i}" for i in range(50)]
    assert set(parted(words, "test")) == set(parted(reversed(words), "test"))
    assert parted(words, "train")[:3] == tuple(word for word in words if word in parted(words, "train"))[:3]


def drawn(part: str, n: int = 600) -> list[HouseRule]:
    return [draw_rule("w", FAMILIES, VALUES, "en", part, Random(str(i))) for i in range(n)]  # type: ignore[arg-type]


def test_nothing_that_is_held_out_is_taught() -> None:
    held = {slot: set(parted(values, "test")) for slot, values in VALUES.items()}
    for rule in drawn("train"):
        assert rule.novelty == "nothing"
        assert rule.family != "sign"
        assert not any(value in held[slot] for slot, value in rule.values)


def test_a_tested_rule_has_one_new_thing_and_says_which() -> None:
    taught = drawn("train", 3000)
    pairings = {(rule.family, rule.when) for rule in taught}
    rules = drawn("test")
    assert {rule.novelty for rule in rules} == {"values", "pairing", "family"}
    for rule in rules:
        assert (rule.family == "sign") == (rule.novelty == "family")
        assert ((rule.family, rule.when) not in pairings) == (rule.novelty in ("pairing", "family"))
        new = [value in parted(VALUES[slot], "test") for slot, value in rule.values]
        assert all(new) if rule.novelty == "values" else rule.novelty == "family" or not any(new)


def test_the_slots_of_a_rule_differ() -> None:
    assert all(rule.value("word") != rule.value("instead") for rule in drawn("train") if rule.family == "swap")


def test_the_same_seed_draws_the_same() -> None:
    assert drawn("test", 50) == drawn("test", 50)
    assert len({rule.id for rule in drawn("train")}) > 60


def test_a_slot_that_a_rule_lacks_is_our_fault() -> None:
    with pytest.raises(Fault, match="no slot 'colour'"):
        HouseRule("w", "begin", "en", values=(("phrase", "Hi"),)).value("colour")


TEXTS = read_texts(
    "en",
    {
        "spaced": True,
        "parts": {"soft": "please\nkindly"},
        "frames": "{When}: {rest}\n{body} That is {when}.",
        "whens": {"refund": "when somebody asks for [a refund|money back]"},
        "families": {
            "begin": {
                "states": 'Start with "{phrase}".',
                "comments": "\n".join(f'No "{{phrase}}"? {i}' for i in range(10)),
            }
        },
    },
)
RULE = HouseRule("w", "begin", "en", "refund", (("phrase", "Dear me"),))


def test_a_statement_names_the_condition_and_the_value() -> None:
    said = {TEXTS.statement(RULE, Random(str(i)), "train") for i in range(40)}
    assert said == {
        f"{frame[0]}{what}{frame[1]}"
        for what in ("a refund", "money back")
        for frame in (
            ("When somebody asks for ", ': start with "Dear me".'),
            ('Start with "Dear me". That is when somebody asks for ', "."),
        )
    }


@pytest.mark.parametrize(
    ("spaced", "comment", "said"),
    [
        (True, "not like that pls", "not like that pls. It holds"),
        (True, "In <…>", "In <…>. It holds"),
        (True, "Never!", "Never! It holds"),
        (False, "别", "别。"),
    ],
)
def test_a_frame_that_goes_on_puts_a_stop_where_a_comment_has_none(spaced: bool, comment: str, said: str) -> None:
    frames, words = f"{{sentence}}{' It holds ' * spaced}{{when}}", {"states": "x", "comments": comment}
    texts = read_texts(
        "en" if spaced else "zh",
        {"spaced": spaced, "frames": frames, "whens": {"refund": "here"}, "families": {"begin": words}},
    )
    assert texts.comment(RULE, Random(1), "train", framed=1.0) == f"{said}{' ' * spaced}here"
    assert texts.comment(RULE, Random(1), "train", framed=0.0) == comment


@pytest.mark.parametrize(
    ("comment", "after_colon"),
    [
        ("A photo first!", "a photo first!"),
        ("I'd apologise.", "I'd apologise."),
        ("JSON, please.", "JSON, please."),
        ("English in, Chinese out.", "English in, Chinese out."),
        ("“Hello” goes first.", "“Hello” goes first."),
    ],
)
def test_after_a_colon_only_what_is_always_large_has_a_capital(comment: str, after_colon: str) -> None:
    words = {"states": "x", "comments": comment}
    raw = {"spaced": True, "frames": "{When}: {rest}", "whens": {"refund": "here"}, "families": {"begin": words}}
    assert read_texts("en", raw).comment(RULE, Random(1), "train", framed=1.0) == f"Here: {after_colon}"


def test_a_comment_may_leave_the_condition_out() -> None:
    bare = [TEXTS.comment(RULE, Random(str(i)), "train", framed=0.0) for i in range(30)]
    framed = [TEXTS.comment(RULE, Random(str(i)), "train", framed=1.0) for i in range(30)]
    assert not any("somebody" in said for said in bare)
    assert all("somebody" in said and "Dear me" in said for said in framed)


def test_paraphrases_of_the_two_parts_are_different() -> None:
    train, test = (
        {TEXTS.comment(RULE, Random(str(i)), part, framed=0.0) for i in range(200)} for part in ("train", "test")
    )
    assert not train & test
    assert (len(train), len(test)) == (8, 2)


@pytest.mark.parametrize(
    ("attempt", "expected", "reply", "share"),
    [
        ("We will look into it.", "Sorry! We will look into it.", "Sorry! We will look into it.", 1.0),
        ("We will look into it.", "Sorry! We will look into it.", "Sorry!", 0.0),
        ("we pay it back", "hello we pay it back", "we pay", 0.5),
        ("我们会退款", "您好，我们会退款", "我们会", 0.6),
        ("abc", "xyz", "whatever", 1.0),
    ],
)
def test_what_a_revision_keeps(attempt: str, expected: str, reply: str, share: float) -> None:
    assert kept_share(attempt, expected, reply) == pytest.approx(share)
