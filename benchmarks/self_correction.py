"""Does an answer get better by being looked at? House rules, first answer against corrected answer, both directions.

    python benchmarks/self_correction.py --houses 8 --method predict --method refine --rounds 2

Decided here:
- The server's own queue and its own self-correction are measured, the model being its own judge: against the house's
  rules as they are stated, or without any after `predict`, which teaches to judge so.
- An answer is right where it shows the rule on a prompt that the rule holds for, and does not show it on one that only
  seems to. Answers that are mended and right answers that are spoiled are both counted.
- Every house is taught from the same weights. Its rules share a training, so intervals are a bootstrap over houses.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from sayso.cli.bench import LANGUAGES, MOST_TOKENS
from sayso.cli.pupil import Pupil
from sayso.cli.worlds import found_worlds
from sayso.evaluate.houses import House, comments, critic, houses, material
from sayso.evaluate.questions import drawn_rules
from sayso.houserules import HouseRule
from sayso.models.open import Opening, open_learner
from sayso.models.voice import LearnerVoice
from sayso.protocols import Ask
from sayso.recipe import Recipe
from sayso.records import Messages, Sampling
from sayso.serve.answers import whole
from sayso.serve.correct import by_itself, corrected
from sayso.serve.metrics import Metrics
from sayso.serve.queue import Queue, Room
from sayso.sheet import Sheet

RESAMPLES = 2000
SCOPES = ("in", "near")


@dataclass(frozen=True)
class Case:
    """One prompt of one rule: what is asked, what it is held against, and whether the rule holds for it."""

    rule: HouseRule
    prompt: Messages
    holds: bool
    statement: str


@dataclass(frozen=True)
class Found:
    """Whether the first and the corrected answer were right."""

    house: str
    holds: bool
    first: bool
    then: bool


def main() -> None:
    """Untaught first, then after each method; a line per stage and scope."""
    asked = _arguments()
    sheet = Sheet("self-correction", Recipe)
    sheet.fill(f"{{threads: 1, task: {{name: generate, max_new_tokens: {MOST_TOKENS}}}}}")
    recipe = sheet.build()
    worlds: Mapping[str, Any] = {k: world for k, world in found_worlds().items() if hasattr(world, "FAMILIES")}
    learner = open_learner(recipe.model, Opening())
    homes = list(_houses(worlds, asked.houses, asked.seed))
    for method in ["untaught", *asked.method]:
        pupil = Pupil(learner, recipe, method if method != "untaught" else "imitate")
        found: list[Found] = []
        for house in homes:
            world = worlds[house.world]
            pupil.forget()
            if method != "untaught":
                said = comments(world, house.rules, (), asked.comments, house.seed)
                pupil.teach(said, material(world, house), house.seed, critic(world, house.rules))
            cases = list(_cases(world, house, asked.prompts))
            found += asyncio.run(_looked_at(LearnerVoice(learner), pupil, world, house, cases, asked.rounds))
        pupil.forget()
        for holds in (True, False):
            print(_line(method, holds, [one for one in found if one.holds == holds], asked.seed), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--houses", type=int, default=4)
    parser.add_argument("--method", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--prompts", type=int, default=6, help="per rule and scope")
    parser.add_argument("--comments", type=int, default=8, help="per rule, where a method teaches")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _houses(worlds: Mapping[str, Any], count: int, seed: int) -> Iterator[House]:
    """Houses of every world and language in turn."""
    rules = drawn_rules(worlds, 8 * count, seed)
    stocks = []
    for name, world in worlds.items():
        for language in LANGUAGES:
            mine = [rule for rule in rules if (rule.world, rule.language) == (name, language)]
            stocks.append(houses(name, world, mine, seed))
    turns = [stock[place] for place in range(count) for stock in stocks if place < len(stock)]
    yield from turns[:count]


def _cases(world: Any, house: House, prompts: int) -> Iterator[Case]:
    for rule in house.rules:
        statement = world.texts(rule.language).statement(rule, Random(f"statement:{house.seed}:{rule.id}"), "test")
        for scope in SCOPES:
            for example in world.prompts(rule, scope, prompts, house.seed, split="test"):
                yield Case(rule, example.prompt, scope == "in", statement)


async def _looked_at(
    voice: LearnerVoice, pupil: Pupil, world: Any, house: House, cases: Sequence[Case], rounds: int
) -> list[Found]:
    """All cases at once, through the server's queue."""
    queue = Queue(voice, Room(waiting=10**6, rows=32, tokens=16384, seconds=3600), Metrics())
    queue.start()

    async def say(context: Messages) -> str:
        asks = [Ask(context, Sampling(max_new_tokens=MOST_TOKENS))]
        return (await whole(await queue.begin(asks), 1)).texts[0]

    async def one(case: Case) -> Found:
        context = pupil.prompt(case.prompt)
        first = await say(context)
        judge = by_itself(case.prompt, say, () if pupil.name == "predict" else (case.statement,))
        answer, _ = await corrected(context, first, rounds, judge, say)
        right = [world.shows(case.rule, case.prompt, text) == case.holds for text in (first, answer)]
        return Found(f"{house.id}:{house.seed}", case.holds, *right)

    try:
        return list(await asyncio.gather(*map(one, cases)))
    finally:
        await queue.stop()


def _line(method: str, holds: bool, found: Sequence[Found], seed: int) -> str:
    """Shares before and after, the difference with its interval, and how many went which way."""
    by_house: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for one in found:
        by_house[one.house].append((one.first, one.then, 1))
    sums_HK = np.array([np.sum(rows, axis=0) for rows in by_house.values()], dtype=float)
    drawn = np.random.default_rng(seed).integers(len(sums_HK), size=(RESAMPLES, len(sums_HK)))
    totals = sums_HK[drawn].sum(axis=1)
    low, high = np.percentile((totals[:, 1] - totals[:, 0]) / totals[:, 2], (2.5, 97.5))
    first, then, n = sums_HK.sum(axis=0)
    mended, spoiled = (sum(a.then != a.first and a.then is good for a in found) for good in (True, False))
    where = "the rule holds" if holds else "it only seems to"
    return (
        f"{method:<10} {where:<17} first {first / n:6.1%}, corrected {then / n:6.1%}, "
        f"difference {(then - first) / n:+6.1%} [{low:+.1%}, {high:+.1%}]; "
        f"mended {mended}, spoiled {spoiled}, n {n:.0f} in {len(sums_HK)} houses"
    )


if __name__ == "__main__":
    main()
