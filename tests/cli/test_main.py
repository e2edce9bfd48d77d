from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sayso.cli import main as shell
from sayso.errors import DataError, Fault


def sayso(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, its output piped."""
    command = [sys.executable, "-c", "from sayso.cli.main import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command whose function does what the test says; returns the exit code."""

    def run(does: Any, *words: str) -> int:
        def doctor(json: bool = False) -> None:
            del json
            does()

        module = ModuleType("sayso.cli.doctor")
        module.doctor = doctor  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "sayso.cli.doctor", module)
        monkeypatch.setattr(shell.Commands, "list_commands", lambda *_: ["doctor"])
        monkeypatch.setattr(sys, "argv", ["sayso", "doctor", *words])
        with pytest.raises(SystemExit) as left:
            shell.main()
        return int(left.value.code or 0)

    return run


def raiser(error: BaseException) -> Any:
    def does() -> None:
        raise error

    return does


def test_the_package_itself_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "sayso", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == sayso("--version").stdout != ""
    wrong = subprocess.run([sys.executable, "-m", "sayso", "runn"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "run" in wrong.stderr


def test_help_loads_nothing_heavy_and_lists_every_command() -> None:
    code = (
        "import sys; sys.argv = ['sayso', '--help']\n"
        "from sayso.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', [m for m in sys.modules if m.split('.')[0] in "
        "('torch', 'transformers', 'pydantic', 'numpy', 'yaml', 'datasets', 'peft') or m == 'sayso.recipe'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("LOADED []\n")
    for name in shell.COMMANDS:
        if shell._file(name).is_file():
            assert f" {name} " in done.stdout


@pytest.mark.parametrize("name", [name for name in shell.COMMANDS if shell._file(name).is_file()])
def test_every_command_says_in_a_line_what_it_does(name: str) -> None:
    assert 10 < len(shell._summary(name)) <= 100


@pytest.mark.parametrize("name", [name for name in shell.COMMANDS if shell._file(name).is_file()])
def test_the_help_of_a_command_loads_no_torch(name: str) -> None:
    code = (
        f"import sys; sys.argv = ['sayso', '{name}', '--help']\n"
        "from sayso.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as left: print('LEFT', left.code, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("LEFT 0 False\n")


def test_version_and_bare_command() -> None:
    assert sayso("--version").stdout.startswith("sayso ")
    assert "Usage" in sayso().stdout


def test_a_wrong_command_or_option_is_the_users_fault() -> None:
    wrong = sayso("innit")
    assert wrong.returncode == 2
    assert wrong.stderr == "error: there is no command 'innit'\nto fix: did you mean 'init'?\n"
    assert wrong.stdout == ""
    assert sayso("init").returncode == 2
    assert sayso("init", "x", "--langage", "zh").returncode == 2


def test_an_error_is_json_too_where_that_was_asked() -> None:
    wrong = sayso("innit", "--json")
    assert wrong.returncode == 2
    assert json.loads(wrong.stdout)["fix"] == "did you mean 'init'?"
    assert "error: " in wrong.stderr


def test_no_colour_in_a_pipe() -> None:
    for words in (("--help",), ("innit",), ("init", "--help")):
        done = sayso(*words)
        assert "\x1b" not in done.stdout + done.stderr


def test_telemetry_is_off_before_a_command_runs(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in shell.QUIET:
        monkeypatch.delenv(name, raising=False)
    seen: dict[str, str | None] = {}
    assert asked(lambda: seen.update({name: os.environ.get(name) for name in shell.QUIET})) == 0
    assert seen == shell.QUIET


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DataError("标签为空", where="a.jsonl:3"), 2, "error: a.jsonl:3: 标签为空\n"),
        (Fault("broken [bold]"), 1, "error: broken [bold]\n"),
        (KeyboardInterrupt(), 130, "stopped; run the same command again to go on\n"),
        (MemoryError(), 1, "error: the memory is exhausted\nto fix: lower strategy.micro_tokens"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), 1, "error: the memory is exhausted"),
        (OSError(errno.ENOSPC, "No space left", "/x/y"), 1, "error: /x/y: the disk is full"),
        (PermissionError(errno.EACCES, "denied", "/x/y"), 1, "error: /x/y: no permission"),
    ],
)
def test_every_error_has_its_words_and_its_code(
    asked: Any, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    assert asked(raiser(error)) == code
    shown = capsys.readouterr()
    assert shown.err.startswith(words)
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_an_unexpected_error_is_kept_in_a_file(
    asked: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("SAYSO_DEBUG", raising=False)
    assert asked(raiser(ZeroDivisionError("零"))) == 1
    shown = capsys.readouterr().err
    (kept,) = tmp_path.iterdir()
    assert shown.startswith("error: unexpected ZeroDivisionError: 零")
    assert str(kept) in shown.replace("\n", "")
    assert "Traceback" in kept.read_text(encoding="utf-8")


def test_where_no_file_can_be_written_the_error_is_still_said(
    asked: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere/at/all")
    assert asked(raiser(ZeroDivisionError("零"))) == 1
    assert "none can be written" in capsys.readouterr().err


def test_debugging_shows_the_traceback(
    asked: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAYSO_DEBUG", "1")
    assert asked(raiser(ZeroDivisionError("零"))) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_unexpected_error_is_json_too(asked: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(raiser(MemoryError()), "--json") == 1
    assert json.loads(capsys.readouterr().out)["error"] == "MachineFault"


def test_nobody_reading_on_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'from sayso.cli.main import main; main()' --help | head -c 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr
