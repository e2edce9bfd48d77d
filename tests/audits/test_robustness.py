"""What a change breaks is found and said; what it does not break is left in peace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from subjects import Audited

from sayso.auditing import Figure
from sayso.audits.robustness import Knobs, audit
from sayso.errors import UnsupportedError

ROWS = [(f"Day {i}: I don't like this movie, terrible.", "negative") for i in range(20)]
ROWS += [(f"Day {i}: a very good movie, lovely.", "positive") for i in range(20)]
ZH = [(f"第{i}天：房间非常好，但是有点吵。", "positive") for i in range(20)] + [
    (f"第{i}天：太差了，觉得不值。", "negative") for i in range(20)
]


def _sees_case(text: str) -> str:
    return "negative" if "terrible" in text else "positive"


def _figures(found: tuple[Figure, ...]) -> dict[str, Figure]:
    return {one.name: one for one in found}


def test_a_model_that_reads_small_letters_only_is_warned_of(tmp_path: Path) -> None:
    found = audit(Audited(tmp_path, {"train": _sees_case}, ROWS), Knobs(kinds=("case", "rephrased")))
    figures = _figures(found.figures)
    assert figures["case: accuracy moves by"].value == pytest.approx(-0.5)
    assert figures["case: accuracy moves by"].verdict == "worse"
    assert figures["case: answers that stay"].value == pytest.approx(0.5)
    assert figures["rephrased: accuracy moves by"].value == 0.0
    levels = {one.what.partition(":")[0]: one.level for one in found.findings}
    assert levels == {"case": "warning", "rephrased": "fine"}
    (table,) = found.tables
    assert all(row[0] == "case" and row[3:] == ("negative", "positive") for row in table.rows)
    assert "TERRIBLE" in str(table.rows[0][2])


def test_chinese_is_disturbed_in_its_own_ways(tmp_path: Path) -> None:
    pytest.importorskip("opencc")
    found = audit(Audited(tmp_path, {"base": lambda text: "positive" if "非常" in text else "negative"}, ZH), Knobs())
    figures = _figures(found.figures)
    assert figures["script: answers that stay"].value == 1.0
    assert figures["rephrased: answers that stay"].value == 0.5
    assert figures["width: answers that stay"].n == 40
    assert "case: answers that stay" not in figures  # nothing to write large
    assert next(one for one in found.findings if one.what.startswith("rephrased")).level == "warning"


def test_a_loss_within_the_tolerance_is_a_note(tmp_path: Path) -> None:
    subject = Audited(tmp_path, {"train": _sees_case}, ROWS)
    found = audit(subject, Knobs(kinds=("case",), tolerance=0.6))
    assert [one.level for one in found.findings] == ["note"]


def test_without_right_answers_it_counts_those_that_stay(tmp_path: Path) -> None:
    rows = [(f"Where is my parcel {i}?", None) for i in range(12)]
    subject = Audited(tmp_path, {"base": lambda text: f"It is {text[:1]} here"}, rows, labelled=False)
    found = audit(subject, Knobs(kinds=("case", "punctuation")))
    assert [one.name for one in found.figures] == ["case: answers that stay", "punctuation: answers that stay"]
    assert [one.value for one in found.figures] == [1.0, 1.0]
    assert not found.tables


def test_a_run_without_items_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="no items"):
        audit(Audited(tmp_path, {"base": _sees_case}, []), Knobs())
