"""A method's or critic's settings, from a recipe."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from sayso.errors import RecipeError, nearest
from sayso.records import from_json


def knobs_of(module: ModuleType, asked: Mapping[str, Any], where: str) -> Any:
    """The module's Knobs with what the recipe asks for. RecipeError for an unknown or ill-typed knob."""
    known = {field.name for field in dataclasses.fields(module.Knobs)}
    for name in asked:
        if name not in known:
            raise RecipeError(f"there is no knob '{name}'", where=where, fix=nearest(name, known))
    try:
        return from_json(module.Knobs, dict(asked))
    except (ValueError, TypeError) as error:
        raise RecipeError(str(error), where=where, fix="see the page of this file for its knobs") from None
