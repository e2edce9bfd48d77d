"""One run's configuration: what may stand in a recipe, with its defaults, each in one place.

Decided here:
- An unknown key is an error that names the nearest key and the line.
- `auto` is resolved by a preset before anything runs; the run folder holds the resolved recipe.
- Paths are relative to the recipe file.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sayso.errors import RecipeError  # noqa: F401


class Part(BaseModel):
    """A section of a recipe: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TaskPart(Part):
    name: Literal["classify", "translate", "generate", "text"] = "classify"
    labels: list[str] = Field(default_factory=list, description="label names; read from the data when empty")
    several: bool = Field(False, description="may several labels hold at once?")
    question: str = Field("", description="instruction shown to a decoder or an encoder-decoder; '' for the built-in one")
    source_language: str = Field("", description="for translate, e.g. zh")
    target_language: str = Field("", description="for translate, e.g. en; picks sacreBLEU's tokenizer")
    metric: str = Field("", description="headline metric; '' for the task's own")
    max_new_tokens: int = 64


class ModelPart(Part):
    name: str = Field("embedded", description="a hub id, a local folder, or 'embedded'")
    kind: Literal["auto", "encoder", "encoder_decoder", "decoder"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: str = "auto"
    max_length: int = Field(0, description="tokens per row, 0 for the model's own limit (at most 512 unless given)")
    scratch: dict[str, Any] = Field(
        default_factory=dict, description="config of a new model (model_type: ..., hidden_size: ...) trained from zero"
    )
    vocabulary: int = Field(0, description="with scratch: pieces of the tokenizer trained on the data")


class FilePart(Part):
    path: str
    format: str = Field("auto", description="a name in sources/, or auto by suffix")
    columns: dict[str, str] = Field(default_factory=dict, description="text, label, id, target, ...: column name or index")
    options: dict[str, Any] = Field(default_factory=dict, description="what the source understands, e.g. header: false")
    limit: int = 0
    skip: int = 0


class DataPart(Part):
    train: FilePart | None = None
    validation: FilePart | None = None
    test: FilePart | None = None
    validation_share: float = Field(0.1, description="taken from train when no validation file is named")
    label_names: dict[str, str] = Field(default_factory=dict, description="raw value in the file: label name")


class StrategyPart(Part):
    preset: str = Field("auto", description="named vetted values by kind of model and amount of data")
    tuning: Literal["auto", "full", "lora", "dora", "rslora", "frozen", "qlora"] = "auto"
    lora_rank: int = 0
    learning_rate: float = 0.0
    schedule: Literal["", "linear", "cosine", "constant", "wsd"] = ""
    warmup: float = Field(-1.0, description="share of the steps; -1 for the preset's")
    batch_tokens: int = Field(0, description="tokens per optimiser step (rows, where batch_rows is set)")
    batch_rows: int = Field(0, description="rows per optimiser step; 0 to count tokens")
    micro_tokens: int = Field(0, description="tokens through the network at once; the rest is accumulated")
    epochs: float = 0.0
    steps: int = Field(0, description="overrides epochs")
    early_stopping: int = Field(-1, description="validations without gain before stopping; 0 never; -1 preset's")
    validate_every: int = Field(0, description="steps; 0 for once an epoch")
    weight_decay: float = -1.0
    clip: float = -1.0
    class_weights: Literal["", "none", "balanced"] = ""
    label_smoothing: float = -1.0
    dropout: float = Field(-1.0, description="-1 keeps the model's own")
    packing: Literal["auto", "on", "off"] = "auto"
    optimizer: Literal["", "adamw"] = ""
    average: float = Field(0.0, description="decay of an exponential average of the weights, 0 for none")


class EvaluatePart(Part):
    baseline: bool = Field(True, description="for classification: the linear character n-gram baseline beside it")
    limit: int = 0
    resamples: int = 2000
    batch_tokens: int = 8192


class CriticPart(Part):
    name: str
    knobs: dict[str, Any] = Field(default_factory=dict)


class FeedbackPart(Part):
    files: list[str] = Field(default_factory=list, description="JSONL files of comments")
    critics: list[CriticPart] = Field(default_factory=list)
    held_out: float = Field(0.25, description="share of the comments kept as a test")


class LearnPart(Part):
    method: str = ""
    knobs: dict[str, Any] = Field(default_factory=dict)
    strategy: StrategyPart = StrategyPart()
    replay: float = Field(1.0, description="training rows replayed per lesson")


class Recipe(Part):
    """A whole run."""

    name: str = "run"
    run: str = Field("", description="the run's folder; '' for runs/<name>")
    seed: int = 0
    threads: int = Field(0, description="CPU threads; 0 for all cores")
    task: TaskPart = TaskPart()
    model: ModelPart = ModelPart()
    data: DataPart = DataPart()
    strategy: StrategyPart = StrategyPart()
    evaluate: EvaluatePart = EvaluatePart()
    feedback: FeedbackPart = FeedbackPart()
    learn: LearnPart = LearnPart()
    trackers: list[Literal["tensorboard", "trackio"]] = Field(default_factory=list)
