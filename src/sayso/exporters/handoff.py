"""The model as a folder for servers: the exact commands of vLLM and transformers serve, and Sayso in front of them.

Decided here:
- Golden prompts go to `transformers serve` over HTTP, as a client would send them, through the folder's own template;
  the logits of rows, which no server hands out, are those of the library that it runs on.
- A template that can think aloud does not, as in training. transformers serve reads the answers of some architectures
  by marks that their usual templates write; where this one writes others, the tokenizer says how answers end.
- vLLM pins its own torch and is not run here: its settings are written, and the bundle says that nobody tried them.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sayso.bundle import Export, Golden, Replay, Replayed, Tolerance
from sayso.errors import Fault, UnsupportedError
from sayso.models import plain
from sayso.records import Kind
from sayso.turns import opening

KINDS: tuple[Kind, ...] = ("decoder",)
SERVE = "from transformers.cli.transformers import main; main()"
QUIET = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "CUDA_VISIBLE_DEVICES": ""}
USUAL = "<|im_start|>assistant"
START_SECONDS, ANSWER_SECONDS = 300, 300


@dataclass(frozen=True, slots=True)
class Knobs:
    """Nothing to turn."""


def check(export: Export, knobs: Knobs) -> None:
    """UnsupportedError without a template (a server is spoken to in turns) or without a web server here."""
    del knobs
    if not (export.weights / "chat_template.jinja").is_file():
        raise UnsupportedError(
            "this model has no chat template, and servers are spoken to in turns",
            fix="take another exporter, or `sayso serve`, which writes the turns as plain lines",
        )
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        fix = "pip install 'sayso[serve]'"
        raise UnsupportedError("transformers serve needs fastapi and uvicorn to be tried here", fix=fix) from None


def tolerance(knobs: Knobs) -> Tolerance:
    """The same library; answers come back as text and are cut into tokens again."""
    del knobs
    return Tolerance(1e-4, 0.99, 0.95)


def write(export: Export, folder: Path, knobs: Knobs) -> None:
    """The model, vllm.yaml, and a template and tokenizer that servers read as training did."""
    del knobs
    shutil.copytree(export.weights, folder, dirs_exist_ok=True)
    template = folder / "chat_template.jinja"
    text = template.read_text(encoding="utf-8")
    if "enable_thinking" in text:
        template.write_text("{%- set enable_thinking = false -%}\n" + text, encoding="utf-8")
    _say_how_answers_end(export, folder, text)
    (folder / "vllm.yaml").write_text(_vllm(export), encoding="utf-8")


def replay(folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
    """Rows by transformers, golden prompts by its server."""
    import transformers

    del knobs
    rows = Replay(replay.kind, replay.rows, replay.logits_NV, (), replay.end_ids, replay.pad_id)
    read = plain.replayed(plain.opened(str(folder), replay.kind), rows, "transformers serve", transformers.__version__)
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(folder)
    with _serving(folder) as address:
        answers = tuple(_answer(address, folder, tokenizer, one, replay.end_ids) for one in replay.golden)
    return Replayed(read.engine, read.version, read.logits_NV, answers, partial(_as_text, tokenizer, replay.end_ids))


def use(export: Export, knobs: Knobs) -> str:
    """Commands that can be copied."""
    del knobs
    return f"""In this folder, one of

```sh
transformers serve . --host 127.0.0.1 --port 8001
vllm serve --config vllm.yaml
```

and in front of either, so that people can comment on the answers and these become lessons:

```sh
sayso serve RUN --upstream http://127.0.0.1:8001/v1#{export.name}
```

RUN is the run folder that this was made from; it brings the task and any words that must stand in prompts.
transformers serve was run with this folder before it was handed out. vLLM was not: its settings are in vllm.yaml, and
the first thing to do with it is to look at `golden`, which sayso serve says at its start."""


# ---------------------------------------------------------------- inside


def _vllm(export: Export) -> str:
    """Greedy unless a request says otherwise, as long as it was trained for, float32 as it was measured."""
    lines = {
        "model": ".",
        "served-model-name": export.name,
        "host": "127.0.0.1",
        "port": 8001,
        "dtype": "float32",
        "max-model-len": export.max_length,
        "chat-template": "chat_template.jinja",
        "generation-config": "vllm",
        "override-generation-config": json.dumps({"temperature": 0.0}),
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in lines.items())


def _say_how_answers_end(export: Export, folder: Path, template: str) -> None:
    """transformers' `response_template`, where what it presumes of this architecture does not fit."""
    begin = opening(plain.template_of(export.weights))
    if USUAL in template or not begin:
        return
    path = folder / "tokenizer_config.json"
    said = json.loads(path.read_text(encoding="utf-8"))
    added = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    ends = [one["content"] for one in added if one["id"] in export.replay.end_ids]
    said["response_template"] = {
        "defaults": {"role": "assistant"},
        "start_anchor": begin,
        "fields": {"content": {"close": ends, "content": "text"}},
    }
    path.write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """transformers serve on this machine, on a free port, until it is asked no more. Fault where it does not start."""
    with socket.socket() as free, tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        line = [sys.executable, "-c", SERVE, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        line += ["--device", "cpu", "--dtype", "float32"]
        process = subprocess.Popen(line, stdout=log, stderr=log, env=os.environ | QUIET)
        try:
            address = f"http://127.0.0.1:{port}"
            if not _started(process, address):
                log.seek(0)
                raise Fault(f"transformers serve did not start: {log.read()[-400:].strip()}", where=str(folder))
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def _started(process: Any, address: str) -> bool:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    return False


def _answer(address: str, folder: Path, tokenizer: Any, one: Golden, ends: tuple[int, ...]) -> tuple[int, ...]:
    """The tokens of what the server says to these turns; the end token where it says that it ended by itself."""
    body = {
        "model": str(folder),
        "messages": [{"role": turn.role, "content": turn.text} for turn in one.prompt],
        "temperature": 0,
        "max_tokens": one.room,
    }
    asked = urllib.request.Request(
        f"{address}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=ANSWER_SECONDS) as response:
            said = json.load(response)["choices"][0]
    except urllib.error.HTTPError as error:
        raise Fault(f"transformers serve answers {error.code}: {error.read()[:300]!r}", where=str(folder)) from error
    return _cut(tokenizer, said["message"]["content"], ends[:1] if said["finish_reason"] == "stop" else ())


def _as_text(tokenizer: Any, ends: tuple[int, ...], answer: tuple[int, ...]) -> tuple[int, ...]:
    """An answer after the way that it takes here: said as text, cut into tokens again."""
    text = tokenizer.decode([token for token in answer if token not in ends], skip_special_tokens=True)
    return _cut(tokenizer, text, ends[:1] if answer[-1:] and answer[-1] in ends else ())


def _cut(tokenizer: Any, text: str, end: tuple[int, ...]) -> tuple[int, ...]:
    """Without space around it, which the server takes away."""
    return (*tokenizer(text.strip(), add_special_tokens=False)["input_ids"], *end)
