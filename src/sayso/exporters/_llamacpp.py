"""llama.cpp as a program: `_llamacpp.py read|replay FOLDER GIVEN OUT`, in an environment of its own.

read: given.texts are cut into tokens by the file's own tokenizer (answer.ids). replay: rows are read to their end and
golden prompts answered by always taking the likeliest token.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

F32 = 0  # ggml's number for float32, for the cache


def main(task: str, folder: Path, given: Path, out: Path) -> None:
    """Write OUT/answer.json and, for a replay, OUT/logits.npy."""
    import llama_cpp

    asked = json.loads(given.read_text(encoding="utf-8"))
    about: dict[str, Any] = {"engine": "llama.cpp", "version": f"llama-cpp-python {llama_cpp.__version__}"}
    model = _opened(llama_cpp, folder / "model.gguf", task, asked)
    if task == "read":
        about |= {"ids": [model.tokenize(text.encode(), add_bos=True, special=True) for text in asked["texts"]]}
    else:
        logits = [_logits(model, row["ids"])[row["at"]] for row in asked["rows"]]
        np.save(out / "logits.npy", np.concatenate(logits).astype(np.float32))
        about |= {"answers": [_answer(model, one, set(asked["end_ids"])) for one in asked["golden"]]}
    (out / "answer.json").write_text(json.dumps(about), encoding="utf-8")


def _opened(llama_cpp: Any, file: Path, task: str, asked: Any) -> Any:
    """A context just long enough: it keeps the logits of every place."""
    lengths = [len(row["ids"]) for row in asked.get("rows", [])]
    lengths += [len(one["ids"]) + one["room"] for one in asked.get("golden", [])]
    threads = max(1, (os.cpu_count() or 2) // 2)  # its threads wait by spinning: never as many as there are cores
    length = max(lengths, default=64) + 8
    return llama_cpp.Llama(
        str(file),
        n_ctx=length,
        n_batch=length,
        n_ubatch=length,
        logits_all=True,
        vocab_only=task == "read",
        n_threads=threads,
        n_threads_batch=threads,
        type_k=F32,
        type_v=F32,
        verbose=False,
    )


def _logits(model: Any, ids: list[int]) -> Any:
    model.reset()
    model.eval(ids)
    return np.array(model.scores[: len(ids)])


def _answer(model: Any, one: Any, ends: set[int]) -> list[int]:
    model.reset()
    model.eval(one["ids"])
    said: list[int] = []
    while len(said) < one["room"] and not (said and said[-1] in ends):
        if said:
            model.eval(said[-1:])
        said.append(int(model.scores[model.n_tokens - 1].argmax()))
    return said


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:5]))
