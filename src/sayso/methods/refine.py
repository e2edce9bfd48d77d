"""The model learns to revise an answer by its comment, revises, and what passes is imitated without the comment.

Imitation learning from language feedback, ILF, arXiv 2204.14146 (algorithm 1), 2303.16755; the model as its own
reviser: SD-Zero, arXiv 2604.12002. With prompt x, attempt o, comment c and revision r, the refiner and then the model:

    max E log p(r | x, o, c);    r' ~ p(. | x, o, c),  max E log p(r' | x)  over the r' that pass

- Of several rounds the first teaches the refiner alone, where there are revisions at hand: what an untaught refiner
  writes is what the model would have said anyway. Later rounds draw, and go on teaching the refiner beside.
- A refinement passes where it says something else than the attempt and not something else altogether, is of like
  length (unless the comment speaks of length), and satisfies who commented. Where nobody can be asked, it has to come
  closer to the better answer than the attempt is; without one nothing more is known of it.
- All that passes of one comment weighs together as much as a revision does. Praise is imitated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

from sayso.material import Case, cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Objective, Reply
from sayso.rollouts import content, drawn, usable, worth
from sayso.surface import same
from sayso.wording import with_comment, without_length

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Knobs:
    """`samples`: refinements drawn per comment, at `temperature`; `refiner`: weight of what teaches to refine.

    Lengths in characters must be between `shortest` and `longest` times the better answer's, else the attempt's;
    `farthest`: the largest share of the attempt that may change. `anchors`: examples held in place, per comment;
    `match`: how strongly.
    """

    samples: int = 4
    temperature: float = 0.7
    refiner: float = 1.0
    shortest: float = 0.5
    longest: float = 2.0
    farthest: float = 0.95
    anchors: float = 1.0
    match: float = 0.5


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """The refiner's lessons, after the first of several rounds better answers and what it wrote, and the rest."""
    check_kind("refine", KINDS, material.kind)
    ready, refused = cases(material)
    taught = [one for case in ready for one in _refiner(material, case, knobs)]
    notices: tuple[str, ...] = ()
    if not taught or material.round > 0 or material.rounds == 1:
        taught += [Imitate(c.context, c.better, c.weight, from_ids=c.from_ids) for c in ready if c.better is not None]
        written, notices = _written(material, [case for case in ready if _is_refinable(case)], knobs)
        taught += written
    used = {one for lesson in taught for one in lesson.from_ids}
    unused = [one for case in ready for one in case.from_ids if one not in used]
    refused |= dict.fromkeys(unused, "no refinement of the attempt passed, and there is no better answer")
    taught = list(merged(taught))
    beside = kept(material, len(taught), knobs.anchors) if taught else []
    return Syllabus((*taught, *beside), refused, notices)


def objective(knobs: Knobs) -> Objective:
    """Likelihood, and the anchors beside it."""
    return Objective(match=knobs.match)


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


def _is_refinable(case: Case) -> bool:
    return case.feedback.polarity != "positive" and bool(case.feedback.comment.strip())


def _refiner(material: Material, case: Case, knobs: Knobs) -> list[Lesson]:
    """The better answer as a revision of the attempt by the comment, where there is one and it can be taught."""
    if case.better is None or not knobs.refiner or not _is_refinable(case) or same(case.better, case.attempt or ""):
        return []
    context = with_comment(case.context, case.attempt, case.feedback.comment)
    lesson = Imitate(context, case.better, knobs.refiner * case.weight, from_ids=case.from_ids)
    return [lesson] if material.fits(context, case.better) else []


def _written(material: Material, asked: Sequence[Case], knobs: Knobs) -> tuple[list[Lesson], tuple[str, ...]]:
    """The refinements that pass, without the comment, and why the others do not."""
    prompts = [with_comment(case.context, case.attempt, case.feedback.comment) for case in asked]
    replies = iter(drawn(material, [one for one in prompts for _ in range(knobs.samples)], knobs.temperature))
    taught: list[Lesson] = []
    left_out: Counter[str] = Counter()
    for case in asked:
        own = islice(replies, knobs.samples)
        faults = [(reply.text, _fault(material, case, reply, knobs)) for reply in own]
        left_out.update(fault for _, fault in faults if fault)
        passing = dict.fromkeys(text for text, fault in faults if not fault)
        weight = case.weight / max(1, len(passing))
        taught += [Imitate(case.context, text, weight, from_ids=case.from_ids) for text in passing]
    of = f"of {len(asked) * knobs.samples} refinements are not taught"
    return taught, tuple(f"{count} {of}: {why}" for why, count in left_out.items())


def _fault(material: Material, case: Case, reply: Reply, knobs: Knobs) -> str:
    """Why a refinement is not taught; "" where it passes."""
    text, attempt, free = reply.text, case.attempt or "", not material.task.options
    if not (reply.ended and usable(material, case, reply)):
        return "it is empty, unfinished, no label or does not fit the model"
    if same(text, attempt):
        return "it is the attempt again"
    if free and attempt and 1 - SequenceMatcher(None, attempt, text, autojunk=False).ratio() > knobs.farthest:
        return "it has nothing in common with the attempt"
    expected, comment = len(case.better or attempt), case.feedback.comment.strip()
    bound = free and expected > 0 and without_length(comment) == comment
    if bound and not knobs.shortest * expected <= len(text) <= knobs.longest * expected:
        return "it is much shorter or longer than it should be"
    judged = content(material, case, reply)
    if judged is None and case.better is not None:
        judged = (worth(material, case, reply) or 0) > (worth(material, case, Reply(attempt)) or 0)
    return "it does not satisfy who commented, or is no closer to the better answer" if judged is False else ""
