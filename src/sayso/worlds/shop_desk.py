"""The shop desk: customers' messages, the desk's replies, and house rules that a check can tell exactly.

Decided here:
- Texts are composed from phrase banks that were written in each language for itself; nothing is translated. A
  conversation is a scene (one product, one day, one name ...) told by templates with choices in them.
- The same seed gives the same bytes on every machine: everything is drawn with random.Random seeded by a text.
- A message belongs to a split by the hash of its skeleton (the text before slots are filled), so no two splits share a
  way of saying something, whatever the seeds.
- What a message is about is heard from its text alone, and so are the rules' conditions: `check` needs no memory of how
  a message was made, and works for messages that people write.
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
from typing import Any, Literal, TypeVar

import yaml

from sayso.errors import UserError, nearest
from sayso.records import Example, Message, Messages, Split, user
from sayso.surface import is_chinese

LANGUAGES = ("en", "zh")
SENTIMENTS = ("negative", "neutral", "positive")
Scope = Literal["in", "near", "out"]
T = TypeVar("T")

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_REFERENCE = re.compile(r"\{(\w+)\}")
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
    glue: str
    slots: Mapping[str, tuple[str, ...]]
    parts: Mapping[str, tuple[str, ...]]
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
    slots, parts = ({k: _lines(v) for k, v in raw[kind].items()} for kind in ("slots", "parts"))
    intents = {name: _intent(name, **words) for name, words in raw["intents"].items()}
    return Bank(language, raw["glue"], slots, parts, intents, raw["typos"])


def _intent(name: str, heard: str, says: str, replies: str, mood: str = "neutral") -> Intent:
    says_lines, reply_lines = (tuple(map(_line, _lines(text))) for text in (says, replies))
    return Intent(name, mood, re.compile(heard, re.I), says_lines, reply_lines)


def _line(text: str) -> Line:
    topic, mark, template = text.partition("> ")
    return Line(topic, template) if mark else Line("", text)


@cache
def _rules() -> Mapping[str, Rule]:
    def words(raw: Mapping[str, Any], kind: str) -> dict[str, tuple[str, ...]]:
        return {language: _lines(raw[language][kind]) for language in LANGUAGES}

    return {
        name: Rule(
            name,
            raw["how"],
            tuple(raw["intents"]) or tuple(_bank("en").intents),
            tuple(raw["near"]),
            *(words(raw, kind) for kind in ("states", "comments", "phrases")),
        )
        for name, raw in _read("_shop_desk_rules.yaml").items()
    }


def _rule(name: str) -> Rule:
    if name not in _rules():
        raise UserError(f"the shop desk has no rule '{name}'", fix=nearest(name, rules()))
    return _rules()[name]


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return loaded


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


# ---------------------------------------------------------------- drawing text


def _pick(dice: Random, options: Sequence[T]) -> T:
    return options[int(dice.random() * len(options))]


def _expand(template: str, bank: Bank, dice: Random) -> str:
    """Choices made and parts expanded; slots still stand in braces."""

    def part(found: re.Match[str]) -> str:
        name = found[1]
        return _expand(_pick(dice, bank.parts[name]), bank, dice) if name in bank.parts else found[0]

    while _CHOICE.search(template):
        template = _CHOICE.sub(lambda found: _pick(dice, found[1].split("|")), template)
    return _REFERENCE.sub(part, template)


def _scene(bank: Bank, dice: Random) -> dict[str, str]:
    """One value for every slot; product2 and its like differ from the first."""
    scene = {name: _pick(dice, values) for name, values in bank.slots.items()}
    for name in ("product", "colour", "size", "day"):
        scene[f"{name}2"] = _pick(dice, [value for value in bank.slots[name] if value != scene[name]])
    return scene | {"order": _pick(dice, ("MP-", "MP", "#", "")) + str(10000 + int(dice.random() * 90000))}


def _join(pieces: Sequence[str], bank: Bank) -> str:
    """Pieces as running text; in English what follows a comma goes on in lower case."""
    text = ""
    for piece in filter(None, pieces):
        goes_on = text.endswith(",") and bank.language == "en" and not re.match(r"I\b|\{", piece)
        text += (bank.glue if text else "") + (piece[0].lower() + piece[1:] if goes_on else piece)
    return text


def _capitals(text: str) -> str:
    return re.sub(r"(^|[.!?]\s+|\n)([a-z])", lambda found: found[1] + found[2].upper(), text)


def _fill(skeleton: str, scene: Mapping[str, str]) -> str:
    text = _REFERENCE.sub(lambda found: scene[found[1]], skeleton)
    text = re.sub(r"(?<=\w) +(?=[,.?!])|(?<=[.?!]) +(?= |$)", "", text)
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def _message(intent: Intent, core: str, bank: Bank, dice: Random) -> tuple[str, str]:
    """A message's skeleton around its core, and its sentiment."""

    def perhaps(share: float, part: str) -> str:
        return _expand("{" + part + "}", bank, dice) if dice.random() < share else ""

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
    text = _join([hello, *body, bye], bank) + (f"\n{signature}" if signature else "")
    return text, sentiment


def _styled(skeleton: str, sentiment: str, bank: Bank, dice: Random) -> str:
    """As typed: some in a hurry, some with a slip, some with an emoji."""
    body, _, signature = skeleton.partition("\n")
    hurried = dice.random() < 0.12
    if hurried:
        body = body.rstrip(".。").replace("，", " ") if bank.language == "zh" else body.rstrip(".").lower()
    elif bank.language == "en":
        body = _capitals(re.sub(r"^\{", "{^", body))
    if dice.random() < 0.15:
        slips = [pair for pair in bank.typos.items() if pair[0] in body]
        body = body.replace(*slips[int(dice.random() * len(slips))], 1) if slips else body
    if dice.random() < 0.08:
        faces = {"negative": ("😡", "😞", "🙄"), "neutral": ("🙏", "🙂", "🤔"), "positive": ("😊", "🎉", "❤️")}
        body += " " * (bank.language == "en") + _pick(dice, faces[sentiment])
    return body + (f"\n{signature}" if signature else "")


def _reply(intent: Intent, asked: Line, bank: Bank, dice: Random) -> str:
    """What the desk says before it knows the house rules: on the topic, about things that were mentioned."""
    unsaid = set(_ECHOED) - set(_REFERENCE.findall(asked.text))
    fitting = [r for r in intent.replies if r.topic in ("", asked.topic) and not unsaid & set(_REFERENCE.findall(r.text))]
    pieces = [_expand("{ack}", bank, dice) if dice.random() < 0.3 else ""]
    if intent.mood == "negative" and dice.random() < 0.15:
        pieces.append(_expand("{sorry}", bank, dice))
    pieces.append(_expand(_pick(dice, fitting).text, bank, dice))
    if dice.random() < 0.3 and intent.name != "thanks":
        pieces.append(_expand("{offer}", bank, dice))
    return _join(pieces if intent.name != "thanks" else pieces[-1:], bank)


def _finished(skeleton: str, bank: Bank, scene: Mapping[str, str]) -> str:
    text = _fill(skeleton, scene)
    return _capitals(text) if bank.language == "en" else text


# ---------------------------------------------------------------- conversations


def conversations(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """`n` different messages with the desk's usual reply; meta tells language, intent, sentiment and the scene."""
    return list(islice(_stream(f"conversations:{seed}", language, split), n))


def prompts(rule: str, scope: Scope, n: int, seed: int, language: str | None = None) -> list[Example]:
    """Messages that the rule is about ("in"), that only look as if it were ("near"), or of another kind ("out").

    A third of those of another kind ask for something else than a reply: the sentiment of a message.
    """
    dice = Random(f"prompts:{rule}:{seed}")
    stream = _stream(f"{rule}:{seed}", language, None)
    asked = (_asked_for_sentiment(e, dice) if scope == "out" and dice.random() < 0.33 else e for e in stream)
    return list(islice((e for e in asked if scope_of(rule, e.prompt) == scope), n))


def sentiments(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """Messages with their sentiment as the target."""
    return [replace(e, target=e.meta["sentiment"]) for e in conversations(n, seed, language, split)]


def _stream(seed: str, language: str | None, split: Split | None) -> Iterator[Example]:
    seen: set[str] = set()
    number = 0
    while True:
        dice = Random(f"shop desk:{seed}:{number}")
        number += 1
        example = _example(_bank(language or _pick(dice, LANGUAGES)), dice)
        if example.id not in seen and split in (None, example.split):
            seen.add(example.id)
            yield example


def _example(bank: Bank, dice: Random) -> Example:
    intent = bank.intents[_pick(dice, tuple(bank.intents))]
    scene = _scene(bank, dice)
    asked = _pick(dice, intent.says)
    core = _expand(asked.text, bank, dice)
    skeleton, sentiment = _message(intent, core, bank, dice)
    text = _fill(_styled(skeleton, sentiment, bank, dice).replace("{^", "{"), scene)
    text = text[0].upper() + text[1:] if skeleton.startswith("{") and bank.language == "en" else text
    meta = {"language": bank.language, "intent": intent.name, "sentiment": sentiment}
    meta |= {name: scene[name] for name in ("product", "count")}
    meta["product"] = scene["product" if "{product}" in core else "wearable"]
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Example(name, user(text), _finished(_reply(intent, Line(asked.topic, core), bank, dice), bank, scene), _split(skeleton), 0, meta)


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

_SORRY = re.compile(r"\bsorry\b|apolog|抱歉|对不起|不好意思|歉意|致歉|赔不是", re.I)
_SIGNED = re.compile(r"(Maple & Pine|枫木小铺)( team|敬上|上)?[\s.!。！)）]*$", re.I)
_NUMBER_WORD = re.compile(r"order (number|no\b|nr\b)|which order|订单号|单号|哪(一|个|笔)?(单|订单)|订单编号", re.I)
_ASKING = re.compile(r"\?|？|please|send|tell|give|need|provide|share|请|麻烦|提供|告诉|告知|需要|发给|发一下|多少", re.I)
_NOT_NEEDED = re.compile(r"(don't|do not|no) need|without|needn't|不需要|不用|无需|不必", re.I)
_PROMISE = re.compile(
    r"(we'll|we will|we're happy to|we can|i'll|i will|we) (gladly |immediately )?(refund|transfer|reimburse|pay|return)\b"
    r"|(get|have) your (money|refund)|refund is (on its way|no problem|done)|refund you\b|money (arrives|is on)"
    r"|(给您|为您|马上|可以|这就|我们会)[^。！？，]{0,8}(退|打款)|货款[^。！？]{0,6}退|退款已经|把钱退给|钱就退|能退|全额退款",
    re.I,
)
_NUMERAL = r"(\d+|one|two|three|four|five|six|seven|eight|nine|ten|a few|a couple of)"
_DAY = re.compile(
    r"\b((mon|tues|wednes|thurs|fri|satur|sun)days?|today|tomorrow|tonight|the next day|next (week|month)|(a )?day later)\b"
    rf"|\b{_NUMERAL}( (or|to) {_NUMERAL})? (working |business |more )?(days?|hours?|weeks?)\b|within a (day|week)"
    r"|(周|星期|礼拜)[一二三四五六日天末]|今天|今晚|明天|明日|后天|当天|第二天|下周|下个?月|月底"
    r"|[一二两三四五六七八九十几\d]+(个工作)?(天|日|号|个?小时|个?星期|周)",
    re.I,
)
_HOURS = re.compile(r"nine (to|until|till) six|9 ?(am)? ?(to|-|–|until) ?(6|18)|九点[到至]晚?六点|9点?[到至-](晚?6|18)点", re.I)
_GREETING = re.compile(r"^\s*((hello|hi|hey|dear|good (day|morning|afternoon))( there| \w+)?|(\w{1,4}[，,]?)?[您你]好|亲)[\s,，!！.。、]*", re.I)


def check(rule: str, prompt: Messages, reply: str) -> bool:
    """Is the rule kept? True wherever it does not apply."""
    return not applies(rule, prompt) or shows(rule, prompt, reply)


def shows(rule: str, prompt: Messages, reply: str) -> bool:
    """Does the reply show what the rule asks for, whether or not the rule applies here?"""
    return _SHOWS[_rule(rule).name](_asked(prompt), reply)


def _asks_number_first(_: str, reply: str) -> bool:
    asked = [
        found.start() for found in _NUMBER_WORD.finditer(reply) if _is_request(_sentence_around(reply, found.start()))
    ]
    promised = _PROMISE.search(reply)
    return bool(asked) and (promised is None or asked[0] < promised.start())


def _is_request(sentence: str) -> bool:
    return bool(_ASKING.search(sentence)) and not _NOT_NEEDED.search(sentence)


def _sentence_around(text: str, place: int) -> str:
    begin = max((found.end() for found in _SENTENCE_END.finditer(text) if found.end() <= place), default=0)
    end = next((found.end() for found in _SENTENCE_END.finditer(text) if found.start() >= place), len(text))
    return text[begin:end]


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE_END.split(text) if part and re.search(r"\w", part)]


def _apologises_first(_: str, reply: str) -> bool:
    first = _sentences(_GREETING.sub("", reply))
    return bool(first) and bool(_SORRY.search(first[0]))


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
    "sign_shop": lambda _, reply: bool(_SIGNED.search(reply)),
    "no_day": lambda _, reply: bool(reply.strip()) and not _DAY.search(reply),
    "one_sentence": lambda _, reply: len(_sentences(reply)) == 1,
    "opening_hours": lambda _, reply: bool(_HOURS.search(reply)),
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
    phrase = _finished(_expand(_pick(dice, rule.phrases[bank.language]), bank, dice), bank, scene)
    if rule.how == "instead":
        return phrase
    pieces = [phrase, _without_greeting(usual)] if rule.how == "before" else [usual, phrase]
    return _capitals(_join(pieces, bank)) if bank.language == "en" else _join(pieces, bank)


def _without_greeting(reply: str) -> str:
    rest = _GREETING.sub("", reply)
    return rest or reply


# ---------------------------------------------------------------- material for a base model

_QUESTIONS = {
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


def pretraining(n: int, seed: int, without: Sequence[str] = ()) -> Iterator[Example]:
    """`n` lessons from the training split for a base model, in both languages; `without` names rules to leave out.

    Half are plain replies; then a rule stated beforehand, an attempt revised after a comment, and sentiment.
    """
    known = [name for name in rules() if name not in without]
    for example in islice(_stream(f"pretraining:{seed}", None, "train"), n):
        dice = Random(f"exercise:{seed}:{example.id}")
        kind = dice.random()
        if kind < 0.5:
            yield example
        elif kind < 0.85:
            fitting = [rule for rule in known if applies(rule, example.prompt)]
            rule = _pick(dice, fitting if fitting and dice.random() < 0.8 else known)
            yield _told(rule, example, dice) if kind < 0.67 else _revised(rule, example, dice)
        else:
            yield _asked_for_sentiment(example, dice)


def _told(rule: str, example: Example, dice: Random) -> Example:
    language = example.meta["language"]
    words = _pick(dice, statements(rule, language) + comments(rule, language))
    return replace(example, prompt=(Message("system", words), *example.prompt), target=obey(rule, example))


def _revised(rule: str, example: Example, dice: Random) -> Example:
    comment = _pick(dice, comments(rule, example.meta["language"]))
    turns = (*example.prompt, Message("assistant", example.target or ""), Message("user", comment))
    return replace(example, prompt=turns, target=obey(rule, example))


def _asked_for_sentiment(example: Example, dice: Random) -> Example:
    text, question = example.prompt[0].text, _pick(dice, _QUESTIONS[example.meta["language"]])
    both = f"{text}\n\n{question}" if dice.random() < 0.7 else f"{question}\n\n{text}"
    return replace(example, prompt=user(both), target=example.meta["sentiment"])


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
    parser.add_argument("--out", type=Path, required=True, help="the folder that train.jsonl and validation.jsonl go to")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    held_out = conversations(max(20, asked.rows // 100), asked.seed, split="validation")
    for name, examples in (("train", pretraining(asked.rows, asked.seed, asked.without)), ("validation", held_out)):
        with (asked.out / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(as_row(example), ensure_ascii=False) + "\n" for example in examples)


if __name__ == "__main__":
    main()
