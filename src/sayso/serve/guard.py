"""Every route's door: who calls, and may they?

Decided here: a missing key and an unknown one look the same; the limit on requests is the key's, whatever it asks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sayso.serve.keys import Caller, KeyRole, Keys
from sayso.serve.limits import Buckets
from sayso.serve.problems import Refusal

Guard = Callable[..., Awaitable[Caller]]
Needs = Callable[[KeyRole], Guard]


def guard_of(keys: Keys | None, buckets: Buckets) -> Needs:
    """What makes a guard for routes that need a role: it names the caller, or refuses (401, 403, 429)."""
    carried = Depends(HTTPBearer(auto_error=False, description="a key of `sayso keys add`"))

    def needs(role: KeyRole) -> Guard:
        if keys is None:
            return _anyone

        async def known(given: HTTPAuthorizationCredentials | None = carried) -> Caller:
            return _caller(keys, buckets, role, given.credentials if given is not None else "")

        return known

    return needs


async def _anyone(_: Request) -> Caller:
    return Caller()


def _caller(keys: Keys, buckets: Buckets, role: KeyRole, secret: str) -> Caller:
    key = keys.find(secret)
    if key is None:
        challenge = {"WWW-Authenticate": "Bearer"}
        raise Refusal(401, "a valid key is needed: Authorization: Bearer ...", "key", headers=challenge)
    buckets.take(key.name, key.per_minute)
    caller = Caller(key.name, key.role)
    if not caller.reaches(role):
        raise Refusal(403, f"this needs the role {role}; the key '{key.name}' has the role {key.role}", "role")
    return caller
