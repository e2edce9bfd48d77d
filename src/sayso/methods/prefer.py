"""The revision rather than the attempt (gold answer where there is no revision), other items held in place.

Direct preference optimisation, arXiv 2305.18290, eq. 7, on pairs that comments make; with p0 the model as it was when
this training began, y+ the better answer and y- the attempt,

    L = - log sigmoid( beta [ log p(y+|x)/p0(y+|x) - log p(y-|x)/p0(y-|x) ] ) - likelihood * log p(y+|x)

The likelihood term keeps y+ itself from becoming less likely (arXiv 2404.19733). As in C3PO (arXiv 2402.10893) near
and general items are held where they were, here by KL to p0. Praise makes no pair: its attempt is imitated.
"""

from __future__ import annotations

from dataclasses import dataclass

from sayso.material import Case, cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Objective, Prefer

KINDS: tuple[Kind, ...] = ("encoder", "encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`beta`: how far from p0 before a pair counts as learnt; `likelihood`: weight of the likelihood term.

    `anchors`: examples held in place, per comment; `match`: how strongly.
    """

    beta: float = 0.1
    likelihood: float = 1.0
    anchors: float = 1.0
    match: float = 1.0


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """One Prefer per comment that has a pair, then replay and anchors."""
    check_kind("prefer", KINDS, material.kind)
    ready, refused = cases(material)
    taught: list[Lesson] = []
    for case in ready:
        lesson = _lesson(case)
        if isinstance(lesson, str):
            refused |= dict.fromkeys(case.from_ids, lesson)
        else:
            taught.append(lesson)
    taught = list(merged(taught))
    if not taught:
        return Syllabus((), refused)
    beside = kept(material, len(taught), knobs.anchors)
    return Syllabus((*taught, *beside), refused)


def objective(knobs: Knobs) -> Objective:
    """The pairs' loss, the likelihood of their better halves, and the anchors."""
    return Objective(beta=knobs.beta, anchor=knobs.likelihood, match=knobs.match)


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


def _lesson(case: Case) -> Lesson | str:
    """The pair, the praised attempt, or why there is neither."""
    if case.better is None:
        return "there is no revision, and no gold answer is known"
    if case.attempt is None:
        return "there is no attempt to prefer the better answer to"
    if case.better != case.attempt:
        return Prefer(case.context, case.better, case.attempt, case.weight, case.from_ids)
    if case.feedback.polarity == "positive":
        return Imitate(case.context, case.better, case.weight, from_ids=case.from_ids)
    return "the better answer is the attempt itself"
