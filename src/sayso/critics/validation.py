"""The errors of an evaluation become comments: what was expected, what it was taken for and how often, and the rule.

Decided here:
- The evaluation as a whole is looked at first, so a comment can say how often its error was made; errors of one kind
  share one rule (the comment's scope), so that they are learnt, or held out, together.
- Of labels it is also said which words stand in the texts of an error, in how many, and in how many of the texts that
  it was confused with. Only words that chance would hardly put there are named; else none is.
- Words are in the language of the prompt; a rule is named in the language of most prompts, so that it is one rule.
- The revision is the gold answer. Where the comment names it, it says so (`reveals_answer`).
- Free text is faulted for what can be seen of it without a model; an answer that only differs from the gold one is
  commented on below a threshold, for that item alone: another good answer also differs.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sayso.numerals import missing_numbers
from sayso.protocols import Review, Task
from sayso.records import Answer, Attempt, Author, Example, Feedback, Scope, Why, split_labels
from sayso.surface import copies, repeats, units
from sayso.wording import language_of


@dataclass(frozen=True, slots=True)
class Knobs:
    """`reveal`: name the right answer; `limit`: most comments, spread over the rules (0: all).

    `below`: free text graded lower than this is commented on though nothing but its difference is seen (half of it
    where the gold answer is Chinese: on FLORES the same systems have a chrF of 0.53 into English, 0.26 to 0.34 into
    Chinese); `short`, `long`: how many times the gold answer's length is too little, too much for a translation.
    """

    reveal: bool = True
    limit: int = 0
    below: float = 0.35
    short: float = 0.6
    long: float = 2.0


@dataclass(frozen=True, slots=True)
class _Fault:
    """One thing that is wrong. `things` are the labels that it is about, or what is missing from a text."""

    kind: str
    things: tuple[str, ...] = ()

    @property
    def group(self) -> tuple[str, ...]:
        """Faults of one group break one rule."""
        return (self.kind, *(self.things if self.kind in _OF_LABELS else ()))


@dataclass(frozen=True, slots=True)
class _Signs:
    """Words of an error's texts: at least one stands in `times` of its `n` texts, and in `rest` of `others`."""

    words: tuple[str, ...] = ()
    times: int = 0
    n: int = 0
    rest: int = 0
    others: int = 0


def comment(task: Task, pairs: Sequence[tuple[Example, Answer]], knobs: Knobs) -> Review:
    """A comment on each wrong answer. What has no gold answer is judged only by what can be seen of it."""
    found = [tuple(_faults(task, example, answer, knobs)) for example, answer in pairs]
    made = Counter(fault.group for faults in found for fault in faults)
    held = Counter(label for example, _ in pairs for label in _gold_labels(task, example))
    languages = Counter(language_of(_prompt(example)) for example, _ in pairs).most_common(1)
    signs = _all_signs(task, pairs, found)
    said: list[Feedback] = []
    for (example, answer), faults in zip(pairs, found, strict=True):
        if faults:
            main = max(faults, key=lambda fault: made[fault.group])
            among = held[main.things[0]] if main.kind in ("confused", "missed") else len(pairs)
            language, telling = language_of(_prompt(example)), signs.get(main.group, _Signs())
            parts = [_say("words", fault, language) for fault in faults]
            parts.append(_expected(example, faults, language, knobs))
            parts.append(_say("often", main, language, made[main.group], among) if made[main.group] > 1 else "")
            if _words(_prompt(example)) & set(telling.words):
                parts.append(_say_signs(main, telling, language))
            parts.append(_rule(main, telling, language))
            when = _rule(main, telling, languages[0][0])
            said.append(_feedback(example, answer, _joined(parts, language), when, knobs))
    return Review(tuple(_spread(said, knobs.limit)))


# ---------------------------------------------------------------- what is wrong


def _faults(task: Task, example: Example, answer: Answer, knobs: Knobs) -> Iterator[_Fault]:
    score = task.grade(example, answer)
    if score.why is Why.RIGHT or not task.context(example, "decoder"):
        return
    if task.options:
        if example.target is not None:
            yield from _label_faults(task, example, answer, knobs.reveal)
        return
    seen = list(_text_faults(task, example, answer, knobs))
    yield from seen
    gold = example.target or ""
    if not seen and gold and score.value < knobs.below * (0.5 if language_of(gold) == "zh" else 1):
        yield _Fault("differs")


def _label_faults(task: Task, example: Example, answer: Answer, reveal: bool) -> Iterator[_Fault]:
    gold, given = _gold_labels(task, example), _named(task, answer.text)
    missed = [label for label in gold if label not in given]
    extra = [label for label in given if label not in gold]
    if not task.several and len(given) != 1:
        yield _Fault("no_label")
    elif not reveal:
        yield from (_Fault("denied", (label,)) for label in extra or given)
    elif len(missed) == len(extra) == 1:
        yield _Fault("confused", (missed[0], extra[0]))
    else:
        yield from (_Fault("missed", (label,)) for label in missed)
        yield from (_Fault("extra", (label,)) for label in extra)


def _named(task: Task, text: str) -> tuple[str, ...]:
    """The labels of an answer; a single one may stand in a sentence."""
    said = {part.casefold() for part in split_labels(text)}
    exact = tuple(option for option in task.options if option.casefold() in said)
    return exact or tuple(option for option in task.options if option.casefold() in text.casefold())


def _gold_labels(task: Task, example: Example) -> tuple[str, ...]:
    if not task.options or example.target is None:
        return ()
    return split_labels(example.target) if task.several else (example.target,)


def _text_faults(task: Task, example: Example, answer: Answer, knobs: Knobs) -> Iterator[_Fault]:
    asked, text, gold = _prompt(example), answer.text, example.target or ""
    if not text.strip():
        yield _Fault("empty")
        return
    if copies(asked, text) and not copies(asked, gold):
        yield _Fault("copied")
        return
    if repeats(text) and not repeats(gold):
        yield _Fault("repeats")
    elif not answer.ended:
        yield _Fault("unfinished")
    if _letters(gold) and _letters(text) and language_of(gold) != language_of(text):
        yield _Fault("language")
    elif task.name == "translate" and gold:
        yield from _translation_faults(asked, text, gold, knobs)


def _translation_faults(source: str, text: str, gold: str, knobs: Knobs) -> Iterator[_Fault]:
    for name, things in (
        ("untranslated", _untranslated(source, text, gold)),
        ("numbers", missing_numbers(text, gold)),
        ("names", _missing_names(text, gold)),
    ):
        if things:
            yield _Fault(name, tuple(things[:3]))
    ratio = len(units(text)) / max(1, len(units(gold)))
    if ratio < knobs.short:
        yield _Fault("short")
    elif ratio > knobs.long and not repeats(text):
        yield _Fault("long")


def _untranslated(source: str, text: str, gold: str) -> list[str]:
    """Han characters where the gold answer has none; in a Chinese one, plain words of the source that it lacks."""
    if not _HAN.search(gold):
        return _HAN.findall(text)
    foreign = set(_LATIN.findall(source)) - set(_LATIN.findall(gold))
    return [word for word in dict.fromkeys(_LATIN.findall(text)) if word in foreign and word.islower()]


def _missing_names(text: str, gold: str) -> list[str]:
    """Capitalised words inside the gold answer's sentences, where the answer has fewer to put in their place.

    Nothing where nearly half of the words are such, as in German; a name in brackets is only its original spelling.
    """
    inside = _INSIDE.findall(_BRACKETS.sub(" ", gold))
    said, kept = text.casefold(), gold.casefold()
    names = [word for word in dict.fromkeys(inside) if word[0].isupper() and word.casefold() not in said]
    others = [word for word in set(_INSIDE.findall(text)) if word[0].isupper() and word.casefold() not in kept]
    nouns = sum(word[0].isupper() for word in inside) > 0.4 * max(5, len(inside))
    return [] if nouns or len(others) >= len(names) else names


_HAN = re.compile(r"[\u3400-\u9fff]+")
_LATIN = re.compile(r"[^\W\d_\u2e80-\uffff]{2,}")
_INSIDE = re.compile(r"(?:(?<=[^\W_] )|(?<=, )|(?<=[\u4e00-\u9fff]))[^\W\d_\u2e80-\uffff]{2,}")
_BRACKETS = re.compile(r"[(（][^)）]*[)）]")


def _letters(text: str) -> bool:
    return any(letter.isalpha() for letter in text)


def _prompt(example: Example) -> str:
    return "\n".join(message.text for message in example.prompt)


# ---------------------------------------------------------------- which words stand in an error's texts

_OFTEN_ENOUGH, _EVIDENCE, _MOST_SIGNS, _LONGEST_RUN = 3, 7.0, 3, 4  # evidence in nats: chance does it once in 1,000


def _all_signs(
    task: Task, pairs: Sequence[tuple[Example, Answer]], found: Sequence[tuple[_Fault, ...]]
) -> dict[tuple[str, ...], _Signs]:
    """The signs of every error that is about labels and was made often enough."""
    texts = [_words(_prompt(example)) for example, _ in pairs]
    golds = [_gold_labels(task, example) for example, _ in pairs]
    by_group: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, faults in enumerate(found):
        for fault in faults:
            if fault.kind in _OF_LABELS:
                by_group[fault.group].append(place)
    signs: dict[tuple[str, ...], _Signs] = {}
    for (kind, *things), places in by_group.items():
        with_label, own = kind != "missed", set(places)
        others = [i for i, gold in enumerate(golds) if (things[-1] in gold) == with_label and i not in own]
        signs[(kind, *things)] = _signs([texts[i] for i in places], [texts[i] for i in others])
    return signs


def _words(text: str) -> set[str]:
    """Words of letters, and runs of up to four Han characters."""
    runs = (run[i : i + n] for run in _HAN.findall(text) for n in range(1, _LONGEST_RUN + 1) for i in range(len(run)))
    return {word.casefold() for word in _LATIN.findall(text)} | set(runs)


def _signs(errors: Sequence[set[str]], others: Sequence[set[str]]) -> _Signs:
    """At most three words that are far commoner in the errors, by the Chernoff bound on chance; none holds another."""
    often = Counter(word for words in errors for word in words)
    elsewhere = Counter(word for words in others for word in words if often[word])
    weighed = {
        word: _evidence(times, len(errors), (elsewhere[word] + 1) / (len(others) + 2))
        for word, times in often.items()
        if times >= _OFTEN_ENOUGH
    }
    chosen: list[str] = []
    for word in sorted(weighed, key=lambda word: (-weighed[word], -len(word), word)):
        apart = not any(word in other or other in word for other in chosen)
        if weighed[word] >= _EVIDENCE and apart and len(chosen) < _MOST_SIGNS:
            chosen.append(word)
    times, rest = (sum(not words.isdisjoint(chosen) for words in side) for side in (errors, others))
    return _Signs(tuple(chosen), times, len(errors), rest, len(others))


def _evidence(times: int, n: int, share: float) -> float:
    """n KL(times/n || share) in nats, 0 where it is no more than the share: chance does it once in exp(that)."""
    seen = times / n
    if seen <= share:
        return 0.0
    missing = (1 - seen) * math.log((1 - seen) / (1 - share)) if seen < 1 else 0.0
    return n * (seen * math.log(seen / share) + missing)


# ---------------------------------------------------------------- how it is said

_OF_LABELS = ("confused", "missed", "extra", "denied")
_OFTEN = {
    "en": "This error was made in {times} of {n} answers.",
    "zh": "{n} 个回答里有 {times} 个犯了这个错误。",
}
_SIGNS = {
    "en": "In {times} of these {n} texts stands {signs}, and in {rest} of the {others} {which}.",
    "zh": "这 {n} 条里有 {times} 条含有{signs}，{others} 条{which}里有 {rest} 条。",
}
_CARE = {"en": "Take care where the text says {signs}.", "zh": "文中有{signs}时要留心。"}
_SAID: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "confused": {
        "words": {"en": "This is {0}, not {1}.", "zh": "这是{0}，不是{1}。"},
        "often": {
            "en": "Of {n} that are {0}, {times} were taken for {1}.",
            "zh": "{n} 个{0}里有 {times} 个被当成了{1}。",
        },
        "signs": {"en": "that are {1}", "zh": "{1}"},
        "rule": {
            "en": "Before answering {1}, look whether it is {0}.",
            "zh": "回答{1}之前，先看看是不是{0}。",
        },
    },
    "missed": {
        "words": {"en": "{0} holds here and was not named.", "zh": "这里有{0}，却没有答出来。"},
        "often": {"en": "Of {n} with {0}, {times} were missed.", "zh": "{n} 个有{0}的里漏掉了 {times} 个。"},
        "signs": {"en": "without {0}", "zh": "没有{0}的"},
        "rule": {"en": "Name {0} wherever it holds.", "zh": "凡是有{0}的都要答出来。"},
    },
    "extra": {
        "words": {"en": "{0} does not hold here.", "zh": "这里没有{0}。"},
        "often": {
            "en": "{0} was named {times} times where it does not hold.",
            "zh": "有 {times} 次没有{0}却答了{0}。",
        },
        "signs": {"en": "with {0}", "zh": "有{0}的"},
        "rule": {"en": "Name {0} only where it holds.", "zh": "没有{0}就不要答{0}。"},
    },
    "denied": {
        "words": {"en": "This is not {0}.", "zh": "这不是{0}。"},
        "signs": {"en": "that are {0}", "zh": "{0}"},
        "rule": {"en": "Look twice before answering {0}.", "zh": "回答{0}之前要再看一遍。"},
    },
    "no_label": {
        "words": {"en": "The answer is not one of the labels.", "zh": "回答不是所给的标签之一。"},
        "rule": {"en": "Answer with exactly one of the labels.", "zh": "只回答一个标签。"},
    },
    "empty": {
        "words": {"en": "There is no answer.", "zh": "没有给出回答。"},
        "rule": {"en": "Always answer.", "zh": "总要给出回答。"},
    },
    "copied": {
        "words": {"en": "The answer only says the given text again.", "zh": "回答只是把原文重复了一遍。"},
        "rule": {"en": "Do what is asked with the text, do not copy it.", "zh": "要按要求处理原文，不要照抄。"},
    },
    "repeats": {
        "words": {"en": "The answer says the same thing over and over.", "zh": "回答反复说同样的话。"},
        "rule": {"en": "Say everything once.", "zh": "每句话只说一遍。"},
    },
    "unfinished": {
        "words": {"en": "The answer breaks off before its end.", "zh": "回答没有说完就中断了。"},
        "rule": {"en": "Bring the answer to its end.", "zh": "要把回答说完。"},
    },
    "language": {
        "words": {"en": "The answer is in the wrong language.", "zh": "回答用错了语言。"},
        "rule": {"en": "Answer in the language that is asked for.", "zh": "要用所要求的语言回答。"},
    },
    "untranslated": {
        "words": {"en": "Left untranslated: {all}.", "zh": "没有翻译：{all}。"},
        "rule": {"en": "Leave no word of the source untranslated.", "zh": "原文的词都要翻译出来。"},
    },
    "numbers": {
        "words": {"en": "Missing numbers: {all}.", "zh": "漏掉了数字：{all}。"},
        "rule": {"en": "Carry every number over.", "zh": "数字要一个不漏地译出。"},
    },
    "names": {
        "words": {"en": "Missing names: {all}.", "zh": "漏掉了专名：{all}。"},
        "rule": {"en": "Carry every name over.", "zh": "人名、地名等专名都要译出。"},
    },
    "short": {
        "words": {"en": "Much of the source is left out.", "zh": "漏译了很多内容。"},
        "rule": {"en": "Translate all of the source.", "zh": "原文要全部译出。"},
    },
    "long": {
        "words": {"en": "Much is added that the source does not say.", "zh": "加了很多原文没有的内容。"},
        "rule": {"en": "Add nothing to the source.", "zh": "不要添加原文没有的内容。"},
    },
    "differs": {"words": {"en": "This is not the answer that is expected.", "zh": "这不是预期的回答。"}},
}


def _say(part: str, fault: _Fault, language: str, times: int = 0, n: int = 0) -> str:
    """The fault's words, its rule or how often it was made; "" where there is nothing to say."""
    said = _SAID[fault.kind].get(part, _OFTEN if part == "often" else {})
    quoted = [_quoted(thing, language) for thing in fault.things]
    joint = "、" if language == "zh" else ", "
    return said.get(language, "").format(*quoted, all=joint.join(quoted), times=times, n=n)


def _say_signs(fault: _Fault, signs: _Signs, language: str) -> str:
    which, words = _say("signs", fault, language), _either(signs.words, language)
    counts = {"times": signs.times, "n": signs.n, "rest": signs.rest, "others": signs.others}
    return _SIGNS[language].format(signs=words, which=which, **counts)


def _rule(fault: _Fault, signs: _Signs, language: str) -> str:
    """What to heed, and in which texts above all; "" for what is no rule."""
    care = _CARE[language].format(signs=_either(signs.words, language)) if signs.words else ""
    return _joined([_say("rule", fault, language), care], language)


def _either(words: Sequence[str], language: str) -> str:
    quoted = [_quoted(word, language) for word in words]
    joint, last = ("、", "或") if language == "zh" else (", ", " or ")
    return last.join(filter(None, (joint.join(quoted[:-1]), quoted[-1])))


def _quoted(thing: str, language: str) -> str:
    return f"“{thing}”" if language == "zh" else f'"{thing}"'


def _joined(sentences: Sequence[str], language: str) -> str:
    return ("" if language == "zh" else " ").join(filter(None, sentences))


def _expected(example: Example, faults: Sequence[_Fault], language: str, knobs: Knobs) -> str:
    """The right answer, unless the faults' words name it already."""
    named = all(fault.kind in _OF_LABELS for fault in faults)
    if named or not knobs.reveal or not (example.target or "").strip():
        return ""
    return f"正确的回答是“{example.target}”。" if language == "zh" else f'The right answer is "{example.target}".'


def _feedback(example: Example, answer: Answer, words: str, when: str, knobs: Knobs) -> Feedback:
    return Feedback(
        example.prompt,
        Attempt(answer.text),
        words,
        Author("critic", "validation"),
        Scope("rule", when) if when else Scope(),
        revision=example.target,
        reveals_answer=knobs.reveal and bool((example.target or "").strip()),
        language=language_of(_prompt(example)),
        item=example.id,
    )


def _spread(said: Sequence[Feedback], limit: int) -> list[Feedback]:
    """At most `limit` comments: the first of every rule, then the second of every rule, in order."""
    if not limit or len(said) <= limit:
        return list(said)
    seen: Counter[str] = Counter()
    ranked: list[tuple[int, int]] = []
    for place, one in enumerate(said):
        ranked.append((seen[one.scope.when], place))
        seen[one.scope.when] += 1
    return [said[place] for place in sorted(place for _, place in sorted(ranked)[:limit])]
