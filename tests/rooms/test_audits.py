"""Whatever file is put into audits/ asks a question, says what it cannot see, and has documented settings."""

from __future__ import annotations

import dataclasses
import inspect
import json

import pytest

from sayso import rooms
from sayso.records import from_json, to_json


@pytest.mark.parametrize("name", rooms.names("audits"))
def test_it_asks_and_says_what_it_cannot_see(name: str) -> None:
    module = rooms.find("audits", name)
    assert module.ASKS.endswith("?")
    assert module.CANNOT_SEE
    assert all(words[0].isupper() and words.endswith(".") for words in module.CANNOT_SEE)
    assert list(inspect.signature(module.audit).parameters) == ["subject", "knobs"]


@pytest.mark.parametrize("name", rooms.names("audits"))
def test_its_knobs_are_frozen_described_and_have_defaults(name: str) -> None:
    cls = rooms.find("audits", name).Knobs
    knobs = cls()
    for field in dataclasses.fields(knobs):
        assert f"`{field.name}`" in (cls.__doc__ or "")
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(knobs, field.name, getattr(knobs, field.name))
    assert from_json(cls, json.loads(json.dumps(to_json(knobs)))) == knobs
