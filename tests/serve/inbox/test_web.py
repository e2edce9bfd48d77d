"""Nothing that people or models wrote runs, and every page forbids what pages forbid."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from live import Live
from reviewers import Person

from sayso.records import Attempt, Author, Feedback, Outcome, Scope, Span, State, user
from sayso.serve.inbox.web import exact
from sayso.store.responses import Choice, Response, Round

HOSTILE = (
    "<script>alert(1)</script>",
    "</textarea><script>alert(2)</script>",
    '"><img src=x onerror=alert(3)>',
    "' autofocus onfocus='alert(4)",
    "<svg/onload=alert(5)>",
    "{{7*7}}{% include 'base.html.jinja' %}${7*7}",
    "<div hx-get='/inbox/yours' hx-trigger='load'>x</div>",
    "javascript:alert(6)",
    "</title></template></noscript><iframe srcdoc='<script>alert(7)</script>'>",
    "\0\x08\u2028\ud800\u202e",
    "'; DROP TABLE feedback; --",
    "<base href='https://evil.example/'><form action='https://evil.example'><button>x",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><link rel=stylesheet href=//evil.example>",
)


class Tags(HTMLParser):
    """All tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[tuple[str, str]] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in ("href", "src", "action", "hx-get", "hx-post")}


def plant(live: Live, evil: str) -> str:
    """The same hostile words in every place that somebody can write to; returns the comment's id."""
    prompt, text = user(evil), f"{evil} twice {evil}"
    trace = (Round(evil, evil, False),)
    live.house.log.add(
        [Response("evil", "chat", prompt, (Choice(text, certainty=0.1), Choice(evil)), evil, evil, trace=trace)]
    )
    span = Span(0, len(evil), evil, evil, evil)
    one = Feedback(
        prompt, Attempt(text), evil, Author(id=evil), Scope("rule", evil), (span,), revision=f"{evil}!", item="evil"
    )
    other = Feedback(
        prompt, Attempt(text), f"{evil} ", Author(id="anna"), Scope("rule", evil), revision="?", item="evil"
    )
    live.house.store.add([one, other])
    live.house.store.record([Outcome(found.id, State.HEEDED, evil, text, evil, evil) for found in (one, other)])
    live.house.store.withdraw(live.house.store.all()[0].id, evil)
    return one.id


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_words_are_words(live: Live, person: Callable[..., Person], evil: str) -> None:
    anna, harmless = person("anna"), person("olga")
    baseline = harmless.get("/item/chatcmpl-talk").text
    one = plant(live, evil)
    paths = [f"/queue/{name}" for name in ("newest", "unsure", "repeated", "disputed", "audit")]
    paths += ["/item/evil", "/item/evil?choice=1", f"/lesson/{one}", "/yours", "/since/evil?seen=0"]
    pages = [anna.get(path, follow_redirects=True) for path in paths]
    pages += [
        anna.say(
            "evil",
            "",
            revision=evil,
            when=evil,
            span_words=f"{evil} x",
            span_note=evil,
            span_better=evil,
            span_start="",
        )
    ]
    pages += [anna.post("/similar", {"comment": evil}), anna.post("/preview/evil", {"reach": "rule", "when": evil})]
    pages += [anna.post(f"/ask/{one}"), anna.post(f"/ask/{one}", headers={"HX-Request": "true"})]
    ours = {"/inbox", "#"}
    allowed = Tags(baseline)
    for told in pages:
        assert told.status_code in (200, 400), told.url
        found = Tags(told.text)
        assert not {"iframe", "img", "svg", "object", "embed", "base", "style"} & set(found.tags), told.url
        assert found.tags.count("script") in (0, 2)
        assert found.tags.count("meta") in (0, 5)
        assert not [name for _, name in found.attributes if name.startswith(("on", "hx-on")) or name == "style"]
        assert all(link[:1] in ("/", "#") and not link.startswith("//") for link in found.links), found.links
        assert (
            "49" not in re.sub(r'[0-9a-f]{12,}|chatcmpl|datetime="[^"]*"|\d+:\d+', "", told.text) or "7*7" not in evil
        )
    assert ours
    assert "script" in allowed.tags
    shown = html.unescape(anna.get("/item/evil").text)
    visible = evil.replace("\0", "�").replace("\x08", "�").replace("\ud800", "�")
    assert visible in shown, "and they are shown as they were written"


def test_what_a_reader_sends_is_escaped_too(live: Live, person: Callable[..., Person]) -> None:
    anna = person("anna")
    for evil in HOSTILE[:-3]:
        told = anna.say("chatcmpl-2", evil + "?")
        assert told.status_code == 303
        page = anna.get(told.headers["location"].removeprefix("/inbox")).text
        assert Tags(page).tags.count("script") == 2
    for path in (
        f"/yours?state={HOSTILE[0]}",
        f"/queue/{HOSTILE[2]}",
        f"/{HOSTILE[0]}",
        f"/item/chatcmpl-2?kept={HOSTILE[0]}",
    ):
        told = anna.get(path)
        assert told.status_code in (200, 404)
        assert HOSTILE[0] not in told.text


def test_every_answer_carries_the_policy(live: Live, person: Callable[..., Person]) -> None:
    anna = person("anna")
    paths = ("/queue/newest", "/item/chatcmpl-0", "/sign-in", "/nothing", "/people", "/static/inbox.js", "/item/none")
    answers = [anna.get(path) for path in paths] + [Person(live).get("/yours"), anna.say("chatcmpl-0", "")]
    for told in answers:
        policy = told.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert told.headers["x-content-type-options"] == "nosniff"
        assert told.headers["referrer-policy"] == "same-origin"
        assert "no-store" in told.headers["cache-control"] or "/static/" in str(told.url)
    page = anna.get("/item/chatcmpl-0").text
    assert not re.search(r"<script(?![^>]*\bsrc=)", page), "no script stands in a page"
    assert " style=" not in page
    assert '"allowEval": false' in page


def test_only_our_files_are_served(live: Live) -> None:
    anybody = Person(live)
    sheet = anybody.get("/static/inbox.css")
    assert sheet.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in sheet.headers["cache-control"]
    assert "Zero-Clause BSD" in anybody.get("/static/htmx.LICENSE.txt").text
    for name in ("../pages.py", "..%2fpages.py", "%2e%2e/words_en.yaml", "inbox.css/..", "/etc/passwd", ""):
        assert anybody.get(f"/static/{name}").status_code in (404, 303), name
    for text in (sheet.text, anybody.get("/static/inbox.js").text):
        assert not re.search(r"https?://|//[a-z]+\.", re.sub(r'xmlns="[^"]*"', "", text)), (
            "nothing is fetched from elsewhere"
        )


def test_whatever_goes_wrong_is_a_page(
    live: Live, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = person("anna", "zh")
    told = anna.get("/item/none")
    assert told.status_code == 404
    assert "没有这一页" in told.text

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("/home/somebody/secret.db")

    monkeypatch.setattr(live.house.log, "some", fails)
    fault = anna.get("/queue/newest")
    assert fault.status_code == 500
    assert "服务器出了问题" in fault.text
    assert "secret" not in fault.text


def test_a_form_with_very_many_fields_is_refused(person: Callable[..., Person]) -> None:
    anna = person("anna")
    assert anna.post("/item/chatcmpl-0", [("comment", "x")] * 3000).status_code == 400
    assert anna.http.post("/item/chatcmpl-0", content=b"\xff\xfe=%ff&&==").status_code == 403


def test_line_ends_of_an_answer_are_counted_as_we_do() -> None:
    assert exact("a\r\n<b>") == "a&#13;\n&lt;b&gt;"
