"""What is compared when a comment is taken back: the start, the model that had learnt it, the model without it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sayso.cli.forget import _compared
from sayso.records import Attempt, Feedback, user

REST = [Feedback(user("Where?"), Attempt("Here."), "Say sorry.")]
BELIEFS = {"train": (-3.0, "as trained"), "learn": (-2.9, "without it")}


class Traced:
    """What each stage's model believes and says; every other comment teaches the same."""

    def of(self, stage: str) -> tuple[float, str]:
        return BELIEFS[stage]

    def alike(self, other: Feedback) -> bool:
        return other in REST


@pytest.mark.parametrize(("rest", "after"), [(REST, "without it"), ([], "as trained")])
def test_the_start_is_the_stage_that_learning_begins_from(
    rest: list[Feedback], after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    did, weights = [], tmp_path / "learn"
    weights.mkdir()

    def unlearn(project: object) -> None:
        did.append("unlearn")
        weights.rmdir()

    monkeypatch.setattr("sayso.cli.learn.learn_stage", lambda project: did.append("learn"))
    monkeypatch.setattr("sayso.cli.prove.prove_stage", lambda project: did.append("prove"))
    monkeypatch.setattr("sayso.cli.learn.unlearn", unlearn)
    run = SimpleNamespace(weights=lambda stage: weights, write_outcomes=lambda outcomes: did.append("none"))
    project: Any = SimpleNamespace(start=lambda: "train", run=run)
    traced: Any = Traced()
    found = _compared(project, traced, (-1.0, "as learnt"), rest)
    assert found["answers"] == {"start": "as trained", "learnt": "as learnt", "after": after}
    assert (found["start"], found["learnt"], found["state"]) == (-3.0, -1.0, "gone")
    assert did == (["learn", "prove"] if rest else ["unlearn", "none"])
