"""A pull says in which direction and how far a step on a lesson moves an answer: held against such steps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

from sayso.learn.batches import views
from sayso.learn.influence import pulls
from sayso.learn.objective import Item, losses_of, totals
from sayso.protocols import Learner
from sayso.records import Imitate, Lesson, Match, Objective, Prefer, user

ASKED = user("the cat sat on the mat")
LESSONS: tuple[Lesson, ...] = (
    Imitate(ASKED, "good dog", from_ids=("a",)),
    Imitate(ASKED, "hello", weight=0.5, from_ids=("b",)),
    Imitate(user("一只猫坐在垫子上"), "不错", from_ids=("c",)),
    Prefer(ASKED, "good dog", "terrible", from_ids=("d",)),
    Match(ASKED, user("the cat sat on the mat and said good"), "good", teacher="start", from_ids=("e",)),
)
OBJECTIVE = Objective(beta=0.5)


def _stepped(learner: Learner, lesson: Lesson, rate: float) -> float:
    """How far one plain step on one lesson's part of the whole loss moves log p of the answer."""
    answer = learner.row(ASKED, "good dog")
    items = [Item(one, views(learner, one)) for one in LESSONS]
    chosen = items[LESSONS.index(lesson)]
    if isinstance(lesson, Prefer):
        chosen = Item(lesson, chosen.views, tuple(learner.logps(chosen.views.student)))  # type: ignore[arg-type]
    kept = {name: p.detach().clone() for name, p in learner.core.parameters()}
    loss = torch.stack(list(losses_of(learner, [chosen], OBJECTIVE, totals(items)).values())).sum()
    grads = torch.autograd.grad(loss, [p for _, p in learner.core.parameters()], allow_unused=True)
    sides = []
    for way in (rate, -rate):
        with torch.no_grad():
            for (name, p), g in zip(learner.core.parameters(), grads, strict=True):
                p.copy_(kept[name] if g is None else kept[name] - way * g)
        sides.append(learner.logps([answer])[0])
    with torch.no_grad():
        for name, p in learner.core.parameters():
            p.copy_(kept[name])
    return (sides[0] - sides[1]) / (2 * rate)


@pytest.fixture(scope="module")
def learner() -> Learner:
    made = opened("llama")
    made.core.model.double()
    made.core.remember("start")
    made.core.train_mode(False)
    return made  # type: ignore[no-any-return]


def test_a_pull_is_what_a_small_step_does(learner: Learner) -> None:
    found = pulls(learner, learner.row(ASKED, "good dog"), LESSONS, OBJECTIVE)
    expected = [_stepped(learner, lesson, 1e-3) for lesson in LESSONS]
    assert [one.product for one in found] == pytest.approx(expected, rel=2e-2, abs=2e-3)


def test_the_lesson_that_teaches_the_answer_pulls_straight_towards_it(learner: Learner) -> None:
    found = pulls(learner, learner.row(ASKED, "good dog"), LESSONS, OBJECTIVE)
    assert found[0].cosine == pytest.approx(1.0, abs=1e-6)
    assert found[3].product > 0
    assert found[0].product == max(one.product for one in found if one is not found[3])
    away = pulls(learner, learner.row(ASKED, "good dog"), [Imitate(ASKED, "good dog", weight=-1.0)], OBJECTIVE)
    assert away[0].product < 0


def test_nothing_is_left_in_the_learner(learner: Learner) -> None:
    before = {name: p.detach().clone() for name, p in learner.core.parameters()}
    pulls(learner, learner.row(ASKED, "good"), LESSONS, OBJECTIVE)
    for name, p in learner.core.parameters():
        assert p.grad is None
        assert torch.equal(before[name], p)
