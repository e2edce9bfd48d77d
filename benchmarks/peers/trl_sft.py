"""The peer's arm of sft.py: TRL's SFTTrainer on the same weights, token ids, order and hyper-parameters.

Runs in an environment of its own (pip install torch trl), which knows nothing of Sayso:

    python benchmarks/peers/trl_sft.py FOLDER shipped|tuned

Prints one line of JSON: the loss of every step, its wall and CPU seconds, and the memory above the loaded model's.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer


class Clock(TrainerCallback):
    """What each step cost, from its first forward pass to the optimiser's end."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self.losses: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.began = time.perf_counter(), time.process_time()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.wall.append(time.perf_counter() - self.began[0])
        self.cpu.append(time.process_time() - self.began[1])

    def on_log(self, *_: Any, logs: dict[str, float], **__: Any) -> None:
        if "loss" in logs:
            self.losses.append(float(logs["loss"]))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(folder: Path, how: str) -> None:
    facts = json.loads((folder / "facts.json").read_text())
    torch.set_num_threads(facts["threads"])
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32)
    tuned: dict[str, Any] = {"bf16": False, "activation_checkpointing": False} if how == "tuned" else {}
    settings = SFTConfig(
        output_dir=str(folder / "peer"),
        per_device_train_batch_size=len(rows),
        num_train_epochs=facts["steps"],
        learning_rate=facts["rate"],
        lr_scheduler_type="constant",
        weight_decay=0.0,
        max_length=None,
        completion_only_loss=True,
        logging_steps=1,
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
        seed=0,
        **tuned,
    )
    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        callbacks=[clock],
    )
    before = peak()
    trainer.train()
    print(json.dumps({"losses": clock.losses, "wall": clock.wall, "cpu": clock.cpu, "memory": peak() - before}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
