"""Over the API: what a comment holds is told, taken out or refused, as the store's policy says."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from live import Live

from sayso.privacy.policy import Policy

PHONE = "13812345678"


def said(live: Live, comment: str) -> httpx.Response:
    body: Any = {"messages": [{"role": "user", "content": "hello"}]}
    name = httpx.post(f"{live.v1}/chat/completions", json=body).json()["id"]
    return httpx.post(f"{live.v1}/feedback", json={"response_id": name, "comment": comment})


def test_a_warning_names_kinds(parrot: Live) -> None:
    parrot.house.store.policy = Policy("warn")
    told = said(parrot, f"别念号码{PHONE}")
    assert told.status_code == 201
    assert told.json()["personal_data"] == ["phone"]
    assert said(parrot, "太短了").json()["personal_data"] == []


@pytest.mark.parametrize("do", ["redact", "pseudonymise"])
def test_what_is_taken_out_is_not_kept(parrot: Live, do: str) -> None:
    parrot.house.store.policy = Policy(do, (), b"key")  # type: ignore[arg-type]
    told = said(parrot, f"别念号码{PHONE}")
    assert told.status_code == 201
    assert told.json()["comment"].startswith("别念号码[手机号")
    assert PHONE not in repr(parrot.house.store.all(current=False))


def test_what_is_refused_is_422_and_not_kept(parrot: Live) -> None:
    parrot.house.store.policy = Policy("refuse")
    told = said(parrot, f"别念号码{PHONE}")
    assert told.status_code == 422
    assert told.json()["error"]["code"] == "personal_data"
    assert PHONE not in told.text
    assert parrot.house.store.all(current=False) == []
