"""The comment itself is the target: the model learns to say of an answer what was said of it.

Critique fine-tuning, CFT, arXiv 2501.17703; feedback modelling beside the task itself, RLTF, arXiv 2602.02482. With
prompt x, attempt o, the judgement v that the comment makes of it, and a better answer y where there is one,

    L = - sum [ log p(v | x, o) + auxiliary * log p(y | x) ] / sum [ |v| + auxiliary * |y| ]

A judgement is worded as the exercises of the embedded model word it: "No." and the comment, "Yes." for praise, and the
comment alone where it is neither. By itself this teaches to judge; what is answered moves only as far as judging and
answering share weights, so the better answer is imitated too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sayso.material import Case, cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Objective
from sayso.wording import language_of_context, to_judge, verdict

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`auxiliary`: weight of the better answer beside the judgement (0: judgements alone).

    `anchors`: examples held in place, per comment; `match`: how strongly.
    """

    auxiliary: float = 1.0
    anchors: float = 1.0
    match: float = 0.5


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """Judgements of the attempts and the better answers, then replay and anchors."""
    check_kind("predict", KINDS, material.kind)
    ready, refused = cases(material)
    taught: list[Lesson] = []
    left_out: Counter[str] = Counter()
    for case in ready:
        judged = _judged(material, case)
        better = case.better if knobs.auxiliary else None
        if not isinstance(judged, str):
            taught.append(judged)
        elif better is None:
            refused |= dict.fromkeys(case.from_ids, judged)
        else:
            left_out[judged] += 1
        if better is not None:
            taught.append(Imitate(case.context, better, knobs.auxiliary * case.weight, from_ids=case.from_ids))
    notices = tuple(f"of {n} comments only the better answer is taught: {why}" for why, n in left_out.items())
    taught = list(merged(taught))
    if not taught:
        return Syllabus((), refused, notices)
    beside = kept(material, len(taught), knobs.anchors)
    return Syllabus((*taught, *beside), refused, notices)


def objective(knobs: Knobs) -> Objective:
    """Likelihood, and the anchors beside it."""
    return Objective(match=knobs.match)


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


def _judged(material: Material, case: Case) -> Lesson | str:
    """The attempt with what is said of it, or why that cannot be taught."""
    said, polarity = case.feedback.comment.strip(), case.feedback.polarity
    if case.attempt is None:
        return "there is no attempt to judge"
    if not said and polarity != "positive":
        return "it says nothing of the attempt"
    context = to_judge(case.context, case.attempt)
    words = verdict(polarity == "positive", said, language_of_context(case.context))
    target = said if polarity == "neutral" else words
    if not material.fits(context, target):
        return "its comment does not fit the model as an answer"
    return Imitate(context, target, case.weight, from_ids=case.from_ids)
