"""What `learn` puts between a method and the learner."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sayso.cli.learn import _fits
from sayso.records import user

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_what_a_model_drew_is_taught_where_it_fits(name: str) -> None:
    fits = _fits(opened(name))
    assert fits(user("the cat"), "好")
    assert not fits(user("the cat"), "猫 cat " * 90)
    assert not fits(user("the cat"), "good</s> bad") or name == "bart"
