"""How people and other tools name what a comment consists of: columns, conversations, verdicts.

Decided here:
- A column is the one that was named, else the first of the well-known names in Chinese and English; letter case,
  blanks and underscores do not matter. Nothing is told from contents.
- A conversation may be a text, a list of turns, or an object that holds either. A text that is JSON stays a text: what
  people ask and models answer may well be JSON.
- A verdict is praise or blame only where the word is one of those below; a number says it as a thumb does: 1, 0, -1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sayso.errors import DataError, nearest

KNOWN: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "question", "instruction", "query", "input", "messages", "conversation", "chat", "context",
               "text", "user input", "问题", "提问", "提示", "指令", "输入", "用户输入", "对话"),
    "attempt": ("attempt", "answer", "response", "completion", "output", "reply", "generation", "model answer",
                "model output", "回答", "答案", "答复", "回复", "输出", "模型回答"),
    "comment": ("comment", "comments", "feedback", "critique", "remark", "note", "notes", "what is wrong", "reason",
                "explanation", "评语", "意见", "反馈", "批注", "评论", "问题说明", "备注", "说明"),
    "revision": ("revision", "revised", "correction", "corrected", "corrected answer", "better answer", "edited",
                 "rewrite", "expected", "改写", "修改", "更正", "修改后", "更好的回答", "正确答案"),
    "author": ("author", "reviewer", "annotator", "user", "who", "作者", "评审", "评审人", "标注员", "用户"),
    "when": ("when", "condition", "rule applies", "条件", "何时", "适用于"),
    "scope": ("scope", "reach", "范围"),
    "polarity": ("polarity", "verdict", "评价"),
    "item": ("item",), "split": ("split",), "licence": ("licence", "license", "许可"),
    "language": ("language", "语言"),
    "confidence": ("confidence", "置信度"),
}  # fmt: skip
_GOOD = {"good", "right", "correct", "positive", "yes", "true", "up", "thumbs up", "accept", "accepted", "ok", "1",
         "好", "对", "正确", "赞", "合格", "是", "正面"}  # fmt: skip
_BAD = {"bad", "wrong", "incorrect", "negative", "no", "false", "down", "thumbs down", "reject", "rejected", "0", "-1",
        "坏", "不好", "错", "错误", "踩", "不合格", "否", "负面"}  # fmt: skip


def column(role: str, present: Sequence[str], asked: Mapping[str, str]) -> str:
    """The column of a role, "" where there is none. DataError where the one that was named is not there."""
    if role in asked:
        if asked[role] in present:
            return asked[role]
        what = f"there is no column '{asked[role]}' for {role}"
        raise DataError(what, expected=", ".join(present)[:300], fix=nearest(asked[role], list(present)))
    plain = {_plain(name): name for name in reversed(present)}
    return next((plain[name] for name in KNOWN[role] if name in plain), "")


def conversation(value: Any, depth: int = 3) -> str | list[dict[str, str]] | None:
    """A prompt as a text or as turns; None where it is neither."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, Mapping) and depth:
        found = next((value[key] for name in KNOWN["prompt"] for key in value if _plain(key) == name), None)
        return conversation(found, depth - 1)
    if not isinstance(value, list) or not value or not all(isinstance(turn, Mapping) for turn in value):
        return None
    turns = [(str(turn.get("role", "")), said(turn.get("content", turn.get("text")))) for turn in value]
    return [{"role": _ROLES.get(role, role), "text": text} for role, text in turns]


def said(value: Any, depth: int = 3) -> str:
    """What an answer says: a text, a turn, its parts, or an object that holds it; "" where it says nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(said(part, depth - 1) for part in value) if depth else ""
    if isinstance(value, Mapping) and depth:
        names = ("content", "text", *KNOWN["attempt"], "message", "choices")
        return next((said(value[name], depth - 1) for name in names if value.get(name)), "")
    return ""


def verdict(value: Any) -> str:
    """ "positive", "negative", or "" where the value says neither."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    word = _plain(str(value)) if isinstance(value, str | int) else ""
    return "positive" if word in _GOOD else "negative" if word in _BAD else ""


def roles_of(present: Sequence[str], asked: Mapping[str, str]) -> dict[str, str]:
    """By role, the column of a table. DataError for a role that no comment has, or a column that is not there."""
    for role in asked:
        if role not in KNOWN:
            raise DataError(f"a comment has no '{role}'", expected=", ".join(KNOWN), fix=nearest(role, list(KNOWN)))
    found: dict[str, str] = {}
    for role in [*asked, *(role for role in KNOWN if role not in asked)]:
        name = column(role, [one for one in present if one not in found.values()], asked)
        found |= {role: name} if name else {}
    return found


def from_table(fields: Mapping[str, Any], roles: Mapping[str, str]) -> dict[str, Any]:
    """A row of a table as a comment in its plain form; what is empty says nothing. ValueError for a strange number."""
    given: dict[str, Any] = {role: fields.get(name) for role, name in roles.items()}
    row = {role: value for role, value in given.items() if value is not None and str(value).strip()}
    if not isinstance(row.get("prompt", ""), str):
        row["prompt"] = conversation(row["prompt"])
    if "polarity" in row:
        row["polarity"] = verdict(row["polarity"]) or row["polarity"]
    if "confidence" in row:
        row["confidence"] = float(row["confidence"])
    texts = set(row) - {"prompt", "confidence"}
    return {role: said(value) or str(value) if role in texts else value for role, value in row.items()}


# ---------------------------------------------------------------- inside

_ROLES = {"human": "user", "developer": "system", "ai": "assistant", "model": "assistant", "bot": "assistant"}


def _plain(name: str) -> str:
    return " ".join(str(name).casefold().replace("_", " ").replace("-", " " if len(str(name)) > 2 else "-").split())
