"""What a chat template writes around each turn, told from the template's own output.

Decided here:
- For engines that read no Jinja (Ollama's Modelfile). The parts are found by rendering marked turns, and believed only
  if conversations put together from them are what the template itself writes; else there are none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Turn = tuple[str, str]  # role, words
Render = Callable[[Sequence[Turn], bool], str]

ROLES = ("system", "user", "assistant")
_MARKS = ("Qa7", "Qb8", "Qc9", "Qd1")


@dataclass(frozen=True, slots=True)
class Parts:
    """Words before and after each role's turn, before everything, and before the answer."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    begin: str
    answer: str

    def rendered(self, turns: Sequence[Turn], answering: bool) -> str:
        """A conversation put together."""
        said = "".join(f"{self.before[role]}{words}{self.after[role]}" for role, words in turns)
        return self.begin + said + (self.answer if answering else "")


def parts_of(render: Render) -> Parts | None:
    """The parts of a template, or None where it is more than parts; `render(turns, answering)` is the template."""
    try:
        found = _found(render)
        return found if found is not None and all(_same(found, render, turns) for turns in _samples(found)) else None
    except Exception:  # a template is a program of its own: it may raise whatever it likes
        return None


def opening(render: Render) -> str:
    """What the template writes between the user's turn and the answer; "" where it writes nothing."""
    asked = [("user", _MARKS[0])]
    return render(asked, True).removeprefix(render(asked, False))


def modelfile(parts: Parts, weights: str, stops: Sequence[str], length: int) -> str:
    """Ollama's Modelfile: the parts in the words of Go's templates, where to stop, greedy."""
    turns = []
    for number, role in enumerate(parts.before):
        test = "if" if number == 0 else "else if"
        said = f"{_go(parts.before[role])}{{{{ .Content }}}}{_go(parts.after[role])}"
        turns.append(f'{{{{ {test} eq .Role "{role}" }}}}{said}')
    body = f"{_go(parts.begin)}{{{{ range .Messages }}}}{''.join(turns)}{{{{ end }}}}{{{{ end }}}}{_go(parts.answer)}"
    lines = [f"FROM ./{weights}", f'TEMPLATE """{body}"""', *(f"PARAMETER stop {json.dumps(stop)}" for stop in stops)]
    return "\n".join([*lines, "PARAMETER temperature 0", f"PARAMETER num_ctx {length}"]) + "\n"


# ---------------------------------------------------------------- inside


def _go(words: str) -> str:
    """Words as Go's templates take them literally."""
    return f"{{{{ {json.dumps(words, ensure_ascii=False)} }}}}" if words else ""


def _found(render: Render) -> Parts | None:
    """From user, assistant, user, assistant; and a system turn before it where the template takes one."""
    a, b, c, d = _MARKS
    text = render([("user", a), ("assistant", b), ("user", c), ("assistant", d)], False)
    one = render([("user", a)], False)
    asked = render([("user", a)], True)
    if not asked.startswith(one) or [text.count(mark) for mark in _MARKS] != [1, 1, 1, 1]:
        return None
    head, last = one.partition(a)[0], one.partition(a)[2]
    end = text.partition(d)[2]
    to_user = text.partition(b)[2].partition(c)[0]
    to_bot = text.partition(a)[2].partition(b)[0]
    if not to_user.startswith(end) or not to_bot.startswith(last):
        return None
    before = {"user": to_user[len(end) :], "assistant": to_bot[len(last) :]}
    after = {"user": last, "assistant": end}
    if not head.endswith(before["user"]):
        return None
    begin = head[: len(head) - len(before["user"])]
    return Parts(*_with_system(render, before, after, begin), begin, asked[len(one) :])


def _with_system(
    render: Render, before: dict[str, str], after: dict[str, str], begin: str
) -> tuple[dict[str, str], dict[str, str]]:
    a, b, *_ = _MARKS
    try:
        text = render([("system", a), ("user", b)], False)
    except Exception:  # it refuses such a turn
        return before, after
    lead, _, rest = text.partition(a)
    middle = rest.partition(b)[0]
    if text.count(a) != 1 or not lead.startswith(begin) or not middle.endswith(before["user"]):
        return before, after
    cut = len(middle) - len(before["user"])
    return before | {"system": lead[len(begin) :]}, after | {"system": middle[:cut]}


def _samples(found: Parts) -> list[list[Turn]]:
    plain: list[Turn] = [("user", "Hello there"), ("assistant", "好的。"), ("user", "再见"), ("assistant", "Bye")]
    samples = [plain[:1], plain[:3], plain]
    return samples + ([[("system", "Be kind"), *sample] for sample in samples] if "system" in found.before else [])


def _same(found: Parts, render: Render, turns: Sequence[Turn]) -> bool:
    answering = turns[-1][0] != "assistant"
    return found.rendered(turns, answering) == render(turns, answering)
