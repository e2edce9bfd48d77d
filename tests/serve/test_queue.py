"""The queue: batches grow with the load, the full say when to come back, the gone are dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from live import Live, Parrot, house, running

from sayso.serve.queue import Room


def body(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]} | more


def post(live: Live, text: str = "hello", **more: Any) -> httpx.Response:
    return httpx.post(f"{live.v1}/chat/completions", json=body(text, **more), timeout=60)


def until(true: Callable[[], bool]) -> None:
    """Wait for what must come; the test fails where it never does."""
    for _ in range(12000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it never came")


def held(folder: Path, room: Room) -> tuple[Any, Parrot]:
    """A server whose model waits at its gate."""
    voice = Parrot()
    voice.gate.clear()
    return running(house(voice, folder, room), voice), voice


def test_what_waits_is_answered_together_each_with_its_own(tmp_path: Path) -> None:
    server, voice = held(tmp_path, Room(rows=4))
    with server as live, ThreadPoolExecutor(8) as pool:
        first = pool.submit(post, live, "first")
        until(voice.begun.is_set)
        others = [pool.submit(post, live, f"number {i}") for i in range(6)]
        until(lambda: live.house.answers.waiting() == 6)
        assert httpx.get(f"{live.url}/health").json()["waiting"] == 6
        voice.gate.set()
        texts = [task.result().json()["choices"][0]["message"]["content"] for task in [first, *others]]
    assert texts == ["You said: first", *(f"You said: number {i}" for i in range(6))]
    assert voice.batches == [1, 4, 2]


def test_long_answers_share_a_batch_only_where_they_fit(tmp_path: Path) -> None:
    server, voice = held(tmp_path, Room(tokens=300))
    with server as live, ThreadPoolExecutor(8) as pool:
        first = pool.submit(post, live)
        until(voice.begun.is_set)
        others = [pool.submit(post, live, max_tokens=140) for _ in range(4)]
        until(lambda: live.house.answers.waiting() == 4)
        voice.gate.set()
        assert {task.result().status_code for task in [first, *others]} == {200}
    assert voice.batches == [1, 2, 2]


def test_who_does_not_fit_is_told_when_to_come_back(tmp_path: Path) -> None:
    server, voice = held(tmp_path, Room(waiting=2))
    with server as live, ThreadPoolExecutor(8) as pool:
        first = pool.submit(post, live)
        until(voice.begun.is_set)
        accepted = [pool.submit(post, live) for _ in range(2)]
        until(lambda: live.house.answers.waiting() == 2)
        other = httpx.post(f"{live.v1}/translate", json={"input": "a", "target": "zh"})
        for refused in (post(live), post(live, stream=True), other):
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert refused.json()["error"]["code"] == "busy"
        voice.gate.set()
        assert [task.result().status_code for task in [first, *accepted]] == [200] * 3
        assert post(live).status_code == 200
        assert post(live, n=3).status_code == 429  # several answers are taken whole or not at all


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_is_written_for_no_more(tmp_path: Path, stream: bool) -> None:
    voice = Parrot(script=lambda _: "x" * 190)
    steps = threading.Semaphore(0)
    voice.gate.wait = lambda timeout=None: steps.acquire(timeout=30)  # type: ignore[method-assign,assignment]
    with running(house(voice, tmp_path), voice) as live:
        url = httpx.URL(f"{live.v1}/chat/completions")
        with httpx.Client(timeout=30) as client:
            request = client.build_request("POST", url, json=body(stream=stream))
            if stream:
                answer = client.send(request, stream=True)
                steps.release(5)
                lines = answer.iter_lines()
                while "x" not in next(lines).partition('"choices"')[2]:
                    pass
                answer.close()
            else:
                with pytest.raises(httpx.ReadTimeout):
                    client.send(client.build_request("POST", url, json=body(), timeout=0.3))
        until(lambda: steps.release() or voice.stopped.is_set())  # type: ignore[func-returns-value]
        assert voice.tokens < 190
        if stream:
            until(lambda: live.house.log.count() == 1)
            assert live.house.log.some()[0].choices[0].finish == "cancelled"
            assert live.house.log.some()[0].choices[0].text.strip("x") == ""
        steps.release(500)
        assert post(live).status_code == 200


def test_who_leaves_while_waiting_is_never_begun(tmp_path: Path) -> None:
    server, voice = held(tmp_path, Room(waiting=2))
    with server as live, ThreadPoolExecutor(4) as pool:
        first = pool.submit(post, live)
        until(voice.begun.is_set)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{live.v1}/chat/completions", json=body("gone"), timeout=0.3)
        until(lambda: live.house.answers.waiting() == 0)
        with httpx.stream("POST", f"{live.v1}/chat/completions", json=body("gone too", stream=True)) as answer:
            next(answer.iter_lines())
        until(lambda: live.house.answers.waiting() == 0)
        voice.gate.set()
        assert first.result().status_code == 200
        assert post(live, "after").status_code == 200
    assert [prompt[-1].text for prompt in voice.prompts] == ["hello", "after"]  # type: ignore[union-attr]


def test_an_answer_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    server, voice = held(tmp_path, Room(seconds=0.5))
    with server as live:
        told = post(live)
        assert (told.status_code, told.json()["error"]["code"]) == (504, "timeout")
        streamed = post(live, stream=True)
        assert '"timeout"' in streamed.text
        voice.gate.set()
        until(lambda: post(live).status_code == 200)


def test_what_waits_when_the_server_ends_is_told(tmp_path: Path) -> None:
    voice = Parrot()
    voice.gate.clear()
    held = house(voice, tmp_path, Room(seconds=30))
    with ThreadPoolExecutor(2) as pool, running(held, voice) as live:
        first = pool.submit(post, live)
        until(voice.begun.is_set)
        second = pool.submit(post, live)
        until(lambda: live.house.answers.waiting() == 1)
        voice.gate.set()
        assert first.result().status_code == second.result().status_code == 200


def test_batches_are_counted(tmp_path: Path) -> None:
    voice = Parrot()
    with running(house(voice, tmp_path), voice) as live:
        assert post(live, n=3).status_code == 200
        text = httpx.get(f"{live.url}/metrics").text
    assert "sayso_batch_rows_sum 3.0" in text
    assert 'sayso_tokens_total{direction="written"}' in text
    assert 'sayso_requests_total{route="/v1/chat/completions",status="200"} 1.0' in text
