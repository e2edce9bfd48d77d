"""A server in front of another one: the other answers, this one keeps what is said of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from live import Live, Parrot, house, running
from test_queue import body, post, until

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import saved

from sayso.endpoint import Endpoint
from sayso.models.open import Opening, open_learner
from sayso.models.voice import LearnerVoice
from sayso.recipe import ModelPart
from sayso.records import Message, Sampling, user
from sayso.serve.keys import Keys
from sayso.serve.upstream import Upstream
from sayso.tasks.generate import Generate


@contextmanager
def chained(
    folder: Path, voice: Parrot, key: str = "", keys: Keys | None = None, **more: Any
) -> Iterator[tuple[Live, Live]]:
    """(front, behind): the front has no model of its own."""
    for name in ("front", "behind"):
        (folder / name).mkdir()
    with running(house(voice, folder / "behind", name="far"), voice, keys=keys) as behind:
        far = Upstream(Endpoint(behind.v1, "far", key))
        front = house(Parrot(), folder / "front", answers=far, **more)
        with running(front, None) as live:
            yield live, behind


def test_answers_pass_through_whole_and_streamed(tmp_path: Path) -> None:
    voice = Parrot()
    with chained(tmp_path, voice, task=Generate(question="Be brief."), standing={"en": "Be kind."}) as (front, _):
        made = post(front, n=2, stop=["hel"], logprobs=True, top_logprobs=1, seed=4, temperature=1).json()
        assert [choice["message"]["content"] for choice in made["choices"]] == ["You said: "] * 2
        assert made["choices"][0]["finish_reason"] == "stop"
        assert made["choices"][0]["logprobs"]["content"][0]["top_logprobs"][0]["token"] == "x"
        assert made["model"] == "parrot"
        assert made["usage"]["prompt_tokens"] > 0
        assert voice.prompts[0] == (Message("system", "Be brief."), Message("user", "hello\n\nBe kind."))
        events = post(front, stream=True, max_tokens=3).text
        assert events.count('"content": "') > 2
        assert '"finish_reason": "length"' in events
        plain = httpx.post(f"{front.v1}/completions", json={"prompt": "abc"}).json()
        assert plain["choices"][0]["text"] == "You said: abc"
        logged = front.house.log.find(made["id"])
        assert logged is not None
        assert logged.choices[0].certainty == pytest.approx(0.6065, abs=1e-3)
        said = httpx.post(f"{front.v1}/feedback", json={"response_id": made["id"], "comment": "no"})
        assert said.status_code == 201
        assert front.house.store.get(said.json()["id"]).attempt.text == "You said: "
        assert front.house.answers.waiting() == 0


def test_who_leaves_in_front_has_left_behind(tmp_path: Path) -> None:
    voice = Parrot(script=lambda _: "x" * 190)
    steps = threading.Semaphore(0)
    voice.gate.wait = lambda timeout=None: steps.acquire(timeout=30)  # type: ignore[method-assign,assignment]
    with chained(tmp_path, voice) as (front, _):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{front.v1}/chat/completions", json=body(), timeout=0.5)
        until(lambda: front.house.answers.waiting() == 0)
        until(lambda: steps.release() or voice.stopped.is_set())  # type: ignore[func-returns-value]
        assert voice.tokens < 190
        steps.release(1000)
        assert post(front).status_code == 200


def test_keys_of_the_upstream_are_not_the_clients_business(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    secret = keys.add("front")
    with chained(tmp_path, Parrot(), secret, keys) as (front, _):
        assert post(front).status_code == 200
        keys.remove("front")
        told = post(front)
        assert (told.status_code, told.json()["error"]["code"]) == (502, "upstream")
        assert secret not in told.text


@contextmanager
def saying(status: int, text: str, **headers: str) -> Iterator[str]:
    """A server that always says the same."""

    class Says(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Says) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "said", "told", "words"),
    [
        (429, '{"error": {"message": "full"}}', 429, "full"),
        (400, '{"error": "too long"}', 400, "too long"),
        (500, "<html>", 502, "HTTP 500"),
        (302, "", 502, "HTTP 302"),
        (200, 'data: {"error": {"message": "broke"}}\n\n', 502, "broke"),
        (200, "data: {]\n\n", 502, "broke off"),
        (200, 'data: {"choices": [3]}\n\n', 502, "broke off"),
    ],
)
def test_what_goes_wrong_behind_is_said_in_front(
    tmp_path: Path, status: int, said: str, told: int, words: str
) -> None:
    with (
        saying(status, said, Retry_After="7", Location="http://127.0.0.1:1/") as url,
        running(house(Parrot(), tmp_path, answers=Upstream(Endpoint(url, "far"))), None) as live,
    ):
        answer = post(live)
        assert answer.status_code == told
        assert words in answer.json()["error"]["message"]
        assert answer.headers.get("retry-after") == ("7" if told == 429 else None)
        assert live.house.answers.waiting() == 0


def test_a_server_that_says_little_is_enough(tmp_path: Path) -> None:
    """No usage, no finish reason, no logprobs: what OpenAI-compatible servers leave out."""
    events = "".join(
        f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n" for text in ("one ", "two")
    )
    with (
        saying(200, f": hello\n\n{events}data: [DONE]\n\n") as url,
        running(house(Parrot(), tmp_path, answers=Upstream(Endpoint(url, "far"))), None) as live,
    ):
        made = post(live).json()
        assert made["choices"][0]["message"]["content"] == "one two"
        assert made["choices"][0]["finish_reason"] == "stop"
        assert made["usage"]["completion_tokens"] == 2


def test_nobody_there(tmp_path: Path) -> None:
    far = Upstream(Endpoint("http://127.0.0.1:9/v1", "far"), at_once=1)
    with running(house(Parrot(), tmp_path, answers=far), None) as live:
        assert post(live).status_code == 502
        assert post(live, n=2).status_code == 429


def test_transformers_serve_is_an_upstream(tmp_path: Path) -> None:
    """The same folder behind transformers' own server: what is answered in front is what the model here answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = str(saved("llama", tmp_path / "llama"))
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", folder, "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    log = tmp_path / "log.txt"
    with (
        log.open("w") as out,
        subprocess.Popen([*command, "--port", str(port)], env=environment, stdout=out, stderr=out) as process,
    ):
        try:
            until(lambda: _answers(f"http://127.0.0.1:{port}/health") or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            here = LearnerVoice(open_learner(ModelPart(name=folder), Opening()))
            expected = here.reply([user("the cat sat on the mat")], Sampling(max_new_tokens=24))[0]
            far = Upstream(Endpoint(f"http://127.0.0.1:{port}/v1", folder))
            with running(house(Parrot(), tmp_path, answers=far), None) as live:
                for stream in (False, True):
                    made = post(live, "the cat sat on the mat", max_tokens=24, stream=stream)
                    assert made.status_code == 200
                    said = made.json()["choices"][0]["message"]["content"] if not stream else _put_together(made.text)
                    assert said == expected.text
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _put_together(events: str) -> str:
    bodies = [json.loads(line[6:]) for line in events.splitlines() if line.startswith("data: {")]
    return "".join(choice["delta"].get("content", "") for one in bodies for choice in one["choices"])
