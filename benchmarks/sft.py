"""Supervised fine-tuning on a CPU: Sayso's loop and TRL's SFTTrainer, step by step on the same work.

Decided here:
- Same weights, token ids, supervised places and hyper-parameters. One step takes all the rows, and there are as many
  epochs as steps, so that both arms see the same rows in every step whatever order they like. Rows are of unlike
  length: what is done about padding is part of what is compared.
- "shipped" is both with their own defaults for number formats and recomputing; "tuned" is both in float32, the peer
  without recomputing activations. Both arms get the same environment, with glibc told to keep what was freed.
- Every run is a process of its own, and the arms take turns. The first steps are not counted. Printed are each round's
  tokens per second by wall time and by CPU time, peak memory above the loaded model's, and the ratios' medians.
- The losses of both arms must agree to 1e-4 at the first and the last step, else nothing is compared ("shipped" to
  1e-2 at the first: formats differ).

    python benchmarks/sft.py --peer PYTHON --shape 15m --how tuned --rounds 5 --threads 1

PYTHON is that of an environment with torch and trl.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from rollouts import SHAPES, opened

from sayso.learn.loop import Training, train
from sayso.models.open import Opening, open_learner
from sayso.recipe import ModelPart, StrategyPart
from sayso.records import Imitate, user

RATE = 1e-4
WARM = 4  # steps that are not counted
SPOKEN = "the order has not come and nobody answers so please tell me where it is or give the money back at once"
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}


def lessons(rows: int) -> list[Imitate]:
    """Questions and answers of 10 to 90 words."""
    lengths = [10 + (80 * i) // max(1, rows - 1) for i in range(rows)]
    words = SPOKEN.split()
    spoken = [" ".join(words[(i * 7 + k * k) % len(words)] for k in range(n)) for i, n in enumerate(lengths)]
    return [Imitate(user(text[: len(text) // 2]), text[len(text) // 2 :]) for text in spoken]


def prepared(folder: Path, asked: argparse.Namespace) -> int:
    """The model, the rows as token ids and what both arms are told; the tokens of one step are returned."""
    learner = opened(asked.shape)
    learner.core.save(_made(folder / "model"))
    taught = lessons(asked.rows)
    seen = [learner.row(lesson.context, lesson.target, lesson) for lesson in taught]
    lines = []
    for row in seen:
        learnt = {place + 1 for place in row.at}
        lines.append({"input_ids": [*row.ids], "completion_mask": [int(i in learnt) for i in range(len(row.ids))]})
        # the last target may stand behind the ids that go in
        if len(row.ids) in learnt:
            lines[-1] = {
                "input_ids": [*row.ids, row.targets[-1]],
                "completion_mask": [*lines[-1]["completion_mask"], 1],
            }
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, lines)))
    dtype = "float32" if asked.how == "tuned" else "auto"
    facts = {"steps": asked.steps, "rate": RATE, "threads": asked.threads, "rows": asked.rows, "dtype": dtype}
    (folder / "facts.json").write_text(json.dumps(facts))
    return sum(len(line["input_ids"]) for line in lines)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def ours(folder: Path) -> dict[str, Any]:
    """Our arm, in a process of its own."""
    facts = json.loads((folder / "facts.json").read_text())
    torch.set_num_threads(facts["threads"])
    learner = open_learner(ModelPart(name=str(folder / "model"), dtype=facts["dtype"]), Opening(dropout=0.0))
    strategy = StrategyPart(
        learning_rate=RATE,
        schedule="constant",
        warmup=0.0,
        batch_rows=facts["rows"],
        micro_tokens=8192,
        steps=facts["steps"],
        weight_decay=0.0,
        clip=1.0,
        label_smoothing=0.0,
        optimizer="adamw",
        early_stopping=0,
    )
    before = peak()
    taken: dict[str, list[float]] = {"losses": [], "wall": [], "cpu": []}
    wall, cpu = time.perf_counter(), time.process_time()
    for event in train(learner, lessons(facts["rows"]), Training(strategy)):
        if hasattr(event, "loss"):
            taken["losses"].append(event.loss)
            taken["wall"].append(time.perf_counter() - wall)
            taken["cpu"].append(time.process_time() - cpu)
        wall, cpu = time.perf_counter(), time.process_time()
    return {**taken, "memory": peak() - before}


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(command: list[str]) -> dict[str, Any]:
    environment = {**os.environ, **KEEP_MEMORY}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def compared(folder: Path, tokens: int, asked: argparse.Namespace) -> None:
    """All rounds, and what came of them."""
    here = Path(__file__)
    arms = {
        "sayso": [sys.executable, str(here), "--ours", str(folder)],
        "trl": [asked.peer, str(here.parent / "peers" / "trl_sft.py"), str(folder), asked.how],
    }
    speeds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in arms}
    for number in range(asked.rounds):
        order = list(arms) if number % 2 == 0 else list(reversed(arms))
        found = {name: run(arms[name]) for name in order}
        first, last = (abs(found["sayso"]["losses"][i] - found["trl"]["losses"][i]) for i in (0, -1))
        if first > 1e-4 * (1 if asked.how == "tuned" else 100) or (asked.how == "tuned" and last > 1e-4):
            raise SystemExit(f"the losses differ by {first:g} at the first step and {last:g} at the last")
        for name, one in found.items():
            wall, cpu = (statistics.median(one[kind][WARM:]) for kind in ("wall", "cpu"))
            speeds[name].append((tokens / wall, tokens / cpu, one["memory"]))
        told = ", ".join(
            f"{n} {s[-1][0]:.0f} tokens/s ({s[-1][1]:.0f} of CPU), {s[-1][2]:.0f} MB" for n, s in speeds.items()
        )
        print(f"  {told}, load {os.getloadavg()[0]:.1f}", flush=True)
    for place, name in enumerate(("wall", "CPU", "memory")):
        ratios = [a[place] / b[place] for a, b in zip(speeds["sayso"], speeds["trl"], strict=True)]
        print(
            f"  {name}: Sayso / TRL {asked.how} {statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}]"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", help="the Python of an environment with torch and trl")
    parser.add_argument("--shape", default="15m", help=f"{', '.join(SHAPES)}, embedded, or a model's folder")
    parser.add_argument("--how", default="tuned", choices=("tuned", "shipped"))
    for name, value in {"rows": 8, "steps": 24, "rounds": 5, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    asked = parser.parse_args()
    if asked.ours:
        print(json.dumps(ours(asked.ours)))
        return
    if not asked.peer:
        print("sft: no --peer given, nothing is compared")
        return
    with tempfile.TemporaryDirectory() as folder:
        tokens = prepared(Path(folder), asked)
        print(f"{asked.shape}: {asked.rows} rows, {tokens} tokens a step, {asked.steps - WARM} steps counted")
        compared(Path(folder), tokens, asked)


if __name__ == "__main__":
    main()
