"""What a model's weight files hold, from their headers alone; no torch, no tensor is read.

Decided here:
- A safetensors file begins with the length of a JSON header that names every tensor's type, shape and place. The
  places must add up to the file's size: a download that broke off is found before anything is loaded.
- Tied tables stored twice count once, and buffers (positions, causal masks) are no parameters.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.errors import ModelError

FLOATS = {"F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16", "F8_E4M3": "float8"}
TABLES = ("word_embeddings", "embed_tokens", "wte", "shared", "tok_embeddings", "embed_in", "embeddings")
OUTPUTS = ("lm_head.weight", "output.weight", "embed_out.weight")
GATES = ("gate_proj", "gate_up_proj", "wi_1", "mlp.Wi", "feed_forward.w3")
HEADER_LIMIT = 100_000_000


@dataclass(frozen=True, slots=True)
class Stored:
    """A folder's tensors. `dtype` is what most parameters have; `rows` are the input table's, 0 if unknown."""

    parameters: int
    dtype: str
    rows: int
    output: bool
    gated: bool
    size: int
    names: tuple[str, ...]


def read_weights(folder: Path, tied: bool) -> Stored | None:
    """The headers of a folder's safetensors, or None where it has none. ModelError for a file that is broken."""
    files = _files(folder)
    if not files:
        return None
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for file in files:
        tensors |= read_header(file)
    real = {name: spec for name, spec in tensors.items() if _is_parameter(name, spec, tensors, tied)}
    counts: Counter[str] = Counter()
    for dtype, shape in real.values():
        counts[FLOATS.get(dtype, dtype.lower())] += math.prod(shape)
    return Stored(
        parameters=sum(counts.values()),
        dtype=counts.most_common(1)[0][0] if counts else "",
        rows=_table_rows(real),
        output=any(name in tensors for name in OUTPUTS),
        gated=any(gate in name for name in real for gate in GATES),
        size=sum(file.stat().st_size for file in files),
        names=tuple(sorted(real)),
    )


def read_header(file: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """name: (type, shape) of every tensor of one safetensors file. ModelError where it is damaged or cut off."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(size - 8, HEADER_LIMIT):
                raise ValueError(f"its header claims {length} bytes of a file of {size}")
            plain = json.loads(stream.read(length))
        return _checked(plain, size - 8 - length)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"the weight file is damaged: {error}",
            where=str(file),
            expected="a whole safetensors file",
            fix="download or copy it again; a file of a few hundred bytes is often a pointer of git-lfs",
        ) from error


# ---------------------------------------------------------------- inside


def _files(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return [folder / "model.safetensors"] if (folder / "model.safetensors").is_file() else []
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError("the index of the weight files cannot be read", where=str(index)) from error
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{len(missing)} of {len(names)} weight files are missing, first '{missing[0]}'",
            where=str(folder),
            expected="every file that model.safetensors.index.json names",
            fix="download the missing files too",
        )
    return [folder / name for name in names]


def _checked(plain: Mapping[str, Any], room: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    tensors = {name: spec for name, spec in plain.items() if name != "__metadata__"}
    end = max((spec["data_offsets"][1] for spec in tensors.values()), default=0)
    if end != room:
        raise ValueError(f"its tensors need {end} bytes and {room} are there")
    return {name: (str(spec["dtype"]), tuple(int(n) for n in spec["shape"])) for name, spec in tensors.items()}


def _is_parameter(name: str, spec: tuple[str, tuple[int, ...]], tensors: Mapping[str, Any], tied: bool) -> bool:
    dtype, shape = spec
    mask = len(shape) == 4 and shape[:2] == (1, 1)
    again = ("shared.weight" in tensors or "model.shared.weight" in tensors) and name.endswith("embed_tokens.weight")
    doubled = tied and (name in OUTPUTS or again)
    buffer = mask or dtype in ("BOOL", "I64", "I32") or name.endswith("final_logits_bias")
    return not buffer and not doubled


def _table_rows(real: Mapping[str, tuple[str, tuple[int, ...]]]) -> int:
    for table in TABLES:
        found = [shape for name, (_, shape) in real.items() if name.endswith(f"{table}.weight") and len(shape) == 2]
        if found:
            return found[0][0]
    return 0
