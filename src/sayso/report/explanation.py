"""Explanations of answers as one page that opens offline, and the sentences that a terminal shows too.

Decided here:
- The page has the report's frame: no script, no request, everything escaped, light and dark by CSS.
- A word's shade is its share of the strongest word; its sign is also a line under it, its value is read on hover.
- What an explanation is worth (gap, check, noise) stands above what it says.
- A map of more than SIDE words on a side is cut there, and says so: nobody reads more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sayso.reasons import Cause, Check, Explained, Grid, Moved, Overall
from sayso.report.charts import Line, lines
from sayso.report.comments import STATES
from sayso.report.figures import MINUS, stage_name
from sayso.report.page import environment, holdable, say

SIDE = 40  # words on a side of a map
CHANCE = 0.95  # of random orders that a good explanation beats


@dataclass(frozen=True, slots=True)
class Part:
    """One explanation as the page shows it."""

    said: Explained
    title: str
    sentences: tuple[str, ...]
    words: Markup
    curves: Markup
    maps: tuple[tuple[str, Markup], ...]
    comments: tuple[tuple[str, str, str, str, str], ...]


def page(name: str, task: str, explained: Sequence[Explained], overall: Overall | None) -> str:
    """The whole page."""
    template = environment().get_template("explanation.html.jinja")
    told = overall_words(overall) if overall is not None else ()
    labels = () if overall is None else tuple((label, _rows(found)) for label, found in overall.words.items())
    parts = [_part(one) for one in explained]
    return holdable(template.render(title=name, task=task, parts=parts, overall=told, labels=labels, states=STATES))


def sentences(one: Explained) -> list[str]:
    """What an explanation says of itself, in plain words."""
    found = [] if one.moved is None else [*_about_words(one.moved)]
    return found if one.cause is None else [*found, *_about_comments(one.cause)]


def overall_words(found: Overall) -> tuple[str, ...]:
    """How good many explanations are, in plain words."""
    told = [f"{found.settled} of {found.n} explanations add up within 5 % of what they explain."]
    if found.checked:
        low, high = found.interval or (found.gain, found.gain)
        told.append(
            f"Taking away and putting in words in their order is {_signed(found.gain)} better than in a random order "
            f"(in ways from no word to all; 95 % interval {_signed(low)} to {_signed(high)}, {found.checked} items); "
            f"an order beats {100 * found.beats:.0f} % of random ones."
        )
    return tuple(told)


# ---------------------------------------------------------------- in words


def _about_words(moved: Moved) -> list[str]:
    what = f"log-odds of '{moved.answer}' against '{moved.against}'" if moved.against else "what is explained"
    moves = f"The words move {what} from {_signed(moved.bare)} to {_signed(moved.whole)} nats"
    gap = f"their values add up but for {_signed(moved.gap)} ({moved.steps} steps)"
    trust = "" if moved.settled else ": too much to rely on"
    return [f"{moves}; {gap}{trust}.", _about_check(moved.check)]


def _about_check(check: Check | None) -> str:
    if check is None:
        return "Not checked by deletion: too few words, or too little to explain."
    share = f"{100 * check.beats:.0f} % of random orders"
    if check.beats < CHANCE:
        return f"Deletion and insertion: this order beats {share}. That is no proof that these words are the reason."
    return f"Deletion and insertion: this order beats {share}, by {_signed(check.gain)} of the way on average."


def _about_comments(cause: Cause) -> list[str]:
    told = [
        f"log p of the answer: {_signed(cause.before)} nats before the comments, {_signed(cause.after)} as learnt."
    ]
    if cause.again is not None and cause.noise is not None:
        told.append(
            f"Learnt again: {_signed(cause.again)}; other seeds move it by up to {cause.noise:.3g}, "
            f"so a comment whose loss is smaller than that cannot be told from chance."
        )
        told.append(_about_truth(cause))
    told += [_about_proxy(name, value) for name, value in cause.agreement.items()]
    if cause.again is None:
        told.append("The order is that of gradients, a proxy; --without N learns again without N of them.")
    return [*told, *(f"Note: {words}." for words in cause.notes)]


def _about_truth(cause: Cause) -> str:
    """How many comments count, and where the proxy puts the one that counts most."""
    tried = [one for one in cause.blamed if one.effect is not None]
    beyond = [one for one in tried if abs(one.effect or 0.0) > (cause.noise or 0.0)]
    told = f"Left out in turn, {len(beyond)} of {len(tried)} comments move it by more than that"
    if not beyond:
        return f"{told}."
    most = max(beyond, key=lambda one: abs(one.effect or 0.0))
    place = 1 + sum(abs(one.pull) > abs(most.pull) for one in cause.blamed)
    return f"{told}; the one that moves it most is number {place} of {len(cause.blamed)} by gradients."


def _about_proxy(name: str, value: float) -> str:
    kind = {"pull": "inner products of gradients (TracIn)", "cosine": "cosines of gradients (GradCos)"}[name]
    return f"Rank correlation of {kind} with what was lost without the comments: {_signed(value)}."


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", MINUS)


# ---------------------------------------------------------------- on the page


def _part(one: Explained) -> Part:
    maps = [] if one.sources is None else [one.sources]
    maps += one.attention
    return Part(
        one,
        f"{stage_name(one.stage)}: {one.item}",
        tuple(sentences(one)),
        _shaded(one.moved) if one.moved is not None else Markup(),
        _drawn(one.moved.check) if one.moved is not None and one.moved.check is not None else Markup(),
        tuple((_map_title(grid), _map(grid)) for grid in maps),
        () if one.cause is None else _comments(one.cause),
    )


def _shaded(moved: Moved) -> Markup:
    most = max((abs(word.value) for word in moved.words if word.said), default=0.0) or 1.0
    shape = Markup('<span class="word {}" style="--s:{}" title="{}">{}</span>')
    parts = []
    for word in moved.words:
        look = ("up" if word.value >= 0 else "down") if word.said else "around"
        share = min(1.0, abs(word.value) / most) if word.said else 0.0
        parts.append(shape.format(look, f"{share:.2f}", f"{_signed(word.value)} nats", say(word.text)))
    return Markup(" ").join(parts)


def _drawn(check: Check) -> Markup:
    curves = (
        Line("taking away, in this order", _points(check.deletion), "learn"),
        Line("taking away, at random", _points(check.deleted_at_random), "learn faint"),
        Line("putting in, in this order", _points(check.insertion), "train"),
        Line("putting in, at random", _points(check.inserted_at_random), "train faint"),
    )
    label = f"Deletion and insertion curves; gain over random orders {_signed(check.gain)}"
    return lines(curves, label, share=True)


def _points(values: Sequence[float]) -> tuple[tuple[float, float], ...]:
    return tuple((100 * i / (len(values) - 1), value) for i, value in enumerate(values))


def _map_title(grid: Grid) -> str:
    most = max(len(grid.rows), len(grid.columns))
    cut = f" (the first {SIDE} of {most} words)" if most > SIDE else ""
    if grid.name.startswith("attention"):
        return f"{grid.name}, layer {grid.layer or 'mean'}, head {grid.head or 'mean'}{cut}"
    return f"{grid.name}{cut}"


def _map(grid: Grid) -> Markup:
    """Rows look, columns are looked at; a cell's shade is its share of the strongest, its sign is a line under it."""
    values = [row[:SIDE] for row in grid.values[:SIDE]]
    most = max((abs(value) for row in values for value in row), default=0.0) or 1.0
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(say(word)) for word in grid.columns[:SIDE])
    cell = Markup('<td class="{}" style="--s:{}" title="{}"></td>')
    line = Markup('<tr><th scope="row">{}</th>{}</tr>')
    rows = [
        line.format(
            say(word),
            Markup("").join(
                cell.format("hit" if v >= 0 else "", f"{abs(v) / most:.2f}", f"{word}, {column}: {_signed(v)}")
                for v, column in zip(row, grid.columns, strict=False)
            ),
        )
        for word, row in zip(grid.rows, values, strict=False)
    ]
    table = Markup(
        '<table class="heat many map"><thead><tr><th scope="col"></th>{}</tr></thead><tbody>{}</tbody></table>'
    )
    return table.format(head, Markup("").join(rows))


def _comments(cause: Cause) -> tuple[tuple[str, str, str, str, str], ...]:
    return tuple(
        (
            one.comment,
            _signed(one.pull),
            f"{one.cosine:+.2f}".replace("-", MINUS),
            str(one.lessons),
            "" if one.effect is None else _signed(one.effect),
        )
        for one in cause.blamed
    )


def _rows(found: Sequence[tuple[str, float, int]]) -> tuple[tuple[str, str, int], ...]:
    return tuple((word, _signed(value), times) for word, value, times in found)
