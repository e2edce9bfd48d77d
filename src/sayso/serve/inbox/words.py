"""The words of the interface, in English and in Chinese, from one table each.

Decided here:
- The tables are data (words_en.yaml, words_zh.yaml), so that whoever mends a wording need not read a program.
- A word that is missing is an error, never an empty place on a page; a test holds the two tables against each other.
- The language is the reader's choice, kept in a cookie; before there is one, what the browser asks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import yaml

from sayso.wording import Language

LANGUAGES: Mapping[Language, str] = {"en": "English", "zh": "中文"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Words:
    """Says things in one language."""

    language: Language

    def __call__(self, key: str, **values: object) -> str:
        """The wording of a key, its {places} filled; `n` chooses between one and several. KeyError for no wording."""
        found = _table(self.language)[key]
        if isinstance(found, dict):
            found = found["one" if values.get("n") == 1 else "other"]
        return str(found).format(**values)

    def day(self, stamp: str) -> str:
        """A time of the store as people write it, in UTC; a script on the page makes it their own time."""
        if not stamp:
            return ""
        when = datetime.fromisoformat(stamp)
        if self.language == "zh":
            return f"{when.year}年{when.month}月{when.day}日 {when:%H:%M}"
        return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M}"


def preferred(accepted: str) -> Language:
    """The language that an Accept-Language header asks for first of the two; English where it names neither."""
    ranked = []
    for place, part in enumerate(accepted.split(",")[:20]):
        name, _, weight = part.strip().partition(";")
        found = re.fullmatch(r"\s*q=(0(?:\.\d+)?|1(?:\.0+)?)\s*", weight)
        ranked.append((-float(found.group(1)) if found else -1.0, place, name.lower()[:2]))
    known: list[Language] = [
        ("zh" if name == "zh" else "en") for weight, _, name in sorted(ranked) if name in LANGUAGES
    ]
    return known[0] if known else "en"


@cache
def _table(language: Language) -> dict[str, str | dict[str, str]]:
    path = Path(__file__).with_name(f"words_{language}.yaml")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
