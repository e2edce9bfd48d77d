"""A comment stands where a small model still sees it, in the language of the prompt."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.records import Message, Messages, user
from sayso.wording import (
    BAD,
    GOOD,
    about_questions,
    bare_condition,
    condition,
    instructions,
    judgement,
    language_of,
    language_of_context,
    read_verdict,
    remark,
    rule_for_label,
    to_judge,
    under_condition,
    verdict,
    what_is_wrong,
    with_comment,
    with_standing,
    without_length,
)

contexts = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.sampled_from(["你好", "Hello", ""])),
    max_size=4,
).map(tuple)


@given(contexts, st.sampled_from([None, "三天。"]), st.sampled_from(["", "  ", "\n"]))
@settings(deadline=None, max_examples=40)
def test_an_empty_comment_changes_nothing(context: Messages, attempt: str | None, comment: str) -> None:
    assert with_comment(context, attempt, comment) is context
    assert with_standing(context, comment) is context


@given(contexts, st.sampled_from([None, "三天。"]), st.sampled_from(["要说七天。", "Say {seven}."]))
@settings(deadline=None, max_examples=60)
def test_the_comment_stands_at_the_end_of_the_last_turn_of_the_user(
    context: Messages, attempt: str | None, comment: str
) -> None:
    told = with_comment(context, attempt, comment)
    users = [i for i, message in enumerate(told) if message.role == "user"]
    assert comment in told[users[-1]].text
    assert (attempt or "") in told[users[-1]].text
    last = users[-1]
    others = context[:last] + context[last + 1 :]
    assert told[:last] + told[last + 1 :] == others


def test_what_stands_when_the_model_answers_is_what_stood_in_training() -> None:
    for language, prompt in (("zh", "退货要多久？"), ("en", "How long do returns take?")):
        words = condition("good", language)
        assert with_comment(user(prompt), None, words) == with_standing(user(prompt), remark(words, language))


def test_the_wording_follows_the_prompt_not_the_comment() -> None:
    assert with_comment(user("退货要多久？"), None, "Say seven.")[0].text.endswith("审阅者对回答的评语：Say seven.")
    assert "reviewer" in with_comment(user("How long?"), "三天", "要说七天。")[0].text


def test_an_attempt_is_shown_and_a_better_answer_asked_for() -> None:
    text = with_comment(user("退货要多久？"), "三天。", "要说七天。")[0].text
    assert text.index("退货要多久？") < text.index("三天。") < text.index("要说七天。") < text.index("重新回答")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好", "zh"),
        ("Hello", "en"),
        ("我用 Python 写代码", "zh"),
        ("The word 好 means good", "en"),
        ("", "en"),
        ("42", "en"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language


def test_language_of_a_context_is_that_of_the_last_user() -> None:
    assert language_of_context((Message("system", "You are kind."), Message("user", "你好"))) == "zh"
    assert language_of_context((Message("system", "你很友善。"),)) == "zh"
    assert language_of_context(()) == "en"


def test_both_languages_have_both_conditions() -> None:
    assert set(GOOD) == set(BAD) == {"zh", "en"}
    assert condition("bad", "zh-CN") == BAD["zh"]
    assert condition("good", "de") == GOOD["en"]
    assert remark(" ", "zh") == ""


@pytest.mark.parametrize(
    ("comment", "kept"),
    [
        ("太长了。店规是七天。", "店规是七天。"),
        ("请更简短一些！", ""),
        ("篇幅过长，啰嗦", ""),
        ("字数不够；地址写错了", "地址写错了"),
        ("Too long. It names the wrong day.", "It names the wrong day."),
        ("Make it shorter, please", ""),
        ("Answer in at most twelve words.", ""),
        ("The answer should be more concise. Greet the customer first!", "Greet the customer first!"),
        ("A long-distance call costs 3.50 euros.", "A long-distance call costs 3.50 euros."),
        ("长城不在上海。", "长城不在上海。"),
        ("He is shortlisted; name the length of stay.", "He is shortlisted; name the length of stay."),
        ("", ""),
        ("...", ""),
        ("退货期限是七天", "退货期限是七天"),
    ],
)
def test_what_is_said_about_length_is_taken_out(comment: str, kept: str) -> None:
    assert without_length(comment) == kept


@given(st.text(alphabet="甲乙abc .。！?\n", max_size=20))
@settings(deadline=None, max_examples=80)
def test_a_comment_that_says_nothing_of_length_is_kept_whole(comment: str) -> None:
    kept = without_length(comment)
    assert kept == (comment.strip() if any(letter.isalnum() for letter in comment) else "")


def test_a_judgement_is_asked_of_the_last_turn_of_the_user_and_given_as_it_is_read() -> None:
    before = (Message("system", "你很友善。"), Message("user", "你好"), Message("assistant", "您好"))
    asked = to_judge((*before, Message("user", "退货要多久？")), "三天。")
    assert asked == (*before, Message("user", "留言：退货要多久？\n回答：三天。\n\n这个回答能通过吗？"))
    assert to_judge((), "Three days.")[-1].text.startswith("Message: \nReply: Three days.\n\nWould you")
    with_rule = judgement("How long?", "Three days.", "Well?", "Say seven.", "en")
    assert with_rule == "Message: How long?\nRule: Say seven.\nReply: Three days.\n\nWell?"
    for language in ("zh", "en"):
        assert read_verdict(verdict(True, "…", language)) is True
        assert read_verdict(verdict(False, "…", language)) is False
        assert verdict(False, "…", language).endswith("…")
    assert read_verdict("Three days.") is None


@pytest.mark.parametrize(
    ("said", "will_do"),
    [
        *((words, True) for words in ("YES.", "yes好", "Kept.", "是的。", "符合要求")),
        *((words, False) for words in ("no", "No: too long.", "Not kept", "NO太长", "否。", "不是。太长", "不符合")),
        *((words, None) for words in ("Nothing is wrong.", "None", "Yesterday", "不错。", "是否太长？", "")),
    ],
)
def test_yes_and_no_are_words_of_their_own(said: str, will_do: bool | None) -> None:
    assert read_verdict(f" {said}") is will_do


@pytest.mark.parametrize(
    ("given_", "bare"),
    [
        ("when the user asks about an order", "the user asks about an order"),
        ("If it says “slow”.", "it says “slow”"),
        ("whether or not", "whether or not"),
        ("当用户问起退货的时候", "用户问起退货"),
        ("如果评论提到快递，", "评论提到快递"),
        ("顾客投诉时", "顾客投诉"),
        ("问到几小时", "问到几小时"),
        ("", ""),
    ],
)
def test_a_condition_is_bare_however_it_was_given(given_: str, bare: str) -> None:
    assert bare_condition(given_) == bare_condition(bare) == bare


def test_a_comment_says_in_its_own_language_where_it_holds() -> None:
    assert under_condition("Say seven.", "when asked about returns") == "When asked about returns: Say seven."
    assert under_condition("说七天。", "顾客问起退货时") == "当顾客问起退货时：说七天。"
    assert about_questions("说七天。", ["How long?", "多久？"]) == "遇到“How long?”或“多久？”这类问题：说七天。"
    assert rule_for_label("如果提到快递", "负面") == "如果提到快递，标签就是“负面”。"
    assert rule_for_label("it is late", "bad") == 'If it is late, then the label is "bad".'


def test_a_single_instruction_stands_as_a_comment_does_and_none_leaves_nothing() -> None:
    assert instructions([], "en") == ""
    assert instructions(["Say seven."], "en") == remark("Say seven.", "en")
    assert instructions(["一", "二"], "zh") == "审阅者对回答的要求：\n- 一\n- 二"


def test_a_judgement_may_be_asked_against_a_rule_and_what_it_says_is_told_apart() -> None:
    asked = to_judge((Message("user", "How long?"),), "Three days.", "Say seven.")[-1].text
    assert asked == "Message: How long?\nRule: Say seven.\nReply: Three days.\n\nDoes this reply keep the rule?"
    for language in ("zh", "en"):
        assert what_is_wrong(verdict(False, "Say seven.", language)) == "Say seven."
        assert what_is_wrong(verdict(True, "", language)) == ""
    assert what_is_wrong("No") == ""
    assert what_is_wrong("不对，应为七天。") == "不对，应为七天。"
    assert what_is_wrong("Nothing like it.") == "Nothing like it."
