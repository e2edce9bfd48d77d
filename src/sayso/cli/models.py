"""`sayso models`: which pretrained models suit, and what is odd about one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import ModelError, nearest

if TYPE_CHECKING:
    from sayso.models.catalogue import Entry, Wish
    from sayso.models.hardware import Machine
    from sayso.models.inspect import Inspection

SHOWN = 3
COLUMNS = ("model", "size", "context", "languages", "licence", "tasks", "to train it")


def models(
    model: Annotated[str | None, typer.Argument(help="a model's folder or id to look at, instead of the list")] = None,
    task: Annotated[str, typer.Option(help="classify, translate, generate or text")] = "",
    language: Annotated[str, typer.Option(help="a code such as zh, or for translation a direction, zh-en")] = "",
    licence: Annotated[str, typer.Option(help="open (no conditions on use), or one such as apache-2.0")] = "",
    kind: Annotated[str, typer.Option(help="encoder, encoder_decoder or decoder")] = "",
    fits: Annotated[bool, typer.Option("--fits", help="only what this machine can train")] = False,
    tuning: Annotated[str, typer.Option(help="full, lora, dora, rslora, frozen or qlora")] = "auto",
    rows: Annotated[int, typer.Option(min=0, help="training rows, where known")] = 0,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """List models that suit a task, a language and this machine; or look at one folder."""
    if model is not None:
        _look_at(model, tuning, as_json=json)
        return
    from sayso.models.catalogue import Wish
    from sayso.models.hardware import machine

    has = machine()
    wish = Wish(task, language, licence, kind, tuning, has.training_memory if fits else 0)
    _list(wish, rows, has, as_json=json)


def _list(wish: Wish, rows: int, has: Machine, *, as_json: bool) -> None:
    from sayso.cli.console import console, print_json
    from sayso.models.catalogue import load, recommend, select
    from sayso.models.hardware import qlora_obstacle

    memory = has.training_memory
    found = select(load(), wish)
    ids = {entry.id for entry in found}
    obstacle = qlora_obstacle(has.device) if wish.tuning == "qlora" else ""
    asked = recommend(wish.task, wish.language, rows, memory, wish.tuning) if wish.task and not obstacle else []
    advice = [(entry, reasons) for entry, reasons in asked if entry.id in ids][:SHOWN]
    remarks = [*_remarks(found, wish.language), *([f"none can be trained so here: {obstacle}"] if obstacle else [])]
    if as_json:
        best = [{"id": entry.id, "reasons": reasons} for entry, reasons in advice]
        listed = [_facts(entry, wish.tuning) for entry in found]
        print_json({"models": listed, "recommended": best, "remarks": remarks, "memory": memory})
        return
    _print_list(found, advice, wish, memory)
    for remark in remarks:
        console().print(f"Note: {remark}")


def _remarks(found: list[Entry], language: str) -> list[str]:
    """What a list by language does not show: that nobody vouches for a language among many."""
    from sayso.models.catalogue import unnamed

    codes = " and ".join(unnamed(language))
    if not codes or not found:
        return []
    return [f"no model here names {codes}: whether it is among the many languages of these, their cards say"]


def _facts(entry: Entry, tuning: str) -> dict[str, Any]:
    from sayso.models.catalogue import need, usual_load

    usual = {"tuning": usual_load(entry, tuning).tuning, "memory": need(entry, tuning).peak}
    return {"id": entry.id, "kind": entry.kind} | entry.as_json() | usual


def _print_list(found: list[Entry], advice: list[tuple[Entry, list[str]]], wish: Wish, memory: int) -> None:
    from sayso.cli.console import console, print_table
    from sayso.models.catalogue import KINDS
    from sayso.models.footprint import readable

    out = console()
    if not found:
        out.print("No model of the catalogue is like that. Leave out a filter, or try --tuning lora.")
        return
    for kind in KINDS:
        rows = [_row(entry, wish.tuning) for entry in found if entry.kind == kind]
        if rows:
            print_table(f"{kind.replace('_', '-')}s", COLUMNS, rows)
            out.print()
    out.print(f"{len(found)} models. This machine offers {readable(memory)} for training.")
    _print_advice(advice)


def _print_advice(advice: list[tuple[Entry, list[str]]]) -> None:
    from sayso.cli.console import console

    if not advice:
        return
    out, (best, reasons) = console(), advice[0]
    out.print(f"\nRecommended: {best.id}")
    for reason in reasons:
        out.print(f"  - {reason}")
    for entry, others in advice[1:]:
        own = "; ".join(other for other in others if other not in reasons)
        out.print(f"or {entry.id}: {own or 'for the same reasons, a little behind'}")
    out.print(f"\nIn the recipe:\n  model: {{name: {best.id}}}")


def _row(entry: Entry, tuning: str) -> tuple[str, ...]:
    from sayso.models.footprint import readable

    facts = _facts(entry, tuning)
    kept = [code for code in entry.languages if code in ("zh", "en", "many")] or list(entry.languages)
    access = " (gated)" if entry.gated_access else ""
    cost = f"{facts['tuning']} {readable(facts['memory'])}"
    size, context = _short(entry.shape.parameters), f"{entry.shape.context}"
    return entry.id, size, context, " ".join(kept), entry.licence + access, " ".join(entry.tasks), cost


def _short(count: int) -> str:
    return f"{count / 1e9:.1f}B" if count >= 1e9 else f"{count / 1e6:.1f}M" if count < 1e7 else f"{count / 1e6:.0f}M"


# ---------------------------------------------------------------- one model


def _look_at(name: str, tuning: str, *, as_json: bool) -> None:
    from sayso.cli.console import print_json
    from sayso.models.catalogue import EMBEDDED, find
    from sayso.models.hardware import machine
    from sayso.models.inspect import inspect_folder

    entry = find(name)
    folder = EMBEDDED if name == "embedded" else Path(name).expanduser()
    if folder.is_dir() or (entry is None and _says_folder(name)):
        seen = inspect_folder(folder, machine().device)
        print_json(seen.as_json()) if as_json else _print_folder(seen)
        return
    if entry is None:
        raise _unknown(name)
    print_json(_facts(entry, tuning)) if as_json else _print_entry(entry, tuning)


def _says_folder(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") != 1


def _unknown(name: str) -> ModelError:
    from sayso.models.catalogue import load

    return ModelError(
        f"no model '{name}' in the catalogue, and no such folder",
        expected="a folder with a model, or an id that `sayso models` lists",
        fix=nearest(name, [entry.id for entry in load()], "see `sayso models`; a recipe may name any id of the hub"),
    )


def _print_entry(entry: Entry, tuning: str) -> None:
    from sayso.cli.console import console

    out = console()
    out.print(f"{'kind':20}{entry.kind.replace('_', '-')}")
    for name, value in zip(COLUMNS, _row(entry, tuning), strict=True):
        out.print(f"{name:20}{value}")
    out.print(f"{'notes':20}{entry.notes}")


def _print_folder(seen: Inspection) -> None:
    from sayso.cli.console import console

    out = console()
    for name, value in _described(seen):
        out.print(f"{name:20}{value}")
    out.print("\nOdd about it:" if seen.odd else "\nNothing is odd about it.")
    for sentence in seen.odd:
        out.print(f"  - {sentence}")


def _described(seen: Inspection) -> list[tuple[str, str]]:
    from sayso.models.footprint import readable

    shape, words = seen.shape, seen.vocabulary
    special = ", ".join(f"{role} {token.text}" for role, token in words.special.items())
    template = "none" if seen.template is None else "yes"
    if seen.template is not None and seen.template.opens:
        template = "yes, opens the assistant's turn"
    return [
        ("folder", seen.folder),
        ("architecture", f"{seen.architecture} ({seen.kind.replace('_', '-')})"),
        ("parameters", f"{shape.parameters:,}" + (" (estimated)" if seen.pickled else "")),
        ("stored", f"{seen.dtype}, {readable(seen.size)}"),
        ("layers", f"{shape.layers} x {shape.hidden}, {shape.heads} heads"),
        ("context", f"{shape.context:,} tokens"),
        ("tokenizer", f"{words.name}, {words.size:,} tokens" if words.size else words.name),
        ("special tokens", special or "none"),
        ("chat template", template),
        ("labels", ", ".join(seen.labels) or "none: a head for labels would be new"),
        ("licence", seen.licence or "not stated in the folder"),
    ]
