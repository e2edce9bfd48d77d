"""Comments that say the same come together, opposites never do, and of a contradiction the newer stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.grouping import ALIKE, demand, groups, likeness, notices, overruled, quotes, share_in, terms
from sayso.records import Attempt, Feedback, Scope, user

EVERYWHERE = Scope("everywhere")


def said(words: str, prompt: str = "在吗", **others: Any) -> Feedback:
    return Feedback(user(prompt), Attempt("嗯"), words, **others)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Say seven days.", "The rule says seven days."),
        ("Mention the order number.", "The order number should be mentioned!"),
        ("One exclamation mark at most.", "At most one exclamation mark, please."),
        ("店规是七天，要说七天。", "店里规定是七天，请说七天。"),
        ("请用敬语。", "应该用敬语"),
        ("请更礼貌一些", "要更礼貌"),
        ("Never say “sorry”.", "Don't say “sorry”, please."),
    ],
)
def test_who_says_the_same_in_other_words_is_alike(one: str, other: str) -> None:
    assert likeness(one, other) >= ALIKE
    assert len(groups([said(one), said(other, "别的问题")])) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Always say please.", "Never say please."),
        ("要道歉", "不要道歉"),
        ("店规是七天", "店规是九天"),
        ("Say seven days.", "Say nine days."),
        ("Mention the price.", "Mention the date."),
        ("太长了", "太短了"),
        ("用中文回答", "用英文回答"),
        ("Be polite.", "Be polite, name the price and thank the customer."),
        ('Sign as "Lin".', 'Sign as "Wang".'),
    ],
)
def test_what_differs_in_one_word_that_counts_is_kept_apart(one: str, other: str) -> None:
    assert likeness(one, other) < ALIKE
    assert len(groups([said(one), said(other)])) == 2


def test_under_another_condition_the_same_words_are_another_rule() -> None:
    rules = [said("要道歉", scope=Scope("rule", when)) for when in ("顾客投诉", "顾客发火", "顾客投诉时")]
    assert [len(group) for group in groups(rules)] == [2, 1]
    assert len(groups([rules[0], said("要道歉", scope=EVERYWHERE)])) == 2


def test_a_demand_is_its_matter_and_whether_it_is_forbidden() -> None:
    assert demand("Always say sorry!").matter == demand("never say  SORRY").matter == "saysorry"
    assert [demand(words).forbids for words in ("Never do it", "别道歉", "Do it", "要道歉")] == [
        True,
        True,
        False,
        False,
    ]
    assert demand("一律用敬语").universal
    assert not demand("请用敬语").universal


def test_terms_are_words_without_endings_and_pairs_of_characters() -> None:
    assert terms("The deliveries and a review!") == {"delive", "review"}
    assert terms("评论提到快递") & terms("快递太慢了") == {"快递"}
    assert terms("delivery") & terms("deliveries")
    assert not terms("delivery") & terms("delicious")


def test_the_share_of_terms_or_quotations_that_stands_in_a_text() -> None:
    assert share_in(terms("late delivery"), "The deliveries are always late.") == 1.0
    assert share_in(terms("late delivery"), "A plate of food, delivery was fine.") == 0.5
    assert quotes('it says "Not bad", “slow” or 「慢」') == {"not bad", "slow", "慢"}
    assert share_in({"not bad"}, "That was Not Bad.") == share_in({"慢"}, "太慢了") == 1.0
    assert share_in({"late"}, "A plate") == share_in((), "anything") == 0.0


# ---------------------------------------------------------------- contradictions


def test_of_two_revisions_of_one_prompt_the_newer_counts() -> None:
    old, other, new = (
        said("三天", revision="三天。"),
        said("别的", "几点？", revision="九点。"),
        said("", revision="七天。"),
    )
    assert overruled([old, other, new]) == {old.id: new}
    assert overruled([new, other, old]) == {new.id: old}
    assert overruled([old, replace(old, comment="同样", revision="三天！")]) == {}


def test_revisions_of_different_attempts_may_both_be_good_unless_one_answer_is_right() -> None:
    one = said("别这么冷淡", revision="您好。")
    other = replace(one, attempt=Attempt("干嘛"), revision="在的，请讲。")
    assert overruled([one, other]) == {}
    assert overruled([one, other], one_right=True) == {one.id: other}
    assert notices([one, replace(other, comment="Friendlier!")]) == ()
    assert "contradicted" in notices([one, other], one_right=True)[0]


def test_who_revises_what_another_comment_wants_contradicts_it() -> None:
    wants = said("", revision="您好。")
    revises = replace(wants, attempt=Attempt("您好。"), revision="您好，请讲。")
    assert overruled([wants, revises]) == {wants.id: revises}
    assert overruled([revises, wants]) == {revises.id: wants}
    assert overruled([wants, replace(revises, revision="您好！")]) == {}, "nothing but its point is another"


def test_the_order_of_labels_is_no_contradiction() -> None:
    one = said("", revision="joy | anger")
    assert overruled([one, said("", revision="Anger | joy")]) == {}
    assert overruled([one, said("", revision="joy")]) == {one.id: said("", revision="joy")}


def test_praise_contradicts_only_what_revises_the_very_same_attempt() -> None:
    praise, revision = said("好", polarity="positive"), said("", revision="您好。")
    assert overruled([revision, praise]) == {revision.id: praise}
    assert overruled([praise, revision]) == {praise.id: revision}
    assert overruled([praise, replace(revision, attempt=Attempt("干嘛"))]) == {}
    assert overruled([praise, replace(praise, attempt=Attempt("您好"))]) == {}


@pytest.mark.parametrize(("asks", "forbids"), [("Always say please.", "Never say please!"), ("一律道歉", "绝不道歉")])
def test_always_and_never_contradict_each_other_wherever_they_were_said(asks: str, forbids: str) -> None:
    old, new = said(asks, "问题一"), said(forbids, "问题二")
    assert overruled([old, new]) == {old.id: new}
    assert overruled([new, old]) == {new.id: old}
    narrow = replace(new, scope=Scope("rule", "the user is rude"))
    assert overruled([old, narrow]) == {}, "an exception is no contradiction"


def test_what_is_asked_and_forbidden_softly_must_be_about_the_same_place() -> None:
    asks, forbids = said("要道歉", "一"), said("不要道歉", "二")
    assert overruled([asks, forbids]) == {}
    assert overruled([asks, replace(forbids, prompt=asks.prompt)])
    rule = Scope("rule", "顾客投诉")
    assert overruled([replace(asks, scope=rule), replace(forbids, scope=rule)])
    assert overruled([replace(asks, scope=EVERYWHERE), replace(forbids, scope=EVERYWHERE)])
    assert overruled([replace(asks, scope=rule), replace(forbids, scope=EVERYWHERE)]) == {}


def test_the_user_is_told_both() -> None:
    first, second, third = said("Always say please.", "a"), said("Say seven days.", "b"), said("say seven days", "c")
    told = notices([first, second, third, said("Never say please.", "d")])
    assert told == (
        '"Always say please." is contradicted by the newer "Never say please.": the newer counts',
        '2 comments say the same thing: "say seven days"',
    )
    assert notices([first, second]) == ()
    things = ["apples", "bread", "corn", "dates", "eggs", "figs", "grapes", "honey"]
    many = [said(f"{often} name {thing}.") for often in ("Always", "Never") for thing in things]
    assert notices(many)[-1] == "and 3 more contradictions"


# ---------------------------------------------------------------- properties

words = st.lists(
    st.sampled_from(
        ["always", "never", "say", "sorry", "please", "seven", "nine", "price", "要", "不要", "道歉", "七天", "!"]
    ),
    max_size=5,
).map(" ".join)
comments = st.lists(
    st.builds(
        said,
        words,
        st.sampled_from(["a", "b"]),
        revision=st.none() | st.sampled_from(["x", "y"]),
        polarity=st.sampled_from(["positive", "negative"]),
        scope=st.sampled_from([Scope(), EVERYWHERE, Scope("rule", "asked a"), Scope("rule", "问乙")]),
    ),
    max_size=7,
    unique_by=lambda one: one.id,
)


@given(words, words)
def test_likeness_is_a_symmetric_share_and_whole_with_itself(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) == likeness(other, one) <= 1
    assert likeness(one, one) == 1


@given(comments)
@settings(deadline=None)
def test_groups_share_out_the_comments_in_their_order(feedback: list[Feedback]) -> None:
    found = groups(feedback)
    assert sorted((one for group in found for one in group), key=feedback.index) == feedback
    assert all(list(group) == sorted(group, key=feedback.index) for group in found)
    assert all(likeness(group[0].comment, one.comment) >= ALIKE for group in found for one in group)


@given(comments)
@settings(deadline=None)
def test_who_overrules_is_newer_and_what_is_left_does_not_contradict_itself(feedback: list[Feedback]) -> None:
    lost = overruled(feedback)
    assert all(feedback.index(newer) > [one.id for one in feedback].index(old) for old, newer in lost.items())
    assert not feedback or feedback[-1].id not in lost
    assert overruled([one for one in feedback if one.id not in lost]) == {}
