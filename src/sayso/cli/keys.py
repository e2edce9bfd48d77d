"""`sayso keys`: who may call a server. The secret is printed once and kept nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sayso.errors import UserError, nearest
from sayso.serve.keys import PER_MINUTE, ROLES, Keys

ACTIONS = ("add", "list", "remove")


def keys(
    action: Annotated[str, typer.Argument(help="add, list or remove")],
    file: Annotated[Path, typer.Argument(help="the file of keys, for `sayso serve --keys`")],
    name: Annotated[str, typer.Option(help="whose key it is")] = "",
    role: Annotated[str, typer.Option(help="client, reviewer or owner")] = "client",
    per_minute: Annotated[int, typer.Option(min=0, help="requests a minute; 0 for any number")] = PER_MINUTE,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Make, list or remove the keys of a server; a running server takes notice at once."""
    from sayso.cli.console import print_json

    if action not in ACTIONS:
        raise UserError(f"keys cannot be asked to '{action}'", fix=nearest(action, ACTIONS))
    held = Keys(file)
    if action == "add":
        if role not in ROLES:
            raise UserError(f"there is no role '{role}'", fix=nearest(role, ROLES))
        secret = held.add(name, role, per_minute)
        if json:
            print_json({"name": name, "role": role, "key": secret})
        else:
            print(secret)
            _say(f"the key of '{name}', role {role}: it is shown this once, {file} keeps its hash")
        return
    if action == "remove":
        held.remove(name)
    _list(held, as_json=json)


def _list(held: Keys, *, as_json: bool) -> None:
    from sayso.cli.console import print_json, print_table

    rows = [(key.name, key.role, key.per_minute, key.added) for key in held.all()]
    fields = ("name", "role", "per_minute", "added")
    if as_json:
        print_json([dict(zip(fields, row, strict=True)) for row in rows])
    else:
        print_table("", ("name", "role", "requests a minute", "added"), rows)


def _say(words: str) -> None:
    from sayso.cli.console import console

    console(stderr=True).print(words)
