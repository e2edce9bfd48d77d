"""Who reads a page: signed in by a key or a link, in a signed cookie, and safe from forms on other people's pages.

Decided here:
- Nothing is kept on the server: a cookie says who signed in and until when, signed with a secret that lies beside the
  file of keys, so a restart signs nobody out. Taking a key away ends its sessions at once.
- A form counts only with a token that belongs to the session, and from this site where the browser says so.
- Signing in makes a new session, so a cookie that somebody planted before is worth nothing.
- A link carries its key behind "#", which browsers send to no server: no log and no proxy has it.
- Without keys everybody who reaches the server is its owner, by the name that they give, if they give one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import Request

from sayso.errors import MachineFault
from sayso.serve.keys import Caller, Key, Keys

COOKIE = "sayso_inbox"
DAYS = 30
TOKEN = "csrf"
TOKEN_HEADER = "x-sayso-csrf"
LONGEST_NAME = 80
_HASH = 16


@dataclass(frozen=True, slots=True)
class Session:
    """One visitor. `name` is the key's, `key` the beginning of its hash ("" before signing in); `ends` in seconds."""

    id: str
    ends: int
    name: str = ""
    key: str = ""


class Sessions:
    """Makes, reads and checks sessions."""

    def __init__(self, keys: Keys | None, clock: Callable[[], float] = time.time) -> None:
        """MachineFault where the secret cannot be kept beside the keys."""
        self.keys, self._clock = keys, clock
        self._secret = secrets.token_bytes(32) if keys is None else _secret_beside(keys.path)

    def new(self, name: str = "", key: str = "") -> Session:
        """A session that nobody had before."""
        return Session(secrets.token_hex(16), int(self._clock()) + DAYS * 86400, name, key)

    def sign_in(self, secret: str) -> tuple[Session, Key] | None:
        """The session of a key's holder; None for a key that is unknown."""
        key = self.keys.find(secret.strip()) if self.keys is not None else None
        return (self.new(key.name, key.hash[:_HASH]), key) if key is not None else None

    def named(self, name: str) -> Session:
        """Where there are no keys: the session of somebody who says who they are."""
        return self.new(" ".join(name.replace(":", " ").split())[:LONGEST_NAME])

    def read(self, cookie: str) -> Session | None:
        """The session in a cookie; None where it is not ours or has ended."""
        body, _, sign = cookie.partition(".")
        if not hmac.compare_digest(self._signed(f"cookie:{body}").encode(), sign.encode("utf-8", "replace")):
            return None
        session = Session(**json.loads(base64.urlsafe_b64decode(body)))
        return session if session.ends > self._clock() else None

    def cookie(self, session: Session) -> str:
        """What `read` reads."""
        body = base64.urlsafe_b64encode(json.dumps(asdict(session)).encode()).decode()
        return f"{body}.{self._signed(f'cookie:{body}')}"

    def key_of(self, session: Session) -> Key | None:
        """The key with which somebody signed in, as long as there is such a key."""
        known = self.keys.all() if self.keys is not None and session.key else []
        return next((key for key in known if key.name == session.name and key.hash.startswith(session.key)), None)

    def caller(self, session: Session) -> Caller | None:
        """Who it is; None for somebody who has yet to sign in."""
        if self.keys is None:
            return Caller(session.name)
        key = self.key_of(session)
        return Caller(key.name, key.role) if key is not None else None

    def token(self, session: Session) -> str:
        """What every form of this session carries."""
        return self._signed(f"form:{session.id}")

    def allows(self, session: Session, request: Request, token: str) -> bool:
        """Was this form on a page of ours, shown to this session?"""
        given = token or request.headers.get(TOKEN_HEADER, "")
        same = hmac.compare_digest(self.token(session).encode(), given.encode("utf-8", "replace"))
        return same and _from_here(request)

    def _signed(self, text: str) -> str:
        return hmac.new(self._secret, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


# ---------------------------------------------------------------- inside


def _from_here(request: Request) -> bool:
    """What browsers say of where a form was; programs that are no browsers say nothing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _secret_beside(path: Path) -> bytes:
    """The secret in a file that only this user may read; made where it is missing, whole or not at all."""
    kept = path.with_name(f"{path.name}.session")
    made = kept.with_name(f"{kept.name}.{secrets.token_hex(4)}")
    try:
        if not kept.is_file():
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
            with suppress(FileExistsError):  # another process was faster: its secret counts
                kept.hardlink_to(made)
            made.unlink()
        return kept.read_bytes()
    except OSError as error:
        fix = "make this place writable"
        raise MachineFault(f"cannot be written: {error.strerror}", where=str(kept), fix=fix) from None
