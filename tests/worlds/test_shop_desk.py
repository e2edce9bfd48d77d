"""The shop desk: the same bytes everywhere, splits that share nothing, checks that are right on hand-written cases."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from sayso.errors import UserError
from sayso.records import user
from sayso.surface import is_chinese
from sayso.worlds import shop_desk as desk

BOTH = ("en", "zh")


def digest(examples: list[desk.Example]) -> str:
    text = "\n".join(json.dumps(desk.as_row(e), ensure_ascii=False) for e in examples)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ---------------------------------------------------------------- determinism, splits, variety


def test_the_same_seed_gives_the_same_bytes_on_every_machine() -> None:
    assert digest(desk.conversations(300, 7)) == "bf997fbcce0328fb"
    assert digest(list(desk.pretraining(300, 7))) == "6e86da89c459ec38"
    assert desk.conversations(5, 7) != desk.conversations(5, 8)


def test_more_conversations_begin_with_the_same_ones() -> None:
    assert desk.conversations(20, 3) == desk.conversations(50, 3)[:20]


def test_splits_share_no_message_and_no_way_of_saying_it() -> None:
    def ways(seed: int, split: desk.Split) -> set[str]:
        return {re.sub(r"\d+", "", e.prompt[0].text.lower()) for e in desk.conversations(700, seed, split=split)}

    train, validation, test = ways(1, "train"), ways(2, "validation"), ways(3, "test")
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_messages_are_different_and_answered_in_their_language() -> None:
    found = desk.conversations(600, 4)
    assert len({e.prompt[0].text for e in found}) == 600
    assert {e.meta["language"] for e in found} == set(BOTH)
    for example in found:
        assert (
            is_chinese(example.prompt[0].text)
            == is_chinese(example.target or "")
            == (example.meta["language"] == "zh")
        )
    assert all(e.meta["language"] == "zh" for e in desk.conversations(30, 4, "zh"))


@pytest.mark.parametrize("language", BOTH)
def test_a_reader_does_not_see_templates(language: str) -> None:
    """Of 400 messages nearly all differ in more than names and numbers, and no opening is common to many."""
    texts = [e.prompt[0].text for e in desk.conversations(400, 5, language)]
    openings = Counter(re.sub(r"\W", "", text)[: 12 if language == "en" else 5] for text in texts)
    assert openings.most_common(1)[0][1] <= 40
    assert len(openings) >= 150
    replies = {e.target for e in desk.conversations(400, 5, language)}
    assert len(replies) >= 300


def test_no_slot_or_choice_is_left_in_any_text() -> None:
    texts = [text for e in desk.pretraining(1500, 6) for text in (*(m.text for m in e.prompt), e.target or "")]
    assert [text for text in texts if re.search(r"[{}\[\]|]|  |\bNone\b| [.,?!](?=\s|$)", text)] == []


def test_messages_have_slips_emoji_and_people_in_a_hurry() -> None:
    text = "\n".join(e.prompt[0].text for e in desk.conversations(1500, 9))
    assert all(slip in text for slip in ("Thankyou", "己经", "😊", "🙏", "hi there, "))


# ---------------------------------------------------------------- what a message is about


@pytest.mark.parametrize("language", BOTH)
def test_the_intent_is_heard_from_the_text_alone(language: str) -> None:
    heard = [(desk.intent_of(e.prompt[0].text), e.meta["intent"]) for e in desk.conversations(1200, 11, language)]
    assert [pair for pair in heard if pair[0] != pair[1]] == []
    assert len(set(heard)) == 17


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("I want my money back for this lamp.", "refund"),
        ("这个杯子我想退款", "refund"),
        ("I don't want my money back, only to exchange the dress for a larger one.", "exchange"),
        ("不是要退款，只想把毛衣换成大一号的。", "exchange"),
        ("When are you open on Sunday?", "hours"),
        ("The mug came cracked.", "damaged"),
        ("花瓶寄来就碎了", "damaged"),
        ("Is this negative, neutral or positive?\n\nThe mug came cracked.", ""),
        ("hm", ""),
    ],
)
def test_intents_of_messages_that_people_write(text: str, intent: str) -> None:
    assert desk.intent_of(text) == intent


def test_sentiment_is_balanced_enough_and_said_in_the_message() -> None:
    labels = Counter(e.target for e in desk.sentiments(900, 12))
    assert set(labels) == set(desk.SENTIMENTS)
    assert min(labels.values()) > 90
    by_mood = {(e.meta["intent"], e.target) for e in desk.sentiments(900, 12)}
    assert ("damaged", "positive") not in by_mood
    assert ("thanks", "negative") not in by_mood


# ---------------------------------------------------------------- rules

REFUND, REFUND_ZH = "I'd like a refund for the kettle.", "电水壶我想退款。"
BROKEN, BROKEN_ZH = "The kettle arrived broken.", "收到的电水壶是坏的。"
WHEN, WHEN_ZH = "When will my kettle arrive?", "电水壶什么时候能到？"
STOCK, STOCK_ZH = "Is the kettle in stock?", "电水壶有货吗？"
PICKUP, PICKUP_ZH = "Can I pick the kettle up myself?", "电水壶可以自提吗？"
THANKS, THANKS_ZH = "The kettle is here and it's perfect. Thank you!", "电水壶到了，特别好，谢谢！"
CASES = [
    ("order_number_first", REFUND, "Could you tell us your order number first? Then we'll refund you.", True),
    ("order_number_first", REFUND, "Which order is it? We'll look into it.", True),
    ("order_number_first", REFUND, "Of course, we'll refund you. What is your order number?", False),
    ("order_number_first", REFUND, "A refund is on its way to you.", False),
    ("order_number_first", REFUND, "You don't need to send the order number, just the box.", False),
    ("order_number_first", REFUND, "Your order number is on the bill.", False),
    ("order_number_first", REFUND_ZH, "请先提供订单号，我们再为您退款。", True),
    ("order_number_first", REFUND_ZH, "您买的是哪一单？麻烦告诉我们。", True),
    ("order_number_first", REFUND_ZH, "可以的，马上给您退款。请告诉我们订单号。", False),
    ("order_number_first", REFUND_ZH, "没问题，全额退款。", False),
    ("order_number_first", REFUND_ZH, "不需要订单号，寄回来就行。", False),
    ("apologise_first", BROKEN, "Hello, we're so sorry. We'll send a new one.", True),
    ("apologise_first", BROKEN, "We'll send a new one. Sorry!", False),
    ("apologise_first", BROKEN_ZH, "您好，非常抱歉，马上给您换新。", True),
    ("apologise_first", BROKEN_ZH, "实在不好意思。给您换新。", True),
    ("apologise_first", BROKEN_ZH, "给您换新。对不起。", False),
    ("sign_shop", REFUND, "We'll look into it. Maple & Pine", True),
    ("sign_shop", REFUND, "Maple & Pine will look into it.", False),
    ("sign_shop", REFUND_ZH, "这就去查。\n——枫木小铺", True),
    ("sign_shop", REFUND_ZH, "枫木小铺这就去查。", False),
    ("no_day", WHEN, "It's on its way; the courier will write to you.", True),
    ("no_day", WHEN, "It comes on Friday.", False),
    ("no_day", WHEN, "It takes two or three days.", False),
    ("no_day", WHEN, "", False),
    ("no_day", WHEN_ZH, "已经在路上了，到之前有短信。", True),
    ("no_day", WHEN_ZH, "周五到。", False),
    ("no_day", WHEN_ZH, "大概三天。", False),
    ("one_sentence", STOCK, "Yes, and you can order it on the site.", True),
    ("one_sentence", STOCK, "Yes. You can order it.", False),
    ("one_sentence", STOCK_ZH, "有的，网上直接拍就行。", True),
    ("one_sentence", STOCK_ZH, "有的。直接拍。", False),
    ("opening_hours", PICKUP, "Sure! We're open from nine to six.", True),
    ("opening_hours", PICKUP, "Sure, any time.", False),
    ("opening_hours", PICKUP_ZH, "可以，我们九点到六点营业。", True),
    ("opening_hours", PICKUP_ZH, "可以，随时。", False),
    ("brief_thanks", THANKS, "You're very welcome, enjoy it!", True),
    ("brief_thanks", THANKS, "Thank you so much for these very kind words about our little shop!", False),
    ("brief_thanks", THANKS_ZH, "不客气，欢迎常来！", True),
    ("brief_thanks", THANKS_ZH, "谢谢您的夸奖，我们会把您的话转告给店里的每一位同事，欢迎再来。", False),
    ("use_name", f"{REFUND}\nPriya", "Dear Priya, could you send the number?", True),
    ("use_name", f"{REFUND}\nPriya", "Could you send the number, Priya?", False),
    ("use_name", f"{REFUND_ZH}\n——王芳", "王芳您好，请发订单号。", True),
    ("use_name", f"{REFUND_ZH}\n——王芳", "您好，请发订单号。", False),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "prompt", "reply", "kept"), CASES)
def test_checks_on_hand_written_replies(rule: str, prompt: str, reply: str, kept: bool) -> None:
    assert desk.applies(rule, user(prompt))
    assert desk.check(rule, user(prompt), reply) is kept


@pytest.mark.parametrize(
    ("rule", "near"),
    [
        ("order_number_first", "I'd like a refund for the kettle. Order MP-20417."),
        ("order_number_first", "不是要退款，只想把毛衣换成大一号的。"),
        ("apologise_first", "Can I exchange the dress for a larger one? Nothing else is the matter."),
        ("apologise_first", "电水壶想退款，用不上了。"),
        ("sign_shop", THANKS),
        ("no_day", "What time do you close on Friday?"),
        ("no_day", "周五几点关门？"),
        ("one_sentence", "How big is the kettle exactly?"),
        ("opening_hours", WHEN_ZH),
        ("brief_thanks", "I love your shop! Is the kettle in stock?"),
        ("use_name", "Please make out the invoice to Priya."),
        ("use_name", "发票抬头写错了，应该是王芳。"),
    ],
)
def test_near_scope_does_not_trigger(rule: str, near: str) -> None:
    assert desk.scope_of(rule, user(near)) == "near"
    assert desk.check(rule, user(near), "Whatever. 随便。")


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize("rule", desk.rules())
def test_every_rule_has_prompts_comments_and_replies_that_obey(rule: str, language: str) -> None:
    assert len(set(desk.comments(rule, language))) >= 12
    assert len(set(desk.statements(rule, language))) >= 3
    inside = desk.prompts(rule, "in", 40, 1, language)
    assert all(desk.check(rule, e.prompt, desk.obey(rule, e)) for e in inside)
    kept = sum(desk.check(rule, e.prompt, e.target or "") for e in inside)
    assert kept <= 14, "the base behaviour must leave something to learn"
    for scope in ("near", "out"):
        outside = desk.prompts(rule, scope, 15, 1, language)
        assert len(outside) == 15
        assert not any(desk.applies(rule, e.prompt) for e in outside)
        assert all(desk.obey(rule, e) == e.target for e in outside)


def test_a_rule_changes_only_what_it_is_about() -> None:
    example = next(e for e in desk.prompts("use_name", "in", 40, 2, "en") if e.meta["intent"] == "stock")
    reply = desk.obey("use_name", example)
    assert desk.signed_name(example.prompt[0].text) in reply
    assert (example.target or "").split(". ")[-1].rstrip(".") in reply


def test_an_unknown_rule_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="no rule 'sign_shp'") as caught:
        desk.check("sign_shp", user(REFUND), "x")
    assert "sign_shop" in caught.value.fix


# ---------------------------------------------------------------- material for a base model


def test_pretraining_shows_every_skill_and_leaves_out_what_it_is_told_to() -> None:
    held_out = ("order_number_first", "sign_shop")
    found = list(desk.pretraining(900, 3, without=held_out))
    assert all(e.split == "train" for e in found)
    shapes = Counter(tuple(m.role for m in e.prompt) for e in found)
    assert set(shapes) == {("user",), ("system", "user"), ("user", "assistant", "user")}
    text = "\n".join(m.text for e in found for m in e.prompt)
    for rule in held_out:
        for language in BOTH:
            words = desk.comments(rule, language) + desk.statements(rule, language)
            assert not [comment for comment in words if comment in text]
    assert any(e.target in desk.SENTIMENTS for e in found)
    read = [e for e in found if e.prompt[0].text.endswith(("Who wrote this?", "订单号是多少？", "说的是哪样东西？"))]
    assert len(read) >= 5
    assert all((e.target or "-") in e.prompt[0].text for e in read)
    assert "审阅者" in text
    assert "reviewer" in text


def test_the_command_writes_conversations(tmp_path: Path) -> None:
    desk.main(["--rows", "60", "--seed", "2", "--out", str(tmp_path)])
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 60
    assert all(row["messages"][-1]["role"] == "assistant" for row in rows)
    assert (tmp_path / "validation.jsonl").stat().st_size > 1000
