"""One run's configuration: what may stand in a recipe, with its defaults, each in one place; and reading it.

Decided here:
- An unknown key is an error that names the nearest key and the line; so is a value outside its range.
- `auto` (and 0 or -1, where the field says so) is resolved by a preset before anything runs; the run folder holds the
  resolved recipe.
- Paths in a recipe are relative to the recipe file, paths on the command line to where the command is given.
- The reader (sheet.py) knows what each place expects, so `packing: on` is text and 3e-5 a number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from sayso import outline, presets, rooms
from sayso.errors import RecipeError, nearest
from sayso.privacy.found import Kind
from sayso.privacy.policy import Do
from sayso.sheet import At, Sheet

N = TypeVar("N", int, float)


def _or_unset(value: N) -> N:
    if value < 0 and value != -1:
        raise PydanticCustomError("or_unset", "0 or more, or -1 for the preset's")
    return value


Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
ShareOrUnset = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False), AfterValidator(_or_unset)]
AmountOrUnset = Annotated[float, Field(ge=-1, le=1e6, allow_inf_nan=False), AfterValidator(_or_unset)]
CountOrUnset = Annotated[int, Field(ge=-1, le=10**12)]


class Part(BaseModel):
    """A section of a recipe: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TaskPart(Part):
    name: Literal["classify", "translate", "generate", "text"] = Field(
        default="classify", description="what the model is to do"
    )
    labels: list[str] = Field(default_factory=list, description="label names; read from the data when empty")
    several: bool = Field(default=False, description="may several labels hold at once?")
    question: str = Field(
        default="", description="instruction shown to a decoder or an encoder-decoder; '' for the built-in one"
    )
    source_language: str = Field(default="", description="for translate, e.g. zh")
    target_language: str = Field(default="", description="for translate, e.g. en; picks sacreBLEU's tokenizer")
    metric: str = Field(default="", description="headline metric; '' for the task's own")
    max_new_tokens: Annotated[int, Field(ge=1, le=10**6)] = Field(default=64, description="longest generated answer")
    beams: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="answers kept in sight while one is written (beam search); 1 is greedy"
    )
    length_penalty: Annotated[float, Field(ge=0, le=5)] = Field(
        default=1.0, description="beams compare log p / tokens ** this: above 1 favours longer answers"
    )


class ModelPart(Part):
    name: str = Field(default="embedded", description="a hub id, a local folder, or 'embedded'")
    kind: Literal["auto", "encoder", "encoder_decoder", "decoder"] = Field(
        default="auto", description="auto: by the architecture"
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="of the matrix products in training; auto: measured on this machine"
    )
    device: str = Field(default="auto", description="cpu, cuda, cuda:1, mps; auto: the fastest there is")
    max_length: Count = Field(
        default=0, description="tokens per row, 0 for the model's own limit (at most 512 unless given)"
    )
    scratch: dict[str, Any] = Field(
        default_factory=dict, description="config of a new model (model_type: ..., hidden_size: ...) trained from zero"
    )
    vocabulary: Count = Field(default=0, description="with scratch: pieces of the tokenizer trained on the data")
    simplified: bool = Field(
        default=False,
        description="with scratch: does the new tokenizer read traditional Chinese characters as simplified ones?",
    )


class FilePart(Part):
    path: Annotated[str, Field(min_length=1)] = Field(
        description="a file, a pair a.zh,b.en, a folder or hub:owner/name"
    )
    format: str = Field(default="auto", description="a name in sources/, or auto by suffix")
    columns: dict[str, str] = Field(
        default_factory=dict, description="text, label, id, target, ...: column name or index"
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="what the source understands, e.g. header: false"
    )
    limit: Count = Field(default=0, description="read only so many rows; 0 for all")
    skip: Count = Field(default=0, description="rows left out at the beginning")


class DataPart(Part):
    train: FilePart | None = Field(default=None, description="the rows to learn from")
    validation: FilePart | None = Field(default=None, description="the rows that choose the best weights")
    test: FilePart | None = Field(default=None, description="the rows that claims are made on")
    validation_share: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = Field(
        default=0.1, description="taken from train when no validation file is named"
    )
    test_share: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = Field(
        default=0.0, description="taken from train when no test file is named; no text stands on both sides"
    )
    label_names: dict[str, str] = Field(default_factory=dict, description="raw value in the file: label name")
    most_dropped: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        default=0.25, description="share of a file's rows that may be unusable; with more nothing is trained or scored"
    )


class StrategyPart(Part):
    preset: str = Field(default="auto", description="named vetted values by kind of model and amount of data")
    tuning: Literal["auto", "full", "lora", "dora", "rslora", "frozen", "qlora"] = Field(
        default="auto", description="which weights change; auto: all below a billion parameters, else LoRA"
    )
    lora_rank: Annotated[int, Field(ge=0, le=4096)] = Field(default=0, description="of adapters; 0 for the preset's")
    learning_rate: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = Field(
        default=0.0, description="the peak; 0 for the preset's"
    )
    head_rate: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = Field(
        default=1.0,
        description="of an encoder's head, as a multiple of learning_rate; 10 suits a new head for many labels",
    )
    schedule: Literal["", "linear", "cosine", "constant", "wsd"] = Field(
        default="", description="how the rate falls after the warm-up; '' for the preset's"
    )
    warmup: ShareOrUnset = Field(default=-1.0, description="share of the steps; -1 for the preset's")
    batch_tokens: Count = Field(default=0, description="tokens per optimiser step (rows, where batch_rows is set)")
    batch_rows: Count = Field(default=0, description="rows per optimiser step; 0 to count tokens")
    micro_tokens: Count = Field(default=0, description="tokens through the network at once; the rest is accumulated")
    epochs: Amount = Field(default=0.0, description="times through the rows; 0 for the preset's")
    steps: Count = Field(default=0, description="overrides epochs")
    early_stopping: CountOrUnset = Field(
        default=-1, description="validations without gain before stopping; 0 never; -1 preset's"
    )
    validate_every: Count = Field(default=0, description="steps; 0 for once an epoch")
    keep: Literal["best", "last"] = Field(
        default="best", description="which weights a training ends with: those that validated best, or the last"
    )
    weight_decay: AmountOrUnset = Field(default=-1.0, description="AdamW's; -1 for the preset's")
    clip: AmountOrUnset = Field(default=-1.0, description="largest norm of the gradient; 0 for none; -1 preset's")
    class_weights: Literal["", "none", "balanced"] = Field(
        default="", description="balanced: rare labels count more; '' for the preset's"
    )
    label_smoothing: ShareOrUnset = Field(default=-1.0, description="share spread over all labels; -1 preset's")
    dropout: ShareOrUnset = Field(default=-1.0, description="-1 keeps the model's own")
    bpe_dropout: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = Field(
        default=0.0,
        description="share of the tokenizer's merges left out, anew each time a row is taught; 0.1 is usual",
    )
    packing: Literal["auto", "on", "off"] = Field(
        default="auto", description="several short rows in one line; a decoder's only, checked before it is used"
    )
    optimizer: Literal["", "adamw", "muon"] = Field(
        default="", description="muon: a fraction of the steps where a model is trained from nothing; '' preset's"
    )
    average: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = Field(
        default=0.0, description="decay of an exponential average of the weights, 0 for none"
    )


class EvaluatePart(Part):
    baseline: bool = Field(
        default=True, description="for classification: the linear character n-gram baseline beside it"
    )
    limit: Count = Field(default=0, description="score only so many items of each split; 0 for all")
    resamples: Annotated[int, Field(ge=1, le=10**6)] = Field(default=2000, description="of the bootstrap and the test")
    batch_tokens: Annotated[int, Field(ge=1, le=10**9)] = Field(default=8192, description="tokens scored at once")


class CriticPart(Part):
    name: str = Field(description="a name in critics/")
    knobs: dict[str, Any] = Field(default_factory=dict, description="what the critic understands")


class FeedbackPart(Part):
    files: list[str] = Field(default_factory=list, description="files of comments: JSONL, CSV, TSV, Parquet or XLSX")
    critics: list[CriticPart] = Field(default_factory=list, description="who comments on the validation answers")
    store: str = Field(default="", description="database of the comments; '' for one in the run folder")
    held_out: Share = Field(default=0.25, description="share of the comments kept as a test")


class LearnPart(Part):
    method: str = Field(
        default="", description="a name in methods/, auto to have one chosen and tried; '' to learn nothing"
    )
    knobs: dict[str, Any] = Field(default_factory=dict, description="what the method understands")
    strategy: StrategyPart = Field(default=StrategyPart(), description="as `strategy`, for this stage")
    replay: Amount = Field(default=1.0, description="training rows replayed per lesson")
    rounds: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0, description="times that lessons are written anew and taught; 0 for the method's own number"
    )


class PrivacyPart(Part):
    comments: Do = Field(default="warn", description="what to do about personal data in comments, as they come in")
    rows: Do = Field(default="warn", description="the same for the rows of the data, before anything is trained")
    canaries: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0, description="rows with made-up secrets among the training rows, for the audit of memorisation"
    )
    kinds: list[Kind] = Field(default_factory=list, description="kinds to look for; all where none is named")
    key: str = Field(
        default="", description="file with the key of the pseudonyms; '' for one in the run folder, made when needed"
    )


class TunePart(Part):
    space: dict[str, Any] = Field(
        default_factory=dict,
        description="what `sayso tune` searches besides or instead, e.g. strategy.epochs: {low: 2, high: 8}",
    )


class Recipe(Part):
    """A whole run."""

    name: Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f]{1,100}$")] = Field(default="run", description="of the run")
    run: str = Field(default="", description="the run's folder; '' for runs/<name>")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=0, description="everything random follows from it")
    threads: Annotated[int, Field(ge=0, le=4096)] = Field(default=0, description="CPU threads; 0 for all cores")
    task: TaskPart = TaskPart()
    model: ModelPart = ModelPart()
    data: DataPart = DataPart()
    strategy: StrategyPart = StrategyPart()
    evaluate: EvaluatePart = EvaluatePart()
    feedback: FeedbackPart = FeedbackPart()
    learn: LearnPart = LearnPart()
    privacy: PrivacyPart = PrivacyPart()
    tune: TunePart = TunePart()
    trackers: list[Literal["tensorboard", "trackio"]] = Field(
        default_factory=list, description="where live curves go besides the run folder"
    )


# ---------------------------------------------------------------- reading and writing

_FILES = (
    ("data", "train", "path"),
    ("data", "validation", "path"),
    ("data", "test", "path"),
    ("feedback", "store"),
    ("privacy", "key"),
    ("run",),
)


def load(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a file, with `section.key=value` overrides; every path in it is absolute.

    Raises RecipeError: file and line, section -> key, the value, what was expected, the nearest name.
    """
    path = Path(path)
    sheet = Sheet(str(path), Recipe)
    sheet.fill(_text_of(path))
    for override in overrides:
        sheet.override(override, _from_here)
    return resolve_paths(_finished(sheet), path.absolute().parent)


def parse(text: str, where: str = "recipe") -> Recipe:
    """The recipe in a text; its paths stay as they are written. Raises RecipeError, as `load` does."""
    sheet = Sheet(where, Recipe)
    sheet.fill(text)
    return _finished(sheet)


def dump(recipe: Recipe) -> str:
    """The whole recipe as YAML, defaults included, so that it means the same when defaults have moved on."""
    return outline.write(recipe.model_dump())


def resolve_paths(recipe: Recipe, base: Path) -> Recipe:
    """The same recipe with every path made absolute from `base`. Hub ids and `hub:...` paths are left alone."""
    data = {
        split: part.model_copy(update={"path": _located(part.path, base)})
        for split in ("train", "validation", "test")
        if (part := getattr(recipe.data, split)) is not None
    }
    updates = {
        "run": _located(recipe.run, base),
        "model": recipe.model.model_copy(update={"name": _located_model(recipe.model.name, base)}),
        "data": recipe.data.model_copy(update=data),
        "feedback": recipe.feedback.model_copy(
            update={
                "files": [_located(file, base) for file in recipe.feedback.files],
                "critics": [_located_critic(critic, base) for critic in recipe.feedback.critics],
                "store": _located(recipe.feedback.store, base),
            }
        ),
        "privacy": recipe.privacy.model_copy(update={"key": _located(recipe.privacy.key, base)}),
    }
    return recipe.model_copy(update=updates)


def _located_critic(critic: CriticPart, base: Path) -> CriticPart:
    """A program's file is one of the recipe's paths where it lies there, as is a judge's folder; the rest stays."""
    knobs = dict(critic.knobs)
    if knobs.get("model"):
        knobs["model"] = _located_model(str(knobs["model"]), base)
    file, mark, function = str(knobs.get("program", "")).rpartition(".py:")
    whole = f"{_located(f'{file}.py', base)}:{function}"
    if mark and Path(whole.rpartition(":")[0]).is_file():
        knobs["program"] = whole
    return critic.model_copy(update={"knobs": knobs})


def _located(path: str, base: Path) -> str:
    """Absolute; both of a pair "a.zh,b.en"; untouched where it is empty or names no file ("hub:...")."""
    if not path or re.match(r"[a-z][a-z0-9+.-]+:", path):
        return path
    whole = os.path.normpath(os.path.join(base, os.path.expanduser(path)))  # noqa: PTH111, PTH118
    if "," in path and not os.path.exists(whole):  # noqa: PTH110
        return ",".join(_located(part.strip(), base) for part in path.split(","))
    return whole


def _located_model(name: str, base: Path) -> str:
    whole = os.path.normpath(os.path.join(base, os.path.expanduser(name)))  # noqa: PTH111, PTH118
    says_folder = name.startswith((".", "/", "~"))
    return whole if name not in ("", "embedded") and (says_folder or os.path.isdir(whole)) else name  # noqa: PTH112


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError(f"the recipe cannot be read: {reason}", where=str(path), fix=_beside(path)) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RecipeError("not UTF-8", where=f"{path}:{line}", fix="save the recipe as UTF-8") from None


def _beside(path: Path) -> str:
    folder = path if path.is_dir() else path.parent
    found = [str(file) for pattern in ("*.yaml", "*.yml") for file in sorted(folder.glob(pattern))[:20]]
    return nearest(str(path), found) if found else "`sayso init FOLDER` writes a recipe to begin with"


def _from_here(at: At, value: Any) -> Any:
    """What an override says, its paths absolute from the folder that the command is given in."""
    if at in _FILES:
        return _located(value, Path.cwd())
    if at == ("model", "name"):
        return _located_model(value, Path.cwd())
    return [_located(file, Path.cwd()) for file in value] if at == ("feedback", "files") else value


def _finished(sheet: Sheet[Recipe]) -> Recipe:
    """The recipe, its names of presets and of files in rooms checked."""
    recipe = sheet.build()
    for at, name, known in _names_in(recipe):
        if name not in known:
            raise sheet.error(at, f"unknown name {name!r:.60}", fix=nearest(name, filter(None, known)))
    return recipe


def _names_in(recipe: Recipe) -> Iterator[tuple[At, str, Sequence[str]]]:
    for split in ("train", "validation", "test"):
        if part := getattr(recipe.data, split):
            yield ("data", split, "format"), part.format, ("auto", *rooms.names("sources"))
    for i, critic in enumerate(recipe.feedback.critics):
        yield ("feedback", "critics", i, "name"), critic.name, rooms.names("critics")
    yield ("learn", "method"), recipe.learn.method, ("", "auto", *rooms.names("methods"))
    yield ("strategy", "preset"), recipe.strategy.preset, ("auto", *presets.names())
    yield ("learn", "strategy", "preset"), recipe.learn.strategy.preset, ("auto", *presets.names())
