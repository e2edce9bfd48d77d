"""A run folder becomes one page: run/report.html.

Decided here:
- One file without scripts, fonts or images of others: it opens offline, prints, and can be sent by mail. A policy in
  its head forbids every script and every request, so nothing in a comment or an answer can run even if it slipped
  through the escaping, which is on for every template.
- Choosing light or dark and filtering comments are done in CSS.
- A part of the run that is missing is not shown; the order is that of a reader's questions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sayso.report import about, audits, changes, charts, comments, curves, data, detail, figures, proof, results
from sayso.report.contents import Contents, read
from sayso.store.files import write_text
from sayso.store.runs import Run
from sayso.surface import is_chinese

NAME = "report.html"
# What no HTML file can hold: control characters but tab and line feed, and halves of characters.
_UNHOLDABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127, *range(55296, 57344)), "�")


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One stage's headline figure."""

    look: str
    name: str
    value: str
    interval: str


def write(run: Run) -> Path:
    """Write run/report.html and return its path. RunError for a damaged run, MachineFault where the disk refuses."""
    path = run.folder / NAME
    write_text(path, render(read(run)))
    return path


def render(contents: Contents) -> str:
    """The whole page."""
    template = environment().get_template("page.html.jinja")
    sections = {
        "results": results.results(contents),
        "detail": detail.detail(contents),
        "curves": curves.curves(contents),
        "changes": changes.changes(contents),
        "comments": comments.comments(contents),
        "proof": proof.proof(contents),
        "audits": audits.audits(contents),
        "about": about.about(contents),
        "data": data.data(contents),
        "taught": data.taught(contents),
        "again": about.again(contents),
    }
    said = [*results.sentences(contents), results.Sentence(comments.sentence(contents)), proof.sentence(contents)]
    said.append(results.Sentence(audits.sentence(contents)))
    page = template.render(
        title=contents.recipe.name,
        under=_under(contents),
        lead=[sentence for sentence in said if sentence.words],
        headline=figures.unit_name(contents.headline),
        keys=_keys(contents),
        states=comments.STATES,
        **sections,
    )
    return holdable(page)


def holdable(text: str) -> str:
    """The text with what no file can hold replaced by U+FFFD."""
    return text.translate(_UNHOLDABLE)


def say(text: str) -> Markup:
    """A person's or a model's words: escaped, in their own direction, marked as Chinese where they are."""
    return Markup('<bdi lang="zh">{}</bdi>' if is_chinese(text) else "<bdi>{}</bdi>").format(text)


def marked(parts: tuple[object, ...]) -> Markup:
    """A text in parts, with what went and what came marked."""
    tags = {"same": "{}", "gone": "<del>{}</del>", "new": "<ins>{}</ins>"}
    whole = "".join(part.text for part in parts)  # type: ignore[attr-defined]
    inside = Markup("").join(Markup(tags[part.kind]).format(part.text) for part in parts)  # type: ignore[attr-defined]
    return Markup('<bdi lang="zh">{}</bdi>' if is_chinese(whole) else "<bdi>{}</bdi>").format(inside)


@cache
def environment() -> Environment:
    """The templates beside this file; everything is escaped, and a name that is not there is an error."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters |= {
        "say": say,
        "marked": marked,
        "some": figures.some,
        "sign": charts.mark,
        "stage": figures.stage_name,
    }
    return made


_FOLDER = Path(__file__).parent / "templates"


def _under(contents: Contents) -> list[str]:
    task = contents.recipe.task
    languages = f"{task.source_language} to {task.target_language}" if task.source_language else ""
    model = str(contents.note("model").get("name") or contents.recipe.model.name)
    return [part for part in (task.name, languages, model.rstrip("/").rpartition("/")[2]) if part]


def _keys(contents: Contents) -> list[KeyFigure]:
    unit = contents.headline
    shown = (*contents.stages, *contents.rivals)
    scores = [(stage, score) for stage in shown if (score := contents.score(stage, unit))]
    return [
        KeyFigure(
            figures.look_of(stage),
            figures.stage_name(stage),
            figures.full(unit, s.value),
            figures.span(unit, s.interval),
        )
        for stage, s in scores
    ]
