"""Which comments say the same thing, and which contradict each other: of those the newer counts, and it is said.

Decided here:
- Alike is told from words and from runs of letters (pairs of characters in Chinese). Where each of two texts has a
  word of its own, another number or other quoted words, they are not alike, for in a comment those are the point: to
  keep two that say the same apart costs a line, to join two that do not loses one.
- What turns a demand round ("always", "don't", 不要) is taken out and compared by itself: a text and its opposite
  differ in nothing else.
- Two comments contradict each other where they want different answers to one prompt and both speak of one attempt, or
  one revises what the other wants. Revisions of different attempts may all be good (post-edits of one source), but of
  labels one answer alone is right.
- So do they where one asks for what the other forbids and both hold in the same place: under the same condition, on
  the same prompt, or everywhere. "Always" and "never" hold everywhere. Where one holds in a narrower place it is an
  exception, and both count.
- Newer is what stands later, as the store keeps comments in the order of their arrival.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from sayso.records import LABEL_JOINT, Feedback

ALIKE = 0.5  # share of words and runs of letters that must be common to both
STEM = 4  # letters by which a word is known, so that its endings do not count
ROOT = 6  # the same, where one word must not be taken for another
SHOWN = 5
_NEVER = r"never|永远不要|永远别|永远不|从不|绝不能|绝不要|绝不|决不|千万别|千万不要|一律不|切勿|严禁"
_NOT = (
    r"do not|don't|must not|mustn't|should not|shouldn't|may not|cannot|can't|avoid|stop|no longer"
    r"|不要|不应该|不应当|不应|不该|不能|不得|不许|不可以|不准|禁止|避免|别"
)
_ALWAYS = r"always|every time|invariably|总是|总要|始终|一律|永远|每次都|每次|一定要|一定"
_DO = r"do|must|should|have to|has to|ought to|必须|务必|应该|应当|都要|需要|应|要"
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff"
_TURNS = {
    name: re.compile("|".join(rf"\b(?:{part})\b" if part.isascii() else part for part in words.split("|")))
    for name, words in (("never", _NEVER), ("not", _NOT), ("always", _ALWAYS), ("do", _DO))
}
_DENIES = re.compile(r"\b(?:not|no|without|never)\b|n't\b|[没未无不非]")
_QUOTE = re.compile(r"[“\"「‘][^”\"」’]+[”\"」’]")
_FIGURE = re.compile(
    r"\d+|(?:一(?![些点下定样直般])|[〇零二两三四五六七八九十百千万])+|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|once|twice)\b"
    rf"|{_QUOTE.pattern}"
)
_UNIT = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")
_IS_HAN = re.compile(f"[{_HAN}]")
_WORD = re.compile(rf"[{_HAN}]|[^\W\d_{_HAN}]+")
_SMALL_EN = (
    "a an the to of for in on at is are was were be been it its this that these please you your they and or with as "
    "when if by more most very so just all any here there what not i we me us"
)
_SMALL = {*_SMALL_EN.split(), *"的了是要请说得地把在就也都和与或一些点更很太这那个你您用被对"}


@dataclass(frozen=True, slots=True)
class Demand:
    """What a text asks for, letters only, whether it forbids it, and whether it says "always" or "never"."""

    matter: str
    forbids: bool
    universal: bool


@lru_cache(maxsize=4096)
def demand(words: str) -> Demand:
    """The words taken apart. "Never say sorry!" forbids, everywhere, what "Always say sorry." asks for."""
    text, found = _turned(words)
    return Demand(_letters(text), bool(found & {"never", "not"}), bool(found & {"never", "always"}))


def likeness(one: str, other: str) -> float:
    """In [0, 1]: the share of their words and of their runs that two texts have in common (Dice's coefficient, meant).

    0 for a text and its opposite.
    """
    if demand(one).forbids != demand(other).forbids or _figures(one) != _figures(other):
        return 0.0
    mine, theirs = _words(one), _words(other)
    if mine - theirs and theirs - mine:
        return 0.0
    return (_shared(mine, theirs) + _shared(_runs(one), _runs(other))) / 2


def likeness_of_conditions(one: str, other: str) -> float:
    """As `likeness`; 0 also for a condition and what denies it."""
    return likeness(one, other) if bool(_DENIES.search(_folded(one))) == bool(_DENIES.search(_folded(other))) else 0.0


def terms(text: str) -> frozenset[str]:
    """What a text is made of: words without their endings, small ones left out, and pairs of Chinese characters."""
    words = (word.rstrip("s") for word in _WORD.findall(_folded(text)) if word not in _SMALL)
    pairs = {run for run in _runs(text) if _IS_HAN.match(run)}
    return frozenset({word[:ROOT] for word in words if not _IS_HAN.match(word)} | pairs)


def quotes(text: str) -> frozenset[str]:
    """What a text quotes, without its quotation marks."""
    return frozenset(found.strip('“”"「」‘’').strip() for found in _QUOTE.findall(_folded(text)))


def share_in(parts: Collection[str], text: str) -> float:
    """The share of these terms or quotations that stands in a text; 0 where there are none."""
    folded, own = _folded(text), terms(text)
    found = [part in own or (part in folded and _stands_alone(part, folded)) for part in parts]
    return sum(found) / len(found) if found else 0.0


def groups(feedback: Sequence[Feedback]) -> list[tuple[Feedback, ...]]:
    """The comments, those that say the same thing together: each is in one group, in the order given.

    Comments under different conditions are never together, whatever they say.
    """
    found: list[list[Feedback]] = []
    for one in feedback:
        near = [(_both(one, group[0]), group) for group in found]
        closeness, best = max(near, key=lambda pair: pair[0], default=(0.0, []))
        if closeness >= ALIKE:
            best.append(one)
        else:
            found.append([one])
    return [tuple(group) for group in found]


def overruled(feedback: Sequence[Feedback], one_right: bool = False) -> dict[str, Feedback]:
    """By the id of each comment that a newer one contradicts, that newer one; the newest is never overruled.

    one_right: a prompt has a single right answer, whatever was attempted, as where answers are labels.
    """
    found: dict[str, Feedback] = {}
    for together, contrary in _places(feedback, one_right):
        standing: list[Feedback] = []
        for one in reversed(together):
            newer = next((other for other in standing if contrary(other, one)), None)
            if newer is None:
                standing.append(one)
            else:
                found.setdefault(one.id, newer)
    return found


def notices(feedback: Sequence[Feedback], one_right: bool = False) -> tuple[str, ...]:
    """What a person should know of comments that contradict each other or say the same, a sentence each."""
    by_id, lost = {one.id: one for one in feedback}, overruled(feedback, one_right)
    said = [
        f'"{clip(by_id[old].comment)}" is contradicted by the newer "{clip(new.comment)}": the newer counts'
        for old, new in lost.items()
    ]
    kept = [one for one in feedback if one.id not in lost and one.comment.strip()]
    same = sorted((group for group in groups(kept) if len(group) > 1), key=lambda group: -len(group))
    alike = [f'{len(group)} comments say the same thing: "{clip(group[-1].comment)}"' for group in same]
    return (*_few(said, "contradictions"), *_few(alike, "groups that say the same"))


def clip(words: str, most: int = 60) -> str:
    """On one line, and not longer than that."""
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1] + "…"


# ---------------------------------------------------------------- inside


def _places(
    feedback: Sequence[Feedback], one_right: bool
) -> Iterator[tuple[list[Feedback], Callable[[Feedback, Feedback], bool]]]:
    """Comments that could contradict each other, and how that is told."""
    prompts: dict[Hashable, list[Feedback]] = defaultdict(list)
    demands: dict[Hashable, list[Feedback]] = defaultdict(list)
    for one in feedback:
        prompts[one.prompt].append(one)
        if matter := demand(one.comment).matter:
            demands[_place(one), matter].append(one)
    yield from ((together, partial(_other_answers, one_right)) for together in prompts.values())
    yield from ((together, _opposed) for together in demands.values())


def _stands_alone(part: str, text: str) -> bool:
    """In "plate" there is no "late"; Chinese has no such borders."""
    return not part.isascii() or re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) is not None


def _shared(mine: frozenset[str], theirs: frozenset[str]) -> float:
    """Dice's coefficient; 1 where there is nothing on either side."""
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine or theirs else 1.0


def _place(one: Feedback) -> Hashable:
    """Where a comment holds."""
    if one.scope.reach == "rule":
        return "rule", _letters(_folded(one.scope.when))
    if one.scope.reach == "everywhere" or demand(one.comment).universal:
        return "everywhere"
    return one.prompt


def _opposed(one: Feedback, other: Feedback) -> bool:
    return demand(one.comment).forbids != demand(other.comment).forbids


def _other_answers(one_right: bool, one: Feedback, other: Feedback) -> bool:
    mine, theirs = _wanted(one), _wanted(other)
    if mine is None or theirs is None or _answer(mine) == _answer(theirs):
        return False
    return one_right or other.attempt.text in (one.attempt.text, mine) or one.attempt.text == theirs


def _wanted(one: Feedback) -> str | None:
    """The answer that a comment wants, where it names one."""
    praised = one.attempt.text if one.polarity == "positive" else None
    return praised if one.revision is None else one.revision


def _answer(text: str) -> tuple[str, ...]:
    """An answer without what does not matter: case, punctuation, the order of labels."""
    return tuple(sorted(_letters(_folded(part)) or part.strip() for part in text.split(LABEL_JOINT)))


def _both(one: Feedback, other: Feedback) -> float:
    """How alike two comments are, their conditions included."""
    if (one.scope.reach == "rule") != (other.scope.reach == "rule"):
        return 0.0
    words = likeness(one.comment, other.comment)
    return min(words, likeness_of_conditions(one.scope.when, other.scope.when)) if one.scope.reach == "rule" else words


def _turned(words: str) -> tuple[str, set[str]]:
    """The text without what turns a demand round, and which of those words it had."""
    text, found = _folded(words), set()
    for name, turn in _TURNS.items():
        text, count = turn.subn(" ", text)
        found |= {name} if count else set()
    return text, found


@lru_cache(maxsize=4096)
def _runs(words: str) -> frozenset[str]:
    return frozenset(run for unit in _UNIT.findall(_turned(words)[0]) for run in _cut(unit))


@lru_cache(maxsize=4096)
def _words(words: str) -> frozenset[str]:
    """What it is about: words by their beginning, characters in Chinese, small words left out."""
    text, _ = _turned(words)
    return frozenset(word.rstrip("s")[:STEM] for word in _WORD.findall(text) if word not in _SMALL)


def _cut(unit: str) -> Iterator[str]:
    size = 2 if _IS_HAN.match(unit) else STEM
    yield from (unit[i : i + size] for i in range(max(1, len(unit) - size + 1)))


@lru_cache(maxsize=4096)
def _figures(words: str) -> tuple[str, ...]:
    return tuple(sorted(_FIGURE.findall(_folded(words))))


def _folded(words: str) -> str:
    return unicodedata.normalize("NFKC", words).casefold().replace("’", "'")


def _letters(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def _few(said: Sequence[str], name: str) -> list[str]:
    return [*said[:SHOWN], *([f"and {len(said) - SHOWN} more {name}"] if len(said) > SHOWN else [])]
