"""Finds what has a form: identity cards, bank cards, IBANs, phones, plates, passports, e-mail and IP addresses.

Decided here:
- Where there is a checksum it is computed (identity cards: GB 11643-1999, MOD 11-2; cards: Luhn, ISO/IEC 7812-1; IBAN:
  mod 97, ISO 13616), so an order number of as many digits is not taken for one.
- What has no form of its own (passports, plates outside China, a Social Security number without hyphens) counts only
  where a word nearby says what it is.
- Numbers that anyone may call (400, 800, toll-free, three to five digits) are nobody's.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import date

from sayso.privacy.found import Found, Kind

NEAR = 24  # characters between a word and what it is said of
_A, _Z = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_ID_CARD = re.compile(rf"{_A}([1-9]\d{{5}})[ -]?((?:19|20)\d\d[01]\d[0-3]\d)[ -]?(\d{{3}}[\dXx]){_Z}")
_WEIGHTS, _CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
_CARD = re.compile(rf"{_A}[2-6]\d{{3}}(?:[ -]?\d){{9,15}}{_Z}")
_IBAN = re.compile(rf"{_A}[A-Z]{{2}}\d\d(?: ?[0-9A-Z]{{4}}){{2,7}}(?: ?[0-9A-Z]{{1,3}})?{_Z}")
_SSN = re.compile(r"(?<![0-9A-Za-z-])(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![0-9A-Za-z-])")
_LOOSE_SSN = re.compile(r"(?<![0-9A-Za-z-])\d{3}[ -]?\d\d[ -]?\d{4}(?![0-9A-Za-z-])")
_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9_][A-Za-z0-9._%+-]*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}", re.ASCII)
_IPV4 = re.compile(r"(?<![0-9A-Za-z.])\d{1,3}(?:\.\d{1,3}){3}(?![0-9A-Za-z]|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f](?![0-9A-Fa-f:])")
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(
    rf"(?:[{_PROVINCES}][A-HJ-NP-Z])[ ·.-]?(?:[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9学警港澳挂]|[A-HJ-NP-Z0-9]{{6}}){_Z}"
)
_LOOSE_PLATE = re.compile(rf"{_A}(?=[A-Z0-9 -]*\d)(?=[A-Z0-9 -]*[A-Z])[A-Z0-9]{{2,4}}[ -]?[A-Z0-9]{{3,4}}{_Z}")
_PASSPORT = re.compile(rf"{_A}(?:[A-Z]{{1,2}}\d{{6,8}}|\d{{9}}){_Z}")
_PHONES = (
    re.compile(rf"(?<![第0-9A-Za-z.-])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}{_Z}"),
    re.compile(rf"(?<![0-9A-Za-z.-])\(?0(?:10|2\d|[3-9]\d\d)\)?[ -]?\d{{3,4}}[ -]?\d{{4}}{_Z}"),
    re.compile(rf"(?<![0-9A-Za-z.-])(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])[2-9]\d\d[ .-]\d{{4}}{_Z}"),
    re.compile(rf"(?<![0-9A-Za-z.-])0(?:7\d{{3}} \d{{6}}|\d{{2,4}} \d{{3,4}} \d{{3,4}}){_Z}"),
    re.compile(rf"(?<![0-9A-Za-z.-])\+[1-9]\d{{0,2}}(?:[ .()-]{{0,2}}\d){{7,12}}{_Z}"),
)
_ANYONES = re.compile(r"^(?:\+?1[ .-]?)?\(?(?:[48]00|8(?:88|77|66|55|44|33|22))\b")
_SAYS = {
    "passport": re.compile(r"护照|passport", re.IGNORECASE),
    "ssn": re.compile(r"\bssn\b|social security", re.IGNORECASE),
    "plate": re.compile(r"\bplates?\b|\bregistration\b|\blicen[cs]e\b|车牌", re.IGNORECASE),
    "version": re.compile(r"version|firmware|\bv\.?$|版本|固件", re.IGNORECASE),
}


def numbers(text: str) -> Iterator[Found]:
    """Everything with a form in a folded text; finds may overlap."""
    yield from _checked(text)
    for kind, pattern in (("email", _EMAIL), ("ssn", _SSN), ("plate", _PLATE)):
        yield from _all(kind, pattern, text)  # type: ignore[arg-type]
    for pattern in _PHONES:
        yield from (one for one in _all("phone", pattern, text) if not _ANYONES.match(text[one.start : one.end]))
    yield from _addresses(text)
    loose: tuple[tuple[Kind, re.Pattern[str]], ...] = (
        ("passport", _PASSPORT),
        ("ssn", _LOOSE_SSN),
        ("plate", _LOOSE_PLATE),
    )
    for kind, pattern in loose:
        yield from (one for one in _all(kind, pattern, text) if _said(kind, text, one))


def is_id_card(digits: str) -> bool:
    """Eighteen characters whose date is one and whose last character is the checksum of the others."""
    try:
        date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits[:17], _WEIGHTS, strict=True))
    return _CHECKS[total % 11] == digits[17].upper()


def is_card(digits: str) -> bool:
    """Luhn: every second digit from the right is doubled, and the sum of all digits ends in 0."""
    doubled = [int(d) * (2 if at % 2 else 1) for at, d in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Letters as numbers, the first four characters last: the remainder by 97 is 1."""
    return 15 <= len(text) <= 34 and int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


# ---------------------------------------------------------------- inside


def _all(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    return (Found(kind, *match.span()) for match in pattern.finditer(text))


def _checked(text: str) -> Iterator[Found]:
    for match in _ID_CARD.finditer(text):
        if is_id_card("".join(match.groups())):
            yield Found("id_card", *match.span())
    for match in _CARD.finditer(text):
        if is_card(re.sub(r"\D", "", match[0])):
            yield Found("bank_card", *match.span())
    for match in _IBAN.finditer(text):
        yield from _iban(match)


def _iban(match: re.Match[str]) -> Iterator[Found]:
    """The longest beginning that passes: a short word in capitals may follow."""
    parts = match[0].split(" ")
    for count in range(len(parts), 0, -1):
        whole = " ".join(parts[:count])
        if is_iban(whole.replace(" ", "")):
            yield Found("iban", match.start(), match.start() + len(whole))
            return


def _addresses(text: str) -> Iterator[Found]:
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if _is_address(match[0]) and not _SAYS["version"].search(
                text[max(0, match.start() - NEAR) : match.start()]
            ):
                yield Found("ip", *match.span())


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


def _said(kind: Kind, text: str, one: Found) -> bool:
    """Does a word nearby say what it is?"""
    return bool(_SAYS[kind].search(text[max(0, one.start - NEAR) : one.end + NEAR]))
