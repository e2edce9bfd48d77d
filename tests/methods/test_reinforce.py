"""Better answers of a group become likelier than they were, worse ones less likely; equal ones say nothing."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from materials import COMMENT, ENGLISH, Parrot, labelled, material, steadily

from sayso.errors import UnsupportedError
from sayso.learn.batches import views
from sayso.learn.loop import Training, train
from sayso.learn.objective import Item, losses_of, totals
from sayso.methods.reinforce import Knobs, advantages, lessons, objective, standing
from sayso.recipe import TaskPart
from sayso.records import Attempt, Author, Feedback, Imitate, Lesson, Match, Objective, Reply, Sampling, user
from sayso.tasks.generate import task
from sayso.wording import with_comment

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

ALONE = Knobs(group=2, anchors=0)
PROGRAM = replace(COMMENT, revision=None, author=Author("program", "checks.py:seven"))


class Teller(Parrot):
    """A Parrot that tells tokens, as a model does."""

    def reply(self, prompts: Sequence[Any], sampling: Sampling) -> list[Reply]:
        told = super().reply(prompts, sampling)
        return [replace(one, token_ids=(len(one.text), 1), logprobs=(-0.5, -0.25)) for one in told]


def seven(about: Feedback, answer: str) -> str | None:
    return None if "七" in answer or "Seven" in answer else f"{answer}? {about.comment}"


def imitated(taught: tuple[Lesson, ...]) -> dict[str, float]:
    return {one.target: round(one.weight, 3) for one in taught if isinstance(one, Imitate)}


# ---------------------------------------------------------------- advantages


@given(st.lists(st.floats(0, 1), max_size=9), st.booleans())
@settings(deadline=None)
def test_advantages_add_up_to_nothing_and_follow_the_rewards(rewards: list[float], scale: bool) -> None:
    found = advantages(rewards, scale)
    assert sum(found) == pytest.approx(0, abs=1e-6)
    order = sorted(range(len(rewards)), key=lambda i: rewards[i])
    assert all(found[a] <= found[b] for a, b in pairwise(order))


def test_advantages_are_the_papers() -> None:
    assert advantages([1.0, 0.0, 0.0, 0.0]) == pytest.approx([1.7317, -0.5772, -0.5772, -0.5772], abs=1e-3)
    assert advantages([1.0, 0.0, 0.0, 0.0], scale=False) == [0.75, -0.25, -0.25, -0.25]
    assert advantages([0.4, 0.4, 0.4001]) == [0, 0, 0]


# ---------------------------------------------------------------- lessons


def test_a_group_is_drawn_under_the_plain_prompt_and_weighed_by_its_advantages() -> None:
    parrot = Teller(["七天。", "五天。"])
    found = lessons(material(PROGRAM, speaker=parrot, critic=seven, seed=4), replace(ALONE, temperature=0.6))
    assert parrot.asked == [COMMENT.prompt] * 2
    assert parrot.sampling is not None
    assert (parrot.sampling.temperature, parrot.sampling.seed) == (0.6, 4)
    assert imitated(found.lessons) == {"七天。": 1.0, "五天。": -1.0}
    best = found.lessons[0]
    assert isinstance(best, Imitate)
    assert (best.target_ids, best.behaviour_logprobs) == ((3, 1), (-0.5, -0.25))
    assert best.from_ids == (PROGRAM.id,)
    assert objective(Knobs(clip=0.3, match=2.0)) == Objective(clip=0.3, match=2.0)
    assert standing(Knobs(), "zh") == standing(Knobs(), "en") == ""


@pytest.mark.parametrize("comment", [COMMENT, ENGLISH])
def test_without_a_critic_the_better_answer_rates(comment: Feedback) -> None:
    assert comment.revision is not None
    far = "九月" if comment is COMMENT else "Zoo"
    found = imitated(lessons(material(comment, speaker=Parrot([comment.revision, far])), ALONE).lessons)
    assert found[comment.revision] > 0 > found[far]
    person = material(comment, speaker=Parrot([comment.revision, far]), critic=lambda about, _: about.comment)
    assert imitated(lessons(person, ALONE).lessons) == found


def test_confidence_weighs_and_scale_is_a_choice() -> None:
    doubted = replace(PROGRAM, confidence=0.5)
    given_ = material(doubted, speaker=Parrot(["七天。", "五天。"]), critic=seven)
    assert imitated(lessons(given_, ALONE).lessons) == {"七天。": 0.5, "五天。": -0.5}
    assert imitated(lessons(given_, replace(ALONE, scale=False)).lessons) == {"七天。": 0.25, "五天。": -0.25}


def test_groups_without_spread_give_nothing_and_are_told() -> None:
    praise = Feedback(user("在吗"), Attempt("您好"), "谢谢", author=Author("program", "checks.py:seven"))
    given_ = material(PROGRAM, praise, speaker=Parrot(["七天。", "五天。", "七", "七"]), critic=seven)
    found = lessons(given_, ALONE)
    assert {one.from_ids for one in found.lessons} == {(PROGRAM.id,)}
    assert found.refused == {praise.id: "all answers that were drawn are equally good"}
    assert found.notices[0].startswith("1 of 2 comments give nothing to learn")
    alone = lessons(material(PROGRAM, speaker=Parrot(["七天。", "五天。"]), critic=seven), ALONE)
    assert found.lessons == alone.lessons


def test_what_nobody_can_rate_is_refused() -> None:
    bare = replace(COMMENT, revision=None)
    parrot = Parrot(["七天。", "五天。"])
    found = lessons(material(bare, speaker=parrot), ALONE)
    assert "nobody can say" in found.refused[bare.id]
    assert parrot.asked == []
    for critic in (lambda about, _: about.comment, lambda about, _: ""):
        assert "nobody can say" in lessons(material(bare, speaker=parrot, critic=critic), ALONE).refused[bare.id]
    empty = lessons(material(COMMENT, speaker=Parrot([""])), ALONE)
    assert "can be taught" in empty.refused[COMMENT.id]


def test_an_answer_that_did_not_end_satisfies_nobody() -> None:
    class Endless(Parrot):
        def reply(self, prompts: Sequence[Any], sampling: Sampling) -> list[Reply]:
            told = super().reply(prompts, sampling)
            return [replace(one, ended=len(one.text) < 4) for one in told]

    given_ = material(PROGRAM, speaker=Endless(["七天。", "七天七天"]), critic=seven)
    assert imitated(lessons(given_, ALONE).lessons) == {"七天。": 1.0, "七天七天": -1.0}


def test_with_critique_refinements_join_the_group_and_only_better_ones_are_taught() -> None:
    class Reader(Teller):
        def reply(self, prompts: Sequence[Any], sampling: Sampling) -> list[Reply]:
            self.answers = ["七天。", "八天。"] if self.asked else ["五天。", "六天。"]
            return super().reply(prompts, sampling)

    parrot = Reader([])
    found = lessons(material(PROGRAM, speaker=parrot, critic=seven), replace(ALONE, critique=True))
    hinted = [with_comment(COMMENT.prompt, text, f"{text}? {COMMENT.comment}") for text in ("五天。", "六天。")]
    assert parrot.asked[2:] == hinted
    assert imitated(found.lessons) == {"五天。": -0.577, "六天。": -0.577, "七天。": 1.732}
    refined = found.lessons[-1]
    assert isinstance(refined, Imitate)
    assert (refined.context, refined.target_ids, refined.behaviour_logprobs) == (COMMENT.prompt, (), ())
    alone = lessons(material(PROGRAM, speaker=Parrot(["五天。"]), critic=seven), ALONE)
    assert alone.refused == {PROGRAM.id: "all answers that were drawn are equally good"}


def test_only_answers_that_could_be_better_are_refined() -> None:
    parrot = Parrot(["七天。", "五天。"])
    lessons(material(PROGRAM, speaker=parrot, critic=seven), replace(ALONE, critique=True))
    assert parrot.asked[2:] == [with_comment(COMMENT.prompt, "五天。", f"五天。? {COMMENT.comment}")]


def test_replay_follows_the_comments_that_teach() -> None:
    praise = Feedback(user("在吗"), Attempt("您好"), "谢谢", author=Author("program", "checks.py:seven"))
    given_ = material(PROGRAM, praise, speaker=Parrot(["七天。", "五天。", "七", "七"]), critic=seven, replay=2.0)
    assert len([one for one in lessons(given_, ALONE).lessons if not one.from_ids]) == 2


def test_the_own_words_of_a_comment_stay_with_its_attempt() -> None:
    parrot = Parrot(["五天。", "六天。"])
    lessons(material(COMMENT, speaker=parrot), replace(ALONE, critique=True))
    assert set(parrot.asked[2:]) == {with_comment(COMMENT.prompt, "三天。", COMMENT.comment)}


def test_labels_are_right_or_wrong_and_the_rest_is_kept() -> None:
    comment = Feedback(user("这家店"), Attempt("正面"), "不是正面。", revision="负面")
    speaker = Parrot(["正面", "负面"])
    found = lessons(material(comment, task=labelled(), speaker=speaker, replay=2.0), Knobs(group=4, anchors=3))
    own = [one for one in found.lessons if one.from_ids]
    assert [one.weight > 0 for one in own] == [False, True, False, True]
    assert len([one for one in found.lessons if isinstance(one, Match)]) == 3
    assert len([one for one in found.lessons if isinstance(one, Imitate) and not one.from_ids]) == 2


def test_it_needs_a_model_that_answers_and_reads() -> None:
    with pytest.raises(UnsupportedError, match="needs a model that answers"):
        lessons(material(COMMENT), ALONE)
    with pytest.raises(UnsupportedError, match="'reinforce' does not work for an encoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder"), ALONE)


# ---------------------------------------------------------------- in token ids, and what moves

STRATEGY = steadily(8, 20)


def drawn(learner: Any, knobs: Knobs) -> tuple[Lesson, ...]:
    """What is drawn of a model; the reward is the closeness to one of its own answers, so a group has a spread."""
    asks = task(TaskPart(name="generate", max_new_tokens=5), ())
    comment = Feedback(user("the cat sat"), Attempt("bad"), "Say good.", revision="good")
    return lessons(material(comment, speaker=learner, task=asks, kind=learner.kind, seed=3), knobs).lessons


def gradient(learner: Any, taught: Sequence[Lesson]) -> torch.Tensor:
    items = [Item(one, views(learner, one)) for one in taught]
    learner.core.train_mode(False)
    loss = torch.stack(list(losses_of(learner, items, Objective(), totals(items)).values())).sum()
    found = torch.autograd.grad(loss, [p for _, p in learner.core.parameters()], allow_unused=True)
    return torch.cat([g.flatten() for g in found if g is not None])


def test_at_ratio_one_it_is_advantage_weighted_imitation() -> None:
    """Of lessons just drawn the clipped ratio has the gradient of the advantage times log p, whatever the sign."""
    learner = opened("llama")
    taught = [one for one in drawn(learner, Knobs(group=24, anchors=0)) if isinstance(one, Imitate)]
    assert {one.weight > 0 for one in taught} == {True, False}
    clipped = gradient(learner, taught)
    rows = [learner.row(one.context, one.target, one) for one in taught]
    batch = learner.batch(rows)
    logp_N = torch.log_softmax(learner.logits(batch).float(), -1).gather(1, batch.targets_N[:, None])[:, 0]
    loss = -(batch.weights_N * logp_N).sum() / batch.weights_N.abs().sum()
    found = torch.autograd.grad(loss, [p for _, p in learner.core.parameters()], allow_unused=True)
    plain = torch.cat([g.flatten() for g in found if g is not None])
    assert torch.allclose(clipped, plain, atol=1e-5)
    assert clipped.norm() > 1e-3
    better = [one for one in taught if one.weight > 0]
    bare = [replace(one, behaviour_logprobs=()) for one in better]
    assert torch.allclose(gradient(learner, better), gradient(learner, bare), atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_better_answers_become_likelier_and_worse_ones_less_likely(name: str) -> None:
    learner = opened(name)
    knobs = Knobs(group=24, anchors=0)
    taught = [one for one in drawn(learner, knobs) if isinstance(one, Imitate)]
    assert any(one.weight > 0 for one in taught)
    assert any(one.weight < 0 for one in taught)
    assert all(bool(one.behaviour_logprobs) == (name == "llama") for one in taught)

    def gain() -> float:
        rows = [learner.row(one.context, one.target, replace(one, weight=1.0)) for one in taught]
        return sum(one.weight * logp for one, logp in zip(taught, learner.logps(rows), strict=True))

    before = gain()
    list(train(learner, taught, Training(STRATEGY, objective(knobs))))
    assert gain() > before + 0.1
