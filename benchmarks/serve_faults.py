"""Is anything lost when a server, its learner or both are killed? SIGKILL at random moments, under load.

    python benchmarks/serve_faults.py --kills 50

Decided here:
- Clients ask and comment without a pause; a learner makes versions of the comments, and between kills the version is
  exchanged back and forth. In turn the server, the learner, or both are killed, at a moment drawn from the seed.
- After each kill the server is started again as anybody would. It must answer, with the weights of one whole version;
  every answer and every comment that was acknowledged so far must be there.
- Without --run it makes a small one of the embedded model, whose gate is eager: what is tested is what is kept.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx

from sayso.errors import SaysoError
from sayso.serve.versions import Versions
from sayso.store.feedback import FeedbackStore
from sayso.store.responses import ResponseLog

CLIENTS = 4
SAYSO = (sys.executable, "-m", "sayso")


@dataclass
class Acknowledged:
    """What clients were told is kept: ids of answers and of comments. `failed`: statuses other than 200 and 201."""

    answers: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)


@dataclass
class Found:
    """What the kills came to."""

    kills: int = 0
    restarts: list[float] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def faults(run: Path, kills: int, seed: int, most_seconds: float = 3.0) -> tuple[Found, Acknowledged]:
    """Kill and start again that many times; what was found, and what had been acknowledged."""
    random, found, told = Random(seed), Found(), Acknowledged()
    learner: subprocess.Popen[bytes] | None = None
    for turn in range(kills):
        server, url, seconds = _started(run)
        found.restarts.append(seconds)
        _check(run, url, told, found)
        if learner is None or learner.poll() is not None:
            learner = _quiet("live", str(run), "--eager", "--every", "0.1")
        with _load(url, told):
            time.sleep(random.uniform(0.1, most_seconds))
            _exchanged(run, random)
            time.sleep(random.uniform(0.0, 0.5))
            for process in ((server,), (learner,), (server, learner))[turn % 3]:
                _killed(process)
        _killed(server)
        found.kills += 1
    if learner is not None:
        _killed(learner)
    server, url, seconds = _started(run)
    found.restarts.append(seconds)
    _check(run, url, told, found)
    _killed(server)
    return found, told


# ---------------------------------------------------------------- processes


def _quiet(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*SAYSO, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _started(run: Path) -> tuple[subprocess.Popen[str], str, float]:
    """A server that answers, its address, and the seconds that it took to begin."""
    begun = time.perf_counter()
    command = [*SAYSO, "serve", str(run), "--port", "0", "--golden", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    address = re.search(r"http://\S+", server.stdout.readline())
    if address is None:
        raise SystemExit(f"the server does not start again; exit code {server.wait()}")
    return server, address[0], time.perf_counter() - begun


def _killed(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _exchanged(run: Path, random: Random) -> None:
    """The version before, or a version that was learnt, is to answer."""
    versions = Versions(run)
    learnt = [one.number for one in versions.history if one.deed in ("promoted", "back")]
    with suppress(SaysoError):
        if len(versions.way) > 1 and random.random() < 0.5:
            versions.back("a trial of faults")
        elif learnt:
            versions.promote(random.choice(learnt), versions.current, "a trial of faults", 0)


# ---------------------------------------------------------------- load, and what is left of it


@contextmanager
def _load(url: str, told: Acknowledged) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=_client, args=(url, number, told, stop)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _client(url: str, number: int, told: Acknowledged, stop: threading.Event) -> None:
    with httpx.Client(base_url=url, timeout=20) as http:
        place = len(told.comments) * CLIENTS + number
        while not stop.is_set():
            place += CLIENTS
            try:
                body = {"messages": [{"role": "user", "content": f"问题 {place}"}], "max_tokens": 4}
                answer = http.post("/chat/completions", json=body)
                if answer.status_code != 200:
                    told.failed.append(answer.status_code)
                    continue
                told.answers.append(answer.json()["id"])
                said = {"response_id": told.answers[-1], "comment": f"第 {place} 条", "revision": "好的"}
                kept = http.post("/feedback", json=said)
                if kept.status_code == 201:
                    told.comments.append(kept.json()["id"])
                else:
                    told.failed.append(kept.status_code)
            except httpx.HTTPError:
                return  # it was killed; what was not acknowledged was promised to nobody


def _check(run: Path, url: str, told: Acknowledged, found: Found) -> None:
    with FeedbackStore(run / "feedback.db") as store, ResponseLog(run / "feedback.db") as log:
        kept = set(store.arrivals())
        found.lost += [id_ for id_ in told.comments if id_ not in kept]
        found.lost += [id_ for id_ in told.answers[-200:] if log.find(id_) is None]
    asked = {"messages": [{"role": "user", "content": "还在吗"}], "max_tokens": 4}
    answer = httpx.post(f"{url}/chat/completions", json=asked, timeout=60)
    if answer.status_code != 200:
        found.broken.append(f"status {answer.status_code}")
        return
    version = answer.json()["system_fingerprint"]
    found.versions.add(version)
    current = Versions(run).current
    if (f"-v{current}/" in version) != bool(current):
        found.broken.append(f"version {current} is to be served, {version} answers")


def _made(folder: Path) -> Path:
    """A small run of the embedded model that learns by imitation."""
    subprocess.run([*SAYSO, "init", str(folder), "--task", "instructions", "--force"], check=True, capture_output=True)
    settings = {"model.name": "embedded", "learn.method": "imitate", "strategy.steps": 2, "learn.strategy.steps": 2}
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = [*SAYSO, "train", str(folder / "recipe.yaml"), "--set", "evaluate.resamples=20", *words]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "run"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", type=Path, help="a run folder; a small one is made when left out")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found, told = faults(asked.run or _made(Path(folder)), asked.kills, asked.seed)
    restarts = sorted(found.restarts)
    print(
        json.dumps(
            {
                "kills": found.kills,
                "answers acknowledged": len(told.answers),
                "comments acknowledged": len(told.comments),
                "lost": len(found.lost),
                "broken": found.broken,
                "versions that answered": len(found.versions),
                "refused requests": len(told.failed),
                "seconds to start again, median and longest": [restarts[len(restarts) // 2], restarts[-1]],
            },
            indent=1,
        )
    )
    if found.lost or found.broken:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
