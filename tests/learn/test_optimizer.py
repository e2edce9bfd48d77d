"""Muon against torch's own, which parameters it is given, and two halves that act as one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sayso.learn.optimizer import Muon, Together, inner, optimizer, orthogonal
from sayso.recipe import StrategyPart


def matrices(*shapes: tuple[int, int]) -> list[torch.nn.Parameter]:
    torch.manual_seed(3)
    return [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]


@pytest.mark.parametrize("shape", [(16, 16), (12, 40), (40, 12)])
def test_all_directions_become_equally_strong(shape: tuple[int, int]) -> None:
    given = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    u, _, v = torch.linalg.svd(given, full_matrices=False)
    made = orthogonal(given)
    values = torch.linalg.svdvals(made)
    assert values.min() > 0.3
    assert values.max() < 1.3
    assert (made * (u @ v)).sum() > 0.8 * 3 * min(shape)  # the directions themselves are kept


def test_steps_are_those_of_torch() -> None:
    """torch's own computes in bfloat16; over ten steps both end in the same place but for its rounding."""
    ours, theirs = matrices((24, 24), (24, 24), (24, 60)), matrices((24, 24), (24, 24), (24, 60))
    before = [p.detach().clone() for p in ours]
    mine = Muon(ours, 0.02, 0.1, torch.bfloat16)
    reference = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.1, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for step in range(10):
        for params, stepper in ((ours, mine), (theirs, reference)):
            generator = torch.Generator().manual_seed(step)
            for p in params:
                p.grad = torch.randn(p.shape, generator=generator)
            stepper.step()
    for p, q, start in zip(ours, theirs, before, strict=True):
        assert (p - q).norm() < 0.02 * (q - start).norm()


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("layers.0.q_proj.weight", (64, 64), True),
        ("layers.0.up_proj.weight", (176, 64), True),
        ("embed_tokens.weight", (300, 64), False),
        ("embeddings.position_embeddings.weight", (128, 64), False),
        ("lm_head.weight", (300, 64), False),
        ("classifier.weight", (2, 64), False),
        ("layers.0.q_proj.lora_A.weight", (4, 64), False),
        ("norm.weight", (64,), False),
    ],
)
def test_only_inner_matrices_are_for_muon(name: str, shape: tuple[int, ...], expected: bool) -> None:
    assert inner(name, torch.nn.Parameter(torch.zeros(shape))) is expected


def strategy(name: str) -> StrategyPart:
    return StrategyPart.model_validate({"optimizer": name, "learning_rate": 0.01, "weight_decay": 0.1})


def named() -> list[tuple[str, torch.nn.Parameter]]:
    inside, table = matrices((8, 8), (90, 8))
    return [("inside", inside), ("embed", table), ("bias", torch.nn.Parameter(torch.ones(8)))]


def test_each_parameter_has_exactly_one_optimizer() -> None:
    both = optimizer(named(), strategy("muon"))
    assert isinstance(both, Together)
    assert [type(half).__name__ for half in both.halves] == ["Muon", "AdamW"]
    assert [len(group["params"]) for group in both.param_groups] == [1, 1, 1]
    assert [group["weight_decay"] for group in both.param_groups] == [0.1, 0.1, 0.0]
    assert isinstance(optimizer(named(), strategy("adamw")), torch.optim.AdamW)
    only = matrices((8, 8))
    assert isinstance(optimizer([("inside", only[0])], strategy("muon")), Muon)


def test_a_rate_that_is_set_reaches_both_halves_and_zero_grad_too() -> None:
    params = named()
    both = optimizer(params, strategy("muon"))
    for group in both.param_groups:
        group["lr"] = 0.0
    before = [p.detach().clone() for _, p in params]
    for _, p in params:
        p.grad = torch.ones_like(p)
    both.step()
    assert all(torch.equal(p, was) for (_, p), was in zip(params, before, strict=True))
    both.zero_grad()
    assert all(p.grad is None for _, p in params)


@pytest.mark.parametrize("name", ["muon", "adamw"])
def test_it_goes_on_exactly_from_its_state(name: str) -> None:
    def run(steps: range, params: list[tuple[str, torch.nn.Parameter]], stepper: object) -> None:
        for step in steps:
            generator = torch.Generator().manual_seed(step)
            for _, p in params:
                p.grad = torch.randn(p.shape, generator=generator)
            do: Callable[[], None] = stepper.step  # type: ignore[attr-defined]
            do()

    whole, halved = named(), named()
    first = optimizer(whole, strategy(name))
    run(range(6), whole, first)
    early = optimizer(halved, strategy(name))
    run(range(3), halved, early)
    late = optimizer(halved, strategy(name))
    late.load_state_dict(early.state_dict())
    run(range(3, 6), halved, late)
    assert all(torch.equal(p, q) for (_, p), (_, q) in zip(whole, halved, strict=True))


def test_a_head_may_learn_at_a_multiple_of_the_bodys_rate() -> None:
    body, head, bias = matrices((6, 6), (3, 6), (1, 3))
    named = [("body.weight", body), ("head.weight", head), ("head.bias", torch.nn.Parameter(bias.detach()[0]))]
    before = [p.detach().clone() for _, p in named]
    strategy = StrategyPart(optimizer="adamw", learning_rate=0.01, weight_decay=0.0, head_rate=8.0)
    made = optimizer(named, strategy, head={"head.weight", "head.bias"})
    for group in made.param_groups:
        group["lr"] = strategy.learning_rate * group["times"]
    for _, p in named:
        p.grad = torch.ones_like(p)
    made.step()
    moved = [float((p.detach() - was).abs().mean()) for (_, p), was in zip(named, before, strict=True)]
    assert moved == pytest.approx([0.01, 0.08, 0.08], rel=1e-4)  # Adam's first step has the size of its rate


def test_without_a_multiple_head_and_body_are_one() -> None:
    (body, head) = matrices((6, 6), (3, 6))
    made = optimizer(
        [("body.weight", body), ("head.weight", head)], StrategyPart(learning_rate=0.01), head={"head.weight"}
    )
    assert [len(group["params"]) for group in made.param_groups] == [2]
