"""Finds people's names, Chinese and English, by lists of names and by the words that introduce a person.

Decided here:
- A Chinese name needs a surname, and beside it a word that introduces or addresses a person, or two characters that
  names are made of between words that stand around names.
- An English name needs a word that introduces a person, or a given name from the list; one that is also a word (Will,
  May, Grace) counts only before a surname.
- The lists are short: the commonest surnames and given names. Others are found by what stands around them alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sayso.privacy.found import Found

_WORDS = Path(__file__).parent / "words"
COMMON = 130  # surnames that a name may be told by without any word that introduces it
_NO_NAMES_ZH = "高[中大小考校]|任何|任务|黄金|金融|马上|马路|常年|白天|安全|平安|方法|万一|时代|江南|西门子"
_WORDS_ZH = "于万方石白江安向金时"  # surnames that mostly are words of a sentence
_SIGNS = "，,。；;、：:！!？?“”\"'（）() \n\t"
_BEFORE_ZH = "的给找请和跟与让被对向由把是叫" + _SIGNS
_AFTER_ZH = "的说先也在住是反称填买收寄已刚和跟与驾将把被对向于从到上下有没不知就来去提要想打发" + _SIGNS
_FAMILIAR = "王李张刘陈杨赵吴周徐孙朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾蒋蔡"  # 小王, 老李: none of them is a word
_TITLES_EN = r"Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sergeant|Officer|Captain|Nurse|Judge|Sir|Madam|Detective"
_OPENS_EN = (
    r"my name is|name is|name'?s|I'm|I am|this is|called|contact:?|ask for|spoke (?:with|to)|talked (?:with|to)|"
    r"(?:account )?holder:?|owner:?|tenant is|signed by|attn:?|dear|(?:best |kind )?regards,|sincerely,|thanks,|"
    r"cheers,|patient,|driver,|name:|(?:my|his|her|our|their) (?:wife|husband|son|daughter|brother|sister|mother|"
    r"father|mom|mum|dad|aunt|uncle|boss|manager|friend|colleague|neighbou?r|partner|girlfriend|boyfriend|nephew|niece),?"
)
_CAP = r"[A-Z][a-zà-ÿ]+(?:['’-][A-Z][a-zà-ÿ]+)?|[A-Z]['’][A-Z][a-zà-ÿ]+|Ma?c[A-Z][a-zà-ÿ]+"
_TITLED_EN = re.compile(rf"\b(?:{_TITLES_EN})\b\.? ((?:{_CAP})(?: (?:{_CAP}))?)")
_OPENED_EN = re.compile(rf"(?i:\b(?:{_OPENS_EN}))\s+((?:{_CAP})(?: (?:[A-Z]\.|{_CAP})){{0,2}})")
_RUN_EN = re.compile(rf"\b(?:{_CAP})(?: (?:[A-Z]\.|{_CAP}))*")


def names(text: str) -> Iterator[Found]:
    """Every name in a folded text; finds may overlap."""
    yield from _chinese(text)
    yield from _english(text)


# ---------------------------------------------------------------- Chinese


@cache
def _no_names() -> frozenset[str]:
    return frozenset(_list("no_names_en.txt"))


@cache
def _list(name: str) -> tuple[str, ...]:
    return tuple((_WORDS / name).read_text(encoding="utf-8").split())


@cache
def _patterns_zh() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """(introduced, titled, familiar, bare)"""
    titles, opens = ("|".join(_list(f"{name}_zh.txt")) for name in ("titles", "opens"))
    surnames = _list("surnames_zh.txt")
    double = [one for one in surnames if len(one) > 1]
    single = [one for one in surnames if len(one) == 1]
    given = "".join(_list("given_zh.txt"))
    every, common = (
        f"(?:{'|'.join(double)}|[{''.join(single)}])",
        f"(?:{'|'.join(double)}|[{''.join(one for one in single[:COMMON] if one not in _WORDS_ZH)}])",
    )
    end = rf"(?=$|[{re.escape(_AFTER_ZH)}]|{titles})"
    name = rf"{every}(?:[{given}][{given}]{end}|[{given}]{end}|[{given}][{given}]|[{given}])"
    common = rf"(?!{_NO_NAMES_ZH}){common}"
    return (
        re.compile(rf"(?:{opens})(?:[:： ]|是)?({name})"),
        re.compile(rf"({every}(?:[{given}]{{1,2}}(?={titles}))|(?<!基){common}(?:{titles}))"),
        re.compile(rf"(?:^|[{re.escape(_BEFORE_ZH)}])([小老阿][{_FAMILIAR}])(?!子|[上大年])"),
        re.compile(
            rf"(?:^|(?<=[{re.escape(_BEFORE_ZH)}]))({common}[{given}]{{2}}|(?:{'|'.join(double)})[{given}]){end}"
        ),
    )


def _chinese(text: str) -> Iterator[Found]:
    introduced, titled, familiar, bare = _patterns_zh()
    for pattern in (introduced, familiar, bare):
        yield from (Found("name", *match.span(1)) for match in pattern.finditer(text))
    yield from (Found("name", *match.span(1)) for match in titled.finditer(text))


# ---------------------------------------------------------------- English


@cache
def _lists_en() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """(given names, given names that are words or places too, surnames)"""
    given, ambiguous, surnames = (frozenset(_list(f"{name}_en.txt")) for name in ("given", "ambiguous", "surnames"))
    return given | ambiguous, ambiguous, surnames


def _english(text: str) -> Iterator[Found]:
    yield from (Found("name", *match.span(1)) for match in _TITLED_EN.finditer(text))
    for match in _OPENED_EN.finditer(text):
        yield from _person(text, match.span(1), introduced=True)
    for match in _RUN_EN.finditer(text):
        yield from _person(text, match.span(), introduced=False)


def _person(text: str, span: tuple[int, int], *, introduced: bool) -> Iterator[Found]:
    """The name within a run of capitalised words, if there is one."""
    given, ambiguous, surnames = _lists_en()
    words = [(match[0], span[0] + match.start()) for match in re.finditer(r"\S+", text[slice(*span)])]
    while words and words[0][0] in _no_names() and words[0][0] not in given:
        words = words[1:]
    for at, (word, start) in enumerate(words[:3]):
        following = [one for one, _ in words[at + 1 : at + 3]]
        if word not in given and not (introduced and at == 0 and word not in _no_names()):
            continue
        kept = _surnames(following, surnames)
        if not kept and word in ambiguous and not introduced:
            continue
        if kept and word in ambiguous and not introduced and following[kept - 1] not in surnames:
            continue
        last, last_start = words[at + kept]
        yield Found("name", start, last_start + len(last))
        return


def _surnames(following: list[str], surnames: frozenset[str]) -> int:
    """How many of the words after a given name belong to the name: an initial and a surname, or a surname."""
    usable = [one.removesuffix("'s") not in _no_names() or one in surnames for one in following]
    if following and usable[0]:
        initial = len(following[0]) == 2 and following[0].endswith(".")
        return 2 if initial and len(following) > 1 and usable[1] else 1 - initial
    return 0
