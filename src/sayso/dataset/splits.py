"""A validation part taken from the training rows.

Decided here:
- Chosen by content and seed alone: the order of the file does not matter, and adding rows moves few others.
- All rows of one text go to the same side, whatever their labels: nothing is validated that was trained on.
- Each label gives its share. Where targets are free text there are no strata to keep.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sayso.dataset.texts import fold
from sayso.errors import DataError
from sayso.records import Example

MOST_STRATA = 1000


def key(example: Example) -> str:
    """What makes two examples the same input: the folded prompt, or the text itself where there is no prompt."""
    return fold("\0".join(m.text for m in example.prompt) if example.prompt else example.target or "")


def split_validation(examples: Sequence[Example], share: float, seed: int) -> tuple[list[Example], list[Example]]:
    """Training and validation examples, each in file order, the latter with their split changed."""
    if not 0 <= share < 1:
        raise DataError(f"data.validation_share is {share}", expected="a share from 0 up to, but not including, 1")
    groups: dict[str, list[int]] = defaultdict(list)
    for i, example in enumerate(examples):
        groups[key(example)].append(i)
    if share == 0 or len(groups) < 2:
        return list(examples), []
    taken = _taken(list(groups.items()), _strata(examples), share, seed)
    kept = [e for i, e in enumerate(examples) if i not in taken]
    return kept, [replace(e, split="validation") for i, e in enumerate(examples) if i in taken]


def _strata(examples: Sequence[Example]) -> list[str]:
    """Each example's stratum: its target where few targets recur, else one for all."""
    targets = [example.target or "" for example in examples]
    recurring = len(set(targets)) <= min(MOST_STRATA, len(targets) // 2)
    return targets if recurring else [""] * len(targets)


def _taken(groups: list[tuple[str, list[int]]], strata: list[str], share: float, seed: int) -> set[int]:
    """Row numbers of the validation part: by stratum in the order of the hashes, until each has its share."""
    by_stratum: dict[str, list[tuple[str, list[int]]]] = defaultdict(list)
    for text, rows in groups:
        rank = hashlib.sha256(f"{seed}\0{text}".encode()).hexdigest()
        by_stratum[strata[rows[0]]].append((rank, rows))
    wanted = _quotas({name: sum(len(rows) for _, rows in found) for name, found in by_stratum.items()}, share)
    taken: set[int] = set()
    for name, found in by_stratum.items():
        count = 0
        for _, rows in sorted(found)[: max(1, len(found) - 1)]:  # something of each label stays for training
            if count + len(rows) <= wanted[name]:
                taken.update(rows)
                count += len(rows)
    smallest = min((rows for _, rows in groups), key=len)
    return taken or set(smallest)


def _quotas(sizes: dict[str, int], share: float) -> dict[str, int]:
    """Whole numbers that add up to the share of all rows: largest remainders first, names break ties."""
    quotas = {name: int(size * share) for name, size in sizes.items()}
    missing = max(1, round(sum(sizes.values()) * share)) - sum(quotas.values())
    by_remainder = sorted(sizes, key=lambda name: (quotas[name] - sizes[name] * share, name))
    for name in by_remainder[: max(0, missing)]:
        quotas[name] += 1
    return quotas
