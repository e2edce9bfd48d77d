"""The command `sayso`: finds the asked command, runs it, and says plainly what went wrong.

Decided here:
- A command is a file beside this one with a function of its own name. It is imported when it is asked for, so help is
  there at once; its line in the list is read from the source.
- Errors are shown in one place: exit code 2 for what the person can mend, 1 for ours and the machine's, 130 after
  Ctrl-C. Where --json was asked, the error is JSON on stdout too.
- Nothing phones home: telemetry is switched off before any library is loaded.
"""

from __future__ import annotations

import ast
import errno
import importlib
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from sayso.errors import MachineFault, SaysoError, UserError, nearest

COMMANDS = (
    "demo",
    "init",
    "models",
    "check",
    "plan",
    "run",
    "train",
    "evaluate",
    "comment",
    "probe",
    "learn",
    "prove",
    "forget",
    "tune",
    "curve",
    "audit",
    "explain",
    "report",
    "export",
    "engines",
    "serve",
    "live",
    "chat",
    "keys",
    "store",
    "worlds",
    "bench",
    "doctor",
)
QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
}
STOPPED = "stopped; run the same command again to go on"
_MACHINE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk does not answer",
    errno.EACCES: "no permission",
    errno.ENOMEM: "the memory is exhausted",
}


def main() -> None:
    """The entry of the command line."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    command()(prog_name="sayso")


def command() -> Any:
    """The whole command line as one click command."""
    words = "Fine-tune language models on what people say about their answers."
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.callback(cls=Commands, help=words, no_args_is_help=True)(_options)
    return typer.main.get_command(app)


class Commands(TyperGroup):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  (click's signature)
        """In the order in which a project needs them."""
        return [name for name in COMMANDS if _file(name).is_file()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the list of commands shows: a name and a line."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return TyperCommand(cmd_name, help=_summary(cmd_name))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported."""
        name, known = args[0], self.list_commands(ctx)
        if name not in known:
            raise UserError(f"there is no command '{name}'", fix=nearest(name, known))
        return name, _loaded(name), args[1:]

    def invoke(self, ctx: Any) -> Any:
        """Run it; whatever goes wrong becomes words and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            _say(STOPPED)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            _hush()
            raise typer.Exit(1) from None
        except SaysoError as error:
            raise typer.Exit(_report(error)) from None
        except (MemoryError, OSError) as error:
            raise typer.Exit(_report(_machine_fault(error) or _unexpected(error))) from None
        except Exception as error:
            if type(error).__module__.startswith(("typer", "click")):
                raise
            raise typer.Exit(_report(_machine_fault(error) or _unexpected(error))) from None


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"sayso {version('sayso')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="print the version and leave")
    ] = False,
) -> None:
    """Options before the command: their callbacks do all there is to do."""
    del version


def _file(name: str) -> Path:
    return Path(__file__).with_name(f"{name}.py")


def _summary(name: str) -> str:
    """The first line of the function's docstring, read without importing it."""
    tree = ast.parse(_file(name).read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    return next(((ast.get_docstring(node) or "").partition("\n")[0] for node in functions), "")


def _loaded(name: str) -> Any:
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name)(getattr(importlib.import_module(f"sayso.cli.{name}"), name))
    return typer.main.get_command(app)


# ---------------------------------------------------------------- errors


def _report(error: SaysoError) -> int:
    if "--json" in sys.argv:
        print(json.dumps(error.as_json(), ensure_ascii=False))
    _say(str(error), label="error: ")
    return error.exit_code


def _say(words: str, label: str = "") -> None:
    from rich.text import Text

    from sayso.cli.console import console

    console(stderr=True).print(Text(label, style="bold red") + Text(words))


def _machine_fault(error: BaseException) -> MachineFault | None:
    """Memory and disk, however they make themselves known."""
    words = str(error).lower()
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "t allocate memory" in words:
        fix = "lower strategy.micro_tokens or model.max_length; `sayso plan` shows what fits"
        return MachineFault("the memory is exhausted", fix=fix)
    what = _MACHINE.get(getattr(error, "errno", None) or 0)
    if what is None:
        return None
    return MachineFault(what, where=str(getattr(error, "filename", None) or ""), fix="mend it; the run then goes on")


def _unexpected(error: BaseException) -> SaysoError:
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("SAYSO_DEBUG"):
        sys.stderr.write(trace)
        return SaysoError(f"unexpected {type(error).__name__}: {error}")
    fix = f"this is a fault of ours; the details are in {_kept(trace)}, and SAYSO_DEBUG=1 shows them"
    return SaysoError(f"unexpected {type(error).__name__}: {str(error)[:300]}", fix=fix)


def _kept(trace: str) -> str:
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="sayso-error-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(trace)
        return file.name
    except OSError:
        return "no file, since none can be written"


def _hush() -> None:
    """Nobody reads on: what is still buffered goes nowhere instead of raising again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
