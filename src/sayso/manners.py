"""Manners of writing a sentence in English or Chinese: for each a test that is exact and a way to write it so.

Decided here:
- A manner shows only where the text could also be written otherwise: a reply without any verb that can be shortened is
  neither formal nor informal English, and one without 你 or 您 is neither in Chinese.
- A contraction is one of a list. The full form counts only where a word follows, since nobody shortens "Yes, I am."
- A number is in figures where its figures stand alone, and in words where its words do: "twenty" is not in
  "twenty-one", 三 not in 十三, nor 3 in 13 or 3:30.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from sayso.bilingual import Sentence, Word, named, plural
from sayso.surface import is_chinese

# in this order: "it is not" becomes "it isn't"
_SHORTENED = (
    *(("cannot", "can't"), ("will not", "won't"), ("do not", "don't"), ("does not", "doesn't"), ("did not", "didn't")),
    *(("is not", "isn't"), ("are not", "aren't"), ("was not", "wasn't"), ("were not", "weren't")),
    *(("has not", "hasn't"), ("have not", "haven't"), ("should not", "shouldn't"), ("could not", "couldn't")),
    *(("let us", "let's"), ("I am", "I'm"), ("I will", "I'll"), ("I would", "I'd"), ("it is", "it's")),
    *(("he is", "he's"), ("she is", "she's"), ("we are", "we're"), ("they are", "they're"), ("you are", "you're")),
    *(("that is", "that's"), ("there is", "there's"), ("there will", "there'll"), ("what is", "what's")),
    *(("where is", "where's"), ("who is", "who's")),
)
_CONTRACTIONS = tuple(
    (re.compile(rf"\b{full}\b(?= \w)", re.I), full, re.compile(rf"\b{short}\b", re.I), short)
    for full, short in _SHORTENED
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_NUMERALS = "零一二两三四五六七八九十百"


def contains(text: str, wording: str) -> bool:
    """Does the wording stand in the text: Latin ones as words of their own, in any case, the plural too?"""
    if is_chinese(wording):
        return wording in text
    options = "|".join(map(re.escape, dict.fromkeys((wording, plural(wording)))))
    return bool(re.search(rf"(?<![A-Za-z0-9])(?:{options})(?![A-Za-z0-9])", text, re.I))


# ---------------------------------------------------------------- register


def contracted(text: str) -> bool:
    """Is an English verb shortened?"""
    return any(short.search(text) for _, _, short, _ in _CONTRACTIONS)


def written_in_full(text: str) -> bool:
    """Is an English verb written in full that could be shortened?"""
    return any(full.search(text) for full, _, _, _ in _CONTRACTIONS)


def shows_register(formal: bool, language: str, text: str) -> bool:
    """Formal: 您, or full verb forms. Informal: 你, or short ones. And nothing of the other kind."""
    if language == "zh":
        wanted, other = ("您", "你") if formal else ("你", "您")
        return wanted in text and other not in text
    tests = (written_in_full(text), contracted(text))
    return tests == ((True, False) if formal else (False, True))


def in_register(formal: bool, language: str, text: str) -> str:
    """The text in that register, as far as there is something to change."""
    if language == "zh":
        return text.replace("你", "您") if formal else text.replace("您", "你")
    for full, in_full, short, shortened in _CONTRACTIONS:
        pattern, form = (short, in_full) if formal else (full, shortened)
        text = pattern.sub(partial(_in_case, form), text)
    return text


def _in_case(form: str, like: re.Match[str]) -> str:
    return form[0].upper() + form[1:] if like[0][0].isupper() else form


# ---------------------------------------------------------------- names, numbers, British and American


def shows_family_first(sentence: Sentence, text: str) -> bool:
    """Has every Chinese person's English name the family name first?"""
    people = [word for word in sentence.words if word.kind == "person"]
    return bool(people) and all(_stands(named(word, "family_first"), text) for word in people)


def shows_capital_names(sentence: Sentence, text: str) -> bool:
    """Is the family name of every full name in capitals?"""
    people = [word for word in sentence.words if word.kind in ("person", "foreigner")]
    return bool(people) and all(_stands(word.en.rpartition(" ")[2].upper(), text) for word in people)


def _stands(wording: str, text: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(wording)}(?!\w)", text, re.ASCII))


def shows_figures(figures: bool, kinds: Sequence[str], sentence: Sentence, language: str, text: str) -> bool:
    """Do all numbers or times of these kinds stand there in figures (or else in words), and none in both?"""
    found = [word for word in sentence.words if word.kind in kinds]
    return bool(found) and all(
        (_figures_stand(word, text), _words_stand(word, language, text)) == (figures, not figures) for word in found
    )


def _figures_stand(word: Word, text: str) -> bool:
    return bool(re.search(rf"(?<![\d:.]){re.escape(word.figures)}(?!\d|:\d|\.\d)", text))


def _words_stand(word: Word, language: str, text: str) -> bool:
    test = _chinese_words_stand if language == "zh" else _english_words_stand
    return any(test(spelt, text) for spelt in word.spelt(language))


def _chinese_words_stand(spelt: str, text: str) -> bool:
    return bool(re.search(rf"(?<![{_NUMERALS}]){spelt}(?![{_NUMERALS}])", text))


def _english_words_stand(spelt: str, text: str) -> bool:
    loose = re.escape(spelt).replace(r"\-", "[- ]")
    larger = rf"\b(?:{_TENS})[- ]{loose}\b|hundred (?:and )?{loose}\b|\b{loose} hundred\b"
    return bool(re.search(rf"(?<![\w-]){loose}(?!\w|-\w)", re.sub(larger, "", text, flags=re.I), re.I))


def shows_english(british: bool, sentence: Sentence, text: str) -> bool:
    """Is every word of the sentence that differs between British and American English written as the one has it?"""
    twins = [word.twins if british else word.twins[::-1] for word in sentence.words if word.twins[0]]
    return bool(twins) and all(contains(text, right) and not _other(right, wrong, text) for right, wrong in twins)


def _other(right: str, wrong: str, text: str) -> bool:
    """Does the other form stand there, where it is not just a part of the right one?"""
    return contains(re.sub(re.escape(right), "", text, flags=re.I) if wrong in right else text, wrong)


# ---------------------------------------------------------------- what stands around


def shows_bracketed(what: str, text: str) -> bool:
    """Does the text end with this in round brackets, with something before it?"""
    return bool(re.search(rf"\S\s*[(（]\s*{re.escape(what)}\s*[.。]?[)）]\s*[.。]?$", text))


def bracketed(text: str, what: str) -> str:
    """The text with this in round brackets behind it."""
    return f"{text}（{what}）" if is_chinese(text) else f"{text} ({what})"


def marks(mark: str) -> tuple[str, str]:
    """What stands before and after: a pair of different halves is taken apart, anything else stands on both sides."""
    half = len(mark) // 2
    apart = len(mark) % 2 == 0 and mark[:half] != mark[half:]
    return (mark[:half], mark[half:]) if apart else (mark, mark)


def shows_marks(mark: str, text: str) -> bool:
    """Does the text stand between these marks?"""
    before, after = marks(mark)
    return text.startswith(before) and text.endswith(after) and len(text) > len(before + after)


def between(mark: str, text: str) -> str:
    """The text between the marks."""
    before, after = marks(mark)
    return before + text + after
