"""Every page, in both languages: what stands on it and where it leads."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from live import Live
from reviewers import ASKED, LONG, Person, comment, said_before

from sayso.records import Outcome, Scope, State, user
from sayso.serve.inbox.words import LANGUAGES, Words
from sayso.store.responses import Choice, Response

QUEUES = ("newest", "unsure", "repeated", "disputed", "audit")


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_page_speaks_the_reader_s_language(live: Live, person: Callable[..., Person], language: str) -> None:
    olga, say = person("olga", language), Words(language)  # type: ignore[arg-type]
    first = live.house.store.all()[0]
    titles = {f"/queue/{name}": f"queue_{name}" for name in QUEUES}
    titles |= {"/yours": "yours_title", "/people": "people_title", "/sign-in": "sign_in_title"}
    titles |= {f"/lesson/{first.id}": "its_comments", "/item/chatcmpl-talk": "your_comment"}
    for path, key in titles.items():
        told = olga.get(path, follow_redirects=True)
        assert told.status_code == 200, path
        assert f'<html lang="{language}"' in told.text
        assert say(key) in told.text.replace("&#39;", "'"), path
        other = Words("zh" if language == "en" else "en")
        assert f">{other('skip')}<" not in told.text


def test_every_field_has_a_label_and_every_page_one_heading(live: Live, person: Callable[..., Person]) -> None:
    olga = person("olga")
    first = live.house.store.all()[0]
    for path in (
        *(f"/queue/{name}" for name in QUEUES),
        "/item/chatcmpl-0",
        f"/lesson/{first.id}",
        "/yours",
        "/people",
    ):
        text = olga.get(path, follow_redirects=True).text
        assert len(re.findall(r"<h1[ >]", text)) == 1, path
        labelled = set(re.findall(r'<label for="([^"]+)"', text))
        for field in re.findall(r"<(?:input|textarea|select)[^>]*>", text):
            name = re.search(r'\bid="([^"]+)"', field)
            apart = 'type="hidden"' in field or " hidden" in field or "aria-label" in field
            inside = 'name="span_' in field or 'type="radio"' in field  # these stand within their labels
            assert apart or inside or (name is not None and name.group(1) in labelled), field
        ids = re.findall(r'\bid="([^"]+)"', text)
        assert len(ids) == len(set(ids)), path


def test_queues_show_answers_with_how_sure_they_are_and_who_said_something(
    live: Live, person: Callable[..., Person]
) -> None:
    ben = person("Ben")
    page = ben.get("/queue/newest").text
    assert page.index("最贵的包裹") < page.index("发票什么时候开") < page.index("Where is my parcel")
    assert "62 % sure" in page
    assert page.count("you commented") == 2
    unsure = ben.get("/queue/unsure").text
    assert "退货要多久" not in unsure
    assert unsure.index("最贵的包裹") < unsure.index("change the delivery address")
    assert "你已评过" in person("Ben", "zh").get("/queue/newest").text


def test_a_queue_goes_on_where_it_is_long(live: Live, person: Callable[..., Person]) -> None:
    live.house.log.add(Response(f"more{i}", "chat", user(f"q{i}"), (Choice("a"),)) for i in range(30))
    anna = person("anna")
    first = anna.get("/queue/newest").text
    onward = re.search(r'rel="next" href="/inbox(/queue/newest\?skip=20)"', first)
    assert onward is not None
    second = anna.get(onward.group(1)).text
    assert "q9" in second
    assert 'rel="next"' not in second
    on = anna.get("/next?queue=newest&after=more10").headers["location"]
    assert on == "/inbox/item/more9?queue=newest", "the way leads over the end of a page"


def test_repeated_and_disputed(person: Callable[..., Person]) -> None:
    anna = person("anna")
    repeated = anna.get("/queue/repeated").text
    assert "不要用“亲”这个字。" in repeated
    assert "2 people" in repeated
    assert "Never promise" not in repeated
    disputed = anna.get("/queue/disputed").text
    assert "says that it is right" in disputed
    assert "没有说明电子还是纸质。" in disputed


def test_an_audit_has_an_address(person: Callable[..., Person]) -> None:
    anna = person("anna")
    where = anna.get("/queue/audit").headers["location"]
    assert re.fullmatch(r"/inbox/queue/audit\?seed=\d+&of=7", where)
    page = anna.get(where.removeprefix("/inbox")).text
    assert anna.get(where.removeprefix("/inbox")).text.count('class="row"') == page.count('class="row"') == 7
    assert "from all 7 answers" in page
    first, second = re.findall(r'class="row" href="/inbox(/item/[^"]+)"', page)[:2]
    anna_next = re.search(r'id="next" rel="next" href="/inbox([^"]+)"', anna.get(first.replace("&amp;", "&")).text)
    assert anna_next is not None
    on = anna.get(anna_next.group(1).replace("&amp;", "&")).headers["location"]
    assert on == f"/inbox{second.replace('&amp;', '&')}"


def test_an_answer_is_shown_with_its_conversation_and_what_was_said(person: Callable[..., Person]) -> None:
    anna = person("anna")
    page = anna.get("/item/chatcmpl-0").text
    assert '<mark title="Too gushing">Thank you so much for your message!</mark>' in page
    assert "Say when it arrives first." in page
    assert "whenever somebody asks about a parcel or an order" in page
    talk = anna.get("/item/chatcmpl-talk?choice=1").text.partition("<main")[2]
    assert talk.index("You work for a shop.") < talk.index("你好") < talk.index("最贵的包裹")
    assert ">保价费是一元。</div>" in talk
    assert "先查价目表。" in talk
    for path in ("/item/none", "/item/chatcmpl-0?choice=1", "/item/chatcmpl-0?choice=-1", "/item/chatcmpl-0?choice=x"):
        assert anna.get(path).status_code == 404


def test_a_lesson_tells_its_comments_and_what_became_of_them(live: Live, person: Callable[..., Person]) -> None:
    said = said_before()
    one = person("anna").get(f"/lesson/{said[0].id}").text
    assert one.index("closer to the better answer") < one.index("still greets first")
    assert "Your parcel should arrive on Thursday." in one
    assert "Said by 1 person on 1 answer." in one
    assert "Take it back" not in one, "it is Ben's"
    assert "Take it back (1 comment)" in person("Ben").get(f"/lesson/{said[0].id}").text
    both = person("olga").get(f"/lesson/{said[2].id}").text
    assert "Said by 2 people on 2 answers." in both
    assert "Take it back (2 comments)" in both
    assert person("anna").get("/lesson/" + "0" * 16).status_code == 404
    zh = person("anna", "zh").get(f"/lesson/{said[2].id}").text
    assert "2 个人在2 个回答上提到" in zh.replace("”", "").replace("“", "")


def test_a_comment_that_came_from_elsewhere_has_its_page(live: Live, person: Callable[..., Person]) -> None:
    one = comment(0, "From a file.", "nobody here")
    live.house.store.add([type(one)(one.prompt, one.attempt, one.comment, item="train/7")])
    found = live.house.store.all()[-1]
    page = person("anna").get(f"/lesson/{found.id}")
    assert page.status_code == 200
    assert "From a file." in page.text
    assert "See the answer" not in page.text


def test_your_comments_and_what_became_of_each(live: Live, person: Callable[..., Person]) -> None:
    ben = person("Ben")
    page = ben.get("/yours").text
    assert "Say when it arrives first." in page
    assert "closer to the better answer" in page
    assert "不要用" not in page, "it is others'"
    heeded = ben.get("/yours?state=heeded").text
    assert "Say when it arrives first." in heeded
    assert "Never promise" not in heeded
    assert "You have said nothing yet" in person("anna").get("/yours").text


def test_the_preview_tells_what_a_scope_matches(person: Callable[..., Person]) -> None:
    anna = person("anna")

    def told(item: int, **fields: str) -> str:
        return anna.post(f"/preview/chatcmpl-{item}", fields).text

    assert "Found by parcel: 1 of the last 7." in told(0, reach="rule", when="somebody asks about a parcel")
    assert "Where is my parcel?" in told(0, reach="rule", when="somebody asks about a parcel")
    assert "Asked this way: 1 of the last 7." in told(0, reach="item")
    assert "All 7 of the last" in told(0, reach="everywhere")
    assert "Say when it holds." in told(0, reach="rule", when=" ")
    assert "None of the last 7" in told(0, reach="rule", when="zebra")
    assert "最近 7 个里有 1 个" in person("anna", "zh").post("/preview/chatcmpl-1", {"reach": "item"}).text
    assert anna.post("/preview/none", {"reach": "item"}).status_code == 404


def test_similar_comments_of_the_past(live: Live, person: Callable[..., Person]) -> None:
    anna = person("anna", "zh")
    page = anna.post("/similar", {"comment": "不要用“亲”！"}).text
    assert page.count("同样的") == 2
    assert "留作考题" in page
    assert "相反的" in anna.post("/similar", {"comment": "要用“亲”"}).text
    assert anna.post("/similar", {"comment": "天气"}).text.strip() == ""
    mine = said_before()[2]
    assert mine.id not in anna.post("/similar", {"comment": "不要用“亲”！", "change": mine.id}).text


def test_the_end_of_a_queue(person: Callable[..., Person]) -> None:
    anna = person("anna")
    told = anna.get("/next?queue=newest&after=chatcmpl-0")
    assert told.headers["location"] == "/inbox/queue/newest?done=1"
    assert "last answer of this queue" in anna.get("/queue/newest?done=1").text


def test_an_empty_house(open_house: Live) -> None:
    assert LONG.startswith("Thank")
    assert len(ASKED) == 6
    anybody = Person(open_house)
    assert anybody.get("/queue/newest").status_code == 200


def test_states_are_told_in_words(live: Live, person: Callable[..., Person]) -> None:
    ben = person("Ben")
    one = comment(2, "Shorter.", "Ben", scope=Scope("item"))
    live.house.store.add([one])
    for state in State:
        live.house.store.record([Outcome(one.id, state, f"because {state}")])
        page = ben.get("/yours").text
        assert Words("en")(f"state_{state}") in page
        assert f"because {state}" in page
