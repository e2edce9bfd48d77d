"""Reviews composed of opinions, the questions asked about them, and what both say, heard again from the text.

Decided here:
- A review is made of opinions, each on one topic and in one mood, so the answers to both questions follow from it.
  What counts is what the words say: stars do not, and irony ("wry") is praise.
- An opinion is heard by its spelling, which says one thing only; the domain, the stars and the question by patterns.
  So nothing needs to remember how a review was made.
- A review belongs to a split by the hash of its skeleton (the text before slots are filled), so no two splits share a
  way of saying something, whatever the seeds.
- Two questions are not about a label (how many stars, who is named). They are there for contrast.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from random import Random
from typing import Any

from sayso.houserules import place
from sayso.phrases import Grammar, capitals, fill, lines, pick
from sayso.records import Example, Split, user

LABELLED = ("sentiment", "topic")
_PEOPLE = ("staff", "friends")
_KINDS = (*("sentiment",) * 10, *("topic",) * 7, "stars", "person")
_KEY = 2  # letters by which spellings are found

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_BEGINS = re.compile(r"(?:^|[.!?]\s+)\{[a-z]")  # a slot that begins a sentence: {Word} is {word} with a capital
_QUOTED = re.compile(r'["“]([^"“”]+)["”]')


# ---------------------------------------------------------------- the banks


@dataclass(frozen=True)
class Opinion:
    """Something that is said about a topic, and where. Of a person: "staff" or "friends", the name as mood."""

    topic: str
    mood: str
    start: int = 0
    end: int = 0

    @property
    def good(self) -> bool:
        """Irony is praise in words."""
        return self.mood != "bad"


@dataclass(frozen=True)
class Bank:
    """One language: the phrase bank as it was read, with what is looked up often.

    `beside` are the words and things ("word", "thing") that a review may happen to name.
    """

    language: str
    raw: Mapping[str, Any]
    beside: Mapping[str, Sequence[str]]

    @property
    def spaced(self) -> bool:
        """Are there blanks between words?"""
        return bool(self.raw["spaced"])

    def draw(self, dice: Random, *path: str) -> str:
        """One template of a block, its choices made."""
        return self.expand(pick(dice, self.lines(*path)), dice)

    def expand(self, template: str, dice: Random) -> str:
        """A template with its choices made, its slots still in braces."""
        return Grammar({}, self.spaced).expand(template, dice)

    def lines(self, *path: str) -> tuple[str, ...]:
        """The templates of a block."""
        block: Any = self.raw
        for name in path:
            block = block[name]
        return _lines(block)

    def sayings(self, topic: str, mood: str, domain: str) -> list[str]:
        """The templates of an opinion that fit a domain."""
        split = (line.rpartition("> ") for line in self.lines("opinions", topic, mood))
        return [text for domains, _, text in split if not domains or domain in domains.split()]

    def topics(self, domain: str) -> list[str]:
        """What may be spoken of."""
        return list(self.raw["domains"][domain]["topics"].split())

    def labels(self, kind: str) -> tuple[str, ...]:
        """The answers that a question lists."""
        return tuple(self.raw["topics" if kind == "topic" else "sentiments"].values())

    def topic(self, label: str) -> str:
        """The topic whose label this is; "" for another word."""
        return next((name for name, said in self.raw["topics"].items() if said == label), "")

    @cached_property
    def spelled(self) -> Mapping[str, tuple[tuple[str, Opinion], ...]]:
        """Every spelling of every opinion by its first letters, the longest first."""
        found = {text.lower(): said for text, said in self._sayings()}
        found |= {text.replace("'", ""): said for text, said in found.items()}
        table: dict[str, list[tuple[str, Opinion]]] = {}
        for text in sorted(found, key=len, reverse=True):
            table.setdefault(text[:_KEY], []).append((text, found[text]))
        return {key: tuple(entries) for key, entries in table.items()}

    def _sayings(self) -> Iterator[tuple[str, Opinion]]:
        for topic, moods in self.raw["opinions"].items():
            for mood in moods:
                for line in self.lines("opinions", topic, mood):
                    said = spellings(line.rpartition("> ")[2])
                    yield from ((text.strip(), Opinion(topic, mood)) for text in said)
        for kind in _PEOPLE:
            for line in self.lines(kind):
                for text in spellings(line):
                    yield from ((text.format(name=name), Opinion(kind, name)) for name in self.lines("slots", "name"))


@cache
def _lines(block: str) -> tuple[str, ...]:
    return lines(block)


def spellings(template: str) -> list[str]:
    """All that a template may become."""
    found = _CHOICE.search(template)
    if not found:
        return [template]
    options = dict.fromkeys(found[1].split("|"))
    return [text for o in options for text in spellings(template[: found.start()] + o + template[found.end() :])]


# ---------------------------------------------------------------- hearing


@dataclass(frozen=True)
class Heard:
    """What a prompt says, told from its text. `kind` is the question: a label's, "stars", "person", or "" for none."""

    bank: Bank
    kind: str
    review: str
    domain: str
    opinions: tuple[Opinion, ...]
    people: tuple[Opinion, ...]
    stars: int

    @property
    def short(self) -> int:
        """By how many words (characters in Chinese) the review is longer than a short one; below 0 it is short."""
        raw = self.bank.raw
        bare = re.sub(raw["around_stars"], "", self.review, flags=re.I)
        return len(re.findall(raw["word"], re.sub(raw["star_heard"], "", bare))) - int(raw["short"])

    @property
    def usual(self) -> str:
        """The answer as long as no house rule is known; "" where nothing is asked or said."""
        if self.kind in LABELLED:
            return label_of(self.bank, self.kind, self.opinions)
        if self.kind == "person":
            return next((person.mood for person in self.people), "")
        return str(self.stars) if self.kind == "stars" and self.stars else ""

    def says(self, word: str) -> bool:
        """Does the review say this word, and not deny it?"""
        before = (self.review[: found.start()].replace("’", "'") for found in self.find(word))
        return any(not re.search(self.bank.raw["negated"], text, re.I) for text in before)

    def find(self, word: str) -> list[re.Match[str]]:
        """Where the word stands, as a word of its own where words are spaced."""
        before, after = (r"(?<!\w)", r"(?!\w)") if self.bank.spaced else ("", "")
        return list(re.finditer(before + re.escape(word) + after, self.review, re.I))


def hear(text: str, bank: Bank) -> Heard:
    """What a prompt asks and what its review says."""
    kind, review = _question(text, bank)
    said = heard_opinions(review, bank)
    stars = re.search(bank.raw["star_heard"], review)
    return Heard(
        bank,
        kind,
        review,
        next((name for name, facts in bank.raw["domains"].items() if re.search(facts["heard"], text, re.I)), ""),
        tuple(one for one in said if one.topic not in _PEOPLE),
        tuple(one for one in said if one.topic in _PEOPLE),
        _count(stars[0]) if stars else 0,
    )


def _question(text: str, bank: Bank) -> tuple[str, str]:
    """Which question is asked, and the text without it: it stands in a line of its own, or the review in quotes."""
    quoted = _QUOTED.search(text)
    if quoted:
        kind, beside = _asked(text.replace(quoted[0], "\n"), bank)
        if kind and not beside.strip():
            return kind, quoted[1]
    return _asked(text, bank)


def _asked(text: str, bank: Bank) -> tuple[str, str]:
    asked = [(_kind(line, bank), line) for line in text.split("\n")]
    unlabelled = (re.sub(bank.raw["labelled"], "", line) for kind, line in asked if not kind)
    return next((kind for kind, _ in asked if kind), ""), "\n".join(filter(None, unlabelled))


def _kind(line: str, bank: Bank) -> str:
    small = line.lower()
    for kind in LABELLED:
        if all(label in small for label in bank.labels(kind)):
            return kind
    return next((kind for kind, pattern in bank.raw["asked"].items() if re.search(pattern, small)), "")


def heard_opinions(review: str, bank: Bank) -> list[Opinion]:
    """What is said in a text of topics and of people, in its order."""
    small, found, place = review.lower().replace("’", "'"), list[Opinion](), 0
    while place < len(small):
        begins = not (bank.spaced and place and small[place - 1].isalnum())
        one = _spelled_at(small, place, bank) if begins else None
        if one is not None:
            found.append(one)
        place = one.end if one is not None else place + 1
    return found


def _spelled_at(text: str, place: int, bank: Bank) -> Opinion | None:
    for spelling, said in bank.spelled.get(text[place : place + _KEY], ()):
        end = place + len(spelling)
        if text.startswith(spelling, place) and not (bank.spaced and text[end : end + 1].isalnum()):
            return replace(said, start=place, end=end)
    return None


def _count(stars: str) -> int:
    drawn = stars.count("★") + stars.count("⭐")
    return drawn or (
        "0一二三四五".find(stars[0]) if stars[0] in "一二三四五" else 2 if stars[0] == "两" else int(stars[0])
    )


def label_of(bank: Bank, kind: str, opinions: Sequence[Opinion]) -> str:
    """What opinions add up to: the topic most spoken of (the first of equals), or the sentiment."""
    if not opinions:
        return ""
    if kind == "topic":
        return str(bank.raw["topics"][Counter(one.topic for one in opinions).most_common(1)[0][0]])
    moods = {one.good for one in opinions}
    return str(bank.raw["sentiments"]["mixed" if len(moods) == 2 else "good" if True in moods else "bad"])


# ---------------------------------------------------------------- drawing reviews


@dataclass(frozen=True)
class Plan:
    """What a review is to say and what is asked about it. `opinions` are pairs of topic and mood."""

    kind: str
    domain: str
    opinions: tuple[tuple[str, str], ...]
    stars: int = 0
    word: str = ""
    denied: bool = False
    thing: str = ""
    person: str = ""
    short: bool = False
    placed: bool = False  # the domain must be said


def drawn_plan(bank: Bank, dice: Random, kind: str = "", domain: str = "", topic: str = "") -> Plan:
    """Any review; of those that may speak of `topic`, one that does. Question and domain are drawn where not given."""
    kind = kind or pick(dice, _KINDS)
    places = [name for name in bank.raw["domains"] if topic in ("", *bank.topics(name))]
    chosen = domain if domain in places else pick(dice, places)
    opinions = _opinions(bank.topics(chosen), topic, kind, dice)
    good = sum(mood != "bad" for _, mood in opinions) / len(opinions)
    fitting = pick(dice, (4, 5) if good == 1 else (2, 3, 3, 4) if good else (1, 2))
    starred = kind == "stars" or dice.random() < 0.3
    stars = (fitting if dice.random() < 0.75 else 1 + int(dice.random() * 5)) if starred else 0
    person = pick(dice, _PEOPLE) if kind == "person" or dice.random() < 0.12 else ""
    word, thing = ((pick(dice, bank.beside[slot]) if dice.random() < 0.09 else "") for slot in ("word", "thing"))
    return Plan(kind, chosen, opinions, stars, word, dice.random() < 0.2, thing, person, dice.random() < 0.08)


def _opinions(topics: Sequence[str], topic: str, kind: str, dice: Random) -> tuple[tuple[str, str], ...]:
    """One to three: of one mood or several, on one topic where the topic is asked for (a third may be on another)."""
    topic = topic or pick(dice, topics)
    count, tone = pick(dice, (1, 1, 2, 2, 2, 3)), pick(dice, ("good", "bad", "mixed"))
    named = [topic] * count
    for i in range(1, count):
        others = [name for name in topics if name not in named]
        if kind != "topic" or (i == 2 and dice.random() < 0.6):
            named[i] = pick(dice, others)
    if kind != "topic" or count == 3:
        named = sorted(named, key=lambda _: dice.random())
    moods = [tone if tone != "mixed" else pick(dice, ("good", "bad")) for _ in named]
    if tone == "mixed" and count > 1:
        moods[1] = "bad" if moods[0] == "good" else "good"
    return tuple((n, "wry" if m == "good" and dice.random() < 0.15 else m) for n, m in zip(named, moods, strict=True))


def composed(bank: Bank, plan: Plan, dice: Random) -> Example:
    """A review and its question, with the answer that the words give."""
    review, question = _review(bank, plan, dice), _asking(bank, plan, dice)
    layout = pick(dice, bank.lines("layouts")).replace("~~", pick(dice, ("\n", "\n\n"))).replace("~", "\n")
    skeleton = fill(layout, {"review": review, "question": question})
    text = _filled(bank, skeleton, plan, dice)
    name = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
    meta = {"language": bank.language, "kind": plan.kind, "domain": plan.domain}
    return Example(name, user(text), hear(text, bank).usual, _split(skeleton), 0, meta)


def _split(skeleton: str) -> Split:
    spot = place(skeleton.lower()) % 100
    return "train" if spot < 80 else "validation" if spot < 90 else "test"


def _review(bank: Bank, plan: Plan, dice: Random) -> str:
    """The skeleton: where it was, what was thought of it, and things beside the point."""
    sentences = [_joined(bank, plan, dice)]
    beside = [
        bank.draw(dice, "denials" if plan.denied else "words") if plan.word else "",
        bank.draw(dice, "mentions") if plan.thing else "",
        bank.draw(dice, plan.person) if plan.person else "",
        bank.draw(dice, "asides") if dice.random() < 0.15 and not plan.short else "",
    ]
    for sentence in filter(None, beside):
        sentences.insert(int(dice.random() * (len(sentences) + 1)), sentence)
    if (plan.placed or dice.random() < 0.45) and not plan.short:
        sentences.insert(0, bank.draw(dice, "domains", plan.domain, "opens"))
    return _dressed(bank, plan, sentences, dice)


def _joined(bank: Bank, plan: Plan, dice: Random) -> str:
    text, before, said = "", "", set[str]()
    for topic, mood in plan.opinions[: 1 if plan.short else None]:
        every = bank.sayings(topic, mood, plan.domain)
        options = [line for line in every if not said & _heads(line, bank.spaced)] or every
        template = pick(dice, _brief(options, bank) if plan.short else options)
        said |= _heads(template, bank.spaced)
        other = bank.expand(template, dice)
        turns = "turn" if (before == "bad") != (mood == "bad") else "same"
        text = fill(pick(dice, bank.lines("joins", turns)), {"one": text, "other": other}) if text else other
        before = mood
    return text


@cache
def _heads(template: str, spaced: bool) -> frozenset[str]:
    """What a saying begins with: two that begin alike say the same or contradict each other ("the room ...")."""
    texts = (text.strip().lower() for text in spellings(template))
    return frozenset(" ".join(text.split()[:2]) if spaced else text[:2] for text in texts)


def _brief(templates: Sequence[str], bank: Bank) -> list[str]:
    """Those that make a short review, as far as there are any."""
    longest = {line: max(len(re.findall(bank.raw["word"], text)) for text in spellings(line)) for line in templates}
    brief = [line for line, length in longest.items() if length < bank.raw["short"]]
    return brief or [min(templates, key=lambda line: longest[line])]


def _dressed(bank: Bank, plan: Plan, sentences: Sequence[str], dice: Random) -> str:
    """Sentences with their stops, in the writer's manner, with a face and with stars."""
    stop = (". " if dice.random() < 0.85 else "! ") if bank.spaced else pick(dice, ("。", "。", "，", "！"))
    last = pick(dice, (".", ".", "!", "", "!!") if bank.spaced else ("。", "。", "！", "", "！！"))
    text = stop.join(sentences) + last
    if bank.spaced and dice.random() < 0.88:
        text = _BEGINS.sub(lambda found: found[0].upper(), capitals(text))
    text = text.replace("'", "") if dice.random() < 0.07 else text
    if dice.random() < 0.15:
        mood = pick(dice, [mood for _, mood in plan.opinions]).replace("wry", "mixed")
        text += " " * bank.spaced + pick(dice, bank.raw["faces"][mood].split())
    if plan.stars:
        stars, between = bank.expand(pick(dice, bank.lines("stars")), dice), pick(dice, (" ", " ", "\n"))
        text = stars + between + text if dice.random() < 0.5 else text + between + stars
    return text


def _asking(bank: Bank, plan: Plan, dice: Random) -> str:
    noun = bank.raw["domain_nouns"][plan.domain] if dice.random() < 0.25 else pick(dice, bank.lines("nouns"))
    question = pick(dice, bank.lines("questions", plan.kind)).replace("{noun}", noun)
    text = bank.expand(question, dice)
    return capitals(text) if bank.spaced else text


def _filled(bank: Bank, skeleton: str, plan: Plan, dice: Random) -> str:
    scene = {slot: pick(dice, bank.lines("slots", slot)) for slot in bank.raw["slots"]}
    filled, stars = plan.stars, pick(dice, ("★★★★★", "⭐⭐⭐⭐⭐"))[: plan.stars]
    drawn = stars + "☆" * (5 - filled) * (stars[:1] == "★")
    listed = _listed(bank, plan, dice) if plan.kind in LABELLED else {}
    rated = {"n": str(filled), "drawn": drawn, "star": bank.raw["star"][filled != 1]}
    scene |= rated | {"word": plan.word, "thing": plan.thing} | listed
    text = fill(skeleton, scene | {slot.capitalize(): said[:1].upper() + said[1:] for slot, said in scene.items()})
    return text[0].upper() + text[1:] if skeleton.startswith("{") and bank.spaced else text


def _listed(bank: Bank, plan: Plan, dice: Random) -> dict[str, str]:
    """The labels of a question in any order: to choose between ("labels": a or b), and to choose from ("among")."""
    labels = sorted(bank.labels(plan.kind), key=lambda _: dice.random())
    comma = ", " if bank.spaced else "、"
    words = {"items": comma.join(labels[:-1]), "last": labels[-1], "slashed": pick(dice, ("/", " / ")).join(labels)}
    return {slot: fill(pick(dice, bank.lines("lists", slot)), words) for slot in bank.raw["lists"]}
