"""Searches a text for personal data of every kind.

Decided here: no model is asked. A name that is on no list and that no word introduces is not found, which the audit
says; figures by kind and language stand in docs/audit.md.
"""

from __future__ import annotations

from collections.abc import Collection

from sayso.privacy.addresses import addresses
from sayso.privacy.found import KINDS, Found, folded, settled
from sayso.privacy.names import names
from sayso.privacy.numbers import numbers


def search(text: str, kinds: Collection[str] = KINDS) -> tuple[Found, ...]:
    """The personal data in a text, in its order, without overlaps."""
    plain = folded(text)
    found = settled([*numbers(plain), *addresses(plain), *names(plain)])
    return tuple(one for one in found if one.kind in kinds)
