"""What a learnt model makes of the comments, measured before and after, and what the gate says of it.

Decided here:
- A measure is shown with what it compares, how many comments or prompts it is on and its verdict; one that was not
  measured is not shown.
- Comments of which the model now does less are shown first, and all of them are counted.
- A proof is shown for the weights that are learnt now, never for earlier ones (store/runs.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sayso.report.contents import Contents
from sayso.report.diff import Parts, around_change, clipped, diff
from sayso.report.figures import DASH, MINUS, about_percent
from sayso.report.loose import mapping, text
from sayso.report.results import Sentence

SHOWN = 6
CLIP = 160
NAMES = {
    "internalised": ("Internalised", "taught comments done as asked, none of them in the prompt"),
    "transfer": ("Transfer", "the same of comments that were held out"),
    "heed": ("Heed", "answers as asked, another comment in the prompt or the comment itself"),
    "overreach": ("Overreach", "answers elsewhere that do what a comment asks"),
    "drift": ("Drift", "KL(before || after) per token, where nobody commented"),
    "retention": ("Retention", "comments of earlier runs done as asked"),
    "obedience": ("Obedience to wrong comments", "answers that do what a comment from elsewhere asks"),
    "belief": ("Belief, taught", "log p of the better answer per token"),
    "belief, held out": ("Belief, held out", "the same of comments that were held out"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measure, written out; `before` is "" where there is one mean alone."""

    name: str
    says: str
    before: str
    after: str
    difference: str
    interval: str
    n: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Fell:
    """A comment of which the model now does less."""

    words: str
    before: Parts
    after: Parts
    shares: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The section."""

    promoted: bool
    words: str
    rows: tuple[Row, ...]
    kept: str
    losses: tuple[str, ...]
    fell: tuple[Fell, ...]
    n_fell: int
    n: int


def proof(contents: Contents) -> Proof | None:
    """None where nothing was proved of what is learnt now."""
    found = contents.run.proof()
    if found is None:
        return None
    gate = mapping(found.get("gate"))
    fates = contents.run.fates()
    fell = [fate for fate in fates if fate.get("fell")]
    return Proof(
        promoted=bool(gate.get("promoted")),
        words=text(gate.get("words")),
        rows=tuple(_row(one) for one in map(mapping, found.get("measures", []))),
        kept=about_percent(found["kept"]) if isinstance(found.get("kept"), float) else "",
        losses=tuple(map(text, gate.get("losses", []))),
        fell=tuple(map(_shown, fell[:SHOWN])),
        n_fell=len(fell),
        n=len(fates),
    )


def promoted(contents: Contents) -> bool:
    """False where the gate refused what was learnt."""
    return bool(mapping((contents.run.proof() or {}).get("gate")).get("promoted", True))


def sentence(contents: Contents) -> Sentence:
    """The gate's ruling; no words where there is none."""
    found = proof(contents)
    if found is None:
        return Sentence("")
    what = "promoted the learnt model" if found.promoted else "refused the learnt model; the stage before stays"
    return Sentence(f"The gate {what}.")


# ---------------------------------------------------------------- inside


def _row(one: Mapping[str, Any]) -> Row:
    name, says = NAMES.get(text(one.get("name")), (text(one.get("name")), ""))
    share = one["unit"] == "share"
    low, high = (_figure(end, share, signed=bool(one["verdict"])) for end in one["interval"])
    before, difference = ("", "") if not one["verdict"] else (_figure(one["before"], share), "")
    if one["verdict"]:
        difference = _figure(one["difference"], share, signed=True)
    unit = "" if share else ", nats"
    interval = f"{low} to {high}" if MINUS in low + high or "+" in low + high else f"{low}{DASH}{high}"
    return Row(
        name + unit, says, before, _figure(one["after"], share), difference, interval, int(one["n"]), one["verdict"]
    )


def _figure(value: float, share: bool, signed: bool = False) -> str:
    written = f"{100 * value:{'+' if signed else ''}.1f}" if share else f"{value:{'+' if signed else ''}.3f}"
    return written.replace("-", MINUS)


def _shown(fate: Mapping[str, Any]) -> Fell:
    outcome = mapping(fate.get("outcome"))
    before, after = diff(*around_change(text(outcome.get("before")), text(outcome.get("after")), CLIP))
    was, now = (about_percent(share) for share in fate["share"])
    return Fell(clipped(text(fate.get("comment")), CLIP), before, after, f"{was} before, {now} after")
