"""Vetted training values, chosen by kind of model, amount of data, size and stage. The values stand in presets.yaml.

Decided here:
- What the recipe says wins; a preset fills what is left at `auto`, 0, -1 or "".
- The learning rate depends on the model's size and is multiplied for adapters; no other value is computed.
- `packing: auto` stays: only the loop knows the rows' lengths. `dropout: -1` and `validate_every: 0` mean something.
- `auto` tuning is full training up to a billion parameters and LoRA above: there it fits on one device.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso import outline
from sayso.errors import RecipeError, nearest

if TYPE_CHECKING:
    from sayso.recipe import StrategyPart

BOOK = Path(__file__).with_name("presets.yaml")
SIZES = {"tiny": 1e6, "mini": 10e6, "small": 30e6, "base": 300e6, "large": float("inf")}
AMOUNTS = {"handful": 200, "few": 1_000, "some": 20_000, "many": float("inf")}
ADAPTED_FROM = 1_000_000_000
_UNSET: dict[str, Any] = {
    "learning_rate": 0,
    "schedule": "",
    "warmup": -1,
    "micro_tokens": 0,
    "epochs": 0,
    "early_stopping": -1,
    "weight_decay": -1,
    "clip": -1,
    "class_weights": "",
    "label_smoothing": -1,
    "optimizer": "",
}


def names() -> tuple[str, ...]:
    """The presets by name, `auto` not among them."""
    return tuple(_book()["presets"])


def describe() -> dict[str, str]:
    """What each preset is for, in a line."""
    return {name: str(preset["says"]) for name, preset in _book()["presets"].items()}


def tuning_of(asked: str, parameters: int, scratch: bool = False) -> str:
    """How the weights are changed, `auto` decided."""
    if asked != "auto":
        return asked
    return "lora" if parameters >= ADAPTED_FROM and not scratch else "full"


def rank_of(asked: int, tuning: str) -> int:
    """The rank of the adapters, the tuning's own where none is asked for; 0 where there are none."""
    how = _book()["tunings"][tuning]
    return (asked or int(how["rank"])) if "rank" in how else 0


def resolve(
    strategy: StrategyPart,
    kind: str,
    rows: int,
    parameters: int,
    scratch: bool = False,
    stage: str = "train",
) -> StrategyPart:
    """The strategy with every open value filled. Resolving twice changes nothing.

    rows: training rows or lessons; parameters: of the whole model; stage: "train" or "learn".
    Raises RecipeError where the named preset is for another kind of model, or there is none of that name.
    """
    name = _choose(strategy.preset, kind, rows, scratch and stage == "train", stage)
    tuning = tuning_of(strategy.tuning, parameters, scratch)
    values = _book()["common"] | _book()["presets"][name]
    how = _book()["tunings"][tuning]
    values["learning_rate"] = min(
        values["learning_rate"][_class(parameters, SIZES)] * how.get("rate", 1), how.get("most", 1.0)
    )
    values["weight_decay"] = how.get("weight_decay", values["weight_decay"])
    found = {key: values[key] for key, unset in _UNSET.items() if getattr(strategy, key) == unset}
    rank = {"lora_rank": rank_of(strategy.lora_rank, tuning)}
    return _rebuilt(strategy, found | _batch(strategy, values) | {"preset": name, "tuning": tuning} | rank)


def _choose(asked: str, kind: str, rows: int, scratch: bool, stage: str) -> str:
    book = _book()["presets"]
    if asked != "auto":
        if asked not in book:
            raise RecipeError(f"no preset '{asked}'", where="strategy -> preset", fix=nearest(asked, book))
        wanted = book[asked]["for"]["kind"]
        if wanted != kind:
            fix = nearest(asked, [name for name in book if book[name]["for"]["kind"] == kind])
            raise RecipeError(f"preset '{asked}' is for an {wanted}, the model is an {kind}", fix=fix)
        return asked
    if stage == "learn":
        return f"{kind}_learn"
    name = f"{kind}_scratch" if scratch else f"{kind}_{_class(rows, AMOUNTS)}"
    return name if name in book else f"{kind}_few"


def _class(number: float, limits: Mapping[str, float]) -> str:
    return next(name for name, limit in limits.items() if number < limit)


def _batch(strategy: StrategyPart, values: Mapping[str, Any]) -> dict[str, int]:
    """Rows or tokens per step: the recipe's where it names either, else the preset's."""
    if strategy.batch_rows or strategy.batch_tokens:
        return {}
    return {"batch_rows": values.get("batch_rows", 0), "batch_tokens": values.get("batch_tokens", 0)}


def _rebuilt(strategy: StrategyPart, updates: Mapping[str, Any]) -> StrategyPart:
    """Validated anew, so that a slip in presets.yaml is found."""
    return type(strategy).model_validate(strategy.model_dump() | dict(updates))


@cache
def _book() -> dict[str, Any]:
    node = outline.compose(BOOK.read_text(encoding="utf-8"), BOOK.name)
    assert node is not None
    book: dict[str, Any] = outline.plain(node, lambda part: f"{BOOK.name}:{outline.line_of(part)}")
    return book
