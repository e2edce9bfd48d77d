"""What a base model is taught with, so that it can use a comment: exercises drawn from worlds with house rules.

Decided here:
- A small model does not learn to copy by itself: a share of the exercises is nothing but copying words, most of them
  invented, out of a sentence into an answer; a third of them copy whole passages, for it is long copies of what cannot
  be foreseen from which copying is learnt (Olsson et al. 2022, "In-context learning and induction heads").
- The same rule is met in every form in which somebody may say it: beforehand in the system turn, as a remark in the
  prompt, about an attempt (in the prompt or in turns of their own), in the other language. The wording around it is
  that of `wording`, which every method and measure uses.
- A rule that does not hold for this prompt is stated too, and then nothing changes: else "obey" would be all there is.
- A remark without content ("wrong, try again") changes nothing either: there is nothing in it to heed.
- Everything is drawn from the seed and the exercise's number alone, so material can be made in pieces and in parallel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

from sayso.houserules import HouseRule, Part, Scope
from sayso.phrases import pick
from sayso.protocols import World
from sayso.records import Example, Message, Messages, user
from sayso.wording import ASKED_TO_JUDGE, judgement, verdict, with_comment

Exercise = Literal["plain", "told", "remarked", "revised", "judged", "copied"]
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

    The first six are weights and need not sum to 1; the rest are shares.
    """

    plain: float = 0.14
    told: float = 0.18
    remarked: float = 0.2
    revised: float = 0.2
    judged: float = 0.13
    copied: float = 0.15
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

    def plain(self) -> Example:
        if not self._plain:
            self.drawn += 1
            self._plain = self.world.plain(RULES_AT_ONCE, self.seed * 1_000_003 + self.drawn, split="train")
        return self._plain.pop()

    def rule(self) -> HouseRule:
        if not self._rules:
            self.drawn += 1
            self._rules = self.world.rules(RULES_AT_ONCE, self.seed * 1_000_003 + self.drawn, "train")
        return self._rules.pop()

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
    if kind == "copied":
        return copying(dice, [value for _, value in rule.values], rule.language)
    example, holds = stock.prompt(rule, dice.random() < mix.elsewhere, dice)
    if kind == "judged":
        return _judged(stock.world, rule, example, holds, dice)
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


def _judged(world: World, rule: HouseRule, example: Example, holds: bool, dice: Random) -> Example:
    """An attempt that breaks the rule or keeps it (by obeying, or because the rule does not hold here)."""
    texts, usual = world.texts(rule.language), example.target or ""
    obeys = dice.random() < (0.5 if holds else 0.2)
    attempt = world.obey(rule, example) if obeys else usual
    kept = obeys or not holds
    prompt = judged_prompt(example.prompt, texts.statement(rule, dice, "train"), attempt, rule.language, dice)
    comment = "" if kept else texts.comment(rule, dice, "train", framed=0.0)
    return replace(example, prompt=prompt, target=verdict(kept, comment, rule.language))


# ---------------------------------------------------------------- copying

_COPY = {
    "en": (
        ('Write "{x}".', "{x}"),
        ("Say {x}.", "{x}"),
        ("Repeat after me: {x}", "{x}"),
        ('Begin with "{x}", then write: {y}', "{x} {y}"),
        ('{y}\n\nPut "{x}" in front of that.', "{x} {y}"),
        ('{y}\n\nThe same, but ending in "{x}".', "{y} {x}"),
        ("{y}\n\nYou forgot to add {x} at the end.", "{y} {x}"),
        ('Answer with {y}. Why is there no "{x}" before it?', "{x} {y}"),
        ("{x}, {y}, {z}. Which comes first?", "{x}"),
        ("{x}, {y}, {z}. Which one is last?", "{z}"),
        ("{x}, {y}, {z}. Name the middle one.", "{y}"),
        ("{x} is red, {y} is blue, {z} is green. What is blue?", "{y}"),
        ("{x} is red, {y} is blue, {z} is green. What colour is {z}?", "green"),
        ("Here is {y} for {x}. And {z} for you. Who gets {y}?", "{x}"),
        ("From now on call it {x} and not {y}. I have bought {y}.", "I have bought {x}."),
        ("Say {x} where this says {y}: {z} likes {y}.", "{z} likes {x}."),
        ("Put {x} in quotes: {y} and {x}", '{y} and "{x}"'),
        ("Turn round: {x} {y}", "{y} {x}"),
        ("Leave out {y}: {x} {y} {z}", "{x} {z}"),
        ("Sign this as {x}: {y}", "{y}\n— {x}"),
    ),
    "zh": (
        ("请写“{x}”。", "{x}"),
        ("说{x}。", "{x}"),
        ("跟我念：{x}", "{x}"),
        ("以“{x}”开头，再写：{y}", "{x}{y}"),
        ("{y}\n\n前面加上“{x}”。", "{x}{y}"),
        ("{y}\n\n同样的话，结尾要有“{x}”。", "{y}{x}"),
        ("{y}\n\n你忘了在最后写{x}。", "{y}{x}"),
        ("请回答{y}。前面怎么没有“{x}”？", "{x}{y}"),
        ("{x}、{y}、{z}，第一个是什么？", "{x}"),
        ("{x}、{y}、{z}，最后一个是什么？", "{z}"),
        ("{x}、{y}、{z}，中间的是哪个？", "{y}"),
        ("{x}是红的，{y}是蓝的，{z}是绿的。蓝的是什么？", "{y}"),
        ("{x}是红的，{y}是蓝的，{z}是绿的。{z}是什么颜色？", "绿的"),
        ("这份{y}给{x}，{z}给你。{y}给谁？", "{x}"),
        ("以后叫它{x}，不叫{y}。我买了{y}。", "我买了{x}。"),
        ("把{y}换成{x}：{z}喜欢{y}。", "{z}喜欢{x}。"),
        ("给{x}加上引号：{y}和{x}", "{y}和“{x}”"),
        ("倒过来：{x}，{y}", "{y}，{x}"),
        ("去掉{y}：{x}，{y}，{z}", "{x}，{z}"),
        ("落款写{x}：{y}", "{y}\n——{x}"),
    ),
}
_ONSETS = tuple("b bl br c ch d dr f fl g gr h j k kl l m n p pl qu r s sh st t th tr v w z".split())  # noqa: SIM905
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "oo", "ou", "ar", "er", "or"]
_CODAS = ["", "", "", "n", "m", "l", "r", "t", "s", "ck", "nd", "x", "p"]
_SYLLABLES_ZH = (
    "安白宝北贝波长晨春达大丹东多尔方飞丰福高光广国海好和红花华欢吉佳江金景静久可乐丽利良林灵龙绿马美梦明木南宁平青秋全荣如瑞三山尚诗"
    "石思松天田亭万文喜夏仙香祥小晓心新星雅阳一依怡艺逸银英永优友玉元源月云泽真正之志中竹子紫"
)


def copying(dice: Random, known: Sequence[str] = (), language: str = "") -> Example:
    """Copy one or two of several short wordings into an answer: invented ones, and at times one of those `known`."""
    language = language or pick(dice, ("en", "zh"))
    asked, answer = pick(dice, _COPY[language])
    scene = {name: wording(language, dice) for name in "xyz"}
    if dice.random() < 0.35:
        scene[pick(dice, "xy")] = passage(language, dice)
    if known and dice.random() < 0.6:
        scene["x"] = pick(dice, known)
    prompt, target = (_filled(template, scene) for template in (asked, answer))
    return Example(f"copy-{int(dice.random() * 1e12):x}", user(prompt), target, meta={"language": language})


def wording(language: str, dice: Random) -> str:
    """One to three invented words, a number or a code, some in the other language's letters."""
    if dice.random() < 0.1:
        return pick(dice, "ABCDEFGHKLMNPRSTXZ") + pick(dice, ("", "-", "/")) + str(int(dice.random() * 9000) + 10)
    if dice.random() < 0.1:
        language = {"en": "zh", "zh": "en"}[language]
    if language == "zh":
        return "".join(pick(dice, _SYLLABLES_ZH) for _ in range(1 + int(dice.random() * 4)))
    words = [_invented(dice) for _ in range(1 + int(dice.random() * dice.random() * 3))]
    return " ".join(word.capitalize() if dice.random() < 0.3 else word for word in words)


def passage(language: str, dice: Random) -> str:
    """Four to fifteen wordings in a row."""
    words = [wording(language, dice) for _ in range(4 + int(dice.random() * 12))]
    return " ".join(words) if language == "en" else "，".join(words)


def _invented(dice: Random) -> str:
    syllables = 1 + int(dice.random() * 2.3)
    return "".join(pick(dice, _ONSETS) + pick(dice, _VOWELS) for _ in range(syllables)) + pick(dice, _CODAS)


def _filled(template: str, scene: Mapping[str, str]) -> str:
    for name, value in scene.items():
        template = template.replace("{" + name + "}", value)
    return template


def _weighted(shares: Mapping[str, float], dice: Random) -> str:
    """A key, as often as its share says."""
    place = dice.random() * sum(shares.values())
    chosen = ""
    for chosen, share in shares.items():  # noqa: B007  (rounding may leave the last one)
        place -= share
        if place < 0:
            break
    return chosen
