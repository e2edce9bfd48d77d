"""One piece of personal data that was found in a text, and how a text is folded before it is searched.

Decided here:
- A text is folded character by character (full-width digits and letters become plain ones), so a place in the folded
  text is the same place in the text.
- Where two finds overlap, the longer one counts; of two that are as long, the one whose form proves more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "id_card",
    "iban",
    "bank_card",
    "ssn",
    "passport",
    "phone",
    "email",
    "ip",
    "plate",
    "address",
    "name",
]
KINDS: tuple[Kind, ...] = get_args(Kind)  # in the order in which their form proves something
_WIDE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}
_DASHES = dict.fromkeys(map(ord, "\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{FULLWIDTH HYPHEN-MINUS}"), "-")


@dataclass(frozen=True, slots=True)
class Found:
    """Characters [start, end) of a text are personal data of this kind."""

    kind: Kind
    start: int
    end: int


def folded(text: str) -> str:
    """The text with full-width letters, digits and signs as plain ones; as long as the text."""
    return text.translate(_WIDE | _DASHES)


def settled(found: Iterable[Found]) -> tuple[Found, ...]:
    """The finds without those that overlap a better one, in the order of the text."""
    best: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start - one.end, KINDS.index(one.kind), one.start)):
        if all(one.end <= other.start or other.end <= one.start for other in best):
            best.append(one)
    return tuple(sorted(best, key=lambda one: one.start))
