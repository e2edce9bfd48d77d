"""How gradients become steps: AdamW for everything, or Muon for the matrices inside and AdamW for the rest.

Decided here:
- Muon is for what is trained from nothing or nearly so: there it needs a fraction of AdamW's tokens. Its update has
  the size of AdamW's (arXiv 2502.16982, section 2.2), so one learning rate serves both halves.
- Embeddings, heads and adapters are not for Muon: a matrix counts as inner when its longer side is at most eight times
  the shorter and its name is not that of an embedding.
- Matrices of one shape are orthogonalised together, in the dtype in which this machine multiplies fast.
- Vectors (biases, norms) are not decayed.
- A head on a pretrained body may learn at a multiple of the body's rate ("times" of its groups).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import torch

from sayso.recipe import StrategyPart

Named = Sequence[tuple[str, torch.nn.Parameter]]
LONGEST_SIDE = 8
_QUINTIC = (3.4445, -4.7750, 2.0315)
_STEPS = 5


def optimizer(
    named: Named,
    strategy: StrategyPart,
    products: torch.dtype = torch.float32,
    head: Collection[str] = (),
) -> Optimizer:
    """The strategy's optimizer over the trainable parameters. `products` is the dtype for Muon's own products.

    `head` names those that learn at `strategy.head_rate` times the rate of the others.
    """
    muon = [p for name, p in named if strategy.optimizer == "muon" and inner(name, p) and name not in head]
    chosen = {id(p) for p in muon}
    rate, decay, times = strategy.learning_rate, strategy.weight_decay, strategy.head_rate
    groups: list[dict[str, Any]] = []
    for part, multiple in ((False, 1.0), (True, times)):
        own = [p for name, p in named if id(p) not in chosen and (name in head and times != 1) is part]
        for params, lost in (([p for p in own if p.dim() >= 2], decay), ([p for p in own if p.dim() < 2], 0.0)):
            if params:
                groups.append({"params": params, "weight_decay": lost, "times": multiple})
    halves: list[torch.optim.Optimizer] = [Muon(muon, rate, decay, products)] if muon else []
    if groups:
        halves.append(torch.optim.AdamW(groups, lr=rate, fused=True))  # arXiv 1711.05101
    return halves[0] if len(halves) == 1 else Together(halves)


def inner(name: str, parameter: torch.nn.Parameter) -> bool:
    """A matrix that maps one hidden state to another: neither embedding nor head, and no low-rank factor."""
    if parameter.dim() != 2 or any(word in name for word in ("embed", "shared", "lm_head", "position")):
        return False
    return max(parameter.shape) <= LONGEST_SIDE * min(parameter.shape)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised: each step moves a matrix equally in all of its directions.

    B = 0.95 B + 0.05 G; U = orthogonal(0.95 B + 0.05 G); W -= rate * (decay * W + 0.2 sqrt(max(m, n)) U).
    Jordan et al. 2024, "Muon"; the factor of arXiv 2502.16982 eq. 4. Parameters are matrices.
    """

    def __init__(
        self, params: Iterable[torch.nn.Parameter], lr: float, weight_decay: float, products: torch.dtype
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": 0.95})
        self.products = products

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step; parameters without a gradient stay."""
        del closure
        for group in self.param_groups:
            alike: dict[torch.Size, list[torch.nn.Parameter]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    alike[p.shape].append(p)
            for shape, params in alike.items():
                wanted = torch.stack([self._momentum(p, group["momentum"]) for p in params])
                size = 0.2 * max(shape) ** 0.5
                for p, update in zip(params, orthogonal(wanted, self.products), strict=True):
                    p.mul_(1 - group["lr"] * group["weight_decay"])
                    p.add_(update.to(p.dtype), alpha=-group["lr"] * size)

    def _momentum(self, p: torch.nn.Parameter, momentum: float) -> torch.Tensor:
        assert p.grad is not None
        buffer = self.state[p].setdefault("momentum", torch.zeros_like(p))
        buffer.lerp_(p.grad, 1 - momentum)
        return p.grad.lerp(buffer, momentum)


class Together:
    """Two optimizers as one."""

    def __init__(self, halves: Sequence[torch.optim.Optimizer]) -> None:
        self.halves = list(halves)

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Both halves' groups; setting a group's rate sets it."""
        return [group for half in self.halves for group in half.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for half in self.halves:
            half.zero_grad(set_to_none=set_to_none)

    def step(self) -> None:
        """One step of each."""
        for half in self.halves:
            half.step()

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on exactly here."""
        return {"halves": [half.state_dict() for half in self.halves]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        for half, own in zip(self.halves, state["halves"], strict=True):
            half.load_state_dict(own)


def orthogonal(matrices_KMN: torch.Tensor, products: torch.dtype = torch.float32) -> torch.Tensor:
    """Each matrix with all its singular values brought near 1 (0.7 to 1.2), by five Newton-Schulz steps.

    X <- aX + (bA + cA^2)X with A = XX', from X scaled to a Frobenius norm of at most 1; K matrices at once.
    """
    a, b, c = _QUINTIC
    x = matrices_KMN.to(products)
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / x.flatten(1).norm(dim=1).clamp(min=1e-7)[:, None, None]
    for _ in range(_STEPS):
        square = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if tall else x


Optimizer = torch.optim.Optimizer | Together
