"""What the model believes with the comment is learnt without it, on recorded answers and on its own."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from materials import COMMENT, ENGLISH, Parrot, free, labelled, material

from sayso.errors import UnsupportedError
from sayso.learn.batches import views
from sayso.learn.loop import Training, train
from sayso.methods.distil import Knobs, lessons, objective, standing
from sayso.models.divergence import divergences
from sayso.recipe import StrategyPart, TaskPart
from sayso.records import Attempt, Example, Feedback, Imitate, Lesson, Match, Objective, user
from sayso.tasks.generate import task
from sayso.wording import with_comment

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

ALONE = Knobs(anchors=0)
DRAWN = replace(ALONE, rollouts=2)


def matches(taught: tuple[Lesson, ...]) -> list[Match]:
    return [one for one in taught if isinstance(one, Match)]


# ---------------------------------------------------------------- lessons


@pytest.mark.parametrize("comment", [COMMENT, ENGLISH])
def test_the_attempt_and_the_revision_as_the_one_who_read_the_comment_believes_them(comment: Feedback) -> None:
    hinted = with_comment(comment.prompt, None, comment.comment)
    assert comment.comment in hinted[-1].text
    assert comment.attempt.text not in hinted[-1].text
    assert lessons(material(replace(comment, confidence=0.5)), ALONE).lessons == tuple(
        Match(comment.prompt, hinted, text, "start", 0.5, (replace(comment, confidence=0.5).id,))
        for text in (comment.attempt.text, comment.revision or "")
    )


@pytest.mark.parametrize("comment", [COMMENT, ENGLISH])
def test_the_teacher_may_be_shown_the_attempt_and_may_move(comment: Feedback) -> None:
    taught = matches(lessons(material(comment), replace(ALONE, shown=True, teacher="self")).lessons)
    assert {one.hinted for one in taught} == {with_comment(comment.prompt, comment.attempt.text, comment.comment)}
    assert {one.teacher for one in taught} == {"self"}
    silent = replace(comment, attempt=Attempt(""))
    first = matches(lessons(material(silent), replace(ALONE, shown=True)).lessons)[0]
    assert first.hinted == with_comment(comment.prompt, None, comment.comment)


def test_a_comment_alone_is_enough_and_so_is_praise() -> None:
    bare = replace(COMMENT, revision=None)
    praise = Feedback(user("Anyone there?"), Attempt("Good day, yes."), "So polite!", polarity="positive")
    assert [one.target for one in matches(lessons(material(bare, praise), ALONE).lessons)] == [
        "三天。",
        "Good day, yes.",
    ]


def test_two_who_say_the_same_are_one_lesson() -> None:
    other = replace(COMMENT, confidence=0.25)
    taught = lessons(material(other, COMMENT), ALONE).lessons
    assert [(one.from_ids, one.weight) for one in taught] == [((other.id, COMMENT.id), 1.0)] * 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"comment": " "}, "nothing is said"),
        ({"attempt": Attempt(""), "revision": None}, "there is no attempt"),
    ],
)
def test_what_cannot_be_asked_of_a_teacher_is_refused(change: dict[str, Any], reason: str) -> None:
    comment = replace(COMMENT, **change)
    found = lessons(material(comment, ENGLISH), ALONE)
    assert reason in found.refused[comment.id]
    assert {one.from_ids for one in found.lessons} == {(ENGLISH.id,)}
    assert found.notices == ()


def test_only_a_teacher_that_moves_is_not_told_about_length() -> None:
    mixed, only = replace(COMMENT, comment="太长了。店规是七天。"), replace(ENGLISH, comment="Too long!")
    still = matches(lessons(material(mixed, only), ALONE).lessons)
    assert ["太长了" in one.hinted[-1].text for one in still] == [True, True, False, False]
    found = lessons(material(mixed, only), replace(ALONE, teacher="self"))
    assert {one.hinted for one in matches(found.lessons)} == {with_comment(COMMENT.prompt, None, "店规是七天。")}
    assert found.refused == {only.id: "only its length is spoken of"}


def test_hybrid_imitates_the_better_answer_beside_it() -> None:
    bare = replace(ENGLISH, revision=None)
    taught = lessons(material(COMMENT, bare), replace(ALONE, hybrid=0.3)).lessons
    assert [one for one in taught if isinstance(one, Imitate)] == [
        Imitate(COMMENT.prompt, "七天。", from_ids=(COMMENT.id,))
    ]
    silent = replace(COMMENT, comment="")
    assert lessons(material(silent), replace(ALONE, hybrid=0.3)).refused == {}
    assert objective(Knobs(hybrid=0.3)).imitate == 0.3
    assert objective(Knobs()).imitate == 1.0


def test_the_knobs_reach_the_loss() -> None:
    asked = objective(Knobs(divergence="jsd", top_k=7, softening=2.0))
    assert asked == Objective(divergence="jsd", top_k=7, temperature=2.0)
    assert objective(Knobs()).top_k == 0
    assert standing(Knobs(), "zh") == standing(Knobs(), "en") == ""


def test_replay_and_anchors_stand_beside_it() -> None:
    taught = lessons(material(COMMENT, replay=1.0), Knobs(anchors=3, match=0.5, teacher="self")).lessons
    assert len([one for one in taught if isinstance(one, Imitate)]) == 2
    held = [one for one in matches(taught) if not one.from_ids]
    assert len(held) == 3
    assert all(one.context == one.hinted and (one.teacher, one.weight) == ("start", 0.5) for one in held)


def test_a_head_reads_no_comment() -> None:
    with pytest.raises(UnsupportedError, match="'distil' does not work for an encoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder"), ALONE)


# ---------------------------------------------------------------- drawn answers


def test_answers_are_drawn_under_the_plain_prompt_and_read_with_the_comment() -> None:
    parrot = Parrot(["两天。", "五天。", "Two.", "Five."])
    asks = task(TaskPart(name="generate", beams=4, question="Be brief."), ())
    given = material(COMMENT, ENGLISH, speaker=parrot, seed=5, task=asks)
    taught = matches(lessons(given, replace(DRAWN, temperature=0.7, shown=True)).lessons)
    assert [one.target for one in taught] == parrot.answers
    assert parrot.asked == [one.context for one in taught]
    assert parrot.asked[0] == (*asks.context(Example("", ()), "decoder"), *COMMENT.prompt)
    assert taught[0].hinted == with_comment(parrot.asked[0], "三天。", COMMENT.comment)
    assert parrot.sampling is not None
    assert (parrot.sampling.temperature, parrot.sampling.seed, parrot.sampling.beams) == (0.7, 5, 1)


def test_what_is_drawn_empty_or_too_long_is_left_out_and_said() -> None:
    parrot = Parrot(["", "三十天三十天三十天。", "Two.", "Five."])
    given = material(COMMENT, ENGLISH, speaker=parrot, fits=lambda _, answer: len(answer) < 8)
    found = lessons(given, DRAWN)
    assert [one.target for one in matches(found.lessons)] == ["Two.", "Five."]
    reason = "what was drawn is empty or does not fit the model"
    assert found.refused == {COMMENT.id: reason}
    assert found.notices == (f"2 of 4 answers that were drawn are not taught: {reason}",)


def test_a_critic_speaks_to_each_answer_and_where_it_is_silent_nothing_is_taught() -> None:
    parrot = Parrot(["两天。", "七天。", "Two.", "Seven."])

    def critic(about: Feedback, answer: str) -> str | None:
        return None if answer in ("七天。", "Seven.") else f"{answer} -> {about.revision}"

    found = lessons(material(COMMENT, ENGLISH, speaker=parrot, critic=critic), DRAWN)
    hints = [(one.target, one.hinted) for one in matches(found.lessons)]
    assert hints == [
        ("两天。", with_comment(COMMENT.prompt, None, "两天。 -> 七天。")),
        ("Two.", with_comment(ENGLISH.prompt, None, "Two. -> Seven.")),
    ]
    assert found.notices[0].startswith("2 of 4 answers that were drawn are not taught: nothing is said of it")
    shown = matches(lessons(material(COMMENT, speaker=parrot, critic=critic), replace(DRAWN, shown=True)).lessons)
    assert shown[0].hinted == with_comment(COMMENT.prompt, "两天。", "两天。 -> 七天。")


def test_a_critic_is_not_asked_about_recorded_answers() -> None:
    given = material(COMMENT, critic=lambda about, answer: "别的")
    assert lessons(given, ALONE) == lessons(material(COMMENT), ALONE)


def test_the_comments_own_words_stay_with_the_attempt_that_they_are_about() -> None:
    given = material(COMMENT, speaker=Parrot(["两天。"]), critic=lambda about, answer: about.comment)
    taught = matches(lessons(given, replace(DRAWN, shown=True)).lessons)
    assert [one.hinted for one in taught] == [with_comment(COMMENT.prompt, "三天。", COMMENT.comment)]


def test_drawing_needs_a_speaker() -> None:
    with pytest.raises(UnsupportedError, match="needs a model that answers"):
        lessons(material(COMMENT), DRAWN)


# ---------------------------------------------------------------- in token ids, and what moves

CASES = [
    (Feedback(user("the cat sat"), Attempt("bad"), "Say good."), "good"),
    (Feedback(user("一只猫"), Attempt("糟糕"), "要说不错。"), "不错"),
]
ANCHORS = tuple(Example(f"a{i}", user(text), "fine", "train") for i, text in enumerate(("my order 1234", "狗问好")))
STRATEGY = StrategyPart(
    learning_rate=3e-3,
    schedule="constant",
    warmup=0.0,
    batch_rows=4,
    micro_tokens=4096,
    steps=30,
    early_stopping=0,
    weight_decay=0.0,
    clip=1.0,
    label_smoothing=0.0,
    packing="off",
)


@pytest.mark.parametrize("name", ["llama", "bart"])
@pytest.mark.parametrize("rollouts", [0, 3])
def test_student_and_teacher_see_the_same_target_tokens(name: str, rollouts: int) -> None:
    learner = opened(name)
    given = material(
        CASES[0][0], CASES[1][0], task=task(TaskPart(name="generate", max_new_tokens=6), ()), kind=learner.kind
    )
    taught = matches(lessons(replace(given, speaker=learner), replace(ALONE, rollouts=rollouts)).lessons)
    assert taught
    for one in taught:
        seen = views(learner, one)
        assert seen.teacher is not None
        assert seen.student[0].targets == seen.teacher.targets
        assert seen.student[0].ids != seen.teacher.ids
        if rollouts and name == "llama":
            assert seen.student[0].targets == one.target_ids


def reader() -> Any:
    """A tiny decoder that says the better answer where it has read the comment, and the attempt where not."""
    learner = opened("llama")
    apart: list[Lesson] = [Imitate(one.context, one.target or "") for one in map(plainly, ANCHORS)]
    for comment, better in CASES:
        apart.append(Imitate(with_comment(comment.prompt, None, comment.comment), better))
        apart.append(Imitate(comment.prompt, comment.attempt.text))
    list(train(learner, apart, Training(STRATEGY.model_copy(update={"batch_rows": 6, "steps": 60}))))
    learner.core.remember("before")
    return learner


def plainly(example: Example) -> Imitate:
    return Imitate(free().context(example, "decoder"), example.target or "")


def logp(learner: Any, comment: Feedback, answer: str) -> float:
    return float(learner.logps([learner.row(comment.prompt, answer)])[0])


def moved(learner: Any, knobs: Knobs) -> tuple[list[float], list[float], float]:
    """KL to the one that read the comment, before and after it is taught; and how far the anchors moved."""
    found = lessons(material(*(comment for comment, _ in CASES), examples=ANCHORS), knobs)
    pairs = [(one.hinted, one.target) for one in matches(found.lessons) if one.from_ids]
    plain = [(one.context, one.target) for one in matches(found.lessons) if one.from_ids]
    before = [kl for kl, _ in divergences(learner, "before", pairs, plain)]
    list(train(learner, found.lessons, Training(STRATEGY, objective(knobs))))
    after = [kl for kl, _ in divergences(learner, "before", pairs, plain)]
    held = [(one.context, one.target) for one in map(plainly, ANCHORS)]
    return before, after, sum(kl for kl, _ in divergences(learner, "before", held, held))


@pytest.mark.parametrize("divergence", ["reverse", "jsd", "forward"])
def test_what_is_believed_with_the_comment_comes_to_be_believed_without_it(
    divergence: Literal["reverse", "jsd", "forward"],
) -> None:
    learner = reader()
    told = [logp(learner, comment, better) for comment, better in CASES]
    kept = [logp(learner, comment, comment.attempt.text) for comment, _ in CASES]
    before, after, _ = moved(learner, Knobs(divergence=divergence))
    assert all(a < b / 2 for a, b in zip(after, before, strict=True))
    assert all(logp(learner, comment, better) > was + 1 for (comment, better), was in zip(CASES, told, strict=True))
    assert all(logp(learner, one, one.attempt.text) < was - 1 for (one, _), was in zip(CASES, kept, strict=True))


def test_anchors_hold_the_rest_where_it_was() -> None:
    held, loose = (moved(reader(), Knobs(anchors=anchors))[2] for anchors in (1.0, 0.0))
    assert held < loose / 2
