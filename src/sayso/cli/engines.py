"""`sayso engines`: the engines that exports are proven in and that live in environments of their own."""

from __future__ import annotations

from typing import Annotated

import typer


def engines(
    name: Annotated[str, typer.Argument(help="make this engine's environment; list all when empty")] = "",
    json: Annotated[bool, typer.Option("--json", help="print the list as JSON")] = False,
) -> None:
    """List the engines that exports are proven in, or make the environment of one."""
    from sayso import engines as known
    from sayso.cli.console import print_json, print_table

    if name:
        known.make(name)
    rows = [(one, known.python(one) is not None, str(known.home(one))) for one in known.names()]
    if json:
        print_json([{"engine": one, "installed": there, "where": where} for one, there, where in rows])
    else:
        print_table("", ("engine", "installed", "where"), [(one, "yes" if ok else "no", at) for one, ok, at in rows])
