"""Supervised fine-tuning on people's revisions, or on the gold answers of what they commented on.

The baseline that every other method has to beat: the comment only says which items to learn. With a better answer y to
the prompt x of each comment f, and its confidence w,

    L = - sum_f w_f log p(y_f | x_f) / sum_f w_f |y_f|

beside replayed training rows, and anchors that hold the model where it was on other items (KL to the model as it was
when this training began). Praise is heeded by imitating the attempt itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from sayso.material import cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Objective

KINDS: tuple[Kind, ...] = ("encoder", "encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`anchors`: examples held in place, per comment; `match`: how strongly."""

    anchors: float = 1.0
    match: float = 0.5


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """One Imitate per comment that has a better answer, then replay and anchors."""
    check_kind("imitate", KINDS, material.kind)
    ready, refused = cases(material)
    taught: list[Lesson] = []
    for case in ready:
        if case.better is None:
            refused |= dict.fromkeys(case.from_ids, "there is no revision, and no gold answer is known")
        else:
            taught.append(Imitate(case.context, case.better, case.weight, from_ids=case.from_ids))
    taught = list(merged(taught))
    if not taught:
        return Syllabus((), refused)
    beside = kept(material, len(taught), knobs.anchors)
    return Syllabus((*taught, *beside), refused)


def objective(knobs: Knobs) -> Objective:
    """Likelihood, and the anchors beside it."""
    return Objective(match=knobs.match)


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""
