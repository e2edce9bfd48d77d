"""Preference sets the revision over the attempt."""

from __future__ import annotations

from dataclasses import replace

from materials import COMMENT, EXAMPLES, labelled, material

from sayso.methods.prefer import Knobs, lessons, objective, standing
from sayso.recipe import TaskPart
from sayso.records import Attempt, Feedback, Imitate, Match, Prefer, user
from sayso.tasks import classify

ALONE = Knobs(anchors=0)


def test_the_revision_over_the_attempt() -> None:
    taught = lessons(material(replace(COMMENT, confidence=0.5)), ALONE).lessons
    assert [(one.chosen, one.rejected, one.weight) for one in taught if isinstance(one, Prefer)] == [
        ("七天。", "三天。", 0.5)
    ]


def test_the_gold_label_over_the_answered_one_for_a_head() -> None:
    wrong = Feedback(EXAMPLES[3].prompt, Attempt("负面"), "应为正面。", item="e3")
    taught = lessons(material(wrong, task=labelled(), kind="encoder"), ALONE).lessons
    assert taught == (Prefer(EXAMPLES[3].prompt, "正面", "负面", from_ids=(wrong.id,)),)


def test_several_labels_over_none_of_them() -> None:
    task = classify.task(TaskPart(several=True), ("喜", "怒", "哀"))
    wrong = Feedback(user("又哭又笑"), Attempt(""), "少了喜和哀。", revision="喜 | 哀")
    taught = lessons(material(wrong, task=task, kind="encoder"), ALONE).lessons
    assert [(one.chosen, one.rejected) for one in taught if isinstance(one, Prefer)] == [("喜 | 哀", "")]


def test_what_makes_no_pair_is_refused_or_imitated() -> None:
    same = replace(COMMENT, prompt=user("换货呢？"), revision="三天。")
    silent = replace(COMMENT, attempt=Attempt(""))
    without = replace(COMMENT, revision=None)
    praise = Feedback(user("在吗"), Attempt("在的。"), "好。", polarity="positive")
    taught = lessons(material(same, silent, without, praise), ALONE)
    assert [type(one) for one in taught.lessons] == [Imitate]
    assert "attempt itself" in taught.refused[same.id]
    assert "no attempt" in taught.refused[silent.id]
    assert "no gold answer" in taught.refused[without.id]


def test_anchors_and_replay_stand_beside_the_pairs() -> None:
    taught = lessons(material(COMMENT, replay=2.0), Knobs(anchors=3)).lessons
    assert [sum(isinstance(one, cls) for one in taught) for cls in (Prefer, Imitate, Match)] == [1, 2, 3]


def test_the_knobs_reach_the_loss() -> None:
    strength = objective(Knobs(beta=0.3, likelihood=0.5, match=2.0))
    assert (strength.beta, strength.anchor, strength.match) == (0.3, 0.5, 2.0)
    assert standing(Knobs(), "zh") == ""
