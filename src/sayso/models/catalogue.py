"""Which pretrained models there are for Chinese and English, which of them suit, and why; no torch.

Decided here:
- The facts stand in catalogue.yaml; this file only reads, filters and ranks them.
- A recommendation is a sum of a few plain considerations, and every one that counted is said in words.
- What runs code of its own is listed, but never recommended: that code would not be run here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sayso.errors import UserError, nearest
from sayso.models.footprint import Footprint, Load, Shape, estimate, fits, readable
from sayso.models.inspect import inspect_folder
from sayso.presets import tuning_of
from sayso.records import Kind

BOOK = Path(__file__).with_name("catalogue.yaml")
EMBEDDED = Path(__file__).parents[1] / "embedded" / "base"
KINDS: tuple[Kind, ...] = ("encoder", "encoder_decoder", "decoder")
TASKS = ("classify", "translate", "generate", "text")
OPEN = ("apache-2.0", "mit", "cc-by-4.0")
NOT_FOR_SALE = ("cc-by-nc-4.0",)
FEW, SOME = 100, 1000
BILLION = 1_000_000_000
TIGHT = 0.8


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. `languages` may hold "many"; `pairs` are the only directions of a translator that has few.

    strength: 1 fair to 5 very good, among models of its kind, by common experience.
    """

    id: str
    shape: Shape
    languages: tuple[str, ...]
    licence: str
    tasks: tuple[str, ...]
    notes: str = ""
    pairs: tuple[str, ...] = ()
    instruct: bool = False
    gated_access: bool = False
    remote_code: bool = False
    strength: int = 1

    @property
    def kind(self) -> Kind:
        """encoder, encoder_decoder or decoder."""
        return self.shape.kind

    def as_json(self) -> dict[str, Any]:
        """All facts, the sizes inside `shape`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a model must be. Empty and 0 ask nothing; licence "open" takes any without conditions on use.

    memory is in bytes, for training with `tuning` in small pieces and weights of `dtype`.
    """

    task: str = ""
    language: str = ""
    licence: str = ""
    kind: str = ""
    tuning: str = "auto"
    memory: int = 0
    dtype: str = "float32"


@cache
def load() -> tuple[Entry, ...]:
    """Every model of the catalogue; the embedded one only where the package carries it."""
    plain = yaml.safe_load(BOOK.read_text(encoding="utf-8"))
    return tuple(entry for item in plain if (entry := _entry(item)) is not None)


def find(name: str) -> Entry | None:
    """The entry of that id, or None."""
    return next((entry for entry in load() if entry.id.lower() == name.lower()), None)


def select(entries: Sequence[Entry], wish: Wish) -> list[Entry]:
    """The entries that fulfil the wish, in the catalogue's order. UserError for a word that names nothing."""
    _check(wish, entries)
    return [entry for entry in entries if _fulfils(entry, wish)]


def need(entry: Entry, tuning: str = "auto", dtype: str = "float32") -> Footprint:
    """The footprint of training this model in small pieces."""
    return estimate(entry.shape, usual_load(entry, tuning, dtype))


def usual_load(entry: Entry, tuning: str = "auto", dtype: str = "float32") -> Load:
    """Rows of 128 tokens, 512 at once, half of a conversation supervised; frozen only where there is a head to train.

    Pieces this small cost some speed and change no result, so what does not fit here does not fit at all.
    """
    decided = tuning_of(tuning, entry.shape.parameters)
    decided = "lora" if decided == "frozen" and entry.kind != "encoder" else decided
    share = 0.0 if entry.kind == "encoder" else 0.5
    load = Load(micro_tokens=512, row_tokens=128, evaluation_tokens=512, supervised=share)
    return replace(load, tuning=decided, dtype=dtype)  # type: ignore[arg-type]


def recommend(
    task: str, language: str, rows: int, memory_bytes: int, tuning: str = "auto"
) -> list[tuple[Entry, list[str]]]:
    """The models that suit, best first, each with its reasons. `rows` of 0 is an unknown number.

    language is a code such as zh, or for translation a direction such as zh-en. UserError for unknown words.
    """
    wish = Wish(task=task, language=language, memory=memory_bytes, tuning=tuning)
    ranked = []
    for entry in select(load(), wish):
        if not entry.remote_code:
            counted = list(_considerations(entry, wish, rows))
            ranked.append((sum(points for points, _ in counted), entry, [words for _, words in counted if words]))
    ranked.sort(key=lambda found: (-found[0], found[1].shape.parameters))
    return [(entry, reasons) for _, entry, reasons in ranked]


def smaller_ones(entry_or_shape: Entry | Shape, wish: Wish) -> list[tuple[str, Shape]]:
    """Models of the same kind with fewer parameters that fulfil the wish, the largest first."""
    shape = entry_or_shape.shape if isinstance(entry_or_shape, Entry) else entry_or_shape
    others = select(load(), replace(wish, kind=shape.kind, memory=0))
    lighter = [e for e in others if e.shape.parameters < shape.parameters and not e.remote_code]
    return [(e.id, e.shape) for e in sorted(lighter, key=lambda e: -e.shape.parameters)]


def speaks(entry: Entry, language: str) -> bool:
    """Whether the model reads (and for a direction "zh-en" translates) that language."""
    if "-" in language:
        return language in entry.pairs if entry.pairs else all(speaks(entry, side) for side in language.split("-"))
    return language in entry.languages or "many" in entry.languages


def unnamed(language: str) -> list[str]:
    """The languages of a code or direction that no entry names, so that only models of "many" languages remain."""
    named = {code for entry in load() for code in entry.languages}
    return [side for side in language.split("-") if side and side not in named]


# ---------------------------------------------------------------- inside


def _entry(item: dict[str, Any]) -> Entry | None:
    shape = _shape(item)
    if shape is None:
        return None
    facts: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in item.items() if key != "kind"}
    return Entry(**facts | {"shape": shape})


def _shape(item: dict[str, Any]) -> Shape | None:
    if item["id"] != "embedded":
        return Shape(kind=item["kind"], **item["shape"])
    return inspect_folder(EMBEDDED).shape if (EMBEDDED / "config.json").is_file() else None


def _check(wish: Wish, entries: Sequence[Entry]) -> None:
    known = {
        "task": TASKS,
        "kind": KINDS,
        "licence": ("open", *sorted({entry.licence for entry in entries})),
        "tuning": ("auto", "full", "lora", "dora", "rslora", "frozen", "qlora"),
    }
    for name, names in known.items():
        value = getattr(wish, name)
        if value and value not in names:
            raise UserError(f"no {name} '{value}' among the models", fix=nearest(value, names))
    codes = {code for entry in entries for code in entry.languages}
    for side in filter(None, wish.language.split("-")):
        if len(side) not in (2, 3) or not side.isascii():
            fix = nearest(side, codes - {"many"})
            raise UserError(f"'{wish.language}' is no language", expected="a code like zh, or zh-en", fix=fix)


def _fulfils(entry: Entry, wish: Wish) -> bool:
    return (
        (not wish.task or wish.task in entry.tasks)
        and (not wish.kind or wish.kind == entry.kind)
        and (not wish.language or speaks(entry, wish.language))
        and (not wish.licence or entry.licence in (OPEN if wish.licence == "open" else (wish.licence,)))
        and (not wish.memory or fits(need(entry, wish.tuning, wish.dtype), wish.memory))
    )


Consideration = tuple[float, str]


def _considerations(entry: Entry, wish: Wish, rows: int) -> Iterator[Consideration]:
    """(points, reason) of everything that counts for or against; a reason may be empty."""
    yield _for_task(entry, wish.task, rows)
    yield from _for_language(entry, wish.language)
    yield float(entry.strength), "strong among models of its kind" if entry.strength >= 3 else ""
    yield _for_licence(entry)
    yield from _for_size(entry, wish, rows)
    if entry.gated_access:
        yield -1.0, "its licence must be accepted on the hub before it can be downloaded"
    if entry.id == "embedded":
        yield -1.5, "comes with the package, so nothing is downloaded; small, for trying things out"


def _for_task(entry: Entry, task: str, rows: int) -> Consideration:
    if task == "classify" and entry.kind == "encoder":
        few = 0 < rows < FEW
        return (0.5, "") if few else (4.0, "an encoder with a head is the cheapest way to good labels")
    if task == "classify" and entry.instruct and 0 < rows < FEW:
        return 3.0, f"with {rows} rows, a model that already follows instructions guesses best"
    if task == "translate" and entry.tasks == ("translate",):
        return 3.0, "already translates"
    if task == "translate" and entry.kind == "encoder_decoder":
        return 1.0, "the right architecture for translation, but never taught to translate"
    if task == "generate" and entry.instruct:
        return 3.0, "already follows instructions, so the rows only have to teach what is special"
    if task == "text" and not entry.instruct:
        return 2.0, "a base model, as continued pretraining expects"
    return 0.0, ""


def _for_language(entry: Entry, language: str) -> Iterator[Consideration]:
    if not language:
        return
    if language in entry.pairs:
        yield 2.0, f"made for {language} alone"
    elif entry.languages == (language,):
        yield 2.0, f"made for {language} alone, so its whole vocabulary serves it"
    elif all(side in entry.languages for side in language.split("-")):
        yield 0.5, f"knows {language} among its languages"
    else:
        yield -1.0, f"reads many languages, {language} among them, with little of each"


def _for_licence(entry: Entry) -> Consideration:
    if entry.licence in OPEN:
        return 1.0, f"free to use ({entry.licence})"
    if entry.licence == "unstated":
        return -1.0, "its card names no licence: ask before you ship it"
    if entry.licence in NOT_FOR_SALE:
        return -2.0, f"not for commercial use ({entry.licence})"
    return -0.5, f"its licence has conditions ({entry.licence})"


def _for_size(entry: Entry, wish: Wish, rows: int) -> Iterator[Consideration]:
    parameters = entry.shape.parameters
    yield -0.5 * math.log10(parameters / 1e8), ""
    if 0 < rows < SOME and parameters > BILLION // 2 and entry.kind == "encoder":
        yield -1.0, f"large for {rows} rows"
    if wish.memory:
        peak = need(entry, wish.tuning, wish.dtype).peak
        words = f"needs about {readable(peak)} of {readable(wish.memory)}"
        yield (-1.0, words + ", which is tight") if peak > TIGHT * wish.memory else (0.0, words)
