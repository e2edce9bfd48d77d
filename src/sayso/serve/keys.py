"""Who may call: keys that are kept only as hashes, and the three roles.

Decided here:
- A key is 256 random bits that are shown once. What is kept is its SHA-256: with that much chance in it there is
  nothing to guess, so nothing slow is needed.
- client asks and comments on what it was answered; reviewer reads and comments on all; owner reads the metrics too.
- The file is read again when it changes: taking a key away needs no restart.
- Without keys everybody who reaches the server is its owner; `sayso serve` then listens on this machine alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from sayso.errors import DataError, UserError, nearest
from sayso.store.files import read_json, write_text

KeyRole = Literal["client", "reviewer", "owner"]
ROLES: tuple[KeyRole, ...] = get_args(KeyRole)
PREFIX = "sayso-"
PER_MINUTE = 600


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept. `per_minute`: requests; 0 for any number."""

    name: str
    role: KeyRole
    hash: str
    per_minute: int = PER_MINUTE
    added: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Without keys: nobody by name, as owner."""

    name: str = ""
    role: KeyRole = "owner"

    def reaches(self, role: KeyRole) -> bool:
        """Is this caller's role at least that?"""
        return ROLES.index(self.role) >= ROLES.index(role)

    def owns(self, author: str) -> bool:
        """May this caller see what was answered to (or said by) `author`?"""
        return self.reaches("reviewer") or author == self.name or author.startswith(f"{self.name}:")


class Keys:
    """The keys in a file, one JSON list."""

    def __init__(self, path: Path) -> None:
        """DataError where the file holds something else; a file that is not there holds no keys."""
        self.path = path
        self._stamp: tuple[int, int] = (-1, -1)
        self._keys: dict[str, Key] = {}
        self._refresh()

    def all(self) -> list[Key]:
        """The keys in the order in which they were added."""
        self._refresh()
        return list(self._keys.values())

    def find(self, secret: str) -> Key | None:
        """The key of that secret. Looked up by its hash, so how long it takes says nothing of other keys."""
        self._refresh()
        return self._keys.get(_hash(secret))

    def add(self, name: str, role: KeyRole = "client", per_minute: int = PER_MINUTE) -> str:
        """A new key; the secret is returned and kept nowhere. UserError for a name that is taken or no name."""
        known = self.all()
        if not name.strip() or ":" in name or any(key.name == name for key in known):
            what = "is taken" if name.strip() and ":" not in name else "is no name for a key"
            raise UserError(f"'{name}' {what}", where=str(self.path), fix="choose another, without a colon")
        secret = PREFIX + secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._write([*known, Key(name, role, _hash(secret), per_minute, now)])
        return secret

    def remove(self, name: str) -> None:
        """Take a key away. UserError where there is none of that name."""
        known = self.all()
        kept = [key for key in known if key.name != name]
        if len(kept) == len(known):
            raise UserError(f"no key '{name}'", where=str(self.path), fix=nearest(name, [key.name for key in known]))
        self._write(kept)

    def _write(self, keys: list[Key]) -> None:
        write_text(self.path, json.dumps([asdict(key) for key in keys], ensure_ascii=False, indent=1) + "\n")
        self.path.chmod(0o600)

    def _refresh(self) -> None:
        try:
            found = self.path.stat()
        except OSError:
            self._keys, self._stamp = {}, (-1, -1)
            return
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            self._keys, self._stamp = {key.hash: key for key in _read(self.path)}, stamp


# ---------------------------------------------------------------- inside


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> list[Key]:
    try:
        found = [Key(**one) for one in read_json(path)]
        if all(key.role in ROLES for key in found):
            return found
    except TypeError:
        pass
    raise DataError("this file holds no keys", where=str(path), fix="`sayso keys add` makes one")
