"""What changed between two texts, word by word where words are spaced and character by character in Chinese.

Decided here:
- Texts that share little are not marked at all: a rewritten sentence with every second word struck out reads worse
  than the two sentences.
- A long text is shown from a little before the first change, so that the change is what is seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

_UNSPACED = r"\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
# A character, a word or a punctuation mark, with the space that follows it; space at the very beginning is its own.
_TOKEN = re.compile(rf"(?:[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s])\s*|\s+")
ALIKE_FROM = 0.35
LEAD = 60
LONGEST = 280


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one of the two texts: in both, only in the first ("gone"), or only in the second ("new")."""

    kind: Literal["same", "gone", "new"]
    text: str


Parts = tuple[Part, ...]


def diff(before: str, after: str) -> tuple[Parts, Parts]:
    """Both texts in parts; joined, the parts of each give the text back."""
    one, other = _TOKEN.findall(before), _TOKEN.findall(after)
    matcher = SequenceMatcher(None, [t.strip() for t in one], [t.strip() for t in other], autojunk=False)
    if before == after or matcher.ratio() < ALIKE_FROM:
        return _whole(before), _whole(after)
    left: list[Part] = []
    right: list[Part] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        left.append(Part("same" if tag == "equal" else "gone", "".join(one[a:b])))
        right.append(Part("same" if tag == "equal" else "new", "".join(other[c:d])))
    return _joined(left), _joined(right)


def around_change(before: str, after: str, longest: int = LONGEST) -> tuple[str, str]:
    """Both texts, cut to about `longest` characters from a little before where they part; cuts show as ellipses."""
    pairs = enumerate(zip(before, after, strict=False))
    shared = next((i for i, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = max(0, shared - LEAD) if max(len(before), len(after)) > longest else 0
    return _cut(before, start, longest), _cut(after, start, longest)


def clipped(text: str, longest: int = LONGEST) -> str:
    """The text, or its beginning and how much is not shown."""
    if len(text) <= longest:
        return text
    return f"{text[:longest].rstrip()} … ({len(text) - longest:,} more characters)"


def _cut(text: str, start: int, longest: int) -> str:
    return ("… " if start else "") + clipped(text[start:], longest)


def _whole(text: str) -> Parts:
    return (Part("same", text),) if text else ()


def _joined(parts: list[Part]) -> Parts:
    runs = groupby((p for p in parts if p.text), key=lambda part: part.kind)
    return tuple(Part(kind, "".join(part.text for part in run)) for kind, run in runs)
