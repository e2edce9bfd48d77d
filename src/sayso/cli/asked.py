"""Is there everything that a recipe names? Asked before anything is read, so that no training ends in a typing error.

Decided here: what can be known without the data, the model and torch is known at once, by the files that will use it.
"""

from __future__ import annotations

from importlib.util import find_spec

from sayso.cli.auto import AUTO
from sayso.cli.knobs import knobs_of
from sayso.errors import RecipeError, UnsupportedError
from sayso.recipe import Recipe
from sayso.rooms import find

_STAND_INS = ("a", "b")  # for labels that only the data knows


def check_asked(recipe: Recipe) -> None:
    """RecipeError or UserError for a metric, method, critic, knob or tracker that is not there."""
    find("tasks", recipe.task.name).task(recipe.task, tuple(recipe.task.labels) or _STAND_INS)
    if recipe.learn.method == AUTO and recipe.learn.knobs:
        fix = "name the method, or leave out the knobs"
        raise RecipeError("the knobs of a method that is yet to be chosen", where="learn -> knobs", fix=fix)
    if recipe.learn.method not in ("", AUTO):
        method = find("methods", recipe.learn.method)
        knobs_of(method, recipe.learn.knobs, f"learn -> knobs of {recipe.learn.method}")
    for part in recipe.feedback.critics:
        knobs_of(find("critics", part.name), part.knobs, f"critic {part.name}")
    for tracker in recipe.trackers:
        if find_spec(tracker) is None:
            raise UnsupportedError(f"the tracker {tracker} is not installed", fix="pip install 'sayso[track]'")
