"""chrF of one text against one reference: how many runs of characters they share. The standard library only.

Decided here:
- As sacreBLEU computes it for a sentence (Popović 2015; runs of 1 to 6 characters, beta 2, white space ignored), so
  that a floor without that library means the same thing. Figures that are reported come from sacreBLEU itself.
"""

from __future__ import annotations

from collections import Counter

ORDER = 6
BETA = 2.0


def chrf(text: str, reference: str) -> float:
    """In [0, 1]; 1 where they are the same but for white space."""
    said, right = "".join(text.split()), "".join(reference.split())
    shared = [_shared(said, right, n) for n in range(1, 1 + min(ORDER, len(said), len(right)))]
    if not shared:
        return 0.0
    precision, recall = (sum(side) / len(shared) for side in zip(*shared, strict=True))
    denominator = BETA**2 * precision + recall
    return (1 + BETA**2) * precision * recall / denominator if denominator else 0.0


def _shared(said: str, right: str, n: int) -> tuple[float, float]:
    """The share of one side's runs of n characters that the other side has too: precision, recall."""
    mine, theirs = (Counter(side[i : i + n] for i in range(len(side) - n + 1)) for side in (said, right))
    common = (mine & theirs).total()
    return common / mine.total(), common / theirs.total()
