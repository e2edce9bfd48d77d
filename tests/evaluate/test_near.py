"""Which prompts lie near a comment, are not what it is about, and come nearest first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sayso.evaluate.near import MOST, POOL, alike, like_it, under_other_rules
from sayso.records import Attempt, Example, Feedback, Scope, user


def about(prompt: str, comment: str, when: str = "", **more: object) -> Feedback:
    scope = Scope("rule", when) if when else Scope()
    return replace(Feedback(user(prompt), Attempt("OK."), comment, scope=scope), **more)  # type: ignore[arg-type]


LATE = about("Where is my kettle? It is late.", "Say sorry.", "a parcel is late", checks=("contains(sorry)",))
GIFT = about("The kettle is a gift.", "Name the ribbon.", "something is a gift", checks=("contains(ribbon)",))
SIZE = about("What size is my kettle? It is small.", "Returns are free.", "a size is asked for")


def test_prompts_of_other_rules_come_nearest_first() -> None:
    assert under_other_rules(LATE, [GIFT, SIZE, LATE]) == [SIZE, GIFT]


@pytest.mark.parametrize(
    "other",
    [
        about("My rug is late.", "Apologise first.", "a parcel is late"),
        replace(GIFT, prompt=LATE.prompt),
        about("象棋是礼物。", "要提丝带。", "东西是送人的"),
        replace(GIFT, checks=LATE.checks),
        about("The kettle is a gift.", "Name the ribbon."),
        about("The kettle is a gift.", "Name the ribbon.", scope=Scope("everywhere")),
    ],
    ids=["same rule", "same prompt", "other language", "same check", "one item", "everywhere"],
)
def test_what_may_be_the_comments_own_matter_is_no_neighbour(other: Feedback) -> None:
    assert under_other_rules(LATE, [other, SIZE]) == [SIZE]


def test_only_a_rule_has_neighbours_among_rules_and_few_of_them() -> None:
    many = [replace(GIFT, prompt=user(f"Gift number {n}.")) for n in range(MOST + 2)]
    assert len(under_other_rules(LATE, many)) == MOST
    assert under_other_rules(about("Late?", "Too long."), many) == []
    assert under_other_rules(about("Late?", "Too long.", scope=Scope("everywhere")), many) == []


def test_a_comment_on_one_item_has_the_items_most_like_it() -> None:
    one = about("电水壶什么时候到？", "太长了。", item="own")
    items = [
        Example("far", user("Thanks a lot!")),
        Example("near", user("电水壶什么时候能到？")),
        Example("own", user("电水壶几时到？")),
        Example("same", one.prompt),
        Example("nearer", user("电水壶什么时候到？？")),
    ]
    assert [each.id for each in like_it(one, items)] == ["nearer", "near", "far"]
    assert like_it(replace(one, scope=Scope("rule", "问发货")), items) == []
    assert like_it(replace(one, scope=Scope("everywhere")), items) == []
    distant = [Example(f"{n}", user("x")) for n in range(POOL)]
    assert "nearer" not in {each.id for each in like_it(one, [*distant, items[-1]])}


def test_likeness_is_a_share_and_of_all_turns() -> None:
    assert alike(user("电水壶"), user("电水壶")) == pytest.approx(1.0)
    assert alike(user("kettle"), user("丝带")) == 0.0
    assert 0 < alike(user("a kettle"), user("a kettle and a rug")) < 1
