"""What a base model is taught with, so that it can use a comment: exercises drawn from worlds with house rules.

Decided here:
- A small model learns neither to copy nor to compare by itself: a share of the exercises is nothing but the one or the
  other, on invented words (`drills`).
- The same rule is met in every form in which somebody may say it: beforehand in the system turn, as a remark in the
  prompt, about an attempt (in the prompt or in turns of their own), in the other language. The wording around it is
  that of `wording`, which every method and measure uses.
- A rule that does not hold for this prompt is stated too, and then nothing changes: else "obey" would be all there is.
- A remark without content ("wrong, try again") changes nothing either: there is nothing in it to heed.
- Everything is drawn from the seed and the exercise's number alone, so material can be made in pieces and in parallel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

from sayso.drills import comparing, copying
from sayso.houserules import HouseRule, Part, Scope
from sayso.phrases import pick
from sayso.protocols import World
from sayso.records import Example, Message, Messages, user
from sayso.wording import ASKED_TO_JUDGE, judgement, verdict, with_comment

Exercise = Literal["plain", "told", "remarked", "revised", "judged", "copied", "compared"]
EXERCISES: tuple[Exercise, ...] = get_args(Exercise)
RULES_AT_ONCE = 400  # rules are drawn by the hundred: a world may have to search for each

_VAGUE = {
    "en": (
        "That's wrong, try again.",
        "No. Again.",
        "This isn't right.",
        "Not good enough, have another go.",
        "I don't like it.",
        "Please do better.",
        "Wrong.",
        "Hm, no. Once more, please.",
    ),
    "zh": (
        "不对，重来。",
        "错了，再试一次。",
        "这样不行。",
        "不够好，重写。",
        "我不满意。",
        "再想想。",
        "不对。",
        "还是不对，请重做。",
    ),
}


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each exercise comes, and in which share of those with a rule the rule does not hold for the prompt.

    The first seven are weights and need not sum to 1; the rest are shares.
    """

    plain: float = 0.1
    told: float = 0.15
    remarked: float = 0.18
    revised: float = 0.18
    judged: float = 0.18
    copied: float = 0.11
    compared: float = 0.1
    elsewhere: float = 0.25
    vague: float = 0.06
    other_language: float = 0.08


def exercises(
    worlds: Mapping[str, World], shares: Mapping[str, float], n: int, seed: int, mix: Mix | None = None
) -> Iterator[Example]:
    """`n` exercises; `shares` says how often each world is met. Only what is not held out is used."""
    stocks = {name: _Stock(world, seed) for name, world in worlds.items()}
    for number in range(n):
        dice = Random(f"exercise:{seed}:{number}")
        name = _weighted(shares, dice)
        yield _exercise(stocks[name], mix or Mix(), dice)


def judged_prompt(
    prompt: Messages, statement: str, attempt: str, language: str, dice: Random | None = None
) -> Messages:
    """A conversation in which an attempt is to be judged against a rule; `read_verdict` reads the answer."""
    asked = ASKED_TO_JUDGE[language][0] if dice is None else pick(dice, ASKED_TO_JUDGE[language])
    said = "\n".join(message.text for message in prompt if message.role == "user")
    return user(judgement(said, attempt, asked, statement, language))


# ---------------------------------------------------------------- one exercise


class _Stock:
    """A world's rules and prompts, drawn by the hundred and handed out one by one."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        self.drawn = 0
        self._rules: list[HouseRule] = []
        self._plain: list[Example] = []
        self._last: dict[tuple[str, str], tuple[HouseRule, HouseRule]] = {}

    def plain(self) -> Example:
        if not self._plain:
            self.drawn += 1
            self._plain = self.world.plain(RULES_AT_ONCE, self.seed * 1_000_003 + self.drawn, split="train")
        return self._plain.pop()

    def rule(self) -> HouseRule:
        if not self._rules:
            self.drawn += 1
            self._rules = self.world.rules(RULES_AT_ONCE, self.seed * 1_000_003 + self.drawn, "train")
        rule = self._rules.pop()
        kind = rule.family, rule.language
        self._last[kind] = (self._last.get(kind, (rule, rule))[1], rule)
        return rule

    def akin(self, rule: HouseRule) -> HouseRule:
        """The rule of the same family and language that came before, under this rule's condition."""
        return replace(self._last[rule.family, rule.language][0], when=rule.when)

    def prompt(self, rule: HouseRule, elsewhere: bool, dice: Random) -> tuple[Example, bool]:
        """An example for the rule, and whether the rule holds for it."""
        scope: Scope = pick(dice, ("near", "out")) if elsewhere else "in"
        found = self.world.prompts(rule, scope, 1, int(dice.random() * 1e9), split="train")
        return found[0], scope == "in"


def _exercise(stock: _Stock, mix: Mix, dice: Random) -> Example:
    kind = _weighted({kind: getattr(mix, kind) for kind in EXERCISES}, dice)
    if kind == "plain":
        return stock.plain()
    rule = stock.rule()
    if kind in ("copied", "compared"):
        drill = copying if kind == "copied" else comparing
        return drill(dice, [value for _, value in rule.values], rule.language)
    example, holds = stock.prompt(rule, dice.random() < mix.elsewhere, dice)
    if kind == "judged":
        return _judged(stock, rule, example, holds, dice)
    usual = example.target or ""
    if kind != "told" and dice.random() < mix.vague:
        return _answering(kind, example, pick(dice, _VAGUE[rule.language]), usual, usual, dice)
    target = stock.world.obey(rule, example) if holds else usual
    words = _words(stock.world, rule, kind, not holds, mix, dice)
    return _answering(kind, example, words, usual, target, dice)


def _words(world: World, rule: HouseRule, kind: str, elsewhere: bool, mix: Mix, dice: Random) -> str:
    """The rule in words; where it does not hold here the condition has to be said, else nobody could know."""
    other = {"en": "zh", "zh": "en"}[rule.language]
    texts = world.texts(other if dice.random() < mix.other_language else rule.language)
    part: Part = "train"
    if kind == "told":
        stated = dice.random() < 0.7
        return texts.statement(rule, dice, part) if stated else texts.comment(rule, dice, part, framed=1.0)
    return texts.comment(rule, dice, part, framed=1.0 if elsewhere else 0.4)


def _answering(kind: str, example: Example, words: str, attempt: str, target: str, dice: Random) -> Example:
    prompt = example.prompt
    if kind == "told":
        changed: Messages = (Message("system", words), *prompt)
    elif kind == "remarked":
        changed = with_comment(prompt, None, words)
    elif dice.random() < 0.6:
        changed = with_comment(prompt, attempt, words)
    else:
        changed = (*prompt, Message("assistant", attempt), Message("user", words))
    return replace(example, prompt=changed, target=target)


def _judged(stock: _Stock, rule: HouseRule, example: Example, holds: bool, dice: Random) -> Example:
    """An attempt that breaks the rule or keeps it (by obeying, or because the rule does not hold here).

    An attempt may do what another rule of the same family asks for: what counts is what was said, not how it looks.
    """
    world, texts = stock.world, stock.world.texts(rule.language)
    draw = dice.random()
    obeyed = rule if draw < (0.35 if holds else 0.2) else stock.akin(rule) if holds and draw < 0.55 else None
    attempt = world.obey(obeyed, example) if obeyed is not None else example.target or ""
    kept = not holds or world.shows(rule, example.prompt, attempt)
    prompt = judged_prompt(example.prompt, texts.statement(rule, dice, "train"), attempt, rule.language, dice)
    comment = "" if kept else texts.comment(rule, dice, "train", framed=0.0)
    return replace(example, prompt=prompt, target=verdict(kept, comment, rule.language))


def _weighted(shares: Mapping[str, float], dice: Random) -> str:
    """A key, as often as its share says."""
    place = dice.random() * sum(shares.values())
    chosen = ""
    for chosen, share in shares.items():  # noqa: B007  (rounding may leave the last one)
        place -= share
        if place < 0:
            break
    return chosen
