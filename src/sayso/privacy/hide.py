"""Takes personal data out of a text: by its kind alone, or by a name that stays the same within a project.

Decided here:
- What stands in its place is in the language of the text: [手机号] or [phone].
- A pseudonym is the first 20 bits of HMAC-SHA256 (RFC 2104) of the kind and the value, under a key that the project
  keeps: the same number is the same pseudonym, and no table leads back. About one in a million values share one, so of
  a number with ten digits even who has the key cannot say which it was; of a name he can try the likely ones.
- Formatting is no difference: 138-1234-5678 and 13812345678 are one number.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sayso.privacy.found import Found, Kind, folded
from sayso.surface import is_chinese

NAMES: dict[Kind, tuple[str, str]] = {
    "id_card": ("身份证号", "identity card"),
    "iban": ("IBAN", "IBAN"),
    "bank_card": ("银行卡号", "card number"),
    "ssn": ("社保号", "SSN"),
    "passport": ("护照号", "passport number"),
    "phone": ("手机号", "phone"),
    "email": ("邮箱", "e-mail"),
    "ip": ("IP地址", "IP address"),
    "plate": ("车牌号", "plate"),
    "address": ("地址", "address"),
    "name": ("人名", "name"),
}
LETTERS = 4  # of 5 bits each


@dataclass(frozen=True, slots=True)
class Hidden:
    """A text without what was found in it, and where each find stood and stands: (start, end, new start, new end)."""

    text: str
    moves: tuple[tuple[int, int, int, int], ...] = ()

    def at(self, place: int, *, end: bool = False) -> int:
        """Where a place of the text is now. One inside of what was taken out goes to its beginning, or its end."""
        shift = 0
        for start, stop, new_start, new_stop in self.moves:
            if place >= stop:
                shift = new_stop - stop
            elif place > start:
                return new_stop if end else new_start
        return place + shift


def name_of(kind: Kind, chinese: bool) -> str:
    """A kind of personal data in words."""
    return NAMES[kind][0 if chinese else 1]


def hide(text: str, found: Sequence[Found], key: bytes | None = None) -> Hidden:
    """The text with [kind] for each find; with a key, [kind XXXX], where XXXX stays the same for the same value."""
    chinese = is_chinese(text)
    parts: list[str] = []
    moves: list[tuple[int, int, int, int]] = []
    last = length = 0
    for one in found:
        name = name_of(one.kind, chinese)
        label = f"[{name}]" if key is None else f"[{name} {pseudonym(text[one.start : one.end], one.kind, key)}]"
        before = text[last : one.start]
        moves.append((one.start, one.end, length + len(before), length + len(before) + len(label)))
        parts += [before, label]
        length += len(before) + len(label)
        last = one.end
    return Hidden("".join(parts) + text[last:], tuple(moves))


def pseudonym(value: str, kind: Kind, key: bytes) -> str:
    """Four letters and digits for a value, the same for the same value under the same key."""
    digest = hmac.new(key, f"{kind}:{_plain(value, kind)}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest)[:LETTERS].decode("ascii")


# ---------------------------------------------------------------- inside


def _plain(value: str, kind: Kind) -> str:
    """The value without its formatting."""
    text = folded(value).casefold()
    if kind in ("name", "address", "email", "ip"):
        return re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"[^0-9a-z一-龥]", "", text)
    return re.sub(r"^(?:86)?(?=1[3-9]\d{9}$)", "", text) if kind == "phone" else text
