"""A model behind an OpenAI-compatible address as a Speaker: http(s)://host/v1#model.

Decided here:
- Only the standard library, and only the address that was named: no redirect is followed. The key comes from the
  environment (SAYSO_API_KEY), never from a command line that others can read.
- A request that fails for a while (429, 5xx, a lost connection, a time-out) is repeated with growing pauses, or after
  as long as the server asks. What stays wrong is an error that names the address and what it said.
- Several requests are under way at once; replies come back in the order of the prompts.
- An endpoint says words, not log-probabilities of given words: `weigh` is refused.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urldefrag, urlsplit

from sayso.errors import MachineFault, ModelError, UnsupportedError
from sayso.records import GREEDY, Kind, Messages, Reply, Sampling

KEY = "SAYSO_API_KEY"
SECONDS = 120.0
TRIES = 5
PAUSE = 1.0
LONGEST_PAUSE = 60.0
AT_ONCE = 8
_FOR_A_WHILE = (408, 425, 429, 500, 502, 503, 504)


def is_address(name: str) -> bool:
    """Is a model's name an address rather than a folder or a hub id?"""
    return name.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address. `at_once` requests, each given `seconds` and tried `tries` times."""

    address: str
    model: str
    key: str = ""
    seconds: float = SECONDS
    tries: int = TRIES
    at_once: int = AT_ONCE
    sleep: Callable[[float], object] = time.sleep
    kind: Kind = "decoder"

    @classmethod
    def of(cls, name: str) -> Endpoint:
        """The endpoint of `http(s)://host/v1#model`. ModelError where a part is missing."""
        address, model = urldefrag(name)
        if not is_address(name) or not urlsplit(address).hostname or not model:
            raise ModelError(
                f"'{name}' names no model at an address",
                expected="http(s)://host/v1#model, e.g. http://localhost:8000/v1#my-model",
                fix="put the model's name behind #; the server's /models lists them",
            )
        return cls(address.rstrip("/"), model, os.environ.get(KEY, ""))

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        """One reply per prompt, in order. ModelError where the endpoint refuses, MachineFault where it is silent."""
        stop = threading.Event()

        def one(prompt: Messages) -> Reply:
            if stop.is_set():
                return Reply("")
            try:
                return _reply(self._asked(_request(self.model, prompt, sampling)), self.address)
            except BaseException:
                stop.set()
                raise

        with ThreadPoolExecutor(max(1, min(self.at_once, len(prompts)))) as pool:
            waiting = [pool.submit(one, prompt) for prompt in prompts]
            try:
                failed = next((error for task in waiting if (error := task.exception()) is not None), None)
            except BaseException:
                stop.set()
                raise
        if failed is not None:
            raise failed
        return [task.result() for task in waiting]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        """Refused: UnsupportedError."""
        del prompts, options
        raise UnsupportedError(
            "an endpoint does not say how likely a given answer is",
            expected="a model opened here, which scores every label",
            fix="open the model from a folder or the hub",
        )

    # ------------------------------------------------------------ inside

    def _asked(self, body: Mapping[str, Any]) -> Any:
        """The JSON that the server answers, after as many tries as it takes."""
        for attempt in range(1, self.tries + 1):
            try:
                return self._once(body)
            except urllib.error.HTTPError as error:
                with error:
                    said, pause = _said(error), _asked_pause(error)
                if error.code not in _FOR_A_WHILE:
                    _refused(self.address, error.code, said)
                why = f"HTTP {error.code}: {said}"
            except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
                why, pause = str(getattr(error, "reason", "") or error or type(error).__name__), 0.0
            except ValueError:
                why, pause = "its answer is no JSON", 0.0
            if attempt < self.tries:
                self.sleep(min(LONGEST_PAUSE, max(pause, PAUSE * 2 ** (attempt - 1))))
        raise MachineFault(
            f"the endpoint does not answer: {why}",
            where=self.address,
            expected=f"an answer within {self.seconds:g} s, {self.tries} tries",
            fix="see that the server runs and that the address ends where /chat/completions begins",
        )

    def _once(self, body: Mapping[str, Any]) -> Any:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8")
        request = urllib.request.Request(f"{self.address}/chat/completions", data)
        request.add_header("Content-Type", "application/json")
        if self.key:
            request.add_unredirected_header("Authorization", f"Bearer {self.key}")
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=self.seconds) as answer:
            return json.loads(answer.read())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What an address says is asked of that address alone."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing: the redirect itself becomes the error."""


def _request(model: str, prompt: Messages, sampling: Sampling) -> dict[str, Any]:
    """The standard fields; the others only where they say something, since not every server knows them."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.text} for message in prompt],
        "max_tokens": sampling.max_new_tokens,
        "temperature": sampling.temperature,
    }
    if sampling.temperature > 0:
        body |= {"top_p": sampling.top_p, "seed": sampling.seed}
        body |= {"top_k": sampling.top_k} if sampling.top_k else {}
    return body | ({"repetition_penalty": sampling.repetition_penalty} if sampling.repetition_penalty != 1 else {})


def _reply(answer: Any, address: str) -> Reply:
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"] or ""
        return Reply(str(text).strip(), ended=choice.get("finish_reason") != "length")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ModelError(
            "the endpoint's answer has no text",
            where=address,
            expected='{"choices": [{"message": {"content": "..."}}]}',
            fix=f"it said: {json.dumps(answer, ensure_ascii=False)[:200]}",
        ) from None


def _refused(address: str, code: int, said: str) -> NoReturn:
    fix = "look at the address and the model's name behind #"
    if code in (401, 403):
        fix = f"put a key for this server into the environment variable {KEY}"
    elif 300 <= code < 400:
        fix = "name the address that it redirects to: the key is sent nowhere else"
    raise ModelError(f"the endpoint refuses (HTTP {code}): {said}", where=address, fix=fix)


def _said(error: urllib.error.HTTPError) -> str:
    """The server's own words, as short as they may be."""
    try:
        raw = error.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        raw = ""
    try:
        plain = json.loads(raw)["error"]
        raw = str(plain["message"] if isinstance(plain, dict) else plain)
    except (ValueError, KeyError, TypeError):
        pass
    return " ".join(raw.split())[:300] or str(error.reason)


def _asked_pause(error: urllib.error.HTTPError) -> float:
    """Retry-After in seconds; a date counts as nothing."""
    try:
        return max(0.0, float(error.headers.get("Retry-After") or 0))
    except ValueError:
        return 0.0
