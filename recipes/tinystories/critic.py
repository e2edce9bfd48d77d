"""Two house rules for small talk that a program can check, as `sayso`'s critic `program` calls it.

- ends_with_question: the reply's last sentence is a question.
- names_feeling: the reply's first sentence tells the user how they feel ("You must be so proud.").

`python recipes/tinystories/critic.py RUN ...` counts, over the test answers of each stage in run folders, how many
replies keep each rule, and how many name a feeling of the right group, with 95 % Wilson intervals.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

GROUPS = {
    "happy": ("happy", "glad", "joyful", "cheerful", "pleased", "thankful", "good", "great"),
    "proud": ("proud",),
    "excited": ("excited", "thrilled", "eager", "happy"),
    "sad": ("sad", "unhappy", "upset", "sorry", "hurt", "heartbroken", "disappointed"),
    "scared": ("scared", "afraid", "frightened", "terrified", "nervous", "worried"),
    "angry": ("angry", "mad", "furious", "annoyed", "upset", "cross"),
    "tired": ("tired", "exhausted", "sleepy", "weary", "worn out"),
    "lonely": ("lonely", "alone", "left out", "sad"),
}
_WORDS = "|".join(sorted({re.escape(word) for words in GROUPS.values() for word in words}, key=len, reverse=True))
_NAMED = re.compile(
    rf"\byou(?:'re| are| must be| must feel| sound| seem| look| feel)\b(?:\s+\w+){{0,2}}?\s+({_WORDS})\b",
    re.IGNORECASE,
)
Z = 1.96


def ends_with_question(prompt: str, answer: str) -> str | None:
    """What is wrong, or None."""
    del prompt
    return None if answer.rstrip().endswith("?") else "End with a question, so that the talk goes on."


def names_feeling(prompt: str, answer: str) -> str | None:
    """What is wrong, or None."""
    del prompt
    return None if feeling_in(answer) else "Begin by telling them how they feel, in the first sentence."


def feeling_in(answer: str) -> str:
    """The feeling that the first sentence says the user has; "" for none. A question about it names nothing."""
    first = re.match(r"[^.!?]*[.!?]?", answer.strip())
    found = None if first is None or first[0].endswith("?") else _NAMED.search(first[0])
    return found[1].lower() if found else ""


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    share, spread = hits / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return middle - half, middle + half


def main(folders: list[str]) -> None:
    """One line per run, stage and rule."""
    for folder in map(Path, folders):
        test = {row["id"]: row["meta"]["feeling"] for row in _rows(folder / "examples.test.jsonl")}
        for stage in ("base", "train", "learn"):
            file = folder / "answers" / f"{stage}.test.jsonl"
            said = {row["item"]: row.get("text", "") for row in _rows(file)} if file.is_file() else {}
            if not said:
                continue
            kept = {
                "ends with a question": [ends_with_question("", text) is None for text in said.values()],
                "names a feeling": [feeling_in(text) != "" for text in said.values()],
                "names the right one": [feeling_in(text) in GROUPS[test[item]] for item, text in said.items()],
            }
            for rule, marks in kept.items():
                low, high = interval(sum(marks), len(marks))
                share = f"{sum(marks)}/{len(marks)} = {100 * sum(marks) / len(marks):.1f} %"
                print(f"{folder.name:24} {stage:6} {rule:22} {share:18} [{100 * low:.1f}, {100 * high:.1f}]")


def _rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main(sys.argv[1:])
