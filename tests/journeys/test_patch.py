"""Rules with a condition, from the file of comments to what became of each."""

from __future__ import annotations

import json
from pathlib import Path

from journey import sayso, sets

from sayso.store.runs import Run

LATE = {"attempt": "positive", "when": 'the review says "late"', "revision": "negative", "split": "train"}
PATCHES = (
    {"prompt": "Arrived late, but the colour is fine.", "comment": "Late is negative.", **LATE},
    {"prompt": "It came two weeks late.", "comment": "Lateness is negative.", **LATE},
)


def test_a_rule_is_taught_where_its_words_stand_and_what_is_no_rule_is_refused(tmp_path: Path, models: Path) -> None:
    recipe, patches = tmp_path / "recipe.yaml", tmp_path / "patches.jsonl"
    sayso("init", tmp_path, "--task", "sentiment", "--language", "en")
    patches.write_text("".join(json.dumps(one) + "\n" for one in PATCHES), encoding="utf-8")
    settings = sets(model__name=models / "bert", evaluate__limit=6)
    sayso("comment", recipe, *settings, "--add", patches)
    told = sayso("learn", recipe, *settings, "--method", "patch")
    assert 'If the review says "late", then the label is "negative".' in told.err
    run = Run.open(tmp_path / "run")
    rules = {one.id for one in run.feedback() if one.scope.reach == "rule"}
    taught = [one for one in run.lessons("learn") if one.from_ids]
    assert {id_ for one in taught for id_ in one.from_ids} == rules
    assert {one.target for one in taught if one.from_ids} == {"negative"}  # type: ignore[union-attr]
    refused = {one.feedback: one.why for one in run.outcomes() if one.state == "refused"}
    assert set(refused.values()) == {"it is no rule that says when it holds"}
    assert not rules & set(refused)
