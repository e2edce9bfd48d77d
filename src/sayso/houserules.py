"""House rules: what a world asks for that a model cannot know, and the many ways in which people say it.

Decided here:
- A rule is a family (what kind of thing is asked for), the family's slots filled with values, and a `when` (the
  condition under which it holds; "always" for none). Thousands of rules come of a few dozen families.
- What is held out from pretraining is decided by content alone, so that no list has to be kept in step: a family says
  so itself; of a slot's values, of the pairings of family and condition, and of the paraphrases of one block of text,
  the fifth whose hash is smallest.
- A comment is a template with its slots filled. It may name the condition or leave it out, as people do who speak of
  the one answer before them; a statement (what is said beforehand) always names it.
- Templates are those of `phrases`; "{When}" in a frame is the condition with a capital, "{sentence}" the rule with the
  stop that a hasty comment leaves out, for frames that go on after it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Literal, TypeVar

from sayso.errors import Fault
from sayso.phrases import Grammar, fill, lines, pick, uncapped
from sayso.surface import units

Part = Literal["train", "test"]
Scope = Literal["in", "near", "out"]
Novelty = Literal["nothing", "values", "pairing", "family"]
ALWAYS = "always"
HELD_OUT_SHARE = 0.2
_STOPPED = re.compile(r"[.!?。！？][)）\"”」’]?$")
T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of rule. `slots` are the names of its values, `whens` the conditions it makes sense under."""

    name: str
    slots: tuple[str, ...] = ()
    whens: tuple[str, ...] = (ALWAYS,)
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class HouseRule:
    """One rule of one world, in one language. `novelty` says what of it no pretraining has seen."""

    world: str
    family: str
    language: str
    when: str = ALWAYS
    values: tuple[tuple[str, str], ...] = ()
    novelty: Novelty = "nothing"

    @property
    def id(self) -> str:
        """A name that reads as what it is: shop_desk/begin_with(phrase=Dear friend)@refund/en."""
        values = ",".join(f"{slot}={value}" for slot, value in self.values)
        return f"{self.world}/{self.family}({values})@{self.when}/{self.language}"

    def value(self, slot: str) -> str:
        """What fills a slot. Fault where the family has no such slot."""
        for name, value in self.values:
            if name == slot:
                return value
        raise Fault(f"{self.id} has no slot '{slot}'")


def place(text: str) -> int:
    """A number that depends on the text alone, the same on every machine."""
    return int(hashlib.sha256(text.encode("utf-8")).hexdigest()[:12], 16)


def parted(options: Iterable[T], part: Part) -> tuple[T, ...]:
    """The options of one part, in their order: the fifth with the smallest hashes is for testing (of one, none)."""
    given = tuple(dict.fromkeys(options))
    held_out = set(sorted(given, key=place)[: round(HELD_OUT_SHARE * len(given))])
    return tuple(option for option in given if (option in held_out) == (part == "test"))


@dataclass(frozen=True)
class Texts:
    """One language of one world: how its rules are said. Read from YAML by the world (see `read_texts`).

    `states` and `comments` hold a block of templates by family, `whens` phrases by condition ("when somebody asks for
    a refund"), `frames` the ways to join a condition and a rule ("{When}: {body}", "{body} That goes for {when}.").
    """

    language: str
    grammar: Grammar
    states: Mapping[str, tuple[str, ...]]
    comments: Mapping[str, tuple[str, ...]]
    whens: Mapping[str, tuple[str, ...]]
    frames: tuple[str, ...]

    def statement(self, rule: HouseRule, dice: Random, part: Part) -> str:
        """The rule as a desk is told it beforehand, with its condition."""
        body = self._said(self.states[rule.family], rule, dice, part)
        return self._framed(body, rule, dice, part)

    def comment(self, rule: HouseRule, dice: Random, part: Part, framed: float = 0.4) -> str:
        """What somebody says of an answer that breaks the rule; names the condition in a share `framed` of cases."""
        body = self._said(self.comments[rule.family], rule, dice, part)
        return self._framed(body, rule, dice, part) if dice.random() < framed else body

    def _said(self, templates: Sequence[str], rule: HouseRule, dice: Random, part: Part) -> str:
        chosen = pick(dice, self._parts[templates, part])
        return fill(self.grammar.expand(chosen, dice), dict(rule.values))

    def _framed(self, body: str, rule: HouseRule, dice: Random, part: Part) -> str:
        if rule.when == ALWAYS:
            return body
        when = self.grammar.expand(pick(dice, self._parts[self.whens[rule.when], part]), dice)
        after_colon = uncapped(body) if self.grammar.spaced else body
        stop = "" if _STOPPED.search(body) else "." if self.grammar.spaced else "。"
        words = {"when": when, "When": when[:1].upper() + when[1:], "body": body, "rest": after_colon}
        words["sentence"] = body + stop
        return fill(self.grammar.expand(pick(dice, self.frames), dice), words)

    @cached_property
    def _parts(self) -> _Parted:
        return _Parted()


class _Parted(dict[tuple[Sequence[str], Part], tuple[str, ...]]):
    """Templates by part, worked out once. A block too short to be parted serves both."""

    def __missing__(self, key: tuple[Sequence[str], Part]) -> tuple[str, ...]:
        templates, part = key
        self[key] = parted(templates, part) or tuple(templates)
        return self[key]


def read_texts(language: str, raw: Mapping[str, object]) -> Texts:
    """Texts from loaded YAML: `spaced`, `parts`, `whens`, `frames`, and `families` with `states` and `comments`."""

    def block(mapping: object) -> dict[str, tuple[str, ...]]:
        return {str(name): lines(str(text)) for name, text in dict(mapping or {}).items()}  # type: ignore[call-overload]

    families: Mapping[str, Mapping[str, str]] = raw["families"]  # type: ignore[assignment]
    return Texts(
        language,
        Grammar(block(raw.get("parts")), bool(raw["spaced"])),
        {name: lines(words["states"]) for name, words in families.items()},
        {name: lines(words["comments"]) for name, words in families.items()},
        block(raw["whens"]),
        lines(str(raw["frames"])),
    )


def draw_rule(
    world: str,
    families: Sequence[Family],
    values: Mapping[str, Sequence[str]],
    language: str,
    part: Part,
    dice: Random,
) -> HouseRule:
    """One rule. In "train" nothing of it is held out; in "test" exactly one thing is new, evenly among what can be.

    `values` are the slots' values in this language. A family without slots and conditions can only be new as a whole.
    """
    if part == "train":
        family = pick(dice, [family for family in families if not family.held_out])
        return _filled(world, family, values, language, "nothing", dice)
    novelty: Novelty = pick(dice, ("values", "pairing", "family"))
    fitting = [family for family in families if _can_be_new(family, novelty)]
    if not fitting:
        return draw_rule(world, families, values, language, part, dice)
    return _filled(world, pick(dice, fitting), values, language, novelty, dice)


def _can_be_new(family: Family, novelty: Novelty) -> bool:
    if family.held_out or novelty == "family":
        return family.held_out and novelty == "family"
    return bool(family.slots) if novelty == "values" else bool(_pairings(family, "test"))


def _pairings(family: Family, part: Part) -> tuple[str, ...]:
    """The conditions of one part: the hash is of the pairing, so each family holds out other conditions."""
    if len(family.whens) < 4:
        return family.whens if part == "train" else ()
    held_out = {pair.partition("@")[2] for pair in parted((f"{family.name}@{when}" for when in family.whens), "test")}
    return tuple(when for when in family.whens if (when in held_out) == (part == "test"))


def _filled(
    world: str, family: Family, values: Mapping[str, Sequence[str]], language: str, novelty: Novelty, dice: Random
) -> HouseRule:
    whens = family.whens if novelty == "family" else _pairings(family, "test" if novelty == "pairing" else "train")
    chosen: list[tuple[str, str]] = []
    for slot in family.slots:
        options = values[slot]
        if novelty != "family":
            options = parted(options, "test" if novelty == "values" else "train") or options
        taken = {value for _, value in chosen}
        free = [value for value in options if value not in taken] or [v for v in values[slot] if v not in taken]
        chosen.append((slot, pick(dice, free)))
    return HouseRule(world, family.name, language, pick(dice, whens), tuple(chosen), novelty)


def kept_share(attempt: str, expected: str, reply: str) -> float:
    """Of what the expected revision keeps of the attempt, the share that the reply keeps too; 1 where that is nothing.

    Counted in units (words, or characters of Chinese), each as often as it occurs.
    """
    common = Counter(units(attempt.casefold())) & Counter(units(expected.casefold()))
    kept = common & Counter(units(reply.casefold()))
    return kept.total() / common.total() if common else 1.0
