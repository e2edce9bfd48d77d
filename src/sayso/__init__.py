"""Sayso: fine-tune language models on what people say about their answers.

    model = sayso.open_model("google-bert/bert-base-chinese", labels=["负面", "正面"])
    lessons = [sayso.Imitate(sayso.user("这部电影太好看了"), "正面")]
    for step in sayso.train(model, lessons, steps=5, learning_rate=5e-5):
        print(step)

Names are resolved when they are first used: importing sayso loads neither torch nor transformers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sayso.api import compare, load_examples, open_model, run_recipe, score, task, train
    from sayso.errors import SaysoError
    from sayso.recipe import Recipe
    from sayso.recipe import load as load_recipe
    from sayso.records import (
        Attempt,
        Author,
        Example,
        Feedback,
        Imitate,
        Match,
        Message,
        Prefer,
        Sampling,
        Scope,
        Score,
        user,
    )
    from sayso.store.feedback import FeedbackStore
    from sayso.store.runs import Run

__version__ = "0.1.0"

_HOMES = {
    "sayso.api": ("compare", "load_examples", "open_model", "run_recipe", "score", "task", "train"),
    "sayso.errors": ("SaysoError",),
    "sayso.recipe": ("Recipe",),
    "sayso.records": (
        "Attempt",
        "Author",
        "Example",
        "Feedback",
        "Imitate",
        "Match",
        "Message",
        "Prefer",
        "Sampling",
        "Scope",
        "Score",
        "user",
    ),
    "sayso.store.feedback": ("FeedbackStore",),
    "sayso.store.runs": ("Run",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Attempt",
    "Author",
    "Example",
    "Feedback",
    "FeedbackStore",
    "Imitate",
    "Match",
    "Message",
    "Prefer",
    "Recipe",
    "Run",
    "Sampling",
    "SaysoError",
    "Scope",
    "Score",
    "compare",
    "load_examples",
    "load_recipe",
    "open_model",
    "run_recipe",
    "score",
    "task",
    "train",
    "user",
]


def __getattr__(name: str) -> Any:
    if name == "load_recipe":
        return importlib.import_module("sayso.recipe").load
    if name not in _HOME_OF:
        raise AttributeError(f"module 'sayso' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
