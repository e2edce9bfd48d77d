"""What each check asks for: answers that keep it, answers that break it, in both languages, and how that is said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso import checks
from sayso.checks import known, names, read, said_of
from sayso.errors import FeedbackError
from sayso.predicates import PREDICATES
from sayso.records import Message, user
from sayso.surface import is_chinese

WORDS = yaml.safe_load(Path(checks.__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
LONG = "Refunds go back to the card that was used for the order within seven working days."

KEPT_BROKEN = [  # check, message, answers that keep it, answers that break it
    ("not_empty", "", ("0",), ("", " \n")),
    (
        "contains(订单号 | order number)",
        "",
        ("订单号是多少？", "Your ORDER  NUMBER? No: order number"),
        ("单号？", "order"),
    ),
    ("lacks(guarantee | 保证)", "", ("We can't promise.", "guarantees"), ("We GUARANTEE it", "我们保证。")),
    ("begins(您好 | Dear)", "", ("您好，在的。", " dear Ann,"), ("在，您好", "Dearest Ann")),
    ("ends(谢谢。 | Thanks!)", "", ("好的，谢谢。", "Here it is. Thanks!\n"), ("谢谢", "Thanks! Bye")),
    ("ends(OK!)", "", ("没问题，ＯＫ！",), ("OK",)),
    ("at_most_words(5)", "", ("It's on its way today", "明天会到。"), ("It is on its way today", "明天下午会到")),
    ("at_least_words(3)", "", ("Yes, we do", "有的呀。"), ("Yes, -- do", "有，的。")),
    ("at_most_characters(4)", "", ("abcd", "一二三四\n"), ("abcde", "一二三四五")),
    ("at_most_sentences(2)", "", ("It cost 3.50. Fine?", "好。行！"), ("A b. C d. E f.", "好。行！对？")),
    ("one_sentence", "", ("It cost 3.50 at www.a.com.", "好的，马上办。"), ("", "好。行。", "One. Two.")),
    ("finished", "", ("Done.", "好的。”", "Really?)", "走吧～"), ("and then", "然后，", "")),
    ("asks_question", "", ("Which order?", "哪一单？"), ("Tell me which order.", "请告知单号。")),
    ("json", "", ('{"a": 1}', "[1, 2]", ' "x" '), ("{a: 1}", "好", "", "[" * 100_000)),
    ("json(name | 价格)", "", ('{"name": "x", "价格": null}',), ('{"name": "x"}', '["name", "价格"]', "{")),
    (
        "list",
        "",
        ("- a\n- b", "1. 甲\n2. 乙", "一、甲\n二、乙", "（1）a\n（2）b"),
        ("- a", "a\nb", "2024 was\n2025 is"),
    ),
    ("no_markdown", "", ("3 * 4 = 12 - 2", "好（见下）"), ("**bold**", "# 标题", "- a", "`` ```x``` ``", "[a](b)")),
    ("same_language", "我的包裹呢？", ("在路上。", "42", "在 DHL 那里"), ("On its way.",)),
    ("same_language", "Where is it?", ("On its way.", "¥42"), ("在路上。",)),
    ("language(zh)", "Where?", ("在路上。", "42"), ("On its way.",)),
    ("language(en)", "在哪？", ("On its way.", "42"), ("在路上。",)),
    (
        "keeps_numbers",
        "3 boxes, 1,200 kg, at 9:30",
        ("三箱，1200 公斤，9点30分", "three: 1,200 9.30"),
        ("3 箱，9:30", ""),
    ),
    (
        "no_repetition",
        "",
        (LONG, "您好，订单明天送到，请留意。"),
        ("going on and on and on and on and on", "好的好的好的好的好的"),
    ),
    ("no_copy", LONG, ("Within a week.",), (LONG, LONG.lower().replace(",", ""))),
    (
        "no_personal_data",
        "",
        ("Order 2024-11-08, 99 yuan", "订单 MP-123456，下午 14:30"),
        (
            "Mail ann.lee@shop.co.uk",
            "写信到 a@b.cn",
            "打 138 1234 5678",
            "电话13812345678。",
            "座机 010-62345678",
            "+44 20 7946 0958",
            "(555) 123-4567",
            "证件 11010519491231002X",
            "6222 0212 3456 7890 123",
        ),
    ),
    ("no_links", "", ("See our shop.", "http is a protocol"), ("See https://a.b/c?d=1.", "去www.a.cn看")),
    (
        "polite",
        "",
        ("请稍候。", "您的单到了", "你们的订单，抱歉", "Sorry, could you wait?"),
        ("等着", "请你等着", "Wait.", ""),
    ),
    ("one_of(正面 | Negative)", "", ("正面", " negative ", "正面 | negative"), ("正面。", "中性", "")),
    ("one_of", "", ("anything",), ()),
    (
        "length_ratio(0.5 | 2)",
        "one two three four",
        ("一二三四五六七八", "one two"),
        ("一二三四五六七八九", "one", ""),
    ),
    (
        "translates(stock = 库存 | refund = 退款/退钱)",
        "Is a Refund possible?",
        ("能退钱吗？", "可以退款吗？"),
        ("能退还吗？",),
    ),
    ("translates(库存 = stock)", "库存还有吗？", ("Any in STOCK?",), ("Any inventory?", "Any stockings?")),
    ("translates(stock = 库存)", "stockings and Stockholm", ("长袜",), ()),
    ("keeps(iPad | 小度)", "我的iPad坏了", ("Your iPad is broken",), ("Your IPAD is broken", "你的平板坏了")),
]


@pytest.mark.parametrize(("line", "message", "kept", "broken"), KEPT_BROKEN)
def test_a_check_knows_what_keeps_it(line: str, message: str, kept: tuple[str, ...], broken: tuple[str, ...]) -> None:
    check = read(line)
    assert [answer for answer in kept if check.breach(user(message), answer) is not None] == []
    assert [answer for answer in broken if check.breach(user(message), answer) is None] == []


def test_every_check_is_tried_here_and_has_its_words() -> None:
    assert {read(line).name for line, *_ in KEPT_BROKEN} == set(names()) == set(PREDICATES)
    assert set(WORDS) == set(PREDICATES) | {"json_keys"}


def test_every_check_is_in_the_documentation_as_it_is_written() -> None:
    page = (Path(__file__).parents[1] / "docs" / "critics.md").read_text(encoding="utf-8")
    table = page.partition("| check |")[2].partition("\n\n")[0].replace(r"\|", "|")
    written = [read(line) for line in re.findall(r"`([a-z_]+(?:\([^`]*\))?)`", table) if line != "en"]
    assert {check.name for check in written} == set(names())


@pytest.mark.parametrize(("line", "message", "kept", "broken"), KEPT_BROKEN)
def test_a_breach_is_said_in_both_languages_without_a_gap(
    line: str, message: str, kept: object, broken: tuple[str, ...]
) -> None:
    check = read(line)
    for answer in broken:
        breach = check.breach(user(message), answer)
        assert breach is not None
        for language in ("en", "zh"):
            words, rule = check.words(breach, language), check.rule(language)
            for text in (words, rule):
                assert text.endswith("。" if language == "zh" else ".")
                assert not re.search(r"[{}]|\"\"|“”|  | [.,;]", text)
            assert is_chinese(re.sub("“[^”]*”", "", words)) == (language == "zh")


def test_what_is_said_names_what_was_seen() -> None:
    def said(line: str, message: str, answer: str) -> list[str]:
        check = read(line)
        breach = check.breach(user(message), answer)
        assert breach is not None
        return [check.words(breach, "en"), check.words(breach, "zh")]

    assert said("at_most_words(3)", "", "one two three four") == [
        "The answer has 4 words, and 3 are the most.",
        "回答有 4 个字，最多只能 3 个字。",
    ]
    assert said("lacks(cheap | 便宜)", "", "Cheap, cheap, 便宜") == [
        'The answer says "Cheap", "cheap" and "便宜", which must not be said.',
        "回答里出现了不该说的“Cheap”、“cheap”和“便宜”。",
    ]
    assert said("keeps_numbers", "3 at 12:45", "three at 12")[0] == 'Numbers of the message are missing: "45".'
    assert said("json(a | b)", "", '{"a": 1}')[0] == 'The answer is not a JSON object with "b".'
    assert said("length_ratio(0.5 | 2)", "a b c", "a b c d e f g")[0].startswith("The answer is 2.3 times as long")
    assert said("language(zh)", "", "hello") == ["The answer is not in Chinese.", "回答用的不是中文。"]
    assert said("translates(stock = 库存)", "the stock", "存货")[1] == "术语译得不对，应当是“stock = 库存”。"
    assert read("at_most_words(1)").rule("en") == "Use at most 1 word."
    assert read("contains(a | b | c)").rule("en") == 'Say "a", "b" or "c".'


def test_places_are_where_it_stands_in_the_answer() -> None:
    answer = "我们ＧＵＡＲＡＮＴＥＥ，我们保证"
    breach = read("lacks(guarantee | 保证)").breach(user(""), answer)
    assert breach is not None
    assert [answer[start:end] for start, end in breach.places] == ["ＧＵＡＲＡＮＴＥＥ", "保证"]


def test_a_condition_is_a_phrase_in_the_last_turn_of_the_user() -> None:
    check = read("contains(订单号) when 退款 | refund")
    assert check.applies(user("我要退款"))
    assert check.applies(user("A REFUND, please"))
    assert not check.applies(user("refunded"))
    assert check.breach(user("到哪了？"), "在路上") is None
    assert check.breach(user("我要退款"), "好的") is not None
    talk = (Message("user", "退款"), Message("assistant", "订单号？"), Message("user", "算了"))
    assert not check.applies(talk)
    assert check.applies(talk[:2])
    assert check.rule("zh") == "对方提到“退款”或“refund”时：要说到“订单号”。"
    assert check.rule("en") == 'Where the message says "退款" or "refund": Say "订单号".'


@pytest.mark.parametrize(
    "line",
    ["one_sentence", "contains(a (b) c)", "at_most_words(40) when x | y", "contains(a) when (b)", "one_of(a | b)"],
)
def test_a_check_is_its_line(line: str) -> None:
    check = read(line)
    assert str(check) == line
    assert read(str(check)) == check


def test_brackets_in_a_phrase_are_part_of_it() -> None:
    assert read("contains(a (b) c)").given.phrases == ("a (b) c",)
    assert read("contains(a) when (b)").when == ("(b)",)


@pytest.mark.parametrize(
    ("line", "what", "more"),
    [
        ("contain(a)", "no check 'contain'", "did you mean 'contains'?"),
        ("contains", "does not fit", "phrases: (a | b)"),
        ("one_sentence(2)", "does not fit", "no argument"),
        ("at_most_words(many)", "does not fit", "a whole number: (3)"),
        ("at_most_words(-1)", "does not fit", "a whole number: (3)"),
        ("length_ratio(2 | 1)", "does not fit", "the least and the most"),
        ("translates(stock)", "does not fit", "stock = 库存"),
        ("translates(a = )", "does not fit", "stock = 库存"),
        ("language(fr)", "does not fit", "(zh) or (en)"),
        ("contains(a", "not how a check is written", "name(argument)"),
        ("checks.py:polite", "not how a check is written", "name(argument)"),
        ("", "not how a check is written", "name(argument)"),
    ],
)
def test_a_line_that_is_no_check_is_named(line: str, what: str, more: str) -> None:
    with pytest.raises(FeedbackError, match=re.escape(what)) as caught:
        read(line)
    assert more in caught.value.expected + caught.value.fix
    assert known(line) is None


def test_what_a_line_says_of_an_answer() -> None:
    line = "contains(订单号) when 退款"
    assert said_of(line, user("我要退款"), "好的") == "回答里没有说到“订单号”。"
    assert said_of(line, user("A 退款 for this order, please"), "ok") == 'The answer does not say "订单号".'
    assert said_of(line, user("我要退款"), "订单号？") == said_of(line, user("你好"), "好") == ""
    assert said_of("checks.py:polite", user("我要退款"), "好的") is None


LINES = st.sampled_from([line for line, *_ in KEPT_BROKEN])


@given(LINES, st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=300)
def test_whatever_is_said_a_check_answers(line: str, message: str, answer: str) -> None:
    check = read(line)
    breach = check.breach(user(message), answer)
    if breach is not None:
        assert all(0 <= start < end <= len(answer) for start, end in breach.places)
        assert check.words(breach, "en")
        assert check.words(breach, "zh")
