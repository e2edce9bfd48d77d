"""Who comes in, with what, and what they choose for themselves."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from live import Live
from reviewers import Person

from sayso.serve.keys import Keys

PAGES = (
    "",
    "/",
    "/queue/newest",
    "/queue/audit",
    "/item/chatcmpl-0",
    "/yours",
    "/people",
    "/next?queue=newest&after=x",
)


def test_nobody_reads_without_a_key(live: Live) -> None:
    stranger = Person(live)
    for path in PAGES:
        told = stranger.get(path)
        assert told.status_code == 303, path
        assert told.headers["location"].startswith("/inbox/sign-in?to=%2Finbox"), path
        assert "parcel" not in told.text
    for path in ("/item/chatcmpl-0", "/take-back", "/similar", "/preview/chatcmpl-0", "/people", "/ask/" + "0" * 16):
        assert stranger.post(path, {"comment": "x"}).status_code == 401, path
    assert live.house.store.all(author="") == []


def test_a_key_leads_to_the_page_that_was_asked_for(live: Live, keys: dict[str, str]) -> None:
    anna = Person(live)
    to = anna.get("/item/chatcmpl-0?queue=newest").headers["location"]
    page = httpx.get(f"{live.url}{to}").text
    asked = re.search(r'name="to" value="(/inbox/item[^"]*)"', page)
    assert asked is not None
    told = anna.post("/sign-in", {"key": keys["anna"], "to": asked.group(1)})
    assert (told.status_code, told.headers["location"]) == (303, "/inbox/item/chatcmpl-0?queue=newest")
    assert anna.get("/yours").status_code == 200


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example/inbox/", "javascript:alert(1)", "/v1/models", "\\"]
)
def test_nobody_is_sent_elsewhere(live: Live, keys: dict[str, str], to: str) -> None:
    told = Person(live).post("/sign-in", {"key": keys["anna"], "to": to})
    assert told.headers["location"] == "/inbox/queue/newest"


def test_a_wrong_key_and_a_program_s_key_are_told_apart(live: Live, keys: dict[str, str]) -> None:
    one = Person(live)
    wrong = one.post("/sign-in", {"key": "sayso-wrong"})
    assert (wrong.status_code, "not known here" in wrong.text) == (401, True)
    program = one.post("/sign-in", {"key": keys["shop"]})
    assert (program.status_code, "for programs" in program.text) == (403, True)
    assert keys["shop"] not in program.text
    assert one.get("/yours").status_code == 303


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(live: Live, keys: dict[str, str]) -> None:
    one = Person(live)
    before = one.get("/sign-in").headers["set-cookie"]
    after = one.post("/sign-in", {"key": keys["anna"]}).headers["set-cookie"]
    for cookie in (before, after):
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/inbox" in cookie
    assert before.split(";")[0] != after.split(";")[0], "signing in makes a new session"


def test_a_form_of_another_page_does_nothing(live: Live, keys: dict[str, str], person: Callable[..., Person]) -> None:
    anna, ben = person("anna"), person("Ben")
    forms: list[tuple[str, dict[str, str]]] = [
        ("/item/chatcmpl-2", {"comment": "x"}),
        ("/take-back", {"id": live.house.store.all()[0].id}),
        ("/bring-back", {"id": live.house.store.all()[0].id}),
        ("/similar", {"comment": "x"}),
        ("/preview/chatcmpl-2", {"reach": "item"}),
        ("/choose", {"language": "zh"}),
        ("/sign-in", {"key": keys["olga"]}),
        ("/sign-out", {}),
        ("/people", {"name": "eve"}),
        ("/people/remove", {"name": "Ben"}),
        ("/ask/" + live.house.store.all()[0].id, {}),
    ]
    before = len(live.house.store.all(current=False))
    for path, fields in forms:
        for token in ({}, {"csrf": ben.token()}, {"csrf": "0" * 64}):
            told = anna.http.post(path, data=fields | token)
            assert told.status_code == 403, (path, token)
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert anna.post(path, fields, headers=headers).status_code == 403, (path, headers)
    assert len(live.house.store.all(current=False)) == before
    assert all(live.house.store.withdrawn(one.id) is None for one in live.house.store.all(current=False))
    assert anna.get("/yours").status_code == 200
    assert anna.get("/take-back").status_code == 404, "what writes is no link"


def test_going_out(person: Callable[..., Person]) -> None:
    anna = person("anna")
    assert anna.post("/sign-out").headers["location"] == "/inbox/sign-in"
    assert anna.get("/yours").status_code == 303


def test_a_key_that_is_taken_away_closes_the_door_at_once(
    live: Live, keys: dict[str, str], person: Callable[..., Person], tmp_path: Any
) -> None:
    anna = person("anna")
    Keys(tmp_path / "keys.json").remove("anna")
    assert anna.get("/yours").status_code == 303


def test_an_owner_invites_by_a_link_and_takes_it_away(live: Live, person: Callable[..., Person]) -> None:
    olga = person("olga")
    told = olga.post("/people", {"name": "李雷"})
    link = re.search(r'value="(http[^"]*)"', told.text)
    assert link is not None
    where, _, secret = link.group(1).partition("#")
    assert where == f"{live.url}/inbox/sign-in"
    guest = Person(live)
    assert guest.post("/sign-in", {"key": secret}).status_code == 303
    assert guest.get("/yours").status_code == 200
    assert guest.get("/people").status_code == 403
    assert guest.post("/people", {"name": "eve"}).status_code == 403
    assert secret not in olga.get("/people").text
    assert olga.post("/people", {"name": "李雷"}).status_code == 400
    assert olga.post("/people", {"name": "a:b"}).status_code == 400
    assert olga.post("/people/remove", {"name": "olga"}).status_code == 404
    assert olga.post("/people/remove", {"name": "李雷"}).status_code == 303
    assert guest.get("/yours").status_code == 303


def test_without_keys_everybody_is_in_by_the_name_that_they_give(open_house: Live) -> None:
    one = Person(open_house)
    assert one.get("/yours").status_code == 200
    assert one.post("/sign-in", {"name": "  小王 "}).status_code == 303
    assert "小王" in one.get("/queue/newest").text
    assert one.say("chatcmpl-2", "好").status_code == 303
    assert [said.comment for said in open_house.house.store.all(author="小王")] == ["好"]
    assert one.get("/people").status_code == 404


def test_language_and_look_are_chosen_and_kept(person: Callable[..., Person]) -> None:
    anna = person("anna", "zh-CN")
    assert '<html lang="zh">' in anna.get("/queue/newest").text
    told = anna.post("/choose", {"language": "en", "to": "/inbox/yours?state=waiting"})
    assert told.headers["location"] == "/inbox/yours?state=waiting"
    anna.post("/choose", {"look": "dark"})
    anna.post("/choose", {"shortcuts": "off", "language": "klingon"})
    page = anna.get("/queue/newest").text
    assert '<html lang="en" data-look="dark">' in page
    assert "data-shortcuts" not in page
    assert "最新" not in page
