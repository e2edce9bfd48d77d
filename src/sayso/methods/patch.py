"""If the text says so and so, then the label is this: rules for classifiers, with a gate for where they apply.

Language patches, arXiv 2211.03318. With a patch "if c, then y", a gate g that says whether c holds, and p0 the model
as it was when this training began, what is to be believed of a text x is

    p(. | x) = g(x, c) [. = y] + (1 - g(x, c)) p0(. | x)

- The gate is made of the condition's words. The texts commented on, and training rows in which enough of these words
  stand, are taught the label, even against their own; the nearest of the others and some at large are held.
- A model that reads is shown the patch too: with it in the prompt it learns the label where the gate is open and to
  change nothing where it is shut, and without it to believe what it believes with it.
- A head reads no rule. Where another model, a decoder, is given to answer, rows are taught what that believes of them
  when it has read the patch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from sayso.errors import UnsupportedError
from sayso.gates import Patch, gated, patches_of
from sayso.material import cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Example, Imitate, Kind, Lesson, Match, Messages, Objective, Scope

KINDS: tuple[Kind, ...] = ("encoder", "decoder")
NEEDS_LABELS = True
LEAST = 0.05  # a label that the reader of a patch believes less is not taught


@dataclass(frozen=True, slots=True)
class Knobs:
    """`rows`: training rows per patch that are taught its label; `gate`: share of its words that must stand in them.

    `common`: a word that stands in more of all rows than this says nothing. `stated`: weight of what a decoder learns
    with the patch in its prompt (0: nothing). `anchors`: examples held in place, per comment; `match`: how strongly.
    """

    rows: int = 16
    gate: float = 0.5
    common: float = 0.5
    stated: float = 1.0
    anchors: float = 4.0
    match: float = 1.0


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """What each patch teaches where its gate is open, then replay, and anchors where all gates are shut."""
    check_kind("patch", KINDS, material.kind)
    if not material.task.options:
        fix = "use it to classify, or choose another method; `prefer` and `distil` learn rules for free text"
        raise UnsupportedError("the method 'patch' gives labels, and this task has none", fix=fix)
    ready, refused = cases(material)
    patches = [gated(one, _rows(material), knobs.common) for one in patches_of(ready, refused)]
    taught: list[Lesson] = []
    notices = []
    for place, patch in enumerate(patches):
        drawn = _under(material, patch, patches[place + 1 :], knobs)
        taught += [one for case in patch.own for one in _taught(material, patch, case.context, case.weight, knobs)]
        taught += [one for row in drawn for one in _of_row(material, patch, row, knobs)]
        notices.append(_notice(patch, drawn))
    if not taught:
        return Syllabus((), refused)
    taught = list(merged(taught))
    beside = kept(_shut(material, patches, knobs), len(taught), knobs.anchors, knobs.match)
    return Syllabus((*taught, *beside, *_unmoved(material, patches, beside, knobs)), refused, tuple(notices))


def objective(knobs: Knobs) -> Objective:
    """Likelihood of the labels, and divergence from what the patch or the start makes the model believe."""
    del knobs
    return Objective()


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


# ---------------------------------------------------------------- lessons


def _under(material: Material, patch: Patch, later: Sequence[Patch], knobs: Knobs) -> list[Example]:
    """Training rows for which the gate opens, and no later patch's; those commented on are left out."""
    said = {one.item for one in material.feedback} | {one.prompt for one in material.feedback}
    rows = [one for one in _rows(material) if one.id not in said and one.prompt not in said]
    own = [row for row in rows if patch.opens(row, knobs.gate) and not any(o.opens(row, knobs.gate) for o in later)]
    return Random(f"patch:{material.seed}:{patch.when}").sample(own, min(knobs.rows, len(own)))


def _rows(material: Material) -> list[Example]:
    return [one for one in material.examples if one.split == "train" and one.target is not None]


def _shut(material: Material, patches: Sequence[Patch], knobs: Knobs) -> Material:
    """The examples for which every gate is shut. There the nearest are to be held, as for comments on single items."""
    shut = (one for one in material.examples if not any(patch.opens(one, knobs.gate) for patch in patches))
    nearby = (replace(one, scope=Scope()) for one in material.feedback)
    return replace(material, examples=tuple(shut), feedback=tuple(nearby))


def _taught(material: Material, patch: Patch, context: Messages, weight: float, knobs: Knobs) -> Iterator[Lesson]:
    yield Imitate(context, patch.label, weight, from_ids=patch.from_ids)
    if material.kind == "decoder" and knobs.stated:
        stated, weight = patch.stated(context), weight * knobs.stated
        yield Imitate(stated, patch.label, weight, from_ids=patch.from_ids)
        yield Match(context, stated, patch.label, "self", weight, patch.from_ids)


def _of_row(material: Material, patch: Patch, row: Example, knobs: Knobs) -> Iterator[Lesson]:
    """The label of the patch, or for a head what a decoder that has read the patch believes."""
    task, speaker, context = material.task, material.speaker, material.task.context(row, material.kind)
    if material.kind == "decoder" or speaker is None or speaker.kind != "decoder" or task.several:
        yield from _taught(material, patch, context, max(case.weight for case in patch.own), knobs)
        return
    logps = speaker.weigh([patch.stated(task.context(row, "decoder"))], task.options)[0]
    odds = [math.exp(logp - max(logps)) for logp in logps]
    for option, one in zip(task.options, odds, strict=True):
        if one / sum(odds) >= LEAST:
            yield Imitate(context, option, one / sum(odds), from_ids=patch.from_ids)


def _unmoved(material: Material, patches: Sequence[Patch], beside: Sequence[Lesson], knobs: Knobs) -> Iterator[Lesson]:
    """Where its gate is shut, a patch in the prompt changes nothing."""
    held = [one for one in beside if isinstance(one, Match)] if material.kind == "decoder" and knobs.stated else []
    for number, one in enumerate(held):
        patch = patches[number % len(patches)]
        yield replace(one, context=patch.stated(one.context), weight=one.weight * knobs.stated)


def _notice(patch: Patch, drawn: Sequence[Example]) -> str:
    if not patch.words:
        return f"{patch.rule} No word of its condition marks the texts that it is about: only these are taught."
    against = sum(one.target != patch.label for one in drawn)
    by = ", ".join(sorted(patch.words))
    return f"{patch.rule} {len(drawn)} training rows are taught it ({by}), {against} of them against their own label."
