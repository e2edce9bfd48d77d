"""The shop desk: customers' messages, the desk's replies, and house rules that a check can tell exactly.

Decided here:
- Texts are composed from phrase banks that were written in each language for itself; nothing is translated. A
  conversation is a scene (one product, one day, one name ...) told by templates with choices in them.
- The same seed gives the same bytes on every machine: everything is drawn with random.Random seeded by a text.
- A message belongs to a split by the hash of its skeleton (the text before slots are filled), so no two splits share a
  way of saying something, whatever the seeds.
- What a message is about is heard from its text alone, and so are the rules' conditions: `check` needs no memory of
  how a message was made, and works for messages that people write.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml

from sayso.errors import UserError, nearest
from sayso.phrases import Grammar, capitals, fill, lines, pick, slots
from sayso.records import Example, Message, Messages, Split, user
from sayso.surface import is_chinese
from sayso.wording import with_comment

LANGUAGES = ("en", "zh")
SENTIMENTS = ("negative", "neutral", "positive")
Scope = Literal["in", "near", "out"]

_SENTENCE_END = re.compile(r"[.!?。！？…~]+(?=\s|$|[^\x00-\x7f])|\n+")
_ECHOED = ("product", "product2", "wearable", "colour2", "size", "size2", "city")
_WITH_ORDER = ("charged", "missing", "damaged", "wrong", "late", "cancel", "exchange", "refund", "invoice", "when")


# ---------------------------------------------------------------- the banks


@dataclass(frozen=True)
class Line:
    """A template; `topic` says which of an intent's questions it asks or answers, "" for any."""

    topic: str
    text: str


@dataclass(frozen=True)
class Intent:
    """What a customer may want: how it is said, how it is heard, how the desk replies."""

    name: str
    mood: str
    heard: re.Pattern[str]
    says: tuple[Line, ...]
    replies: tuple[Line, ...]


@dataclass(frozen=True)
class Bank:
    """One language: slots are chosen once per conversation, parts anew each time."""

    language: str
    grammar: Grammar
    slots: Mapping[str, tuple[str, ...]]
    intents: Mapping[str, Intent]
    typos: Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """A house rule: the intents it holds for, those that only look like it, and its words by language."""

    name: str
    how: str
    intents: tuple[str, ...]
    near: tuple[str, ...]
    states: Mapping[str, tuple[str, ...]]
    comments: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, tuple[str, ...]]


def rules() -> tuple[str, ...]:
    """The names of the house rules."""
    return tuple(_rules())


def comments(rule: str, language: str) -> tuple[str, ...]:
    """What people say about a reply that breaks the rule."""
    return _rule(rule).comments[language]


def statements(rule: str, language: str) -> tuple[str, ...]:
    """The rule as the desk is told it beforehand."""
    return _rule(rule).states[language]


@cache
def _bank(language: str) -> Bank:
    raw = _read(f"_shop_desk_{language}.yaml")
    values, parts = ({k: lines(v) for k, v in raw[kind].items()} for kind in ("slots", "parts"))
    intents = {name: _intent(name, **words) for name, words in raw["intents"].items()}
    return Bank(language, Grammar(parts, raw["spaced"]), values, intents, raw["typos"])


def _intent(name: str, heard: str, says: str, replies: str, mood: str = "neutral") -> Intent:
    says_lines, reply_lines = (tuple(map(_line, lines(text))) for text in (says, replies))
    return Intent(name, mood, re.compile(heard, re.I), says_lines, reply_lines)


def _line(text: str) -> Line:
    topic, mark, template = text.partition("> ")
    return Line(topic, template) if mark else Line("", text)


@cache
def _rules() -> Mapping[str, Rule]:
    def words(raw: Mapping[str, Any], kind: str) -> dict[str, tuple[str, ...]]:
        return {language: lines(raw[language][kind]) for language in LANGUAGES}

    return {
        name: Rule(
            name,
            raw["how"],
            tuple(raw["intents"]) or tuple(_bank("en").intents),
            tuple(raw["near"]),
            *(words(raw, kind) for kind in ("states", "comments", "phrases")),
        )
        for name, raw in _read("_shop_desk_rules.yaml")["rules"].items()
    }


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """What the checks look for, in both languages: any line of that name."""
    return re.compile("|".join(lines(_read("_shop_desk_rules.yaml")["patterns"][name])), re.I)


def _rule(name: str) -> Rule:
    if name not in _rules():
        raise UserError(f"the shop desk has no rule '{name}'", fix=nearest(name, rules()))
    return _rules()[name]


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return loaded


# ---------------------------------------------------------------- drawing text


def _scene(bank: Bank, dice: Random) -> dict[str, str]:
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
    cross = perhaps({"negative": 0.5, "neutral": 0.13, "positive": 0.0}[intent.mood], "negative")
    fond = "" if cross or intent.mood != "neutral" else perhaps(0.15, "positive")
    order = perhaps(0.35, "order_note") if intent.name in _WITH_ORDER else ""
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
        faces = {"negative": ("😡", "😞", "🙄"), "neutral": ("🙏", "🙂", "🤔"), "positive": ("😊", "🎉", "❤️")}
        body += " " * bank.grammar.spaced + pick(dice, faces[sentiment])
    return body + (f"\n{signature}" if signature else "")


def _reply(intent: Intent, asked: Line, bank: Bank, dice: Random) -> str:
    """What the desk says before it knows the house rules: on the topic, about things that were mentioned."""
    unsaid = set(_ECHOED) - set(slots(asked.text))
    fitting = [r for r in intent.replies if r.topic in ("", asked.topic) and not unsaid & set(slots(r.text))]
    pieces = [bank.grammar.expand("{ack}", dice) if dice.random() < 0.3 else ""]
    if intent.mood == "negative" and dice.random() < 0.15:
        pieces.append(bank.grammar.expand("{sorry}", dice))
    pieces.append(bank.grammar.expand(pick(dice, fitting).text, dice))
    if dice.random() < 0.3 and intent.name != "thanks":
        pieces.append(bank.grammar.expand("{offer}", dice))
    return bank.grammar.join(pieces if intent.name != "thanks" else pieces[-1:])


# ---------------------------------------------------------------- conversations


def conversations(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """`n` different messages with the desk's usual reply; meta tells language, intent, sentiment and the scene."""
    return list(islice(_stream(f"conversations:{seed}", language, split), n))


def prompts(
    rule: str, scope: Scope, n: int, seed: int, language: str | None = None, split: Split | None = None
) -> list[Example]:
    """Messages that the rule is about ("in"), that only look as if it were ("near"), or of another kind ("out").

    A third of those of another kind ask for something else than a reply: the sentiment of a message.
    """
    dice = Random(f"prompts:{rule}:{seed}")
    where = {"in": _rule(rule).intents, "near": _rule(rule).near, "out": ()}
    stream = _stream(f"{rule}:{seed}", language, split, where[scope])
    asked = (_asked_for_sentiment(e, dice) if scope == "out" and dice.random() < 0.33 else e for e in stream)
    return list(islice((e for e in asked if scope_of(rule, e.prompt) == scope), n))


def sentiments(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """Messages with their sentiment as the target."""
    return [replace(e, target=e.meta["sentiment"]) for e in conversations(n, seed, language, split)]


def _stream(seed: str, language: str | None, split: Split | None, intents: tuple[str, ...] = ()) -> Iterator[Example]:
    seen: set[str] = set()
    number = 0
    while True:
        dice = Random(f"shop desk:{seed}:{number}")
        number += 1
        example = _example(_bank(language or pick(dice, LANGUAGES)), intents, dice)
        if example.id not in seen and split in (None, example.split):
            seen.add(example.id)
            yield example


def _example(bank: Bank, intents: tuple[str, ...], dice: Random) -> Example:
    intent = bank.intents[pick(dice, intents or tuple(bank.intents))]
    scene = _scene(bank, dice)
    asked = pick(dice, intent.says)
    core = bank.grammar.expand(asked.text, dice)
    skeleton, sentiment = _message(intent, core, bank, dice)
    text = fill(_styled(skeleton, sentiment, bank, dice), scene)
    text = text[0].upper() + text[1:] if skeleton.startswith("{") and bank.grammar.spaced else text
    meta = {"language": bank.language, "intent": intent.name, "sentiment": sentiment, "count": scene["count"]}
    meta["product"] = scene["product" if "{product}" in core else "wearable"]
    reply = bank.grammar.write(_reply(intent, Line(asked.topic, core), bank, dice), scene)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Example(name, user(text), reply, _split(skeleton), 0, meta)


def _split(skeleton: str) -> Split:
    place = int(hashlib.sha256(skeleton.lower().encode()).hexdigest()[:8], 16) % 100
    return "train" if place < 80 else "validation" if place < 90 else "test"


# ---------------------------------------------------------------- hearing what a message is about


def intent_of(text: str) -> str:
    """The intent of a customer's message; "" where none is heard, and where the message is only quoted for a label."""
    if all(label in text for label in SENTIMENTS):
        return ""
    intents = _bank(_language(text)).intents.values()
    return next((intent.name for intent in intents if intent.heard.search(text)), "")


def scope_of(rule: str, prompt: Messages) -> Scope:
    """How a conversation stands to a rule."""
    if applies(rule, prompt):
        return "in"
    return "near" if intent_of(_asked(prompt)) in _rule(rule).near else "out"


def applies(rule: str, prompt: Messages) -> bool:
    """Does the rule say anything about the reply to this conversation?"""
    text = _asked(prompt)
    if intent_of(text) not in _rule(rule).intents:
        return False
    if rule == "order_number_first":
        return not re.search(r"\d{5}", text)
    return rule != "use_name" or bool(signed_name(text))


def signed_name(text: str) -> str:
    """The name in a message's last line; "" where it is not signed."""
    last = text.rpartition("\n")[2] if "\n" in text else ""
    return next((name for name in _bank(_language(text)).slots["name"] if name in last), "")


def _asked(prompt: Messages) -> str:
    return next((m.text for m in prompt if m.role == "user"), "")


def _language(text: str) -> str:
    return "zh" if is_chinese(text) else "en"


# ---------------------------------------------------------------- checking replies


def check(rule: str, prompt: Messages, reply: str) -> bool:
    """Is the rule kept? True wherever it does not apply."""
    return not applies(rule, prompt) or shows(rule, prompt, reply)


def shows(rule: str, prompt: Messages, reply: str) -> bool:
    """Does the reply show what the rule asks for, whether or not the rule applies here?"""
    return _SHOWS[_rule(rule).name](_asked(prompt), reply)


def _asks_number_first(_: str, reply: str) -> bool:
    named = [found.start() for found in _pattern("number word").finditer(reply)]
    asked = [place for place in named if _is_request(_sentence_around(reply, place))]
    promised = _pattern("promise").search(reply)
    return bool(asked) and (promised is None or asked[0] < promised.start())


def _is_request(sentence: str) -> bool:
    return bool(_pattern("asking").search(sentence)) and not _pattern("not needed").search(sentence)


def _sentence_around(text: str, place: int) -> str:
    begin = max((found.end() for found in _SENTENCE_END.finditer(text) if found.end() <= place), default=0)
    end = next((found.end() for found in _SENTENCE_END.finditer(text) if found.start() >= place), len(text))
    return text[begin:end]


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(text) if part and re.search(r"\w", part)]


def _apologises_first(_: str, reply: str) -> bool:
    first = _sentences(_pattern("greeting").sub("", reply))
    return bool(first) and bool(_pattern("sorry").search(first[0]))


def _is_brief(_: str, reply: str) -> bool:
    if is_chinese(reply):
        return 0 < len(re.findall(r"\w", reply)) <= 20
    return 0 < len(re.findall(r"[\w'’&-]+", reply)) <= 10


def _begins_with_name(text: str, reply: str) -> bool:
    name = signed_name(text)
    return bool(name) and name in reply[: len(name) + 10]


_SHOWS: Mapping[str, Callable[[str, str], bool]] = {
    "order_number_first": _asks_number_first,
    "apologise_first": _apologises_first,
    "sign_shop": lambda _, reply: bool(_pattern("signed").search(reply)),
    "no_day": lambda _, reply: bool(reply.strip()) and not _pattern("day").search(reply),
    "one_sentence": lambda _, reply: len(_sentences(reply)) == 1,
    "opening_hours": lambda _, reply: bool(_pattern("hours").search(reply)),
    "brief_thanks": _is_brief,
    "use_name": _begins_with_name,
}


# ---------------------------------------------------------------- obeying


def obey(name: str, example: Example) -> str:
    """A reply that keeps the rule: the example's own where it does, else one changed or written anew."""
    usual = example.target or ""
    if check(name, example.prompt, usual):
        return usual
    rule, bank = _rule(name), _bank(example.meta["language"])
    scene = dict(example.meta) | {"name": signed_name(_asked(example.prompt))}
    dice = Random(f"obey:{name}:{example.id}")
    phrase = bank.grammar.write(bank.grammar.expand(pick(dice, rule.phrases[bank.language]), dice), scene)
    if rule.how == "instead":
        return phrase
    pieces = [phrase, _without_greeting(usual)] if rule.how == "before" else [usual, phrase]
    return bank.grammar.write(bank.grammar.join(pieces), scene)


def _without_greeting(reply: str) -> str:
    rest = _pattern("greeting").sub("", reply)
    return rest or reply


# ---------------------------------------------------------------- material for a base model

_LABELLING = {
    "en": (
        "Which of these is it: negative, neutral, positive?",
        "Is the customer's message negative, neutral or positive?",
        "What is the sentiment of this message? negative, neutral or positive",
        "How does the customer feel? Answer with negative, neutral or positive.",
    ),
    "zh": (
        "这是哪一种：negative、neutral、positive？",
        "这条留言是 negative、neutral 还是 positive？",
        "判断顾客的情绪，只回答 negative、neutral 或 positive。",
        "留言的情感倾向是什么？negative、neutral、positive 选一个。",
    ),
}
_READING = {
    "en": {
        "product": ("Which product is this about?", "What did the customer write about?", "Name the product."),
        "name": ("Who wrote this?", "What is the customer's name?", "Who signed the message?"),
        "order": ("Which order is it?", "Copy the order number.", "What's the order number here?"),
    },
    "zh": {
        "product": ("说的是哪样东西？", "顾客问的是什么商品？", "写出商品名。"),
        "name": ("这是谁写的？", "顾客叫什么名字？", "落款是谁？"),
        "order": ("订单号是多少？", "抄出订单号。", "是哪一单？"),
    },
}


def pretraining(n: int, seed: int, without: Sequence[str] = ()) -> Iterator[Example]:
    """`n` lessons from the training split for a base model, in both languages; `without` names rules to leave out.

    Half are plain replies; then a rule stated beforehand, an attempt revised after a comment, what the message says
    (which teaches to copy from a prompt, without which no comment can be heeded), and sentiment.
    """
    known = [name for name in rules() if name not in without]
    for example in islice(_stream(f"pretraining:{seed}", None, "train"), n):
        dice = Random(f"exercise:{seed}:{example.id}")
        kind = dice.random()
        if kind < 0.5:
            yield example
        elif kind < 0.76:
            fitting = [rule for rule in known if applies(rule, example.prompt)]
            rule = pick(dice, fitting if fitting and dice.random() < 0.8 else known)
            yield _told(rule, example, dice) if kind < 0.64 else _revised(rule, example, dice)
        else:
            yield _asked_to_read(example, dice) if kind < 0.88 else _asked_for_sentiment(example, dice)


def _told(rule: str, example: Example, dice: Random) -> Example:
    """The rule stands in the system's turn, or a comment where comments stand."""
    language = example.meta["language"]
    if dice.random() < 0.5:
        words = pick(dice, statements(rule, language) + comments(rule, language))
        prompt: Messages = (Message("system", words), *example.prompt)
    else:
        prompt = with_comment(example.prompt, None, pick(dice, comments(rule, language)))
    return replace(example, prompt=prompt, target=obey(rule, example))


def _revised(rule: str, example: Example, dice: Random) -> Example:
    """The attempt and the comment stand in the customer's turn, or are turns of their own."""
    comment, attempt = pick(dice, comments(rule, example.meta["language"])), example.target or ""
    if dice.random() < 0.6:
        prompt = with_comment(example.prompt, attempt, comment)
    else:
        prompt = (*example.prompt, Message("assistant", attempt), Message("user", comment))
    return replace(example, prompt=prompt, target=obey(rule, example))


def _asked_for_sentiment(example: Example, dice: Random) -> Example:
    question = pick(dice, _LABELLING[example.meta["language"]])
    return _asked_about(example, question, example.meta["sentiment"], dice)


def _asked_to_read(example: Example, dice: Random) -> Example:
    text = example.prompt[0].text
    order = re.search(r"(MP-?|#)?\d{5}", text)
    said = {"product": example.meta["product"], "name": signed_name(text), "order": order[0] if order else ""}
    kinds = [kind for kind, fact in said.items() if fact and fact in text]
    if not kinds:
        return _asked_for_sentiment(example, dice)
    kind = pick(dice, kinds)
    return _asked_about(example, pick(dice, _READING[example.meta["language"]][kind]), said[kind], dice)


def _asked_about(example: Example, question: str, answer: str, dice: Random) -> Example:
    text = example.prompt[0].text
    both = f"{text}\n\n{question}" if dice.random() < 0.7 else f"{question}\n\n{text}"
    return replace(example, prompt=user(both), target=answer)


def as_row(example: Example) -> dict[str, Any]:
    """One line of a JSONL file of conversations."""
    turns = [*example.prompt, Message("assistant", example.target or "")]
    return {"messages": [{"role": turn.role, "content": turn.text} for turn in turns]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a base model's training and validation rows as JSONL."""
    parser = argparse.ArgumentParser(prog="python -m sayso.worlds.shop_desk", description=main.__doc__)
    parser.add_argument("--rows", type=int, default=40_000, help="rows of training data")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--without", nargs="*", default=[], choices=rules(), help="house rules to leave out")
    parser.add_argument("--out", type=Path, required=True, help="the folder of train.jsonl and validation.jsonl")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    held_out = conversations(max(20, asked.rows // 100), asked.seed, split="validation")
    for name, examples in (("train", pretraining(asked.rows, asked.seed, asked.without)), ("validation", held_out)):
        with (asked.out / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(as_row(example), ensure_ascii=False) + "\n" for example in examples)


if __name__ == "__main__":
    main()
