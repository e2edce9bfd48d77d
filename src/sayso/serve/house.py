"""What is served, and within which limits: everything that the routes know.

Decided here:
- Models are handed in. What a task answers (labels, translations) is asked as evaluation asks it.
- A conversation is shown to the model as in training: what the task and the method put around it stands there too. A
  task that is no conversation (labels, translation) puts nothing around a chat.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sayso.protocols import Task
from sayso.records import Answer, Example, Kind, Messages, Sampling
from sayso.serve.answers import Answers
from sayso.serve.metrics import Metrics
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import ResponseLog
from sayso.wording import language_of_context, with_standing

Decide = Callable[[Task, Sequence[Example]], list[Answer]]


@dataclass(frozen=True)
class House:
    """`name` is what clients call the model, `version` which weights answer.

    standing: words by language ("zh", "en") that the method wants in every prompt. decide: answers to a task's items,
    with probabilities where there are labels. critic: what there is to say of an answer, None for nothing; where it is
    None the model judges itself, against the `rules` where there are some.
    """

    name: str
    version: str
    kind: Kind
    task: Task
    answers: Answers
    decide: Decide
    store: FeedbackStore
    log: ResponseLog
    metrics: Metrics = field(default_factory=Metrics)
    standing: Mapping[str, str] = field(default_factory=dict)
    critic: Callable[[Messages, str], str | None] | None = None
    rules: tuple[str, ...] = ()

    def shown(self, messages: Messages) -> Messages:
        """The conversation as the model is shown it."""
        context = messages
        if self.task.name == "generate" and not any(turn.role == "system" for turn in messages):
            context = self.task.context(Example("", messages), self.kind)
        return with_standing(context, self.standing.get(language_of_context(messages), ""))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take. self_correct: rounds where a request does not say. origins: for CORS, none is off.

    body_seconds: how long its body may take to come.
    hosts: names under which browsers may reach a server without keys; others could be a page that was rebound to it.
    """

    body_bytes: int = 2**20
    body_seconds: float = 30.0
    most_tokens: int = 1024
    self_correct: int = 0
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("*",)


def sampling_of(usual: Sampling, most_tokens: int, asked: Mapping[str, float | int | None]) -> Sampling:
    """The run's own sampling, changed where the client says so and within the server's limit."""
    changed = {name: value for name, value in asked.items() if value is not None}
    sampling = replace(usual, **changed)  # type: ignore[arg-type]  # names and types are the schema's
    beams = 1 if sampling.temperature > 0 else sampling.beams
    return replace(sampling, beams=beams, max_new_tokens=min(sampling.max_new_tokens, most_tokens))
