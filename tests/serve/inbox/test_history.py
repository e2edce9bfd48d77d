"""An owner sees the versions and goes back by one button, once; others see nothing of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from live import Live
from reviewers import Person
from test_live import playing

from sayso.serve.keys import Keys


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    kept = Keys(tmp_path / "keys.json")
    return {name: kept.add(name, role) for name, role in (("olga", "owner"), ("anna", "reviewer"))}  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_owner_goes_back_once_by_a_button(tmp_path: Path, secrets: dict[str, str], language: str) -> None:
    with playing(tmp_path, Keys(tmp_path / "keys.json")) as theatre:
        live = Live(theatre.url, theatre.living.house, None)
        olga, anna = Person(live, language), Person(live, language)
        for one, name in ((olga, "olga"), (anna, "anna")):
            assert one.post("/sign-in", {"key": secrets[name]}).status_code == 303
        assert 'action="/inbox/versions/back"' not in olga.get("/versions").text
        assert olga.post("/versions/back", {"over": "0"}).status_code == 409
        theatre.versions.promote(1, 0, "better on <b>12</b> comments")
        theatre.until(1)
        page = olga.get("/versions").text
        assert "&lt;b&gt;12&lt;/b&gt;" in page
        assert ("Version 1" if language == "en" else "版本 1") in page
        over = re.search(r'name="over" value="(\d+)"', page)
        assert over is not None
        assert over[1] == "1"
        assert olga.http.post("/versions/back", data={"over": "1"}).status_code == 403, "not without the form's token"
        told = olga.post("/versions/back", {"over": "1"})
        assert (told.status_code, theatre.living.number, theatre.versions.current) == (303, 0, 0)
        assert olga.post("/versions/back", {"over": "1"}).status_code == 409
        assert theatre.versions.history[-1].words == "rolled back by olga"
        assert 'role="status"' in olga.get(told.headers["location"].removeprefix("/inbox")).text
        assert anna.get("/versions").status_code == anna.post("/versions/back", {"over": "0"}).status_code == 403
        assert "/inbox/versions" not in anna.get("/queue/newest").text
        assert "/inbox/versions" in olga.get("/queue/newest").text


def test_what_never_changes_has_no_such_page(open_house: Live) -> None:
    anybody = Person(open_house)
    assert anybody.get("/versions").status_code == 404
    assert "/inbox/versions" not in anybody.get("/queue/newest").text
