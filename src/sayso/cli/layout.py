"""What a recipe will take before anything is opened: strategy, memory, time and disk, from sizes and characters.

Decided here:
- A model's sizes come from its folder, the hub's cache, the catalogue, or the recipe's own config; nothing is loaded.
- Tokens are guessed from characters (a Chinese character is about one, other text about four characters to one);
  `rehearsal` counts real ones.
- The stages share one process, so the peak of a plan is the larger of theirs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import ModelError, nearest
from sayso.models.footprint import Change, Footprint, Load, Shape, estimate, fits, smallest_change
from sayso.presets import resolve

if TYPE_CHECKING:
    from sayso.models.hardware import Machine
    from sayso.recipe import Recipe, StrategyPart
    from sayso.records import Example

USUAL_LENGTH = 512
TEMPLATE_TOKENS = 8  # what a template or the special tokens add to a row
SCRATCH_PIECES = 8000


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of the training rows: how many rows, their sum, the longest; guessed from characters or counted."""

    rows: int
    total: int
    longest: int
    supervised: float
    counted: bool = False


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage: the resolved strategy, the load it makes, its footprint, its steps."""

    stage: str
    strategy: StrategyPart
    load: Load
    footprint: Footprint
    steps: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recipe takes on a machine.

    `change` is the smallest that makes it fit, None where it fits already or none does; `advice` are sentences.
    """

    model: str
    shape: Shape
    dtype: str
    lengths: Lengths
    stages: tuple[StagePlan, ...]
    memory: int
    disk_free: int
    change: Change | None
    advice: tuple[str, ...] = ()

    @property
    def peak(self) -> int:
        """Bytes at the worst moment of all stages."""
        return max(stage.footprint.peak for stage in self.stages)

    @property
    def disk(self) -> int:
        """Bytes on disk, all stages together."""
        return sum(stage.footprint.disk for stage in self.stages)

    @property
    def fits(self) -> bool:
        """Whether memory and disk are enough."""
        return self.peak <= self.memory and self.disk <= self.disk_free

    def as_json(self) -> dict[str, Any]:
        """All figures as plain values."""
        stages = [
            asdict(s) | {"strategy": s.strategy.model_dump(), "footprint": s.footprint.as_json()} for s in self.stages
        ]
        change = None if self.change is None else asdict(self.change) | {"footprint": self.change.footprint.as_json()}
        whole = {
            "advice": list(self.advice),
            "peak": self.peak,
            "disk": self.disk,
            "fits": self.fits,
            "change": change,
            "stages": stages,
        }
        plain = {name: getattr(self, name) for name in ("model", "dtype", "memory", "disk_free")}
        return plain | {"shape": asdict(self.shape), "lengths": asdict(self.lengths)} | whole


def plan_project(
    recipe: Recipe, shape: Shape, lengths: Lengths, has: Machine, flops_per_second: float = 0.0, labels: int = 0
) -> Plan:
    """The plan of a recipe whose model has this shape, on this machine. flops_per_second 0 leaves the time out."""
    dtype = recipe.model.dtype if recipe.model.dtype != "auto" else "float32"
    stages = [_stage("train", recipe, shape, lengths, dtype)]
    if recipe.learn.method:
        stages.append(_stage("learn", recipe, shape, lengths, dtype))
    timed = [_measured(stage, shape, labels, flops_per_second) for stage in stages]
    heaviest = max(timed, key=lambda stage: stage.footprint.peak)
    change = None
    if not fits(heaviest.footprint, has.training_memory):
        change = _change(recipe, shape, heaviest, has)
    return Plan(recipe.model.name, shape, dtype, lengths, tuple(timed), has.training_memory, has.disk_free, change)


def shape_for(recipe: Recipe) -> Shape:
    """The sizes of the recipe's model. ModelError where it is neither a folder nor known, or cannot do the task."""
    shape = _shape_of(recipe)
    if shape.kind == "encoder" and recipe.task.name in ("translate", "generate"):
        raise ModelError(
            f"'{recipe.model.name or 'the model'}' is an encoder: it tells labels apart and writes nothing",
            where=f"task -> name: {recipe.task.name}",
            expected="a decoder or an encoder-decoder, which answer in words",
            fix=f"choose one that `sayso models --task {recipe.task.name}` lists",
        )
    return shape


def _shape_of(recipe: Recipe) -> Shape:
    from sayso.models.catalogue import EMBEDDED, find, load
    from sayso.models.inspect import inspect_folder, kind_of, shape_of

    part = recipe.model
    if part.scratch:
        return _scratch_shape(recipe)
    folder = EMBEDDED if part.name == "embedded" else downloaded(part.name)
    if folder is not None:
        return inspect_folder(folder).shape
    entry = find(part.name)
    if entry is not None:
        return entry.shape
    config = _from_hub(part.name)
    if config is not None:
        return shape_of(config, kind_of(config, part.name))
    raise ModelError(
        f"'{part.name}' is neither a folder nor in the catalogue, and the hub does not give it",
        expected="a hub id that can be reached, a local folder, or 'embedded'",
        fix=nearest(part.name, [e.id for e in load()], "`sayso models` lists well-known ones"),
    )


def downloaded(name: str) -> Path | None:
    """The folder of a model that is on this machine: its own, or the hub's cache."""
    if Path(name).is_dir() or name.startswith((".", "/", "~")):
        return Path(name)
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return None
    return Path(found).parent if isinstance(found, str) else None


def guessed_lengths(examples: Sequence[Example], kind: str, limit: int) -> Lengths:
    """Token counts by characters, each row cut to `limit` tokens."""
    prompts = [sum(guessed_tokens(message.text) for message in example.prompt) for example in examples]
    targets = [0 if kind == "encoder" else guessed_tokens(example.target or "") for example in examples]
    lengths = [min(limit, p + t + TEMPLATE_TOKENS) for p, t in zip(prompts, targets, strict=True)]
    total = sum(lengths)
    return Lengths(len(lengths), total, max(lengths, default=1), min(1.0, sum(targets) / max(1, total)))


def guessed_tokens(text: str) -> int:
    """About how many tokens a text is."""
    from sayso.models.vocabulary import is_chinese

    chinese = sum(map(is_chinese, text))
    return chinese + math.ceil((len(text) - chinese) / 4)


def row_limit(recipe: Recipe, shape: Shape) -> int:
    """Tokens per row that the recipe allows."""
    return recipe.model.max_length or min(shape.context, USUAL_LENGTH)


# ---------------------------------------------------------------- inside


def _stage(stage: str, recipe: Recipe, shape: Shape, lengths: Lengths, dtype: str) -> StagePlan:
    asked = recipe.strategy if stage == "train" else recipe.learn.strategy
    scratch = bool(recipe.model.scratch)
    strategy = resolve(asked, shape.kind, max(1, lengths.rows), shape.parameters, scratch=scratch, stage=stage)
    mean = lengths.total / max(1, lengths.rows)
    rows = strategy.batch_rows or max(1, round(strategy.batch_tokens / max(1.0, mean)))
    rows = min(rows, max(1, lengths.rows))
    steps = strategy.steps or max(1, round(strategy.epochs * math.ceil(lengths.rows / rows)))
    load = Load(
        tuning=strategy.tuning,  # type: ignore[arg-type]  # resolved, so no longer auto
        dtype=dtype,
        micro_tokens=min(strategy.micro_tokens, max(1, round(rows * lengths.longest))),
        row_tokens=lengths.longest,
        evaluation_tokens=max(recipe.evaluate.batch_tokens, recipe.task.beams * lengths.longest),
        lora_rank=strategy.lora_rank,
        supervised=0.0 if shape.kind == "encoder" else lengths.supervised,
        snapshots=_snapshots(stage, strategy),
        tokens=round(steps * rows * mean),
    )
    return StagePlan(stage, strategy, load, estimate(shape, load), steps)


def _snapshots(stage: str, strategy: StrategyPart) -> int:
    """Copies of the trained tensors: an average, and what learning from comments is held against."""
    return int(strategy.average > 0) + int(stage == "learn")


def _measured(stage: StagePlan, shape: Shape, labels: int, flops_per_second: float) -> StagePlan:
    load = replace(stage.load, labels=labels)
    return replace(stage, load=load, footprint=estimate(shape, load, flops_per_second))


def _change(recipe: Recipe, shape: Shape, heaviest: StagePlan, has: Machine) -> Change | None:
    from sayso.models.catalogue import Wish, smaller_ones
    from sayso.models.hardware import qlora_obstacle

    language = recipe.task.source_language
    if recipe.task.name == "translate" and recipe.task.target_language:
        language = f"{language}-{recipe.task.target_language}"
    smaller = [] if recipe.model.scratch else smaller_ones(shape, Wish(task=recipe.task.name, language=language))
    able = not qlora_obstacle(has.device)
    found = smallest_change(shape, heaviest.load, has.training_memory, qlora=able, smaller=smaller)
    if found is not None and heaviest.stage == "learn" and found.key.startswith("strategy."):
        return replace(found, key=f"learn.{found.key}")
    return found


def _from_hub(name: str) -> dict[str, Any] | None:
    """config.json of a model that is not downloaded yet; None where the hub does not give it."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    from sayso.models.hub import reachable

    if not reachable():
        return None
    try:
        config = json.loads(Path(hf_hub_download(name, "config.json")).read_text(encoding="utf-8"))
    except (HfHubHTTPError, OSError, ValueError):
        return None
    return config if isinstance(config, dict) and "model_type" in config else None


def _scratch_shape(recipe: Recipe) -> Shape:
    from sayso.models.inspect import kind_of, shape_of
    from sayso.models.scratch import new_config

    part = recipe.model
    config: Mapping[str, Any] = new_config(part.scratch, part.vocabulary or SCRATCH_PIECES).to_dict()
    kind = part.kind if part.kind != "auto" else kind_of(config, "model -> scratch")
    return shape_of(config, kind)
