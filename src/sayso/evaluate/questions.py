"""What HouseRules asks a speaker: the same prompts without a comment, with the right one, and with others.

Decided here:
- Every condition is asked of the same prompts, so all comparisons are paired: no comment, the rule's own comment
  (right), another rule's (shuffled), one without content (vague), and one whose rule does not hold here (wrong).
- The shuffled comment is one that could be obeyed here, and obeying it would not pass the rule's check: else obedience
  to anything would count.
- A comment that does not apply names its condition, else nobody could know. So rules that always hold have no wrong
  comments and no overreach in context.
- A comment stands in the prompt as `wording.with_comment` puts it: as a remark, or after an attempt to be revised. The
  attempt is the world's usual answer, the same for every speaker.
- A judgement is asked of an attempt that breaks the rule and of one that keeps it in turn, so chance is one half.
- Rules, prompts and paraphrases are those held out from pretraining; draws depend on the seed and the rule alone, so
  more rules or prompts leave the questions that were there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from sayso.exercises import judged_prompt
from sayso.houserules import ALWAYS, HouseRule, Scope
from sayso.phrases import pick
from sayso.protocols import World
from sayso.records import Example, Messages, content_id
from sayso.wording import with_comment

Form = Literal["plain", "remark", "revise", "judge", "taught"]
Condition = Literal["none", "right", "shuffled", "vague", "wrong"]
LANGUAGES = ("en", "zh")
CONTROLS = 60  # rules of a world and language from which other comments are taken
_VAGUE = {
    "en": ("Wrong, try again.", "This won't do. Once more.", "No good.", "You can do better than that."),
    "zh": ("错了，再来一遍。", "这可不行，重新写。", "不好。", "你能写得更好。"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One prompt for the speaker; `other` is the rule that a shuffled or wrong comment belongs to.

    The form "taught" is a bare prompt whose answer was commented on in training.
    """

    world: str
    rule: HouseRule | None
    example: Example
    form: Form
    prompt: Messages
    condition: Condition = "none"
    scope: Scope = "in"
    comment: str = ""
    attempt: str = ""
    other: HouseRule | None = None
    seed: int = 0

    @property
    def key(self) -> str:
        """The same for the same question, whoever draws it."""
        ids = [rule.id if rule is not None else "" for rule in (self.rule, self.other)]
        return content_id([self.world, *ids, self.form, self.condition, self.scope, self.seed, self.prompt])


def drawn_rules(
    worlds: Mapping[str, World], n: int, seed: int, languages: Sequence[str] = LANGUAGES
) -> list[HouseRule]:
    """About `n` rules that hold something new, as many of each world and language (at least one), in turn."""
    stocks = [(world, language) for world in worlds.values() for language in languages]
    each = [n // len(stocks) + (place < n % len(stocks)) for place in range(len(stocks))]
    drawn = [
        world.rules(max(1, count), seed, "test", language)
        for (world, language), count in zip(stocks, each, strict=True)
    ]
    longest = max(len(rules) for rules in drawn)
    return [rules[place] for place in range(longest) for rules in drawn if place < len(rules)]


class Asker:
    """Draws one world's questions."""

    def __init__(self, name: str, world: World, seed: int) -> None:
        self.name, self.world, self.seed = name, world, seed
        self._controls: dict[str, list[HouseRule]] = {}

    def in_context(self, rule: HouseRule, prompts: int) -> Iterator[Question]:
        """Everything that is asked about one rule of a model as it is."""
        for number, example in enumerate(self.world.prompts(rule, "in", prompts, self.seed, split="test")):
            dice = Random(f"houserules:{self.seed}:{rule.id}:{number}")
            yield self.bare(rule, example, "in")
            yield from self._commented(rule, example, dice)
            yield self._to_judge(rule, example, number % 2 == 0, dice)
        if rule.when != ALWAYS:
            yield from self._near(rule, prompts)

    def bare(self, rule: HouseRule, example: Example, scope: Scope, form: Form = "remark") -> Question:
        """The prompt as it is."""
        return Question(self.name, rule, example, form, example.prompt, scope=scope, seed=self.seed)

    def plain(self, n: int, language: str) -> list[Question]:
        """Prompts without any rule: does the speaker do what the world is about?"""
        examples = self.world.plain(n, self.seed, language, split="test")
        return [Question(self.name, None, one, "plain", one.prompt, seed=self.seed) for one in examples]

    # ------------------------------------------------------------ inside

    def _near(self, rule: HouseRule, prompts: int) -> Iterator[Question]:
        for number, example in enumerate(self.world.prompts(rule, "near", prompts, self.seed, split="test")):
            dice = Random(f"houserules near:{self.seed}:{rule.id}:{number}")
            yield self.bare(rule, example, "near")
            comment = self.world.texts(rule.language).comment(rule, dice, "test", framed=1.0)
            yield self._asked(rule, example, "remark", "right", comment, "near")

    def _commented(self, rule: HouseRule, example: Example, dice: Random) -> Iterator[Question]:
        texts = self.world.texts(rule.language)
        said: list[tuple[Condition, str, HouseRule | None]] = [
            ("right", texts.comment(rule, dice, "test"), None),
            ("vague", pick(dice, _VAGUE[rule.language]), None),
        ]
        unlike = [one for one in self._turned(rule.language, dice) if self._unlike(rule, one, example)]
        fitting = [one for one in unlike if self.world.scope_of(one, example.prompt) == "in"]
        for shuffled in (fitting or unlike)[:1]:
            said.append(("shuffled", texts.comment(shuffled, dice, "test"), shuffled))
        turned = self._turned(rule.language, dice)
        if (wrong := next((one for one in turned if self._not_here(one, example)), None)) is not None:
            said.append(("wrong", texts.comment(wrong, dice, "test", framed=1.0), wrong))
        forms: tuple[Form, Form] = ("remark", "revise")
        for form in forms:
            for condition, comment, other in said:
                yield self._asked(rule, example, form, condition, comment, other=other)

    def _asked(
        self,
        rule: HouseRule,
        example: Example,
        form: Form,
        condition: Condition,
        comment: str,
        scope: Scope = "in",
        other: HouseRule | None = None,
    ) -> Question:
        attempt = (example.target or "") if form == "revise" else None
        prompt = with_comment(example.prompt, attempt, comment)
        return Question(
            self.name, rule, example, form, prompt, condition, scope, comment, attempt or "", other, self.seed
        )

    def _to_judge(self, rule: HouseRule, example: Example, keeps: bool, dice: Random) -> Question:
        attempt = self.world.obey(rule, example) if keeps else example.target or ""
        statement = self.world.texts(rule.language).statement(rule, dice, "test")
        prompt = judged_prompt(example.prompt, statement, attempt, rule.language)
        return Question(self.name, rule, example, "judge", prompt, attempt=attempt, seed=self.seed)

    def _turned(self, language: str, dice: Random) -> list[HouseRule]:
        if language not in self._controls:
            self._controls[language] = self.world.rules(CONTROLS, self.seed, "test", language)
        known = self._controls[language]
        begin = int(dice.random() * len(known))
        return known[begin:] + known[:begin]

    def _unlike(self, rule: HouseRule, other: HouseRule, example: Example) -> bool:
        """Would obeying the other rule leave this one broken?"""
        if (rule.family, rule.values) == (other.family, other.values):
            return False
        if self.world.scope_of(other, example.prompt) != "in":
            return rule.family != other.family
        return not self.world.shows(rule, example.prompt, self.world.obey(other, example))

    def _not_here(self, other: HouseRule, example: Example) -> bool:
        shown = self.world.shows(other, example.prompt, example.target or "")
        return other.when != ALWAYS and not shown and self.world.scope_of(other, example.prompt) != "in"
