"""The shop desk: the same bytes everywhere, splits that share nothing, checks that are right on hand-written cases."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from itertools import pairwise

import pytest

from sayso.errors import Fault, UserError
from sayso.houserules import ALWAYS, Family, HouseRule
from sayso.records import user
from sayso.surface import is_chinese
from sayso.worlds import shop_desk as desk

BOTH = ("en", "zh")


def digest(examples: list[desk.Example]) -> str:
    text = "\n".join(json.dumps(desk.as_row(e), ensure_ascii=False) for e in examples)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ---------------------------------------------------------------- determinism, splits, variety


def test_the_same_seed_gives_the_same_bytes_on_every_machine() -> None:
    assert digest(desk.conversations(300, 7)) == "3103dc9391cd4a0b"
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
    texts = [text for e in desk.plain(1500, 6) for text in (e.prompt[0].text, e.target or "")]
    assert [text for text in texts if re.search(r"[{}\[\]]|  |\bNone\b| [.,?!](?=\s|$)", text)] == []


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
        ("hm", ""),
    ],
)
def test_intents_of_messages_that_people_write(text: str, intent: str) -> None:
    assert desk.intent_of(text) == intent


@pytest.mark.parametrize("language", BOTH)
def test_anger_is_heard_where_it_is_said(language: str) -> None:
    calm = [
        e
        for e in desk.conversations(3000, 12, language)
        if desk._bank(language).intents[e.meta["intent"]].mood == "neutral"
    ]
    heard = [desk._holds("angry", e.prompt[0].text) for e in calm]
    assert heard == [e.meta["sentiment"] == "negative" for e in calm]
    assert 0.08 < sum(heard) / len(heard) < 0.2


def test_plain_prompts_ask_for_replies_and_at_times_for_what_a_text_says() -> None:
    found = desk.plain(900, 3)
    assert len({e.id for e in found}) == 900
    asked = [e for e in found if "\n\n" in e.prompt[0].text]
    assert 120 < len(asked) < 240
    labels = {label for names in desk.SENTIMENTS.values() for label in names.values()}
    assert labels <= {e.target for e in asked}
    assert all((e.target or "-") in e.prompt[0].text for e in asked)
    assert {e.split for e in desk.plain(60, 3, split="test")} == {"test"}
    assert {e.meta["language"] for e in desk.plain(60, 3, "zh")} == {"zh"}


# ---------------------------------------------------------------- rules

REFUND, REFUND_ZH = "I'd like a refund for the kettle.", "电水壶我想退款。"
BROKEN, BROKEN_ZH = "The kettle arrived broken.", "收到的电水壶是坏的。"
WHEN, WHEN_ZH = "When will my kettle arrive?", "电水壶什么时候能到？"
STOCK, STOCK_ZH = "Is the kettle in stock?", "电水壶有货吗？"
PICKUP, PICKUP_ZH = "Can I pick the kettle up myself?", "电水壶可以自提吗？"
THANKS, THANKS_ZH = "The kettle is here and it's perfect. Thank you!", "电水壶到了，特别好，谢谢！"


def rule(family: str, when: str = ALWAYS, language: str = "en", **values: str) -> HouseRule:
    return HouseRule("shop_desk", family, language, when, tuple(values.items()))


NUMBER = rule("ask_for", "refund", item="order number")
NUMBER_ZH = rule("ask_for", "refund", "zh", item="订单号")
CASES = [
    (rule("begin_with", phrase="Ahoy,"), REFUND, "Ahoy, we'll see to it.", True),
    (rule("begin_with", phrase="Ahoy,"), REFUND, "We'll see to it. Ahoy, friend.", False),
    (rule("begin_with", "always", "zh", phrase="枫叶到："), REFUND_ZH, "枫叶到：这就办。", True),
    (rule("begin_with", "always", "zh", phrase="枫叶到："), REFUND_ZH, "这就办。", False),
    (rule("end_with", closer="over and out"), REFUND, "We'll see to it. over and out\n", True),
    (rule("end_with", closer="over and out"), REFUND, "over and out we go.", False),
    (rule("end_with", "always", "zh", closer="回见！"), REFUND_ZH, "这就办。回见！", True),
    (rule("sign_as", signature="Leaf & Co"), REFUND, "We'll see to it.\n— Leaf & Co", True),
    (rule("sign_as", signature="Leaf & Co"), REFUND, "Leaf & Co will see to it.", False),
    (rule("sign_as", "always", "zh", signature="阿枫"), REFUND_ZH, "这就去查。\n——阿枫", True),
    (rule("sign_as", "always", "zh", signature="阿枫"), REFUND_ZH, "阿枫这就去查。", False),
    (rule("mention", "pickup", fact="nine to six"), PICKUP, "Sure! We're open from nine to six.", True),
    (rule("mention", "pickup", fact="nine to six"), PICKUP, "Sure, any time.", False),
    (rule("mention", "pickup", "zh", fact="九点到六点"), PICKUP_ZH, "可以，九点到六点营业。", True),
    (NUMBER, REFUND, "Could you tell us your order number first? Then we'll refund you.", True),
    (NUMBER, REFUND, "Which order is it? We'll look into it.", True),
    (NUMBER, REFUND, "Of course, we'll refund you. What is your order number?", False),
    (NUMBER, REFUND, "A refund is on its way to you.", False),
    (NUMBER, REFUND, "You don't need to send the order number, just the box.", False),
    (NUMBER, REFUND, "Your order number is on the bill.", False),
    (NUMBER_ZH, REFUND_ZH, "请先提供订单号，我们再为您退款。", True),
    (NUMBER_ZH, REFUND_ZH, "您买的是哪一单？麻烦告诉我们。", True),
    (NUMBER_ZH, REFUND_ZH, "可以的，马上给您退款。请告诉我们订单号。", False),
    (NUMBER_ZH, REFUND_ZH, "没问题，全额退款。", False),
    (NUMBER_ZH, REFUND_ZH, "不需要订单号，寄回来就行。", False),
    (rule("ask_for", item="postcode"), WHEN, "Could you give us your postcode? It comes soon.", True),
    (rule("ask_for", "always", "zh", item="快递单号"), WHEN_ZH, "请发一下订单号。", False),
    (rule("ask_for", item="postcode"), WHEN, "It comes to your postcode.", False),
    (rule("ask_for", "always", "zh", item="手机号"), WHEN_ZH, "请留一下手机号，我们查查。", True),
    (rule("say_instead", "when", word="parcel", instead="little box"), WHEN, "Your little box comes soon.", True),
    (rule("say_instead", "when", word="parcel", instead="little box"), WHEN, "The parcel, a little box.", False),
    (rule("say_instead", "when", word="parcel", instead="little box"), WHEN, "It comes soon.", False),
    (rule("say_instead", "when", "zh", word="快递", instead="飞鸽"), WHEN_ZH, "飞鸽已经出发。", True),
    (rule("say_instead", "when", "zh", word="快递", instead="飞鸽"), WHEN_ZH, "快递已经出发。", False),
    (rule("apologise_first", "damaged"), BROKEN, "Hello, we're so sorry. We'll send a new one.", True),
    (rule("apologise_first", "damaged"), BROKEN, "We'll send a new one. Sorry!", False),
    (rule("apologise_first", "damaged", "zh"), BROKEN_ZH, "您好，非常抱歉，马上给您换新。", True),
    (rule("apologise_first", "damaged", "zh"), BROKEN_ZH, "给您换新。对不起。", False),
    (rule("no_day", "when"), WHEN, "It's on its way; the courier will write to you.", True),
    (rule("no_day", "when"), WHEN, "It comes on Friday.", False),
    (rule("no_day", "when"), WHEN, "It takes two or three days.", False),
    (rule("no_day", "when"), WHEN, "", False),
    (rule("no_day", "when", "zh"), WHEN_ZH, "已经在路上了，到之前有短信。", True),
    (rule("no_day", "when", "zh"), WHEN_ZH, "大概三天。", False),
    (rule("one_sentence", "stock"), STOCK, "Yes, and you can order it on the site.", True),
    (rule("one_sentence", "stock"), STOCK, "Yes. You can order it.", False),
    (rule("one_sentence", "stock", "zh"), STOCK_ZH, "有的，网上直接拍就行。", True),
    (rule("one_sentence", "stock", "zh"), STOCK_ZH, "有的。直接拍。", False),
    (rule("brief", "thanks"), THANKS, "You're very welcome, enjoy it!", True),
    (rule("brief", "thanks"), THANKS, "Thank you so much for these very kind words about our little shop!", False),
    (rule("brief", "thanks", "zh"), THANKS_ZH, "不客气，欢迎常来！", True),
    (rule("brief", "thanks", "zh"), THANKS_ZH, "谢谢您的夸奖，我们会把您的话转告给店里的每位同事。", False),
    (rule("as_list"), STOCK, "- Yes.\n- You can order it.", True),
    (rule("as_list"), STOCK, "- Yes. You can order it.", False),
    (rule("as_list"), STOCK, "- Yes.\nYou can order it.", False),
    (rule("as_list", "always", "zh"), STOCK_ZH, "- 有的。\n- 直接拍。", True),
    (rule("as_json", key="reply"), STOCK, '{"reply": "Yes, we do."}', True),
    (rule("as_json", key="reply"), STOCK, '{"answer": "Yes, we do."}', False),
    (rule("as_json", key="reply"), STOCK, '{"reply": "Yes, we do."', False),
    (rule("as_json", "always", "zh", key="回复"), STOCK_ZH, '{"回复": "有的。"}', True),
    (rule("other_language"), STOCK, "有的，网上直接拍就行。", True),
    (rule("other_language"), STOCK, "Yes, we do.", False),
    (rule("other_language", "always", "zh"), STOCK_ZH, "Yes, we do.", True),
    (rule("use_name", "signed"), f"{REFUND}\nPriya", "Dear Priya, could you send the number?", True),
    (rule("use_name", "signed"), f"{REFUND}\nPriya", "Could you send the number, Priya?", False),
    (rule("use_name", "signed", "zh"), f"{REFUND_ZH}\n——王芳", "王芳您好，请发订单号。", True),
    (rule("use_name", "signed", "zh"), f"{REFUND_ZH}\n——王芳", "您好，请发订单号。", False),
    (rule("repeat_number", "numbered"), f"{REFUND} Order MP-20417.", "About order 20417: we'll refund it.", True),
    (rule("repeat_number", "numbered"), f"{REFUND} Order MP-20417.", "About order 20471: we'll refund it.", False),
    (rule("repeat_number", "numbered", "zh"), f"{REFUND_ZH}单号：MP20417。", "订单MP20417可以退。", True),
    (rule("name_product"), REFUND, "We'll refund the kettle.", True),
    (rule("name_product"), REFUND, "We'll refund the lamp.", False),
    (rule("name_product", "always", "zh"), REFUND_ZH, "电水壶给您退。", True),
    (rule("add_emoji", emoji="❤️"), STOCK, "Yes, we do. ❤", True),
    (rule("add_emoji", emoji="🦊"), STOCK, "🦊 Yes, we do.", False),
    (rule("address_as", title="captain"), STOCK, "Hello captain, yes, we do.", True),
    (rule("address_as", title="captain"), STOCK, "Yes, we do have one left, captain.", False),
    (rule("address_as", "always", "zh", title="船长"), STOCK_ZH, "船长您好，有的。", True),
    (rule("thank_first"), STOCK, "Hello, thank you for asking. Yes, we do.", True),
    (rule("thank_first"), STOCK, "Yes, we do. Thank you.", False),
    (rule("thank_first", "always", "zh"), STOCK_ZH, "谢谢您的留言，有的。", True),
    (rule("emphasise", mark="**"), STOCK, "Yes, the **kettle** is in stock.", True),
    (rule("emphasise", mark="**"), STOCK, "Yes, the **kettle** is in stock. A kettle is fine.", False),
    (rule("emphasise", mark="“”"), STOCK, "Yes, the kettle is in stock.", False),
    (rule("emphasise", "always", "zh", mark="「」"), STOCK_ZH, "「电水壶」有现货。", True),
    (rule("refer_to", person="Odalys"), STOCK, "Yes. Odalys will see to it.", True),
    (rule("refer_to", person="Odalys"), STOCK, "Yes. Somebody will see to it.", False),
    (rule("refer_to", "always", "zh", person="仓库小何"), STOCK_ZH, "有的，仓库小何会跟进。", True),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "prompt", "reply", "kept"), CASES, ids=lambda value: getattr(value, "id", None))
def test_checks_on_hand_written_replies(asked: HouseRule, prompt: str, reply: str, kept: bool) -> None:
    assert desk.scope_of(asked, user(prompt)) == "in"
    assert desk.shows(asked, user(prompt), reply) is kept
    assert desk.check(asked, user(prompt), reply) is kept


def test_every_family_has_hand_written_cases_in_both_languages() -> None:
    tried = {(asked.family, asked.language) for asked, *_ in CASES if asked.family != "add_emoji"}
    assert tried == {(family.name, code) for family in desk.FAMILIES for code in BOTH if family.name != "add_emoji"}


SCOPES = [
    (NUMBER, "I'd like a refund for the kettle. Order MP-20417.", "near"),
    (NUMBER_ZH, "不是要退款，只想把毛衣换成大一号的。", "near"),
    (NUMBER, WHEN, "out"),
    (NUMBER, f"{REFUND}\n\nWhich product is this about?", "near"),
    (NUMBER, f"{WHEN}\n\nWhich product is this about?", "out"),
    (rule("apologise_first", "damaged"), "You sent me the wrong colour.", "near"),
    (rule("apologise_first", "damaged"), "What time do you close on Friday?", "out"),
    (rule("no_day", "signed"), "What time do you close on Friday?\nAnna", "near"),
    (rule("brief", "thanks"), "I love your shop! Is the kettle in stock?", "near"),
    (rule("begin_with", phrase="x"), "hm", "in"),
    (rule("begin_with", phrase="x"), f"{REFUND}\n\nWhich product is this about?", "near"),
    (rule("begin_with", "always", "zh", phrase="x"), f"说的是哪样东西？\n\n{REFUND_ZH}", "near"),
    (rule("begin_with", phrase="x"), "kettle, blue, shelf 3, two left\n\nOn which shelf?", "out"),
    (rule("as_list", "angry"), f"{REFUND} This is ridiculous.", "in"),
    (rule("as_list", "angry"), BROKEN, "near"),
    (rule("as_list", "angry"), REFUND, "out"),
    (rule("as_list", "angry", "zh"), f"{REFUND_ZH}体验很差。", "in"),
    (rule("as_list", "signed"), f"{REFUND}\nPriya", "in"),
    (rule("as_list", "signed"), f"{REFUND} Kind regards.", "near"),
    (rule("as_list", "signed"), "Please make out the invoice to Priya.", "out"),
    (rule("as_list", "numbered", "zh"), f"{REFUND_ZH}订单号MP-20417。", "in"),
    (rule("as_list", "numbered", "zh"), REFUND_ZH, "near"),
    (rule("as_list", "numbered"), "Are you open on Sunday?", "out"),
    (rule("use_name", "refund"), f"{REFUND}\nPriya", "in"),
    (rule("use_name", "refund"), REFUND, "near"),
    (rule("name_product"), "I got a kettle instead of a teapot.", "near"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "prompt", "scope"), SCOPES, ids=lambda value: getattr(value, "id", None))
def test_how_a_prompt_stands_to_a_rule(asked: HouseRule, prompt: str, scope: str) -> None:
    assert desk.scope_of(asked, user(prompt)) == scope
    assert desk.check(asked, user(prompt), "Whatever. 随便。") or scope == "in"


def test_thousands_of_rules_none_of_them_the_demos() -> None:
    found = desk.rules(5000, 1, "train")
    assert len({one.id for one in found}) == 5000
    assert {one.family for one in found} == {family.name for family in desk.FAMILIES if not family.held_out}
    reserved = [one for one in found if desk._is_about_number(one) and one.when in (ALWAYS, "refund")]
    assert reserved == []


def test_two_thousand_rules_are_obeyed_and_the_usual_replies_do_not_show_them() -> None:
    for one in desk.rules(1000, 2, "train") + desk.rules(1000, 2, "test"):
        for example in desk.prompts(one, "in", 2, 3):
            reply = desk.obey(one, example)
            assert desk.shows(one, example.prompt, reply), (one.id, reply)
            assert not desk.shows(one, example.prompt, example.target or ""), (one.id, example.target)
            assert desk.sound(example, reply), (one.id, reply)


def test_what_cannot_be_had_is_refused_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "FAMILIES", (Family("as_list"),))
    with pytest.raises(UserError, match="no 9 different rules") as caught:
        desk.rules(9, 1, "train")
    assert "ask for 2" in caught.value.fix
    with pytest.raises(Fault, match="no prompts 'in' for shop_desk/no_day"):
        desk.prompts(rule("no_day", "hours"), "in", 1, 1)


@pytest.mark.parametrize(
    ("usual", "asked", "obeying"),
    [
        ("Hello, we'll check it.", rule("begin_with", phrase="Ahoy there"), "Ahoy there, we'll check it."),
        ("I can check it.", rule("begin_with", phrase="Ahoy,"), "Ahoy, I can check it."),
        ("您好，这就查。", rule("begin_with", "always", "zh", phrase="枫叶到"), "枫叶到，这就查。"),
        ("We'll check it.", rule("end_with", closer="over and out"), "We'll check it. over and out"),
        ("这就查。", rule("sign_as", "always", "zh", signature="阿枫"), "这就查。\n——阿枫"),
        ("Money goes back.", rule("say_instead", word="money", instead="gold dust"), "Gold dust goes back."),
        ("A parcel comes.", rule("say_instead", word="parcel", instead="egg"), "An egg comes."),
        ("Hello, it arrives by Friday at the latest.", rule("no_day", "when"), "Hello, it arrives soon."),
        ("最晚周五送到。", rule("no_day", "when", "zh"), "很快送到。"),
        ("Yes. Order it. Have a lovely day.", rule("one_sentence", "stock"), "Yes; order it."),
        ("有的。直接拍。", rule("one_sentence", "stock", "zh"), "有的，直接拍。"),
        ("Hello. Yes, it is.", rule("as_list"), "- Hello.\n- Yes, it is."),
        ("有“货”。", rule("as_json", "always", "zh", key="回复"), '{"回复": "有“货”。"}'),
        ("The kettle is here.", rule("emphasise", mark="**"), "The **kettle** is here."),
        ("这就查。", rule("add_emoji", "always", "zh", emoji="🦊"), "这就查。🦊"),
    ],
)
def test_obeying_keeps_the_rest(usual: str, asked: HouseRule, obeying: str) -> None:
    prompt = user(
        {"en": WHEN, "zh": WHEN_ZH}[asked.language]
        if asked.when == "when"
        else {"en": STOCK, "zh": STOCK_ZH}[asked.language]
    )
    assert desk.obey(asked, desk.Example("1", prompt, usual)) == obeying


def test_what_a_message_does_not_give_cannot_be_obeyed() -> None:
    example = desk.Example("1", user(REFUND), "We'll see.", meta={"language": "en", "intent": "refund"})
    for family in ("use_name", "repeat_number"):
        assert desk.obey(rule(family), example) == "We'll see."


@pytest.mark.parametrize("language", BOTH)
def test_the_usual_reply_is_sound_and_one_about_something_else_is_not(language: str) -> None:
    found = desk.conversations(1500, 21, language)
    assert sum(desk.sound(e, e.target or "") for e in found) >= 0.995 * len(found)
    others = [
        desk.sound(one, other.target or "")
        for one, other in pairwise(found)
        if one.meta["intent"] != other.meta["intent"]
    ]
    assert sum(others) <= 0.15 * len(others)


@pytest.mark.parametrize(
    ("prompt", "reply", "fine"),
    [
        (REFUND, "Sure, the money goes back to your card.", True),
        (REFUND, "We're open from nine to six.", False),
        (REFUND, '{"reply": "Sure, we refund it."}', True),
        (REFUND, "好的，马上退款。", True),
        (REFUND, "refund refund refund refund refund refund refund refund", False),
        (REFUND, " ", False),
        (REFUND_ZH, "货款原路退回。", True),
        (REFUND_ZH, "九点开门。", False),
        (f"{REFUND}\n\nName the product.", "Kettle.", True),
        (f"{REFUND}\n\nName the product.", "teapot", False),
    ],
)
def test_what_is_sound(prompt: str, reply: str, fine: bool) -> None:
    assert desk.sound(desk.Example("1", user(prompt), "kettle"), reply) is fine
