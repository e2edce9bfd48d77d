"""How fast does a server answer many at once, and how much slower while a learner works beside it?

    python benchmarks/serve_load.py --clients 32 --seconds 300
    python benchmarks/serve_load.py --model runs/shop --clients 4 --seconds 60 --learn

Decided here:
- Every client asks again as soon as it has its answer, so the number of clients is the load. Their questions are of
  different lengths, in Chinese and English, and go through the socket as anybody's do.
- A 429 is the server saying that it is full: the client waits as it is told, and the number is reported. Anything else
  is an error.
- With --learn the same is measured again while `sayso live` learns from comments that the clients' answers were given;
  the model must be a run.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from statistics import quantiles

import httpx

SAYSO = (sys.executable, "-m", "sayso")
QUESTIONS = ("退货要多久？", "Where is my order? I ordered it two weeks ago and nobody answers.", "你好", "Hi!") * 2


@dataclass
class Heard:
    """Seconds of each answer, tokens that were written, statuses other than 200."""

    seconds: list[float] = field(default_factory=list)
    tokens: int = 0
    others: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, tokens: int) -> None:
        with self.lock:
            self.seconds.append(seconds)
            self.tokens += tokens


def loaded(url: str, clients: int, seconds: float, *, comment: bool) -> dict[str, object]:
    """Ask from that many clients for so long; latencies in seconds."""
    heard, end = Heard(), time.monotonic() + seconds
    threads = [threading.Thread(target=_client, args=(url, n, heard, end, comment)) for n in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    cuts = quantiles(heard.seconds, n=100) if len(heard.seconds) > 1 else [0.0] * 99
    percentiles = {f"p{n}": round(cuts[n - 1], 3) for n in (50, 95, 99)}
    speed = {"answers": len(heard.seconds), "tokens per second": round(heard.tokens / took, 1)}
    return speed | percentiles | {"others": dict(heard.others)}


def _client(url: str, number: int, heard: Heard, end: float, comment: bool) -> None:
    with httpx.Client(base_url=url, timeout=180) as http:
        place = number
        while time.monotonic() < end:
            place += 1
            question = QUESTIONS[place % len(QUESTIONS)]
            begun = time.perf_counter()
            try:
                body = {"messages": [{"role": "user", "content": question}], "max_tokens": 24}
                told = http.post("/chat/completions", json=body)
            except httpx.HTTPError as error:
                heard.others[type(error).__name__] += 1
                continue
            if told.status_code != 200:
                heard.others[str(told.status_code)] += 1
                time.sleep(float(told.headers.get("Retry-After", 0)))
                continue
            heard.add(time.perf_counter() - begun, told.json()["usage"]["completion_tokens"])
            if comment and place % 5 == 0:
                said = {"response_id": told.json()["id"], "comment": f"第 {place} 条：先问好。", "revision": "您好！"}
                http.post("/feedback", json=said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="embedded", help="what `sayso serve` serves")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--learn", action="store_true", help="measure again while a learner works")
    asked = parser.parse_args()
    command = [*SAYSO, "serve", asked.model, "--port", "0", "--golden", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            found = re.search(r"http://\S+", server.stdout.readline())
            if found is None:
                raise SystemExit("the server does not start")
            print(
                json.dumps({"clients": asked.clients} | loaded(found[0], asked.clients, asked.seconds, comment=False))
            )
            if asked.learn:
                _beside_a_learner(found[0], asked)
        finally:
            server.terminate()


def _beside_a_learner(url: str, asked: argparse.Namespace) -> None:
    words = [*SAYSO, "live", asked.model, "--eager", "--every", "0.5"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as learner:
        try:
            told = loaded(url, asked.clients, asked.seconds, comment=True)
        finally:
            learner.terminate()
    print(json.dumps({"clients": asked.clients, "beside a learner": True} | told))


if __name__ == "__main__":
    main()
