"""Finds postal addresses, Chinese and English: a street with a number is one, a city alone is none.

Decided here:
- A Chinese address begins with a place that is known or with a district, and goes as far down as it is told: road,
  number, building, room. Without a number it is a place where anybody may be.
- An English address begins with a number before a street's name, or with a flat; city, state and code belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sayso.privacy.found import Found

_PLACES = Path(__file__).parent / "words" / "places_zh.txt"
_H = r"[一-龥]"
_NUMBERED = re.compile(r"\d|[一二三四五六七八九十百]号")
_SUFFIX = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Court|Ct|Terrace|Parkway|Pkwy|Place|Pl|Square|Sq|"
    r"Way|Highway|Hwy|Crescent|Close|Row|Walk|Gardens|Alley)"
)
_CAP = r"[A-Z][A-Za-z'’.-]*"
_US = r"(?:,? [A-Z]{2} \d{5}(?:-\d{4})?)"
_UK = r"(?:,? [A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})"
_UNIT = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|#)\.? ?#?\w+"
_ENGLISH = re.compile(
    rf"(?<![\w.,-])(?:{_UNIT},? )?\d{{1,5}}[A-Za-z]?(?:-\d+)? (?:(?:{_CAP}|\d+(?:st|nd|rd|th)) ){{1,4}}{_SUFFIX}\b\.?"
    rf"(?:,? {_UNIT})?(?:, {_CAP}(?: {_CAP}){{0,2}}){{0,2}}(?:{_US}|{_UK}|,? \d{{5}}\b)?"
)
_FRENCH = re.compile(
    rf"(?<!\w)\d{{1,4}},? (?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace)(?: (?:de|du|des|la|le|les|d'|{_CAP})){{1,5}}"
    rf"(?:, (?:\d{{5}} )?{_CAP})?"
)


def addresses(text: str) -> Iterator[Found]:
    """Every postal address in a folded text."""
    for pattern in (_ENGLISH, _FRENCH, _chinese()):
        found = (match for match in pattern.finditer(text) if _NUMBERED.search(match[0]))
        yield from (Found("address", *match.span()) for match in found)


@cache
def _chinese() -> re.Pattern[str]:
    places = "|".join(sorted(_PLACES.read_text(encoding="utf-8").split(), key=len, reverse=True))
    known = rf"(?:{places})(?:省|市|特别行政区|自治区)?"
    district = rf"{_H}{{1,4}}?(?:新区|区|县|市|镇|乡|旗)"
    road = rf"{_H}{{1,8}}?(?:大道|大街|路|街|巷|胡同|弄|道|里)(?:[东西南北中]{{1,2}}(?:段|路)?)?"
    number = r"(?:\d+(?:-\d+)*|[一二三四五六七八九十百]+)(?:号院|号楼|号|弄|巷|栋|幢|座|单元|楼|层|室|组|房|户)"
    building = rf"{_H}{{2,8}}?(?:大厦|广场|小区|花园|公寓|中心|家园|大楼|国际|苑|园区|村)(?:[A-Z]座)?"
    detail = rf"(?:{number}|{building}|[A-Z]座)"
    return re.compile(
        rf"(?:{known}(?:{known})?(?:{district}){{0,2}}|{_H}{{2,3}}(?:区|县){_H}{{0}})(?:{_H}{{2,4}}(?:科技园|街道))?(?:{_H}?[南北东西]区)?(?:{road})?{detail}(?:{detail}|\d{{3,4}}(?![\d年]))*"
    )
