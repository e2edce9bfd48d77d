"""A program of the user's comments: a Python function, or a command such as a linter or a test.

`program: checks.py:polite` calls polite(prompt, answer), which returns what is wrong in words, a list of such, or
None. Anything else is a command for the shell: it reads the answer on stdin, {answer} and {prompt} in it stand for
files, and what it prints is the comment; exit codes 0 and 1 are verdicts, as with most linters, others are failures.

Decided here:
- It runs in processes of its own with limits on time (per answer) and memory. Answers go to one process in batches.
- A failure, a crash or a time-out is "not judged" with its reason, never a comment. A program that cannot even be
  found or loaded is the user's error and stops.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.errors import FeedbackError, nearest
from sayso.protocols import Review, Task
from sayso.records import Answer, Attempt, Author, Example, Feedback, Reach, Scope
from sayso.wording import language_of

RUNNER = Path(__file__).with_name("_runner.py")
MOST_CHARACTERS = 2000
_FUNCTION = re.compile(r"(?P<file>.+\.py):(?P<name>[^\W\d]\w*)")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`program`: file.py:function, or a command; `seconds` per answer and `megabytes` are its limits.

    `rows`: answers per process; `reach` and `when`: the scope of what it says.
    """

    program: str = ""
    seconds: float = 10.0
    megabytes: int = 4096
    rows: int = 64
    reach: Reach = "item"
    when: str = ""


@dataclass(frozen=True, slots=True)
class _Verdict:
    words: tuple[str, ...] = ()
    failure: str = ""


def author_id(knobs: Knobs) -> str:
    """The program's name without its folder, so that a comment has the same id on every machine."""
    program = knobs.program.strip()
    found = _FUNCTION.fullmatch(program)
    return f"{Path(found['file']).name}:{found['name']}" if found else program


def files(knobs: Knobs) -> tuple[Path, ...]:
    """The files that the program is in: that of the function, or those that a command names."""
    program = knobs.program.strip()
    found = _FUNCTION.fullmatch(program)
    if found:
        return (Path(found["file"]).expanduser(),)
    try:
        words = shlex.split(program)
    except ValueError:
        return ()
    return tuple(path for path in map(Path, words) if path.is_file())


def comment(task: Task, pairs: Sequence[tuple[Example, Answer]], knobs: Knobs) -> Review:
    """What the program says of each answer. FeedbackError where it cannot be found or loaded."""
    del task
    if not knobs.program.strip():
        raise FeedbackError("no program is named", where="critic 'program'", fix="set its knob `program`")
    rows = [(_text(example), answer.text) for example, answer in pairs]
    named = _FUNCTION.fullmatch(knobs.program.strip())
    if named:
        file = _found(Path(named["file"]).expanduser(), named["name"])
        verdicts = _by_function(rows, file, named["name"], knobs)
    else:
        verdicts = [_by_command(prompt, answer, knobs) for prompt, answer in rows]
    said = [
        _feedback(example, answer, words, knobs)
        for (example, answer), verdict in zip(pairs, verdicts, strict=True)
        for words in verdict.words
    ]
    failed = {one.id: verdict.failure for (one, _), verdict in zip(pairs, verdicts, strict=True) if verdict.failure}
    return Review(tuple(said), failed)


# ---------------------------------------------------------------- inside


def _text(example: Example) -> str:
    return "\n".join(message.text for message in example.prompt)


def _feedback(example: Example, answer: Answer, words: str, knobs: Knobs) -> Feedback:
    return Feedback(
        example.prompt,
        Attempt(answer.text),
        words.strip()[:MOST_CHARACTERS],
        Author("program", author_id(knobs)),
        Scope("rule" if knobs.when and knobs.reach == "item" else knobs.reach, knobs.when),
        reveals_answer=bool(example.target) and str(example.target) in words,
        language=language_of(words),
        item=example.id,
    )


def _found(file: Path, name: str) -> Path:
    """The file, absolute, once it is certain that it defines the function."""
    where = "critic 'program'"
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except OSError as error:
        raise FeedbackError(f"{file} cannot be read: {error.strerror}", where=where, fix="check the path") from None
    except (SyntaxError, ValueError) as error:
        raise FeedbackError(f"{file} is not Python: {error}", where=where) from None
    known = set(_names(tree))
    if name not in known:
        raise FeedbackError(f"{file} has no function '{name}'", where=where, fix=nearest(name, known))
    return file.resolve()


def _names(tree: ast.Module) -> Iterator[str]:
    """What a file defines or imports by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


# ---------------------------------------------------------------- a function


def _by_function(rows: Sequence[tuple[str, str]], file: Path, name: str, knobs: Knobs) -> list[_Verdict]:
    """One verdict per row; a row that brings its process down is left out and the rest go to a new one."""
    verdicts: list[_Verdict] = []
    while len(verdicts) < len(rows):
        batch = rows[len(verdicts) : len(verdicts) + max(1, knobs.rows)]
        found, ending = _batch(batch, file, name, knobs)
        verdicts += found
        if len(found) < len(batch):
            verdicts.append(_Verdict(failure=ending))
    return verdicts


def _batch(rows: Sequence[tuple[str, str]], file: Path, name: str, knobs: Knobs) -> tuple[list[_Verdict], str]:
    """The verdicts of one process, and how it ended where they are fewer than the rows."""
    setup = {"file": str(file), "function": name, "seconds": knobs.seconds, "megabytes": knobs.megabytes}
    lines = [setup, *({"prompt": prompt, "answer": answer} for prompt, answer in rows)]
    sent = "".join(json.dumps(line) + "\n" for line in lines).encode()
    most = 90 + knobs.seconds * len(rows)
    code, out, err = _run([sys.executable, "-X", "utf8", "-P", str(RUNNER)], sent, most)
    results = _results(out)
    if not results or "broken" in results[0]:
        reason = results[0]["broken"] if results else _ending(code, err, knobs)
        raise FeedbackError(f"{file} cannot be loaded: {reason}", where="critic 'program'")
    judged = [_Verdict(tuple(one.get("words", ())), one.get("error", "")) for one in results[1:]]
    return judged, _ending(code, err, knobs)


def _results(out: bytes) -> list[dict[str, Any]]:
    """Whole lines only: the last may be torn."""
    return [json.loads(line) for line in out.split(b"\n")[:-1] if line]


# ---------------------------------------------------------------- a command


def _by_command(prompt: str, answer: str, knobs: Knobs) -> _Verdict:
    with tempfile.TemporaryDirectory() as folder:
        command = knobs.program
        for name, text in (("prompt", prompt), ("answer", answer)):
            file = Path(folder) / name
            file.write_text(text, encoding="utf-8", errors="replace")
            command = command.replace(f"{{{name}}}", shlex.quote(str(file)))
        limited = f"ulimit -v {knobs.megabytes * 1024} 2>/dev/null; {command}"
        code, out, err = _run(["/bin/sh", "-c", limited], answer.encode("utf-8", "replace"), knobs.seconds)
    words = out.decode("utf-8", "replace").strip()
    if code == 0 or (code == 1 and words):
        return _Verdict((words,) if words else ())
    return _Verdict(failure=_ending(code, err, knobs))


def _run(command: list[str], sent: bytes, seconds: float) -> tuple[int | None, bytes, bytes]:
    """Exit code (None where time ran out), stdout, stderr. Children of the process end with it."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(sent, timeout=seconds)
            return process.returncode, out, err
        except subprocess.TimeoutExpired:
            _kill(process.pid)
            out, err = process.communicate()
            return None, out, err
        finally:
            _kill(process.pid)


def _kill(session: int) -> None:
    try:
        os.killpg(session, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _ending(code: int | None, err: bytes, knobs: Knobs) -> str:
    if code is None or code == -signal.SIGALRM:
        return f"no verdict within {knobs.seconds:g} s"
    last = err.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"it ended with {how}" + (f": {last}" if last else "")
