"""What an exporter is given, what its engine answers, and what it must offer; numpy, no torch.

Decided here:
- An exporter gets plain files and plain numbers: a folder in the hub's layout (float32, adapters merged) and what the
  learner itself made of real inputs. It opens no learner, so it cannot compare an export with itself.
- Inputs are token ids: what is compared is the engine, not how a text was cut. Golden prompts carry their text too,
  for engines that cut texts themselves.
- An encoder's answer are the places of its labels, so "token agreement" and "label agreement" are one figure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sayso.records import Kind, Messages

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One real row, read to its end (teacher-forced).

    ids: decoder - context then target; encoder - the text; encoder-decoder - the source. shifted: what the decoder of
    an encoder-decoder reads (its start token, then the target without its last token), else empty. The logits at the
    places `at` are compared: places in ids for a decoder, in shifted for an encoder-decoder, (0,) for an encoder: its
    one vector over the labels.
    """

    ids: tuple[int, ...]
    at: tuple[int, ...]
    shifted: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Golden:
    """One prompt that is answered greedily, at most `room` tokens, and the learner's own answer.

    opening: what an encoder-decoder's answer begins with, not part of `answer`. An `answer` ends with its end token
    where it ended by itself. For an encoder `answer` are the places of the labels that it says.
    """

    prompt: Messages
    text: str
    ids: tuple[int, ...]
    answer: tuple[int, ...]
    room: int
    opening: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """Real inputs with what the learner makes of them in float32.

    logits_NV: one line per place of all rows, in their order; V the vocabulary, or the labels of an encoder. With
    `several` labels at once a label is said where its logit is above 0.
    """

    kind: Kind
    rows: tuple[ReplayRow, ...]
    logits_NV: Floats
    golden: tuple[Golden, ...]
    end_ids: tuple[int, ...] = ()
    pad_id: int = 0
    several: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """What an engine makes of a Replay: logits_NV like the Replay's, an answer per golden prompt, and who answered.

    recut: where answers came back as text and were cut into tokens again, how the learner's own answers are when the
    same is done to them; without it half a character's bytes, which no text can hold, would count as another answer.
    """

    engine: str
    version: str
    logits_NV: Floats
    answers: tuple[tuple[int, ...], ...]
    recut: Callable[[tuple[int, ...]], tuple[int, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far an export may be from the learner.

    difference: relative, the largest of |engine - learner| / |learner| over places (Euclidean). argmax: least share
    of places with the same likeliest entry (the same labels). answers: least share of golden answers' tokens that
    agree up to the first that does not.
    """

    difference: float = 1e-3
    argmax: float = 0.99
    answers: float = 0.98


@dataclass(frozen=True, slots=True)
class Card:
    """What is written for people beside weights: the run's model card, and what stands nowhere else in it.

    base_licence: "" where nobody stated one. lessons: what it was told, in people's words, each with what became of
    it. standing: words per language that must stand after the last turn of every prompt.
    """

    text: str = ""
    base: str = ""
    base_licence: str = ""
    lessons: tuple[str, ...] = ()
    standing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Export:
    """A trained model, ready to be taken elsewhere.

    weights: a folder in the hub's layout (config.json, safetensors in float32 with adapters merged, tokenizer with its
    template). adapter: the folder of the adapter alone, None where all weights were trained. origin: what the adapter
    belongs on, a folder or a hub id.
    """

    name: str
    kind: Kind
    weights: Path
    config: Mapping[str, Any]
    labels: tuple[str, ...]
    max_length: int
    replay: Replay
    card: Card
    adapter: Path | None = None
    origin: str = ""

    @property
    def architecture(self) -> str:
        """The config's model_type, e.g. "llama"."""
        return str(self.config.get("model_type", ""))


class Exporter(Protocol):
    """A file in exporters/: its module is the exporter."""

    Knobs: type[Any]
    KINDS: tuple[Kind, ...]

    def check(self, export: Export, knobs: Any) -> None:
        """UnsupportedError for what is not proven to come out right, or where the engine is missing.

        Called before anything is written.
        """
        ...

    def write(self, export: Export, folder: Path, knobs: Any) -> None:
        """Everything into an existing empty folder."""
        ...

    def replay(self, folder: Path, replay: Replay, knobs: Any) -> Replayed:
        """Load what was written in the engine that it is for, and put the inputs to it. It sees no expected value."""
        ...

    def tolerance(self, knobs: Any) -> Tolerance: ...

    def use(self, export: Export, knobs: Any) -> str:
        """Markdown for the bundle's README: how it is used, with commands that can be copied."""
        ...


def blinded(replay: Replay) -> Replay:
    """The same inputs without the learner's outputs: what an engine may see."""
    empty = np.zeros((0, replay.logits_NV.shape[1]), dtype=np.float32)
    golden = tuple(Golden(one.prompt, one.text, one.ids, (), one.room, one.opening) for one in replay.golden)
    return Replay(replay.kind, replay.rows, empty, golden, replay.end_ids, replay.pad_id, replay.several)


def in_words(card: Card) -> str:
    """The card as Markdown, with all that the model was told."""
    lines = [card.text.rstrip()]
    if card.lessons:
        lines.append("## What it learnt from comments\n\n" + "\n".join(f"- {words}" for words in card.lessons))
    return "\n\n".join(filter(None, lines)) + "\n"


def notice(card: Card) -> str:
    """Whose the weights are, as far as that is known."""
    if not card.base:
        return "These weights were trained from scratch; their licence is for whoever trained them to state.\n"
    known = f"stands under {card.base_licence}" if card.base_licence else "does not say under which licence it stands"
    return (
        f"These weights were made from '{card.base}', which {known}. What is made from it stays bound by that; "
        "settle what is open before you publish. Comments and data that it learnt from have authors of their own.\n"
    )


def said(logits_L: Sequence[float] | Floats, several: bool) -> tuple[int, ...]:
    """The places of the labels that an encoder's logits say."""
    scores = np.asarray(logits_L, dtype=np.float32)
    return tuple(int(i) for i in np.nonzero(scores > 0)[0]) if several else (int(scores.argmax()),)
