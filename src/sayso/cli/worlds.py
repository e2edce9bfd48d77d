"""`sayso worlds`: the worlds with house rules, what they say, and training material drawn from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import UserError, nearest

if TYPE_CHECKING:
    from sayso.exercises import Mix
    from sayso.protocols import World
    from sayso.records import Example

VALIDATION_ROWS = 400
SHOWN_EVERY = 1000


def worlds(
    name: Annotated[str | None, typer.Argument(help="a world to look at, instead of the list")] = None,
    sample: Annotated[int, typer.Option(min=1, max=1000, help="how many rules to show")] = 3,
    language: Annotated[str, typer.Option(help="en or zh; both where none is named")] = "",
    write: Annotated[Path | None, typer.Option(help="write exercises for a base model into this folder")] = None,
    rows: Annotated[int, typer.Option(min=1, help="exercises to write")] = 50_000,
    mix: Annotated[str, typer.Option(help="how often each kind of exercise comes, as 'copied=3,plain=1'")] = "",
    seed: Annotated[int, typer.Option(help="what is drawn depends on it alone")] = 0,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """List the worlds with house rules, show one's rules, or write training material drawn from them."""
    from sayso.cli.console import print_json

    known = found_worlds()
    if name is not None and name not in known:
        raise UserError(f"there is no world '{name}'", fix=nearest(name, known))
    if language not in ("", "en", "zh"):
        raise UserError(f"no world speaks '{language}'", expected="en or zh")
    chosen = known if name is None else {name: known[name]}
    if write is not None:
        result: Any = {"files": written(chosen, write, rows, seed, mix)}
    elif name is None:
        result = [_facts(each, world) for each, world in chosen.items()]
    else:
        result = _facts(name, known[name]) | {"rules": _shown(known[name], sample, seed, language or None)}
    if json:
        print_json(result)
    else:
        _print(result)


def found_worlds() -> dict[str, World]:
    """Every world by name."""
    from sayso import rooms

    return {name: rooms.find("worlds", name) for name in rooms.names("worlds")}


def written(chosen: Mapping[str, World], folder: Path, rows: int, seed: int, mix: str = "") -> list[dict[str, Any]]:
    """Exercises as JSONL conversations: train.jsonl, and validation.jsonl of another seed."""
    from sayso.exercises import exercises

    asked = _mix(mix)
    folder.mkdir(parents=True, exist_ok=True)
    shares = dict.fromkeys(chosen, 1.0)
    held = min(VALIDATION_ROWS, max(1, rows // 10))
    return [
        _write(folder / "train.jsonl", exercises(chosen, shares, rows, seed, asked), rows),
        _write(folder / "validation.jsonl", exercises(chosen, shares, held, seed + 1, asked), held),
    ]


def _mix(said: str) -> Mix | None:
    """'copied=3,plain=1' as weights, those that are not named being 0; None for nothing said."""
    from sayso.exercises import EXERCISES, Mix

    if not said:
        return None
    weights: dict[str, Any] = dict.fromkeys(EXERCISES, 0.0)
    for part in said.split(","):
        kind, _, weight = (piece.strip() for piece in part.partition("="))
        if kind not in weights:
            raise UserError(f"there is no exercise '{kind}'", where="--mix", fix=nearest(kind, EXERCISES))
        weights[kind] = _weight(kind, weight)
    if not sum(weights.values()):
        raise UserError("no exercise has a weight above 0", where="--mix")
    return Mix(**weights)


def _weight(kind: str, said: str) -> float:
    try:
        weight = float(said)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise UserError(
            f"the weight of '{kind}' is '{said}'", where="--mix", expected="a number from 0 on, as in copied=3"
        )
    return weight


def _write(file: Path, examples: Iterable[Example], rows: int) -> dict[str, Any]:
    """Written beside and renamed, so that a file with this name is whole."""
    import json

    from sayso.cli.console import progress
    from sayso.records import Message

    beside = file.with_name(file.name + ".part")
    with beside.open("w", encoding="utf-8", newline="\n") as out, progress(f"write {file.name}") as line:
        for number, example in enumerate(examples, 1):
            turns = (*example.prompt, Message("assistant", example.target or ""))
            row = {"messages": [{"role": turn.role, "content": turn.text} for turn in turns]}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            if number % SHOWN_EVERY == 0 or number == rows:
                line.update(step=number, steps=rows)
    beside.replace(file)
    return {"file": str(file), "rows": rows, "bytes": file.stat().st_size}


def _facts(name: str, world: World) -> dict[str, Any]:
    from sayso import rooms

    families = [
        {
            "family": family.name,
            "slots": list(family.slots),
            "conditions": len(family.whens),
            "held_out": family.held_out,
            "comments": {code: len(world.texts(code).comments[family.name]) for code in ("en", "zh")},
        }
        for family in world.FAMILIES
    ]
    return {"world": name, "what": rooms.summary("worlds", name), "families": families}


def _shown(world: World, count: int, seed: int, language: str | None) -> list[dict[str, Any]]:
    """Rules with their words, and a prompt for each with the usual and the obeying answer."""
    from random import Random

    shown = []
    for rule in world.rules(count, seed, "test", language):
        dice, texts = Random(f"shown:{rule.id}"), world.texts(rule.language)
        example = world.prompts(rule, "in", 1, seed)[0]
        shown.append(
            {
                "rule": rule.id,
                "new": rule.novelty,
                "statement": texts.statement(rule, dice, "test"),
                "comment": texts.comment(rule, dice, "test"),
                "prompt": "\n".join(message.text for message in example.prompt),
                "usual": example.target,
                "obeying": world.obey(rule, example),
            }
        )
    return shown


def _print(result: Any) -> None:
    from sayso.cli.console import console, print_table

    out = console()
    if isinstance(result, list):
        for facts in result:
            held = sum(family["held_out"] for family in facts["families"])
            out.print(f"{facts['world']}  {len(facts['families'])} families of rules, {held} held out")
            out.print(f"  {facts['what']}")
    elif "files" in result:
        for file in result["files"]:
            out.print(f"{file['file']}: {file['rows']:,} rows")
    else:
        columns = ("family", "slots", "conditions", "held out", "comments en", "zh")
        rows = [
            (
                f["family"],
                " ".join(f["slots"]),
                f["conditions"],
                "yes" if f["held_out"] else "",
                *f["comments"].values(),
            )
            for f in result["families"]
        ]
        print_table(result["what"], columns, rows)
        for rule in result["rules"]:
            out.print()
            for key, value in rule.items():
                out.print(f"{key:>10}  {value}")
