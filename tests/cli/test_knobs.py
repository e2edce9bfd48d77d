from __future__ import annotations

import pytest

from sayso.cli.knobs import knobs_of
from sayso.errors import RecipeError
from sayso.rooms import find

PREFER = find("methods", "prefer")


def test_what_is_not_asked_for_keeps_its_default() -> None:
    assert knobs_of(PREFER, {"beta": 1}, "learn") == PREFER.Knobs(beta=1.0)


def test_an_unknown_knob_is_named_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="no knob 'betta'") as caught:
        knobs_of(PREFER, {"betta": 1}, "learn -> knobs")
    assert "'beta'" in caught.value.fix
    assert caught.value.where == "learn -> knobs"


def test_a_value_of_the_wrong_type_is_named() -> None:
    with pytest.raises(RecipeError, match=r"beta: expected float, got '很多'"):
        knobs_of(PREFER, {"beta": "很多"}, "learn")
