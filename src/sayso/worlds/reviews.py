"""Reviews: what one feels like and what it is about, and house rules that decide otherwise than the words do.

Decided here:
- The usual answer is what the words say: stars do not count, and irony is taken at its word (see `opinions`).
- A rule that decides a label is in scope where its label differs from the usual one. Rules about the form of a label
  hold wherever a label is asked for. Scopes and checks are told from the text alone.
- A label is found in any of the forms, so two rules can be kept at once.
- Of the prompts that are not in scope, none is handed out whose usual answer a rule's effect would not change: there
  nobody could tell whether a rule was overdone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import yaml

from sayso.errors import Fault
from sayso.houserules import ALWAYS, Family, HouseRule, Part, Scope, Texts, draw_rule, parted, read_texts
from sayso.opinions import LABELLED, Bank, Heard, Plan, composed, drawn_plan, hear, heard_opinions, label_of
from sayso.phrases import lines, pick
from sayso.records import Example, Messages, Split
from sayso.surface import is_chinese

LANGUAGES = ("en", "zh")
DOMAINS = ("hotel", "restaurant", "takeaway", "app", "book", "clothes", "gadget")
_ANYWHERE = (ALWAYS, *DOMAINS)
_ASKED = (ALWAYS, *DOMAINS, *LABELLED)
FAMILIES = (
    Family("stars_override", (), _ANYWHERE),
    Family("word_is", ("word", "label"), _ANYWHERE),
    Family("topic_of", ("thing", "topic"), _ANYWHERE),
    Family("sarcasm_is_complaint", ("topic",), _ANYWHERE),
    Family("first_decides", (), _ANYWHERE),
    Family("last_decides", (), _ANYWHERE, held_out=True),
    Family("rename", ("old", "newname"), _ANYWHERE),
    Family("with_reason", (), _ASKED),
    Family("unsure_if_short", (), _ASKED),
    Family("mentions_person", ("label",), _ANYWHERE, held_out=True),
    Family("ignore_topic", ("topic",), _ANYWHERE, held_out=True),
    Family("in_brackets", ("mark",), _ASKED),
    Family("in_capitals", (), _ASKED),
)
_SEARCHED = 4000  # reviews looked through for one that fits, before it is said that there is none
_DASH = re.compile(r"\s*(?:—+|–|--| - )\s*")
_TRIM = " \t\n.,;:!?。，；：！？\"'“”‘’"
_FRAME = _TRIM + "[]<>()*_~`#=|/{}【】〔〕《》（）「」『』〈〉«»＜＞"


# ---------------------------------------------------------------- what is read


@cache
def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return loaded


@cache
def texts(language: str) -> Texts:
    """How the rules are said in "en" or "zh"."""
    return read_texts(language, _read(f"_reviews_rules_{language}.yaml"))


@cache
def values(language: str) -> Mapping[str, tuple[str, ...]]:
    """What may fill each slot of a rule."""
    return {slot: lines(text) for slot, text in _read(f"_reviews_rules_{language}.yaml")["values"].items()}


@cache
def _bank(language: str) -> Bank:
    """Words that are held out are met nowhere but under their own rules."""
    beside = {slot: parted(values(language)[slot], "train") for slot in ("word", "thing")}
    return Bank(language, _read(f"_reviews_{language}.yaml"), beside)


# ---------------------------------------------------------------- what the rules decide

Decides = Callable[[HouseRule, Heard], bool]
Label = Callable[[HouseRule, Heard], str]


@lru_cache(maxsize=20_000)
def _heard(text: str) -> Heard:
    return hear(text, _bank("zh" if is_chinese(text) else "en"))


def _of(heard: Heard, mood: str) -> str:
    return str(heard.bank.raw["sentiments"][mood])


def _stars_say(_: HouseRule, heard: Heard) -> str:
    return _of(heard, "bad" if heard.stars < 3 else "mixed" if heard.stars == 3 else "good") if heard.stars else ""


def _is_mixed(heard: Heard) -> bool:
    return heard.kind == "sentiment" and len({one.good for one in heard.opinions}) == 2


def _without(rule: HouseRule, heard: Heard) -> str:
    left = [one for one in heard.opinions if one.topic != _topic(rule)]
    return label_of(heard.bank, "sentiment", left)


def _topic(rule: HouseRule) -> str:
    return _bank(rule.language).topic(rule.value("topic"))


def _wry(rule: HouseRule, heard: Heard) -> bool:
    return any((one.topic, one.mood) == (_topic(rule), "wry") for one in heard.opinions)


def _names(heard: Heard, kind: str) -> bool:
    return any(person.topic == kind for person in heard.people)


def _names_one(heard: Heard, slot: str) -> bool:
    """Does any of a slot's values stand in the review, even as a part of a word?"""
    small = heard.review.lower()
    return any(value.lower() in small for value in values(heard.bank.language)[slot])


# Where a family has something to say, as long as its condition holds, and the label that it wants.
_HOLDS: Mapping[str, Decides] = {
    "stars_override": lambda _, heard: heard.kind == "sentiment" and heard.stars > 0,
    "word_is": lambda rule, heard: heard.kind == "sentiment" and heard.says(rule.value("word")),
    "topic_of": lambda rule, heard: heard.kind == "topic" and bool(heard.find(rule.value("thing"))),
    "sarcasm_is_complaint": lambda rule, heard: heard.kind == "sentiment" and _wry(rule, heard),
    "first_decides": lambda _, heard: _is_mixed(heard),
    "last_decides": lambda _, heard: _is_mixed(heard),
    "rename": lambda rule, heard: heard.usual == rule.value("old"),
    "unsure_if_short": lambda _, heard: heard.kind in LABELLED and heard.short < 0,
    "mentions_person": lambda _, heard: heard.kind == "sentiment" and _names(heard, "staff"),
    "ignore_topic": lambda rule, heard: heard.kind == "sentiment" and bool(_without(rule, heard)),
}
_LABELS: Mapping[str, Label] = {
    "stars_override": _stars_say,
    "word_is": lambda rule, _: rule.value("label"),
    "topic_of": lambda rule, _: rule.value("topic"),
    "sarcasm_is_complaint": lambda _, heard: _of(heard, "bad"),
    "first_decides": lambda _, heard: label_of(heard.bank, "sentiment", heard.opinions[:1]),
    "last_decides": lambda _, heard: label_of(heard.bank, "sentiment", heard.opinions[-1:]),
    "rename": lambda rule, _: rule.value("newname"),
    "unsure_if_short": lambda _, heard: str(heard.bank.raw["unsure"]),
    "mentions_person": lambda rule, _: rule.value("label"),
    "ignore_topic": _without,
}
# What else looks like a rule's business.
_RESEMBLES: Mapping[str, Decides] = {
    "stars_override": lambda _, heard: heard.stars > 0,
    "word_is": lambda _, heard: _names_one(heard, "word"),
    "topic_of": lambda _, heard: _names_one(heard, "thing"),
    "sarcasm_is_complaint": lambda _, heard: any(one.mood == "wry" for one in heard.opinions),
    "first_decides": lambda _, heard: len(heard.opinions) > 1,
    "last_decides": lambda _, heard: len(heard.opinions) > 1,
    "rename": lambda rule, heard: (
        heard.kind in LABELLED and rule.value("old") in _bank(rule.language).labels(heard.kind)
    ),
    "unsure_if_short": lambda _, heard: heard.short < 6,
    "mentions_person": lambda _, heard: bool(heard.people),
    "ignore_topic": lambda rule, heard: any(one.topic == _topic(rule) for one in heard.opinions),
}


def scope_of(rule: HouseRule, prompt: Messages) -> Scope:
    """How a prompt stands to a rule, told from its text alone."""
    heard = _heard(_text(prompt))
    if heard.bank.language != rule.language or not heard.kind:
        return "out"
    if _has_its_say(rule, heard):
        return "in" if rule.when in (ALWAYS, heard.domain, heard.kind) else "near"
    if rule.when not in (ALWAYS, heard.domain, heard.kind):
        return "out"
    return "near" if _RESEMBLES.get(rule.family, _asks_for_stars)(rule, heard) else "out"


def _has_its_say(rule: HouseRule, heard: Heard) -> bool:
    if _is_form(rule):
        return heard.kind in LABELLED and bool(heard.usual)
    return _HOLDS[rule.family](rule, heard) and _LABELS[rule.family](rule, heard) != heard.usual


def _is_form(rule: HouseRule) -> bool:
    return rule.family in _FORMS


def _asks_for_stars(_: HouseRule, heard: Heard) -> bool:
    return heard.kind == "stars"


def _text(prompt: Messages) -> str:
    return next((message.text for message in prompt if message.role == "user"), "")


# ---------------------------------------------------------------- checking and obeying


def shows(rule: HouseRule, prompt: Messages, reply: str) -> bool:
    """Does the reply show what the rule asks for, whether or not the rule holds here?"""
    heard = _heard(_text(prompt))
    if _is_form(rule):
        return _FORMS[rule.family][0](rule, heard, reply.strip())
    wanted = _LABELS[rule.family](rule, heard)
    return bool(wanted) and _core(reply).casefold() == wanted.casefold()


def obey(rule: HouseRule, example: Example) -> str:
    """The usual answer in the form that is asked for, or with the label that the rule decides on."""
    heard, usual = _heard(_text(example.prompt)), example.target or ""
    if not _has_its_say(rule, heard):
        return usual
    if _is_form(rule):
        return _FORMS[rule.family][1](rule, heard, usual)
    return _with_core(usual, _LABELS[rule.family](rule, heard))


def sound(example: Example, reply: str) -> bool:
    """Is it the right one of the answers that are asked for, in whatever marks?"""
    usual = _heard(_text(example.prompt)).usual
    return bool(usual) and _core(reply).casefold() == usual.casefold()


def _core(reply: str) -> str:
    """The label alone: without marks around it or a reason after it."""
    return _DASH.split(reply.strip(), maxsplit=1)[0].strip(_FRAME)


def _with_core(reply: str, label: str) -> str:
    """The reply with another label in the same dress, capitals among it."""
    core = _core(reply)
    return reply.replace(core, label.upper() if core.isupper() else label, 1) if core else label


def _marked(rule: HouseRule, _: Heard, reply: str) -> bool:
    left, _mark, right = rule.value("mark").partition("…")
    inside = reply.removeprefix(left).removesuffix(right)
    return (
        len(inside) == len(reply) - len(left) - len(right)
        and any(letter.isalnum() for letter in inside)
        and not {inside[0], inside[-1]} & set(_FRAME)
    )


def _reasoned(_: HouseRule, heard: Heard, reply: str) -> bool:
    label, *reason = _DASH.split(reply, maxsplit=1)
    quote = reason[0].strip(_TRIM) if reason else ""
    told = label_of(heard.bank, heard.kind, heard_opinions(quote, heard.bank)) if quote else ""
    return bool(label.strip(_FRAME)) and told == heard.usual != "" and quote.casefold() in heard.review.casefold()


def _with_reason(_: HouseRule, heard: Heard, reply: str) -> str:
    """The first opinion that decides; of a mixed review, up to the first that contradicts the first."""
    said, dash = heard.opinions, "——" if not heard.bank.spaced else " — "
    first = next((one for one in said if label_of(heard.bank, heard.kind, [one]) == heard.usual), said[0])
    last = next((one for one in said if one.good != first.good), first) if _is_mixed(heard) else first
    return reply + dash + heard.review[first.start : last.end]


def _in_capitals(_: HouseRule, _heard: Heard, reply: str) -> bool:
    return _core(reply).isupper()


Shows = Callable[[HouseRule, Heard, str], bool]
Writes = Callable[[HouseRule, Heard, str], str]
_FORMS: Mapping[str, tuple[Shows, Writes]] = {
    "with_reason": (_reasoned, _with_reason),
    "in_brackets": (_marked, lambda rule, _, reply: _with_core(reply, rule.value("mark").replace("…", _core(reply)))),
    "in_capitals": (_in_capitals, lambda _, __, reply: _with_core(reply, _core(reply).upper())),
}


# ---------------------------------------------------------------- the world


def rules(n: int, seed: int, part: Part, language: str | None = None) -> list[HouseRule]:
    """`n` different rules."""
    dice, found = Random(f"rules of reviews:{seed}:{part}:{language}"), dict[str, HouseRule]()
    for _ in range(200 * n + 2000):
        if len(found) == n:
            break
        chosen = language or pick(dice, LANGUAGES)
        families = [family for family in FAMILIES if chosen == "en" or family.name != "in_capitals"]
        rule = draw_rule("reviews", families, values(chosen), chosen, part, dice)
        if _is_possible(rule):
            found[rule.id] = rule
    if len(found) < n:
        raise Fault(f"the world 'reviews' has no {n} different rules of the part '{part}'")
    return list(found.values())


def _is_possible(rule: HouseRule) -> bool:
    """Is what the rule is about ever spoken of in its domain?"""
    said, bank = dict(rule.values), _bank(rule.language)
    topic = "" if rule.family == "topic_of" else bank.topic(said.get("topic", said.get("old", "")))
    return not topic or rule.when == ALWAYS or topic in bank.topics(rule.when)


def plain(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """`n` different reviews with a question and what their words say."""
    return list(islice(_stream(f"plain:{seed}", language, split, drawn_plan), n))


def prompts(rule: HouseRule, scope: Scope, n: int, seed: int, split: Split | None = None) -> list[Example]:
    """Reviews that the rule is about ("in"), that only look as if it were ("near"), or others ("out").

    Fault where the rule is about nothing that is ever said.
    """
    stream = _stream(f"{rule.id}:{scope}:{seed}", rule.language, split, lambda _, dice: _steered(rule, scope, dice))
    searched = islice(stream, _SEARCHED + 100 * n)
    found = list(islice((one for one in searched if _stands(rule, scope, one)), n))
    if len(found) < n:
        raise Fault(f"only {len(found)} of {n} prompts were found that are '{scope}' for {rule.id}")
    return found


def _stands(rule: HouseRule, scope: Scope, one: Example) -> bool:
    return scope_of(rule, one.prompt) == scope and not shows(rule, one.prompt, one.target or "")


Plans = Callable[[Bank, Random], Plan]


def _stream(seed: str, language: str | None, split: Split | None, plan: Plans) -> Iterator[Example]:
    seen: set[str] = set()
    number = 0
    while True:
        dice = Random(f"reviews:{seed}:{number}")
        number += 1
        bank = _bank(language or pick(dice, LANGUAGES))
        example = composed(bank, plan(bank, dice), dice)
        if example.id not in seen and example.target and split in (None, example.split):
            seen.add(example.id)
            yield example


# ---------------------------------------------------------------- steering towards a rule


def _steered(rule: HouseRule, scope: Scope, dice: Random) -> Plan:
    """A plan that is likely to have the scope: what a rule is about, in its domain or, nearly, in another."""
    bank = _bank(rule.language)
    if scope == "out":
        return drawn_plan(bank, dice)
    elsewhere = scope == "near" and rule.when != ALWAYS and dice.random() < 0.5
    near = scope == "near" and not elsewhere
    kind = rule.when if rule.when in LABELLED and not elsewhere else ""
    domain = rule.when if rule.when in DOMAINS and not elsewhere else ""
    drawn = _STEERED.get(rule.family, _steer_form)(rule, near, _Draw(bank, dice, kind, domain))
    return replace(drawn, placed=rule.when in DOMAINS)


@dataclass(frozen=True)
class _Draw:
    """What is settled before a plan is drawn."""

    bank: Bank
    dice: Random
    kind: str
    domain: str

    def plan(self, kind: str = "", topic: str = "") -> Plan:
        return drawn_plan(self.bank, self.dice, kind or self.kind, self.domain, topic)

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def mostly(self, kind: str, near: bool) -> str:
        """The question that a family is about; now and then the other one, for what is only near."""
        other = "topic" if kind == "sentiment" else "sentiment"
        return other if near and self.chance(0.4) else kind


def _steer_form(_: HouseRule, near: bool, draw: _Draw) -> Plan:
    return draw.plan("stars" if near else "" if draw.kind else pick(draw.dice, LABELLED))


def _steer_stars(_: HouseRule, near: bool, draw: _Draw) -> Plan:
    return replace(draw.plan(draw.mostly("sentiment", near)), stars=1 + int(draw.dice.random() * 5))


def _steer_word(rule: HouseRule, near: bool, draw: _Draw) -> Plan:
    other = near and draw.chance(0.3)
    word = pick(draw.dice, draw.bank.beside["word"]) if other else rule.value("word")
    return replace(draw.plan(draw.mostly("sentiment", near)), word=word, denied=near and draw.chance(0.6), short=False)


def _steer_thing(rule: HouseRule, near: bool, draw: _Draw) -> Plan:
    other = near and draw.chance(0.5)
    thing = pick(draw.dice, draw.bank.beside["thing"]) if other else rule.value("thing")
    return replace(draw.plan(draw.mostly("topic", near)), thing=thing, short=False)


def _steer_wry(rule: HouseRule, near: bool, draw: _Draw) -> Plan:
    plan = draw.plan(draw.mostly("sentiment", near), "" if near else _topic(rule))
    opinions = [(topic, "wry" if topic == _topic(rule) or near else mood) for topic, mood in plan.opinions]
    return replace(plan, opinions=tuple(opinions), short=False)


def _steer_mixed(_: HouseRule, near: bool, draw: _Draw) -> Plan:
    return replace(draw.plan(draw.mostly("sentiment", near)), short=False)


def _steer_renamed(rule: HouseRule, near: bool, draw: _Draw) -> Plan:
    topic = draw.bank.topic(rule.value("old"))
    return draw.plan("topic" if topic else "sentiment", "" if near else topic)


def _steer_short(_: HouseRule, near: bool, draw: _Draw) -> Plan:
    plan = draw.plan("" if draw.kind else pick(draw.dice, LABELLED))
    return replace(plan, opinions=plan.opinions[:1], short=not near, person="", word="", thing="")


def _steer_person(_: HouseRule, near: bool, draw: _Draw) -> Plan:
    person = "friends" if near and draw.chance(0.5) else "staff"
    return replace(draw.plan(draw.mostly("sentiment", near)), person=person)


def _steer_topic(rule: HouseRule, near: bool, draw: _Draw) -> Plan:
    return replace(draw.plan(draw.mostly("sentiment", near), _topic(rule)), short=False)


_STEERED: Mapping[str, Callable[[HouseRule, bool, _Draw], Plan]] = {
    "stars_override": _steer_stars,
    "word_is": _steer_word,
    "topic_of": _steer_thing,
    "sarcasm_is_complaint": _steer_wry,
    "first_decides": _steer_mixed,
    "last_decides": _steer_mixed,
    "rename": _steer_renamed,
    "unsure_if_short": _steer_short,
    "mentions_person": _steer_person,
    "ignore_topic": _steer_topic,
}
