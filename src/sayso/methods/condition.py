"""The comment stands in the prompt and the attempt is the target; answers are then asked for under the good condition.

Feedback-conditional policy, arXiv 2509.22638 (also LETI 2305.10314, ALT 2407.16970). With prompt x, attempt o and
comment c the model learns which answers deserve which words,

    max E log p(o | x, c)

the better answer is taught under the good condition c+, and c+ stands in every prompt at answering time. To bootstrap,
o ~ p(. | x, c+) is drawn, graded against the better answer, and taught under c+ or under the bad condition; what was
drawn too long to be taught is left out.
Sentences about length are taken out of c: as conditions they make answers ever shorter. A revision whose comment is
empty has no condition: it is taught as `imitate` teaches it. Anchors say that c+ changes nothing where nobody
commented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sayso.errors import UnsupportedError
from sayso.material import Case, anchored, cases, check_kind, merged, replayed
from sayso.protocols import Material, Speaker, Syllabus
from sayso.records import Answer, Example, Imitate, Kind, Lesson, Match, Messages, Objective
from sayso.wording import condition, language_of_context, remark, with_comment, without_length

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`anchors`: examples held in place, per comment; `match`: how strongly.

    `bootstrap`: answers drawn per comment under the good condition, at `temperature`; those graded `good_from` or more
    are good. `length`: keep what comments say about length.
    """

    anchors: float = 1.0
    match: float = 0.5
    bootstrap: int = 0
    temperature: float = 1.0
    good_from: float = 0.99
    length: bool = False


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """Attempts under their comments and better answers under the good condition, then replay and anchors."""
    check_kind("condition", KINDS, material.kind)
    ready, refused = cases(material)
    taught: list[Lesson] = []
    for case in ready:
        about = list(_about(case, knobs))
        if not about:
            reason = "there is no attempt with a comment that is not about length, and no revision"
            refused |= dict.fromkeys(case.from_ids, reason)
        taught += about
    drawn = _bootstrapped(material, ready, knobs)
    fitting = [one for one in drawn if material.fits(one.context, one.target)]
    notices = _notices(len(drawn), len(drawn) - len(fitting))
    taught = list(merged([*taught, *fitting]))
    if not taught:
        return Syllabus((), refused, notices)
    for one in replayed(material, len(taught)):
        taught.append(Imitate(_under(material.task.context(one, material.kind), "good"), one.target or ""))
    for one in anchored(material, knobs.anchors):
        plain = material.task.context(one, material.kind)
        taught.append(Match(_under(plain, "good"), plain, one.target or "", teacher="start"))
    return Syllabus(tuple(taught), refused, notices)


def objective(knobs: Knobs) -> Objective:
    """Likelihood, and the anchors beside it."""
    return Objective(match=knobs.match)


def standing(knobs: Knobs, language: str) -> str:
    """The good condition, as it stood in training."""
    del knobs
    return remark(condition("good", language), language)


def _about(case: Case, knobs: Knobs) -> Iterator[Lesson]:
    comment = case.feedback.comment
    words = comment if knobs.length else without_length(comment)
    if words and case.attempt is not None:
        yield Imitate(with_comment(case.context, None, words), case.attempt, case.weight, from_ids=case.from_ids)
    if case.better is not None:
        context = _under(case.context, "good") if comment.strip() else case.context
        yield Imitate(context, case.better, case.weight, from_ids=case.from_ids)


def _under(context: Messages, kind: Literal["good", "bad"]) -> Messages:
    return with_comment(context, None, condition(kind, language_of_context(context)))


def _notices(drawn: int, lost: int) -> tuple[str, ...]:
    words = f"{lost} of {drawn} answers that were drawn are not taught: with their comments they do not fit the model"
    return (words,) if lost else ()


def _bootstrapped(material: Material, ready: Sequence[Case], knobs: Knobs) -> list[Imitate]:
    known = [case for case in ready if case.better is not None] * knobs.bootstrap
    if not known:
        return []
    if material.speaker is None:
        raise UnsupportedError("bootstrapping needs a model that answers", fix="set the knob bootstrap to 0")
    answers = _drawn(material, material.speaker, known, knobs.temperature)
    return [_graded(material, case, answer, knobs) for case, answer in zip(known, answers, strict=True) if answer.text]


def _drawn(material: Material, speaker: Speaker, known: Sequence[Case], temperature: float) -> list[Answer]:
    sampling = replace(material.task.sampling, temperature=temperature, seed=material.seed, beams=1)
    replies = speaker.reply([_under(case.context, "good") for case in known], sampling)
    return [Answer(case.feedback.id, one.text, ended=one.ended) for case, one in zip(known, replies, strict=True)]


def _graded(material: Material, case: Case, answer: Answer, knobs: Knobs) -> Imitate:
    reference = Example(answer.item, case.feedback.prompt, case.better)
    good = material.task.grade(reference, answer).value >= knobs.good_from
    context = _under(case.context, "good" if good else "bad")
    return Imitate(context, answer.text, case.weight, from_ids=case.from_ids)
