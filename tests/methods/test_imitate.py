"""Imitation teaches better answers, replays, anchors what nobody commented on, and says what it cannot use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from materials import COMMENT, ENGLISH, EXAMPLES, free, labelled, material

from sayso.methods.imitate import Knobs, lessons, objective, standing
from sayso.records import Attempt, Feedback, Imitate, Match, Scope, user


def test_a_revision_is_taught_in_the_words_of_the_task() -> None:
    task = replace(free(), question="你是客服。")  # type: ignore[type-var]
    taught = lessons(material(COMMENT, task=task), Knobs(anchors=0)).lessons
    assert taught == (
        Imitate((*task.context(EXAMPLES[0], "decoder")[:1], *COMMENT.prompt), "七天。", from_ids=(COMMENT.id,)),
    )


def test_without_a_revision_the_gold_answer_of_its_item_is() -> None:
    comment = replace(COMMENT, prompt=EXAMPLES[3].prompt, revision=None, item="e3", confidence=0.5)
    taught = lessons(material(comment, task=labelled()), Knobs(anchors=0))
    assert [(one.target, one.weight) for one in taught.lessons if isinstance(one, Imitate)] == [("正面", 0.5)]
    hidden = tuple(replace(one, split="test") for one in EXAMPLES)
    refused = lessons(material(comment, task=labelled(), examples=hidden), Knobs()).refused
    assert "no gold answer" in refused[comment.id]


def test_praise_is_heeded_by_imitating_the_attempt() -> None:
    praise = Feedback(user("在吗"), Attempt("您好，在的。"), "很好！", polarity="positive")
    assert [one.target for one in lessons(material(praise), Knobs(anchors=0)).lessons] == ["您好，在的。"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"revision": None}, "no gold answer"),
        ({"confidence": 0.0}, "confidence is 0"),
        ({"confidence": float("nan")}, "confidence is nan"),
        ({"prompt": ()}, "no prompt"),
    ],
)
def test_a_comment_that_cannot_be_used_is_refused_with_the_reason(change: dict[str, object], reason: str) -> None:
    comment = replace(COMMENT, **change)  # type: ignore[arg-type]
    taught = lessons(material(comment, ENGLISH), Knobs(anchors=0))
    assert [one.from_ids for one in taught.lessons] == [(ENGLISH.id,)]
    assert reason in taught.refused[comment.id]


def test_a_superseded_comment_is_not_taught() -> None:
    newer = replace(COMMENT, revision="十五天。", supersedes=COMMENT.id)
    taught = lessons(material(COMMENT, newer), Knobs(anchors=0))
    assert [one.target for one in taught.lessons] == ["十五天。"]
    assert "superseded" in taught.refused[COMMENT.id]


def test_labels_are_read_leniently_and_others_refused() -> None:
    lenient = replace(COMMENT, revision=" 正面")
    wrong = replace(COMMENT, revision="中性")
    taught = lessons(material(lenient, wrong, task=labelled(), kind="encoder"), Knobs(anchors=0))
    assert [one.target for one in taught.lessons] == ["正面"]
    assert "'中性' is not a label" in taught.refused[wrong.id]


def test_two_comments_that_teach_the_same_are_one_lesson() -> None:
    other = replace(COMMENT, comment="七天才对。", confidence=0.25)
    taught = lessons(material(other, COMMENT), Knobs(anchors=0)).lessons
    assert [(one.from_ids, one.weight) for one in taught] == [((other.id, COMMENT.id), 1.0)]


def test_replay_is_of_training_rows_that_nobody_commented_on() -> None:
    comment = replace(COMMENT, item="e1", revision="正面")
    examples = (*EXAMPLES[:6], *(replace(one, split="test") for one in EXAMPLES[6:]))
    taught = lessons(material(comment, examples=examples, replay=3.0), Knobs(anchors=0)).lessons
    replayed = [one for one in taught if not one.from_ids]
    assert len(replayed) == 3
    allowed = {one.prompt for one in examples if one.split == "train" and one.id != "e1"}
    assert {one.context for one in replayed} <= allowed
    assert len(lessons(material(comment, examples=examples, replay=99.0), Knobs(anchors=0)).lessons) == 1 + 5


def test_anchors_hold_the_model_where_it_was() -> None:
    taught = lessons(material(COMMENT, ENGLISH), Knobs(anchors=2)).lessons
    anchors = [one for one in taught if isinstance(one, Match)]
    assert len(anchors) == 4
    assert all(one.context == one.hinted and one.teacher == "start" and not one.from_ids for one in anchors)
    assert len({one.context for one in anchors}) == 4
    assert objective(Knobs(match=0.25)).match == 0.25


def test_an_item_is_anchored_by_its_neighbours_a_rule_is_not_and_everywhere_by_nothing() -> None:
    near = Feedback(user("这家店第7次来！"), Attempt("负面"), "不对", revision="正面")
    taught = lessons(material(near), Knobs(anchors=2)).lessons
    assert EXAMPLES[7].prompt in [one.context for one in taught if isinstance(one, Match)]
    rule = replace(near, scope=Scope("rule", "老顾客"))
    assert sum(isinstance(one, Match) for one in lessons(material(rule), Knobs(anchors=2)).lessons) == 2
    everywhere = replace(near, scope=Scope("everywhere"))
    assert len(lessons(material(everywhere, COMMENT), Knobs(anchors=2)).lessons) == 2


def test_the_seed_alone_decides_what_is_drawn() -> None:
    def drawn(seed: int) -> object:
        return lessons(material(COMMENT, replay=4.0, seed=seed), Knobs()).lessons

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_nothing_stands_in_the_prompt() -> None:
    assert standing(Knobs(), "zh") == standing(Knobs(), "en") == ""
