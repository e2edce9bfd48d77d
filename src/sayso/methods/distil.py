"""The same model that has read the comment teaches the one that has not.

Self-distillation from feedback: SDPO, arXiv 2601.20802; on-policy context distillation, OPCD, arXiv 2602.12275. With
prompt x, comment c, answer y, the model p and its teacher q, which is p as it was when this training began,

    L = sum_t D( p(. | x, y_<t), q(. | x, c, y_<t) ) / |y|,    D = KL(p || q), KL(q || p) or JSD

The comment need not name the right answer, only make the model believe a better one. y is the recorded attempt, and
the better answer too where there is one; or y ~ p(. | x) is drawn, all of it once, before the training begins, so what
is learnt from stays what the model said at the start. A critic, where there is one, speaks to each drawn answer. One
of which nothing is said, or that cannot be taught, is left out.
A teacher that stands still is a goal that can be reached; one that moves ("self") can be led on by its student. So
for "self" sentences about length are taken out, for they would make answers ever shorter, and only there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sayso.errors import UnsupportedError
from sayso.material import Case, cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Match, Objective, Reply
from sayso.wording import with_comment, without_length

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`teacher`: "start" stands still, "self" is the model as it is; `divergence`: "reverse" is KL(p || q).

    `top_k`: the teacher's likeliest tokens are compared, and all others as one (0: each); `softening`: temperature of
    both beliefs. `shown`: the teacher also reads the attempt that is spoken of. `rollouts`: answers drawn per comment,
    at `temperature` (0: the recorded ones). `hybrid`: above 0 the better answer is imitated too, and all that is
    imitated weighs so much. `anchors`: examples held in place, per comment; `match`: the weight of each.
    """

    teacher: Literal["start", "self"] = "start"
    divergence: Literal["reverse", "jsd", "forward"] = "reverse"
    top_k: int = 0
    softening: float = 1.0
    shown: bool = False
    rollouts: int = 0
    temperature: float = 1.0
    hybrid: float = 0.0
    anchors: float = 1.0
    match: float = 1.0


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """One Match per answer of which something is said, then replay and anchors."""
    check_kind("distil", KINDS, material.kind)
    ready, refused = cases(material)
    taught: list[Lesson] = []
    left_out: Counter[str] = Counter()
    for case, answers in zip(ready, _answers(material, ready, knobs), strict=True):
        found = [_lesson(material, case, answer, knobs) for answer in answers]
        reasons = [one for one in found if isinstance(one, str)]
        about = [one for one in found if not isinstance(one, str)]
        if knobs.hybrid and case.better is not None:
            about.append(Imitate(case.context, case.better, case.weight, from_ids=case.from_ids))
        if not about:
            reasons = reasons or ["there is no attempt, and no better answer is known"]
            refused |= dict.fromkeys(case.from_ids, reasons[0])
        left_out.update(reasons if knobs.rollouts else ())
        taught += about
    drawn = len(ready) * knobs.rollouts
    notices = tuple(f"{n} of {drawn} answers that were drawn are not taught: {why}" for why, n in left_out.items())
    taught = list(merged(taught))
    if not taught:
        return Syllabus((), refused, notices)
    beside = kept(material, len(taught), knobs.anchors, knobs.match)
    return Syllabus((*taught, *beside), refused, notices)


def objective(knobs: Knobs) -> Objective:
    """The divergence as it is asked for, and likelihood beside it."""
    belief = Objective(divergence=knobs.divergence, top_k=knobs.top_k, temperature=knobs.softening)
    return replace(belief, imitate=knobs.hybrid or 1.0)


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


def _answers(material: Material, ready: Sequence[Case], knobs: Knobs) -> list[list[Reply]]:
    """For each case the recorded answers, or drawn ones."""
    if not knobs.rollouts:
        recorded = [dict.fromkeys((case.attempt, case.better)) for case in ready]
        return [[Reply(text) for text in texts if text is not None] for texts in recorded]
    if material.speaker is None:
        raise UnsupportedError("drawing answers needs a model that answers", fix="set the knob rollouts to 0")
    sampling = replace(material.task.sampling, temperature=knobs.temperature, seed=material.seed, beams=1)
    replies = material.speaker.reply([case.context for case in ready for _ in range(knobs.rollouts)], sampling)
    return [replies[i : i + knobs.rollouts] for i in range(0, len(replies), knobs.rollouts)]


def _lesson(material: Material, case: Case, answer: Reply, knobs: Knobs) -> Lesson | str:
    """What the teacher believes of this answer, or why it is not asked."""
    own = case.feedback.comment
    said = (material.critic(case.feedback, answer.text) if knobs.rollouts and material.critic else own) or ""
    words = without_length(said) if knobs.teacher == "self" else said
    if not words.strip():
        return "only its length is spoken of" if said.strip() else "nothing is said of it that a teacher could read"
    spoken_of = case.attempt if said == own else answer.text
    hinted = with_comment(case.context, spoken_of if knobs.shown else None, words)
    if knobs.rollouts and not (answer.text and material.fits(hinted, answer.text)):
        return "what was drawn is empty or does not fit the model"
    sampled = answer.token_ids if material.kind == "decoder" else ()  # elsewhere a target begins with more than these
    return Match(case.context, hinted, answer.text, knobs.teacher, case.weight, case.from_ids, sampled)
