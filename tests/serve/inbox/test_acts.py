"""What people say is kept, can be undone, and loses nobody else's work."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace

from live import Live
from reviewers import ASKED, LONG, Person, comment, said_before

from sayso.records import Scope, Span


def kept_id(told: object) -> str:
    found = re.search(r"kept=([0-9a-f]{16})", told.headers["location"])  # type: ignore[attr-defined]
    assert found is not None
    return found.group(1)


def test_all_that_can_be_said(live: Live, person: Callable[..., Person]) -> None:
    anna = person("anna")
    fields = [
        ("comment", "太客气了。\r\nToo polite."),
        ("revision", "It arrives on Thursday."),
        ("verdict", "negative"),
    ]
    fields += [("reach", "rule"), ("when", "somebody asks about a parcel")]
    for words, note, better, start in (("Thank you so much", "gushing", "Thanks", "0"), ("warehouse", "", "", "")):
        fields += [("span_words", words), ("span_note", note), ("span_better", better), ("span_start", start)]
    told = anna.post("/item/chatcmpl-0?queue=newest", fields)
    assert told.status_code == 303
    one = live.house.store.get(kept_id(told))
    assert (one.comment, one.revision) == ("太客气了。\nToo polite.", "It arrives on Thursday.")
    assert one.scope == Scope("rule", "somebody asks about a parcel")
    at = LONG.index("warehouse")
    assert one.spans == (Span(0, 17, "gushing", replacement="Thanks"), Span(at, at + 9))
    assert (one.author.id, one.author.kind, one.item, one.prompt[-1].text) == (
        "anna",
        "person",
        "chatcmpl-0",
        ASKED[0][0],
    )
    page = anna.get(told.headers["location"].removeprefix("/inbox")).text
    assert "Kept. Thank you." in page
    assert 'rel="next"' in page, "the way through the queue goes on"


def test_praise_by_one_button(live: Live, person: Callable[..., Person]) -> None:
    told = person("anna").post("/item/chatcmpl-2", {"verdict": "positive", "revision": ASKED[2][1]})
    one = live.house.store.get(kept_id(told))
    assert (one.polarity, one.comment, one.revision) == ("positive", "", None)


def test_what_says_nothing_comes_back_as_it_was_typed(live: Live, person: Callable[..., Person]) -> None:
    anna, before = person("anna"), len(live.house.store.all(current=False))
    told = anna.say("chatcmpl-0", " ")
    assert (told.status_code, "Say something" in told.text) == (400, True)
    told = anna.say("chatcmpl-0", "keep <me>", reach="rule", when=" ")
    assert told.status_code == 400
    assert "keep &lt;me&gt;</textarea>" in told.text
    assert 'value="rule" checked' in told.text
    told = anna.say("chatcmpl-0", "x", span_words="not there", span_note="my note", span_better="", span_start="3")
    assert told.status_code == 400
    assert 'value="my note"' in told.text
    assert anna.say("none", "x").status_code == 404
    assert len(live.house.store.all(current=False)) == before


def test_undo_and_say_it_again(live: Live, person: Callable[..., Person]) -> None:
    anna = person("anna")
    one = kept_id(anna.say("chatcmpl-2", "Shorter."))
    back = anna.post("/take-back", {"id": one, "then": "item"})
    assert back.headers["location"] == f"/inbox/item/chatcmpl-2?back={one}"
    page = anna.get(back.headers["location"].removeprefix("/inbox")).text
    assert "Taken back. Nothing will be learnt from it." in page
    assert "Shorter." not in page
    assert "Shorter." in anna.get("/yours?state=taken_back").text
    assert anna.post("/take-back", {"id": one, "then": "item"}).status_code == 303, "twice is once"
    again = kept_id(anna.post("/bring-back", {"id": one, "then": "item"}))
    assert [said.id for said in live.house.store.all(author="anna")] == [again]
    assert live.house.store.get(one).comment == "Shorter.", "nothing is ever erased"
    assert anna.post("/bring-back", {"id": one, "then": "item"}).status_code == 409
    same = kept_id(anna.say("chatcmpl-2", "Shorter."))
    assert same == again


def test_saying_the_same_again_after_undoing_is_kept(live: Live, person: Callable[..., Person]) -> None:
    anna = person("anna")
    one = kept_id(anna.say("chatcmpl-2", "Shorter."))
    anna.post("/take-back", {"id": one, "then": "item"})
    again = kept_id(anna.say("chatcmpl-2", "Shorter."))
    assert again != one
    assert [said.comment for said in live.house.store.all(author="anna")] == ["Shorter."]


def test_a_change_takes_the_old_one_s_place(live: Live, person: Callable[..., Person]) -> None:
    anna = person("anna")
    one = kept_id(anna.say("chatcmpl-2", "Shorter.", reach="everywhere"))
    form = anna.get(f"/item/chatcmpl-2?change={one}").text
    assert "Shorter.</textarea>" in form
    assert 'value="everywhere" checked' in form
    two = kept_id(anna.say("chatcmpl-2", "Much shorter.", change=one))
    assert live.house.store.heir(one) == two
    assert [said.comment for said in live.house.store.all(author="anna")] == ["Much shorter."]
    late = anna.say("chatcmpl-2", "From another window.", change=one)
    assert late.status_code == 409
    assert "From another window.</textarea>" in late.text
    assert 'name="change" value=""' in late.text
    assert anna.say("chatcmpl-2", "From another window.").status_code == 303
    assert len(live.house.store.all(author="anna")) == 2
    newer = anna.get(f"/lesson/{one}").text
    assert f"/inbox/lesson/{two}" in newer


def test_nobody_changes_or_takes_back_what_is_another_s_but_the_owner(
    live: Live, person: Callable[..., Person]
) -> None:
    anna, olga, theirs = person("anna"), person("olga"), said_before()[0]
    assert anna.get(f"/item/chatcmpl-0?change={theirs.id}").status_code == 404
    assert anna.say("chatcmpl-0", "mine now", change=theirs.id).status_code == 404
    assert anna.post("/take-back", {"id": theirs.id}).status_code == 403
    own = kept_id(anna.say("chatcmpl-2", "Shorter."))
    assert anna.post("/take-back", [("id", own), ("id", theirs.id)]).status_code == 403, "all or none"
    assert live.house.store.withdrawn(own) is None
    assert anna.post("/take-back", {"id": "0" * 16}).status_code == 404
    assert anna.post("/take-back", {}).status_code == 403
    assert olga.post("/bring-back", {"id": theirs.id}).status_code == 403
    assert (
        olga.post("/take-back", {"id": theirs.id}).headers["location"] == f"/inbox/lesson/{theirs.id}?done=taken_back"
    )
    assert live.house.store.withdrawn(theirs.id) == "taken back by olga"
    assert "taken back by olga" in person("Ben").get("/yours").text


def test_a_lesson_is_taken_back_whole(live: Live, person: Callable[..., Person]) -> None:
    olga, said = person("olga"), said_before()
    page = olga.get(f"/lesson/{said[2].id}").text
    ids = re.findall(r'name="id" value="([0-9a-f]{16})"', page)
    assert set(ids) == {said[2].id, said[3].id}
    olga.post("/take-back", [*(("id", one) for one in ids), ("why", "亲切一点没关系")])
    assert [live.house.store.withdrawn(one.id) for one in said[2:4]] == ["亲切一点没关系"] * 2
    assert "Nothing has been said twice yet." in olga.get("/queue/repeated").text


def test_two_reviewers_on_one_answer_lose_nothing_and_are_told(live: Live, person: Callable[..., Person]) -> None:
    anna, ben = person("anna"), person("Ben")
    seen = re.search(r'name="seen" value="(\d+)"', anna.get("/item/chatcmpl-2").text)
    assert seen is not None
    assert anna.get(f"/since/chatcmpl-2?seen={seen.group(1)}").text.strip() == ""
    ben.say("chatcmpl-2", "Name the button.", seen=seen.group(1))
    part = anna.get(f"/since/chatcmpl-2?seen={seen.group(1)}").text
    assert "Ben commented since you opened this page." in part
    assert "Name the button." in part
    told = anna.say("chatcmpl-2", "Too short.", seen=seen.group(1))
    page = anna.get(told.headers["location"].removeprefix("/inbox")).text
    assert "Ben commented since you opened this page. Both are kept" in page
    assert {one.comment for one in live.house.store.all() if one.item == "chatcmpl-2"} == {
        "Name the button.",
        "Too short.",
    }
    again = ben.get("/since/chatcmpl-2?seen=0").text
    assert "Name the button." not in again, "one's own is no news"


def test_many_at_the_same_moment_are_all_kept(live: Live, person: Callable[..., Person]) -> None:
    people = [person(name) for name in ("anna", "Ben", "olga")] * 4
    tokens = [one.token() for one in people]
    start, told = threading.Barrier(len(people)), []

    def speak(place: int) -> None:
        start.wait()
        body = {"comment": f"remark {place}", "verdict": "negative", "csrf": tokens[place]}
        told.append(people[place].http.post("/item/chatcmpl-3", data=body).status_code)

    threads = [threading.Thread(target=speak, args=(place,)) for place in range(len(people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [303] * len(people)
    kept = {one.comment for one in live.house.store.all() if one.comment.startswith("remark")}
    assert kept == {f"remark {place}" for place in range(len(people))}


def test_the_model_is_asked_again(live: Live, person: Callable[..., Person]) -> None:
    anna, one, answers = person("anna"), said_before()[0], live.house.log.count()
    part = anna.post(f"/ask/{one.id}", headers={"HX-Request": "true"}).text
    assert "You said: Where is my parcel?" in part
    assert "parrot/learn@1234" in part
    assert "<html" not in part
    whole = anna.post(f"/ask/{one.id}").text
    assert "<html" in whole
    assert "You said: Where is my parcel?" in whole
    assert live.house.log.count() == answers, "a reviewer's trial is nothing to review"
    assert anna.post("/ask/" + "0" * 16).status_code == 404


def test_a_key_s_requests_are_counted(live: Live, person: Callable[..., Person], tmp_path: object) -> None:
    from sayso.serve.keys import Keys

    kept = Keys(tmp_path / "keys.json")  # type: ignore[operator]
    slow = Person(live)
    slow.post("/sign-in", {"key": kept.add("slow", "reviewer", 2)})
    assert [slow.say("chatcmpl-2", f"c{n}").status_code for n in range(3)] == [303, 303, 429]
    told = slow.say("chatcmpl-2", "c4")
    assert int(told.headers["Retry-After"]) > 0
    assert "Wait a minute" in told.text
    assert slow.get("/queue/newest").status_code == 200, "reading is not counted"


def test_both_ways_in_make_the_same_comment(live: Live, person: Callable[..., Person], keys: dict[str, str]) -> None:
    import httpx

    one = live.house.store.get(kept_id(person("anna").say("chatcmpl-2", "Shorter.", reach="everywhere")))
    body = {"response_id": "chatcmpl-2", "comment": "Shorter.", "scope": {"reach": "everywhere"}}
    told = httpx.post(f"{live.v1}/feedback", json=body, headers={"Authorization": f"Bearer {keys['anna']}"})
    assert told.json()["id"] == one.id
    assert replace(one, comment="x") != one
    assert comment(2, "x", "anna").item == one.item
