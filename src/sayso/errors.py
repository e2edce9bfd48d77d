"""Everything that can go wrong, in one tree.

    SaysoError                 says what happened, where, what was expected and how to fix it
    ├── UserError              the person can mend it: exit code 2
    │   ├── RecipeError        a key or value of the recipe
    │   ├── DataError          a file, row or column
    │   ├── ModelError         a model folder, name or template
    │   ├── FeedbackError      a comment, or the file it came in
    │   ├── RunError           a run folder: missing, busy, from another recipe
    │   └── UnsupportedError   a combination that makes no sense or needs other hardware
    └── Fault                  ours or the machine's: exit code 1
        ├── TrainingFault      a loss that is not finite, a gradient that never came
        └── MachineFault       disk full, memory exhausted, a file that cannot be written

Nothing else is raised on purpose. An error is caught where it can be mended, else only in the command line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SaysoError(Exception):
    """A plain error: `what` happened, `where`, what was `expected`, how to `fix` it."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", expected: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.expected, self.fix = what, where, expected, fix

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            lines.append(f"expected: {self.expected}")
        if self.fix:
            lines.append(f"to fix: {self.fix}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, str]:
        """The same facts for `--json`, empty ones left out."""
        facts = {"error": type(self).__name__, "what": self.what, "where": self.where}
        facts |= {"expected": self.expected, "fix": self.fix}
        return {key: value for key, value in facts.items() if value}


class UserError(SaysoError):
    """The person can mend it."""

    exit_code = 2


class RecipeError(UserError):
    """A key or a value of the recipe."""


class DataError(UserError):
    """A file, a row or a column of the data."""


class ModelError(UserError):
    """A model's name, folder, tokenizer or template."""


class FeedbackError(UserError):
    """A comment, or the file that it came in."""


class RunError(UserError):
    """A run folder that is missing, busy or belongs to another recipe."""


class UnsupportedError(UserError):
    """A combination that makes no sense, or that this machine cannot do."""


class Fault(SaysoError):
    """Ours, or the machine's."""


class TrainingFault(Fault):
    """The training itself went wrong: a loss that is not finite, a gradient that never came."""


class MachineFault(Fault):
    """The machine refused: disk full, memory exhausted, a file that cannot be written."""


def nearest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A fix that names the likeliest meaning of `name`; failing that `otherwise`, or a list of what is known."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    if close:
        return f"did you mean '{close[0]}'?"
    if otherwise:
        return otherwise
    return "choose one of: " + ", ".join(choices) if choices else ""
