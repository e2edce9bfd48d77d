"""Words get what they added: exactly where that is known, to the integral where it is not, and nothing is left out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from tiny import opened

from sayso.errors import UnsupportedError
from sayso.models.attribution import Piece, View, integrated, moved_by, sources_of, view_of
from sayso.records import Message, user

ASKED = "the cat sat on the mat 一只猫"


def _linear(weights: list[float]) -> View:
    """A model whose belief is a weighted sum of what it reads: each word's part is its weight."""
    weights_T = torch.tensor(weights)
    pieces = tuple(Piece(f"w{i}", (i,), True) for i in range(len(weights)))
    whole_TD, bare_TD = torch.ones(len(weights), 1), torch.zeros(len(weights), 1)

    def believes(x_BTD: torch.Tensor, targets: Any) -> torch.Tensor:
        sign = 1.0 if tuple(targets) == (0,) else -1.0
        return sign * (x_BTD[..., 0] * weights_T).sum(1, keepdim=True)

    return View(whole_TD, bare_TD, believes, pieces, (0,))


def test_of_a_weighted_sum_each_word_gets_its_weight() -> None:
    moved = moved_by(_linear([3.0, -1.0, 0.5, 0.0]), "yes")
    assert [word.value for word in moved.words] == pytest.approx([3.0, -1.0, 0.5, 0.0], abs=1e-5)
    assert (moved.whole, moved.bare) == pytest.approx((2.5, 0.0))
    assert moved.settled
    assert moved.gap == pytest.approx(0.0, abs=1e-5)


def test_the_check_knows_a_good_order_from_a_bad_one() -> None:
    good = moved_by(_linear([5.0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, -2.0]), "yes").check
    assert good is not None
    assert good.beats >= 0.95
    assert good.gain > 0.2
    assert good.deletion[0] == pytest.approx(1.0)
    assert good.deletion[-1] == pytest.approx(0.0)
    assert good.insertion[0] == pytest.approx(0.0)
    assert good.insertion[-1] == pytest.approx(1.0)
    assert sum(good.deletion) < sum(good.deleted_at_random)
    assert sum(good.insertion) > sum(good.inserted_at_random)
    level = moved_by(_linear([1.0] * 8), "yes").check
    assert level is not None
    assert level.gain == pytest.approx(0.0, abs=1e-6)
    assert level.beats < 0.95


def test_an_answer_that_the_words_speak_against_is_checked_in_the_other_direction() -> None:
    found = moved_by(_linear([-5.0, -0.1, -0.1, -0.1, -0.1, 2.0]), "yes")
    assert found.whole < found.bare
    assert found.check is not None
    assert found.check.beats >= 0.95


def test_two_words_are_too_few_to_check() -> None:
    assert moved_by(_linear([1.0, 2.0]), "yes").check is None


def test_against_another_label_is_the_difference() -> None:
    view = _linear([3.0, -1.0, 0.5])
    against = View(view.whole_TD, view.bare_TD, view.believes, view.pieces, (0,), (1,))
    assert [word.value for word in moved_by(against, "yes", "no").words] == pytest.approx([6.0, -2.0, 1.0], abs=1e-4)


@pytest.mark.parametrize("name", ["bert", "llama", "bart"])
def test_it_is_the_integral_of_the_gradient(name: str) -> None:
    """Against equation 1 of arXiv 1703.01365 as a plain sum of midpoints in float64."""
    learner = opened(name, ("good", "bad") if name == "bert" else ())
    learner.core.model.double()
    view = view_of(learner, user(ASKED), "good", "bad" if name == "bert" else "")
    steps, total_TD = 400, torch.zeros_like(view.whole_TD)
    for step in range(steps):
        x_TD = view.bare_TD + (step + 0.5) / steps * (view.whole_TD - view.bare_TD)
        x_TD.requires_grad_(True)
        total_TD += torch.autograd.grad(view.score(x_TD[None]).sum(), x_TD)[0]
    expected = ((view.whole_TD - view.bare_TD) * total_TD / steps).sum(-1)
    values, gap, _, settled = integrated(view.score, view)
    assert settled
    assert values == pytest.approx(expected.tolist(), abs=2e-2 * float(expected.abs().max()))
    with torch.no_grad():
        ends = view.score(torch.stack([view.whole_TD, view.bare_TD])).tolist()
    assert sum(values) == pytest.approx(ends[0] - ends[1] + gap, abs=1e-5)


@pytest.mark.parametrize("name", ["llama", "bart", "t5", "gpt_neo"])
def test_what_the_words_of_an_answer_used_adds_up_to_what_the_answer_used(name: str) -> None:
    learner = opened(name)
    view = view_of(learner, user(ASKED), "good cat")
    grid, moved = sources_of(learner, view)
    assert len(grid.values) == len(grid.rows)
    assert all(len(line) == len(grid.columns) for line in grid.values)
    assert "cat" in grid.columns
    assert grid.rows[:2] == ("good", "cat")
    said = [word.value for word in moved.words if word.said]
    assert [sum(column) for column in zip(*grid.values, strict=True)] == pytest.approx(said, abs=1e-4)
    whole, _, _, _ = integrated(view.score, view)
    assert sum(whole) == pytest.approx(sum(said), abs=5e-2 * (1 + abs(sum(said))))


def test_what_stands_around_the_words_is_never_taken_away() -> None:
    learner = opened("llama")
    view = view_of(learner, (Message("user", "the cat sat"),), "good")
    around = [place for piece in view.pieces if not piece.said for place in piece.places]
    assert around
    assert torch.equal(view.whole_TD[around], view.bare_TD[around])
    assert not torch.equal(view.whole_TD, view.bare_TD)
    assert all(not word.value for word in moved_by(view, "good").words if not word.said)


def test_several_labels_are_explained_one_by_one() -> None:
    learner = opened("bert", ("good", "bad"), several=True)
    view = view_of(learner, user(ASKED), "bad")
    with torch.no_grad():
        ids = torch.tensor([learner.row(user(ASKED), "").ids])
        logit = learner.core.model(input_ids=ids).logits[0, learner.places["bad"]]
        assert view.score(view.whole_TD[None]).item() == pytest.approx(logit.item(), abs=1e-5)


def test_a_table_that_is_scaled_afterwards_is_scaled_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = opened("pegasus")
    monkeypatch.setattr(learner.core.model.get_encoder(), "embed_scale", 3.0)
    view = view_of(learner, user(ASKED), "good")
    row = learner.row(user(ASKED), "good")
    assert view.score(view.whole_TD[None]).item() == pytest.approx(learner.logps([row])[0], abs=1e-3)


def test_embeddings_that_mean_something_else_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = opened("llama")
    real = learner.core.model.forward

    def forward(*args: Any, inputs_embeds: torch.Tensor | None = None, **kwargs: Any) -> Any:
        return real(*args, inputs_embeds=None if inputs_embeds is None else 5 * inputs_embeds.flip(1), **kwargs)

    monkeypatch.setattr(learner.core.model, "forward", forward)
    with pytest.raises(UnsupportedError, match="reads embeddings otherwise"):
        view_of(learner, user("good dog " * 5), "hello to the dog")
