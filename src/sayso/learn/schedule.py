"""The learning rate at each step, as a pure function: nothing to save, nothing to resume."""

from __future__ import annotations

import math

DECAY_SHARE = 0.2


def factor(schedule: str, warmup: float, step: int, steps: int) -> float:
    """Share of the peak rate at `step` (0-based) of `steps`; `warmup` is the share of steps that climb linearly.

    linear falls to 0, cosine to 0 along half a wave (arXiv 1608.03983), constant stays, wsd stays and falls linearly
    over the last fifth (arXiv 2404.06395).
    """
    climbing = max(1, round(warmup * steps)) if warmup > 0 else 0
    if step < climbing:
        return (step + 1) / climbing
    gone = (step - climbing) / max(1, steps - climbing)
    if schedule == "linear":
        return max(0.0, 1.0 - gone)
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, gone)))
    if schedule == "wsd":
        return min(1.0, max(0.0, (1.0 - gone) / DECAY_SHARE))
    return 1.0
