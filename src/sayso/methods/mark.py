"""Error spans become signed token weights: what is marked falls, what led up to it rises, the correction is imitated.

Training with annotations, arXiv 2410.16509 (spans as rewards of tokens: Text2Grad, arXiv 2505.22338). With prompt x,
attempt y, its marked tokens S, the first of them at s, and the better answer y+,

    L = - sum_(t < s) log p(y_t | x, y_<t) - sum_(t in S) |w_t| log(1 - p(y_t | x, y_<t)) - corrected * log p(y+ | x)

- What follows an error stands under a wrong prefix and would teach how to go on from there: as in the paper it has no
  weight. That helped them in one direction of translation and cost in the other, so `after` is a knob.
- A major error counts five minor ones, as in the paper. There a span counts once, here each of its tokens does: so a
  token of a major error weighs as much as a right one, not five times as much.
- Comments on one attempt are one lesson: what one of them marks, no other teaches. Where spans overlap the lower
  weight counts. A span of white space marks a place where something is missing: nothing is pushed away.
- Without spans, a revision that keeps most of the attempt is a post-edit, and what it changes was wrong (so words are
  tagged in quality estimation). One that keeps less was written anew and is only imitated.
- Praise is imitated whole; so is the end of every attempt.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

from sayso.material import Case, cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Mark, Messages, Objective, Span

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")
SEVERITIES = {"minor": "minor", "轻微": "minor", "major": "major", "critical": "major", "严重": "major"}
_UNIT = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Knobs:
    """Weights of `minor`, `major` and all `other` errors, of text before the first (`unmarked`) and `after` it.

    `corrected`: weight of better answers; `kept`: share of the attempt that a revision must keep to mark the rest as
    errors (above 1: none does). `anchors`: examples held in place, per comment; `match`: how strongly.
    """

    minor: float = -0.2
    major: float = -1.0
    other: float = -0.5
    unmarked: float = 1.0
    after: float = 0.0
    corrected: float = 1.0
    kept: float = 0.5
    anchors: float = 1.0
    match: float = 0.5


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """Attempts with their marks and what corrects them, then replay and anchors."""
    check_kind("mark", KINDS, material.kind)
    ready, refused = cases(material)
    marked: dict[tuple[Messages, str], list[tuple[Case, Span]]] = defaultdict(list)
    taught: list[Lesson] = []
    for case in ready:
        text, spans, better = case.feedback.attempt.text, _spans(case, knobs), _better(case, knobs)
        if isinstance(spans, str):
            refused |= dict.fromkeys(case.from_ids, spans)
        elif spans and not material.fits(case.context, text):
            refused |= dict.fromkeys(case.from_ids, "the attempt cannot be taught: it does not fit the model")
        elif not (spans or better):
            refused |= dict.fromkeys(case.from_ids, "no text is marked, and there is no better answer")
        else:
            taught += better
            marked[case.context, text] += [(case, span) for span in spans]
    about = [one for (context, text), found in marked.items() if found for one in _about(context, text, found, knobs)]
    taught = list(merged([*about, *taught]))
    if not taught:
        return Syllabus((), refused)
    beside = kept(material, len(taught), knobs.anchors)
    return Syllabus((*taught, *beside), refused)


def objective(knobs: Knobs) -> Objective:
    """Likelihood and unlikelihood, and the anchors beside them."""
    return Objective(match=knobs.match)


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


def _spans(case: Case, knobs: Knobs) -> Sequence[Span] | str:
    """What is wrong in the attempt, none where no text is marked, or why the spans cannot be used."""
    one, text = case.feedback, case.feedback.attempt.text
    for span in one.spans:
        if not 0 <= span.start <= span.end <= len(text):
            return f"the span [{span.start}, {span.end}) is not within the attempt's {len(text)} characters"
    if one.polarity == "positive" or case.attempt != text:
        return ()
    spans = one.spans or _changed(text, one.revision or "", knobs.kept)
    return spans if any(text[span.start : span.end].strip() for span in spans) else ()


def _changed(text: str, revision: str, kept: float) -> list[Span]:
    """The words (characters in Chinese) that the revision changes; none where it keeps too little of the text."""
    old, new = [(unit[0], *unit.span()) for unit in _UNIT.finditer(text)], _UNIT.findall(revision)
    edits = SequenceMatcher(None, [unit for unit, _, _ in old], new, autojunk=False).get_opcodes()
    if sum(b - a for edit, a, b, _, _ in edits if edit == "equal") < kept * len(old):
        return []
    old.append(("", len(text), len(text)))
    return [Span(old[a][1], old[b - 1][2] if a < b else old[a][1]) for edit, a, b, _, _ in edits if edit != "equal"]


def _better(case: Case, knobs: Knobs) -> list[Imitate]:
    weight = 1.0 if case.feedback.polarity == "positive" else knobs.corrected if case.better != case.attempt else 0.0
    if case.better is None or not weight:
        return []
    return [Imitate(case.context, case.better, case.weight * weight, from_ids=case.from_ids)]


def _about(context: Messages, text: str, found: Sequence[tuple[Case, Span]], knobs: Knobs) -> list[Imitate]:
    """The marked attempt and, where every span says what belongs there, the text in which it stands."""
    ids, spans = tuple(dict.fromkeys(case.feedback.id for case, _ in found)), [span for _, span in found]
    weight = max(case.weight for case, _ in found)
    marked = Imitate(context, text, weight, _marks(text, spans, knobs), ids)
    places = sorted({(span.start, span.end, span.replacement or "") for span in spans})
    apart = all(one[1] <= other[0] for one, other in pairwise(places))
    if not (apart and knobs.corrected) or any(span.replacement is None for span in spans):
        return [marked]
    for start, end, replacement in reversed(places):
        text = text[:start] + replacement + text[end:]
    return [marked, Imitate(context, text, weight * knobs.corrected, from_ids=ids)]


def _marks(text: str, spans: Sequence[Span], knobs: Knobs) -> tuple[Mark, ...]:
    """Marks side by side, the lowest last: of those that touch a token the last counts, so a border is the error's."""
    errors = []
    for span in spans:
        shown = text[span.start : span.end]
        start = span.end - len(shown.lstrip())  # the space around it would touch its neighbours' tokens
        weight = getattr(knobs, SEVERITIES.get(span.severity.strip().casefold(), "other"))
        errors.append((weight, start, start + len(shown.strip())))
    first = min(start for _, start, _ in errors)
    weights = [knobs.unmarked] * first + [knobs.after] * (len(text) - first)
    for weight, start, end in sorted(errors, reverse=True):
        weights[start:end] = [weight] * (end - start)
    ends = [place for place in range(1, len(text) + 1) if weights[place - 1 : place] != weights[place : place + 1]]
    runs = [Mark(start, end, weights[start]) for start, end in pairwise([0, *ends])]
    return tuple(sorted((run for run in runs if run.weight != 1), key=lambda run: -run.weight))
