"""Classification: one label, or several at once.

Decided here:
- An encoder sees the raw text. Other models see the text first and the question with the list of labels after it:
  prompts are cut from the left, so the question survives a long text.
- The question is worded in Chinese where the text is Chinese; the recipe's `question` replaces the wording, not the
  list of labels.
- An answer is read leniently (case, punctuation, a sentence around the label) and graded strictly: two labels where
  one was asked for is no label.
- With several labels an answer's value is F1 of its labels against the gold ones; two empty sets agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sayso.errors import RecipeError, nearest
from sayso.recipe import TaskPart
from sayso.records import (
    LABEL_JOINT,
    Answer,
    Example,
    Kind,
    Messages,
    Sampling,
    Score,
    Why,
    join_labels,
    split_labels,
    user,
)
from sayso.surface import is_chinese

METRICS = ("accuracy", "f1_macro", "f1_micro")
METRICS_OF_SEVERAL = ("f1_macro", "f1_micro", "exact_match")
_NOTHING = "\x00"


@dataclass(frozen=True, slots=True)
class Classify:
    """Which of the options holds, or which of them hold."""

    options: tuple[str, ...]
    several: bool = False
    question: str = ""
    metric: str = "accuracy"
    sampling: Sampling = field(default_factory=Sampling)
    name: str = "classify"

    def context(self, example: Example, kind: Kind) -> Messages:
        """The raw text for an encoder, else the text and the question."""
        if kind == "encoder":
            return user("\n".join(message.text for message in example.prompt))
        text = _conversation(example.prompt)
        return user(_chinese(self, text) if is_chinese(text) else _english(self, text))

    def grade(self, example: Example, answer: Answer) -> Score:
        """Accuracy of one answer, or with several labels its F1; NOT_JUDGED (n 0) without a right answer."""
        unit = "f1" if self.several else "accuracy"
        if example.target is None:
            return Score(self.name, example.id, unit, 0.0, Why.NOT_JUDGED, n=0)
        gold = split_labels(example.target) if self.several else (example.target,)
        given = read_labels(answer.text, self.options)
        value, why = _several(gold, given) if self.several else _single(gold, given)
        detail = "" if why is Why.RIGHT else f"expected {join_labels(gold)!r}, answered {answer.text[:80]!r}"
        return Score(self.name, example.id, unit, value, why, detail=detail)


def task(part: TaskPart, labels: tuple[str, ...]) -> Classify:
    """The task of a recipe. RecipeError for labels that cannot be told apart or a metric that it does not have."""
    options = tuple(part.labels) or tuple(labels)
    _check_labels(options, part.several)
    known = METRICS_OF_SEVERAL if part.several else METRICS
    if part.metric and part.metric not in known:
        raise RecipeError(
            f"classify has no metric '{part.metric}'", where="task -> metric", fix=nearest(part.metric, known)
        )
    sampling = Sampling(max_new_tokens=part.max_new_tokens, beams=part.beams, length_penalty=part.length_penalty)
    return Classify(options, part.several, part.question, part.metric or known[0], sampling)


def read_labels(text: str, options: Sequence[str]) -> tuple[str, ...]:
    """The options that a text names, in the options' order.

    A list ("joy | anger", "喜悦、愤怒") is read item by item; failing that, labels are looked for within the text, the
    longest first, so that "not sure" does not also name "sure". Case and surrounding punctuation do not matter.
    """
    by_name = {_bare(option): option for option in options} | {option.casefold(): option for option in options}

    def named(part: str) -> str:
        return by_name.get(part.strip().casefold()) or by_name.get(_bare(part), "")

    if named(text):
        return (named(text),)
    found = {named(part) for part in re.split(r"[|,，、;；\n]", text)} - {""}
    found = found or _mentioned(text, options)
    return tuple(option for option in options if option in found)


# ---------------------------------------------------------------- prompts


def _english(task: Classify, text: str) -> str:
    labels = ", ".join(task.options)
    if task.several:
        asked = task.question or f'Which of the labels hold? Answer with all that do, joined by "{LABEL_JOINT}".'
    else:
        asked = task.question or "Which label fits this text? Answer with the label only."
    return f"Text: {text}\n\n{asked}\nLabels: {labels}"


def _chinese(task: Classify, text: str) -> str:
    labels = "、".join(task.options)
    if task.several:
        asked = task.question or f"上面的文本符合哪些标签？请回答所有符合的标签，用“{LABEL_JOINT}”隔开。"
    else:
        asked = task.question or "上面的文本属于哪个标签？只回答一个标签。"
    return f"文本：{text}\n\n{asked}\n标签：{labels}"


def _conversation(prompt: Messages) -> str:
    """One turn as it is; several with who speaks."""
    if len(prompt) == 1:
        return prompt[0].text
    chinese = is_chinese("".join(message.text for message in prompt))
    names = {"system": "系统", "user": "用户", "assistant": "助手"} if chinese else {}
    colon = "：" if chinese else ": "
    return "\n".join(names.get(message.role, message.role.title()) + colon + message.text for message in prompt)


# ---------------------------------------------------------------- grading


def _single(gold: Sequence[str], given: Sequence[str]) -> tuple[float, Why]:
    if len(given) != 1:
        return 0.0, Why.NO_LABEL
    return (1.0, Why.RIGHT) if given[0] == gold[0] else (0.0, Why.WRONG_LABEL)


def _several(gold: Sequence[str], given: Sequence[str]) -> tuple[float, Why]:
    right, answered = set(gold), set(given)
    if right == answered:
        return 1.0, Why.RIGHT
    value = 2 * len(right & answered) / (len(right) + len(answered))
    if not answered:
        return value, Why.NO_LABEL
    if answered < right:
        return value, Why.MISSING_LABEL
    if answered > right:
        return value, Why.EXTRA_LABEL
    return value, Why.PARTIAL if right & answered else Why.WRONG_LABEL


def _bare(text: str) -> str:
    return re.sub(r"^[\W_]+|[\W_]+$", "", text).casefold() or text.strip()


def _mentioned(text: str, options: Sequence[str]) -> set[str]:
    rest, found = text.casefold(), set()
    for option in sorted(options, key=lambda option: (-len(option), option)):
        name = re.escape(option.casefold())
        before = r"(?<![^\W_])" if option[:1].isascii() else ""
        after = r"(?![^\W_])" if option[-1:].isascii() else ""
        rest, count = re.subn(before + name + after, _NOTHING, rest)
        if count:
            found.add(option)
    return found


def _check_labels(options: Sequence[str], several: bool) -> None:
    fewest = 1 if several else 2
    where = "task -> labels"
    if len(options) < fewest:
        raise RecipeError(
            f"{len(options)} labels",
            where=where,
            expected=f"at least {fewest}",
            fix="list them, or map the label column",
        )
    for option in options:
        if not option.strip() or option != option.strip() or (several and LABEL_JOINT.strip() in option):
            raise RecipeError(
                f"{option!r} cannot be a label",
                where=where,
                expected=f"text without space around it, and without '{LABEL_JOINT.strip()}' where several may hold",
                fix="rename it with data.label_names",
            )
    twice = next((option for option in options if options.count(option) > 1), None)
    if twice is not None:
        raise RecipeError(f"the label '{twice}' is listed twice", where=where, fix="list it once")
