"""Text composed from phrase banks, for worlds that speak several languages.

Decided here:
- A template is a line of text: [a|b] is a choice (either may be empty), {x} a part, drawn anew each time, or a slot,
  which is filled at the end from the scene. Until then the text is a skeleton: how something is said, not of what.
- Draws use nothing of `Random` but `random()`, whose sequence for a seed is the same in every version of Python.
- A language is spaced (English: blanks between sentences, capitals, "an" before a vowel) or it is not (Chinese).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

T = TypeVar("T")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_REFERENCE = re.compile(r"\{(\w+)\}")
_STAYS_LARGE = re.compile(r"I\b|[A-Z]{2}|[A-Z][-\d]|English|Chinese|British|Americ|Western")
_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiou])(?!one\b|once\b|us[eu]|uni[^mn]|eu)")


@dataclass(frozen=True)
class Grammar:
    """The parts of one language, and whether it is spaced."""

    parts: Mapping[str, tuple[str, ...]]
    spaced: bool

    def expand(self, template: str, dice: Random) -> str:
        """The skeleton of a template: choices made, parts expanded, slots still in braces."""

        def part(found: re.Match[str]) -> str:
            options = self.parts.get(found[1])
            return self.expand(pick(dice, options), dice) if options else found[0]

        while _CHOICE.search(template):
            template = _CHOICE.sub(lambda found: pick(dice, found[1].split("|")), template)
        return _REFERENCE.sub(part, template)

    def join(self, pieces: Sequence[str]) -> str:
        """Pieces as running text; where it is spaced, what follows a comma goes on in lower case."""
        text = ""
        for piece in filter(None, pieces):
            goes_on = self.spaced and text.endswith(",") and not re.match(r"I\b|\{", piece)
            text += (" " if text and self.spaced else "") + (piece[0].lower() + piece[1:] if goes_on else piece)
        return text

    def write(self, skeleton: str, scene: Mapping[str, str]) -> str:
        """The finished text: slots filled, and capitals where sentences begin."""
        text = fill(skeleton, scene)
        return capitals(text) if self.spaced else text


def pick(dice: Random, options: Sequence[T]) -> T:
    """One of the options, each as likely."""
    return options[int(dice.random() * len(options))]


def slots(skeleton: str) -> list[str]:
    """The names in braces."""
    return _REFERENCE.findall(skeleton)


def fill(skeleton: str, scene: Mapping[str, str]) -> str:
    """A skeleton with its slots filled, without the blanks, second stops and "a" that filling leaves wrong."""
    text = _REFERENCE.sub(lambda found: scene[found[1]], skeleton)
    text = re.sub(r"(?<=\w) +(?=[,.?!])|(?<=[.?!]) +(?= |$)|(?<=[。！？][”」’])。", "", text)
    return _BEFORE_VOWEL.sub(r"\1n ", text)


def capitals(text: str) -> str:
    """A capital letter at the start and after a full stop, question or exclamation mark."""
    return re.sub(r"(^|[.!?]\s+|\n)([a-z])", lambda found: found[1] + found[2].upper(), text)


def uncapped(text: str) -> str:
    """The text after a comma or colon: with a small first letter, where that is no name or abbreviation."""
    return text if _STAYS_LARGE.match(text) else text[:1].lower() + text[1:]


def lines(text: str) -> tuple[str, ...]:
    """The templates of a block of text, one to a line."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())
