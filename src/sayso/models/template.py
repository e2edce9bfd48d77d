"""What a chat template does, found by rendering it on a few short conversations; no tokenizer is built.

Decided here: a template is a program, so it is run (in jinja2's sandbox) and not searched for markers. Asked are only
things that change what is learnt: does it open the assistant's turn, end it, keep earlier text as it was, take a
system turn?
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Turns = list[dict[str, str]]
ASK: Turns = [{"role": "user", "content": "你好, how much is 6 x 7?"}]
ANSWER: Turns = [*ASK, {"role": "assistant", "content": "Forty-two 四十二"}]
SYSTEM: Turns = [{"role": "system", "content": "Be brief 请简短"}, *ASK]
TRAINING_TAGS = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")  # they mark spans and print nothing


@dataclass(frozen=True, slots=True)
class Template:
    """How a template behaves.

    opens: with a generation prompt the assistant's turn begins; steady: an answered conversation begins with its own
    prompt; ends: one of the end tokens follows an answer; system: a system turn is written out; problem: why it cannot
    be rendered, else "".
    """

    opens: bool = False
    steady: bool = False
    ends: bool = False
    system: bool = False
    problem: str = ""


def read_template(folder: Path) -> str:
    """The template's text, or ""; of several, the one called default."""
    for file in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
        path = folder / file
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            found = text if file.endswith(".jinja") else _in_json(text)
            if found:
                return found
    return ""


def try_template(text: str, tokens: Mapping[str, str], ends: Sequence[str]) -> Template:
    """Render `text` with the special `tokens` (bos_token, eos_token, ...) and see what it does."""
    try:
        asked, prompt = _render(text, ASK, tokens, False), _render(text, ASK, tokens, True)
        answered = _render(text, ANSWER, tokens, False)
    except Exception as error:  # a template is a program of its own: it may raise whatever it likes
        return Template(problem=str(error).splitlines()[0][:160] if str(error) else type(error).__name__)
    answer = ANSWER[-1]["content"]
    after = answered.rpartition(answer)[2]
    return Template(
        opens=prompt != asked or answered[len(prompt) :].lstrip().startswith(answer),
        steady=answered.startswith(prompt),
        ends=any(end and end in after for end in ends),
        system=_takes_system(text, tokens),
    )


# ---------------------------------------------------------------- inside


def _in_json(text: str) -> str:
    try:
        value = json.loads(text).get("chat_template", "")
    except (ValueError, AttributeError):
        return ""
    if isinstance(value, list):
        named = {entry.get("name"): entry.get("template", "") for entry in value if isinstance(entry, dict)}
        value = named.get("default", next(iter(named.values()), ""))
    return value if isinstance(value, str) else ""


def _takes_system(text: str, tokens: Mapping[str, str]) -> bool:
    try:
        return SYSTEM[0]["content"] in _render(text, SYSTEM, tokens, True)
    except Exception:  # it refuses the turn
        return False


def _render(text: str, turns: Turns, tokens: Mapping[str, str], answering: bool) -> str:
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> str:
        raise jinja2.TemplateError(message)

    house = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    house.globals |= {"raise_exception": refuse, "strftime_now": lambda _format: "2025-01-01"}
    house.filters["tojson"] = _to_json
    known = {role: tokens.get(role, "") for role in ("bos_token", "eos_token", "pad_token", "unk_token")}
    given: dict[str, Any] = {"messages": turns, "add_generation_prompt": answering, "enable_thinking": False}
    return house.from_string(TRAINING_TAGS.sub("", text)).render(given | known)


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
