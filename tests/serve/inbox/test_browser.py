"""The inbox in a real browser: by keyboard alone, on a phone, in Chinese, in the dark; no script of others runs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from live import Live
from reviewers import LONG
from test_web import HOSTILE, plant

pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}


@pytest.fixture
def look(browser: Any, live: Live, keys: dict[str, str]) -> Iterator[Callable[..., Any]]:
    """Opens the inbox for somebody who comes by their link; fails if a page complains or asks anybody else."""
    opened, said, asked = [], [], []

    def come(name: str = "anna", language: str = "en-GB", size: Any = DESK, scheme: str = "light", **more: Any) -> Any:
        room = browser.new_context(viewport=size, color_scheme=scheme, locale=language, **more)
        opened.append(room)
        one = room.new_page()
        one.on("console", lambda message: said.append(message.text))
        one.on("pageerror", lambda error: said.append(str(error)))
        one.on("dialog", lambda dialog: (said.append("dialog"), dialog.dismiss()))
        one.on("request", lambda request: asked.append(request.url))
        one.goto(f"{live.url}/inbox/sign-in#{keys[name]}")
        one.keyboard.press("Enter")
        one.wait_for_url("**/queue/newest")
        return one

    yield come
    for room in opened:
        room.close()
    assert said == []
    assert all(url.startswith(live.url) for url in asked)
    assert not [url for url in asked if any(secret in url for secret in keys.values())], "no key is in an address"


def shot(page: Any, name: str) -> None:
    """A picture to look at, where somebody asks for one."""
    folder = os.environ.get("SAYSO_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def at(page: Any, path: str) -> None:
    page.goto(re.sub(r"/inbox/.*", f"/inbox{path}", page.url))


def test_by_keyboard_alone(live: Live, look: Callable[..., Any]) -> None:
    page = look()
    press = page.keyboard.press
    for _ in range(7):
        press("j")
    press("Enter")
    page.wait_for_url("**/item/chatcmpl-0?queue=newest")
    press("a")
    press("ArrowRight")
    press("ArrowRight")
    press("Shift+ArrowRight")
    press("Shift+ArrowRight")
    assert page.evaluate("getSelection().toString()") == "you so much"
    press("Enter")
    page.keyboard.type("gushing")
    press("Tab")
    page.keyboard.type("you")
    press("Escape")
    press("2")
    page.keyboard.type("somebody asks about a parcel")
    page.wait_for_selector("#preview :text('Found by parcel')")
    press("Escape")
    press("c")
    page.keyboard.type("Say when it arrives")
    page.wait_for_selector("#similar :text('the same')")
    shot(page, "keyboard")
    press("Control+Enter")
    page.wait_for_url("**kept=*")
    one = live.house.store.all(author="anna")[0]
    assert (one.comment, one.scope.when) == ("Say when it arrives", "somebody asks about a parcel")
    assert [LONG[span.start : span.end] for span in one.spans] == ["you so much"]
    assert (one.spans[0].label, one.spans[0].replacement) == ("gushing", "you")
    assert page.input_value("#comment") == "", "the draft is gone once it is sent"
    press("u")
    page.wait_for_url("**back=*")
    assert live.house.store.all(author="anna") == []
    press("g")
    page.wait_for_url("**kept=*")
    assert live.house.store.all(author="anna")[0].polarity == "positive"
    press("k")
    page.wait_for_timeout(100)
    press("y")
    page.wait_for_url("**/yours")


def test_every_control_is_reached_by_tab_and_shows_it(look: Callable[..., Any]) -> None:
    page = look()
    at(page, "/item/chatcmpl-0?queue=newest")
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return [e.id || e.textContent.trim(), s.outlineStyle + s.outlineWidth]; }"
        )
        if name and page.evaluate("document.activeElement !== document.body"):
            assert outline == "solid2px", name
            seen.add(name)
    assert {"answer", "comment", "send", "right", "next", "to-yours", "Skip to the content"} <= seen


def test_chinese_words_are_selected_as_words_and_counted_right(live: Live, look: Callable[..., Any]) -> None:
    page = look(language="zh-CN")
    assert page.evaluate("document.documentElement.lang") == "zh"
    at(page, "/item/chatcmpl-1?queue=newest")
    press = page.keyboard.press
    press("a")
    press("End")
    for _ in range(2):
        press("ArrowLeft")
    press("Shift+ArrowRight")
    chosen = page.evaluate("getSelection().toString()")
    press("Enter")
    page.keyboard.type("太随便")
    press("Control+Enter")
    page.wait_for_url("**kept=*")
    (span,) = live.house.store.all(author="anna")[0].spans
    answer = live.house.log.find("chatcmpl-1")
    assert answer is not None
    assert answer.choices[0].text[span.start : span.end] == chosen
    assert span.label == "太随便"
    shot(page, "chinese")


def test_characters_beyond_the_first_plane_are_one_each(live: Live, look: Callable[..., Any]) -> None:
    from sayso.records import user
    from sayso.store.responses import Choice, Response

    text = "👍🏽😀 好的\r\n😀 twice 😀 twice"
    live.house.log.add([Response("emoji", "chat", user("?"), (Choice(text),))])
    page = look()
    at(page, "/item/emoji")
    page.keyboard.press("a")
    page.keyboard.press("End")
    assert page.evaluate("getSelection().toString()") == "twice"
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**kept=*")
    (span,) = live.house.store.all(author="anna")[0].spans
    assert (span.start, text[span.start : span.end]) == (text.rindex("twice"), "twice")


def test_words_are_marked_with_a_finger_or_a_mouse(live: Live, look: Callable[..., Any]) -> None:
    page = look()
    at(page, "/item/chatcmpl-2")
    page.dblclick("#answer", position={"x": 40, "y": 15})
    words = page.evaluate("getSelection().toString().trim()")
    page.click("#mark")
    assert page.inner_text(".marks q:not([hidden])") == words
    page.click(".marks .remove")
    assert page.query_selector("#marks .marks > li") is None
    page.dblclick("#answer", position={"x": 40, "y": 15})
    page.click("#mark")
    page.keyboard.type("which one?")
    page.click("#send")
    page.wait_for_url("**kept=*")
    assert live.house.store.all(author="anna")[0].spans[0].label == "which one?"
    page.hover("#answer", position={"x": 250, "y": 15})
    page.mouse.down()
    page.hover(".others h2")
    page.mouse.up()
    assert page.inner_text("#mark").endswith("address”.”"), (
        "a hand that goes too far marks up to the end of the answer"
    )


@pytest.mark.parametrize("size", [PHONE, DESK, {"width": 768, "height": 1024}])
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_it_fits(live: Live, look: Callable[..., Any], size: Any, language: str) -> None:
    page = look("olga", language, size, has_touch=size is PHONE, is_mobile=size is PHONE)
    first = live.house.store.all()[0]
    paths = [f"/queue/{name}" for name in ("newest", "unsure", "repeated", "disputed", "audit")]
    for path in (*paths, "/item/chatcmpl-0?queue=newest", f"/lesson/{first.id}", "/yours", "/people"):
        page.goto(f"{live.url}/inbox{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"], path
        outside = """[...document.querySelectorAll('main *')].filter(e => !e.closest('.unseen') &&
            e.getBoundingClientRect().right > innerWidth + 1).length"""
        assert page.evaluate(outside) == 0, path
        if size is PHONE:
            small = """[...document.querySelectorAll('main button, main .plain, main textarea')]
                .filter(e => e.offsetParent && e.getBoundingClientRect().height < 24).map(e => e.outerHTML)"""
            assert page.evaluate(small) == [], path
        shot(page, f"{language}-{size['width']}-{path.strip('/').replace('/', '-').partition('?')[0]}")


def test_on_a_phone_the_answer_comes_first_then_the_form_then_the_others(look: Callable[..., Any]) -> None:
    page = look(size=PHONE, has_touch=True, is_mobile=True)
    at(page, "/item/chatcmpl-0")
    top = "s => document.querySelector(s).getBoundingClientRect().top"
    assert page.evaluate(top, "#answer") < page.evaluate(top, "#comment") < page.evaluate(top, ".others")


CONTRAST = """() => {
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const over = (e) => { const chain = [];
    for (; e; e = e.parentElement) chain.unshift(getComputedStyle(e).backgroundColor);
    canvas.fillStyle = '#fff'; canvas.fillRect(0, 0, 1, 1);
    chain.forEach(c => { canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); });
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.offsetParent || e.closest('.unseen, .skip, [aria-hidden]')) continue;
    const back = over(e); const ink = getComputedStyle(e).color.match(/[\\d.]+/g).map(Number).slice(0, 3);
    const [a, b] = [light(back), light(ink)].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) poor.push([e.outerHTML.slice(0, 90), (a + .05) / (b + .05)]);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_in_light_and_in_dark(live: Live, look: Callable[..., Any], scheme: str) -> None:
    page = look("olga", "zh-CN", scheme=scheme, reduced_motion="reduce")
    ground = {"light": "rgb(253, 253, 251)", "dark": "rgb(20, 21, 23)"}
    first = live.house.store.all()[0]
    for path in (
        "/queue/repeated",
        "/queue/disputed",
        "/item/chatcmpl-1?queue=newest",
        f"/lesson/{first.id}",
        "/people",
    ):
        at(page, path)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground[scheme]
        assert page.evaluate(CONTRAST) == [], path
        shot(page, f"{scheme}-{path.strip('/').replace('/', '-').partition('?')[0]}")
    other = "dark" if scheme == "light" else "light"
    page.click(f"button[name=look][value={other}]")
    page.wait_for_load_state()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground[other]


def test_somebody_else_s_comment_arrives_while_one_writes(live: Live, look: Callable[..., Any]) -> None:
    page, other = look("anna"), look("Ben", "zh-CN")
    at(page, "/item/chatcmpl-2")
    page.fill("#comment", "Too short.")
    at(other, "/item/chatcmpl-2")
    other.fill("#comment", "按钮叫什么？")
    other.click("#send")
    other.wait_for_url("**kept=*")
    page.evaluate("htmx.trigger('.others [hx-get]', 'load')")
    page.evaluate(
        "htmx.ajax('GET', document.querySelector('.others [hx-get]').getAttribute('hx-get'), '.others [hx-get]')"
    )
    page.wait_for_selector("text=Ben commented since you opened this page")
    assert page.input_value("#comment") == "Too short.", "what is being written stays"
    page.click("#send")
    page.wait_for_url("**kept=*")
    assert "Both are kept" in page.inner_text(".notice")
    assert {one.comment for one in live.house.store.all() if one.item == "chatcmpl-2"} == {
        "Too short.",
        "按钮叫什么？",
    }


def test_what_was_typed_survives_a_lost_page(look: Callable[..., Any]) -> None:
    page = look()
    at(page, "/item/chatcmpl-2")
    page.fill("#comment", "half a thought")
    page.click("summary:has-text('Rewrite')")
    page.fill("#revision", "Another answer.")
    page.reload()
    assert page.input_value("#comment") == "half a thought"
    assert page.input_value("#revision") == "Another answer."
    assert page.is_visible("#revision")


def test_shortcuts_can_be_turned_off(look: Callable[..., Any]) -> None:
    page = look()
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.click("button[name=shortcuts][value=off]")
    page.wait_for_load_state()
    page.keyboard.press("y")
    page.keyboard.press("?")
    page.wait_for_timeout(200)
    assert page.url.endswith("/queue/newest")
    assert not page.is_visible("#help")


def test_letters_that_are_typed_do_nothing_else(live: Live, look: Callable[..., Any]) -> None:
    page = look()
    at(page, "/item/chatcmpl-2")
    page.focus("#comment")
    page.keyboard.type("jkgury123?")
    page.wait_for_timeout(200)
    assert page.input_value("#comment") == "jkgury123?"
    assert live.house.store.all(author="anna") == []


@pytest.mark.parametrize("evil", HOSTILE)
def test_nothing_that_somebody_wrote_runs(live: Live, look: Callable[..., Any], evil: str) -> None:
    one = plant(live, evil)
    page = look()
    for path in ("/queue/newest", "/queue/repeated", "/queue/disputed", "/item/evil", f"/lesson/{one}"):
        at(page, path)
        assert (
            page.evaluate("document.querySelectorAll('main script, main iframe, main img, main [onload]').length") == 0
        )
    at(page, "/item/evil")
    page.fill("#comment", evil.replace("\ud800", ""))
    page.click("#reach-rule")
    page.fill("#when", evil.replace("\ud800", ""))
    page.wait_for_timeout(900)
    page.click("#send")
    page.wait_for_url("**kept=*")
    assert page.evaluate("document.querySelectorAll('main script, main iframe, main img').length") == 0


def test_even_a_script_that_slipped_through_does_not_run(look: Callable[..., Any], browser: Any, live: Live) -> None:
    room = browser.new_context()
    page = room.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    def slip(route: Any) -> None:
        answer = route.fetch()
        extra = (
            "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\"><b style='color:red'>"
        )
        route.fulfill(response=answer, body=answer.text().replace("</main>", f"{extra}</main>"))

    page.route("**/sign-in", slip)
    page.goto(f"{live.url}/inbox/sign-in")
    page.wait_for_timeout(200)
    assert page.title() != "ran"
    assert any("Content Security Policy" in words for words in said)
    room.close()


def test_it_works_without_scripts(live: Live, browser: Any, keys: dict[str, str]) -> None:
    room = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = room.new_page()
    page.goto(f"{live.url}/inbox/item/chatcmpl-2")
    page.fill("#key", keys["anna"])
    page.click("#come-in")
    page.wait_for_url("**/item/chatcmpl-2")
    page.fill("#comment", "Name the button.")
    page.fill("noscript [name=span_words], [name=span_words]", "Change address")
    page.fill("[name=span_note]", "which page?")
    page.check("#reach-rule")
    page.fill("#when", "somebody asks how")
    page.click("#send")
    page.wait_for_url("**kept=*")
    page.click("#undo")
    page.wait_for_url("**back=*")
    (one,) = [said for said in live.house.store.all(current=False) if said.author.id == "anna"]
    assert one.attempt.text[one.spans[0].start : one.spans[0].end] == "Change address"
    assert live.house.store.withdrawn(one.id) is not None
    room.close()


def test_a_script_reads_an_invited_person_s_link_and_forgets_it(look: Callable[..., Any]) -> None:
    page = look("olga")
    at(page, "/people")
    page.fill("#invite-name", "陈")
    page.keyboard.press("Enter")
    page.wait_for_selector("#link")
    link = page.input_value("#link")
    page.goto("about:blank")
    page.goto(link)
    assert "#" not in page.url
    assert page.evaluate("document.activeElement.id") == "come-in"
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue/newest")
    assert page.inner_text(".who") == "陈"
