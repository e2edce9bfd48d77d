"""Comments as lines that stand in a prompt, and what answers are worth under such lines.

Decided here:
- Comments that say the same are one line, in the newest's words and language, with its condition: the rule's, or the
  questions that it is about. What most people say comes first, of equals the newest.
- Lines stand in prompts of the language of the prompts that they are about; those that hold everywhere, in both.
- A line says nothing about the comment that wrote it: the answer to a prompt is judged without the lines that only
  comments on this very prompt wrote.
- An answer's worth is that of any drawn answer (rollouts.py); but of labels, where nobody can be asked, it is the
  probability of the right one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sayso.errors import UnsupportedError
from sayso.grouping import clip, groups
from sayso.material import Case, anchored
from sayso.protocols import Material
from sayso.records import Attempt, Feedback, Messages, Reply
from sayso.rollouts import content, worth
from sayso.wording import about_questions, instructions, language_of_context, under_condition, with_standing

QUOTED = 2  # questions that a line names at most


@dataclass(frozen=True, slots=True)
class Line:
    """One instruction, the comments that say it, and the prompts that they are about."""

    words: str
    ids: tuple[str, ...]
    about: frozenset[Messages]
    languages: frozenset[str]


def lines_of(ready: Sequence[Case], refused: dict[str, str]) -> list[Line]:
    """What is asked for, what most people say first; comments that ask for nothing are refused."""
    asks: dict[str, Case] = {}
    for case in ready:
        if case.feedback.polarity == "positive" or not case.feedback.comment.strip():
            words = "it is praise" if case.feedback.polarity == "positive" else "it has no words"
            refused |= dict.fromkeys(case.from_ids, f"{words}: there is nothing to ask for in a prompt")
        else:
            asks[case.feedback.id] = case
    found = [_line(same, [asks[one.id] for one in same]) for same in groups([case.feedback for case in asks.values()])]
    newest_first = reversed(found)
    return sorted(newest_first, key=lambda line: -len(line.ids))


def _line(same: Sequence[Feedback], own: Sequence[Case]) -> Line:
    newest, everywhere = " ".join(same[-1].comment.split()), any(one.scope.reach == "everywhere" for one in same)
    asked = dict.fromkeys(clip(one.prompt[-1].text, 40) for one in reversed(same))
    words = newest if everywhere else about_questions(newest, list(asked)[:QUOTED])
    if same[-1].scope.reach == "rule" and same[-1].scope.when:
        words = under_condition(newest, same[-1].scope.when)
    languages = {"zh", "en"} if everywhere else {language_of_context(case.context) for case in own}
    ids = tuple(id_ for case in own for id_ in case.from_ids)
    return Line(words, ids, frozenset(case.context for case in own), frozenset(languages))


def elsewhere(material: Material, share: float) -> list[Case]:
    """Examples that no comment is about, `share` per comment, as cases whose better answer is the gold one."""
    task, drawn = material.task, anchored(material, share)
    told = [(one, Feedback(one.prompt, Attempt(""), "", revision=one.target)) for one in drawn]
    return [Case(said, task.context(one, material.kind), None, one.target) for one, said in told]


class Trial:
    """How good the answers in one language are under a list of lines, as long as answers may be drawn."""

    def __init__(self, material: Material, ready: Sequence[Case], language: str) -> None:
        self.material, self.language, self.left = material, language, 0
        own = [case for case in ready if language_of_context(case.context) == language]
        self.judged = [case for case in own if worth(material, case, Reply(case.attempt or "")) is not None]
        self.known: dict[Messages, _Said] = {}

    def allow(self, calls: int, lines: int) -> None:
        """At most `calls` answers, to so few prompts that no line, all `lines`, and all but each can be compared."""
        self.left, most = calls, min(len(self.judged), calls // (lines + 2))
        self.judged = Random(f"prompt:{self.material.seed}").sample(self.judged, most)

    def value(self, lines: Sequence[Line]) -> float | None:
        """Mean value of the answers; None where none can be judged, or no more may be drawn."""
        prompts = [self._prompt(case, lines) for case in self.judged]
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self.known]
        if not prompts or len(new) > self.left:
            return None
        self.left -= len(new)
        self.known.update(zip(new, _answers(self.material, new), strict=True))
        return math.fsum(map(self._worth, self.judged, prompts)) / len(prompts)

    def _prompt(self, case: Case, lines: Sequence[Line]) -> Messages:
        others = [line.words for line in lines if line.about != {case.context}]
        return with_standing(case.context, instructions(others, self.language))

    def _worth(self, case: Case, prompt: Messages) -> float:
        said = self.known[prompt]
        if case.better in said.odds and content(self.material, case, said.reply) is None:
            return said.odds[case.better]
        return worth(self.material, case, said.reply) or 0.0  # what cannot be judged speaks for no lines


@dataclass(frozen=True, slots=True)
class _Said:
    """What is answered, and of labels the probability of each."""

    reply: Reply
    odds: dict[str | None, float]


def _answers(material: Material, prompts: Sequence[Messages]) -> list[_Said]:
    speaker, task = material.speaker, material.task
    if speaker is None:
        raise UnsupportedError("comparing prompts needs a model that answers", fix="set the knob calls to 0")
    if not prompts:
        return []
    if task.several or not task.options:
        return [_Said(reply, {}) for reply in speaker.reply(prompts, task.sampling)]
    return [_weighed(task.options, logps) for logps in speaker.weigh(prompts, task.options)]


def _weighed(options: Sequence[str], logps: Sequence[float]) -> _Said:
    odds = [math.exp(logp - max(logps)) for logp in logps]
    likeliest = options[odds.index(max(odds))]
    return _Said(Reply(likeliest), {option: one / sum(odds) for option, one in zip(options, odds, strict=True)})
