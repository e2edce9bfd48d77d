"""The same recipe taught by Sayso and by the Trainer of transformers: same rows, same hyper-parameters, same seeds.

Decided here:
- No selection on either side: early stopping is off, nothing is validated, the last weights answer the test items.
- Each seed draws head, order and dropout on both sides. Sayso puts rows of like length together and the Trainer
  does not; that is part of what is compared.
- "Within the spread" was fixed before any run: the two means differ by no more than one standard deviation of the
  Trainer's own seeds. The 95 % interval of the difference (Welch) is printed beside it.
- Both compute their matrix products in the format that a probe finds fastest here, or in the recipe's model.dtype.
- Seconds are those of training alone; the sides take turns, so that a busy machine slows both.

    python benchmarks/trainer_parity.py recipes/sst2-500.yaml --seeds 5 --threads 1
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from scipy.stats import t as student
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from sayso.dataset.files import load_files
from sayso.learn.loop import Training, train
from sayso.models.hardware import choose_dtype, probe_dtypes
from sayso.models.open import Opening, open_learner
from sayso.presets import resolve
from sayso.recipe import Recipe, StrategyPart, load
from sayso.records import Example, Imitate

Taught = tuple[float, float]  # accuracy on the test items, seconds of training


@dataclass(frozen=True)
class Setting:
    """What both sides get."""

    recipe: Recipe
    strategy: StrategyPart
    labels: tuple[str, ...]
    dtype: str
    rows: Sequence[Example]
    test: Sequence[Example]


def main() -> None:
    """Teach both sides with every seed, print the table; the JSON is written anew after each seed."""
    asked = _arguments()
    torch.set_num_threads(asked.threads)
    setting = _setting(load(asked.recipe, [*asked.set, "strategy.early_stopping=0"]))
    found: dict[str, list[Taught]] = {"sayso": [], "trainer": []}
    for seed in range(asked.seeds):
        found["sayso"].append(with_sayso(setting, seed))
        found["trainer"].append(with_trainer(setting, seed))
        last = ", ".join(f"{side} {100 * runs[-1][0]:.2f} % in {runs[-1][1]:.0f} s" for side, runs in found.items())
        print(f"seed {seed}: {last}", flush=True)
        if seed:
            result = summary(found, setting)
            if asked.json:
                asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(table(result))


def with_sayso(setting: Setting, seed: int) -> Taught:
    """Accuracy and seconds of Sayso's loop."""
    labels = setting.labels
    learner = open_learner(setting.recipe.model, Opening(options=labels, seed=seed))
    learner.core.fast_dtype = getattr(torch, setting.dtype)
    lessons = [Imitate(row.prompt, row.target or "") for row in setting.rows]
    began = time.perf_counter()
    for _ in train(learner, lessons, Training(setting.strategy, seed=seed)):
        pass
    seconds = time.perf_counter() - began
    scores = learner.weigh([item.prompt for item in setting.test], labels)
    said = [labels[max(range(len(labels)), key=row.__getitem__)] for row in scores]
    right = sum(a == item.target for a, item in zip(said, setting.test, strict=True))
    return right / len(said), seconds


def with_trainer(setting: Setting, seed: int) -> Taught:
    """Accuracy and seconds of the Trainer with its own sampler, collator, optimiser and schedule."""
    set_seed(seed)
    name = setting.recipe.model.name
    tokenizer = AutoTokenizer.from_pretrained(name)
    model = AutoModelForSequenceClassification.from_pretrained(
        name, num_labels=len(setting.labels), dtype=torch.float32
    )
    rows, test = (_encoded(setting, tokenizer, part) for part in (setting.rows, setting.test))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model,
            TrainingArguments(folder, **_settings(setting, seed)),
            data_collator=DataCollatorWithPadding(tokenizer),
            train_dataset=rows,
        )
        trainer.remove_callback(PrinterCallback)
        began = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - began
    said = _best(model, tokenizer, test)
    return sum(a == row["labels"] for a, row in zip(said, test, strict=True)) / len(test), seconds


def summary(found: dict[str, list[Taught]], setting: Setting) -> dict[str, Any]:
    """Means, standard deviations over seeds, and the verdict."""
    sides = {side: _side(runs) for side, runs in found.items()}
    ours, theirs = sides["sayso"], sides["trainer"]
    difference = ours["mean"] - theirs["mean"]
    error = ((ours["sd"] ** 2 + theirs["sd"] ** 2) / len(ours["accuracy"])) ** 0.5
    parts = (ours["sd"] ** 4 + theirs["sd"] ** 4) / (len(ours["accuracy"]) - 1)
    freedom = (ours["sd"] ** 2 + theirs["sd"] ** 2) ** 2 / parts if parts else 1.0
    reach = float(student.ppf(0.975, freedom)) * error
    return {
        "rows": len(setting.rows),
        "items": len(setting.test),
        "dtype": setting.dtype,
        "strategy": setting.strategy.model_dump(),
        "sides": sides,
        "difference": difference,
        "interval": [difference - reach, difference + reach],
        "within_spread": abs(difference) <= theirs["sd"],
    }


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    lines = [f"{'':10}{'mean':>9}{'sd':>8}{'least':>9}{'most':>9}{'seconds':>10}"]
    for side, one in result["sides"].items():
        figures = (100 * one["mean"], 100 * one["sd"], 100 * min(one["accuracy"]), 100 * max(one["accuracy"]))
        lines.append(
            f"{side:10}{figures[0]:9.2f}{figures[1]:8.2f}{figures[2]:9.2f}{figures[3]:9.2f}{one['median_seconds']:10.1f}"
        )
    low, high = (100 * end for end in result["interval"])
    word = "within" if result["within_spread"] else "outside"
    lines.append(
        f"difference {100 * result['difference']:+.2f} points, 95 % interval [{low:+.2f}, {high:+.2f}]: "
        f"{word} one standard deviation of the Trainer's seeds ({result['items']} test items)"
    )
    return "\n".join(lines)


# ---------------------------------------------------------------- inside


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipe", type=Path, help="a recipe that classifies, one label per row, with an encoder")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write the result")
    parser.add_argument("--set", action="append", default=[], help="change a value of the recipe")
    asked = parser.parse_args()
    if asked.seeds < 2:
        parser.error("a spread needs at least two seeds")
    return asked


def _setting(recipe: Recipe) -> Setting:
    """The data, the strategy as the preset completes it, and the fastest number format."""
    loaded = load_files(recipe.task, recipe.data, Path())
    rows, test = loaded["train"].examples, loaded["test"].examples
    labels = tuple(recipe.task.labels or sorted({row.target or "" for row in rows}))
    parameters = sum(p.numel() for p in open_learner(recipe.model, Opening(options=labels)).core.model.parameters())
    strategy = resolve(recipe.strategy, "encoder", len(rows), parameters)
    asked = recipe.model.dtype
    dtype = choose_dtype(probe_dtypes("cpu")).value if asked == "auto" else asked
    return Setting(recipe, strategy, labels, dtype, rows, test)


def _encoded(setting: Setting, tokenizer: Any, part: Sequence[Example]) -> list[dict[str, Any]]:
    length = setting.recipe.model.max_length or tokenizer.model_max_length
    return [
        {
            **tokenizer(item.prompt[-1].text, truncation=True, max_length=length),
            "labels": setting.labels.index(item.target or ""),
        }
        for item in part
    ]


def _best(model: Any, tokenizer: Any, items: Sequence[dict[str, Any]]) -> list[int]:
    """The likeliest label of each item, by the plainest loop there is."""
    model.eval()
    places = sorted(range(len(items)), key=lambda i: len(items[i]["input_ids"]))
    found = [0] * len(items)
    for begin in range(0, len(places), 64):
        group = places[begin : begin + 64]
        inputs = [{k: v for k, v in items[i].items() if k != "labels"} for i in group]
        with torch.no_grad():
            logits_BL = model(**tokenizer.pad(inputs, return_tensors="pt")).logits
        for i, best in zip(group, logits_BL.argmax(-1).tolist(), strict=True):
            found[i] = best
    return found


def _settings(setting: Setting, seed: int) -> dict[str, Any]:
    """A strategy in the Trainer's words."""
    strategy = setting.strategy
    steps = strategy.steps or round(strategy.epochs * -(-len(setting.rows) // strategy.batch_rows))
    return {
        "per_device_train_batch_size": strategy.batch_rows,
        "bf16": setting.dtype == "bfloat16",
        "max_steps": steps,
        "learning_rate": strategy.learning_rate,
        "lr_scheduler_type": {"constant": "constant_with_warmup"}.get(strategy.schedule, strategy.schedule),
        "warmup_steps": max(1, round(strategy.warmup * steps)) if strategy.warmup else 0,
        "weight_decay": strategy.weight_decay,
        "max_grad_norm": strategy.clip,
        "label_smoothing_factor": strategy.label_smoothing,
        "seed": seed,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }


def _side(runs: Sequence[Taught]) -> dict[str, Any]:
    accuracy = [one[0] for one in runs]
    return {
        "accuracy": accuracy,
        "mean": statistics.mean(accuracy),
        "sd": statistics.stdev(accuracy),
        "seconds": [round(one[1], 2) for one in runs],
        "median_seconds": statistics.median(one[1] for one in runs),
    }


if __name__ == "__main__":
    main()
