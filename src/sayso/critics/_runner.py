"""The process in which a user's function judges answers. Run as a script; imports nothing of ours.

Decided here:
- Each result is written as soon as it is there, so a row that brings the process down costs no other row its verdict.
- An alarm per row ends the whole process: it reaches into C code, where an exception would not.
- What the function prints goes to stderr; results have a pipe of their own.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

START_SECONDS = 60.0


def main() -> None:
    """First line of stdin: file, function and limits. Every further line: a row's prompt and answer."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    setup, *rows = [json.loads(line) for line in sys.stdin.buffer.read().split(b"\n") if line]
    _limit_memory(int(setup["megabytes"]) * 2**20)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, START_SECONDS)
    try:
        judge = _function(Path(setup["file"]), setup["function"])
    except BaseException as error:
        _write(out, {"broken": f"{type(error).__name__}: {error}"})
        return
    _write(out, {"ready": True})
    for row in rows:
        signal.setitimer(signal.ITIMER_REAL, float(setup["seconds"]))
        verdict = _judged(judge, row)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(out, verdict)


def _limit_memory(most: int) -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _function(file: Path, name: str) -> Callable[[str, str], Any]:
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, name)
    if not callable(found):
        raise TypeError(f"{name} is no function")
    return found  # type: ignore[no-any-return]


def _judged(judge: Callable[[str, str], Any], row: dict[str, str]) -> dict[str, Any]:
    try:
        said = judge(row["prompt"], row["answer"])
    except BaseException as error:
        return {"error": f"{type(error).__name__}: {error}"}
    words = [said] if isinstance(said, str) else [] if said is None else said
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        return {"error": f"it returned {type(said).__name__} where a text, a list of texts or None was expected"}
    return {"words": [word for word in words if word.strip()]}


def _write(out: TextIO, plain: dict[str, Any]) -> None:
    out.write(json.dumps(plain) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
