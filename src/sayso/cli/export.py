"""`sayso export`: take a trained model elsewhere, proven to be the same there.

Decided here:
- Every exporter is checked before the model is opened twice or anything is written; each bundle stands in a folder of
  its exporter's name, and is there whole or not at all (agreement.py).
- Nothing leaves this machine without --push.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from sayso.errors import UserError, nearest

if TYPE_CHECKING:
    from sayso.agreement import Agreement
    from sayso.bundle import Export

STAGES = ("base", "train", "learn")


def export(
    run: Annotated[Path, typer.Argument(help="a run folder, or the recipe that made it")],
    to: Annotated[str, typer.Option(help="exporters, separated by commas")],
    into: Annotated[Path | None, typer.Option(help="folder for the bundles; RUN/exports when empty")] = None,
    stage: Annotated[str, typer.Option(help="base, train or learn; the run's result when empty")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="a knob, e.g. onnx.int8=true")] = None,
    push: Annotated[
        str, typer.Option(help="upload to this repository of the hub, e.g. me/model; never otherwise")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="print the agreements as JSON")] = False,
) -> None:
    """Take a trained model elsewhere: a bundle for each engine, proven to answer as the model does here."""
    from sayso.agreement import make
    from sayso.cli.console import console, print_json
    from sayso.cli.exporting import export_of
    from sayso.cli.prove import project_at

    project = project_at(run)
    asked = exporters(to, set_ or [])
    home = into or project.run.folder / "exports"
    made: dict[str, Any] = {}
    with export_of(project, _stage(stage) or project.latest()) as ready:
        for module, name, knobs in asked:
            _checked(ready, module, name, knobs)
        for module, name, knobs in asked:
            made[name] = _made(make(ready, module, name, knobs, home / name), home / name)
            if not json:
                console().print(f"{name:<12} {home / name}\n             {made[name]['words']}")
    for name in made if push else ():
        made[name] = {**made[name], "pushed": pushed(home / name, push, name if len(made) > 1 else "")}
    if json:
        print_json(made)


def exporters(to: str, sets: Sequence[str]) -> list[tuple[Any, str, Any]]:
    """(module, name, knobs) of each exporter that is asked for. UserError for a name or knob that is not there."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    names = [name.strip() for name in to.split(",") if name.strip()]
    asked = _knobs(sets, names)
    modules = [(find("exporters", name), name) for name in dict.fromkeys(names)]
    return [(module, name, knobs_of(module, asked.get(name, {}), f"--set {name}")) for module, name in modules]


def pushed(folder: Path, repository: str, into: str) -> str:
    """Upload a proven bundle; a new repository is private. Its address. UserError with the hub's own words."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    hub = HfApi()
    try:
        hub.create_repo(repository, private=True, exist_ok=True)
        done = hub.upload_folder(repo_id=repository, folder_path=folder, path_in_repo=into or None)
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError) as error:
        raise UserError(
            f"the hub did not take it: {str(error).splitlines()[0][:200]}",
            where=repository,
            expected="OWNER/NAME of a repository that your token may write to",
            fix="`hf auth login`, then the same command again; the bundle itself is whole",
        ) from error
    return str(done)


# ---------------------------------------------------------------- inside


def _stage(name: str) -> str:
    if name not in ("", *STAGES):
        raise UserError(f"there is no stage '{name}' to export", fix=nearest(name, STAGES))
    return name


def _knobs(sets: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for words in sets:
        key, sign, value = words.partition("=")
        name, dot, knob = key.partition(".")
        if not (sign and dot and knob):
            raise UserError(f"cannot read --set {words}", expected="EXPORTER.KNOB=VALUE, e.g. onnx.int8=true")
        if name not in names:
            raise UserError(f"--set {words} is for '{name}', which is not exported to", fix=nearest(name, names))
        found.setdefault(name, {})[knob] = yaml.safe_load(value)
    return found


def _checked(ready: Export, module: Any, name: str, knobs: Any) -> None:
    from sayso.agreement import check

    check(ready, module, name, knobs)


def _made(found: Agreement, target: Path) -> Mapping[str, Any]:
    return {"folder": str(target)} | asdict(found) | {"words": found.words}
