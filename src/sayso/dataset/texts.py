"""What can be told of a text without a model: its script, whether its bytes were misread, what is invisible in it.

Decided here:
- Two texts are "the same" when they agree after compatibility forms, case and white space are evened out (`fold`).
- Language is told by script: "en" stands for Latin letters, "zh" for Han characters, "mixed" for a fair share of both.
- Mojibake is only what can be undone for certain: a run that is valid UTF-8 again once its bytes are put back. Text
  read as Windows-1252 or Latin-1 and text read as GBK are both known; genuine Chinese and accents never match.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Language = Literal["zh", "en", "mixed", "other"]

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_WORD = re.compile(r"[^\W\d_]+")
# Controls save tab, line feed and carriage return; bidirectional overrides; the interlinear marks.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]")
_ZERO_WIDTH = re.compile(r"[\u200b\u2060\ufeff\u00ad]")  # joiners stay: emoji and Persian need them
_SPACES = re.compile(r"[^\S\n]+")
_BREAKS = re.compile(r" ?\n ?")
_REPLACED = re.compile("\ufffd|锟斤拷")
_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MISREAD = re.compile(rf"[\x80-\xff{_CP1252}]{{2,}}")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]{3,}")
_CJK = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef“”‘’—…·]+")
_RARE = re.compile(r"[\u4e00-\u9fff\ue000-\uf8ff€]")
_BYTES = {letter: letter.encode("cp1252") for letter in _CP1252} | {chr(i): bytes([i]) for i in range(128, 256)}


def fold(text: str) -> str:
    """What two texts share when they are the same but for width, case and white space."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.casefold().split())


def language(text: str) -> Language:
    """By the share of Han characters among characters and Latin words."""
    if text.isascii():
        return "en" if _LATIN_WORD.search(text) else "other"
    han, latin = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    others = len(_WORD.findall(_LATIN_WORD.sub(" ", _HAN.sub(" ", text))))
    if len(_KANA_HANGUL.findall(text)) > han / 4 or others > han + latin or not han + latin:
        return "other"
    share = han / (han + latin)
    return "zh" if share >= 0.75 else "en" if share <= 0.1 else "mixed"


def undo_mojibake(text: str) -> str:
    """The text with every misread run put right; the text itself where there is none."""
    if text.isascii():
        return text
    mended = _MISREAD.sub(lambda found: _from_latin(found[0]), text)
    return _NOT_ASCII.sub(lambda found: _from_gbk(found[0]), mended)


def replaced(text: str) -> bool:
    """Characters were lost when the text was written: U+FFFD, or that mark itself read as GBK."""
    return not text.isascii() and bool(_REPLACED.search(text))


def has_controls(text: str) -> bool:
    """Control characters, or marks that turn the direction of writing."""
    return bool(_CONTROL.search(text))


def has_zero_width(text: str) -> bool:
    """Characters that nobody sees and every tokenizer does."""
    return bool(_ZERO_WIDTH.search(text))


def tidy(text: str) -> str:
    """Mojibake undone, invisible characters out, runs of spaces one space, no space at the ends of lines."""
    plain = undo_mojibake(text).replace("\r\n", "\n").replace("\r", "\n")
    plain = _ZERO_WIDTH.sub("", _CONTROL.sub("", plain))
    return _BREAKS.sub("\n", _SPACES.sub(" ", plain)).strip()


def visible(text: str) -> bool:
    """Whether anything is left of the text once the invisible is out."""
    return bool(text) and (text[0].isalnum() or bool(_ZERO_WIDTH.sub("", _CONTROL.sub("", text)).strip()))


# ---------------------------------------------------------------- inside


def _from_latin(run: str) -> str:
    try:
        return b"".join(_BYTES[letter] for letter in run).decode("utf-8")
    except UnicodeDecodeError:
        return run


def _from_gbk(run: str) -> str:
    """Only where all that comes out is Chinese: genuine Chinese is not by chance UTF-8 for other Chinese."""
    if not _RARE.search(run):
        return run
    try:
        text = run.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return run
    return text if _CJK.fullmatch(text) else run
