"""What the user said next judges the answer, offline, from logs: what looks wrong in hindsight becomes less likely.

Self-distillation from user interactions, arXiv 2603.12273, eq. 4: with prompt x, the logged answer y, the user's next
turn o, and p0 the model as it was when this training began,

    L = sum_i KL( p(. | x, y_<i) || p0(. | x, o, y_<i) )

- The turn stands as a hint at the end of the prompt (their table 1); comments of other authors are not taught here.
- Large models shrug off a turn that has nothing to do with the answer, small ones gain less the smaller they are. So
  no model decides what a turn is about: it is taught where its words correct the answer, where it asks the very same
  again, or where it states something in the answer's words. Thanks, a new question and the rest say nothing.
- A turn that is praise and no more is heeded by imitating the answer. Plain imitation of all logs made models worse.
- Anchors are compared with p0 by the same loss, so they hold as `hold` times an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from sayso.material import Case, cases, check_kind, kept, merged
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Match, Objective
from sayso.wording import language_of_context, with_standing

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")
HINT = {
    "en": "After the answer the user wrote: {turn}\nLet this guide the answer.",
    "zh": "看到回答之后，用户说：{turn}\n请据此回答。",
}
WORDS = yaml.safe_load(Path(__file__).with_name("_hindsight.yaml").read_text(encoding="utf-8"))
SAYS = {
    name: re.compile("|".join([rf"(?<!\w)(?:{'|'.join(lists['en'])})(?!\w)", *lists["zh"]]), re.IGNORECASE)
    for name, lists in WORDS.items()
}
_TERM = re.compile(r"[a-z]{4,}|\d+|(?=([\u4e00-\u9fff]{2}))")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`related`: share of a statement's words that must stand in the answer; `praise`: weight of praised answers.

    `anchors`: examples held in place, per comment, each `hold` times as strongly as an answer is judged.
    """

    related: float = 0.5
    praise: float = 1.0
    anchors: float = 1.0
    hold: float = 1.0


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """One lesson per turn that says something about the answer before it, then replay and anchors."""
    check_kind("hindsight", KINDS, material.kind)
    ready, refused = cases(material)
    taught: list[Lesson] = []
    for case in ready:
        lesson = _lesson(case, material, knobs)
        if isinstance(lesson, str):
            refused |= dict.fromkeys(case.from_ids, lesson)
        else:
            taught.append(lesson)
    taught = list(merged(taught))
    if not taught:
        return Syllabus((), refused)
    beside = kept(material, len(taught), knobs.anchors, knobs.hold)
    return Syllabus((*taught, *beside), refused)


def objective(knobs: Knobs) -> Objective:
    """Reverse divergence from the model that has read the turn, as in the paper; likelihood of what was praised."""
    del knobs
    return Objective(divergence="reverse")


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


def _lesson(case: Case, material: Material, knobs: Knobs) -> Lesson | str:
    """The answer judged by the turn, the praised answer, or why there is neither."""
    one, turn = case.feedback, case.feedback.comment.strip()
    if one.author.kind != "user_turn":
        return "it is not the user's next turn"
    if case.attempt is None or not turn:
        return "there is no answer with a next turn"
    if not material.fits(case.context, case.attempt):
        return "the answer cannot be taught: it does not fit the model"
    alone = _bare(SAYS["thanks"].sub("", SAYS["praise"].sub("", turn))) == ""
    if one.polarity == "positive" or (alone and SAYS["praise"].search(turn)):
        praised = Imitate(case.context, case.attempt, case.weight * knobs.praise, from_ids=case.from_ids)
        return praised if knobs.praise else "it is praise, and the knob praise is 0"
    reason = "thanks, or a nod, says nothing about the answer" if alone else _says_nothing(case, turn, knobs)
    if reason:
        return reason
    hint = HINT[language_of_context(case.context)].format(turn=turn)
    return Match(case.context, with_standing(case.context, hint), case.attempt, "start", case.weight, case.from_ids)


def _says_nothing(case: Case, turn: str, knobs: Knobs) -> str:
    """Why the turn says nothing about the answer; "" where it does."""
    asked = next((message.text for message in reversed(case.feedback.prompt) if message.role == "user"), "")
    if SAYS["elsewhere"].search(turn):
        return "the user turns to something else"
    if SAYS["correction"].search(turn) or _bare(turn) == _bare(asked):
        return ""
    if SAYS["question"].search(turn):
        return "a new question says nothing about the answer"
    if SAYS["otherwise"].search(turn):
        return ""
    said = _terms(turn)
    about = said and len(said & _terms(case.feedback.attempt.text)) >= knobs.related * len(said)
    return "" if about else "the turn is not plainly about the answer: it shares too few of its words"


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _terms(text: str) -> set[str]:
    """Numbers, English words of four letters or more, and pairs of neighbouring Chinese characters."""
    return {found[1] or found[0] for found in _TERM.finditer(text.casefold())}
