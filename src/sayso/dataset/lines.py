"""The lines of a text file, whatever its bytes.

Decided here:
- A line is a physical line, counted from 1, as an editor shows it. LF and CRLF end it; a byte order mark is no text.
- Bytes are UTF-8 unless the file begins with a UTF-16 mark or `encoding` says otherwise. Nothing else is guessed: a
  line that cannot be decoded is listed with its bytes, the others are read.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sayso.errors import DataError, nearest


class Line(NamedTuple):
    """One physical line without its end; `problem` says why `text` is empty."""

    number: int
    text: str
    problem: str = ""


def read_lines(path: Path, encoding: str = "") -> Iterator[Line]:
    """Every line of the file. DataError where it cannot be opened or the encoding has no such name."""
    codec = _codec(path, encoding)
    if codec.startswith(("utf-16", "utf-32")):
        yield from _wide_lines(path, codec)
        return
    with _open(path) as file:
        try:
            for number, raw in enumerate(file, 1):
                if number == 1 and codec == "utf-8":
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                yield _decoded(number, raw, codec)
        except OSError as error:
            raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> DataError:
    """The plain error for a file that is missing, a folder, or not ours to read."""
    reason = "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()
    return DataError(
        f"cannot read the data: {reason}",
        where=str(path),
        expected="a readable file; paths in a recipe are relative to the recipe",
        fix=_neighbour(path) or "check the path",
    )


def check_options(options: Mapping[str, Any], known: tuple[str, ...], source: str) -> None:
    """DataError for an option that this source does not understand."""
    for name in options:
        if name not in known:
            raise DataError(
                f"the source '{source}' has no option '{name}'",
                expected="options: " + (", ".join(known) or "none"),
                fix=nearest(str(name), known) if known else "remove it",
            )


def choice(options: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    """An option that takes one of a few words; the first is the default."""
    value = str(options.get(name, known[0]))
    if value not in known:
        raise DataError(
            f"option {name} is {value!r}", expected="one of " + ", ".join(known), fix=nearest(value, known)
        )
    return value


# ---------------------------------------------------------------- inside


def _open(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error
    except ValueError as error:  # a NUL in the name
        raise DataError(f"'{path}' is no file name: {error}") from error


def _codec(path: Path, encoding: str) -> str:
    if not encoding:
        with _open(path) as file:
            head = file.read(2)
        return "utf-16" if head in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"
    try:
        info = codecs.lookup(encoding)
    except (LookupError, ValueError):
        info = None
    if info is None or not info._is_text_encoding:
        known = ("utf-8", "gb18030", "gbk", "big5", "utf-16", "latin-1", "cp1252")
        raise DataError(f"no encoding is called '{encoding}'", where=str(path), fix=nearest(encoding, known))
    return info.name.replace("_", "-")


def _decoded(number: int, raw: bytes, codec: str) -> Line:
    raw = raw[:-1] if raw.endswith(b"\n") else raw
    raw = raw[:-1] if raw.endswith(b"\r") else raw
    try:
        return Line(number, raw.decode(codec))
    except UnicodeError:
        return Line(number, "", f"not {codec} text" + _guess(raw, codec))


def _guess(raw: bytes, codec: str) -> str:
    """Chinese spreadsheets are often saved as GBK: say so, and leave the choice to the person."""
    if codec != "utf-8":
        return ""
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    hint = sum("\u4e00" <= letter <= "\u9fff" for letter in text) >= 2
    return " (it may be GBK: set options.encoding to gb18030)" if hint else ""


def _wide_lines(path: Path, codec: str) -> Iterator[Line]:
    """UTF-16 and UTF-32, where a byte of 10 need not end a line: decoded whole."""
    with _open(path) as file:
        text = file.read().decode(codec, errors="replace").removeprefix("\ufeff")
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
        if "\ufffd" in line:
            yield Line(number, "", f"not {codec} text")
        else:
            yield Line(number, line.removesuffix("\r"))


def _neighbour(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except (OSError, ValueError):
        return ""
    return nearest(path.name, names) if len(names) <= 200 and names else ""
