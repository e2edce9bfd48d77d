"""The section of audits: what was found with what cannot be seen, warnings first, and hostile words escaped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sayso.auditing import Audited, Figure, Finding, Table
from sayso.records import to_json
from sayso.report.audits import audits, sentence, span_of, value_of
from sayso.report.contents import read
from sayso.report.page import render
from sayso.store.runs import Run

HOSTILE = "<script>alert(1)</script>"
FOUND = Audited(
    (Finding("fine", "All is well."), Finding("warning", f"张伟 {HOSTILE}", "take it out")),
    (Figure("gap", -0.031, "points", 40, (-0.05, 0.0), "train", "worse"),),
    (Table("Worst", ("text", "n"), ((HOSTILE, 3),)),),
)


def audited(run: Run) -> Run:
    facts: dict[str, Any] = to_json(FOUND)
    run.write_audit("bias", {"asks": "Is it fair?", "cannot_see": ["It cannot see intent."]} | facts)
    return run


def test_warnings_come_first_and_limits_stand_beside(run_of: Callable[[str], Run]) -> None:
    contents = read(audited(run_of("comments")))
    (found,) = audits(contents)
    assert [one.level for one in found.findings] == ["warning", "fine"]
    assert found.rows[0].value == "−3.1 points"
    assert found.rows[0].interval == "−5.0 to +0.0"
    assert found.tables[0].numeric == (False, True)
    assert not found.stale
    page = render(contents)
    assert 'id="audits"' in page
    assert "It cannot see intent." in page
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert sentence(contents) == "Audited for bias: 1 warning."
    assert sentence(contents) in page


def test_without_an_audit_there_is_no_section(run_of: Callable[[str], Run]) -> None:
    contents = read(run_of("comments"))
    assert audits(contents) == ()
    assert sentence(contents) == ""
    assert 'id="audits"' not in render(contents)


def test_an_audit_of_earlier_weights_is_said_to_be_that(run_of: Callable[[str], Run]) -> None:
    run = audited(run_of("comments"))
    run.weights("learn").mkdir(parents=True, exist_ok=True)
    run.mark_done("learn", "others")
    contents = read(run)
    assert audits(contents)[0].stale
    assert "of earlier weights" in render(contents)
    assert sentence(contents) == "", "it says nothing of the model at hand"


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        ("share", 0.914, "91.4\N{NO-BREAK SPACE}%"),
        ("points", 0.02, "+2.0 points"),
        ("bits", 5.713, "5.71 bits"),
        ("AUC", 0.5, "0.5 AUC"),
        ("", 12.0, "12"),
    ],
)
def test_how_figures_are_written(unit: str, value: float, written: str) -> None:
    assert value_of(unit, value) == written


def test_an_interval_has_no_unit_and_may_be_missing() -> None:
    assert span_of("share", [0.1, 0.25]) == "10.0–25.0"
    assert span_of("bits", (0.5, 3)) == "0.5–3"
    assert span_of("share", None) == ""
    assert span_of("share", [0.1]) == ""
