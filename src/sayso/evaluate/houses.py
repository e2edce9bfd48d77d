"""What is taught together, and asked before and after: a few house rules, the comments on them, and the questions.

Decided here:
- A house is up to four rules of one world and language that can all be kept at once, and two more that are taught
  afterwards: what is then left of the first four is retention. Rules that always hold and those with a condition live
  in different houses: a comment that holds everywhere leaves a method nothing to anchor.
- The attempts commented on are the world's usual answers, with the house's other rules kept; the revision keeps them
  all. So every model and every method is taught the same comments.
- internalised is measured on the prompts that were commented on, transfer on unseen ones, both without any comment.
- drift is the mean of KL(base || tuned) per token of the base's own answers to prompts that no rule of the house is
  about.
- Rules of one house share a training, so intervals are over houses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from sayso.evaluate.heeding import Measure, Side
from sayso.evaluate.questions import Asker, Question
from sayso.houserules import ALWAYS, HouseRule
from sayso.protocols import World
from sayso.records import Attempt, Author, Example, Feedback, Scope, Split, content_id

RULES, LATER = 4, 2
TRIED = 4  # prompts on which two rules must be able to live together
OTHERS = 120  # plain examples that a method may anchor or replay


@dataclass(frozen=True, slots=True)
class House:
    """Rules taught together, then `later` on top of them."""

    world: str
    language: str
    rules: tuple[HouseRule, ...]
    later: tuple[HouseRule, ...]
    seed: int

    @property
    def id(self) -> str:
        """A hash of its rules and the seed."""
        return content_id([self.seed, *(rule.id for rule in (*self.rules, *self.later))])


def houses(name: str, world: World, rules: Sequence[HouseRule], seed: int) -> list[House]:
    """The rules of one world, each in one house; those that the world cannot keep itself are in none."""
    rules = [rule for rule in dict.fromkeys(rules) if _can_be_kept(world, rule, seed)]
    left = list(rules)
    built = []
    while left:
        first = left[0]
        alike = [rule for rule in left if _neighbours(first, rule)]
        home = _together(world, [first], alike[1:], RULES, seed)
        left = [rule for rule in left if rule not in home]
        others = [rule for rule in rules if _neighbours(first, rule) and rule not in home]
        all_of_it = _together(world, home, others, len(home) + LATER, seed)
        built.append(House(name, first.language, tuple(home), tuple(all_of_it[len(home) :]), seed))
    return built


def comments(world: World, rules: Sequence[HouseRule], kept: Sequence[HouseRule], k: int, seed: int) -> list[Feedback]:
    """`k` comments on each of `rules`, in a house where `kept` hold too; fewer where rules cannot be kept at once."""
    found = []
    for rule in rules:
        rest = [one for one in (*rules, *kept) if one != rule]
        dice = Random(f"taught:{seed}:{rule.id}")
        found += [
            _feedback(world, rule, dice, replace(example, target=attempt), revision)
            for example in world.prompts(rule, "in", k, seed, split="train")
            if (attempt := expected(world, rest, example)) is not None
            and (revision := expected(world, [*rest, rule], example)) is not None
        ]
    return found


def critic(world: World, rules: Sequence[HouseRule]) -> Callable[[Feedback, str], str | None]:
    """Says the comment again of an answer to its prompt that does not show its rule, and nothing of one that does."""
    by_id = {rule.id: rule for rule in rules}

    def said(about: Feedback, answer: str) -> str | None:
        shown = all(world.shows(by_id[check], about.prompt, answer) for check in about.checks)
        return None if shown else about.comment

    return said


def expected(world: World, rules: Sequence[HouseRule], example: Example) -> str | None:
    """The usual answer changed by every rule that holds here; None where it cannot show them all."""
    holding = [rule for rule in rules if world.scope_of(rule, example.prompt) == "in"]
    for rule in holding:
        example = replace(example, target=world.obey(rule, example))
    text = example.target or ""
    return text if all(world.shows(rule, example.prompt, text) for rule in holding) else None


def material(world: World, house: House) -> list[Example]:
    """Plain examples that a method may replay, or hold in place."""
    return world.plain(OTHERS, house.seed, house.language, split="train")


def questions(asker: Asker, house: House, prompts: int, k: int) -> Iterator[Question]:
    """What the model is asked before and after the house is taught: taught, unseen, near and plain prompts.

    Prompts on which the house's rules cannot all be kept are left out.
    """
    sizes: tuple[tuple[int, Split], ...] = ((k, "train"), (prompts, "test"))
    world, seed = asker.world, house.seed

    def keepable(example: Example) -> bool:
        return expected(world, house.rules, example) is not None

    for rule in house.rules:
        taught, unseen = (filter(keepable, world.prompts(rule, "in", n, seed, split=split)) for n, split in sizes)
        yield from (asker.bare(rule, example, "in", "taught") for example in taught)
        yield from (asker.bare(rule, example, "in") for example in unseen)
        for example in world.prompts(rule, "near", prompts, seed, split="test"):
            yield asker.bare(rule, example, "near")
    yield from asker.plain(2 * prompts, house.language)


def away(asker: Asker, house: House, prompts: int) -> Iterator[Question]:
    """Prompts on which nothing is to drift: no rule of the house is about them, or only seems to be."""
    for rule in house.rules:
        for example in asker.world.prompts(rule, "out", prompts, house.seed, split="test"):
            if all(asker.world.scope_of(one, example.prompt) == "out" for one in house.rules):
                yield asker.bare(rule, example, "out")


def _shown(stage: str, form: str = "remark", scope: str = "in") -> Side:
    return Side("shows", form, scope=scope, stage=stage)


AFTER = (
    Measure(
        "internalised",
        "rule shown without a comment where it was taught, less before",
        _shown("taught", "taught"),
        _shown("base", "taught"),
    ),
    Measure("transfer", "the same on unseen prompts", _shown("taught"), _shown("base")),
    Measure("retention", "transfer that is left after later lessons", _shown("later"), _shown("base")),
    Measure(
        "overreach",
        "rule shown on near prompts, less before",
        _shown("taught", scope="near"),
        _shown("base", scope="near"),
        -1,
    ),
    Measure(
        "drift",
        "KL(base || tuned), nats per token, on prompts of another kind",
        Side("kl", "remark", scope="out", stage="taught"),
        better=-1,
    ),
    Measure(
        "skill",
        "sound answers to plain prompts, less before",
        Side("sound", "plain", stage="taught"),
        Side("sound", "plain"),
    ),
)


# ---------------------------------------------------------------- inside


def _can_be_kept(world: World, rule: HouseRule, seed: int) -> bool:
    tried = world.prompts(rule, "in", TRIED, seed, split="train")
    return any(expected(world, (rule,), example) is not None for example in tried)


def _neighbours(one: HouseRule, other: HouseRule) -> bool:
    return one.language == other.language and (one.when == ALWAYS) == (other.when == ALWAYS)


def _together(
    world: World, home: Sequence[HouseRule], others: Sequence[HouseRule], size: int, seed: int
) -> list[HouseRule]:
    found = list(home)
    for rule in others:
        if len(found) == size:
            break
        if all(_agree(world, known, rule, seed) and _agree(world, rule, known, seed) for known in found):
            found.append(rule)
    return found


def _agree(world: World, one: HouseRule, other: HouseRule, seed: int) -> bool:
    """On prompts of `one`: can both be kept, and does keeping `one` alone leave the other unshown?"""
    if one.family == other.family:
        return False
    for example in world.prompts(one, "in", TRIED, seed, split="train"):
        alone = world.obey(one, example)
        if world.shows(other, example.prompt, alone) and not world.shows(other, example.prompt, example.target or ""):
            return False
        if expected(world, (one, other), example) is None:
            return False
    return True


def _feedback(world: World, rule: HouseRule, dice: Random, example: Example, revision: str) -> Feedback:
    return Feedback(
        example.prompt,
        Attempt(example.target or ""),
        world.texts(rule.language).comment(rule, dice, "test"),
        author=Author("program", "houserules"),
        scope=Scope("everywhere") if rule.when == ALWAYS else Scope("rule", rule.when),
        revision=revision,
        checks=(rule.id,),
        language=rule.language,
        split="train",
        item=example.id,
    )
