"""The written sentences, read; and how well a search does on them.

Half of them, by the hash of their text, are held out: the recognisers were written on the other half alone.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from sayso.privacy.found import Found
from sayso.surface import is_chinese

_MARKED = re.compile(r"\[\[(.+?)\|(\w+)\]\]")
Half = Literal["seen", "held out"]
Search = Callable[[str], Sequence[Found]]


def sentences(half: Half) -> Iterator[tuple[str, tuple[Found, ...]]]:
    """(text, the personal data in it)"""
    for line in Path(__file__).with_name("sentences.txt").read_text(encoding="utf-8").splitlines():
        held = hashlib.sha256(line.strip().encode()).digest()[0] % 2 == 1
        if not line.startswith("#") and held == (half == "held out"):
            yield _read(line.strip())


def counts(search: Search, half: Half) -> Counter[tuple[str, str, str]]:
    """[language, kind, "gold" | "hit" | "found" | "right"]: a find is right where it overlaps its gold by half."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for text, gold in sentences(half):
        language = "zh" if is_chinese(text) else "en"
        found = search(text)
        for one in gold:
            counted[language, one.kind, "gold"] += 1
            counted[language, one.kind, "hit"] += any(_same(one, other) for other in found)
        for one in found:
            counted[language, one.kind, "found"] += 1
            counted[language, one.kind, "right"] += any(_same(one, other) for other in gold)
    return counted


def share(counted: Counter[tuple[str, str, str]], language: str, over: str, under: str) -> float:
    """Of all kinds together: right of found (precision), hit of gold (recall)."""
    total = Counter(
        {
            name: sum(n for (lang, _, what), n in counted.items() if (lang, what) == (language, name))
            for name in (over, under)
        }
    )
    return total[over] / total[under]


def _same(one: Found, other: Found) -> bool:
    both = min(one.end, other.end) - max(one.start, other.start)
    return one.kind == other.kind and 2 * both >= max(one.end, other.end) - min(one.start, other.start)


def _read(line: str) -> tuple[str, tuple[Found, ...]]:
    text, gold, last = "", [], 0
    for match in _MARKED.finditer(line):
        text += line[last : match.start()]
        gold.append(Found(match[2], len(text), len(text) + len(match[1])))  # type: ignore[arg-type]
        text += match[1]
        last = match.end()
    return text + line[last:], tuple(gold)
