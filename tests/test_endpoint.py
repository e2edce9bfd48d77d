"""An endpoint against a server on this machine that answers, stumbles, refuses and talks nonsense."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sayso.endpoint import KEY, Endpoint, is_address
from sayso.errors import MachineFault, ModelError, UnsupportedError
from sayso.records import Message, Sampling, user

Answer = tuple[int, Any, dict[str, str]]


class Server:
    """Answers with what `how(body, number)` returns and keeps what it was asked."""

    def __init__(self) -> None:
        self.how: Callable[[dict[str, Any], int], Answer] = lambda body, number: said(body["messages"][-1]["content"])
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
                with lock:
                    self.asked.append((handler.path, dict(handler.headers), body))
                    number = len(self.asked)
                code, answer, headers = self.how(body, number)
                raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                handler.send_response(code)
                for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(raw)

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"http://127.0.0.1:{self.http.server_port}/v1"
        self.pauses: list[float] = []

    def endpoint(self) -> Endpoint:
        return replace(Endpoint.of(f"{self.name}#tiny"), sleep=self.pauses.append, seconds=5)


def said(text: str, reason: str = "stop") -> Answer:
    return 200, {"choices": [{"message": {"content": text}, "finish_reason": reason}]}, {}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv(KEY, raising=False)
    made = Server()
    thread = threading.Thread(target=made.http.serve_forever)
    thread.start()
    yield made
    made.http.shutdown()
    thread.join()
    made.http.server_close()


def test_replies_come_in_the_order_of_the_prompts(server: Server) -> None:
    prompts = [user(f"第{i}句") for i in range(30)]
    assert [one.text for one in server.endpoint().reply(prompts)] == [f"第{i}句" for i in range(30)]
    path, headers, body = server.asked[0]
    assert path == "/v1/chat/completions"
    assert "Authorization" not in headers
    assert body["model"] == "tiny"
    assert (body["temperature"], body["max_tokens"]) == (0.0, 64)
    assert not {"top_p", "top_k", "seed", "repetition_penalty"} & set(body)
    assert server.endpoint().reply([]) == []


def test_turns_sampling_and_key_are_passed_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    server.how = lambda body, number: said(" cut ", "length")
    prompt = (Message("system", "be brief"), *user("hi"))
    reply = server.endpoint().reply([prompt], Sampling(9, 0.5, 0.9, 7, 3, 1.1))[0]
    assert (reply.text, reply.ended) == ("cut", False)
    _, headers, body = server.asked[0]
    assert headers["Authorization"] == "Bearer secret"
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]
    assert {
        key: body[key] for key in ("max_tokens", "temperature", "top_p", "top_k", "seed", "repetition_penalty")
    } == {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 7,
        "seed": 3,
        "repetition_penalty": 1.1,
    }


def test_what_fails_for_a_while_is_asked_again(server: Server) -> None:
    stumbles: list[Answer] = [(429, {"error": "slow"}, {"Retry-After": "7"}), (503, b"", {}), (200, b"no json", {})]
    server.how = lambda body, number: stumbles[number - 1] if number <= 3 else said("at last")
    assert server.endpoint().reply([user("x")])[0].text == "at last"
    assert server.pauses == [7.0, 2.0, 4.0]


def test_what_stays_wrong_is_a_plain_error(server: Server) -> None:
    server.how = lambda body, number: (500, {"error": {"message": "out of memory"}}, {})
    with pytest.raises(MachineFault, match="HTTP 500: out of memory") as caught:
        server.endpoint().reply([user("x")] * 20)
    assert caught.value.where == server.name
    assert len(server.asked) < 20 * 5


@pytest.mark.parametrize(
    ("code", "fix"), [(401, KEY), (403, KEY), (404, "behind #"), (302, "redirects"), (400, "behind #")]
)
def test_a_refusal_is_not_repeated(server: Server, code: int, fix: str) -> None:
    server.how = lambda body, number: (code, {"error": {"message": "no"}}, {"Location": "http://127.0.0.1:1/"})
    with pytest.raises(ModelError, match=f"HTTP {code}") as caught:
        server.endpoint().reply([user("x")])
    assert fix in caught.value.fix
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [{}, {"choices": []}, [], {"choices": [{"message": None}]}])
def test_an_answer_without_text_says_so(server: Server, answer: Any) -> None:
    server.how = lambda body, number: (200, answer, {})
    with pytest.raises(ModelError, match="no text"):
        server.endpoint().reply([user("x")])


def test_nobody_there() -> None:
    gone = replace(Endpoint.of("http://127.0.0.1:9/v1#m"), sleep=lambda _: None, seconds=1)
    with pytest.raises(MachineFault, match="does not answer"):
        gone.reply([user("x")])


def test_names() -> None:
    assert is_address("https://host/v1#m")
    assert not is_address("./folder")
    for name in ("http://host/v1", "http://#m", "host/v1#m", "http:///v1#m"):
        with pytest.raises(ModelError, match="names no model"):
            Endpoint.of(name)
    with pytest.raises(UnsupportedError, match="how likely"):
        Endpoint.of("http://host/v1#m").weigh([], [])
