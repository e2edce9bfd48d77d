"""The page in a real browser: no script runs, nothing is fetched, it fits a phone, and its choices work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sayso.recipe import Recipe
from sayso.records import Attempt, Feedback, Outcome, State, user
from sayso.report import page
from sayso.store.runs import Run

pytestmark = pytest.mark.browser


@pytest.fixture
def look(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; fails if it says anything or asks for anything but itself."""
    opened, said, asked = [], [], []

    def show(path: Path, width: int = 360, scheme: str = "light") -> Any:
        one = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        one.on("console", lambda message: said.append(message.text))
        one.on("pageerror", lambda error: said.append(str(error)))
        one.on("dialog", lambda dialog: (said.append("dialog"), dialog.dismiss()))
        one.on("request", lambda request: asked.append(request.url))
        one.goto(path.as_uri())
        opened.append(one)
        return one

    yield show
    for one in opened:
        one.close()
    assert said == []
    assert all(url.startswith(("file:", "data:")) for url in asked)


@pytest.mark.parametrize("kind", ["comments", "translation", "emotions", "minimal"])
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits(kind: str, width: int, run_of: Callable[[str], Run], look: Callable[..., Any]) -> None:
    shown = look(page.write(run_of(kind)), width)
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    outside = """[...document.querySelectorAll('main *')].filter(e => !e.closest('.wide, .unseen, svg') &&
        e.getBoundingClientRect().right > innerWidth + 1).length"""
    assert shown.evaluate(outside) == 0


def test_light_and_dark_follow_the_machine_and_the_choice(
    run_of: Callable[[str], Run], look: Callable[..., Any]
) -> None:
    path = page.write(run_of("minimal"))
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = look(path), look(path, scheme="dark")
    assert light.evaluate(ground) == "rgb(253, 253, 251)"
    assert dark.evaluate(ground) == "rgb(20, 21, 23)"
    light.check("#theme-dark", force=True)
    dark.check("#theme-light", force=True)
    assert light.evaluate(ground) == "rgb(20, 21, 23)"
    assert dark.evaluate(ground) == "rgb(253, 253, 251)"


def test_comments_can_be_filtered_without_a_script(run_of: Callable[[str], Run], look: Callable[..., Any]) -> None:
    shown = look(page.write(run_of("comments")))
    visible = "[...document.querySelectorAll('.comment')].filter(e => e.offsetParent).length"
    assert shown.evaluate(visible) == 30
    shown.check("#show-refused", force=True)
    assert shown.evaluate(visible) == 3
    shown.check("#show-all", force=True)
    assert shown.evaluate(visible) == 30


def test_nothing_in_a_comment_runs(tmp_path: Path, look: Callable[..., Any]) -> None:
    run = Run.create(tmp_path / "run", Recipe(name="喂"))
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>"
    one = Feedback(user(evil), Attempt(evil), evil)
    run.write_feedback([one])
    run.write_outcomes([Outcome(one.id, State.REFUSED, evil, evil, evil + "!")])
    shown = look(page.write(run))
    assert "<script>alert(1)</script>" in shown.inner_text("blockquote")
    assert shown.evaluate("document.querySelectorAll('script, img, [onload]').length") == 0


def test_even_a_script_that_slipped_through_does_not_run(tmp_path: Path, browser: Any) -> None:
    path = page.write(Run.create(tmp_path / "run", Recipe()))
    html = path.read_text(encoding="utf-8")
    path.write_text(html.replace("<footer>", "<script>document.title = 'ran'</script><footer>"), encoding="utf-8")
    shown = browser.new_page()
    shown.goto(path.as_uri())
    assert shown.title() != "ran"
    shown.close()


def test_print_shows_what_the_screen_folds_away(run_of: Callable[[str], Run], look: Callable[..., Any]) -> None:
    shown = look(page.write(run_of("comments")), 800)
    shown.check("#show-refused", force=True)
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.evaluate("[...document.querySelectorAll('.comment')].filter(e => e.offsetParent).length") == 30
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert shown.evaluate("document.querySelector('details pre').getBoundingClientRect().height") > 100
