"""The model is exchanged while people ask: nobody is turned away, and every answer names who gave it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from live import LIMITS, Parrot, house

from sayso.errors import ModelError
from sayso.serve.app import create_app
from sayso.serve.house import House
from sayso.serve.keys import Keys
from sayso.serve.live import Living
from sayso.serve.queue import Queue, Room
from sayso.serve.versions import Versions


@dataclass
class Theatre:
    """A server whose version n says "n" to everything, and what its tests take hold of."""

    versions: Versions
    living: Living
    url: str = ""
    voices: dict[int, Any] = field(default_factory=dict)

    def ask(self, text: str = "who?", **more: Any) -> dict[str, Any]:
        body = {"messages": [{"role": "user", "content": text}], **more}
        told = httpx.post(f"{self.url}/v1/chat/completions", json=body, timeout=30)
        assert told.status_code == 200, told.text
        return dict(told.json())

    def until(self, number: int) -> None:
        for _ in range(600):
            if httpx.get(f"{self.url}/health").json()["version"] == f"v{number}":
                return
            time.sleep(0.02)
        raise AssertionError(f"version {number} never came")


@contextmanager
def playing(
    folder: Path, keys: Keys | None = None, enter: Callable[[int, House], House] | None = None
) -> Iterator[Theatre]:
    voices: dict[int, Any] = {}

    def cast(number: int) -> House:
        voice = Parrot(lambda _, number=number: f"{number}")  # type: ignore[misc]
        voices[number] = voice
        made = replace(first, version=f"v{number}", answers=Queue(voice, Room(), first.metrics))
        return enter(number, made) if enter else made

    opening = Parrot(lambda _: "0")
    first = replace(house(opening, folder), version="v0")
    versions = Versions(folder / "run")
    living = Living(versions, (0, first), cast, lambda each, like: create_app(each, LIMITS, keys, like))
    server = uvicorn.Server(uvicorn.Config(living, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Theatre(versions, living, f"http://127.0.0.1:{port}", voices)
    finally:
        server.should_exit = True
        thread.join(30)
        first.store.close()
        first.log.close()
    assert not thread.is_alive()


def test_the_model_is_exchanged_under_load_and_every_answer_names_who_gave_it(tmp_path: Path) -> None:
    with playing(tmp_path) as theatre:
        stop = threading.Event()

        def asked_by(number: int) -> tuple[str, str, str]:
            told = theatre.ask(f"{number}")
            return told["id"], told["choices"][0]["message"]["content"], told["system_fingerprint"]

        def customer(number: int) -> list[tuple[str, str, str]]:
            heard = []
            while not stop.is_set():
                heard.append(asked_by(number))
            return heard

        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(customer, number) for number in range(8)]
            first = [asked_by(8)]
            for number in range(1, 4):
                theatre.versions.promote(number, number - 1, "")
                theatre.until(number)
                first.append(asked_by(8))  # however busy the machine is, each version has answered somebody
            theatre.versions.back("")
            theatre.until(2)
            stop.set()
            heard = first + [one for each in asked for one in each.result()]
        assert {version for _, _, version in heard} >= {"v0", "v1", "v2", "v3"}
        assert all(version == f"v{text}" for _, text, version in heard)
        log = theatre.living.house.log
        kept = {id_: log.find(id_) for id_, _, _ in heard}
        assert all(kept[id_] is not None and kept[id_].version == version for id_, _, version in heard)  # type: ignore[union-attr]


def test_a_stream_that_is_under_way_is_ended_by_the_version_that_began_it(tmp_path: Path) -> None:
    with playing(tmp_path) as theatre:
        voice = theatre.living.house.answers.voice  # type: ignore[attr-defined]
        voice.script = lambda _: "0123456789"
        voice.gate.clear()
        body = {"messages": [{"role": "user", "content": "x"}], "stream": True}
        with httpx.stream("POST", f"{theatre.url}/v1/chat/completions", json=body, timeout=30) as told:
            lines = told.iter_lines()
            assert '"role"' in next(lines)
            theatre.versions.promote(1, 0, "")
            theatre.until(1)
            assert theatre.ask()["system_fingerprint"] == "v1"
            voice.gate.set()
            rest = [line for line in lines if line.startswith("data: {")]
        assert all('"system_fingerprint": "v0"' in line for line in rest)
        assert '"finish_reason": "stop"' in rest[-1]


def test_a_version_that_has_gone_leaves_nothing_behind(tmp_path: Path) -> None:
    with playing(tmp_path) as theatre:
        theatre.versions.promote(1, 0, "")
        theatre.until(1)
        theatre.ask()
        theatre.versions.promote(2, 1, "")
        theatre.until(2)
        theatre.ask()
        for _ in range(200):
            if theatre.voices[1].closed:
                break
            time.sleep(0.02)
        assert theatre.voices[1].closed
        assert not theatre.voices[2].closed
    running = [thread.name for thread in threading.enumerate() if thread.name == "sayso-voice"]
    assert not running


def test_a_version_that_cannot_be_loaded_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tried = []

    def enter(number: int, made: House) -> House:
        tried.append(number)
        if number == 1:
            raise ModelError("no model folder", where="here")
        return made

    with playing(tmp_path, enter=enter) as theatre:
        theatre.versions.promote(1, 0, "")
        while not tried:
            time.sleep(0.02)
        assert theatre.ask()["system_fingerprint"] == "v0"
        assert asyncio.run(theatre.living.look()) is False
        theatre.versions.promote(2, 1, "")
        theatre.until(2)
    assert tried == [1, 2]
    assert "version 1 cannot be served, version 0 goes on: here: no model folder" in caplog.text


def test_an_owner_sees_the_versions_and_goes_back(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    owner, client = (
        {"Authorization": f"Bearer {keys.add(name, role)}"}  # type: ignore[arg-type]
        for name, role in (("anna", "owner"), ("shop", "client"))
    )
    with playing(tmp_path, keys) as theatre:
        at = f"{theatre.url}/v1/versions"
        assert httpx.get(at).status_code == 401
        assert httpx.post(f"{at}/back", headers=client).status_code == 403
        nowhere = httpx.post(f"{at}/back", headers=owner)
        assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (409, "no_version")
        theatre.versions.promote(1, 0, "better on 12 comments")
        theatre.until(1)
        told = httpx.get(at, headers=owner).json()
        assert (told["current"], told["answering"], told["version"], told["way"]) == (1, 1, "v1", [0, 1])
        assert told["history"][0]["words"] == "better on 12 comments"
        gone = httpx.post(f"{at}/back", headers=owner).json()
        assert (gone["current"], gone["answering"], gone["version"]) == (0, 0, "v0")
        assert gone["history"][-1]["deed"] == "back"
        assert "/v1/versions/back" in httpx.get(f"{theatre.url}/openapi.json").json()["paths"]


def test_who_is_signed_in_stays_so_and_what_a_key_has_used_is_used(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    headers = {"Authorization": f"Bearer {keys.add('shop', 'client', 3)}"}
    with playing(tmp_path, keys) as theatre:
        before = theatre.living._seat.app.state
        asked = [httpx.get(f"{theatre.url}/v1/models", headers=headers).status_code for _ in range(3)]
        theatre.versions.promote(1, 0, "")
        theatre.until(1)
        assert theatre.living._seat.app.state.sessions is before.sessions
        assert [*asked, httpx.get(f"{theatre.url}/v1/models", headers=headers).status_code] == [200, 200, 200, 429]


def test_who_is_still_with_an_old_version_keeps_it(tmp_path: Path) -> None:
    with playing(tmp_path) as theatre:
        voice = theatre.living.house.answers.voice  # type: ignore[attr-defined]
        voice.script = lambda _: "0123456789"
        voice.gate.clear()
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(theatre.ask, "slow")
            assert voice.begun.wait(10)
            other = pool.submit(theatre.ask, "other")  # waits behind the first
            while theatre.living._seat.guests < 2:
                time.sleep(0.01)
            theatre.versions.promote(1, 0, "")
            theatre.until(1)
            theatre.ask()
            time.sleep(0.1)  # long enough for a version that was let go to end
            assert not voice.closed, "two are with it still"
            voice.gate.set()
            texts = [each.result()["choices"][0]["message"]["content"] for each in (slow, other)]
        assert texts == ["0123456789", "0123456789"]
        for _ in range(200):
            if voice.closed:
                break
            time.sleep(0.02)
        assert voice.closed
