"""Keys are kept as hashes, taken away at once, and reach as far as their role."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx
import pytest
from live import Parrot, house, running
from prometheus_client.parser import text_string_to_metric_families

from sayso.errors import DataError, UserError
from sayso.serve.keys import Caller, Keys
from sayso.serve.limits import Buckets
from sayso.serve.metrics import Metrics
from sayso.serve.problems import Refusal


def test_a_secret_is_shown_once_and_kept_as_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secret = Keys(path).add("anna", "reviewer", 5)
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = Keys(path).find(secret)
    assert found is not None
    assert (found.name, found.role, found.per_minute) == ("anna", "reviewer", 5)
    assert Keys(path).find(secret + "x") is None
    assert Keys(path).find("\ud800") is None
    assert Keys(path).add("ben") != secret


def test_what_another_process_changes_counts_at_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    serving, secret = Keys(path), Keys(path).add("anna")
    assert serving.find(secret) is not None
    Keys(path).remove("anna")
    assert serving.find(secret) is None
    path.unlink()
    assert serving.all() == []


@pytest.mark.parametrize("name", ["anna", "", " ", "a:b"])
def test_a_name_is_taken_once_and_has_no_colon(tmp_path: Path, name: str) -> None:
    keys = Keys(tmp_path / "keys.json")
    keys.add("anna")
    with pytest.raises(UserError, match="name"):
        keys.add(name)
    with pytest.raises(UserError, match="did you mean 'anna'"):
        keys.remove("ana")


@pytest.mark.parametrize(
    "content", ['{"a": 1}', '[{"name": "a"}]', '[{"name": "a", "role": "king", "hash": ""}]', "[3]"]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(DataError, match="no keys"):
        Keys(tmp_path / "keys.json")


def test_what_belongs_to_whom() -> None:
    shop, reviewer = Caller("shop", "client"), Caller("anna", "reviewer")
    assert [shop.owns(author) for author in ("shop", "shop:eve", "shopping", "anna", "")] == [True, True, *[False] * 3]
    assert all(reviewer.owns(author) for author in ("shop", "anna", ""))
    assert reviewer.reaches("client")
    assert not reviewer.reaches("owner")


def test_a_minutes_worth_may_come_at_once_and_fills_up_again() -> None:
    now = 100.0
    buckets = Buckets(Metrics(), clock=lambda: now)
    for _ in range(3):
        buckets.take("a", 3)
    with pytest.raises(Refusal) as told:
        buckets.take("a", 3)
    assert (told.value.status, told.value.headers["Retry-After"]) == (429, "20")
    buckets.take("b", 3)
    now = 120.0
    buckets.take("a", 3)
    with pytest.raises(Refusal):
        buckets.take("a", 3)
    now = 10_000.0
    for _ in range(3):
        buckets.take("a", 3)
    with pytest.raises(Refusal):
        buckets.take("a", 3)
    for _ in range(1000):
        buckets.take("c", 0)


def test_roles_at_the_door(tmp_path: Path) -> None:
    keys = Keys(tmp_path / "keys.json")
    secrets = {role: keys.add(role, role) for role in ("client", "reviewer", "owner")}  # type: ignore[arg-type]
    slow = keys.add("slow", "client", 2)
    voice = Parrot()
    with running(house(voice, tmp_path), voice, keys=keys) as live:

        def ask(path: str, secret: str | None, **body: object) -> httpx.Response:
            headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
            sent = httpx.post if body else httpx.get
            return sent(live.url + path, headers=headers, **({"json": body} if body else {}))  # type: ignore[operator,no-any-return]

        chat = {"messages": [{"role": "user", "content": "hi"}]}
        for path, body in (("/v1/models", {}), ("/v1/chat/completions", chat), ("/metrics", {})):
            for secret in (None, "sayso-no"):
                refused = ask(path, secret, **body)
                assert refused.status_code == 401
                assert refused.headers["www-authenticate"] == "Bearer"
                assert refused.json()["error"]["code"] == "key"
        assert not voice.batches
        assert [ask("/metrics", secrets[role]).status_code for role in secrets] == [403, 403, 200]
        assert [ask("/v1/models", secrets[role]).status_code for role in secrets] == [200, 200, 200]
        assert ask("/health", None).status_code == 200
        assert [ask("/v1/models", slow).status_code for _ in range(3)] == [200, 200, 429]
        assert int(ask("/v1/models", slow).headers["retry-after"]) <= 30

        mine = ask("/v1/chat/completions", secrets["client"], **chat).json()["id"]
        other = ask("/v1/chat/completions", secrets["owner"], **chat).json()["id"]
        said = ask("/v1/feedback", secrets["client"], response_id=mine, comment="no", author="eve").json()
        assert said["author"] == "client:eve"
        assert ask("/v1/feedback", secrets["client"], response_id=other, comment="no").status_code == 404
        assert ask("/v1/feedback", slow[:-1] + "x", response_id=mine, comment="no").status_code == 401
        reviewed = ask("/v1/feedback", secrets["reviewer"], response_id=mine, comment="no!", author="eve").json()
        assert reviewed["author"] == "eve"
        assert ask(f"/v1/feedback/{said['id']}", secrets["client"]).status_code == 200
        assert ask(f"/v1/feedback/{reviewed['id']}", secrets["client"]).status_code == 404
        assert ask(f"/v1/feedback/{said['id']}", secrets["reviewer"]).json()["comment"] == "no"
        theirs = {"response_id": mine, "comment": "yes", "supersedes": reviewed["id"]}
        assert ask("/v1/feedback", secrets["client"], **theirs).status_code == 404
        assert not live.house.store.heir(reviewed["id"])
        schema = httpx.get(f"{live.url}/openapi.json").json()
        assert "HTTPBearer" in schema["components"]["securitySchemes"]

        families = text_string_to_metric_families(ask("/metrics", secrets["owner"]).text)
        counted = {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}
        assert counted["sayso_comments_total",] == 2
        assert counted["sayso_refused_total", "rate"] == 2
        assert counted["sayso_requests_total", "/metrics", "403"] == 2
