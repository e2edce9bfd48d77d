"""The nouns: what flows between the rooms. Frozen, JSON-able, standard library only.

Decided here:
- A Lesson is a closed union of three (Imitate, Prefer, Match) and is text: what will be taught can be read before a
  model loads. Everything that a method wants is said in these words; the loop knows no method.
- Ids are hashes of content: the same comment imported twice is one comment.
- Several labels are one text, joined by LABEL_JOINT, so that an encoder with a head, a decoder and a file of lessons
  mean the same thing by "target".
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Literal, TypeVar

Role = Literal["system", "user", "assistant"]
Kind = Literal["encoder", "encoder_decoder", "decoder"]
Split = Literal["train", "validation", "test"]
LABEL_JOINT = " | "


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


Messages = tuple[Message, ...]


def user(text: str) -> Messages:
    """The commonest context: one turn of the user."""
    return (Message("user", text),)


@dataclass(frozen=True, slots=True)
class Example:
    """One row of data: an input and, where known, its right answer. `id` is unique within a project's data."""

    id: str
    prompt: Messages
    target: str | None = None
    split: Split = "train"
    line: int = 0
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is drawn. Temperature 0 is greedy, a beam search with several beams; top_p 1 and top_k 0 are off.

    A beam search compares answers of T tokens by log p / T ** length_penalty: above 1 favours longer ones.
    """

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0
    repetition_penalty: float = 1.0
    beams: int = 1
    length_penalty: float = 1.0


GREEDY = Sampling()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a Speaker said: the text, its token ids with their log-probabilities, and whether it ended by itself."""

    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    ended: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer to one Example. `probabilities` is per label where the task has labels."""

    item: str
    text: str
    probabilities: Mapping[str, float] = field(default_factory=dict)
    ended: bool = True
    tokens: int = 0


class Why(StrEnum):
    """Why a Score has the value it has: never a bare bool."""

    RIGHT = "right"
    WRONG_LABEL = "wrong_label"
    MISSING_LABEL = "missing_label"
    EXTRA_LABEL = "extra_label"
    NO_LABEL = "no_label"
    PARTIAL = "partial"
    DIFFERENT = "different"
    EMPTY = "empty"
    UNFINISHED = "unfinished"
    REPEATS = "repeats"
    COPIES = "copies"
    MEASURED = "measured"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True, slots=True)
class Score:
    """One measurement. `item` is an Example's id, or "" for all of `n` items together."""

    task: str
    item: str
    unit: str
    value: float
    why: Why = Why.MEASURED
    interval: tuple[float, float] | None = None
    n: int = 1
    detail: str = ""


Verdict = Literal["better", "worse", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two stages on the same items: the paired difference with its bootstrap interval, and the verdict in words."""

    unit: str
    split: str
    before_stage: str
    after_stage: str
    before: float
    after: float
    difference: float
    interval: tuple[float, float]
    n: int
    verdict: Verdict
    words: str = ""


# ---------------------------------------------------------------- feedback

AuthorKind = Literal["person", "critic", "program", "user_turn", "self"]
Reach = Literal["item", "rule", "everywhere"]
Polarity = Literal["negative", "neutral", "positive"]


@dataclass(frozen=True, slots=True)
class Author:
    """Who says it."""

    kind: AuthorKind = "person"
    id: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """How far a comment reaches: just this item, wherever a condition in words holds, or everywhere."""

    reach: Reach = "item"
    when: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the attempt, in characters [start, end), with what is wrong with it."""

    start: int
    end: int
    label: str = ""
    severity: str = ""
    replacement: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the model answered, and where known which tokens, which model and how it was sampled."""

    text: str
    token_ids: tuple[int, ...] = ()
    model: str = ""
    sampling: Sampling | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """A comment in words on one attempt. Never edited, only superseded; its id is a hash of its content."""

    prompt: Messages
    attempt: Attempt
    comment: str
    author: Author = Author()
    scope: Scope = Scope()
    spans: tuple[Span, ...] = ()
    revision: str | None = None
    checks: tuple[str, ...] = ()
    polarity: Polarity = "negative"
    confidence: float = 1.0
    reveals_answer: bool = False
    language: str = ""
    split: Split | None = None
    licence: str = ""
    supersedes: str = ""
    item: str = ""

    @property
    def id(self) -> str:
        """The first 16 hex digits of the SHA-256 of the content."""
        return content_id(self)


class State(StrEnum):
    """What became of a comment, as its author sees it."""

    WAITING = "waiting"
    HEEDED = "heeded"
    NOT_HEEDED = "not_heeded"
    CANNOT_TELL = "cannot_tell"
    HELD_OUT = "held_out"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One comment's state after one run, with the answers before and after."""

    feedback: str
    state: State
    why: str = ""
    before: str = ""
    after: str = ""
    run: str = ""


# ---------------------------------------------------------------- lessons


@dataclass(frozen=True, slots=True)
class Mark:
    """Weight of the target's characters [start, end); negative pushes away."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Imitate:
    """In this context, say the target (weight below 0: do not). An empty context means plain text: all is learnt."""

    context: Messages
    target: str
    weight: float = 1.0
    marks: tuple[Mark, ...] = ()
    from_ids: tuple[str, ...] = ()
    target_ids: tuple[int, ...] = ()
    behaviour_logprobs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefer:
    """In this context, `chosen` rather than `rejected`."""

    context: Messages
    chosen: str
    rejected: str
    weight: float = 1.0
    from_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """In `context`, believe of the target what the teacher believes in `hinted`.

    Teacher "self" is the model as it is at that step, "start" as it was when this training (with rounds, the first of
    them) began, "base" as it was opened. With hinted == context and teacher "base" it is an anchor.
    """

    context: Messages
    hinted: Messages
    target: str
    teacher: Literal["self", "start", "base"] = "base"
    weight: float = 1.0
    from_ids: tuple[str, ...] = ()
    target_ids: tuple[int, ...] = ()


Lesson = Imitate | Prefer | Match


@dataclass(frozen=True, slots=True)
class Objective:
    """How strongly, and by which loss, each kind of Lesson pulls. Kernels are normalised each by its own tokens.

    `beta` is DPO's temperature, `anchor` the weight of likelihood on the chosen answer beside it; `divergence` is
    taken over the full vocabulary, or over the teacher's `top_k` and one tail (0: full); `clip` bounds the
    probability ratio of on-policy Imitate lessons that carry behaviour_logprobs.
    """

    imitate: float = 1.0
    prefer: float = 1.0
    match: float = 1.0
    label_smoothing: float = 0.0
    beta: float = 0.1
    anchor: float = 0.0
    divergence: Literal["forward", "reverse", "jsd"] = "reverse"
    top_k: int = 0
    temperature: float = 1.0
    clip: float = 0.2


@dataclass(frozen=True, slots=True)
class Row:
    """One context with one target in token ids.

    ids: decoder - context then target; encoder - the text; encoder-decoder - the source.
    targets[i] is predicted by the logits at place at[i] and counts weights[i]. For a decoder `at` are places in ids;
    for an encoder-decoder, places in the target; for an encoder with a head (0,), or one per label where several
    may hold (there targets are 0 or 1); for a masked language model the masked places.
    """

    ids: tuple[int, ...]
    targets: tuple[int, ...]
    at: tuple[int, ...]
    weights: tuple[float, ...]
    cut: int = 0


# ---------------------------------------------------------------- JSON

R = TypeVar("R")


def to_json(record: Any) -> Any:
    """A record as plain JSON values; fields at their default are left out, so files stay readable."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        plain = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
        body = {name: to_json(value) for name, value in plain.items() if value != _default(record, name)}
        return {"kind": type(record).__name__.lower()} | body if isinstance(record, Lesson) else body
    if isinstance(record, Mapping):
        return {str(key): to_json(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [to_json(value) for value in record]
    return record


def from_json(cls: type[R], plain: Any) -> R:
    """The record that `to_json` wrote. Raises ValueError naming the field that does not fit."""
    return typing.cast(R, _build(cls, plain, cls.__name__))


def lesson_from_json(plain: Mapping[str, Any]) -> Lesson:
    """A Lesson from a line of lessons.jsonl. Raises ValueError for an unknown kind."""
    kinds: dict[str, type[Imitate] | type[Prefer] | type[Match]]
    kinds = {"imitate": Imitate, "prefer": Prefer, "match": Match}
    kind = str(plain.get("kind"))
    if kind not in kinds:
        raise ValueError(f"a lesson's kind is one of {', '.join(kinds)}, not {kind!r}")
    return from_json(kinds[kind], {k: v for k, v in plain.items() if k != "kind"})


def content_id(record: Any) -> str:
    """16 hex digits that depend on the content alone, the same on every machine."""
    text = json.dumps(to_json(record), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def join_labels(labels: Iterable[str]) -> str:
    """Several labels as one target text, in the order given; none is the empty text."""
    return LABEL_JOINT.join(labels)


def split_labels(text: str) -> tuple[str, ...]:
    """The labels of a target text."""
    return tuple(part.strip() for part in text.split(LABEL_JOINT.strip()) if part.strip())


def _default(record: Any, name: str) -> Any:
    spec = type(record).__dataclass_fields__[name]
    if spec.default_factory is not dataclasses.MISSING:
        return spec.default_factory()
    return spec.default


@lru_cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _build(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build_record(typing.cast(type, hint), value, where)
    if origin is tuple:
        return _build_tuple(args, value, where)
    if origin is types.UnionType or origin is typing.Union:
        if value is None and type(None) in args:
            return None
        return _build(next(arg for arg in args if arg is not type(None)), value, where)
    if origin is Literal:
        return _expect(value in args, value, where, "one of " + ", ".join(map(str, args)))
    if origin is not None and issubclass(origin, Mapping):
        return dict(_expect(isinstance(value, Mapping), value, where, "a mapping"))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        _expect(value in list(hint), value, where, "one of " + ", ".join(hint))
        return hint(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    fits = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    return _expect(fits, value, where, hint.__name__)


def _build_record(cls: type, value: Any, where: str) -> Any:
    _expect(isinstance(value, Mapping), value, where, "an object")
    hints = _hints(cls)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}; known: {', '.join(hints)}")
    built = {name: _build(hints[name], item, f"{where}.{name}") for name, item in value.items()}
    try:
        return cls(**built)
    except TypeError as error:
        missing = str(error).partition("missing ")[2] or str(error)
        raise ValueError(f"{where}: missing {missing}") from None


def _build_tuple(args: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    _expect(isinstance(value, list | tuple), value, where, "a list")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_build(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    _expect(len(value) == len(args), value, where, f"{len(args)} values")
    return tuple(_build(arg, item, f"{where}[{i}]") for i, (arg, item) in enumerate(zip(args, value, strict=True)))


def _expect(fits: bool, value: Any, where: str, expected: str) -> Any:
    if not fits:
        raise ValueError(f"{where}: expected {expected}, got {value!r:.80}")
    return value
