"""The page as text: whole, safe, self-contained, light, legible."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sayso.errors import MachineFault, RunError
from sayso.recipe import Recipe
from sayso.records import Answer, Attempt, Example, Feedback, Outcome, Score, State, Why, user
from sayso.report import page
from sayso.report.contents import read
from sayso.store.runs import Run

KINDS = ("comments", "translation", "emotions", "minimal")
VOID = {"meta", "link", "input", "br"}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href=javascript:alert(3)>喂</a></style>{{ 7*7 }}"


class Reader(HTMLParser):
    """Checks that tags close in order, and remembers what stands in the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.parents: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.parents.append(self.open[-1] if self.open else "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.parents.append(self.open[-1] if self.open else "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == name]


def parsed(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def hostile(folder: Path) -> Run:
    """A run in which everything that anybody can write is an attack."""
    run = Run.create(
        folder, Recipe.model_validate({"name": "evil <b>", "task": {"name": "generate", "question": EVIL}})
    )
    run.write_examples("test", [Example("x", user(EVIL), EVIL, "test")])
    for stage, value in (("base", 0.0), ("train", 1.0)):
        run.write_answers(stage, "test", [Answer("x", EVIL + stage)])
        scores = [Score("generate", "", "chrf", value), Score("generate", "x", "chrf", value, Why.DIFFERENT)]
        run.write_scores(stage, "test", scores)
        note = {"per_class": [{"label": EVIL, "f1": 0.5, "n": 1}], "signature": EVIL}
        note["confusion"] = {"labels": [EVIL], "columns": [EVIL], "counts": [[1]], "pairs": []}  # type: ignore[assignment]
        run.write_note(f"evaluation.{stage}.test", note)
    one = Feedback(user(EVIL), Attempt(EVIL), EVIL, revision=EVIL)
    run.write_feedback([one])
    run.write_outcomes([Outcome(one.id, State.REFUSED, EVIL, EVIL, EVIL + "!")])
    run.write_note(
        "check", {"splits": {EVIL: {"rows": 1, "kept": 1, "labels": {EVIL: 1}, "path": EVIL}}, "findings": []}
    )
    run.write_note("model", {"name": EVIL, "architecture": EVIL})
    run.add_facts({"command": EVIL, "versions": {EVIL: EVIL}, EVIL: EVIL})
    run.add_metric({"stage": "train", "kind": "step", "step": 1, "loss": 1.0})
    return run


@pytest.mark.parametrize("kind", KINDS)
def test_pages_are_whole_and_need_nothing_from_outside(kind: str, run_of: Callable[[str], Run]) -> None:
    path = page.write(run_of(kind))
    html = path.read_text(encoding="utf-8")
    reader = parsed(html)
    assert path.name == "report.html"
    assert not reader.all("script")
    assert not reader.all("img")
    for tag, attrs in reader.tags:
        assert not any(name.startswith("on") for name in attrs), tag
        for name in ("href", "src"):
            assert not re.match(r"(https?:)?//|javascript:", attrs.get(name) or "")
    assert "url(" not in html
    assert "@import" not in html
    policy = next(a["content"] for a in reader.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy


@pytest.mark.parametrize("kind", KINDS)
def test_pages_can_be_read_by_ear(kind: str, run_of: Callable[[str], Run]) -> None:
    reader = parsed(page.render(read(run_of(kind))))
    assert reader.all("html")[0]["lang"] == "en"
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(reader.all("caption")) == len(reader.all("table"))
    ids = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {(a["href"] or "")[1:] for a in reader.all("a") if (a["href"] or "").startswith("#")}
    assert targets <= set(ids)
    pairs = zip(reader.tags, reader.parents, strict=True)
    for attrs in (attrs for (tag, attrs), parent in pairs if tag == "svg" and parent != "svg"):
        assert attrs.get("aria-label") or attrs.get("aria-hidden") == "true"
    assert all(attrs.get("scope") for attrs in reader.all("th"))


def test_everything_is_there(run_of: Callable[[str], Run]) -> None:
    reader = parsed(page.render(read(run_of("comments"))))
    words = " ".join(" ".join(reader.words).split())
    for expected in (
        "Training raised accuracy",
        "Of 30 comments",
        "hotel-reviews-酒店评论",
        "这是反话",
        "the comment reveals the answer of a test item",
        "sayso run recipes/hotel-reviews.yaml",
        "transformers 5.23.0",
        "no label",
        "Calibration",
        "Worse",
    ):
        assert expected in words


def test_parts_that_are_missing_are_not_shown(run_of: Callable[[str], Run]) -> None:
    reader = parsed(page.render(read(run_of("minimal"))))
    shown = {attrs.get("id") for _, attrs in reader.tags}
    assert {"run", "again"} <= shown
    assert not shown & {"result", "changed", "comments", "detail", "curves", "data"}


def test_words_of_others_cannot_run(tmp_path: Path) -> None:
    html = page.render(read(hostile(tmp_path / "run")))
    reader = parsed(html)
    assert not reader.all("script")
    assert not reader.all("img")
    assert not [a for a in reader.all("a") if "javascript" in (a.get("href") or "")]
    assert all(not name.startswith("on") for _, attrs in reader.tags for name in attrs)
    assert "{{ 7*7 }}" in "".join(reader.words)
    assert html.count("<style>") == html.count("</style>") == 1


def test_characters_that_no_file_can_hold_do_no_harm(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe())
    run.write_feedback([Feedback(user("半个\ud83d字\0"), Attempt("\x1b[31m红"), "坏\udfff了\x08")])
    html = page.write(run).read_text(encoding="utf-8")
    assert "半个\ufffd字\ufffd" in html
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", html)


def test_chinese_is_marked_as_chinese() -> None:
    assert page.say("很好") == '<bdi lang="zh">很好</bdi>'
    assert page.say("fine & <b>") == "<bdi>fine &amp; &lt;b&gt;</bdi>"


def test_500_long_examples_and_comments_stay_under_the_budget(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe.model_validate({"task": {"name": "generate"}}))
    long = "这是一句很长的话，后面还有一句，没有空格。" * 100
    run.write_examples("test", [Example(f"i{k}", user(f"{k} {long}"), long, "test") for k in range(500)])
    for stage, part in (("base", 3), ("train", 2), ("learn", 5)):
        run.write_answers(stage, "test", [Answer(f"i{k}", long[: 40 * part] + str(k) + long) for k in range(500)])
        scores = [Score("generate", f"i{k}", "chrf", ((k * part) % 7) / 7, Why.DIFFERENT) for k in range(500)]
        run.write_scores(stage, "test", [Score("generate", "", "chrf", 50.0, n=500), *scores])
    comments = [Feedback(user(long), Attempt(long), f"{k} {long}", revision=long) for k in range(500)]
    run.write_feedback(comments)
    run.write_outcomes([Outcome(c.id, State.HEEDED, long, long, f"{c.comment} {long}") for c in comments])
    for step in range(500):
        run.add_metric({"stage": "train", "kind": "step", "step": step, "loss": 1 / (step + 1)})
    html = page.write(run).read_bytes()
    assert len(html) < 300_000
    assert b"500 comments" in html
    assert b"40 shown" in html


SCRAPS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats(allow_nan=True) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
NOTES: dict[str, Any] = {
    "check": st.fixed_dictionaries(
        {},
        optional={
            "splits": SCRAPS
            | st.dictionaries(
                st.text(max_size=3),
                st.fixed_dictionaries(
                    {}, optional=dict.fromkeys(("rows", "labels", "dropped", "lengths", "languages"), SCRAPS)
                ),
                max_size=2,
            ),
            "findings": SCRAPS,
        },
    ),
    "plan": st.fixed_dictionaries({}, optional={"words": SCRAPS, "stages": SCRAPS}),
    "model": st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "parameters", "trainable", "kind"), SCRAPS)),
    "standing": st.dictionaries(st.text(max_size=3), SCRAPS, max_size=2),
    "evaluation.base.test": st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("per_class", "confusion", "calibration", "signature"), SCRAPS)
    ),
}


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.fixed_dictionaries({}, optional=NOTES), metrics=st.lists(SCRAPS, max_size=3))
def test_notes_of_any_shape_never_break_the_page(tmp_path: Path, notes: dict[str, Any], metrics: list[Any]) -> None:
    run = Run.create(Path(mkdtemp(dir=tmp_path)), Recipe())  # one of its own: metrics are added to what is there
    run.write_scores("base", "test", [Score("classify", "", "accuracy", 0.5)])
    for name in NOTES:
        run.write_note(name, notes.get(name, {}))
    for step, metric in enumerate(metrics):
        run.add_metric(
            {"stage": "train", "kind": "step", "step": step, "loss": metric, "tokens": metric, "best": metric}
        )
    parsed(page.render(read(run)))


def test_a_damaged_run_says_which_file(run_of: Callable[[str], Run]) -> None:
    run = run_of("translation")
    (run.folder / "scores.jsonl").write_text('{"stage": 1}\n', encoding="utf-8")
    with pytest.raises(RunError, match=r"scores\.jsonl:1"):
        page.write(run)


def test_a_full_disk_leaves_the_old_page(run_of: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of("minimal")
    before = page.write(run).read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(MachineFault, match="No space left"):
        page.write(run)
    assert (run.folder / "report.html").read_bytes() == before


# ---------------------------------------------------------------- contrast


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of #rrggbb."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, share: float, ground: str) -> str:
    parts = [(int(colour[i : i + 2], 16), int(ground[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in parts)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_every_text_colour_can_be_read(name: str) -> None:
    css = (Path(page.__file__).parent / "templates/page.css.jinja").read_text(encoding="utf-8")
    block = css.split(f"{{% set {name} %}}")[1].split("{% endset %}")[0]
    colours = dict(re.findall(r"--(\w+): (#\w{6})", block))
    for text in ("ink", "soft", "better", "worse", "unsure"):
        assert contrast(colours[text], colours["paper"]) >= 4.5, text
    for ground in ("sheet", "gone", "new"):
        assert contrast(colours["ink"], colours[ground]) >= 4.5, ground
    for shape in ("base", "train", "learn", "soft"):
        assert contrast(colours[shape], colours["paper"]) >= 3, shape
    for shade in ("train", "worse"):
        assert contrast(colours["ink"], mixed(colours[shade], 0.45, colours["paper"])) >= 4.5, shade
