"""What a tokenizer's files say about it: size, special tokens, how it reads Chinese.

Decided here:
- The size is the highest id plus one, as that is what the model's table must hold.
- How it reads Chinese is measured on everyday text where tokenizer.json is there, which needs no torch. Pieces say
  little: a few thousand characters are nearly all of a text.
- Byte-level vocabularies write bytes as printable characters (GPT-2's table); pieces are turned back before their
  Chinese characters are counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sayso.errors import ModelError

FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
BYTE_CLASSES = ("ByT5Tokenizer", "PerceiverTokenizer", "CanineTokenizer")
ROLES = ("bos", "eos", "pad", "unk", "cls", "sep", "mask")
NO_LIMIT = 1_000_000
CHINESE = (
    "昨天下午客服打来电话，问我那台冰箱修好了没有。我说师傅早上就来过，换了零件，只是门还有一点响。"
    "天气预报说周末有雨，我们打算改坐火车去海边，顺便看看奶奶，再给孩子买两本新书。"
)


@dataclass(frozen=True, slots=True)
class Special:
    """A special token; id is -1 where the files do not tell."""

    text: str
    id: int = -1


@dataclass(frozen=True, slots=True)
class Reading:
    """How a tokenizer reads a text: tokens per character, and the share of characters that no token stands for."""

    cost: float
    lost: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer as its files describe it.

    size and chinese (pieces with a Chinese character) are 0 where only a binary file knows; limit is its own maximum
    of tokens, 0 for none; bytes says that any text can be written, so that nothing becomes the unknown token;
    reads_chinese is None where there is no tokenizer.json to measure with.
    """

    name: str
    size: int
    chinese: int
    limit: int
    bytes: bool
    special: Mapping[str, Special]
    reads_chinese: Reading | None = None


def read_vocabulary(folder: Path) -> Vocabulary:
    """The tokenizer of a model's folder. ModelError where there is none, or its files cannot be read."""
    config = _read(folder / "tokenizer_config.json")
    name = str(config.get("tokenizer_class", ""))
    if name not in BYTE_CLASSES and not any((folder / file).is_file() for file in FILES):
        raise ModelError(
            "the folder has no tokenizer",
            where=str(folder),
            expected="tokenizer.json, or one of " + ", ".join(FILES[1:]),
            fix="copy the tokenizer's files of the same model into the folder",
        )
    pieces, by_bytes = _pieces(folder)
    special = _special(folder, config, pieces)
    limit = config.get("model_max_length")
    return Vocabulary(
        name=name or "tokenizer",
        size=max(pieces.values(), default=-1) + 1,
        chinese=sum(_has_chinese(piece, by_bytes) for piece in pieces),
        limit=int(limit) if isinstance(limit, int | float) and 0 < limit < NO_LIMIT else 0,
        bytes=by_bytes or name in BYTE_CLASSES or "<0x0A>" in pieces,
        special=special,
        reads_chinese=_reading(folder / "tokenizer.json", CHINESE, special.get("unk", Special("")).text),
    )


def is_chinese(character: str) -> bool:
    """A Han character of the blocks that modern text uses."""
    return "\u4e00" <= character <= "\u9fff" or "\u3400" <= character <= "\u4dbf"


# ---------------------------------------------------------------- inside


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        plain = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"cannot be read: {error}", where=str(file), expected="JSON in UTF-8", fix="download or copy it again"
        ) from error
    return plain if isinstance(plain, dict) else {}


def _pieces(folder: Path) -> tuple[dict[str, int], bool]:
    """piece: id, and whether the pieces are bytes in disguise."""
    whole = _read(folder / "tokenizer.json")
    if whole:
        return _from_whole(whole)
    added = {piece: int(i) for piece, i in _read(folder / "added_tokens.json").items() if isinstance(i, int)}
    if (folder / "vocab.txt").is_file():
        lines = (folder / "vocab.txt").read_text(encoding="utf-8", errors="replace").splitlines()
        return {line.rstrip("\n"): i for i, line in enumerate(lines)} | added, False
    listed = {piece: int(i) for piece, i in _read(folder / "vocab.json").items() if isinstance(i, int)}
    return listed | added if listed else {}, (folder / "merges.txt").is_file()


def _from_whole(whole: Mapping[str, Any]) -> tuple[dict[str, int], bool]:
    model = whole.get("model") or {}
    listed = model.get("vocab") or {}
    pairs = listed.items() if isinstance(listed, dict) else ((entry[0], i) for i, entry in enumerate(listed))
    pieces = {str(piece): int(i) for piece, i in pairs}
    pieces |= {str(token["content"]): int(token["id"]) for token in whole.get("added_tokens") or []}
    return pieces, "ByteLevel" in json.dumps([whole.get("pre_tokenizer"), whole.get("decoder")])


def _special(folder: Path, config: Mapping[str, Any], pieces: Mapping[str, int]) -> dict[str, Special]:
    """By role; what tokenizer_config.json says wins, then special_tokens_map.json."""
    older = _read(folder / "special_tokens_map.json")
    found = {}
    for role in ROLES:
        value = config.get(f"{role}_token", older.get(f"{role}_token"))
        text = value.get("content") if isinstance(value, dict) else value
        if isinstance(text, str):
            found[role] = Special(text, pieces.get(text, -1))
    return found


def _reading(file: Path, text: str, unknown: str) -> Reading | None:
    """None without such a file, or where the installed library cannot use it: opening the model will say so."""
    from tokenizers import Tokenizer

    if not file.is_file():
        return None
    try:
        encoded = Tokenizer.from_file(str(file)).encode(text, add_special_tokens=False)
    except Exception:  # the library raises plain Exceptions
        return None
    pieces = zip(encoded.tokens, encoded.offsets, strict=True)
    told = {place for token, (begin, end) in pieces if token != unknown for place in range(begin, end)}
    return Reading(len(encoded.tokens) / len(text), 1 - len(told) / len(text))


def _has_chinese(piece: str, by_bytes: bool) -> bool:
    return any(map(is_chinese, _readable(piece) if by_bytes else piece))


def _readable(piece: str) -> str:
    table = _byte_table()
    return bytes(table[c] for c in piece if c in table).decode("utf-8", errors="ignore")


@cache
def _byte_table() -> dict[str, int]:
    """GPT-2's printable stand-ins: printable bytes for themselves, the others from U+0100 on, in order."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(hidden)}
