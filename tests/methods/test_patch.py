"""A rule's label is taught where its condition holds, and nothing changes where it only seems to."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from materials import COMMENT, Parrot, free, labelled, material, steadily

from sayso.errors import UnsupportedError
from sayso.learn.loop import Training, train
from sayso.methods.patch import Knobs, lessons, objective, standing
from sayso.models.divergence import divergences
from sayso.recipe import TaskPart
from sayso.records import Attempt, Example, Feedback, Imitate, Match, Messages, Scope, user
from sayso.tasks import classify
from sayso.wording import rule_for_label, with_comment

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

ENGLISH = classify.task(TaskPart(), ("good", "bad"))
LATE = Scope("rule", "when the review says the delivery was late")
SAID = Feedback(user("Nice lamp, late delivery."), Attempt("good"), "Late is bad.", scope=LATE, revision="bad")
ROWS = (
    Example("r0", user("Late delivery again but nice colour."), "good"),
    Example("r1", user("The deliveries are always late."), "bad"),
    Example("r2", user("A nice plate, delivered by a friend."), "good"),
    Example("r3", user("It broke."), "bad"),
    Example("r4", user("I love it."), "good"),
    Example("r5", user("Too small."), "bad"),
    Example("r6", user("The colour is fine."), "good"),
    Example("r7", user("Never again."), "bad"),
    Example("r8", user("My late father had one."), "good"),
    Example("t0", user("Late delivery, sadly."), "good", "test"),
)
ALONE = Knobs(anchors=0, stated=0)
STRICT = Knobs(anchors=0, stated=0, gate=1.0)


def patched(*feedback: Feedback, **others: Any) -> Any:
    return material(*feedback, **{"task": ENGLISH, "kind": "encoder", "examples": ROWS, **others})


def imitated(found: Any) -> dict[str, tuple[str, float]]:
    return {one.context[0].text: (one.target, one.weight) for one in found.lessons if isinstance(one, Imitate)}


# ---------------------------------------------------------------- lessons


def test_the_text_and_rows_under_the_gate_get_the_label_even_against_their_own() -> None:
    found = lessons(patched(replace(SAID, confidence=0.5)), STRICT)
    assert imitated(found) == {
        "Nice lamp, late delivery.": ("bad", 0.5),
        "Late delivery again but nice colour.": ("bad", 0.5),
        "The deliveries are always late.": ("bad", 0.5),
    }
    assert found.notices == (
        'If the review says the delivery was late, then the label is "bad". '
        "2 training rows are taught it (delive, late), 1 of them against their own label.",
    )
    assert all(one.from_ids == (found.lessons[0].from_ids) for one in found.lessons)
    assert len(imitated(lessons(patched(SAID), replace(STRICT, rows=1)))) == 2
    assert "My late father had one." in imitated(lessons(patched(SAID), ALONE)), "half of the words, as asked for"


def test_where_two_gates_open_the_newer_rule_counts() -> None:
    colour = replace(SAID, prompt=user("Fine colour."), scope=Scope("rule", "it praises the colour"), revision="good")
    both = "Late delivery again but nice colour."
    for order, label in (((SAID, colour), "good"), ((colour, SAID), "bad")):
        given = patched(*order)
        taught = [one.target for one in lessons(given, ALONE).lessons if one.context[0].text == both]  # type: ignore[union-attr]
        assert taught == [label]


def test_without_a_gate_only_the_texts_commented_on_are_taught_and_it_is_said() -> None:
    sarcastic = replace(SAID, scope=Scope("rule", "it is sarcastic"))
    found = lessons(patched(sarcastic), ALONE)
    assert set(imitated(found)) == {"Nice lamp, late delivery."}
    assert "only these are taught" in found.notices[0]


def test_replay_and_anchors_are_only_rows_whose_gates_are_shut_the_nearest_first() -> None:
    knobs = Knobs(anchors=4, gate=1.0, match=2.0)
    found = lessons(patched(SAID, replay=2.0), knobs).lessons
    held = [one for one in found if isinstance(one, Match)]
    texts = [one.context[0].text for one in held]
    assert len(texts) == 4
    assert {"A nice plate, delivered by a friend.", "My late father had one."} & set(texts[:2])
    assert all(one.hinted == one.context and (one.teacher, one.weight) == ("start", 2.0) for one in held)
    again = [one for one in found if isinstance(one, Imitate) and not one.from_ids]
    assert len(again) == 6
    assert not any("eliver" in one.context[0].text and "ate" in one.context[0].text.split()[0] for one in again)


def test_where_gates_overlap_the_newer_patch_has_the_row() -> None:
    colour = Feedback(
        user("Nice colour."), Attempt("bad"), "", scope=Scope("rule", "it praises the colour"), revision="good"
    )
    both = imitated(lessons(patched(SAID, colour), STRICT))
    assert both["Late delivery again but nice colour."][0] == "good"
    assert both["The deliveries are always late."][0] == "bad"


def test_a_model_that_reads_is_shown_the_patch_where_it_holds_and_where_it_does_not() -> None:
    found = lessons(patched(SAID, kind="decoder"), Knobs(gate=1.0, rows=0, anchors=2, stated=0.5)).lessons
    plain = ENGLISH.context(Example("", SAID.prompt), "decoder")
    rule = rule_for_label(LATE.when, "bad")
    stated = with_comment(plain, None, rule)
    assert found[:3] == (
        Imitate(plain, "bad", 1.0, from_ids=(SAID.id,)),
        Imitate(stated, "bad", 0.5, from_ids=(SAID.id,)),
        Match(plain, stated, "bad", "self", 0.5, (SAID.id,)),
    )
    anchors, unmoved = found[3:5], found[5:]
    assert len(unmoved) == 2
    for anchor, one in zip(anchors, unmoved, strict=True):
        assert isinstance(anchor, Match)
        assert isinstance(one, Match)
        assert rule in one.context[0].text
        assert (one.hinted, one.teacher, one.weight) == (anchor.context, "start", 0.5)
        assert one.hinted != one.context
    assert len(lessons(patched(SAID, kind="decoder"), Knobs(gate=1.0, rows=0, anchors=2, stated=0)).lessons) == 3


def test_a_head_is_taught_what_a_decoder_believes_that_has_read_the_patch() -> None:
    class Reader(Parrot):
        def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
            self.asked += prompts
            return [[math.log(0.25), math.log(0.75)] if "always" in p[0].text else [-9.0, 0.0] for p in prompts]

    reader = Reader([""], "decoder")
    found = lessons(patched(SAID, speaker=reader), STRICT)
    soft = [one for one in found.lessons if isinstance(one, Imitate) and "always" in one.context[0].text]
    assert [(one.target, round(one.weight, 6)) for one in soft] == [("good", 0.25), ("bad", 0.75)]
    assert all(rule_for_label(LATE.when, "bad") in prompt[0].text for prompt in reader.asked)
    assert [one.target for one in found.lessons if "again" in one.context[0].text] == ["bad"]  # type: ignore[union-attr]
    assert len(reader.asked) == 2, "what a person labelled is not asked about"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scope": Scope()}, "it is no rule that says when it holds"),
        ({"scope": Scope("everywhere")}, "it is no rule that says when it holds"),
        ({"revision": None}, "no better label is known"),
    ],
)
def test_what_is_no_patch_is_refused(change: dict[str, Any], reason: str) -> None:
    one = replace(SAID, **change)
    assert lessons(patched(one), Knobs()).refused == {one.id: reason}
    assert lessons(patched(one), Knobs()).lessons == ()


def test_it_is_for_labels_and_for_models_that_choose_among_them() -> None:
    with pytest.raises(UnsupportedError, match="'patch' does not work for an encoder-decoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder_decoder"), Knobs())
    with pytest.raises(UnsupportedError, match="this task has none"):
        lessons(material(COMMENT, task=free()), Knobs())
    assert objective(Knobs()).match == 1.0
    assert standing(Knobs(), "zh") == ""


# ---------------------------------------------------------------- what moves

OPTIONS = ("good", "bad")
SHORT = classify.task(TaskPart(question="?"), OPTIONS)  # the tiny models see 96 tokens
TAUGHT = tuple(
    Example(f"d{i}", user(f"the dog {w}"), "good") for i, w in enumerate(["sat", "said hello", "on the mat"])
)
OTHERS = tuple(
    Example(f"c{i}", user(f"the cat {w}"), "good") for i, w in enumerate(["sat", "said hello", "on the mat"])
)
DOG = Feedback(user("hello dog"), Attempt("good"), "Dogs are bad.", scope=Scope("rule", "dog"), revision="bad")
STRATEGY = steadily(16, 40)


def odds(learner: Any, text: str, rule: str = "") -> float:
    """log p(bad) - log p(good) of a text, with a rule in the prompt or without."""
    context = SHORT.context(Example("", user(text)), learner.kind)
    good, bad = learner.weigh([with_comment(context, None, rule)], OPTIONS)[0]
    return float(bad - good)


def classifier(name: str) -> Any:
    """A tiny model that finds everything good, as it has been taught, and remembers that as "before"."""
    learner = opened(name, options=OPTIONS if name == "bert" else ())
    gold = [Imitate(SHORT.context(one, learner.kind), "good") for one in (*TAUGHT, *OTHERS)]
    list(train(learner, gold, Training(STRATEGY.model_copy(update={"steps": 30}))))
    learner.core.remember("before")
    return learner


def patch(learner: Any, knobs: Knobs, steps: int) -> float:
    """Learn the patch; the drift on texts about cats (KL in nats, summed)."""
    found = lessons(patched(DOG, task=SHORT, examples=(*TAUGHT, *OTHERS), kind=learner.kind), knobs)
    list(train(learner, found.lessons, Training(STRATEGY.model_copy(update={"steps": steps}), objective(knobs))))
    near = [(SHORT.context(one, learner.kind), "good") for one in OTHERS]
    return sum(kl for kl, _ in divergences(learner, "before", near, near))


UNSEEN, NEAR = "one dog today", "the cat sat on the mat today"


@pytest.mark.parametrize(("name", "steps"), [("bert", 40), ("llama", 100)])
def test_unseen_texts_under_the_rule_move_to_its_label_and_near_ones_stay_where_they_are_held(
    name: str, steps: int
) -> None:
    held, loose = classifier(name), classifier(name)
    assert max(odds(held, UNSEEN), odds(held, NEAR)) < -4
    drift = patch(held, Knobs(anchors=6.0), steps)
    assert odds(held, UNSEEN) > 4
    assert odds(held, NEAR) < -2
    assert drift < patch(loose, Knobs(anchors=0.0), steps) / 10
    assert odds(loose, NEAR) > 0, "without anchors the rule reaches everything"


def test_the_patch_in_the_prompt_is_learnt_and_changes_nothing_where_it_does_not_hold() -> None:
    learner, rule = classifier("llama"), rule_for_label(DOG.scope.when, "bad")
    assert odds(learner, UNSEEN, rule) < -4
    patch(learner, Knobs(anchors=6.0), 100)
    assert odds(learner, UNSEEN, rule) > 4
    assert odds(learner, NEAR, rule) < -2
