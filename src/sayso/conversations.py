"""Conversations composed from a phrase bank: messages from people who want something, each with a desk's usual reply.

Decided here:
- A conversation is a scene (one product, one day, one name ...) told by templates with choices in them; slots are
  filled once per conversation, parts are drawn anew each time they are met.
- The same seed gives the same bytes on every machine: everything is drawn with random.Random seeded by a text.
- A message belongs to a split by the hash of its skeleton (the text before slots are filled), so no two splits share a
  way of saying something, whatever the seeds.
- Of the things that a message may name (`echoed`) a reply names only those that were named.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from sayso.phrases import Grammar, capitals, fill, lines, pick, slots
from sayso.records import Example, Split, user

_FACES = {"negative": ("😡", "😞", "🙄"), "neutral": ("🙏", "🙂", "🤔"), "positive": ("😊", "🎉", "❤️")}
_CROSS = {"negative": 0.5, "neutral": 0.13, "positive": 0.0}


@dataclass(frozen=True)
class Line:
    """A template; `topic` says which of an intent's questions it asks or answers, "" for any."""

    topic: str
    text: str


@dataclass(frozen=True)
class Intent:
    """What somebody may want: how it is said, how it is heard, how the desk replies."""

    name: str
    mood: str
    heard: re.Pattern[str]
    says: tuple[Line, ...]
    replies: tuple[Line, ...]


@dataclass(frozen=True)
class Bank:
    """One language: slots, parts, intents; which slots a reply only echoes, and which intents are about an order."""

    language: str
    grammar: Grammar
    slots: Mapping[str, tuple[str, ...]]
    intents: Mapping[str, Intent]
    typos: Mapping[str, str]
    echoed: frozenset[str]
    about_orders: frozenset[str]


def read_bank(language: str, raw: Mapping[str, Any]) -> Bank:
    """A bank from loaded YAML."""
    values, parts = ({k: lines(v) for k, v in raw[kind].items()} for kind in ("slots", "parts"))
    intents = {name: _intent(name, **words) for name, words in raw["intents"].items()}
    echoed, about_orders = (frozenset(raw[key].split()) for key in ("echoed", "about_orders"))
    return Bank(language, Grammar(parts, raw["spaced"]), values, intents, raw["typos"], echoed, about_orders)


def _intent(name: str, heard: str, says: str, replies: str, mood: str = "neutral") -> Intent:
    says_lines, reply_lines = (tuple(map(read_line, lines(text))) for text in (says, replies))
    return Intent(name, mood, re.compile(heard, re.I), says_lines, reply_lines)


def read_line(text: str) -> Line:
    """A template with the topic that stands before "> "."""
    topic, mark, template = text.partition("> ")
    return Line(topic, template) if mark else Line("", text)


def conversation(bank: Bank, intents: tuple[str, ...], dice: Random) -> Example:
    """A message of one of the intents (any, where none is named) with the usual reply; meta tells the scene."""
    intent = bank.intents[pick(dice, intents or tuple(bank.intents))]
    scene = drawn_scene(bank, dice)
    asked = pick(dice, intent.says)
    core = bank.grammar.expand(asked.text, dice)
    skeleton, sentiment = _message(intent, core, bank, dice)
    text = fill(_styled(skeleton, sentiment, bank, dice), scene)
    text = text[0].upper() + text[1:] if skeleton.startswith("{") and bank.grammar.spaced else text
    meta = {"language": bank.language, "intent": intent.name, "sentiment": sentiment, "topic": asked.topic}
    meta["product"] = scene["product" if "{product}" in core else "wearable"]
    reply = bank.grammar.write(_reply(intent, Line(asked.topic, core), bank, dice), scene)
    return Example(name_of(text), user(text), reply, split_of(skeleton), 0, meta)


def stream(
    banks: Mapping[str, Bank], seed: str, language: str | None = None, intents: tuple[str, ...] = ()
) -> Iterator[Example]:
    """Conversations without end and without the same message twice."""
    seen: set[str] = set()
    number = 0
    while True:
        dice = Random(f"{seed}:{number}")
        number += 1
        example = conversation(banks[language or pick(dice, tuple(banks))], intents, dice)
        if example.id not in seen:
            seen.add(example.id)
            yield example


def name_of(text: str) -> str:
    """An example's id: two messages with the same words are the same."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def split_of(skeleton: str) -> Split:
    """Eight in ten ways of saying something are for training, one each for validation and test."""
    place = int(hashlib.sha256(skeleton.lower().encode()).hexdigest()[:8], 16) % 100
    return "train" if place < 80 else "validation" if place < 90 else "test"


def drawn_scene(bank: Bank, dice: Random) -> dict[str, str]:
    """One value for every slot; product2 and its like differ from the first."""
    scene = {name: pick(dice, values) for name, values in bank.slots.items()}
    for name in ("product", "colour", "size", "day"):
        scene[f"{name}2"] = pick(dice, [value for value in bank.slots[name] if value != scene[name]])
    return scene | {"order": pick(dice, ("MP-", "MP", "#", "")) + str(10000 + int(dice.random() * 90000))}


def _message(intent: Intent, core: str, bank: Bank, dice: Random) -> tuple[str, str]:
    """A message's skeleton around its core, and its sentiment."""

    def perhaps(share: float, part: str) -> str:
        return bank.grammar.expand("{" + part + "}", dice) if dice.random() < share else ""

    hello = perhaps(0.55, "hello")
    cross = perhaps(_CROSS[intent.mood], "negative")
    fond = "" if cross or intent.mood != "neutral" else perhaps(0.15, "positive")
    order = perhaps(0.35, "order_note") if intent.name in bank.about_orders else ""
    about = [core, order] if dice.random() < 0.8 else [order, core]
    body = [fond, *about, perhaps(0.22, "aside"), cross] if dice.random() < 0.7 else [cross, fond, *about]
    bye, signature = perhaps(0.35, "bye"), perhaps(0.35, "signature")
    if bye.endswith(",") and not signature:
        bye = bye[:-1] + "."
    sentiment = "negative" if cross else "positive" if fond else intent.mood
    text = bank.grammar.join([hello, *body, bye]) + (f"\n{signature}" if signature else "")
    return text, sentiment


def _styled(skeleton: str, sentiment: str, bank: Bank, dice: Random) -> str:
    """As typed: some in a hurry, some with a slip, some with an emoji."""
    body, _, signature = skeleton.partition("\n")
    hurried = dice.random() < 0.12
    if hurried:
        body = body.rstrip(".。").replace("，", " ") if not bank.grammar.spaced else body.rstrip(".").lower()
    elif bank.grammar.spaced:
        body = capitals(body)
    if dice.random() < 0.15:
        slips = [pair for pair in bank.typos.items() if pair[0] in body]
        body = body.replace(*slips[int(dice.random() * len(slips))], 1) if slips else body
    if dice.random() < 0.08:
        body += " " * bank.grammar.spaced + pick(dice, _FACES[sentiment])
    return body + (f"\n{signature}" if signature else "")


def _reply(intent: Intent, asked: Line, bank: Bank, dice: Random) -> str:
    """What the desk says before it knows the house rules: on the topic, about things that were mentioned."""
    pieces = [bank.grammar.expand("{ack}", dice) if dice.random() < 0.3 else ""]
    if intent.mood == "negative" and dice.random() < 0.15:
        pieces.append(bank.grammar.expand("{sorry}", dice))
    pieces.append(bank.grammar.expand(pick(dice, answers(intent, asked, bank)).text, dice))
    if dice.random() < 0.3 and intent.name != "thanks":
        pieces.append(bank.grammar.expand("{offer}", dice))
    return bank.grammar.join(pieces if intent.name != "thanks" else pieces[-1:])


def answers(intent: Intent, asked: Line, bank: Bank) -> list[Line]:
    """The replies that answer this question and echo nothing that was not said."""
    unsaid = bank.echoed - set(slots(asked.text))
    return [r for r in intent.replies if r.topic in ("", asked.topic) and not unsaid & set(slots(r.text))]
