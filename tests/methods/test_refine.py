"""The refiner is taught on revisions; what it writes is taught without the comment where it passes, and only there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from materials import COMMENT, ENGLISH, Parrot, labelled, material, steadily

from sayso.errors import UnsupportedError
from sayso.learn.loop import Training, train
from sayso.methods.refine import ROUNDS, Knobs, lessons, objective, standing
from sayso.recipe import TaskPart
from sayso.records import Attempt, Author, Feedback, Imitate, Lesson, Messages, Reply, Sampling, user
from sayso.tasks.generate import task
from sayso.wording import with_comment

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

ALONE = Knobs(samples=2, anchors=0)
BARE = replace(COMMENT, revision=None)


def imitated(taught: tuple[Lesson, ...]) -> list[tuple[Any, str, float]]:
    return [(one.context, one.target, one.weight) for one in taught if isinstance(one, Imitate)]


def refining(comment: Feedback) -> Any:
    return with_comment(comment.prompt, comment.attempt.text, comment.comment)


@pytest.mark.parametrize("comment", [COMMENT, ENGLISH])
def test_the_first_of_several_rounds_teaches_the_refiner_and_draws_nothing(comment: Feedback) -> None:
    parrot = Parrot(["七天。"])
    praise = Feedback(user("在吗"), Attempt("您好，在的。"), "很好！", polarity="positive")
    found = lessons(material(comment, praise, BARE, speaker=parrot, rounds=ROUNDS), replace(ALONE, refiner=0.5))
    assert imitated(found.lessons) == [(refining(comment), comment.revision, 0.5)]
    assert parrot.asked == []
    assert comment.attempt.text in refining(comment)[-1].text
    assert comment.comment in refining(comment)[-1].text


def test_later_rounds_draw_under_the_comment_and_teach_without_it_beside_the_refiner() -> None:
    parrot = Parrot(["七天。", "退货要七天。", "Seven.", "Seven days."])
    given = material(COMMENT, ENGLISH, speaker=parrot, round=1, rounds=3, seed=5)
    found = lessons(given, replace(ALONE, temperature=0.4, longest=4))
    assert parrot.asked == [refining(COMMENT)] * 2 + [refining(ENGLISH)] * 2
    assert parrot.sampling is not None
    assert (parrot.sampling.temperature, parrot.sampling.seed, parrot.sampling.beams) == (0.4, 5, 1)
    taught = imitated(found.lessons)
    assert (COMMENT.prompt, "七天。", 1.0) in taught
    assert (COMMENT.prompt, "退货要七天。", 0.5) in taught
    assert (ENGLISH.prompt, "Seven days.", 0.5) in taught
    assert (refining(COMMENT), "七天。", 1.0) in taught
    assert found.notices == ()


def test_with_one_round_it_draws_from_the_model_as_it_is() -> None:
    one = lessons(material(COMMENT, speaker=Parrot(["七天。"])), ALONE)
    later = lessons(material(COMMENT, speaker=Parrot(["七天。"]), round=2, rounds=3), ALONE)
    assert one == later
    first = lessons(material(BARE, speaker=Parrot(["七天。"]), rounds=3), ALONE)
    assert imitated(first.lessons) == [(COMMENT.prompt, "七天。", 1.0)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        (" 三天。", "the attempt again"),
        ("九月里去公园", "nothing in common"),
        ("七天。" + "好的，" * 20 + "三天。", "shorter or longer"),
        ("四天。", "no closer"),
        ("七天，从签收起算。", "does not fit the model"),
    ],
)
def test_what_does_not_pass_is_not_taught_and_the_reason_said(text: str, reason: str) -> None:
    given = material(COMMENT, speaker=Parrot([text]), fits=lambda _, answer: "签收" not in answer)
    found = lessons(given, replace(ALONE, longest=4))
    assert text not in {target for _, target, _ in imitated(found.lessons)}
    assert len(found.notices) == 1
    assert found.notices[0].startswith("2 of 2 refinements are not taught")
    assert reason in found.notices[0]


def test_praise_is_imitated_and_never_refined() -> None:
    parrot = Parrot(["在的，您请讲。"])
    praise = Feedback(user("在吗"), Attempt("您好，在的。"), "很好！", polarity="positive")
    found = lessons(material(praise, speaker=parrot), ALONE)
    assert imitated(found.lessons) == [(praise.prompt, "您好，在的。", 1.0)]
    assert parrot.asked == []
    revised = lessons(material(replace(praise, revision="您好！我在的。"), speaker=parrot), ALONE)
    assert imitated(revised.lessons) == [(praise.prompt, "您好！我在的。", 1.0)]


def test_what_was_cut_off_is_not_taught() -> None:
    class Endless(Parrot):
        def reply(self, prompts: Sequence[Messages], sampling: Sampling) -> list[Reply]:
            return [replace(one, ended=False) for one in super().reply(prompts, sampling)]

    found = lessons(material(COMMENT, speaker=Endless(["七天。"]), round=1, rounds=2), replace(ALONE, refiner=0))
    assert imitated(found.lessons) == [(COMMENT.prompt, "七天。", 1.0)]
    assert "unfinished" in found.notices[0]


def test_a_refinement_should_be_as_long_as_the_better_answer_and_not_as_the_attempt() -> None:
    told = replace(COMMENT, attempt=Attempt("退货这件事一般来说大约需要三天。"))
    found = lessons(material(told, speaker=Parrot(["退货这件事一般来说大约需要七天。"])), ALONE)
    assert "shorter or longer" in found.notices[0]


def test_length_is_no_bound_where_the_comment_speaks_of_it() -> None:
    long = replace(COMMENT, comment="太长了。", attempt=Attempt("退货一般来说大约需要三天。"), revision=None)
    taught = lessons(material(long, speaker=Parrot(["三天。"])), ALONE)
    assert [target for _, target, _ in imitated(taught.lessons)] == ["三天。"]
    other = replace(long, comment="不要说大约。")
    assert lessons(material(other, speaker=Parrot(["三天。"])), ALONE).refused == {
        other.id: "no refinement of the attempt passed, and there is no better answer"
    }


def test_who_commented_decides_where_they_can_be_asked() -> None:
    program = replace(BARE, author=Author("program", "checks.py:seven"))
    parrot = Parrot(["七天。", "五天。"])

    def critic(about: Feedback, answer: str) -> str | None:
        return None if "七" in answer else about.comment

    found = lessons(material(program, speaker=parrot, critic=critic), ALONE)
    assert [target for _, target, _ in imitated(found.lessons)] == ["七天。"]
    assert "does not satisfy who commented" in found.notices[0]
    person = lessons(material(BARE, speaker=parrot, critic=lambda about, answer: about.comment), ALONE)
    assert [target for _, target, _ in imitated(person.lessons)] == ["七天。", "五天。"]


def test_labels_are_refined_into_labels_only() -> None:
    comment = Feedback(user("这家店"), Attempt("正面"), "不是正面。")
    found = lessons(material(comment, task=labelled(), speaker=Parrot(["好评", "负面"])), ALONE)
    assert [target for _, target, _ in imitated(found.lessons)] == ["负面"]


def test_the_rest_is_kept() -> None:
    found = lessons(material(COMMENT, speaker=Parrot(["七天。"]), replay=1.0), Knobs(samples=1, anchors=3))
    assert len([one for one in found.lessons if not one.from_ids]) == len(imitated(found.lessons)) / 2 + 3
    assert objective(Knobs(match=0.3)).match == 0.3
    assert standing(Knobs(), "zh") == standing(Knobs(), "en") == ""


def test_it_needs_a_model_that_answers_and_reads() -> None:
    with pytest.raises(UnsupportedError, match="needs a model that answers"):
        lessons(material(COMMENT), ALONE)
    with pytest.raises(UnsupportedError, match="'refine' does not work for an encoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder"), ALONE)


STRATEGY = steadily(4, 60)


def test_what_the_taught_refiner_writes_becomes_likelier_without_the_comment() -> None:
    """Round by round on a real model: one comment has a revision, the other is revised by what was learnt of it."""
    learner = opened("llama")
    told = Feedback(user("the cat sat"), Attempt("bad"), "Say good.", revision="good")
    untold = Feedback(user("一只猫"), Attempt("bad"), "Say good.")
    asks = task(TaskPart(name="generate", max_new_tokens=6), ())
    knobs = Knobs(samples=4, temperature=0.3, anchors=0)

    def logp(answer: str) -> float:
        return float(learner.logps([learner.row(untold.prompt, answer)])[0])

    list(train(learner, [Imitate(untold.prompt, "bad"), Imitate(told.prompt, "bad")], Training(STRATEGY)))
    before = logp("good") - logp("bad")
    for number in range(3):
        given = material(told, untold, speaker=learner, task=asks, round=number, rounds=3, seed=number)
        found = lessons(given, knobs)
        list(train(learner, found.lessons, Training(STRATEGY, objective(knobs))))
    assert any(untold.id in one.from_ids for one in found.lessons)
    assert logp("good") - logp("bad") > before + 1
