"""A mended copy of the data as JSONL, and beside it what was changed and why.

Decided here:
- The originals stay untouched. `<split>.jsonl` holds the rows that remain, `<split>.changes.jsonl` one line for each
  row that was dropped or mended, with its line in the original and the reason.
- A row keeps its id and the columns that nobody reads, save one whose name the copy needs for what is read.
- Mended: mojibake undone, invisible characters out, white space tidied. Labels are names already.
- Dropped: what could not be read, exact duplicates, and training rows whose text stands in validation or test: the
  measure stays, the training gives way.
- Files are written beside and renamed, so a full disk leaves what was there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sayso.dataset.examples import Loaded
from sayso.dataset.splits import key
from sayso.dataset.texts import tidy
from sayso.errors import DataError, MachineFault
from sayso.records import Example, Message, split_labels, to_json

MEASURES = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one row."""

    line: int
    action: str
    reason: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mended:
    """One split's copy: where it was written, how many rows it has, and the changes."""

    path: str
    rows: int
    changes: tuple[Change, ...]


def repair(loaded: Mapping[str, Loaded], folder: Path, task: str, *, several: bool = False) -> dict[str, Mended]:
    """Write the mended copy of every split into `folder`. DataError where that would overwrite an original."""
    originals = {str(Path(one.path).absolute()) for one in loaded.values()}
    written: dict[str, Mended] = {}
    measured: dict[str, str] = {}
    for split in sorted(loaded, key=lambda name: name == "train"):
        path = folder / f"{split}.jsonl"
        if str(path.absolute()) in originals:
            raise DataError("the mended copy would overwrite its original", where=str(path), fix="name another folder")
        kept, changes = _mend(loaded[split], measured if split == "train" else {})
        if split in MEASURES:
            measured |= {key(example): split for example in kept}
        held = dict(zip((example.id for example in loaded[split].examples), _held(loaded[split]), strict=True))
        _write(path, (held[example.id] | row_of(example, task, several) for example in kept))
        _write(folder / f"{split}.changes.jsonl", (to_json(change) for change in changes))
        written[split] = Mended(str(path), len(kept), tuple(changes))
    return {split: written[split] for split in loaded}


def row_of(example: Example, task: str, several: bool = False) -> dict[str, Any]:
    """One example as a line of JSONL that the same task reads back."""
    meta = dict(example.meta)
    if task == "classify":
        label: Any = list(split_labels(example.target or "")) if several else example.target
        return {"text": example.prompt[-1].text, "label": label} | meta
    if task == "translate":
        return {"source": example.prompt[-1].text, "target": example.target} | meta
    if task == "text":
        return {"text": example.target} | meta
    answer = (Message("assistant", example.target),) if example.target is not None else ()
    turns = [{"role": m.role, "content": m.text} for m in (*example.prompt, *answer)]
    return {"messages": turns} | meta


# ---------------------------------------------------------------- inside


def _held(loaded: Loaded) -> list[dict[str, Any]]:
    """What the copy keeps of each example's row besides the example: its id and the columns that nobody reads."""
    own = [_own_id(example) if "id" in loaded.columns.by_role else {} for example in loaded.examples]
    if not loaded.columns.ignored:
        return own
    unread = [{name: row[name] for name in loaded.columns.ignored if name in row} for row in loaded.again()]
    return [others | id_ for others, id_ in zip(unread, own, strict=True)]


def _own_id(example: Example) -> dict[str, Any]:
    """The id as its row gave it; nothing for a row that gave none and has a hash of its content."""
    split, joint, name = example.id.partition(":")
    return {"id": name} if joint and split == example.split else {}


def _mend(loaded: Loaded, measured: Mapping[str, str]) -> tuple[list[Example], list[Change]]:
    kept: list[Example] = []
    changes = [Change(row.line, "dropped", row.reason) for row in loaded.dropped]
    seen: dict[object, int] = {}
    for example in loaded.examples:
        mended = _tidied(example)
        reason = _reason(mended, seen, measured)
        if reason:
            changes.append(Change(example.line, "dropped", reason, _shown(example)))
            continue
        seen[(mended.prompt, mended.target)] = example.line
        kept.append(mended)
        if mended != example:
            changes.append(Change(example.line, "mended", "characters or white space", _shown(example)))
    return kept, sorted(changes, key=lambda change: change.line)


def _tidied(example: Example) -> Example:
    prompt = tuple(Message(m.role, tidy(m.text)) for m in example.prompt)
    return replace(example, prompt=prompt, target=None if example.target is None else tidy(example.target))


def _reason(example: Example, seen: Mapping[object, int], measured: Mapping[str, str]) -> str:
    content = (example.prompt, example.target)
    if content in seen:
        return f"the same as line {seen[content]}"
    same = key(example)
    return f"its text is also in {measured[same]}" if same in measured else ""


def _shown(example: Example) -> str:
    return (example.prompt[-1].text if example.prompt else example.target or "")[:200]


def _write(path: Path, rows: Iterable[Any]) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise MachineFault(
            f"cannot write the mended copy: {(error.strerror or str(error)).lower()}",
            where=str(path),
            fix="free some space, or name a folder that can be written",
        ) from error
