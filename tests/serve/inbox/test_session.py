"""A session is who signed in, cannot be made up, and ends when its key does."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from fastapi import Request

from sayso.errors import MachineFault
from sayso.serve.inbox.session import DAYS, Sessions
from sayso.serve.keys import Keys


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw})


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.json")


def test_a_cookie_says_who_signed_in_across_a_restart(keys: Keys) -> None:
    secret = keys.add("李雷", "reviewer")
    made = Sessions(keys).sign_in(f" {secret} ")
    assert made is not None
    cookie = Sessions(keys).cookie(made[0])
    again = Sessions(keys)
    session = again.read(cookie)
    assert session is not None
    caller = again.caller(session)
    assert caller is not None
    assert (caller.name, caller.role) == ("李雷", "reviewer")
    assert secret not in cookie
    kept = keys.path.with_name("keys.json.session")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in sorted(keys.path.parent.iterdir())] == ["keys.json", "keys.json.session"]


def test_a_key_that_is_taken_away_ends_its_sessions_also_where_the_name_comes_back(keys: Keys) -> None:
    sessions, secret = Sessions(keys), keys.add("anna", "reviewer")
    made = sessions.sign_in(secret)
    assert made is not None
    keys.remove("anna")
    assert sessions.caller(made[0]) is None
    keys.add("anna", "owner")
    assert sessions.caller(made[0]) is None


@pytest.mark.parametrize(
    "change", [lambda c: c[:-1] + "0g"[c[-1] == "0"], lambda c: "A" + c, lambda c: c.split(".")[0]]
)
def test_a_cookie_that_was_changed_is_none(keys: Keys, change: object) -> None:
    sessions = Sessions(keys)
    cookie = sessions.cookie(sessions.new("anna", "0" * 16))
    assert sessions.read(cookie) is not None
    assert sessions.read(change(cookie)) is None  # type: ignore[operator]
    for other in ("", ".", "\ud800.x", "a.b.c", "é" * 9):
        assert sessions.read(other) is None


def test_another_server_s_cookie_is_none(keys: Keys, tmp_path: Path) -> None:
    other = Sessions(Keys(tmp_path / "others.json"))
    assert Sessions(keys).read(other.cookie(other.new("anna"))) is None
    assert Sessions(None).read(Sessions(None).cookie(Sessions(None).new())) is None


def test_a_session_ends(keys: Keys) -> None:
    now = [1e9]
    sessions = Sessions(keys, lambda: now[0])
    cookie = sessions.cookie(sessions.new())
    now[0] += DAYS * 86400 - 1
    assert sessions.read(cookie) is not None
    now[0] += 2
    assert sessions.read(cookie) is None


def test_a_form_counts_with_its_session_s_token_from_this_site_alone() -> None:
    sessions = Sessions(None)
    mine, theirs = sessions.new(), sessions.new()
    token = sessions.token(mine)
    assert sessions.allows(mine, request(), token)
    assert sessions.allows(mine, request(x_sayso_csrf=token), "")
    assert sessions.allows(mine, request(host="a:1", origin="http://a:1", sec_fetch_site="same-origin"), token)
    assert not sessions.allows(mine, request(), "")
    assert not sessions.allows(mine, request(), "\ud800")
    assert not sessions.allows(theirs, request(), token)
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"host": "a", "origin": "http://b"},
        {"host": "a", "origin": "null"},
    ):
        assert not sessions.allows(mine, request(**headers), token)


def test_without_keys_people_say_who_they_are() -> None:
    sessions = Sessions(None)
    caller = sessions.caller(sessions.named("  李雷:\n owner  "))
    assert caller is not None
    assert (caller.name, caller.role) == ("李雷 owner", "owner")
    assert sessions.sign_in("sayso-x") is None


def test_a_place_that_cannot_be_written_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineFault, match="cannot be written"):
        Sessions(Keys(tmp_path / "file" / "keys.json"))
