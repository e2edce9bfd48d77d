"""Forms that a text may have, and how to give it one: what stands first and last, a list, JSON, one sentence, marks.

Decided here:
- Each form comes as a pair: a test that is exact, and a maker whose text passes the test and keeps the words.
- A sentence ends at a full stop, question or exclamation mark of either script, or with its line; a dot inside a
  number, an address or a code ends nothing.
- What joins on to other words keeps its own spelling: only the usual text changes its first letter, never a wording
  that somebody asked for.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise

from sayso.phrases import uncapped

_CLOSING = r"[”’\"'」』)）]*"
_END = re.compile(rf"[.!?]+{_CLOSING}(?=\s|$|[^\x00-\x7f])|[。！？…～]+{_CLOSING}|\n+")
_STOPS = ".!?。！？…～~,，;；:："


def sentences(text: str) -> list[str]:
    """The sentences with the marks that end them; what has no letter or digit is none."""
    cuts = [0, *(found.end() for found in _END.finditer(text)), len(text)]
    pieces = [text[begin:end].strip() for begin, end in pairwise(cuts)]
    return [piece for piece in pieces if re.search(r"\w", piece)]


def bare(text: str) -> str:
    """The words alone, in small letters: what two texts share that differ in their marks."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def begun(phrase: str, text: str, spaced: bool) -> str:
    """The phrase in front of the text; a phrase without a mark at its end gets a comma."""
    if not spaced:
        return phrase + "，" * phrase[-1].isalnum() + text
    if phrase[-1].isalnum():
        return f"{phrase}, {uncapped(text)}"
    return f"{phrase} {uncapped(text) if phrase.endswith(',') else text}"


def ended(text: str, phrase: str, spaced: bool) -> str:
    """The phrase behind the text."""
    return text.rstrip() + " " * spaced + phrase


def signed(text: str, name: str, spaced: bool) -> str:
    """The text with a signature in a line of its own."""
    return f"{text.rstrip()}\n" + (f"— {name}" if spaced else f"——{name}")


def is_signed(text: str, name: str) -> bool:
    """Are the last words a dash and the name?"""
    return bool(re.search(rf"(?:[—–―-]|--)\s*{re.escape(name)}\s*$", text))


def listed(text: str) -> str:
    """Every sentence as a line that begins with a dash."""
    return "\n".join(f"- {sentence}" for sentence in sentences(text))


def is_listed(text: str) -> bool:
    """Does every line begin with a dash, and hold one sentence?"""
    rows = [row for row in text.strip().splitlines() if row.strip()]
    return bool(rows) and all(row.startswith("- ") and len(sentences(row)) == 1 for row in rows)


def in_json(text: str, key: str) -> str:
    """The text as the value of a JSON object with one key."""
    return json.dumps({key: text}, ensure_ascii=False)


def json_value(text: str, key: str | None = None) -> str | None:
    """The text in a JSON object with one key (this one, where it is named); None where it is anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or len(found) != 1:
        return None
    ((name, value),) = found.items()
    return value if isinstance(value, str) and value.strip() and key in (None, name) else None


def in_one_sentence(pieces: list[str], spaced: bool) -> str:
    """Several sentences as one: they go on after a semicolon or, in Chinese, after a comma."""
    *firsts, last = pieces
    whole = ""
    for piece in firsts:
        whole += (uncapped(piece) if whole else piece).rstrip("”\"'" + _STOPS) + ("; " if spaced else "，")
    return whole + (uncapped(last) if whole else last)


def around(mark: str) -> tuple[str, str]:
    """What stands before and behind a word in this mark: halves of a pair of brackets or quotes, else the same."""
    first, blank, second = mark.partition(" ")
    if blank:
        return first, second
    if mark in ('""', "''") or (len(mark) == 2 and mark[0] != mark[1]):
        return mark[0], mark[1]
    return mark, mark


def marked(text: str, word: str, mark: str) -> str:
    """The text with every mention of the word between marks."""
    before, behind = around(mark)
    return re.sub(re.escape(word), lambda found: before + found[0] + behind, text, flags=re.I)


def is_marked(text: str, word: str, mark: str) -> bool:
    """Is the word mentioned, and always between marks?"""
    before, behind = (re.escape(part) for part in around(mark))
    plain = re.findall(re.escape(word), text, re.I)
    return bool(plain) and len(re.findall(before + re.escape(word) + behind, text, re.I)) == len(plain)
