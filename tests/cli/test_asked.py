"""What a recipe names is looked for before anything is read."""

from __future__ import annotations

from typing import Any

import pytest

from sayso.cli.asked import check_asked
from sayso.cli.run import about_data
from sayso.errors import SaysoError
from sayso.recipe import Recipe


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"task": {"metric": "acuracy"}}, "no metric 'acuracy'"),
        ({"learn": {"method": "imitat"}}, "no 'imitat' among the methods"),
        ({"learn": {"method": "imitate", "knobs": {"anchor": 2}}}, "there is no knob 'anchor'"),
        ({"learn": {"method": "prefer", "knobs": {"beta": "much"}}}, "beta"),
        ({"feedback": {"critics": [{"name": "judgement"}]}}, "no 'judgement' among the critics"),
        ({"feedback": {"critics": [{"name": "validation", "knobs": {"foo": 1}}]}}, "there is no knob 'foo'"),
    ],
)
def test_what_is_not_there_is_named(sections: dict[str, Any], words: str) -> None:
    with pytest.raises(SaysoError, match=words):
        check_asked(Recipe.model_validate(sections))


def test_a_tracker_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sayso.cli.asked.find_spec", lambda name: None)
    with pytest.raises(SaysoError, match="trackio is not installed"):
        check_asked(Recipe.model_validate({"trackers": ["trackio"]}))


@pytest.mark.parametrize("name", ["classify", "translate", "generate", "text"])
def test_a_sound_recipe_passes(name: str) -> None:
    check_asked(Recipe.model_validate({"task": {"name": name}, "learn": {"method": "imitate", "knobs": {"match": 1}}}))


def test_what_was_found_in_the_data_is_said() -> None:
    dropped = {"no label": {"count": 2, "lines": [7, 9]}, "not JSON": {"count": 1, "lines": [12]}}
    train, test = {"rows": 23, "kept": 20, "dropped": dropped}, {"rows": 5, "kept": 5, "dropped": {}}
    note = {
        "splits": {"train": train, "test": test},
        "findings": [
            {"level": "warning", "split": "train", "what": "labels are unbalanced"},
            {"level": "note", "split": "", "what": "nothing of weight"},
        ],
    }
    assert list(about_data(note)) == [
        "20 rows for train, 3 dropped: 2 no label (line 7, ...); 1 not JSON (line 12)",
        "5 rows for test",
        "warning: train: labels are unbalanced",
    ]
