"""Answers in two languages, what was said of them, and people whose browsers keep cookies and run no scripts."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import urlencode

import httpx
from live import Live

from sayso.records import Attempt, Author, Feedback, Message, Outcome, Scope, Span, State, user
from sayso.store.responses import Choice, Response, Round

LONG = (
    "Thank you so much for your message! We are delighted to hear from you. Your parcel left our warehouse on Monday, \
and it should arrive on Thursday. If it does not, please do not hesitate to write to us again!"
)
ASKED = (
    ("Where is my parcel? I ordered it on Friday.", LONG, 0.62),
    ("退货要多久？我上周寄回去了。", "您好！退货一般三天内处理完毕，请耐心等待哦亲～", 0.41),
    ("How do I change the delivery address?", "Open your order and choose “Change address”.", 0.93),
    ("耳机左边没有声音怎么办？", "请先重启耳机：长按电源键十秒。如果仍然没有声音，请申请换货。", 0.77),
    ("Can I pay by invoice?", "Yes, you can pay by invoice within 30 days.", 0.55),
    ("发票什么时候开？", "发票会在发货后自动开具。", 0.88),
)


def responses() -> list[Response]:
    """What the server answered, oldest first."""
    found = [
        Response(f"chatcmpl-{i}", "chat", user(asked), (Choice(said, certainty=sure),), "shop/learn@1234", "shop")
        for i, (asked, said, sure) in enumerate(ASKED)
    ]
    talk = (
        Message("system", "You work for a shop."),
        Message("user", "你好"),
        Message("assistant", "您好，有什么可以帮您？"),
        Message("user", "最贵的包裹保价怎么算？"),
    )
    trace = (Round("不知道。", "先查价目表。", False), Round("按声明价值的百分之一计算。", "", True))
    choices = (Choice("按声明价值的百分之一计算。", certainty=0.5), Choice("保价费是一元。", certainty=0.3))
    return [*found, Response("chatcmpl-talk", "chat", talk, choices, "shop/learn@1234", "shop", trace=trace)]


def comment(item: int, words: str, who: str, **more: Any) -> Feedback:
    """What somebody said of one of the answers."""
    asked, said, _ = ASKED[item]
    return Feedback(user(asked), Attempt(said), words, Author(id=who), item=f"chatcmpl-{item}", **more)


def said_before() -> list[Feedback]:
    """Comments that are there already: two that say the same, two that contradict each other, one of a program."""
    delivery = Scope("rule", "somebody asks about a parcel or an order")
    return [
        comment(0, "Say when it arrives first.", "Ben", scope=delivery, spans=(Span(0, 35, "Too gushing"),)),
        comment(4, "Never promise thirty days.", "Ben", scope=Scope("everywhere")),
        comment(1, "不要用“亲”。", "李雷", scope=Scope("everywhere"), revision="您好！退货一般三天内处理完毕。"),
        comment(3, "不要用“亲”这个字。", "韩梅梅", scope=Scope("everywhere")),
        comment(5, "", "韩梅梅", polarity="positive"),
        comment(5, "没有说明电子还是纸质。", "李雷"),
    ]


def outcomes(said: list[Feedback]) -> list[Outcome]:
    """What became of the first of them."""
    after = "Your parcel should arrive on Thursday. It left our warehouse on Monday."
    return [
        Outcome(said[0].id, State.NOT_HEEDED, "still greets first", LONG, LONG, "june"),
        Outcome(said[0].id, State.HEEDED, "closer to the better answer", LONG, after, "july"),
        Outcome(said[2].id, State.HELD_OUT, "kept as a test", ASKED[1][1], ASKED[1][1], "july"),
        Outcome(said[4].id, State.REFUSED, "it is praise", ASKED[5][1], "", "july"),
    ]


class Person:
    """Somebody's browser, without scripts."""

    everybody: ClassVar[list[Person]] = []

    def __init__(self, live: Live, language: str = "en") -> None:
        self.live = live
        self.http = httpx.Client(base_url=f"{live.url}/inbox", headers={"Accept-Language": language}, timeout=20)
        self.everybody.append(self)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.http.get(path, **more)

    def token(self, path: str = "/sign-in") -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(path).text)
        assert found is not None
        return found.group(1)

    def post(self, path: str, fields: Any = None, **more: Any) -> httpx.Response:
        pairs = [*(fields.items() if isinstance(fields, dict) else fields or ()), ("csrf", self.token())]
        body = urlencode(pairs, errors="replace")
        kind = {"content-type": "application/x-www-form-urlencoded"} | more.pop("headers", {})
        return self.http.post(path, content=body, headers=kind, **more)

    def say(self, item: str, words: str = "", **more: Any) -> httpx.Response:
        return self.post(f"/item/{item}", {"comment": words, "verdict": "negative", **more})
