"""Answers per second on a CPU: Sayso's decoding loop and transformers' generate, the same weights and prompts.

Decided here:
- Both arms draw at temperature 1 with nothing cut off, and every answer is exactly as long as asked: no token ends
  one, so both arms do the same number of steps on the same number of rows. `generate` gets the rows as one batch,
  which is its best case.
- The arms take turns. Every round's tokens per second are printed, in wall time and in this process's CPU time, and
  the ratio of each round; the median ratio is the figure.
- Greedily both arms must say the same (up to the first end of an answer), else the benchmark fails.

    python benchmarks/rollouts.py --shape 15m --prompts 8 --draws 4 --rounds 5 --threads 1
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

import torch
from transformers import GenerationConfig

from sayso.models import decode
from sayso.models.generate import inputs_of
from sayso.models.open import Opening, open_learner
from sayso.recipe import ModelPart
from sayso.records import Sampling, user

SHAPES: dict[str, dict[str, Any]] = {
    "15m": {
        "model_type": "llama",
        "hidden_size": 288,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "num_key_value_heads": 6,
        "max_position_embeddings": 1024,
        "tie_word_embeddings": True,
    },
    "135m": {
        "model_type": "llama",
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
    },
}
VOCABULARY = {"15m": 32_000, "135m": 49_152}
TEXTS = [
    f"Customer {i} asks about order {i * 7919 % 100_000}: where is it, and what is done about the delay of {i} days?"
    for i in range(64)
]


def opened(shape: str) -> Any:
    """A learner of this shape with weights drawn by a seed, or of a model named by folder or as "embedded"."""
    if shape not in SHAPES:
        return open_learner(ModelPart(name=shape), Opening())
    part = ModelPart(name="", scratch=SHAPES[shape], vocabulary=600, max_length=512)
    learner = open_learner(part, Opening(texts=lambda: TEXTS))
    learner.core.model.resize_token_embeddings(VOCABULARY[shape])
    return learner


def ours(learner: Any, prompts: Sequence[Sequence[int]], sampling: Sampling) -> list[tuple[int, ...]]:
    draws = decode.Draws(len(prompts), sampling, ())
    decode.Decoding(learner.core).answer(prompts, sampling.max_new_tokens, draws)
    return [tuple(said) for said in draws.said]


def theirs(learner: Any, prompts: Sequence[Sequence[int]], sampling: Sampling) -> list[tuple[int, ...]]:
    inputs, begin = inputs_of(learner.core, prompts, ())
    settings = GenerationConfig(
        max_new_tokens=sampling.max_new_tokens,
        min_new_tokens=sampling.max_new_tokens,
        do_sample=sampling.temperature > 0,
        temperature=sampling.temperature or 1.0,
        top_k=0 if sampling.temperature else 50,
        pad_token_id=0,
    )
    with torch.no_grad():
        return [
            tuple(row) for row in learner.core.model.generate(**inputs, generation_config=settings)[:, begin:].tolist()
        ]


def until(ends: set[int], said: Sequence[int]) -> list[int]:
    """An answer without what comes after its end: min_new_tokens forbids ends, and then the arms go different ways."""
    return list(takewhile(lambda token: token not in ends, said))


def timed(answer: Callable[[], Sequence[Sequence[int]]]) -> tuple[float, float]:
    """Tokens per second of wall time, and of CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    tokens = sum(map(len, answer()))
    return tokens / (time.perf_counter() - wall), tokens / (time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="15m", help="15m, 135m, embedded, or a model's folder")
    for name, value in {"prompts": 8, "draws": 4, "tokens": 64, "rounds": 5, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    learner = opened(asked.shape)
    prompts = [learner.renderer.prompt_ids(user(text), asked.tokens) for text in TEXTS[: asked.prompts]]
    rows = [prompt for prompt in prompts for _ in range(asked.draws)]
    greedy, ends = Sampling(max_new_tokens=16), set(learner.renderer.end_ids)
    said = [[until(ends, one) for one in arm(learner, prompts, greedy)] for arm in (ours, theirs)]
    if not decode.fits(learner.core) or said[0] != said[1]:
        raise SystemExit("the two arms do not say the same: nothing is compared")
    rounds = []
    for number in range(asked.rounds):
        sampling = Sampling(max_new_tokens=asked.tokens, temperature=1.0, seed=number)
        arms = {"sayso": ours, "generate": theirs}
        order = list(arms) if number % 2 == 0 else list(reversed(arms))
        speed = {name: timed(partial(arms[name], learner, rows, sampling)) for name in order}
        rounds.append({"load": os.getloadavg()[0], **{name: speed[name] for name in arms}})
    ratios = [[one["sayso"][i] / one["generate"][i] for one in rounds] for i in (0, 1)]
    figures = {
        "shape": asked.shape,
        "rows": len(rows),
        "prompt_tokens": sum(map(len, prompts)) / len(prompts),
        "rounds": rounds,
        "ratio_wall": statistics.median(ratios[0]),
        "ratio_cpu": statistics.median(ratios[1]),
        "spread_cpu": [min(ratios[1]), max(ratios[1])],
    }
    print(json.dumps(figures, indent=1) if asked.json else told(figures))


def told(figures: dict[str, Any]) -> str:
    """The same for people."""
    lines = [
        f"{figures['shape']}, {figures['rows']} rows, prompts of {figures['prompt_tokens']:.0f} tokens on average"
    ]
    for one in figures["rounds"]:
        arms = ", ".join(
            f"{name} {one[name][0]:.0f} tokens/s ({one[name][1]:.0f} of CPU)" for name in ("sayso", "generate")
        )
        lines.append(f"  {arms}, load {one['load']:.1f}")
    low, high = figures["spread_cpu"]
    lines.append(
        f"  times generate: wall {figures['ratio_wall']:.2f}, CPU {figures['ratio_cpu']:.2f} [{low:.2f}, {high:.2f}]"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
