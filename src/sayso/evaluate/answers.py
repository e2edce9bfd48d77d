"""Lets a model answer: by weighing the labels where there are labels, in its own words where there are none.

Decided here:
- Labels are weighed, not generated, wherever that is possible: the answer is always a label, and every label has a
  probability. One label: softmax over the options' log-probabilities. Several, from an encoder: each its own sigmoid.
- A model without a head says several labels in words; the labels are read out of them. Words without a label are kept,
  so that a person can see what was said.
- Plain text is not answered but believed: the answer carries the probability per token.
- Items go in order of length, longest first, so that memory runs out at the start or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from sayso.errors import UnsupportedError
from sayso.evaluate.thresholds import labels_over
from sayso.protocols import Speaker, Task
from sayso.records import Answer, Example, Messages, Reply, join_labels
from sayso.tasks.classify import read_labels
from sayso.tasks.text import PER_TOKEN
from sayso.wording import with_standing

if TYPE_CHECKING:
    from sayso.protocols import Learner

Progress = Callable[[int, int], None]
GROUP = 128


def answer(
    speaker: Speaker, task: Task, examples: Sequence[Example], standing: str = "", progress: Progress | None = None
) -> list[Answer]:
    """One Answer per example, in order. `standing` are words that stand in every prompt; `progress(done, total)`.

    UnsupportedError where plain text meets a speaker that cannot score it.
    """
    answers: dict[int, Answer] = {}
    for places in _groups(examples):
        group = [examples[place] for place in places]
        answers.update(zip(places, _answers(speaker, task, group, standing), strict=True))
        if progress:
            progress(len(answers), len(examples))
    return [answers[place] for place in range(len(examples))]


# ---------------------------------------------------------------- inside


def _groups(examples: Sequence[Example]) -> Iterator[list[int]]:
    lengths = [sum(len(message.text) for message in example.prompt) for example in examples]
    order = sorted(range(len(examples)), key=lambda place: -lengths[place])
    for begin in range(0, len(order), GROUP):
        yield order[begin : begin + GROUP]


def _answers(speaker: Speaker, task: Task, group: Sequence[Example], standing: str) -> list[Answer]:
    prompts = [_prompt(task, example, speaker, standing) for example in group]
    if task.options and (speaker.kind == "encoder" or not task.several):
        weights = speaker.weigh(prompts, task.options)
        return [_weighed(task, example, logps) for example, logps in zip(group, weights, strict=True)]
    if not any(prompts):
        return _believed(speaker, group)
    replies = speaker.reply(prompts, task.sampling)
    return [_said(task, example, reply) for example, reply in zip(group, replies, strict=True)]


def _prompt(task: Task, example: Example, speaker: Speaker, standing: str) -> Messages:
    context = task.context(example, speaker.kind)
    return with_standing(context, standing) if standing and context else context


def _weighed(task: Task, example: Example, logps: Sequence[float]) -> Answer:
    if task.several:
        odds = {option: math.exp(min(0.0, logp)) for option, logp in zip(task.options, logps, strict=True)}
        return Answer(example.id, labels_over(task.options, odds, {}), odds)
    odds = dict(zip(task.options, _softmax(logps), strict=True))
    return Answer(example.id, max(task.options, key=odds.__getitem__), odds)


def _softmax(logps: Sequence[float]) -> list[float]:
    """Probabilities of the options; even where none has any, so that nobody divides by zero."""
    top = max(logps)
    if math.isinf(top) or math.isnan(top):
        return [1 / len(logps)] * len(logps)
    weights = [math.exp(logp - top) for logp in logps]
    total = sum(weights)
    return [weight / total for weight in weights]


def _said(task: Task, example: Example, reply: Reply) -> Answer:
    text = reply.text
    if task.options:
        text = join_labels(read_labels(text, task.options)) or text
    return Answer(example.id, text, ended=reply.ended, tokens=len(reply.token_ids))


def _believed(speaker: Speaker, group: Sequence[Example]) -> list[Answer]:
    """The geometric mean of the tokens' probabilities of each text."""
    learner = _learner(speaker)
    rows = [learner.row((), _text(example)) for example in group]
    found = []
    for example, row, logp in zip(group, rows, learner.logps(rows), strict=True):
        tokens = max(1, len(row.targets))
        found.append(Answer(example.id, "", {PER_TOKEN: math.exp(min(0.0, logp / tokens))}, tokens=tokens))
    return found


def _learner(speaker: Speaker) -> Learner:
    if not hasattr(speaker, "logps") or not hasattr(speaker, "row"):
        raise UnsupportedError(
            "this speaker cannot say how likely a plain text is",
            expected="an opened model, which scores texts token by token",
            fix="evaluate plain text with the model itself, or choose another task",
        )
    return cast("Learner", speaker)


def _text(example: Example) -> str:
    return example.target if example.target else "\n".join(message.text for message in example.prompt)
