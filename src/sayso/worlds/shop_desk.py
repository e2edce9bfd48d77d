"""The shop desk: customers' messages, the desk's replies, and house rules that a check can tell exactly.

Decided here:
- Texts are composed from phrase banks that were written in each language for itself; nothing is translated.
- What a message is about is heard from its text alone, and so are the rules' conditions: no check needs to remember
  how a message was made, and all of them work for messages that people write.
- A rule holds ("in") where its condition does and where its effect can be had: nobody is asked for the order number
  that he gave, and no product is named that the message did not name. Where one of the two is missing, or the message
  is only about something akin, or is quoted for a question of another kind, it seems to hold ("near").
- Obeying keeps the usual reply and adds, replaces or rearranges what the rule is about.
- Some conditions have families for which nothing can be shown (a reply about opening hours promises no day); a rule is
  only drawn where prompts for all three scopes were found among a few hundred.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import yaml

from sayso import forms
from sayso.conversations import Bank, Line, answers, drawn_scene, name_of, read_bank, read_line, split_of, stream
from sayso.errors import Fault, UserError
from sayso.houserules import ALWAYS, Family, HouseRule, Part, Scope, Texts, draw_rule, read_texts
from sayso.phrases import fill, lines, pick
from sayso.records import Example, Message, Messages, Split, user
from sayso.surface import is_chinese, repeats

LANGUAGES = ("en", "zh")
SENTIMENTS = {
    "en": {"negative": "negative", "neutral": "neutral", "positive": "positive"},
    "zh": {"negative": "负面", "neutral": "中性", "positive": "正面"},
}
AKIN: Mapping[str, tuple[str, ...]] = {  # what a hasty reader takes for it
    "charged": ("refund", "invoice"),
    "missing": ("late", "wrong"),
    "damaged": ("wrong", "refund", "exchange"),
    "wrong": ("damaged", "exchange", "missing"),
    "late": ("when", "missing"),
    "cancel": ("refund", "exchange", "address"),
    "exchange": ("refund", "wrong", "size"),
    "refund": ("exchange", "cancel"),
    "invoice": ("charged", "address"),
    "address": ("when", "cancel", "invoice"),
    "hours": ("pickup", "when"),
    "pickup": ("hours", "stock"),
    "gift": ("thanks", "stock", "address"),
    "stock": ("size", "when"),
    "size": ("stock", "exchange"),
    "when": ("late", "stock"),
    "thanks": ("gift", "stock"),
}
FEATURES = ("angry", "signed", "numbered")
SOMETIMES = (*AKIN, *FEATURES)
EVERY = (ALWAYS, *SOMETIMES)
FAMILIES = (
    Family("begin_with", ("phrase",), EVERY),
    Family("end_with", ("closer",), EVERY),
    Family("sign_as", ("signature",), EVERY),
    Family("mention", ("fact",), EVERY),
    Family("ask_for", ("item",), EVERY),
    Family("say_instead", ("word", "instead"), EVERY),
    Family("apologise_first", (), EVERY),
    Family("no_day", (), SOMETIMES),
    Family("one_sentence", (), SOMETIMES),
    Family("brief", (), SOMETIMES),
    Family("as_list", (), EVERY),
    Family("as_json", ("key",), EVERY),
    Family("other_language", (), EVERY),
    Family("use_name", (), ("signed", *AKIN, "angry")),
    Family("repeat_number", (), ("numbered", *AKIN, "angry", "signed")),
    Family("name_product", (), EVERY),
    Family("add_emoji", ("emoji",), EVERY),
    Family("address_as", ("title",), EVERY, held_out=True),
    Family("thank_first", (), EVERY, held_out=True),
    Family("emphasise", ("mark",), EVERY, held_out=True),
    Family("refer_to", ("person",), EVERY),
)
BRIEF = {"en": 10, "zh": 20}

_ORDER = re.compile(r"(?<!\d)(?:MP-?|#)?\d{5}(?!\d)", re.I)
_SEARCHED = 4000  # messages looked through for one that fits, before it is said that there is none
_POOLED = 40  # conversations of each intent, among which a drawn rule must find prompts


# ---------------------------------------------------------------- what is read


@dataclass(frozen=True)
class _Questions:
    """What else may be asked: about a message, or about a line of the catalogue."""

    message: Mapping[str, tuple[str, ...]]
    catalogue: Mapping[str, tuple[str, ...]]


@cache
def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return loaded


@cache
def _bank(language: str) -> Bank:
    return read_bank(language, _read(f"_shop_desk_{language}.yaml"))


@cache
def _banks() -> Mapping[str, Bank]:
    return {language: _bank(language) for language in LANGUAGES}


@cache
def _questions(language: str) -> _Questions:
    raw = _read(f"_shop_desk_{language}.yaml")
    about, catalogue = ({kind: lines(text) for kind, text in raw[key].items()} for key in ("questions", "catalogue"))
    return _Questions(about, catalogue)


@cache
def _short_replies(intent: str, language: str) -> tuple[Line, ...]:
    return tuple(map(read_line, lines(_read(f"_shop_desk_{language}.yaml")["short"].get(intent, ""))))


@cache
def texts(language: str) -> Texts:
    """How the rules are said in "en" or "zh"."""
    return read_texts(language, _read(f"_shop_desk_rules_{language}.yaml"))


@cache
def values(language: str) -> Mapping[str, tuple[str, ...]]:
    """What may fill each slot of a rule."""
    return {slot: lines(text) for slot, text in _read(f"_shop_desk_rules_{language}.yaml")["values"].items()}


@cache
def _phrases(family: str, language: str) -> tuple[str, ...]:
    """Wordings that make a reply obey."""
    own = _read(f"_shop_desk_rules_{language}.yaml")["families"][family].get("phrases")
    return lines(own or _read("_shop_desk_patterns.yaml")["phrases"][family][language])


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(lines(_read("_shop_desk_patterns.yaml")["patterns"][name])), re.I)


@cache
def _topic(intent: str, language: str) -> re.Pattern[str]:
    return re.compile(_read("_shop_desk_patterns.yaml")["topics"][language][intent], re.I)


@cache
def _product_pattern(language: str) -> re.Pattern[str]:
    bank = _bank(language)
    names = sorted((*bank.slots["product"], *bank.slots["wearable"]), key=len, reverse=True)
    either = "|".join(map(re.escape, names))
    return re.compile(rf"\b({either})(?=s?\b)" if bank.grammar.spaced else f"({either})", re.I)


# ---------------------------------------------------------------- conversations, and questions of another kind


def conversations(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """`n` different messages with the desk's usual reply; meta tells language, intent, topic, sentiment, product."""
    return list(islice(messages(f"conversations:{seed}", language, split), n))


def messages(
    seed: str, language: str | None = None, split: Split | None = None, intents: tuple[str, ...] = ()
) -> Iterator[Example]:
    """Conversations without end, of some intents or of all."""
    return (e for e in stream(_banks(), f"shop desk:{seed}", language, intents) if split in (None, e.split))


def plain(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """`n` different prompts with the usual answer: most are conversations, some questions about a text."""
    found: dict[str, Example] = {}
    for example in messages(f"plain:{seed}", language, split):
        if len(found) >= n:
            break
        dice = Random(f"shop plain:{seed}:{example.id}")
        kind = dice.random()
        if kind > 0.8:
            asked = _asked_about(example, dice) if kind < 0.95 else _asked_of_catalogue(example.meta["language"], dice)
            example = asked if split in (None, asked.split) else example
        found.setdefault(example.id, example)
    return list(found.values())


def _asked_about(example: Example, dice: Random) -> Example:
    """The message quoted for a question about what it says; the answer stands in it, or is its sentiment."""
    language, text = example.meta["language"], example.prompt[0].text
    order, products = _ORDER.search(text), _products(text)
    said = {
        "product": products[0] if len(products) == 1 else "",
        "name": signed_name(text),
        "order": order[0] if order else "",
        "sentiment": SENTIMENTS[language][example.meta["sentiment"]],
    }
    kind = pick(dice, [kind for kind, fact in said.items() if fact])
    asked = pick(dice, _questions(language).message[kind])
    both = f"{text}\n\n{asked}" if dice.random() < 0.7 else f"{asked}\n\n{text}"
    return replace(example, id=name_of(both), prompt=user(both), target=said[kind])


def _asked_of_catalogue(language: str, dice: Random) -> Example:
    bank, asked = _bank(language), _questions(language).catalogue
    scene = drawn_scene(bank, dice)
    line = fill(pick(dice, asked["line"]), scene)
    kind = pick(dice, [kind for kind in asked if kind != "line"])
    text = f"{line}\n\n{pick(dice, asked[kind])}"
    return Example(name_of(text), user(text), scene[kind], split_of(text), 0, {"language": language})


# ---------------------------------------------------------------- hearing what a message is about


def intent_of(text: str) -> str:
    """The intent of a customer's message; "" where none is heard."""
    intents = _bank(_language(text)).intents.values()
    return next((intent.name for intent in intents if intent.heard.search(text)), "")


def signed_name(text: str) -> str:
    """The name in a message's last line; "" where it is not signed."""
    last = text.rpartition("\n")[2] if "\n" in text else ""
    return next((name for name in _bank(_language(text)).slots["name"] if name in last), "")


def _products(text: str) -> list[str]:
    """The different products that a message names, as it writes them."""
    return list({found.casefold(): found for found in _product_pattern(_language(text)).findall(text)}.values())


def _heard(prompt: Messages) -> tuple[str, bool]:
    """The customer's message ("" where there is none), and whether it is only quoted for a question."""
    text = next((m.text for m in prompt if m.role == "user"), "")
    first, blank, last = text.partition("\n\n")
    asked = _questions(_language(text))
    if any(last in questions for questions in asked.catalogue.values()):
        return "", True
    kinds = asked.message.values()
    if blank and any(last in questions for questions in kinds):
        return first, True
    return (last, True) if blank and any(first in questions for questions in kinds) else (text, False)


def _language(text: str) -> str:
    return "zh" if is_chinese(text) else "en"


# ---------------------------------------------------------------- where a rule holds


def scope_of(rule: HouseRule, prompt: Messages) -> Scope:
    """How a prompt stands to a rule, told from its text alone."""
    text, quoted = _heard(prompt)
    holds = bool(text) and _holds(rule.when, text)
    if quoted:
        return "near" if holds else "out"
    if holds and _possible(rule, text):
        return "in"
    return "near" if holds or _resembles(rule.when, text) else "out"


def check(rule: HouseRule, prompt: Messages, reply: str) -> bool:
    """Is the rule kept? True wherever it does not hold."""
    return scope_of(rule, prompt) != "in" or shows(rule, prompt, reply)


def _holds(when: str, text: str) -> bool:
    if when == "angry":
        return bool(_pattern("angry").search(text))
    if when == "signed":
        return bool(signed_name(text))
    if when == "numbered":
        return bool(_ORDER.search(text))
    return when == ALWAYS or intent_of(text) == when


def _resembles(when: str, text: str) -> bool:
    """Is it about something akin: a complaint told calmly, a close without a name, an order without its number?"""
    bank, intent = _bank(_language(text)), intent_of(text)
    if when == "angry":
        return bool(intent) and bank.intents[intent].mood == "negative"
    if when == "signed":
        return bool(_pattern("close").search(text))
    return intent in (bank.about_orders if when == "numbered" else AKIN.get(when, ()))


def _possible(rule: HouseRule, text: str) -> bool:
    """Can the effect be had in a reply to this message?"""
    if rule.family == "use_name":
        return bool(signed_name(text))
    if rule.family == "repeat_number":
        return bool(_ORDER.search(text))
    if rule.family in ("name_product", "emphasise"):
        return len(_products(text)) == 1
    if rule.family == "no_day":
        return intent_of(text) != "hours"
    return not (_is_about_number(rule) and _ORDER.search(text))


def _is_about_number(rule: HouseRule) -> bool:
    return rule.family == "ask_for" and bool(_pattern("number word").fullmatch(rule.value("item")))


def prompts(rule: HouseRule, scope: Scope, n: int, seed: int, split: Split | None = None) -> list[Example]:
    """Prompts in the rule's language that it holds for, only seems to, or does not; Fault where none are found.

    A third of the last, and where the rule always holds all but those where it cannot be kept, ask for something else
    than a reply.
    """
    found: dict[str, Example] = {}
    for example in islice(_candidates(rule, scope, seed, split), _SEARCHED * n):
        if len(found) < n and _fits(rule, scope, example):
            found.setdefault(example.id, example)
        if len(found) == n:
            return list(found.values())
    if n:
        raise Fault(f"no prompts '{scope}' for {rule.id}", fix="draw the rule with `rules`, which tries them")
    return []


def _candidates(rule: HouseRule, scope: Scope, seed: int, split: Split | None) -> Iterator[Example]:
    quoted = {"in": 0.0, "near": 0.9 if rule.when == ALWAYS else 0.0, "out": 0.34}[scope]
    for example in messages(f"{rule.id}:{scope}:{seed}", rule.language, split, _intents(rule.when, scope)):
        dice = Random(f"shop prompts:{rule.id}:{scope}:{seed}:{example.id}")
        kind = dice.random()
        if scope == "out" and (rule.when == ALWAYS or kind < quoted / 2):
            example = _asked_of_catalogue(rule.language, dice)
        elif kind < quoted:
            example = _asked_about(example, dice)
        if split in (None, example.split):
            yield example


def _intents(when: str, scope: Scope) -> tuple[str, ...]:
    """The intents to look among; () for all."""
    if when in AKIN:
        near = (when, *AKIN[when])
        return {"in": (when,), "near": near, "out": tuple(name for name in AKIN if name not in near)}[scope]
    about_orders = tuple(name for name in AKIN if name in _bank("en").about_orders)
    return about_orders if when == "numbered" and scope != "out" else ()


def _fits(rule: HouseRule, scope: Scope, example: Example) -> bool:
    """Is it of that scope, and is there something to be seen: a usual reply that could show the effect and does not?

    Where a rule always holds, what it does not hold for are questions, whose answers have nothing that could change.
    """
    usual = example.target or ""
    if scope_of(rule, example.prompt) != scope or shows(rule, example.prompt, usual):
        return False
    return (rule.when == ALWAYS and scope != "in") or _changeable(rule, example, usual)


def _changeable(rule: HouseRule, example: Example, usual: str) -> bool:
    """Is in the usual reply what the rule wants changed, and does the change leave it on its topic?"""
    if rule.family == "say_instead":
        rest = _word(rule).sub("", usual)
        return rest != usual and _is_about(_intent(example), rest)
    if rule.family == "emphasise":
        return any(product.casefold() in usual.casefold() for product in _products(example.prompt[0].text))
    return rule.family != "no_day" or not _pattern("day").search(_vague(usual, rule.language))


# ---------------------------------------------------------------- rules


def rules(n: int, seed: int, part: Part, language: str | None = None) -> list[HouseRule]:
    """`n` different rules; UserError where there are not that many. The demo's own rule is never for training."""
    found: dict[str, HouseRule] = {}
    for number in range(1000 + 50 * n):
        if len(found) == n:
            break
        dice = Random(f"shop rules:{seed}:{part}:{language}:{number}")
        code = language or pick(dice, LANGUAGES)
        rule = draw_rule("shop_desk", FAMILIES, values(code), code, part, dice)
        reserved = part == "train" and _is_about_number(rule) and rule.when in ("refund", ALWAYS)
        if not reserved and _can_be_seen(rule):
            found.setdefault(rule.id, rule)
    if len(found) < n:
        raise UserError(f"the shop desk has no {n} different rules for '{part}'", fix=f"ask for {len(found)} or fewer")
    return list(found.values())


def _can_be_seen(rule: HouseRule) -> bool:
    """Are there prompts of every scope? Of the values only a word to replace and an order's number matter."""
    if rule.family == "say_instead":
        word, instead = rule.value("word").casefold(), rule.value("instead").casefold()
        if word in instead or instead in word:
            return False
    matter = {"word"} | ({"item"} if _is_about_number(rule) else set())
    return _seen(replace(rule, values=tuple((slot, value if slot in matter else "§") for slot, value in rule.values)))


@cache
def _seen(rule: HouseRule) -> bool:
    scopes: tuple[Scope, ...] = ("in",) if rule.when == ALWAYS else ("in", "near", "out")
    for scope in scopes:
        intents = _intents(rule.when, scope) or tuple(AKIN)
        pooled = (example for intent in intents for example in _pool(intent, rule.language))
        if len(list(islice((e for e in pooled if _fits(rule, scope, e)), 2))) < 2:
            return False
    return True


@cache
def _pool(intent: str, language: str) -> tuple[Example, ...]:
    return tuple(islice(messages(f"pool:{intent}", language, None, (intent,)), _POOLED))


# ---------------------------------------------------------------- what replies show


def shows(rule: HouseRule, prompt: Messages, reply: str) -> bool:
    """Does the reply show what the rule asks for, whether or not the rule holds here?"""
    return _SHOWS[rule.family](rule, _heard(prompt)[0], reply.strip())


def _asks(rule: HouseRule, _: str, reply: str) -> bool:
    """Is the item asked for, before anything is promised?"""
    item = _pattern("number word") if _is_about_number(rule) else re.compile(re.escape(rule.value("item")), re.I)
    promise = _pattern("promise").search(reply)
    before = 0
    for sentence in forms.sentences(reply):
        before = reply.index(sentence, before)
        named = item.search(sentence)
        if named and _pattern("asking").search(sentence) and not _pattern("not needed").search(sentence):
            return promise is None or before + named.start() < promise.start()
        before += len(sentence)
    return False


def _says_instead(rule: HouseRule, _: str, reply: str) -> bool:
    return rule.value("instead").casefold() in reply.casefold() and not _word(rule).search(reply)


def _word(rule: HouseRule) -> re.Pattern[str]:
    word = re.escape(rule.value("word"))
    return re.compile(rf"(?<!\w){word}(?!\w)" if rule.language == "en" else word, re.I)


def _first_has(pattern: str) -> Callable[[HouseRule, str, str], bool]:
    def begins(_rule: HouseRule, _: str, reply: str) -> bool:
        first = forms.sentences(_pattern("greeting").sub("", reply))
        return bool(first) and bool(_pattern(pattern).search(first[0]))

    return begins


def _is_brief(_rule: HouseRule, _: str, reply: str) -> bool:
    if is_chinese(reply):
        return 0 < len(re.findall(r"\w", reply)) <= BRIEF["zh"]
    return 0 < len(re.findall(r"[\w'’&-]+", reply)) <= BRIEF["en"]


def _in_other_language(_rule: HouseRule, text: str, reply: str) -> bool:
    return is_chinese(reply) != is_chinese(text) and bool(re.search(r"[^\W\d_]{2}", reply))


def _begins_with_name(_rule: HouseRule, text: str, reply: str) -> bool:
    name = signed_name(text)
    return bool(name) and name in reply[: len(name) + 10]


def _repeats_number(_rule: HouseRule, text: str, reply: str) -> bool:
    order = _ORDER.search(text)
    return order is not None and order[0][-5:] in reply


def _names_product(_rule: HouseRule, text: str, reply: str) -> bool:
    return any(product.casefold() in reply.casefold() for product in _products(text))


def _marks_product(rule: HouseRule, text: str, reply: str) -> bool:
    return any(forms.is_marked(reply, product, rule.value("mark")) for product in _products(text))


def _addresses(rule: HouseRule, _: str, reply: str) -> bool:
    title = rule.value("title")
    return title in reply[: len(title) + (16 if rule.language == "en" else 6)]


def _plain_emoji(text: str) -> str:
    """Without the selector of a colour picture, which some keyboards leave out."""
    return text.replace("\ufe0f", "")


_SHOWS: Mapping[str, Callable[[HouseRule, str, str], bool]] = {
    "begin_with": lambda rule, _, reply: reply.startswith(rule.value("phrase")),
    "end_with": lambda rule, _, reply: reply.endswith(rule.value("closer")),
    "sign_as": lambda rule, _, reply: forms.is_signed(reply, rule.value("signature")),
    "mention": lambda rule, _, reply: rule.value("fact") in reply,
    "ask_for": _asks,
    "say_instead": _says_instead,
    "apologise_first": _first_has("sorry"),
    "no_day": lambda _rule, _, reply: bool(reply) and not _pattern("day").search(reply),
    "one_sentence": lambda _rule, _, reply: len(forms.sentences(reply)) == 1,
    "brief": _is_brief,
    "as_list": lambda _rule, _, reply: forms.is_listed(reply),
    "as_json": lambda rule, _, reply: forms.json_value(reply, rule.value("key")) is not None,
    "other_language": _in_other_language,
    "use_name": _begins_with_name,
    "repeat_number": _repeats_number,
    "name_product": _names_product,
    "add_emoji": lambda rule, _, reply: reply.replace("\ufe0f", "").endswith(
        rule.value("emoji").replace("\ufe0f", "")
    ),
    "address_as": _addresses,
    "thank_first": _first_has("thanks"),
    "emphasise": _marks_product,
    "refer_to": lambda rule, _, reply: rule.value("person") in reply,
}


# ---------------------------------------------------------------- obeying


@dataclass(frozen=True)
class _Case:
    """A rule, an example, and what an obeying reply is made of."""

    rule: HouseRule
    example: Example
    usual: str
    text: str
    bank: Bank
    dice: Random


def obey(rule: HouseRule, example: Example) -> str:
    """The usual reply, changed so that it shows what the rule asks for; as it is where that cannot be had."""
    usual = example.target or ""
    if shows(rule, example.prompt, usual):
        return usual
    dice = Random(f"obey:{rule.id}:{example.id}")
    made = _MAKES[rule.family](_Case(rule, example, usual, _heard(example.prompt)[0], _bank(rule.language), dice))
    return made if shows(rule, example.prompt, made) else usual


def _worded(place: Callable[[_Case, str], str]) -> Callable[[_Case], str]:
    """A reply with one of the family's own wordings put where `place` puts it: the first drawn with which it obeys."""

    def make(case: _Case) -> str:
        order = _ORDER.search(case.text)
        scene = {"name": signed_name(case.text), "order": order[0] if order else "", "product": _named(case)}
        scene |= dict(case.rule.values)
        for template in _shuffled(_phrases(case.rule.family, case.rule.language), case.dice):
            made = place(case, fill(case.bank.grammar.expand(template, case.dice), scene))
            if shows(case.rule, case.example.prompt, made):
                return made
        return case.usual

    return make


def _named(case: _Case) -> str:
    return next(iter(_products(case.text)), str(case.example.meta.get("product", "")))


def _before(case: _Case, phrase: str) -> str:
    """The phrase takes the place of a greeting; only a wording that nobody asked for literally may get a capital."""
    spaced = case.bank.grammar.spaced
    rest = _pattern("greeting").sub("", case.usual) or case.usual
    first = phrase if case.rule.values or not spaced else phrase[:1].upper() + phrase[1:]
    return forms.begun(first, rest[:1].upper() + rest[1:], spaced)


def _after(case: _Case, phrase: str) -> str:
    return forms.ended(case.usual, phrase, case.bank.grammar.spaced)


def _replaced(case: _Case) -> str:
    instead = case.rule.value("instead")

    def put(found: re.Match[str]) -> str:
        return instead[:1].upper() + instead[1:] if found[0][:1].isupper() else instead

    return fill(_word(case.rule).sub(put, case.usual), {})


def _vague(reply: str, language: str) -> str:
    """The reply with its days left open; as it is where it tells days of every week."""
    if _pattern("every week").search(reply):
        return reply
    for line in lines(_read("_shop_desk_patterns.yaml")["vague"][language]):
        found, _, instead = line.partition(" =>")
        reply = re.sub(found, instead[1:] if instead.startswith(" ") else instead, reply, flags=re.I)
    return reply


def _core(case: _Case) -> list[str]:
    """The sentences of the usual reply that are about the matter; all, where none is."""
    parts = case.bank.grammar.parts
    social = {forms.bare(line) for part in ("ack", "offer") for line in parts[part]}
    text = _pattern("greeting").sub("", case.usual) or case.usual
    pieces = forms.sentences(text[:1].upper() + text[1:])
    return [piece for piece in pieces if forms.bare(piece) not in social] or pieces


def _whole(case: _Case) -> str:
    return forms.in_one_sentence(_core(case), case.bank.grammar.spaced)


def _short(case: _Case) -> str:
    """A sentence of the usual reply or of another to the same question that is short and still about the matter."""
    intent = _intent(case.example)
    others = [piece for reply in _answers(case, case.bank) for piece in forms.sentences(reply)]
    asked = case.example.meta.get("topic", "")
    brief = [line.text for line in _short_replies(intent, case.rule.language) if line.topic in ("", asked)]
    for piece in (*_core(case), *others, *_shuffled(brief, case.dice)):
        if shows(case.rule, case.example.prompt, piece) and _is_about(intent, piece):
            return piece
    return case.usual


def _translated(case: _Case) -> str:
    """What the desk of the other language replies to the same question."""
    (other,) = (code for code in LANGUAGES if code != case.rule.language)
    return next(iter(_answers(case, _bank(other))), case.usual) if _intent(case.example) else case.usual


def _answers(case: _Case, bank: Bank) -> list[str]:
    """Replies to the same question that echo nothing of the message, those without any detail first."""
    asked = Line(str(case.example.meta.get("topic", "")), "")
    fitting = answers(bank.intents[_intent(case.example)], asked, bank)
    drawn = [bank.grammar.expand(line.text, case.dice) for line in _shuffled(fitting, case.dice)]
    scene = drawn_scene(bank, case.dice)
    return [bank.grammar.write(skeleton, scene) for skeleton in sorted(drawn, key=lambda skeleton: "{" in skeleton)]


def _intent(example: Example) -> str:
    text, quoted = _heard(example.prompt)
    return "" if quoted else intent_of(text) or str(example.meta.get("intent", ""))


T = TypeVar("T")


def _shuffled(options: Sequence[T], dice: Random) -> list[T]:
    return [option for _, _, option in sorted((dice.random(), i, option) for i, option in enumerate(options))]


_MAKES: Mapping[str, Callable[[_Case], str]] = {
    "begin_with": lambda case: _before(case, case.rule.value("phrase")),
    "end_with": lambda case: _after(case, case.rule.value("closer")),
    "sign_as": lambda case: forms.signed(case.usual, case.rule.value("signature"), case.bank.grammar.spaced),
    "mention": _worded(_after),
    "ask_for": _worded(_before),
    "say_instead": _replaced,
    "apologise_first": _worded(_before),
    "no_day": lambda case: _vague(case.usual, case.rule.language),
    "one_sentence": _whole,
    "brief": lambda case: _short(case) if _intent(case.example) else case.usual,
    "as_list": lambda case: forms.listed(case.usual),
    "as_json": lambda case: forms.in_json(case.usual, case.rule.value("key")),
    "other_language": _translated,
    "use_name": _worded(_before),
    "repeat_number": _worded(_before),
    "name_product": _worded(_before),
    "add_emoji": lambda case: _after(case, case.rule.value("emoji")),
    "address_as": _worded(_before),
    "thank_first": _worded(_before),
    "emphasise": lambda case: forms.marked(case.usual, _named(case), case.rule.value("mark")),
    "refer_to": _worded(_after),
}


# ---------------------------------------------------------------- is it an answer at all?


def sound(example: Example, reply: str) -> bool:
    """Is it on the topic: a word of its own that belongs to what was asked for, in either language, without a loop?

    A question of another kind has one right answer.
    """
    text = reply.strip()
    body = forms.json_value(text) or text
    if not body or repeats(body):
        return False
    intent = _intent(example)
    return _is_about(intent, body) if intent else forms.bare(body) == forms.bare(example.target or "")


def _is_about(intent: str, reply: str) -> bool:
    return bool(intent) and bool(_topic(intent, _language(reply)).search(reply))


def as_row(example: Example) -> dict[str, Any]:
    """One line of a JSONL file of conversations."""
    turns = [*example.prompt, Message("assistant", example.target or "")]
    return {"messages": [{"role": turn.role, "content": turn.text} for turn in turns]}
