"""What the rooms expect of each other. Structural types only: nobody inherits from these.

The Speaker keeps methods, critics, evaluate and serve free of torch and easy to fake; the Learner is the same thing
opened for training. Torch appears in this file's types, never at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sayso.houserules import Family, HouseRule, Part, Scope, Texts
from sayso.records import (
    GREEDY,
    Answer,
    Example,
    Feedback,
    Kind,
    Lesson,
    Messages,
    Objective,
    Reply,
    Row,
    Sampling,
    Score,
    Split,
)

if TYPE_CHECKING:
    import torch


class Speaker(Protocol):
    """Anything that answers: a model, an endpoint, a fake in a test."""

    @property
    def kind(self) -> Kind: ...

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        """One reply per prompt, in order."""
        ...

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        """Log-probability of each option as the whole answer: [prompts][options].

        An encoder with a head gives log-softmax over its labels, or log-sigmoid per label where several may hold.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer that is wanted: to a conversation, or a plain text to be gone on with.

    `alternatives`: how many of the likeliest tokens are told with each token that is said.
    """

    prompt: Messages | str
    sampling: Sampling = GREEDY
    alternatives: int = 0


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as token ids, and how many tokens of it were cut off on the left so that an answer fits."""

    ids: tuple[int, ...]
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """One token of the answer in `row`. Log-probabilities are the model's own: temperature 1, nothing cut off.

    `last` says that the answer ends with it, and why.
    """

    row: int
    id: int
    logprob: float = 0.0
    alternatives: tuple[tuple[int, float], ...] = ()
    last: Literal["", "stop", "length"] = ""


class Voice(Speaker, Protocol):
    """A Speaker whose answers can be heard token by token, several at once, each drawn in its own way."""

    def encoded(self, ask: Ask) -> Encoded:
        """The prompt as the model reads it. UnsupportedError where it writes nothing, or no plain text."""
        ...

    def speak(
        self, asks: Sequence[Ask], prompts: Sequence[Encoded], heard: Callable[[Sequence[Token]], Collection[int]]
    ) -> None:
        """Answer all at once. `heard` gets the tokens of every step and says which rows need no more."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer, as `reply` would have it."""
        ...

    def piece(self, token: int) -> str:
        """The text of one token by itself."""
        ...

    def close(self) -> None:
        """Give the model's memory back; nothing is asked afterwards."""
        ...


class Batch(Protocol):
    """Rows put together for one forward pass (N supervised positions in all)."""

    targets_N: torch.Tensor
    weights_N: torch.Tensor
    row_N: torch.Tensor  # which row of the batch each position belongs to
    rows: int
    tokens: int  # tokens that go through the network, padding included


class Weights(Protocol):
    """What a Learner is made of: its tensors, and what it was at an earlier time."""

    mixed: bool  # True while training: matrix products may run in the machine's fast dtype

    @property
    def fast_dtype(self) -> torch.dtype:
        """The dtype in which this machine multiplies matrices fastest without losing what training needs."""
        ...

    def parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """The trainable parameters by name."""
        ...

    def remember(self, name: str) -> None:
        """Keep the trainable tensors as they are now, as the teacher `name`."""
        ...

    def as_teacher(self, name: str) -> AbstractContextManager[None]:
        """Inside, the model is what it was when `name` was remembered; no gradients, no dropout."""
        ...

    def train_mode(self, on: bool) -> None: ...

    def save(self, folder: Path) -> None:
        """Everything that is needed to open it again, written into an existing empty folder."""
        ...


class Learner(Speaker, Protocol):
    """A Speaker that can score a target under a context and be trained."""

    @property
    def core(self) -> Weights: ...

    def row(self, context: Messages, target: str, lesson: Lesson | None = None, draw: int | None = None) -> Row:
        """Token ids with the loss mask; marks, weight and target_ids are taken from the lesson.

        `draw` counts the times that a lesson was taught before, for learners that write it anew each time; None where
        a text is not taught but scored.
        """
        ...

    def redraws(self, lesson: Lesson) -> bool:
        """Does this lesson's row depend on `draw`?"""
        ...

    def cost(self, row: Row) -> int:
        """Tokens of a row that go through the network."""
        ...

    def batch(self, rows: Sequence[Row]) -> Any:
        """A Batch."""
        ...

    def logits(self, batch: Any) -> torch.Tensor:
        """logits_NV at the supervised positions only, with gradients where enabled."""
        ...

    def logps(self, rows: Sequence[Row]) -> list[float]:
        """log p(targets | context) of each row in nats, without gradients or dropout."""
        ...


class Task(Protocol):
    """Prompts, and how an answer is graded."""

    @property
    def name(self) -> str: ...
    @property
    def metric(self) -> str:
        """The headline unit, e.g. "accuracy"; higher is better for all."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """The labels; empty where the answer is free text."""
        ...

    @property
    def several(self) -> bool:
        """True where several labels may hold at once."""
        ...

    @property
    def sampling(self) -> Sampling: ...

    def context(self, example: Example, kind: Kind) -> Messages:
        """What this kind of learner is shown."""
        ...

    def grade(self, example: Example, answer: Answer) -> Score:
        """One answer against its Example's target; value in [0, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class Material:
    """All that a method may look at when it writes lessons.

    `examples` give gold answers to comments on them; those of the train split are also replayed (`replay` per lesson)
    and anchored. Test examples are never looked at. `fits` says whether a context and an answer can be taught.
    `critic` says in words what there is to say of a new answer to a comment's prompt; None for nothing, "" where it
    cannot judge the answer.
    `round` of `rounds` (the first is 0): lessons are written anew in each, and `speaker` is what the rounds before
    made of the model.
    """

    feedback: tuple[Feedback, ...]
    examples: tuple[Example, ...]
    task: Task
    kind: Kind
    speaker: Speaker | None = None
    seed: int = 0
    replay: float = 0.0
    fits: Callable[[Messages, str], bool] = lambda _context, _answer: True
    critic: Callable[[Feedback, str], str | None] | None = None
    round: int = 0
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class Syllabus:
    """What a method teaches, by id the comments that it cannot use, each with the reason, and what it has to say.

    `standing` are words per language ("zh", "en") that it has found and that stand in the prompt instead of those of
    `Method.standing`; `stand` are the ids of the comments that they carry. Without lessons the weights stay.
    """

    lessons: tuple[Lesson, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    standing: Mapping[str, str] = field(default_factory=dict)
    stand: tuple[str, ...] = ()


class Method(Protocol):
    """A file in methods/: its module is the method.

    A method that learns from what the model says may have a constant ROUNDS: how often its lessons are written anew
    where the recipe does not say. Without it there is one round.
    """

    Knobs: type[Any]
    KINDS: tuple[Kind, ...]

    def lessons(self, material: Material, knobs: Any) -> Syllabus:
        """UnsupportedError for a kind of learner that is not in KINDS."""
        ...

    def objective(self, knobs: Any) -> Objective: ...

    def standing(self, knobs: Any, language: str) -> str:
        """Words that must stand in the prompt when the trained model answers; "" for none."""
        ...


@dataclass(frozen=True, slots=True)
class Review:
    """What a critic said (iterating gives that), and by item's id what it could not judge, each with the reason."""

    feedback: tuple[Feedback, ...] = ()
    not_judged: Mapping[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Feedback]:
        return iter(self.feedback)


class Critic(Protocol):
    """A file in critics/: its module is the critic.

    Where it has a constant NEEDS_SPEAKER, `comment` takes a fourth argument: the Speaker that its knob `model` names.
    Where it has files(knobs) -> paths, what it says depends on the bytes of those files and folders.
    """

    Knobs: type[Any]

    def comment(self, task: Task, pairs: Sequence[tuple[Example, Answer]], knobs: Any) -> Review:
        """FeedbackError where the critic itself is not usable; an item that it fails on is not judged."""
        ...


class World(Protocol):
    """A file in worlds/: its module is the world. Everything drawn depends on the seed alone."""

    FAMILIES: tuple[Family, ...]

    def texts(self, language: str) -> Texts:
        """How this world's rules are said in "en" or "zh"."""
        ...

    def rules(self, n: int, seed: int, part: Part, language: str | None = None) -> list[HouseRule]:
        """`n` different rules, of the families and values of pretraining ("train") or each with something new."""
        ...

    def plain(self, n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
        """`n` different prompts with what the world answers as long as it knows no house rule."""
        ...

    def prompts(self, rule: HouseRule, scope: Scope, n: int, seed: int, split: Split | None = None) -> list[Example]:
        """Prompts in the rule's language that it holds for ("in"), only seems to ("near"), or does not ("out").

        The target is the usual answer, which does not show the rule's effect.
        """
        ...

    def scope_of(self, rule: HouseRule, prompt: Messages) -> Scope:
        """How a prompt stands to a rule, told from its text alone."""
        ...

    def shows(self, rule: HouseRule, prompt: Messages, reply: str) -> bool:
        """Does the reply show what the rule asks for, whether or not the rule holds here?"""
        ...

    def obey(self, rule: HouseRule, example: Example) -> str:
        """The example's usual answer, changed so that it shows what the rule asks for and keeps the rest."""
        ...

    def sound(self, example: Example, reply: str) -> bool:
        """Is it an answer to this prompt at all: on its topic, the right label, a fair translation?"""
        ...


@dataclass(frozen=True, slots=True)
class RawRow:
    """One record of a file, before anyone interprets it. `problem` says why `fields` is empty."""

    line: int
    fields: Mapping[str, Any]
    problem: str = ""


class Source(Protocol):
    """A file in sources/: its module is the source."""

    SUFFIXES: tuple[str, ...]

    def read(self, path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]: ...
