"""Tables in text: comma, tab, semicolon or bar between the fields, with or without a header.

Decided here:
- Delimiter, header and quoting are guessed from the first lines unless given. Files between tabs are rarely quoted:
  quotes count there only if the sample is quoted throughout, so a lone inch mark does not swallow a thousand rows.
- A quoted field may hold delimiters and line breaks. Quotes that do not balance cost the one row, which is listed.
- Without a header the fields are called "0", "1", ...; a row with another number of fields is listed, not padded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from sayso.dataset.columns import is_header
from sayso.dataset.lines import Line, check_options, choice, read_lines
from sayso.errors import DataError
from sayso.protocols import RawRow

SUFFIXES = (".csv", ".tsv", ".tab")
OPTIONS = ("encoding", "header", "delimiter", "quoting")
DELIMITERS = "\t,;|"
SAMPLE = 200
LONGEST_RECORD = 1000  # physical lines: a quote open for longer was never meant to be one
_WORDS = {"tab": "\t", "comma": ",", "semicolon": ";", "bar": "|", "\\t": "\t"}
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)(")?')


class Record(NamedTuple):
    """The fields of one row, which begins at line `number`."""

    number: int
    fields: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the table is written."""

    delimiter: str
    quoted: bool


def read(path: Path, options: Mapping[str, Any]) -> Iterator[RawRow]:
    """Rows of a table. Options: encoding, header (true, false), delimiter, quoting (auto, standard, none)."""
    check_options(options, OPTIONS, "csv")
    encoding = str(options.get("encoding", ""))
    sample = [line.text for line in islice(read_lines(path, encoding), SAMPLE) if line.text.strip()]
    dialect = _dialect(sample, options)
    first = [record.fields for record in _records(_numbered(sample), dialect) if not record.problem]
    header = _header(options, first)
    names: list[str] = []
    width = _usual_width(first)
    for record in _records(read_lines(path, encoding), dialect):
        if header and not names and record.problem != "empty line":
            names = _names(_readable(record, path))
            width = len(names)
        else:
            yield _row(record, names or [str(i) for i in range(width)])


def _readable(header: Record, path: Path) -> list[str]:
    if header.problem:
        raise DataError(f"the header cannot be read: {header.problem}", where=f"{path}, line {header.number}")
    return header.fields


def _row(record: Record, names: Sequence[str]) -> RawRow:
    if record.problem:
        return RawRow(record.number, {}, record.problem)
    if len(record.fields) != len(names):
        return RawRow(record.number, {}, f"{len(record.fields)} fields where the table has {len(names)}")
    return RawRow(record.number, dict(zip(names, record.fields, strict=True)))


# ---------------------------------------------------------------- records


def _records(lines: Iterator[Line], dialect: Dialect) -> Iterator[Record]:
    """Lines put together where a quoted field spans several."""
    waiting: list[Line] = []  # lines read ahead in vain, to be read again
    while True:
        line = waiting.pop(0) if waiting else next(lines, None)
        if line is None:
            return
        if line.problem or not line.text.strip(" \r"):
            yield Record(line.number, [], line.problem or "empty line")
        elif not dialect.quoted or '"' not in line.text:
            yield Record(line.number, line.text.split(dialect.delimiter))
        else:
            yield _spanning(line, waiting, lines, dialect)


def _spanning(line: Line, waiting: list[Line], lines: Iterator[Line], dialect: Dialect) -> Record:
    """The record that begins at `line`, taking further lines while a quote is open."""
    text, taken = line.text, 0
    fields, is_open = _split(text, dialect.delimiter)
    while is_open and taken < LONGEST_RECORD:
        if taken == len(waiting):
            waiting.extend(islice(lines, 1))
        if taken == len(waiting) or waiting[taken].problem:
            break
        text += "\n" + waiting[taken].text
        taken += 1
        if '"' in waiting[taken - 1].text:
            fields, is_open = _split(text, dialect.delimiter)
    if fields is None:
        reason = "a quote is opened and not closed" if is_open else "text after a closing quote"
        return Record(line.number, [], f"{reason} (write inner quotes twice, or set options.quoting to none)")
    del waiting[:taken]
    return Record(line.number, fields)


def _split(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Fields, or None and whether a quote is still open at the end."""
    fields: list[str] = []
    place = 0
    while True:
        quoted = _QUOTED.match(text, place)
        if quoted:
            end = quoted.end()
            if not quoted[2]:
                return None, True
            fields.append(quoted[1].replace('""', '"'))
        else:
            end = text.find(delimiter, place)
            end = len(text) if end < 0 else end
            fields.append(text[place:end])
        if end == len(text):
            return fields, False
        if text[end] != delimiter:
            return None, False
        place = end + 1


# ---------------------------------------------------------------- guesses


def _dialect(sample: Sequence[str], options: Mapping[str, Any]) -> Dialect:
    quoting = choice(options, "quoting", ("auto", "standard", "none"))
    given = str(options.get("delimiter", ""))
    given = _WORDS.get(given, given)
    if len(given) > 1 or given == '"':
        raise DataError(f"option delimiter is {given!r}", expected="one character, or tab, comma, semicolon, bar")
    delimiter = given or _delimiter(sample)
    quoted = _quoted_throughout(sample) if delimiter == "\t" else True
    return Dialect(delimiter, quoted if quoting == "auto" else quoting == "standard")


def _delimiter(sample: Sequence[str]) -> str:
    """The one that cuts most lines into the same number of fields, at least two; a tab wins a tie."""

    def agreement(delimiter: str) -> int:
        dialect = Dialect(delimiter, delimiter != "\t")
        counts = Counter(len(r.fields) for r in _records(_numbered(sample), dialect) if len(r.fields) > 1)
        return max(counts.values(), default=0)

    return max(DELIMITERS, key=agreement) if sample else ","


def _quoted_throughout(sample: Sequence[str]) -> bool:
    """Every field that begins with a quote is a well-formed quoted field, and there is one."""
    suspects = [line for line in sample if line.startswith('"') or '\t"' in line]
    return bool(suspects) and all(_split(line, "\t")[0] is not None for line in suspects)


def _header(options: Mapping[str, Any], first: Sequence[Sequence[str]]) -> bool:
    given = options.get("header", "auto")
    if given not in (True, False, "auto"):
        raise DataError(f"option header is {given!r}", expected="true, false or auto")
    return is_header(first) if given == "auto" else bool(given)


def _usual_width(first: Sequence[Sequence[str]]) -> int:
    return Counter(map(len, first)).most_common(1)[0][0] if first else 1


def _names(header: Sequence[str]) -> list[str]:
    """Unique column names; one without a name gets its number."""
    names: list[str] = []
    for i, name in enumerate(header):
        plain = name.strip() or str(i)
        names.append(plain if plain not in names else f"{plain}.{i}")
    return names


def _numbered(texts: Sequence[str]) -> Iterator[Line]:
    return (Line(i, text) for i, text in enumerate(texts, 1))
