"""The app as a whole: it keeps what its schema promises, and lets nobody in who should not be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from live import Live, Parrot, house, running
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from sayso.serve.house import Limits
from sayso.serve.keys import Keys
from sayso.tasks.classify import Classify

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
FEW = settings(max_examples=30, deadline=None, database=None, suppress_health_check=list(HealthCheck))
CHAT = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("with_keys", [False, True])
def test_it_keeps_what_its_schema_promises(tmp_path: Path, with_keys: bool) -> None:
    voice, keys, headers = Parrot(), None, {}
    if with_keys:
        keys = Keys(tmp_path / "keys.json")
        headers = {"Authorization": f"Bearer {keys.add('owner', 'owner', 0)}"}
    checked = [*CHECKS, checks.ignored_auth] if with_keys else CHECKS
    with running(house(voice, tmp_path, task=Classify(("a", "b"))), voice, keys=keys) as live:
        schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json")
        tried = []
        for found in schema.get_all_operations():
            operation = found.ok()
            tried.append(f"{operation.method} {operation.path}")

            @FEW
            @given(case=operation.as_strategy())
            def attempt(case: Any) -> None:
                case.call_and_validate(checks=checked, headers=headers, timeout=30)

            attempt()
    assert sorted(tried) == [
        "get /health",
        "get /metrics",
        "get /v1/feedback/{feedback_id}",
        "get /v1/models",
        "post /v1/chat/completions",
        "post /v1/classify",
        "post /v1/completions",
        "post /v1/feedback",
        "post /v1/translate",
    ]


def test_its_pages_say_how_it_is_called_and_take_nothing_from_elsewhere(parrot: Live) -> None:
    page = httpx.get(f"{parrot.url}/docs").text
    for path in ("/v1/chat/completions", "/v1/feedback/{feedback_id}", "self_correct", "supersedes"):
        assert path in page
    assert "://" not in page
    assert "<script" not in page
    assert httpx.get(f"{parrot.url}/redoc").status_code == 404


def test_other_ways_are_refused_in_the_same_shape(parrot: Live) -> None:
    for told in (httpx.get(f"{parrot.v1}/nothing"), httpx.get(f"{parrot.v1}/chat/completions")):
        assert told.status_code in (404, 405)
        assert told.json()["error"]["message"]
    simple = httpx.post(f"{parrot.v1}/chat/completions", content='{"messages": []}')  # as a foreign page may send it
    assert simple.status_code == 422
    assert not parrot.voice.batches


def test_other_origins_are_let_in_only_by_name(tmp_path: Path) -> None:
    ask = {"Origin": "https://good.example", "Access-Control-Request-Method": "POST"}
    voice = Parrot()
    with running(house(voice, tmp_path), voice) as live:
        closed = httpx.options(f"{live.v1}/chat/completions", headers=ask)
        assert closed.status_code == 405
        assert (
            "access-control-allow-origin"
            not in httpx.post(f"{live.v1}/chat/completions", json=CHAT, headers=ask).headers
        )
    (tmp_path / "other").mkdir()
    with running(house(voice, tmp_path / "other"), voice, Limits(origins=("https://good.example",))) as live:
        allowed = "access-control-allow-origin"
        assert httpx.options(f"{live.v1}/chat/completions", headers=ask).headers[allowed] == "https://good.example"
        bad = httpx.options(f"{live.v1}/chat/completions", headers=ask | {"Origin": "https://bad.example"})
        assert allowed not in bad.headers


def test_names_that_were_rebound_to_this_machine_are_not_its_own(tmp_path: Path) -> None:
    voice = Parrot()
    with running(house(voice, tmp_path), voice, Limits(hosts=("127.0.0.1", "localhost"))) as live:
        assert httpx.get(f"{live.url}/health").status_code == 200
        assert httpx.get(f"{live.url}/health", headers={"Host": "evil.example"}).status_code == 400


def test_further_pages_find_what_they_need(tmp_path: Path) -> None:
    from fastapi import APIRouter, Depends

    from sayso.serve.app import create_app

    held = house(Parrot(), tmp_path)
    app = create_app(held)
    extra = APIRouter()

    @extra.get("/inbox", dependencies=[Depends(app.state.needs("reviewer"))])
    def inbox() -> int:
        return held.log.count()

    app.include_router(extra)
    assert app.state.house is held
    assert "/inbox" in app.openapi()["paths"]
    held.store.close()
    held.log.close()


def test_the_room_loads_no_torch() -> None:
    code = "import sys, sayso.serve.app, sayso.serve.upstream; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
