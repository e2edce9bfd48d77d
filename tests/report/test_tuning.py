"""The pages of a search and of a curve: whole, safe, and led by the answer."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sayso.report import learning, tuning

EVIL = "<script>alert(1)</script>模型"


class Closed(HTMLParser):
    """Asserts that tags close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag != "script"
        if tag not in {"meta", "link", "input", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def whole(path: Path) -> str:
    page = path.read_text(encoding="utf-8")
    reader = Closed()
    reader.feed(page)
    assert not reader.open
    assert "&lt;script&gt;" in page
    return page


def trial(number: int, state: str, value: float | None, **more: Any) -> dict[str, Any]:
    values = {"strategy.learning_rate": 1e-4, "strategy.batch_rows": 8}
    plain = {"number": number, "state": state, "value": value, "values": values, "seconds": 3.0}
    return plain | {"why": "", "folder": "0000", "first": number == 0} | more


def searched(verdict: str, difference: float) -> dict[str, Any]:
    low, high = (-0.01, 0.05) if verdict == "cannot tell" else (difference - 0.01, difference + 0.01)
    compared = {"unit": "accuracy", "before": 0.8, "after": 0.8 + difference, "difference": difference, "n": 872}
    facts: dict[str, Any] = {
        "name": EVIL,
        "stage": "train",
        "metric": "accuracy",
        "space": {"strategy.learning_rate": "1e-05 to 0.001, by factors"},
        "trials": [trial(0, "done", 0.8), trial(1, "failed", None, why="the loss is nan"), trial(2, "done", 0.9)],
        "best": trial(2, "done", 0.9),
        "importance": {"strategy.learning_rate": 1.0},
        "comparison": compared | {"interval": (low, high), "by_seed": (difference,), "verdict": verdict, "seeds": 3},
        "winner": "winner.yaml",
    }
    return facts | {"words": tuning.sentences(facts)}


@pytest.mark.parametrize(
    ("verdict", "difference", "said"),
    [
        ("better", 0.03, "The winner beats the recipe"),
        ("worse", -0.03, "on other seeds it is worse"),
        ("cannot tell", 0.02, "chance could do this"),
    ],
)
def test_the_answer_comes_first(tmp_path: Path, verdict: str, difference: float, said: str) -> None:
    facts = searched(verdict, difference)
    assert said in facts["words"][0]
    assert ("does not beat" in facts["words"][0]) == (verdict != "better")
    assert "3 other seeds and 872 validation items" in facts["words"][0]
    page = whole(tuning.write(tmp_path / "tune.html", facts))
    assert "the loss is nan" in page
    assert "only a hint" in page
    assert "trial 2: 90.0" in page


def test_where_nothing_is_better_nothing_is_compared() -> None:
    facts = searched("better", 0.1) | {"comparison": {}, "best": trial(0, "done", 0.8)}
    assert "nothing beats it" in tuning.sentences(facts)[0]


def curve(**more: Any) -> dict[str, Any]:
    at = {"value": 0.9, "interval": (0.85, 0.95)}
    facts: dict[str, Any] = {"name": EVIL, "stage": "train", "noun": "rows", "metric": "accuracy", "items": 872}
    facts |= {"total": 800, "seeds": 2, "left_out": 1, "law": {"a": 0.05, "b": 1.0, "c": 0.5}, "used": 200, "all": at}
    facts |= {"amounts": [{"amount": n, "values": [0.8, 0.82], "curve": at} for n in (25, 50, 100, 200)]}
    facts |= {"line": [{"amount": 25 * 2**k, **at} for k in range(7)]}
    facts |= {"twice": {"value": 0.01, "interval": (0.002, 0.02)}} | more
    return facts | {"words": learning.sentences(facts)}


def test_a_curve_says_what_it_is_foretold_from_and_what_would_bring_perhaps_nothing(tmp_path: Path) -> None:
    facts = curve(more={"comments": 50, "value": 0.01, "interval": (-0.01, 0.02)})
    assert "foretold from at most 200" in facts["words"][0]
    assert facts["words"][1].endswith("+0.2 to +2.0.")
    assert facts["words"][2].endswith("perhaps nothing.")
    assert "smallest amount is left out" in facts["words"][3]
    page = whole(learning.write(tmp_path / "curve.html", facts))
    assert "all there are, 800" in page
    assert page.count("dot train") == 8


def test_a_target_on_the_curve_and_one_that_no_number_reaches() -> None:
    reached = curve(target={"metric": 0.95, "value": 1234, "interval": (900, None)})["words"]
    assert any("needs about 1,234 rows, 95 % interval 900 to no number is enough" in words for words in reached)
    never = curve(target={"metric": 0.99, "value": None, "interval": (5000, None)})["words"]
    assert any("not on this curve" in words and "at least 5,000" in words for words in never)
