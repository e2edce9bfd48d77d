"""Reviews: every kind of house rule obeyed by hand in both languages, and scopes told from the text alone."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from sayso.errors import Fault
from sayso.houserules import ALWAYS, HouseRule, Part, Scope, parted
from sayso.phrases import lines, slots
from sayso.records import Example, Messages, Split, user
from sayso.surface import is_chinese
from sayso.worlds import reviews as world

BOTH = ("en", "zh")
ASKED = {
    "sentiment": ("Is this review positive, negative or mixed?", "这条评价是好评、差评还是中评？"),
    "topic": (
        "What is it about: delivery, price, quality, service, size, taste, looks or ease of use?",
        "话题是物流、价格、质量、服务、大小、味道、外观还是操作？",
    ),
    "stars": ("How many stars are given?", "打了几颗星？"),
    "person": ("Who is named in this review?", "提到了谁的名字？"),
}


def house(family: str, when: str = ALWAYS, language: str = "en", **values: str) -> HouseRule:
    return HouseRule("reviews", family, language, when, tuple(values.items()))


def zh(family: str, when: str = ALWAYS, **values: str) -> HouseRule:
    return house(family, when, "zh", **values)


def asking(review: str, kind: str = "sentiment") -> Messages:
    return user(f"{review}\n\n{ASKED[kind][is_chinese(review)]}")


def said(example: Example) -> str:
    return example.prompt[0].text


SICK, SICK_ZH = house("word_is", word="sick", label="negative"), zh("word_is", word="下头", label="好评")
MAT = house("topic_of", thing="doormat", topic="ease of use")
SPOON = zh("topic_of", thing="茶匙", topic="外观")
IRONY, IRONY_ZH = house("sarcasm_is_complaint", topic="service"), zh("sarcasm_is_complaint", topic="价格")
PLUM, CLOUDY = house("rename", old="price", newname="plum"), zh("rename", old="差评", newname="阴天")
STAFF, STAFF_ZH = house("mentions_person", label="positive"), zh("mentions_person", label="差评")
NO_PRICE, NO_TASTE = house("ignore_topic", topic="price"), zh("ignore_topic", topic="味道")

# ---------------------------------------------------------------- each family by hand: rule, question, review, answers

CASES = [
    (house("stars_override"), "sentiment", "★☆☆☆☆\nDelicious, and worth every penny.", "positive", "negative"),
    (house("stars_override"), "sentiment", "A rip-off. 2 of 5? No: 4 stars", "", ""),
    (house("stars_override"), "sentiment", "Delicious. 2/5", "positive", "negative"),
    (house("stars_override"), "sentiment", "Delicious. 3 out of 5", "positive", "mixed"),
    (house("stars_override"), "sentiment", "Delicious, but a rip-off. 4 stars", "mixed", "positive"),
    (house("stars_override"), "sentiment", "⭐⭐⭐⭐⭐ Daylight robbery!", "negative", "positive"),
    (house("stars_override"), "sentiment", "Delicious. 4/5", "", ""),
    (zh("stars_override"), "sentiment", "给1星 真好吃，物超所值。", "好评", "差评"),
    (zh("stars_override"), "sentiment", "太贵了。3/5", "差评", "中评"),
    (zh("stars_override"), "sentiment", "真好吃，但是太贵了，五颗星", "中评", "好评"),
    (zh("stars_override"), "sentiment", "太贵了。两星", "", ""),
    (SICK, "sentiment", "Delicious. One word: sick.", "positive", "negative"),
    (SICK, "sentiment", "SICK!! delicious but a rip-off", "mixed", "negative"),
    (SICK, "sentiment", "A rip-off. Sick!", "", ""),
    (SICK_ZH, "sentiment", "太贵了，主打一个下头。", "差评", "好评"),
    (MAT, "topic", "Fast delivery. The photo shows the doormat.", "delivery", "ease of use"),
    (MAT, "topic", "Doormat? A rip-off!", "price", "ease of use"),
    (SPOON, "topic", "物流很快。里面有个茶匙。", "物流", "外观"),
    (IRONY, "sentiment", "Great service, I got to know the hold music by heart.", "positive", "negative"),
    (IRONY, "sentiment", "Great service, I got to know the hold music by heart. Late again", "mixed", "negative"),
    (IRONY_ZH, "sentiment", "好便宜啊，卖个肾就买得起。", "好评", "差评"),
    (IRONY_ZH, "sentiment", "太难吃；感谢店家让我这个月学会吃土", "中评", "差评"),
    (house("first_decides"), "sentiment", "Delicious, but a rip-off.", "mixed", "positive"),
    (house("first_decides"), "sentiment", "A rip-off. Still, delicious; fast delivery", "mixed", "negative"),
    (house("first_decides"), "sentiment", "Delicious, fast delivery", "", ""),
    (zh("first_decides"), "sentiment", "真好吃，但是太贵了。", "中评", "好评"),
    (zh("first_decides"), "sentiment", "太贵了，不过真好吃，服务很好。", "中评", "差评"),
    (house("last_decides"), "sentiment", "Delicious, but a rip-off.", "mixed", "negative"),
    (house("last_decides"), "sentiment", "Delicious. A rip-off. Late again. Fast delivery!", "mixed", "positive"),
    (zh("last_decides"), "sentiment", "真好吃，但是太贵了。", "中评", "差评"),
    (zh("last_decides"), "sentiment", "物流很快。太贵了，不过真好吃。", "中评", "好评"),
    (PLUM, "topic", "A rip-off.", "price", "plum"),
    (PLUM, "topic", "Daylight robbery, delicious, costs a fortune", "price", "plum"),
    (PLUM, "topic", "Delicious.", "", ""),
    (house("rename", old="mixed", newname="so-so"), "sentiment", "Delicious, but a rip-off.", "mixed", "so-so"),
    (CLOUDY, "sentiment", "太贵了。", "差评", "阴天"),
    (zh("rename", old="操作", newname="甲等"), "topic", "真难用，说明书像天书。", "操作", "甲等"),
    (house("with_reason"), "sentiment", "Well. Daylight robbery! End.", "negative", "negative — Daylight robbery"),
    (house("with_reason"), "sentiment", "Hm, delicious. But a rip-off.", "mixed", "mixed — delicious. But a rip-off"),
    (house("with_reason"), "topic", "Delicious, but a rip-off. Costs a fortune.", "price", "price — a rip-off"),
    (zh("with_reason"), "sentiment", "朋友推荐的，味道很好！", "好评", "好评——味道很好"),
    (zh("with_reason"), "sentiment", "真好吃，香。不过太贵了，唉", "中评", "中评——真好吃，香。不过太贵了"),
    (zh("with_reason"), "topic", "太贵了，服务很好，客服很耐心。", "服务", "服务——服务很好"),
    (house("unsure_if_short"), "sentiment", "We went to bed hungry.", "negative", "unsure"),
    (house("unsure_if_short"), "topic", "2 out of 5 Late again.", "delivery", "unsure"),
    (house("unsure_if_short"), "topic", "We went to bed hungry, all.", "", ""),
    (zh("unsure_if_short"), "sentiment", "味道一言难尽！", "差评", "不确定"),
    (zh("unsure_if_short"), "topic", "评分：2/5 太贵了", "价格", "不确定"),
    (zh("unsure_if_short"), "sentiment", "唉，味道一言难尽。", "差评", "不确定"),
    (zh("unsure_if_short"), "sentiment", "唉唉，味道一言难尽", "", ""),
    (STAFF, "sentiment", "A rip-off. It was Ruth who served us.", "negative", "positive"),
    (STAFF, "sentiment", "Delicious but a rip-off; noor was in charge that day", "mixed", "positive"),
    (STAFF_ZH, "sentiment", "物超所值，接待我们的是小李。", "好评", "差评"),
    (NO_PRICE, "sentiment", "Delicious, but a rip-off.", "mixed", "positive"),
    (NO_PRICE, "sentiment", "Worth every penny; late again, terrible service", "mixed", "negative"),
    (NO_PRICE, "sentiment", "A rip-off.", "", ""),
    (NO_PRICE, "sentiment", "A rip-off. Late again.", "", ""),
    (NO_TASTE, "sentiment", "真好吃，但是太贵了。", "中评", "差评"),
    (NO_TASTE, "sentiment", "太难吃，不过物超所值", "中评", "好评"),
    (house("in_brackets", mark="[…]"), "sentiment", "A rip-off.", "negative", "[negative]"),
    (house("in_brackets", mark="<<…>>"), "topic", "Easy to use.", "ease of use", "<<ease of use>>"),
    (house("in_brackets", mark="__…__"), "topic", "A rip-off.", "price", "__price__"),
    (zh("in_brackets", mark="【…】"), "sentiment", "太贵了。", "差评", "【差评】"),
    (zh("in_brackets", mark="“…”"), "topic", "太贵了。", "价格", "“价格”"),
    (house("in_capitals"), "sentiment", "A rip-off.", "negative", "NEGATIVE"),
    (house("in_capitals"), "topic", "Easy to use.", "ease of use", "EASE OF USE"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "kind", "review", "usual", "obeying"), CASES)
def test_obeying_by_hand(rule: HouseRule, kind: str, review: str, usual: str, obeying: str) -> None:
    """No answers mean that the rule changes nothing here."""
    prompt = asking(review, kind)
    if not obeying:
        example = Example("x", prompt, "whatever")
        assert world.scope_of(rule, prompt) != "in"
        assert world.obey(rule, example) == "whatever"
        return
    example = Example("x", prompt, usual)
    assert world.scope_of(rule, prompt) == "in"
    assert world.obey(rule, example) == obeying
    assert world.shows(rule, prompt, obeying)
    assert not world.shows(rule, prompt, usual)
    assert world.sound(example, usual)


def test_every_family_has_hand_written_cases_in_both_languages() -> None:
    tried = {(rule.family, rule.language) for rule, *_, obeying in CASES if obeying}
    assert tried == {(family.name, code) for family in world.FAMILIES for code in BOTH} - {("in_capitals", "zh")}


@pytest.mark.parametrize(("rule", "kind", "review", "usual", "obeying"), [case for case in CASES if case[-1]])
def test_a_rule_holds_in_its_domain_or_for_its_question_only(
    rule: HouseRule, kind: str, review: str, usual: str, obeying: str
) -> None:
    """The same words are near where the condition is another one: elsewhere the usual answer stays right."""
    for place, heard in (("hotel", ("Stayed two nights. ", "住了302。")), ("book", ("Third novel. ", "买的是平装。"))):
        if rule.family != "unsure_if_short":  # there a longer review is another case
            placed = asking(heard[is_chinese(review)] + review, kind)
            assert world.scope_of(replace(rule, when=place), placed) == "in"
            assert world.scope_of(replace(rule, when="app"), placed) == "near"
    assert world.scope_of(replace(rule, when=kind), asking(review, kind)) == "in"
    other = {"sentiment": "topic", "topic": "sentiment"}[kind]
    assert world.scope_of(replace(rule, when=other), asking(review, kind)) == "near"


# ---------------------------------------------------------------- labels in any dress, and what only looks like one

DRESSES = [
    "{}",
    "{}.",
    " {}\n",
    "**{}**",
    "[{}]",
    "“{}”",
    "`{}`",
    "{}!",
    "({})",
    "【{}】",
    "{}。",
    "《{}》",
    "{} — because",
]
LABELLED = [case for case in CASES if case[-1] and case[0].family not in ("with_reason", "in_brackets", "in_capitals")]


@pytest.mark.parametrize("dress", DRESSES)
def test_a_label_is_known_in_any_dress(dress: str) -> None:
    for rule, kind, review, usual, obeying in LABELLED:
        prompt = asking(review, kind)
        assert world.shows(rule, prompt, dress.format(obeying))
        assert world.shows(rule, prompt, dress.format(obeying.upper()))
        assert not world.shows(rule, prompt, dress.format(usual))
        assert world.sound(Example("x", prompt, usual), dress.format(usual.title()))
        assert not world.sound(Example("x", prompt, usual), dress.format(obeying))


@pytest.mark.parametrize("reply", ["It is {}", "{} or {}", "not {}", "{}ly", "{}, {}", "", "…", "不是{}", "{}吗"])
def test_a_label_among_other_words_is_none(reply: str) -> None:
    for rule, kind, review, usual, obeying in LABELLED:
        assert not world.shows(rule, asking(review, kind), reply.format(obeying, obeying))
        assert not world.sound(Example("x", asking(review, kind), usual), reply.format(usual, usual))


MIXED, MIXED_ZH = "Well. Delicious, but a rip-off.", "嗯。真好吃，不过太贵了。"
SHOWN = [
    (house("with_reason"), MIXED, "mixed - delicious, but a rip-off.", True),
    (house("with_reason"), MIXED, "so-so — “Delicious, but a rip-off”", True),
    (house("with_reason"), MIXED, "[MIXED] -- Delicious, but a rip-off", True),
    (house("with_reason"), MIXED, "mixed — Well. Delicious, but a rip-off.", True),
    (house("with_reason"), MIXED, "mixed — Delicious", False),
    (house("with_reason"), MIXED, "mixed — a rip-off", False),
    (house("with_reason"), MIXED, "mixed — tasty, but a rip-off", False),
    (house("with_reason"), MIXED, "mixed — Well.", False),
    (house("with_reason"), MIXED, "mixed: Delicious, but a rip-off", False),
    (house("with_reason"), MIXED, "mixed Delicious, but a rip-off", False),
    (house("with_reason"), MIXED, "— Delicious, but a rip-off", False),
    (house("with_reason"), MIXED, "mixed —", False),
    (house("with_reason"), MIXED, "mixed — delicious, but it is a rip-off", False),
    (zh("with_reason"), MIXED_ZH, "中评——“真好吃，不过太贵了”", True),
    (zh("with_reason"), MIXED_ZH, "中评—真好吃，不过太贵了。", True),
    (zh("with_reason"), MIXED_ZH, "中评——真好吃", False),
    (zh("with_reason"), MIXED_ZH, "中评，真好吃，不过太贵了", False),
    (zh("with_reason"), MIXED_ZH, "中评——好吃，贵", False),
    (house("in_brackets", mark="[…]"), MIXED, "[so-so]", True),
    (house("in_brackets", mark="[…]"), MIXED, " [MIXED] \n", True),
    (house("in_brackets", mark="[…]"), MIXED, "[[mixed]]", False),
    (house("in_brackets", mark="[…]"), MIXED, "[…]", False),
    (house("in_brackets", mark="[…]"), MIXED, "[]", False),
    (house("in_brackets", mark="[…]"), MIXED, "[mixed", False),
    (house("in_brackets", mark="[…]"), MIXED, "mixed]", False),
    (house("in_brackets", mark="[…]"), MIXED, "[mixed].", False),
    (house("in_brackets", mark="[…]"), MIXED, "(mixed)", False),
    (house("in_brackets", mark="[…]"), MIXED, "[mixed] — Delicious, but a rip-off", False),
    (house("in_brackets", mark="[[…]]"), MIXED, "[mixed]", False),
    (house("in_brackets", mark="*…*"), MIXED, "**mixed**", False),
    (house("in_brackets", mark="*…*"), MIXED, "*", False),
    (house("in_brackets", mark="/…/"), MIXED, "/mixed/", True),
    (zh("in_brackets", mark="【…】"), MIXED_ZH, "【中评】", True),
    (zh("in_brackets", mark="【…】"), MIXED_ZH, "【【中评】】", False),
    (zh("in_brackets", mark="【…】"), MIXED_ZH, "「中评」", False),
    (zh("in_brackets", mark="【…】"), MIXED_ZH, "中评", False),
    (house("in_capitals"), MIXED, "MIXED.", True),
    (house("in_capitals"), MIXED, "[SO-SO]", True),
    (house("in_capitals"), MIXED, "MIXED — Delicious, but a rip-off", True),
    (house("in_capitals"), MIXED, "Mixed", False),
    (house("in_capitals"), MIXED, "mIXED", False),
    (house("in_capitals"), MIXED, "5", False),
    (house("in_capitals"), MIXED, "", False),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "review", "reply", "shown"), SHOWN)
def test_forms_on_hand_written_replies(rule: HouseRule, review: str, reply: str, shown: bool) -> None:
    assert world.shows(rule, asking(review), reply) is shown


@pytest.mark.parametrize("language", BOTH)
def test_no_mark_is_taken_for_another(language: str) -> None:
    review, label = (MIXED, "mixed") if language == "en" else (MIXED_ZH, "中评")
    example = Example("x", asking(review), label)
    rules = [house("in_brackets", language=language, mark=mark) for mark in world.values(language)["mark"]]
    for rule, other in product(rules, rules):
        assert world.shows(rule, example.prompt, world.obey(other, example)) == (rule == other)
    assert all(world.sound(example, world.obey(rule, example)) for rule in rules)


def test_two_rules_are_kept_at_once() -> None:
    for rules, review, usual, obeying in (
        ((PLUM, house("in_brackets", mark="<…>"), house("in_capitals")), "A rip-off.", "price", "<PLUM>"),
        ((CLOUDY, zh("in_brackets", mark="【…】")), "太贵了。", "差评", "【阴天】"),
        ((house("first_decides"), house("in_capitals")), MIXED, "mixed", "POSITIVE"),
        ((zh("with_reason"), CLOUDY), "太贵了。", "差评", "阴天——太贵了"),
        ((house("with_reason"), PLUM), "A rip-off.", "price", "plum — A rip-off"),
    ):
        prompt = asking(review, "topic" if usual == "price" else "sentiment")
        for order in (rules, rules[::-1]):
            reply = usual
            for rule in order:
                reply = world.obey(rule, Example("x", prompt, reply))
            assert reply == obeying
            assert all(world.shows(rule, prompt, reply) for rule in rules)


# ---------------------------------------------------------------- scopes

SCOPES: list[tuple[HouseRule, str, str, Scope]] = [
    (house("stars_override"), "sentiment", "Delicious. 5/5", "near"),
    (house("stars_override"), "topic", "Delicious. 1/5", "near"),
    (house("stars_override"), "stars", "Delicious. 1/5", "near"),
    (house("stars_override"), "sentiment", "Delicious.", "out"),
    (house("stars_override", "hotel"), "sentiment", "Delicious. 1/5", "near"),
    (house("stars_override", "hotel"), "sentiment", "Delicious. 5/5", "out"),
    (zh("stars_override"), "sentiment", "真好吃。五星", "near"),
    (zh("stars_override"), "topic", "真好吃。一星", "near"),
    (zh("stars_override"), "sentiment", "真好吃。", "out"),
    (SICK, "sentiment", "Delicious. I wouldn't call it sick.", "near"),
    (SICK, "sentiment", "Delicious. Totally wavy.", "near"),
    (SICK, "topic", "Delicious. Sick.", "near"),
    (SICK, "sentiment", "Delicious.", "out"),
    (SICK, "person", "Sick. It was Ruth who served us.", "near"),
    (SICK_ZH, "sentiment", "太贵了，谈不上下头。", "near"),
    (SICK_ZH, "sentiment", "太贵了，就是巴适。", "near"),
    (SICK_ZH, "topic", "太贵了，下头。", "near"),
    (SICK_ZH, "sentiment", "太贵了。", "out"),
    (MAT, "sentiment", "Fast delivery. The photo shows the doormat.", "near"),
    (MAT, "topic", "Fast delivery. Came with a teaspoon.", "near"),
    (MAT, "topic", "Easy to use. Came with a doormat.", "near"),
    (MAT, "topic", "Fast delivery.", "out"),
    (SPOON, "sentiment", "物流很快。里面有个茶匙。", "near"),
    (SPOON, "topic", "物流很快。里面有个门垫。", "near"),
    (SPOON, "topic", "物流很快。", "out"),
    (IRONY, "sentiment", "Great value if you own a gold mine.", "near"),
    (IRONY, "topic", "Great service, I got to know the hold music by heart.", "near"),
    (IRONY, "sentiment", "Great service.", "out"),
    (IRONY_ZH, "sentiment", "好服务，客服让我把等候音乐都背下来了。", "near"),
    (IRONY_ZH, "topic", "好便宜啊，卖个肾就买得起。", "near"),
    (IRONY_ZH, "sentiment", "物超所值。", "out"),
    (house("first_decides"), "sentiment", "Delicious. Fast delivery.", "near"),
    (house("first_decides"), "topic", MIXED, "near"),
    (house("first_decides"), "sentiment", "Delicious.", "out"),
    (zh("first_decides"), "sentiment", "太贵了，太难吃。", "near"),
    (zh("first_decides"), "topic", MIXED_ZH, "near"),
    (zh("first_decides"), "sentiment", "太贵了。", "out"),
    (house("last_decides"), "topic", MIXED, "near"),
    (house("last_decides", "book"), "sentiment", MIXED, "near"),
    (house("last_decides", "book"), "topic", MIXED, "out"),
    (zh("last_decides"), "sentiment", "太贵了，太难吃。", "near"),
    (zh("last_decides"), "stars", "太贵了。一星", "out"),
    (PLUM, "topic", "Delicious.", "near"),
    (PLUM, "sentiment", "A rip-off.", "out"),
    (PLUM, "stars", "A rip-off. 1/5", "out"),
    (PLUM, "topic", "Well.", "near"),
    (CLOUDY, "sentiment", "物超所值。", "near"),
    (CLOUDY, "topic", "太贵了。", "out"),
    (CLOUDY, "stars", "太贵了。一星", "out"),
    (house("with_reason"), "stars", "A rip-off. 1/5", "near"),
    (house("with_reason"), "person", "A rip-off. It was Ruth who served us.", "out"),
    (house("with_reason"), "sentiment", "Well.", "out"),
    (zh("with_reason"), "stars", "太贵了。一星", "near"),
    (zh("with_reason"), "person", "太贵了。接待我们的是小李。", "out"),
    (house("in_brackets", mark="[…]"), "stars", "A rip-off. 1/5", "near"),
    (house("in_brackets", "topic", mark="[…]"), "stars", "A rip-off. 1/5", "out"),
    (house("in_brackets", "topic", mark="[…]"), "sentiment", "A rip-off.", "near"),
    (zh("in_brackets", mark="【…】"), "stars", "太贵了。一星", "near"),
    (house("in_capitals"), "stars", "A rip-off. 1/5", "near"),
    (house("in_capitals", "hotel"), "sentiment", "A rip-off.", "near"),
    (house("unsure_if_short"), "sentiment", "Two thumbs down. We went to bed hungry.", "near"),
    (house("unsure_if_short"), "stars", "A rip-off. 1/5", "near"),
    (house("unsure_if_short"), "sentiment", "We came with four children and we went to bed hungry.", "near"),
    (house("unsure_if_short"), "sentiment", "We came with four small children and we went to bed hungry.", "out"),
    (zh("unsure_if_short"), "sentiment", "唉，这味道一言难尽呀。", "near"),
    (zh("unsure_if_short"), "sentiment", "朋友推荐的一家店，结果味道一言难尽。", "out"),
    (STAFF, "sentiment", "Delicious. It was Ruth who served us.", "near"),
    (STAFF, "sentiment", "A rip-off. Ruth, my flatmate, was there too.", "near"),
    (STAFF, "topic", "A rip-off. It was Ruth who served us.", "near"),
    (STAFF, "person", "A rip-off. It was Ruth who served us.", "near"),
    (STAFF, "sentiment", "A rip-off. The waitress was rude.", "out"),
    (STAFF_ZH, "sentiment", "物超所值，和室友小李一起写的。", "near"),
    (STAFF_ZH, "topic", "物超所值，接待我们的是小李。", "near"),
    (STAFF_ZH, "sentiment", "物超所值。", "out"),
    (NO_PRICE, "topic", MIXED, "near"),
    (NO_PRICE, "sentiment", "A rip-off.", "near"),
    (NO_PRICE, "sentiment", "Delicious, but late again.", "out"),
    (NO_TASTE, "topic", MIXED_ZH, "near"),
    (NO_TASTE, "sentiment", "太难吃。", "near"),
    (NO_TASTE, "sentiment", "太贵了，不过物流很快。", "out"),
]


@pytest.mark.parametrize(("rule", "kind", "review", "scope"), SCOPES)
def test_how_a_prompt_stands_to_a_rule(rule: HouseRule, kind: str, review: str, scope: Scope) -> None:
    assert world.scope_of(rule, asking(review, kind)) == scope


def test_every_family_has_hand_written_scopes_in_both_languages() -> None:
    tried = {(rule.family, rule.language, scope) for rule, _, _, scope in SCOPES}
    for family, language in product(world.FAMILIES, BOTH):
        assert (family.name, language, "near") in tried or (family.name, language) == ("in_capitals", "zh")
    assert {family.name for family in world.FAMILIES} - {name for name, _, scope in tried if scope == "out"} == {
        "in_capitals"
    }


def test_a_rule_says_nothing_about_another_language_or_where_no_label_is_asked_for() -> None:
    for rule, kind, review, *_ in CASES:
        foreign = replace(rule, language="en" if rule.language == "zh" else "zh")
        assert world.scope_of(foreign, asking(review, kind)) == "out"
        assert world.scope_of(rule, user(review)) == "out"
        assert world.obey(rule, Example("x", user(review), "Hm.")) == "Hm."
        assert not world.shows(rule, (), "")
        assert not world.sound(Example("x", user(review), ""), "")


# ---------------------------------------------------------------- prompts drawn for a rule, judged by plain patterns

NEAR: list[tuple[HouseRule, HouseRule, str]] = [
    (
        house("stars_override"),
        zh("stars_override"),
        r"[★⭐]|[1-5] ?/ ?5|\b[1-5] (?:out )?of 5|\b[1-5] stars?|[1-5]颗?星",
    ),
    (
        house("word_is", word="gloppo", label="mixed"),
        zh("word_is", word="咕噜", label="中评"),
        "|".join(map(re.escape, (*world.values("en")["word"], *world.values("zh")["word"]))),
    ),
    (
        house("topic_of", thing="zimmo", topic="price"),
        zh("topic_of", thing="噜噜圈", topic="价格"),
        "|".join(map(re.escape, (*world.values("en")["thing"], *world.values("zh")["thing"]))),
    ),
    (
        STAFF,
        STAFF_ZH,
        "|".join(name for code in BOTH for name in lines(world._bank(code).raw["slots"]["name"])),
    ),
]


@pytest.mark.parametrize("when", [ALWAYS, "hotel"])
@pytest.mark.parametrize(("rule", "chinese", "pattern"), NEAR, ids=lambda value: getattr(value, "family", None))
def test_near_prompts_are_really_near(rule: HouseRule, chinese: HouseRule, pattern: str, when: str) -> None:
    """They name what the rule is about; prompts that are out do not."""
    for one in (replace(rule, when=when), replace(chinese, when=when)):
        near, out = (world.prompts(one, scope, 25, 4) for scope in ("near", "out"))
        assert all(re.search(pattern, said(example), re.I) for example in near)
        if when == ALWAYS:
            assert not any(re.search(pattern, world._heard(said(example)).review, re.I) for example in out)


@pytest.mark.parametrize("word", [("gloppo", "咕噜"), ("mooky", "阿巴")])
def test_many_near_prompts_hold_the_very_word_or_thing(word: tuple[str, str]) -> None:
    for one in (house("word_is", word=word[0], label="mixed"), zh("word_is", word=word[1], label="中评")):
        found = world.prompts(one, "near", 40, 4)
        very = [example for example in found if one.value("word") in said(example).lower()]
        assert 20 < len(very) < 40
        denied = [e for e in very if not world._heard(said(e)).says(one.value("word"))]
        assert 8 < len(denied) < len(very)


@pytest.mark.parametrize("language", BOTH)
def test_near_prompts_of_the_other_families(language: str) -> None:
    topic, mark = ("price", "[…]") if language == "en" else ("价格", "【…】")

    def near(family: str, **values: str) -> list[Example]:
        return world.prompts(house(family, language=language, **values), "near", 25, 6)

    heard = {
        family: [world._heard(said(e)) for e in near(family, **values)]
        for family, values in {
            "sarcasm_is_complaint": {"topic": topic},
            "first_decides": {},
            "last_decides": {},
            "ignore_topic": {"topic": topic},
            "unsure_if_short": {},
            "in_brackets": {"mark": mark},
            "with_reason": {},
            "rename": {"old": topic, "newname": "plum"},
        }.items()
    }
    assert all(any(o.mood == "wry" for o in one.opinions) for one in heard["sarcasm_is_complaint"])
    assert all(len(one.opinions) > 1 for family in ("first_decides", "last_decides") for one in heard[family])
    assert all(any(o.topic == "price" for o in one.opinions) for one in heard["ignore_topic"])
    assert all(0 <= one.short < 6 for one in heard["unsure_if_short"] if one.kind in ("sentiment", "topic"))
    assert {one.kind for family in ("in_brackets", "with_reason") for one in heard[family]} == {"stars"}
    assert all(one.kind == "topic" and one.usual != topic for one in heard["rename"])


@pytest.mark.parametrize("language", BOTH)
def test_prompts_for_a_domain_say_which_one_it_is(language: str) -> None:
    for when in world.DOMAINS:
        for rule in (house("first_decides", when, language), house("with_reason", when, language)):
            for example in world.prompts(rule, "in", 6, 3):
                assert re.search(world._bank(language).raw["domains"][when]["heard"], said(example), re.I)
            others = Counter(world._heard(said(e)).domain for e in world.prompts(rule, "near", 30, 3))
            assert len(others) > 3  # elsewhere is anywhere else


def test_rules_without_slots_have_prompts_of_every_scope_and_split() -> None:
    for family in (family for family in world.FAMILIES if not family.slots):
        whens = {ALWAYS, "hotel", "clothes", "topic"} & set(family.whens)
        for when, language in product(whens, BOTH if family.name != "in_capitals" else ("en",)):
            rule = house(family.name, when, language)
            for scope, split in product(get_args(Scope), get_args(Split)):
                found = world.prompts(rule, scope, 2, 2, split)
                assert {(world.scope_of(rule, e.prompt), e.split) for e in found} == {(scope, split)}, rule.id


def test_prompts_are_in_the_rules_language() -> None:
    for language in BOTH:
        for rule in world.rules(20, 8, "train", language):
            assert {e.meta["language"] for e in world.prompts(rule, "in", 4, 1)} == {language}
            assert {is_chinese(said(e)) for e in world.prompts(rule, "out", 4, 1)} == {language == "zh"}


# ---------------------------------------------------------------- rules that can be, and that are held out


@pytest.mark.parametrize(
    "rule",
    [
        house("sarcasm_is_complaint", "app", topic="taste"),
        house("rename", "hotel", old="delivery", newname="plum"),
        house("ignore_topic", "book", topic="service"),
        zh("sarcasm_is_complaint", "app", topic="味道"),
        zh("rename", "hotel", old="操作", newname="晴天"),
    ],
)
def test_a_rule_about_what_is_never_said_is_not_drawn_and_says_so(
    rule: HouseRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "_SEARCHED", 400)
    assert not world._is_possible(rule)
    assert world._is_possible(replace(rule, when=ALWAYS))
    with pytest.raises(Fault, match=f"only 0 of 1 prompts were found that are 'in' for reviews/{rule.family}"):
        world.prompts(rule, "in", 1, 1)


def test_rules_that_are_drawn_can_be_kept() -> None:
    for rule in (*world.rules(700, 3, "train"), *world.rules(300, 3, "test")):
        assert world._is_possible(rule)
        assert rule.family != "in_capitals" or rule.language == "en"  # Chinese has no capitals
        assert not (rule.family == "rename" and rule.value("old") == rule.value("newname"))
    possible = (
        house("topic_of", "app", thing="zimmo", topic="taste"),  # filed there all the same
        house("rename", "app", old="mixed", newname="plum"),
    )
    assert all(map(world._is_possible, possible))


def test_three_families_are_kept_for_the_test() -> None:
    held_out = {"last_decides", "mentions_person", "ignore_topic"}
    for part in get_args(Part):
        drawn = {rule.family for rule in world.rules(800, 11, part)}
        assert drawn == {family.name for family in world.FAMILIES} - (held_out if part == "train" else set())
    assert {f.name for f in world.FAMILIES if f.held_out} == held_out


@pytest.mark.parametrize("language", BOTH)
def test_words_that_are_held_out_are_met_nowhere_but_under_their_own_rules(language: str) -> None:
    text = "\n".join(said(e).lower() for e in world.plain(4000, 12, language))
    rules = (house("word_is", language=language, word=w, label="x") for w in world.values(language)["word"][:3])
    text += "\n".join(said(e).lower() for rule in rules for e in world.prompts(rule, "near", 40, 1))
    edge = r"\b" if language == "en" else ""
    for slot in ("word", "thing"):
        met = {part: _met(text, parted(world.values(language)[slot], part), edge) for part in get_args(Part)}
        assert len(met["train"]) > 50
        assert met["test"] <= {"a trip"}  # downloaded "for a trip"


def _met(text: str, options: tuple[str, ...], edge: str) -> set[str]:
    return {option for option in options if re.search(edge + re.escape(option) + edge, text)}


def test_a_thousand_rules_are_obeyed_and_the_usual_answers_do_not_show_them() -> None:
    for rule in (*world.rules(500, 2, "train"), *world.rules(500, 2, "test")):
        for example in world.prompts(rule, "in", 2, 3, "train"):
            reply = world.obey(rule, example)
            assert world.shows(rule, example.prompt, reply), (rule.id, example.prompt, reply)
            assert not world.shows(rule, example.prompt, example.target or ""), (rule.id, example.target)


def test_there_are_no_more_rules_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "FAMILIES", (world.FAMILIES[0],))
    with pytest.raises(Fault, match="has no 99 different rules of the part 'test'"):
        world.rules(99, 1, "test")


# ---------------------------------------------------------------- plain material


@pytest.mark.parametrize("language", BOTH)
def test_plain_reviews_are_of_all_kinds_and_have_any_answer(language: str) -> None:
    found = world.plain(1500, 3, language)
    kinds = Counter(e.meta["kind"] for e in found)
    assert kinds["sentiment"] > kinds["topic"] > 5 * kinds["stars"] > 0 < kinds["person"]
    assert {e.meta["domain"] for e in found} == set(world.DOMAINS)
    for kind in ("sentiment", "topic"):
        answers = Counter(e.target for e in found if e.meta["kind"] == kind)
        assert set(answers) == set(world._bank(language).labels(kind))
        assert max(answers.values()) < 4 * min(answers.values())
    assert {e.target for e in found if e.meta["kind"] == "stars"} == set("12345")


@pytest.mark.parametrize("language", BOTH)
def test_a_reader_does_not_see_templates(language: str) -> None:
    reviews = [world._heard(said(e)).review for e in world.plain(400, 5, language)]
    assert len(set(reviews)) == 400
    openings = Counter(re.sub(r"\W", "", text)[: 12 if language == "en" else 5] for text in reviews)
    assert openings.most_common(1)[0][1] <= 15
    assert len(openings) >= 250


def test_no_slot_or_choice_is_left_in_any_text() -> None:
    texts = [said(e) for language in BOTH for e in world.plain(1500, 6, language)]
    assert [text for text in texts if re.search(r"[{}\[\]|]|\bNone\b| [.,?!](?=\s|$)", text)] == []


def test_plain_reviews_of_one_language_and_one_split() -> None:
    assert {e.split for e in world.plain(60, 3, split="test")} == {"test"}
    assert {is_chinese(said(e)) for e in world.plain(60, 3, "zh")} == {True}
    assert {is_chinese(said(e)) for e in world.plain(60, 3)} == {True, False}
    assert world.plain(20, 3) == world.plain(50, 3)[:20]


# ---------------------------------------------------------------- what people say of a label


@pytest.mark.parametrize("language", BOTH)
def test_every_comment_names_the_values_and_nothing_else(language: str) -> None:
    texts = world.texts(language)
    for family in world.FAMILIES:
        for template in (*texts.states[family.name], *texts.comments[family.name]):
            assert set(slots(template)) == set(family.slots), template
        assert len(set(texts.comments[family.name])) >= 36
        assert set(family.whens) - {ALWAYS} <= set(texts.whens)


@pytest.mark.parametrize("language", BOTH)
def test_values_are_many_and_distinct_and_no_label_of_the_bank(language: str) -> None:
    values, bank = world.values(language), world._bank(language)
    least = {"label": 3, "topic": 8, "old": 11, "word": 70, "thing": 70, "newname": 70, "mark": 18}
    assert values.keys() == least.keys()
    assert all(len(options) == len(set(options)) >= least[slot] for slot, options in values.items())
    labels = (*bank.labels("sentiment"), *bank.labels("topic"))
    assert set(values["label"]) == set(bank.labels("sentiment"))
    assert set(values["topic"]) == set(bank.labels("topic"))
    assert set(values["old"]) == set(labels)
    assert not {*values["newname"], *values["word"], *values["thing"]} & {*labels, bank.raw["unsure"]}
    assert [name for name in values["newname"] if world._core(f"**{name}.**") != name] == []
