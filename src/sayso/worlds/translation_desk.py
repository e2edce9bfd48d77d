"""The translation desk: one sentence to be translated, Chinese to English or back, and house rules about how.

Decided here:
- Sentences are composed in both languages at once (`bilingual`), so every request has one reference, and whatever is
  known of a request is read from its text: a request whose sentence cannot be read is outside every rule.
- A rule holds for a sentence that has what it is about, under its condition. What only resembles that is near: the
  same word in the other direction, another word of its kind, a Western name beside a Chinese one, a time beside a
  number; for a rule without a condition, a sentence that is to be copied and not translated.
- A pair belongs to a split by the hash of its sentence, in both directions alike. The templates and the words are
  those of training: what is new in a test is their combination, as in the work of a desk with a phrase book.
- Rules about a word are drawn for one direction: its target wordings are those of the language translated into.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from math import prod
from pathlib import Path
from random import Random
from typing import Any, Literal

import yaml

from sayso.bilingual import PLAIN, Bank, English, Manner, Sentence, Template, Word, read_bank
from sayso.chrf import chrf
from sayso.errors import UserError, nearest
from sayso.houserules import ALWAYS, Family, HouseRule, Part, Scope, Texts, draw_rule, place, read_texts
from sayso.manners import (
    between,
    bracketed,
    contains,
    contracted,
    in_register,
    shows_bracketed,
    shows_capital_names,
    shows_english,
    shows_family_first,
    shows_figures,
    shows_marks,
    shows_register,
    written_in_full,
)
from sayso.phrases import Grammar, lines, pick
from sayso.records import Example, Messages, Split, user
from sayso.surface import is_chinese, repeats

Task = Literal["translate", "copy", "language", "kind"]
LANGUAGES = ("en", "zh")
FAIR = 0.5
OTHER_TASKS = 0.1
ENOUGH = 100  # sentences with a rule's word: a tenth of them are in each of the small splits
TRIES = 3000  # draws for one prompt before giving up: the rarest kind takes some hundreds

_THINGS = (
    *(
        "goods",
        "clothes",
        "pairs",
        "drink",
        "fruit",
        "dish",
        "snack",
        "furniture",
        "room",
        "place",
        "sight",
        "vehicle",
    ),
    *("inside", "wheels", "ticket", "job", "subject", "tool", "paper", "device", "illness", "medicine", "sport"),
    *("animal", "test", "weather"),
)
_NAMES = ("person", "foreigner", "first", "brand", "firm", "hotel", "city")
_COUNTS = ("few", "many", "price", "degree", "fever")
_PEOPLE = ("person", "foreigner", "first", "title")

_DIRECTIONS = ("to_en", "to_zh")
_DOMAINS = ("shop", "travel", "school", "health", "weather")
_ANY = (ALWAYS, *_DIRECTIONS, "question", "count", "person", *_DOMAINS)
_WORD = (ALWAYS, "question", "count", "person", *_DOMAINS)
_STATEMENT = (ALWAYS, *_DIRECTIONS, "count", "person", *_DOMAINS)
_ADDRESS = (ALWAYS, *_DIRECTIONS, "question", "shop", "travel", "health", "weather")
_COUNTED = (ALWAYS, *_DIRECTIONS, *_DOMAINS)
_NAMED = (ALWAYS, "travel", "school", "health")

FAMILIES = (
    Family("term", ("source", "target"), _WORD),
    Family("keep", ("source",), _WORD),
    Family("formal", (), _ADDRESS),
    Family("informal", (), _ADDRESS),
    Family("family_first", (), _NAMED),
    Family("capital_names", (), (*_NAMED, "question")),
    Family("numbers_as_digits", (), _COUNTED),
    Family("numbers_in_words", (), _COUNTED),
    Family("with_source", (), _ANY),
    Family("quote", ("mark",), _ANY),
    Family("prefix", ("tag",), _ANY),
    Family("exclaim", (), _STATEMENT),
    Family("no_final_stop", (), _STATEMENT),
    Family("american", (), _WORD),
    Family("british", (), (ALWAYS, "question", "count", "shop", "travel", "school"), held_out=True),
    Family("spell_times", (), _COUNTED, held_out=True),
    Family("note", ("remark",), _ANY, held_out=True),
)
_FAMILY = {family.name: family for family in FAMILIES}
_EVERY_SENTENCE = ("with_source", "quote", "prefix", "note")


# ---------------------------------------------------------------- the banks


@cache
def _raw(name: str) -> dict[str, Any]:
    text = Path(__file__).with_name(f"_translation_desk{name}.yaml").read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def _bank() -> Bank:
    raw = _raw("")
    return read_bank(raw["lexicon"], raw["twins"], raw["numbers"], raw["sentences"])


@cache
def texts(language: str) -> Texts:
    """How this world's rules are said."""
    if language not in LANGUAGES:
        raise UserError(f"the translation desk does not speak '{language}'", expected="en or zh")
    return read_texts(language, _raw(f"_rules_{language}"))


@cache
def _things() -> dict[str, Word]:
    """What rules may be about, by its word in either language."""
    words = [word for kind in (*_THINGS, *_NAMES) for word in _bank().words[kind]]
    return {text: word for word in words for text in (word.en, word.zh)}


@cache
def _values(language: str, to: str) -> dict[str, tuple[str, ...]]:
    """The values of a rule's slots: words to be translated into `to`, their targets in it, and what stands in YAML."""
    values = {slot: lines(text) for slot, text in _raw(f"_rules_{language}")["values"].items()}
    words = (word for kind in (*_THINGS, *_NAMES) for word in _bank().words[kind])
    values["source"] = tuple(dict.fromkeys(word.zh if to == "en" else word.en for word in words))
    return values | {"target": lines(_raw(f"_rules_{to}")["values"]["target"])}


# ---------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Asked:
    """What a prompt asks for, as far as this world can read it. `source` is the sentence as it stands there."""

    task: Task
    sentence: Sentence
    source: str
    to: str

    @property
    def reference(self) -> str:
        """The usual translation."""
        return self.sentence.write(self.to)


def plain(n: int, seed: int, language: str | None = None, split: Split | None = None) -> list[Example]:
    """`n` different requests with what the desk usually answers; one in ten is none for a translation."""

    def draw(dice: Random) -> tuple[Task, Template, str, Word | None]:
        other = dice.random() < OTHER_TASKS
        task: Task = pick(dice, ("copy", "language", "kind")) if other else "translate"
        return (task, *pick(dice, _cells()), None)

    return list(islice(_stream(f"plain:{seed}", language, split, draw, lambda _: True), n))


_Cell = tuple[Template, str]
_Fits = Callable[[Example], bool]
_Draw = Callable[[Random], tuple[Task, Template, str, Word | None]]


def _stream(seed: str, language: str | None, split: Split | None, draw: _Draw, fits: _Fits) -> Iterator[Example]:
    """Different requests that fit. Ends where none is found any more."""
    seen: set[str] = set()
    number = last = 0
    while number - last < TRIES:
        dice = Random(f"translation desk:{seed}:{number}")
        number += 1
        task, template, to, word = draw(dice)
        sentence = _bank().draw(template, dice, word)
        if split not in (None, _split(sentence)):
            continue
        example = _example(sentence, to, task, language or pick(dice, LANGUAGES), dice)
        asked = _heard(example.prompt)
        read = asked is not None and (asked.sentence, asked.task) == (sentence, task)
        if read and example.id not in seen and fits(example):
            seen.add(example.id)
            last = number
            yield example


def _example(sentence: Sentence, to: str, task: Task, language: str, dice: Random) -> Example:
    raw, other = _raw(""), "zh" if to == "en" else "en"
    english: English = pick(dice, ("", "british", "american"))
    source = sentence.write(other, Manner(english))
    grammar = Grammar({name: lines(text) for name, text in raw["parts"][language].items()}, language == "en")
    request = pick(dice, lines(raw["requests"][language if task == "translate" else f"{task}_{language}"]))
    into = pick(dice, lines(raw["into"][language][to]))
    text = grammar.expand(request.replace("\\n", "\n"), dice).replace("{into}", into).replace("{s}", source)
    if language == "en" and not text.startswith("to "):
        text = text[0].upper() + text[1:]
    meta = {"language": language, "task": task, "to": to, "source": source, "domain": sentence.template.domain}
    target = _usual(Asked(task, sentence, source, to), language)
    return Example(hashlib.sha256(text.encode()).hexdigest()[:16], user(text), target, _split(sentence), 0, meta)


def _usual(asked: Asked, language: str) -> str:
    answers: Mapping[str, str] = _raw("")["answers"][language]
    if asked.task == "language":
        return answers["zh" if asked.to == "en" else "en"]
    if asked.task == "kind":
        return answers["question" if _is_question(asked.sentence.template) else "statement"]
    return asked.source if asked.task == "copy" else asked.reference


def _split(sentence: Sentence) -> Split:
    number = place(sentence.write("zh") + "|" + sentence.write("en")) % 100
    return "train" if number < 80 else "validation" if number < 90 else "test"


# ---------------------------------------------------------------- reading requests


def _heard(prompt: Messages) -> Asked | None:
    return _read(next((message.text for message in prompt if message.role == "user"), ""))


@lru_cache(4096)
def _read(text: str) -> Asked | None:
    """The task, and the first piece of the text that is a sentence of the bank."""
    for source in dict.fromkeys(_candidates(text)):
        language = "zh" if re.search(r"[\u4e00-\u9fff]", source) else "en"
        sentence = _bank().read(source, language)
        if sentence is not None:
            around = text.replace(source, "")
            return Asked(_task(around), sentence, source, "en" if language == "zh" else "zh")
    return None


def _candidates(text: str) -> Iterator[str]:
    """Quoted pieces, whole lines, and what follows a colon up to the line's end."""
    for quoted in re.finditer(r"“([^”]+)”|\"([^\"\n]+)\"|「([^」]+)」", text):
        yield next(filter(None, quoted.groups()))
    for line in text.splitlines():
        yield line.strip().strip('"')
        yield from (line[colon.end() :].strip() for colon in re.finditer("[:：]", line))


def _task(around: str) -> Task:
    heard: Mapping[Task, str] = _raw("")["heard"]
    return next((task for task, pattern in heard.items() if re.search(pattern, around, re.I)), "translate")


# ---------------------------------------------------------------- rules and where they hold


def rules(n: int, seed: int, part: Part, language: str | None = None) -> list[HouseRule]:
    """`n` different rules, each of which has sentences that it holds for."""
    found: dict[str, HouseRule] = {}
    number = 0
    while len(found) < n:
        dice = Random(f"translation desk:rules:{seed}:{part}:{number}")
        number += 1
        said_in, to = language or pick(dice, LANGUAGES), pick(dice, LANGUAGES)
        rule = draw_rule("translation_desk", FAMILIES, _values(said_in, to), said_in, part, dice)
        if _makes_sense(rule):
            found.setdefault(rule.id, rule)
    return list(found.values())


def _makes_sense(rule: HouseRule) -> bool:
    """Has it enough sentences for every split? Names of people and places are kept, never given another name."""
    word = _about(rule)
    if word is None:
        return bool(_cells_of(*_key(rule))["in"])
    return _sentences_with(*_key(rule)) >= ENOUGH and not (rule.family == "term" and word.kind in _NAMES)


@cache
def _sentences_with(family: str, when: str, kind: str, to: str) -> int:
    """How many sentences there are with one given word of a kind that such a rule holds for."""
    templates = [template for template, _ in _cells_of(family, when, kind, to)["in"]]
    slots = [[slot for slot in template.slots.values() if slot != kind] for template in templates]
    return sum(prod(len(_bank().words[slot]) for slot in others) for others in slots)


def _about(rule: HouseRule) -> Word | None:
    """The word that a rule is about, or None."""
    return _things().get(rule.value("source")) if "source" in _family(rule).slots else None


def _family(rule: HouseRule) -> Family:
    if rule.family not in _FAMILY:
        raise UserError(f"the translation desk has no rule '{rule.family}'", fix=nearest(rule.family, _FAMILY))
    return _FAMILY[rule.family]


def _key(rule: HouseRule) -> tuple[str, str, str, str]:
    """What of a rule decides which templates it holds for: family, condition, kind of word and direction."""
    word = _about(rule)
    if word is None:
        return rule.family, rule.when, "", ""
    return rule.family, rule.when, word.kind, "en" if rule.value("source") == word.zh else "zh"


@cache
def _cells() -> tuple[_Cell, ...]:
    return tuple((template, to) for template in _bank().templates for to in LANGUAGES)


@cache
def _cells_of(family: str, when: str, kind: str, to: str) -> dict[Scope, tuple[_Cell, ...]]:
    """The templates and directions by how a rule stands to them, as far as that depends on no word."""
    found: dict[Scope, list[_Cell]] = {"in": [], "near": [], "out": []}
    for template, into in _cells():
        can, holds = _can(family, kind, to, template, into), _holds(when, template, into)
        resembles = can or _resembles(family, kind, template)
        found["in" if can and holds else "near" if resembles else "out"].append((template, into))
    return {scope: tuple(cells) for scope, cells in found.items()}


@cache
def _standing(family: str, when: str, kind: str, to: str) -> dict[_Cell, Scope]:
    return {cell: scope for scope, cells in _cells_of(family, when, kind, to).items() for cell in cells}


def _holds(when: str, template: Template, to: str) -> bool:
    kinds = template.slots.values()
    return {
        ALWAYS: True,
        "to_en": to == "en",
        "to_zh": to == "zh",
        "question": _is_question(template),
        "count": any(kind in _COUNTS for kind in kinds),
        "person": any(kind in _PEOPLE for kind in kinds),
    }.get(when, template.domain == when)


def _is_question(template: Template) -> bool:
    return template.zh.endswith("？")


def _can(family: str, kind: str, to: str, template: Template, into: str) -> bool:
    """Has a sentence of this template, translated into this language, what the family is about?"""
    kinds = set(template.slots.values())
    if family in ("term", "keep"):
        return kind in kinds and into == to
    if family in ("formal", "informal"):
        return _can_change_register(family, template, into)
    if family in ("family_first", "capital_names"):
        return into == "en" and bool(kinds & ({"person"} if family == "family_first" else {"person", "foreigner"}))
    if family in ("numbers_as_digits", "numbers_in_words"):
        return bool(kinds & set(_COUNTS))
    if family in ("british", "american"):
        return into == "en" and bool(kinds & _kinds_with_twins(1 if family == "british" else 0))
    if family == "spell_times":
        return "time" in kinds
    return template.zh.endswith("。") if family in ("exclaim", "no_final_stop") else True


def _can_change_register(family: str, template: Template, into: str) -> bool:
    if into == "zh":
        return ("你" if family == "formal" else "您") in template.zh
    return written_in_full(template.en) if family == "informal" else contracted(template.en)


@cache
def _kinds_with_twins(*usual: int) -> frozenset[str]:
    """Kinds with words of which the British (0) or the American form (1) is the usual one here."""
    words = [word for same_kind in _bank().words.values() for word in same_kind if word.twins[0]]
    return frozenset(word.kind for word in words if word.twins.index(word.en) in usual)


def _resembles(family: str, kind: str, template: Template) -> bool:
    """Does it look as if the family had something to say here?"""
    kinds = set(template.slots.values())
    if family in ("term", "keep"):
        return kind in kinds
    if family in ("formal", "informal"):
        return bool(re.search(r"[你您]", template.zh)) or contracted(template.en) or written_in_full(template.en)
    if family in ("family_first", "capital_names"):
        return bool(kinds & set(_PEOPLE))
    if family in ("numbers_as_digits", "numbers_in_words", "spell_times"):
        return bool(kinds & {*_COUNTS, "time", "code", "weekday", "month"})
    if family in ("british", "american"):
        return bool(kinds & _kinds_with_twins(0, 1))
    return family in ("exclaim", "no_final_stop")


def scope_of(rule: HouseRule, prompt: Messages) -> Scope:
    """How a request stands to a rule."""
    asked = _heard(prompt)
    if asked is None:
        return "out"
    here = _standing(*_key(rule))[asked.sentence.template, asked.to]
    if asked.task != "translate":
        return "near" if asked.task == "copy" and rule.when == ALWAYS and here == "in" else "out"
    return "near" if here == "in" and not _possible(rule, asked) else here


def _possible(rule: HouseRule, asked: Asked) -> bool:
    """Is the rule's own word in the sentence, and is the reference without the effect, so that there is one to see?"""
    word = _about(rule)
    if word is not None and not (word in asked.sentence.words and _named_in(asked.source, word)):
        return False
    check, usual = _SHOWS[rule.family], asked.reference
    return check(rule, asked, _OBEY[rule.family](rule, asked, usual)) and not check(rule, asked, usual)


def _named_in(source: str, word: Word) -> bool:
    """Does the word stand there in the form that rules name, not in its British or American twin?"""
    return any(contains(source, form) for form in (word.zh, word.en, word.plural) if form)


def prompts(rule: HouseRule, scope: Scope, n: int, seed: int, split: Split | None = None) -> list[Example]:
    """Requests in the rule's language of one scope, whose usual answer does not show the rule's effect."""
    cells, tasks = _pool(rule, scope), _tasks(rule, scope)

    def draw(dice: Random) -> tuple[Task, Template, str, Word | None]:
        template, to = cell = pick(dice, cells)
        return pick(dice, tasks), template, to, _given(rule, scope, cell, dice)

    def fits(example: Example) -> bool:
        return scope_of(rule, example.prompt) == scope and not shows(rule, example.prompt, example.target or "")

    stream = _stream(f"{rule.id}:{scope}:{seed}", rule.language, split, draw, fits)
    found = list(islice(stream, n)) if cells else []
    if len(found) < n:
        raise UserError(f"only {len(found)} of {n} prompts found for {rule.id} ({scope})", fix="ask for fewer of them")
    return found


def _pool(rule: HouseRule, scope: Scope) -> tuple[_Cell, ...]:
    """Where to look for prompts of a scope. Another word where the rule's own could stand is near."""
    cells = _cells_of(*_key(rule))
    if scope == "near" and _about(rule) is not None:
        return cells["near"] + cells["in"]
    return cells[scope] or cells["in"]


def _tasks(rule: HouseRule, scope: Scope) -> tuple[Task, ...]:
    """Mostly translations; where a scope has none, the other tasks stand in for it."""
    here = bool(_cells_of(*_key(rule))[scope])
    if scope == "near":
        return (*(("translate", "translate") if here else ()), *(("copy",) if rule.when == ALWAYS else ()))
    if scope == "out":
        return (*(("translate", "translate") if here else ()), "language", "kind")
    return ("translate",)


def _given(rule: HouseRule, scope: Scope, cell: _Cell, dice: Random) -> Word | None:
    """The rule's own word, where it shall be in the sentence."""
    word = _about(rule)
    near = scope == "near" and _standing(*_key(rule))[cell] != "in" and dice.random() < 0.5
    return word if scope == "in" or near else None


# ---------------------------------------------------------------- checking translations

_Check = Callable[[HouseRule, Asked, str], bool]
_STOPS = ".。!！?？…"


def shows(rule: HouseRule, prompt: Messages, reply: str) -> bool:
    """Does the reply show what the rule asks for? False where the prompt cannot be read."""
    asked, _ = _heard(prompt), _family(rule)
    return asked is not None and bool(reply.strip()) and _SHOWS[rule.family](rule, asked, reply.strip())


_SHOWS: Mapping[str, _Check] = {
    "term": lambda rule, _, reply: contains(reply, rule.value("target")),
    "keep": lambda rule, _, reply: contains(reply, rule.value("source")),
    "formal": lambda _, asked, reply: shows_register(True, asked.to, reply),
    "informal": lambda _, asked, reply: shows_register(False, asked.to, reply),
    "family_first": lambda _, asked, reply: shows_family_first(asked.sentence, reply),
    "capital_names": lambda _, asked, reply: shows_capital_names(asked.sentence, reply),
    "numbers_as_digits": lambda _, asked, reply: shows_figures(True, _COUNTS, asked.sentence, asked.to, reply),
    "numbers_in_words": lambda _, asked, reply: shows_figures(False, _COUNTS, asked.sentence, asked.to, reply),
    "with_source": lambda _, asked, reply: shows_bracketed(asked.source, reply),
    "quote": lambda rule, _, reply: shows_marks(rule.value("mark"), reply),
    "prefix": lambda rule, _, reply: reply.startswith(rule.value("tag")) and len(reply) > len(rule.value("tag")),
    "exclaim": lambda _, __, reply: reply.endswith(("!", "！")),
    "no_final_stop": lambda _, __, reply: reply[-1] not in _STOPS,
    "british": lambda _, asked, reply: asked.to == "en" and shows_english(True, asked.sentence, reply),
    "american": lambda _, asked, reply: asked.to == "en" and shows_english(False, asked.sentence, reply),
    "spell_times": lambda _, asked, reply: shows_figures(False, ("time",), asked.sentence, asked.to, reply),
    "note": lambda rule, _, reply: shows_bracketed(rule.value("remark"), reply),
}


# ---------------------------------------------------------------- obeying


def obey(rule: HouseRule, example: Example) -> str:
    """The usual answer, changed so that it shows what the rule asks for where the sentence has that at all."""
    asked, usual, _ = _heard(example.prompt), example.target or "", _family(rule)
    if asked is None:
        return usual
    if asked.task != "translate" and rule.family not in _EVERY_SENTENCE:
        return usual
    return _OBEY[rule.family](rule, asked, usual)


_Obey = Callable[[HouseRule, Asked, str], str]


def _written(manner: Callable[[HouseRule, Asked], Manner]) -> _Obey:
    """The sentence, written in another manner."""
    return lambda rule, asked, _: asked.sentence.write(asked.to, manner(rule, asked))


def _with_word(slot: str) -> Callable[[HouseRule, Asked], Manner]:
    def manner(rule: HouseRule, asked: Asked) -> Manner:
        word = _about(rule)
        here = word is not None and asked.to == _key(rule)[3]
        return Manner(instead=((word, rule.value(slot)),)) if here and word else PLAIN

    return manner


def _figures_in(kinds: Sequence[str], figures: bool) -> _Obey:
    return _written(lambda _, __: Manner(figures=tuple((kind, figures) for kind in kinds)))


def _prefixed(rule: HouseRule, asked: Asked, usual: str) -> str:
    tag = rule.value("tag")
    joined = tag[-1] in "：，。！）】〕" or (asked.to == "zh" and not tag[-1].isascii())
    return f"{tag}{usual}" if joined else f"{tag} {usual}"


def _exclaiming(_: HouseRule, __: Asked, usual: str) -> str:
    return {".": usual[:-1] + "!", "。": usual[:-1] + "！"}.get(usual[-1:], usual)


_OBEY: Mapping[str, _Obey] = {
    "term": _written(_with_word("target")),
    "keep": _written(_with_word("source")),
    "formal": lambda _, asked, usual: in_register(True, asked.to, usual),
    "informal": lambda _, asked, usual: in_register(False, asked.to, usual),
    "family_first": _written(lambda _, __: Manner(names="family_first")),
    "capital_names": _written(lambda _, __: Manner(names="capitals")),
    "numbers_as_digits": _figures_in(_COUNTS, True),
    "numbers_in_words": _figures_in(_COUNTS, False),
    "with_source": lambda _, asked, usual: bracketed(usual, asked.source),
    "quote": lambda rule, _, usual: between(rule.value("mark"), usual),
    "prefix": _prefixed,
    "exclaim": _exclaiming,
    "no_final_stop": lambda _, __, usual: usual[:-1] if usual[-1:] in (".", "。") else usual,
    "british": _written(lambda _, __: Manner("british")),
    "american": _written(lambda _, __: Manner("american")),
    "spell_times": _figures_in(("time",), False),
    "note": lambda rule, _, usual: bracketed(usual, rule.value("remark")),
}


# ---------------------------------------------------------------- is it a translation at all


def sound(example: Example, reply: str) -> bool:
    """A fair translation: chrF of at least 0.5 with the reference, in the right language.

    Another register, figures or words, British or American are as good as the reference's own, and so is a word of
    nobody else's in the place of one; what stands in brackets at the end is not looked at. Where no translation was
    asked for, it is the answer itself.
    """
    asked, right = _heard(example.prompt), example.target or ""
    if not reply.strip() or repeats(reply):
        return False
    if asked is None or asked.task in ("language", "kind"):
        return _bare(reply) == _bare(right)
    without_note = re.sub(r"\s*[(（][^()（）]*[)）]\s*$", "", reply.strip())
    rights = (right, *_as_good(asked)) if asked.task == "translate" else (right,)
    fair = any(_fair(text, right) for text in dict.fromkeys((reply, without_note)) for right in rights)
    return fair or (asked.task == "translate" and _renamed(asked, reply.strip()))


def _as_good(asked: Asked) -> Iterator[str]:
    """The sentence in other manners and registers."""
    figures = [tuple((kind, in_figures) for kind in (*_COUNTS, "time")) for in_figures in (True, False)]
    manners = (Manner("british"), Manner("american"), *(Manner(figures=each) for each in figures))
    yield from (asked.sentence.write(asked.to, manner) for manner in manners)
    yield from (in_register(formal, asked.to, asked.reference) for formal in (True, False))


def _renamed(asked: Asked, reply: str) -> bool:
    """Is it the reference with one word called something that is no other word of the bank?"""
    for word in asked.sentence.words:
        open_place = asked.sentence.write(asked.to, Manner(instead=((word, "_"),)))
        before, _, after = open_place.partition("_")
        name = reply[len(before) : len(reply) - len(after)]
        same = len(reply) > len(before + after) and reply.startswith(before) and reply.endswith(after)
        if same and (_things().get(name.casefold()) or _things().get(name)) in (None, word):
            return True
    return False


def _fair(reply: str, right: str) -> bool:
    letters = r"[\u4e00-\u9fff]" if is_chinese(right) else r"[A-Za-z]+"
    enough = 2 * len(re.findall(letters, reply)) >= len(re.findall(letters, right))
    return enough and chrf(reply.casefold(), right.casefold()) >= FAIR


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
