"""`sayso explain`: why an answer is as it is: which words moved it, what attended to what, which comments made it so.

Decided here:
- What is explained is what the model answers, unless --answer names something else: why not the other label?
- One item is explained in full; a whole split (--split without --row) only by its words, with a summary that says how
  often the explanation holds: whether it converged, and whether its order of words beats random orders.
- Comments are weighed by gradients where the run has learnt from any; --without N learns again without N of them.
- An explanation says what it is worth in the same breath: gap, check, noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.errors import UnsupportedError, UserError, nearest
from sayso.reasons import Cause, Explained, Overall
from sayso.records import LABEL_JOINT, Example, Messages, user

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.attribution import Explainable
    from sayso.records import Answer

EXTRA = "pip install 'sayso[explain]'"
WORDS, COMMENTS = 12, 12  # shown in a terminal


def explain(
    run: Annotated[Path, typer.Argument(help="a run folder, or the recipe that made it")],
    text: Annotated[str, typer.Option(help="explain the answer to this text")] = "",
    row: Annotated[int, typer.Option(help="explain the answer to this item of the split, counted from 1")] = 0,
    split: Annotated[str, typer.Option(help="validation or test; without --row all of its items")] = "",
    limit: Annotated[int, typer.Option(min=1, help="items of a split that are explained")] = 50,
    stage: Annotated[str, typer.Option(help="base, train or learn; the run's result when empty")] = "",
    answer: Annotated[str, typer.Option(help="explain this answer or label instead of the model's own")] = "",
    layer: Annotated[int, typer.Option(min=0, help="attention of this layer, from 1; 0 for the mean")] = 0,
    head: Annotated[int, typer.Option(min=0, help="attention of this head, from 1; 0 for the mean")] = 0,
    comments: Annotated[bool, typer.Option("--comments/--no-comments", help="which comments made it so?")] = True,
    without: Annotated[int, typer.Option(min=0, help="learn again without so many of the comments, in turn")] = 0,
    html: Annotated[Path | None, typer.Option(help="write a page that opens offline")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Say why an answer is as it is: which words, which attention, which comments."""
    from sayso.cli.console import print_json
    from sayso.cli.prove import project_at

    _installed()
    project = project_at(run)
    items = _items(project, text, row, split, limit)
    asked = _Asked(project, stage or project.latest(), answer, (layer, head), comments, without)
    whole = bool(text) or row > 0 or not split
    explained = [asked.explained(one, whole=whole) for one in items]
    overall = None if whole else overall_of(explained, project.recipe.seed)
    if html is not None:
        _write(html, project, explained, overall)
    if json:
        print_json({"run": str(project.run.folder), "overall": overall, "items": explained})
    else:
        _print(explained, overall)


def overall_of(explained: Sequence[Explained], seed: int = 0) -> Overall:
    """How good the explanations of many answers are, and which words move each label most."""
    from collections import defaultdict

    from sayso.evaluate.tally import intervals, mean_of

    moved = [one.moved for one in explained if one.moved is not None]
    checks = [one.check for one in moved if one.check is not None]
    gains = mean_of("gain", [one.gain for one in checks])
    interval = intervals([gains], 1000, seed)[0] if checks else None
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in moved:
        for word in one.words:
            if word.said and one.against:
                sums[one.answer][word.text.casefold()].append(word.value)
    words = {
        label: tuple(sorted(((w, sum(v) / len(v), len(v)) for w, v in own.items() if len(v) > 1), key=lambda x: -x[1]))
        for label, own in sums.items()
    }
    return Overall(
        n=len(moved),
        settled=sum(one.settled for one in moved),
        checked=len(checks),
        gain=gains.value if checks else 0.0,
        interval=interval,
        beats=sum(one.beats for one in checks) / len(checks) if checks else 0.0,
        words={label: found[:WORDS] for label, found in words.items()},
    )


# ---------------------------------------------------------------- inside


class _Asked:
    """One model and what is to be said of its answers."""

    def __init__(
        self, project: Project, stage: str, answer: str, map_: tuple[int, int], comments: bool, without: int
    ) -> None:
        if stage not in ("base", "train", "learn"):
            raise UserError(f"there is no stage '{stage}'", fix=nearest(stage, ("base", "train", "learn")))
        self.project, self.stage, self.answer, self.map = project, stage, answer, map_
        self.comments, self.without = comments, without
        self.learner = _explainable(project, stage)

    def explained(self, example: Example, *, whole: bool) -> Explained:
        """One item: its words; where it is asked for as a whole, attention and comments too."""
        from sayso.models.attention import maps
        from sayso.models.attribution import moved_by, sources_of, view_of

        context = self._context(example)
        answer, against = self._answer(example)
        view = view_of(self.learner, context, answer, against)
        labelled = bool(self.project.task.options)
        if labelled or not whole:
            sources, moved = None, moved_by(view, answer, against, self.project.recipe.seed)
        else:
            sources, moved = sources_of(self.learner, view, self.project.recipe.seed)
        attention = maps(self.learner, context, answer, *self.map) if whole else []
        prompt = "\n".join(message.text for message in context)
        cause = self._cause(context, answer) if whole else None
        return Explained(example.id, self.stage, prompt, answer, moved, sources, tuple(attention), cause)

    def _cause(self, context: Messages, answer: str) -> Cause | None:
        """Where it was asked for, or where comments have changed the very weights that answer."""
        from sayso.cli.ablation import cause_of

        learnt = self.stage == "learn" and any(one.from_ids for one in self.project.run.lessons("learn"))
        if not (self.without or (self.comments and learnt)):
            return None
        return cause_of(self.project, context, answer, self.without)

    def _context(self, example: Example) -> Messages:
        from sayso.wording import language_of_context, with_standing

        context = self.project.task.context(example, self.learner.kind)
        words = (self.project.run.note("standing") or {}) if self.stage == "learn" else {}
        return with_standing(context, str(words.get(language_of_context(example.prompt), "")))

    def _answer(self, example: Example) -> tuple[str, str]:
        """The answer that is explained; for a label also the likeliest other one."""
        from sayso.cli.scoring import answers_of

        task = self.project.task
        found = answers_of(self.project, self.learner, [example], self.stage)[0]
        text = self.answer or found.text
        if not task.options:
            if not text.strip():
                raise UnsupportedError("the model's answer is empty", fix="name one that is to be explained: --answer")
            return text, ""
        return _label(task.options, text, found, several=task.several)


def _label(options: Sequence[str], text: str, found: Answer, *, several: bool) -> tuple[str, str]:
    """The label that is explained and the likeliest other one; of several labels the likeliest, against itself."""
    odds = found.probabilities or dict.fromkeys(options, 0.0)
    given = [one.strip() for one in text.split(LABEL_JOINT.strip()) if one.strip()] or list(options)
    for one in given:
        if one not in options:
            raise UserError(f"'{one:.60}' is no label of this run", fix=nearest(one, options))
    label = max(given, key=lambda one: odds[one])
    others = [one for one in options if one != label]
    return label, "" if several or not others else max(others, key=lambda one: odds[one])


def _installed() -> None:
    """UnsupportedError where the extra is missing."""
    from importlib.util import find_spec

    if find_spec("captum") is None:
        raise UnsupportedError("explaining needs captum, which is not installed", fix=EXTRA)


def _explainable(project: Project, stage: str) -> Explainable:
    """The stage's model. UnsupportedError where it answers nothing."""
    from sayso.models.masked import MaskedEncoder

    learner = project.learner(stage, training="learn" if stage == "learn" else "train")
    if project.task.name == "text" or isinstance(learner, MaskedEncoder):
        raise UnsupportedError("a run on plain text answers nothing that could be explained", fix="give it a task")
    return learner


def _items(project: Project, text: str, row: int, split: str, limit: int) -> list[Example]:
    """The items that are asked about. UserError where there are none of that kind."""
    if text:
        return [Example("text", user(text))]
    if split not in ("", "validation", "test"):
        raise UserError(f"there is no split '{split}'", fix=nearest(split, ("validation", "test")))
    found = list(project.examples(split or "test")) or ([] if split else list(project.examples("validation")))
    if not found:
        raise UserError(f"this run has no {split or 'test'} items", fix="explain a text of your own: --text '...'")
    if row or not split:
        place = row or 1
        if not 1 <= place <= len(found):
            raise UserError(f"there is no item {place}", expected=f"1 to {len(found)}")
        return [found[place - 1]]
    return found[:limit]


def _write(path: Path, project: Project, explained: Sequence[Explained], overall: Overall | None) -> None:
    from sayso.cli.console import console
    from sayso.report.explanation import page
    from sayso.store.files import write_text

    write_text(path, page(project.recipe.name, project.recipe.task.name, explained, overall))
    console(stderr=True).print(f"page     {path}")


# ---------------------------------------------------------------- for people


def _print(explained: Sequence[Explained], overall: Overall | None) -> None:
    from sayso.cli.console import console
    from sayso.report.explanation import sentences

    if overall is not None:
        _print_overall(overall)
        return
    for one in explained:
        out = console()
        out.print(f"{one.stage}: {one.answer}")
        for words in sentences(one):
            out.print(f"  {words}")
        _print_words(one)
        _print_cause(one)


def _print_words(one: Explained) -> None:
    from sayso.cli.console import print_table

    if one.moved is not None:
        said = sorted((word for word in one.moved.words if word.said), key=lambda word: -abs(word.value))[:WORDS]
        print_table("Words that moved it, in nats", ("word", "moved by"), [(w.text, f"{w.value:+.3f}") for w in said])
    if one.sources is not None:
        rows = [
            (word, _strongest(values, one.sources.columns))
            for word, values in zip(one.sources.rows, one.sources.values, strict=True)
        ]
        print_table("What each word of the answer used most", ("answer", "source (nats)"), rows)


def _strongest(values: Sequence[float], names: Sequence[str]) -> str:
    best = sorted(zip(values, names, strict=True), key=lambda pair: -abs(pair[0]))[:3]
    return ", ".join(f"{name} {value:+.2f}" for value, name in best)


def _print_cause(one: Explained) -> None:
    from sayso.cli.console import print_table

    if one.cause is not None:
        rows = [
            (
                blamed.comment[:80],
                f"{blamed.pull:+.3g}",
                f"{blamed.cosine:+.2f}",
                "" if blamed.effect is None else f"{blamed.effect:+.3f}",
            )
            for blamed in one.cause.blamed[:COMMENTS]
        ]
        print_table("Comments that made it so", ("comment", "pull", "cosine", "lost without it (nats)"), rows)


def _print_overall(overall: Overall) -> None:
    from sayso.cli.console import console, print_table
    from sayso.report.explanation import overall_words

    for words in overall_words(overall):
        console().print(words)
    for label, found in overall.words.items():
        rows = [(word, f"{value:+.3f}", times) for word, value, times in found]
        print_table(f"Words that moved answers to '{label}' most", ("word", "mean, nats", "times"), rows)
