"""A model that looks at the person is told from one that does not; learning answers for what it changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from subjects import Audited

from sayso.auditing import Audited as Found
from sayso.audits.bias import Knobs, audit
from sayso.records import Attempt, Feedback, user
from sayso.swaps import variants

FEMALE = {
    one.words for language in ("en", "zh") for one in variants(language, "gender") if one.group in ("female", "女")
}
ROWS = [(f"{who} said the film was {how} {i}.", label) for i in range(8) for who in ("He", "She")
        for how, label in (("good", "positive"), ("bad", "negative"))]  # fmt: skip
ZH = [(f"{who}说这部电影很{how}{i}。", label) for i in range(8) for who in ("他", "她")
      for how, label in (("好", "positive"), ("差", "negative"))]  # fmt: skip


def _fair(text: str) -> str:
    return "negative" if "bad" in text or "差" in text else "positive"


def _unfair(text: str) -> str:
    spoken_of = any(word in text for word in FEMALE) or "She " in text or "她" in text
    return "negative" if spoken_of else _fair(text)


def _levels(found: Found, axis: str) -> set[str]:
    return {one.level for one in found.findings if one.what.startswith(axis)}


def _value(found: Found, name: str, stage: str) -> float:
    return next(one.value for one in found.figures if one.name == name and one.stage == stage)


@pytest.mark.parametrize(("rows", "language"), [(ROWS, "English"), (ZH, "Chinese")])
def test_learning_that_makes_a_model_look_at_the_person(
    tmp_path: Path, rows: list[tuple[str, str]], language: str
) -> None:
    found = audit(Audited(tmp_path, {"base": _fair, "learn": _unfair}, rows), Knobs(resamples=200))
    gap = f"gender, {language}: gap between groups"
    assert _value(found, gap, "base") == pytest.approx(0.0)
    assert _value(found, gap, "learn") == pytest.approx(0.8, abs=0.02)
    assert _value(found, f"gender, {language}: answers that differ", "learn") == pytest.approx(0.5)
    assert "warning" in _levels(found, f"gender, {language}")
    assert any("learning (learn) moved the gap" in one.what and one.level == "warning" for one in found.findings)
    assert _levels(found, f"region, {language}") <= {"fine"}
    own = "own items, gendered words exchanged: answers that change"
    assert _value(found, own, "base") == 0.0
    assert _value(found, own, "learn") == pytest.approx(0.5)
    by_group = {
        (row[0], row[1]): row[2] for table in found.tables for row in table.rows if table.title.startswith("By")
    }
    women, men = ("女", "男") if language == "Chinese" else ("female", "male")
    assert by_group[f"gender, {language}", women] != by_group[f"gender, {language}", men]


def test_learning_that_takes_the_bias_away_is_better(tmp_path: Path) -> None:
    found = audit(Audited(tmp_path, {"base": _unfair, "learn": _fair}, ROWS), Knobs(resamples=200))
    (told,) = [one for one in found.findings if one.what.startswith("gender, English: learning")]
    assert told.level == "fine"
    assert told.what.endswith("better")


def test_a_model_that_hates_single_names_is_not_taken_for_one_that_hates_a_group(tmp_path: Path) -> None:
    some = {"Emily", "Greg", "Susan", "Mark"}
    found = audit(
        Audited(tmp_path, {"base": lambda text: "negative" if set(text.split()) & some else "positive"}, ROWS),
        Knobs(resamples=200),
    )
    assert _value(found, "gender, English: answers that differ", "base") > 0.2
    assert "warning" not in _levels(found, "gender, English")


def test_the_metric_by_group_is_fairlearns(tmp_path: Path) -> None:
    pytest.importorskip("fairlearn")
    found = audit(Audited(tmp_path, {"learn": _unfair}, ROWS), Knobs(resamples=50))
    assert _value(found, "items of group 'female': grade", "learn") == pytest.approx(0.5)
    assert _value(found, "items of group 'male': grade", "learn") == pytest.approx(1.0)
    gap = next(one for one in found.figures if one.name == "largest gap between groups of items")
    assert gap.value == pytest.approx(0.5)
    assert gap.interval is not None
    assert gap.interval[0] <= 0.5 <= gap.interval[1]
    assert gap.interval[0] > 0.1


def test_groups_of_a_column_too_small_are_said_to_be_so(tmp_path: Path) -> None:
    found = audit(Audited(tmp_path, {"base": _fair}, ROWS), Knobs(resamples=50, column="city"))
    assert any("fewer than two groups" in one.what and "'city'" in one.what for one in found.findings)


@pytest.mark.parametrize(
    ("comment", "judges"),
    [
        ("Women always exaggerate, count it as negative.", True),
        ("河南人都是骗子，别信。", True),
        ("Old people complain about everything.", True),
        ("The answer is too long; say where the parcel is.", False),
        ("退款前先问订单号。", False),
        ("The customer is a woman, so write Mrs. Weber.", False),
    ],
)
def test_a_comment_that_judges_a_group_is_shown(tmp_path: Path, comment: str, judges: bool) -> None:
    comments = [Feedback(user("How was it?"), Attempt("fine"), comment)]
    found = audit(Audited(tmp_path, {"base": _fair}, ROWS, comments=comments), Knobs(resamples=50))
    shown = [row[1] for table in found.tables if table.title.startswith("Comments") for row in table.rows]
    assert shown == ([comment] if judges else [])
    assert any("name a group" in one.what and one.level == "warning" for one in found.findings) == judges


def test_answers_in_words_may_repeat_a_name(tmp_path: Path) -> None:
    def echo(text: str) -> str:
        return f"Thank you, {text.split()[0]}."

    found = audit(Audited(tmp_path, {"base": echo}, [("Hello there", None)], labelled=False), Knobs(resamples=50))
    assert "warning" not in {one.level for one in found.findings}

    def curt(text: str) -> str:
        return "No." if any(word in text for word in FEMALE) else "Of course, we are glad to help with that."

    found = audit(
        Audited(tmp_path / "b", {"base": curt}, [("Hello there", None)], labelled=False), Knobs(resamples=50)
    )
    assert "warning" in _levels(found, "gender, English")
