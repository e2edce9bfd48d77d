"""The proof in the page and in the card: measures with n and verdict, the gate's ruling, what fell."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from sayso.report import card, page
from sayso.report.contents import read
from sayso.report.proof import proof, sentence
from sayso.store.runs import Run

LOSS = "Held-out comments done as asked, on 12 comments: 80.0 % before, 20.0 % after; worse."
MEASURES = [
    {
        "name": "internalised",
        "unit": "share",
        "before": 0.1,
        "after": 0.7,
        "difference": 0.6,
        "interval": [0.4, 0.8],
        "n": 22,
        "verdict": "better",
        "better": 1,
        "words": "",
    },
    {
        "name": "drift",
        "unit": "nats",
        "before": 0.0,
        "after": 0.031,
        "difference": 0.031,
        "interval": [0.02, 0.05],
        "n": 64,
        "verdict": "",
        "better": -1,
        "words": "",
    },
]


def proved(run: Run, *, promoted: bool) -> Run:
    """The run with learnt weights and a proof of them."""
    run.weights("learn").mkdir(parents=True)
    run.weights("train").mkdir(parents=True)
    gate: dict[str, Any] = {"promoted": promoted, "words": "Promoted: better." if promoted else f"Refused: {LOSS}"}
    gate |= {} if promoted else {"losses": [LOSS]}
    fates = [
        {
            "outcome": {"feedback": "a", "state": "not_heeded", "before": "好的<b>", "after": "不行"},
            "comment": "请用敬语。",
            "share": [0.9, 0.2],
            "fell": True,
        },
        {
            "outcome": {"feedback": "b", "state": "heeded", "before": "no", "after": "yes"},
            "comment": "Say yes.",
            "share": [0.2, 0.9],
            "fell": False,
        },
    ]
    run.write_proof({"measures": MEASURES, "kept": 0.75, "gate": gate}, fates)
    return run


def test_each_measure_has_its_figures_n_and_verdict(run_of: Callable[[str], Run]) -> None:
    found = proof(read(proved(run_of("comments"), promoted=True)))
    assert found is not None
    first, drift = found.rows
    assert (first.name, first.before, first.after, first.difference) == ("Internalised", "10.0", "70.0", "+60.0")
    assert (first.interval, first.n, first.verdict) == ("+40.0 to +80.0", 22, "better")
    assert (drift.name, drift.before, drift.after, drift.difference) == ("Drift, nats", "", "0.031", "")
    assert (drift.interval, drift.verdict) == ("0.020–0.050", "")
    assert (found.n_fell, found.n, found.fell[0].shares) == (
        1,
        2,
        "90\N{NO-BREAK SPACE}% before, 20\N{NO-BREAK SPACE}% after",
    )


@pytest.mark.parametrize("promoted", [True, False])
def test_the_page_and_the_card_say_what_the_gate_said(run_of: Callable[[str], Run], promoted: bool) -> None:
    run = proved(run_of("comments"), promoted=promoted)
    html = unescape(page.render(read(run)))
    text = card.render(read(run))
    assert 'id="proof"' in html
    assert "请用敬语。" in html
    assert "好的<b>" in html
    assert ("The gate promoted the learnt model" in html) is promoted
    assert (LOSS in html) is not promoted
    assert ("gate refused it" in text) is not promoted
    assert f"weights/{'learn' if promoted else 'train'}" in text


def test_the_figures_of_the_card_are_those_of_the_result(run_of: Callable[[str], Run]) -> None:
    run = proved(run_of("comments"), promoted=False)
    accuracy = {at: s.value for at, split, s in run.scores() if (split, s.unit, s.item) == ("test", "accuracy", "")}
    metrics = card.front_matter(read(run))["model-index"][0]["results"][0]["metrics"]
    told = {one["type"]: one["value"] for one in metrics}
    assert told["accuracy"] == round(accuracy["train"], 4) != round(accuracy["learn"], 4)
    assert "condition" not in card.front_matter(read(run))["tags"]


def test_without_a_proof_there_is_no_section(run_of: Callable[[str], Run]) -> None:
    run = run_of("comments")
    assert proof(read(run)) is None
    assert sentence(read(run)).words == ""
    assert 'id="proof"' not in page.render(read(run))


def test_a_proof_of_earlier_weights_is_none(run_of: Callable[[str], Run]) -> None:
    run = proved(run_of("comments"), promoted=False)
    assert run.best() == "train"
    run.mark_done("learn", "of other comments")
    assert run.proof() is None
    assert run.best() == "learn"
