"""Attempts are taught under their comments, better answers under the words that stand when the model answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from materials import COMMENT, ENGLISH, EXAMPLES, Parrot, labelled, material

from sayso.errors import UnsupportedError
from sayso.methods import condition, imitate
from sayso.methods.condition import Knobs, lessons, standing
from sayso.recipe import TaskPart
from sayso.records import Attempt, Feedback, Imitate, Match, user
from sayso.tasks.generate import task
from sayso.wording import with_comment, with_standing

ALONE = Knobs(anchors=0)


def test_the_attempt_under_its_comment_and_the_revision_under_the_good_condition() -> None:
    first, second = lessons(material(COMMENT), ALONE).lessons
    assert first == Imitate(with_comment(COMMENT.prompt, None, COMMENT.comment), "三天。", from_ids=(COMMENT.id,))
    assert second == Imitate(with_standing(COMMENT.prompt, standing(ALONE, "zh")), "七天。", from_ids=(COMMENT.id,))
    assert COMMENT.comment in first.context[-1].text
    assert COMMENT.comment not in second.context[-1].text


def test_the_good_condition_is_in_the_language_of_the_prompt() -> None:
    targets = {one.target: one for one in lessons(material(COMMENT, ENGLISH), ALONE).lessons}
    assert targets["Seven."].context == with_standing(ENGLISH.prompt, standing(ALONE, "en"))
    assert targets["七天。"].context[-1].text.endswith(standing(ALONE, "zh"))


texts = st.sampled_from(["", "好的", "七天。", "Yes."])
plain_comments = st.builds(
    Feedback,
    prompt=st.sampled_from([user("问"), user("Why?"), EXAMPLES[1].prompt]),
    attempt=st.builds(Attempt, texts),
    comment=st.sampled_from(["", " ", "\n"]),
    revision=st.none() | texts,
    polarity=st.sampled_from(["negative", "positive"]),
    confidence=st.floats(0, 1),
    item=st.sampled_from(["", "e1"]),
)


@given(st.lists(plain_comments, max_size=4))
@settings(deadline=None, max_examples=60)
def test_with_an_empty_comment_it_equals_imitate(feedback: list[Feedback]) -> None:
    given_ = material(*feedback)
    assert lessons(given_, ALONE).lessons == imitate.lessons(given_, imitate.Knobs(anchors=0)).lessons
    assert set(lessons(given_, ALONE).refused) == set(imitate.lessons(given_, imitate.Knobs()).refused)


def test_what_is_said_about_length_is_no_condition() -> None:
    mixed = replace(COMMENT, comment="太长了。店规是七天。")
    first = lessons(material(mixed), ALONE).lessons[0]
    assert "店规是七天。" in first.context[-1].text
    assert "太长" not in first.context[-1].text
    only = replace(COMMENT, comment="Too long!", revision=None)
    assert "about length" in lessons(material(only), ALONE).refused[only.id]
    kept = lessons(material(only), replace(ALONE, length=True)).lessons
    assert [one.target for one in kept] == ["三天。"]


def test_praise_stands_under_its_own_words_and_under_the_good_condition() -> None:
    praise = Feedback(user("在吗"), Attempt("您好，在的。"), "很有礼貌。", polarity="positive")
    taught = lessons(material(praise), ALONE).lessons
    assert [one.target for one in taught] == ["您好，在的。"] * 2
    assert taught[1].context == with_standing(user("在吗"), standing(ALONE, "zh"))


def test_replay_stands_under_the_good_condition_and_anchors_say_that_it_changes_nothing() -> None:
    taught = lessons(material(COMMENT, replay=1.0), Knobs(anchors=2)).lessons
    words = standing(Knobs(), "zh")
    replayed = [one for one in taught if isinstance(one, Imitate) and not one.from_ids]
    assert len(replayed) == 2
    assert all(one.context[-1].text.endswith(words) for one in replayed)
    anchors = [one for one in taught if isinstance(one, Match)]
    assert len(anchors) == 2
    assert all(one.context == with_standing(one.hinted, words) != one.hinted for one in anchors)


def test_bootstrapping_grades_what_is_said_under_the_good_condition() -> None:
    parrot = Parrot(["七天。", "三十天。"])
    asks = task(TaskPart(name="generate", beams=4), ())
    given_ = material(COMMENT, ENGLISH, speaker=parrot, seed=5, task=asks)
    taught = lessons(given_, replace(ALONE, bootstrap=2, temperature=0.7)).lessons
    assert parrot.asked[0] == with_standing(COMMENT.prompt, standing(ALONE, "zh"))
    assert len(parrot.asked) == 4
    assert parrot.sampling is not None
    assert (parrot.sampling.temperature, parrot.sampling.seed, parrot.sampling.beams) == (0.7, 5, 1)
    new = [one for one in taught if isinstance(one, Imitate)][4:]
    assert [(one.target, one.from_ids) for one in new] == [("三十天。", (ENGLISH.id,))]
    assert "wrong" in new[0].context[-1].text


def test_what_is_drawn_too_long_is_left_out_and_said() -> None:
    parrot = Parrot(["七天。", "三十天三十天三十天。"])
    given_ = material(COMMENT, ENGLISH, speaker=parrot, fits=lambda _, answer: len(answer) < 8)
    found = lessons(given_, replace(ALONE, bootstrap=1))
    assert "三十天三十天三十天。" not in {one.target for one in found.lessons if isinstance(one, Imitate)}
    assert found.notices == (
        "1 of 2 answers that were drawn are not taught: with their comments they do not fit the model",
    )
    assert lessons(material(COMMENT), ALONE).notices == ()


def test_bootstrapping_needs_a_speaker() -> None:
    with pytest.raises(UnsupportedError, match="needs a model that answers"):
        lessons(material(COMMENT), replace(ALONE, bootstrap=1))


def test_a_head_has_no_prompt_to_condition() -> None:
    with pytest.raises(UnsupportedError, match="'condition' does not work for an encoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder"), ALONE)
    assert condition.objective(Knobs(match=2.0)).match == 2.0
