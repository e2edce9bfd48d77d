"""`sayso serve`: a model answers over HTTP, and what people say of its answers is kept.

Decided here:
- Without keys it listens on this machine alone; asked to listen elsewhere, it refuses.
- Before it answers anybody, it answers some of the run's items again and says how many come out as in the evaluation.
- Of a run the version is served that was learnt live last (cli/live.py), and from then on whichever is current; with
  a stage named, or an upstream, it is what was asked for, for good.
- What it prints on stdout is where it can be reached; everything else goes to stderr.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.errors import UnsupportedError, UserError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp

    from sayso.serve.house import House, Limits
    from sayso.serve.keys import Keys
    from sayso.serve.queue import Room
    from sayso.serve.versions import Versions

GRACE_SECONDS = 10


def serve(
    model: Annotated[
        str, typer.Argument(help="a run folder or its recipe; or a model: a folder, hub id or 'embedded'")
    ],
    host: Annotated[str, typer.Option(help="where to listen; elsewhere than here only with --keys")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free")] = 8000,
    stage: Annotated[str, typer.Option(help="of a run: base, train or learn; its result when empty")] = "",
    name: Annotated[str, typer.Option(help="what clients call the model; the run's or model's name when empty")] = "",
    store: Annotated[str, typer.Option(help="database of comments and answers; the run's when empty")] = "",
    keys: Annotated[Path | None, typer.Option(help="file of keys, made by `sayso keys add`")] = None,
    upstream: Annotated[str, typer.Option(help="let http(s)://host/v1#model answer; no weights are loaded here")] = "",
    self_correct: Annotated[int, typer.Option(min=0, max=5, help="rounds where a request does not say")] = 0,
    golden: Annotated[int, typer.Option(min=0, help="items of the run that are answered again at the start")] = 16,
    waiting: Annotated[int, typer.Option(min=1, help="answers that may wait; more are told to come back (429)")] = 64,
    rows: Annotated[int, typer.Option(min=1, help="answers in a batch")] = 16,
    seconds: Annotated[float, typer.Option(min=1, help="longest time for a request")] = 120.0,
    most_tokens: Annotated[int, typer.Option(min=1, help="longest answer, whatever a request says")] = 1024,
    body_kib: Annotated[int, typer.Option(min=1, help="largest body of a request, in KiB")] = 1024,
    allow_origin: Annotated[list[str] | None, typer.Option(help="a web page's origin that may call (CORS)")] = None,
) -> None:
    """Serve a trained model: an OpenAI-compatible API that takes comments on its answers."""
    _check_installed()
    from sayso.cli.serving import house_of, replayed, served, served_version, versions_of
    from sayso.serve.house import Limits
    from sayso.serve.queue import Room

    held = _keys(keys)
    hosts = _hosts(host, held)
    versions = None if stage or upstream else versions_of(model)
    number = versions.current if versions is not None else 0
    what = served(model, stage, upstream) if versions is None else served_version(versions, number)
    if what.notice:
        _say(f"stage    {what.notice}")
    what = replace(what, name=name or what.name, store=store or what.store)
    room = Room(waiting, rows, Room().tokens, seconds)
    limits = Limits(
        body_kib * 1024,
        most_tokens=most_tokens,
        self_correct=self_correct,
        origins=tuple(allow_origin or ()),
        hosts=hosts,
    )
    listening = _listening(host, port)
    try:
        house = house_of(what, room)
        _say(f"golden   {replayed(what, house, golden)}")
        _run(_app(house, number, versions, _Outfit(limits, held, room)), house, held, listening)
    finally:
        listening.close()


# ---------------------------------------------------------------- inside


@dataclass(frozen=True)
class _Outfit:
    """What every version is served with."""

    limits: Limits
    keys: Keys | None
    room: Room


def _app(house: House, number: int, versions: Versions | None, outfit: _Outfit) -> ASGIApp:
    """The app of what is served for good, or one whose version changes."""
    from sayso.cli.serving import heir_of, served_version
    from sayso.serve.app import create_app
    from sayso.serve.live import Living

    def build(each: House, like: FastAPI | None = None) -> FastAPI:
        return create_app(each, outfit.limits, outfit.keys, like)

    def enter(wanted: int) -> House:
        assert versions is not None
        return heir_of(house, served_version(versions, wanted), outfit.room)

    return build(house) if versions is None else Living(versions, (number, house), enter, build)


def _run(app: ASGIApp, house: House, keys: Keys | None, listening: socket.socket) -> None:
    """Answer until it is stopped."""
    import uvicorn

    with house.store, house.log:
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        at = listening.getsockname()
        where = f"http://[{at[0]}]:{at[1]}" if ":" in at[0] else f"http://{at[0]}:{at[1]}"
        _say(f"model    {house.name}, version {house.version}")
        _say(f"store    {house.store.where}: comments and answers")
        _say(f"keys     {_about(keys)}")
        _say(f"inbox    {where}/inbox: where people read answers and say what is wrong")
        print(f"serving at {where}/v1   (how to call it: {where}/docs)", flush=True)
        uvicorn.Server(settings).run(sockets=[listening])


def _about(keys: Keys | None) -> str:
    if keys is None:
        return "none: everybody on this machine may do everything"
    held = keys.all()
    return f"{len(held)} in {keys.path}"


def _keys(path: Path | None) -> Keys | None:
    from sayso.serve.keys import Keys

    if path is None:
        return None
    held = Keys(path)
    if not held.all():
        raise UserError(
            "this file holds no keys", where=str(path), fix=f"sayso keys add {path} --name NAME --role owner"
        )
    return held


def _hosts(host: str, keys: Keys | None) -> tuple[str, ...]:
    """The names under which browsers may come. UserError for an open door: elsewhere than here without keys."""
    if keys is not None:
        return ("*",)
    if not _is_here(host):
        raise UserError(
            f"without keys nobody else may reach this server, and {host} is reached from elsewhere",
            expected="127.0.0.1, ::1 or localhost",
            fix="sayso keys add keys.json --name NAME --role owner, then --keys keys.json",
        )
    return ("localhost", "127.0.0.1", "[::1]", "::1", host.lower())


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    """Bound before the model loads, so that a port that is taken is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot listen at {host}, port {port}: {what}", fix="name another --port or --host") from None


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "uvicorn", "httpx", "prometheus_client") if find_spec(name) is None]
    if missing:
        raise UnsupportedError(f"the server needs {', '.join(missing)}", fix="pip install 'sayso[serve]'")


def _say(words: str) -> None:
    from sayso.cli.console import console

    console(stderr=True).print(words)
