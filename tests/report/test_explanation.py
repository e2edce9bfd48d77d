"""The page stands alone, says what an explanation is worth, and nothing that somebody wrote can run in it."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sayso.reasons import Blamed, Cause, Check, Explained, Grid, Moved, Overall, Word
from sayso.report.explanation import overall_words, page, sentences

HOSTILE = "<script>alert(1)</script>\"'&<b>"
CHECK = Check((1.0, 0.2, 0.0), (0.0, 0.9, 1.0), (1.0, 0.5, 0.0), (0.0, 0.5, 1.0), 1.0)
WORDS = (Word("[CLS]", 0.0, False), Word("糟糕", -2.0), Word(HOSTILE, 4.0), Word("fine", 1.0))
MOVED = Moved("好评", "差评", WORDS, 3.1, 0.1, 0.004, 16, True, CHECK)
GRID = Grid("attention", ("一", HOSTILE), ("一", HOSTILE), ((0.25, 0.75), (1.0, 0.0)), 2, 3)
BLAMED = (
    Blamed(("a",), f"先问订单号 {HOSTILE}", 5.0, 0.7, 2, 46.0),
    Blamed(("b",), "b", 9.0, 0.1, 1, 0.1),
    Blamed(("c",), "c", 1.0, 0.0, 1),
)
CAUSE = Cause("好评", -7.0, -1.0, -1.5, 0.7, BLAMED, {"pull": -1.0, "cosine": 1.0}, ("rounds",))
ONE = Explained("7", "learn", "这部电影", "好评", MOVED, None, (GRID,), CAUSE)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_nothing_runs_and_nothing_is_fetched() -> None:
    html = page(HOSTILE, "classify", [ONE], None)
    parser = _Tags()
    parser.feed(html)
    assert not {"script", "img", "iframe", "object"} & {tag for tag, _ in parser.tags}
    assert HOSTILE not in html
    links = [value for _, attrs in parser.tags for name, value in attrs.items() if name in ("href", "src")]
    assert all(str(link).startswith(("#", "data:")) for link in links)
    assert "default-src 'none'" in html
    assert not any(name.startswith("on") for _, attrs in parser.tags for name in attrs)


def test_words_are_shaded_by_what_they_added_and_in_which_direction() -> None:
    html = page("x", "classify", [ONE], None)
    assert '<span class="word down" style="--s:0.50" title="−2 nats"><bdi lang="zh">糟糕</bdi></span>' in html
    assert '<span class="word up" style="--s:0.25" title="+1 nats"><bdi>fine</bdi></span>' in html
    assert '<span class="word around" style="--s:0.00"' in html
    assert 'style="--s:0.75"' in html  # of the map
    assert "layer 2, head 3" in html


def test_it_says_what_it_is_worth() -> None:
    told = " ".join(sentences(ONE))
    assert "log-odds of '好评' against '差评' from +0.1 to +3.1 nats" in told
    assert "beats 100 % of random orders" in told
    assert "1 of 2 comments move it by more than that" in told
    assert "is number 2 of 3 by gradients" in told
    assert "(TracIn) with what was lost without the comments: −1." in told
    poor = dataclasses.replace(MOVED, settled=False, check=dataclasses.replace(CHECK, beats=0.5))
    told = " ".join(sentences(dataclasses.replace(ONE, moved=poor)))
    assert "too much to rely on" in told
    assert "no proof that these words are the reason" in told
    assert "Not checked" in sentences(dataclasses.replace(ONE, moved=dataclasses.replace(MOVED, check=None)))[1]


def test_a_whole_split_has_a_summary() -> None:
    found = Overall(20, 18, 15, 0.25, (0.2, 0.3), 0.97, {"好评": (("不错", 1.5, 4),)})
    assert "18 of 20" in overall_words(found)[0]
    assert "+0.25 better" in overall_words(found)[1]
    html = page("x", "classify", [ONE], found)
    assert "不错" in html
    assert 'id="overall"' in html
    assert 'id="overall"' not in page("x", "classify", [ONE], None)


def test_a_large_map_is_cut() -> None:
    names = tuple(f"w{i}" for i in range(60))
    large = Grid("attention", names, names, tuple(tuple(0.1 for _ in names) for _ in names))
    html = page("x", "classify", [dataclasses.replace(ONE, attention=(large,))], None)
    assert html.count('<td class="hit"') == 40 * 40
    assert "the first 40 of 60 words" in html


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_and_follows_light_and_dark(browser: Any, tmp_path: Path, width: int) -> None:
    path = tmp_path / "page.html"
    path.write_text(page("模型", "classify", [ONE], None), encoding="utf-8")
    said: list[str] = []
    shown = browser.new_page(viewport={"width": width, "height": 800}, color_scheme="dark")
    shown.on("console", lambda message: said.append(message.text))
    shown.goto(path.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 21, 23)"
    shown.check("#theme-light", force=True)
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 253, 251)"
    shown.close()
    assert said == []
