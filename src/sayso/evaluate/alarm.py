"""When learning has gone wrong although its loss falls: what is watched, and from where on it is a collapse.

Decided here:
- A model that learns from its own answers, or is pushed away from answers, may end in short, repeated or always the
  same answers. None of that shows in the loss, so answers to prompts that nobody commented on are looked at.
- Everything is compared with the model as it was when learning began, on the same prompts.
- What was asked for is no collapse: where comments speak of length, shorter answers raise no alarm; where one holds
  everywhere, there is no prompt on which nothing may move, and drift raises none.
- Labels have no length, and a sure classifier is what was wanted: they are watched and raise no alarm. Validation
  knows their right answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sayso.records import Answer, Feedback
from sayso.surface import repeated_ngrams, units
from sayso.wording import without_length

SHRUNK = 0.5  # of the answers' length at the start
REPEATING = 0.3  # share of repeated 4-grams above that of the start
UNIFORM = 0.7  # share of the start's token entropy that is gone
DRIFTED = 1.0  # nats per token, KL(start || now)
LEAST_LENGTH = 2.0  # units; shorter answers at the start cannot shrink
LEAST_ENTROPY = 0.1  # nats per token; a model that was so sure at the start cannot lose what it has not


@dataclass(frozen=True, slots=True)
class Vitals:
    """Of a model's answers to the watched prompts: mean length in units, share of repeated 4-grams, nats per token.

    A unit is a word, or a character where words are not spaced. `drift` is the mean KL(start || now) over the tokens
    of the answers that were given at the start; both it and the entropy are None where they were not measured.
    """

    length: float = 0.0
    repetition: float = 0.0
    entropy: float | None = None
    drift: float | None = None


def vitals(answers: Sequence[Answer], entropy: float | None = None, drift: float | None = None) -> Vitals:
    """What the answers' texts show, beside what was measured of the model."""
    repeated, grams = (sum(side) for side in zip((0, 0), *(repeated_ngrams(one.text) for one in answers), strict=True))
    length = sum(len(units(one.text)) for one in answers) / max(1, len(answers))
    return Vitals(length, repeated / grams if grams else 0.0, entropy, drift)


def figures(start: Vitals, now: Vitals) -> dict[str, float]:
    """For the curves: length as a ratio to the start's, and the rest as it is."""
    known = {"watched_repetition": now.repetition, "watched_entropy": now.entropy, "drift": now.drift}
    ratio = {"watched_length": now.length / start.length} if start.length else {}
    return ratio | {name: value for name, value in known.items() if value is not None}


def collapse(start: Vitals, now: Vitals, asked: Iterable[str] = ()) -> str:
    """What has collapsed since the start, in words; "" for nothing. `asked` names what the comments ask for."""
    expected = set(asked)
    found = {
        "length": _shrunk(start, now),
        "repetition": _repeating(start, now),
        "entropy": _uniform(start, now),
        "drift": _drifted(now),
    }
    return "; ".join(words for name, words in found.items() if words and name not in expected)


def asked_for(feedback: Iterable[Feedback]) -> set[str]:
    """Which of the alarms these comments themselves ask for."""
    asked: set[str] = set()
    for one in feedback:
        if without_length(one.comment) != one.comment.strip():
            asked.add("length")
        if one.scope.reach == "everywhere":
            asked.add("drift")
    return asked


def in_words(values: Mapping[str, float]) -> str:
    """What `figures` gave, in a line: "answers 0.97 of their length at the start, ..."."""
    said = {
        "watched_length": "answers {:.2f} of their length at the start",
        "watched_repetition": "{:.0%} of their 4-grams repeated",
        "watched_entropy": "entropy {:.2f} nats per token",
        "drift": "drift {:.3f} nats per token",
    }
    return ", ".join(words.format(values[name]) for name, words in said.items() if name in values)


def _shrunk(start: Vitals, now: Vitals) -> str:
    if start.length < LEAST_LENGTH or now.length >= SHRUNK * start.length:
        return ""
    share = now.length / start.length
    return f"answers have shrunk to {share:.0%} of their length at the start (alarm below {SHRUNK:.0%})"


def _repeating(start: Vitals, now: Vitals) -> str:
    if now.repetition - start.repetition <= REPEATING:
        return ""
    shares = f"{now.repetition:.0%} of their 4-grams, {start.repetition:.0%} at the start"
    return f"answers repeat themselves: {shares} (alarm above {REPEATING:.0%} more)"


def _uniform(start: Vitals, now: Vitals) -> str:
    if start.entropy is None or now.entropy is None or start.entropy < LEAST_ENTROPY:
        return ""
    lost = 1 - now.entropy / start.entropy
    if lost <= UNIFORM:
        return ""
    moved = f"from {start.entropy:.2f} to {now.entropy:.2f} nats per token"
    return f"the entropy of answers fell {moved} (alarm at a loss of {UNIFORM:.0%})"


def _drifted(now: Vitals) -> str:
    if now.drift is None or now.drift <= DRIFTED:
        return ""
    moved = f"{now.drift:.2f} nats per token (alarm above {DRIFTED:g})"
    return f"answers to prompts that nobody commented on drifted by {moved}"
