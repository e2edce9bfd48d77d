"""The audit of a recipe's critics: each is shown answers whose verdict is known, before its comments are believed.

Decided here: no comment is kept and nothing is scored. A critic that is not to be trusted is said to be so; whether it
is asked all the same stays with the recipe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import FeedbackError, RecipeError
from sayso.records import to_json

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.evaluate.trust import Audit, Share
    from sayso.recipe import CriticPart
    from sayso.store.verdicts import Known


def audit_critics(project: Project, file: Path, *, as_json: bool) -> None:
    """Compare every critic of the recipe with the verdicts in a file, and print what was found.

    RecipeError where the recipe names no critic, FeedbackError where the file holds no verdict.
    """
    from sayso.cli.console import print_json

    parts = project.recipe.feedback.critics
    if not parts:
        raise RecipeError("the recipe names no critic", where="feedback.critics", fix="name one: [{name: rule, ...}]")
    known = _known(file)
    found = [(part, *_audited(project, part, known)) for part in parts]
    if as_json:
        print_json([_facts(part, audit, reason) for part, audit, reason in found])
    else:
        _print(found)


# ---------------------------------------------------------------- inside


def _known(file: Path) -> list[Known]:
    from sayso.cli.console import console
    from sayso.store.verdicts import read_verdicts

    verdicts = read_verdicts(file)
    for line, reason in verdicts.refused:
        console(stderr=True).print(f"{file}:{line}: not read: {reason}")
    if not verdicts.known:
        fix = 'one to a line: {"prompt": "...", "answer": "...", "ok": true}'
        raise FeedbackError("no known verdict to compare the critics with", where=str(file), fix=fix)
    return verdicts.known


def _audited(project: Project, part: CriticPart, known: Sequence[Known]) -> tuple[Audit, str]:
    """The audit of one critic, and the first reason for which it judged none, "" where it judged all."""
    from sayso.cli.critics import reviewed
    from sayso.evaluate.trust import Judged, audit
    from sayso.surface import units
    from sayso.wording import language_of_context

    pairs = [(one.example, one.answer) for one in known]
    review = reviewed(part, project.task, pairs, project.recipe.model)
    objected = {one.item for one in review if one.polarity != "positive"}
    judged = [
        Judged(
            one.right,
            None if one.example.id in review.not_judged else one.example.id in objected,
            language_of_context(one.example.prompt),
            len(units(one.answer.text)),
        )
        for one in known
    ]
    reasons = [f"line {item}: {reason}" for item, reason in review.not_judged.items()]
    return audit(judged, project.recipe.seed), (reasons or [""])[0]


def _facts(part: CriticPart, audit: Audit, reason: str) -> dict[str, Any]:
    """What --json prints of one critic."""
    facts = {"critic": part.name, "knobs": part.knobs, "trusted": not audit.amiss, "words": audit.words}
    languages = {name: _figures(one) for name, one in audit.languages.items()}
    return facts | {"not_judged": reason} | _figures(audit) | {"languages": languages}


def _figures(audit: Audit) -> dict[str, Any]:
    shares = {name: getattr(audit, name) for name in ("agreement", "balanced", "false_alarms", "misses")}
    return {"n": audit.n, "judged": audit.judged, **to_json(shares), "length": to_json(audit.length)}


def _print(found: Sequence[tuple[CriticPart, Audit, str]]) -> None:
    from sayso.cli.console import console, print_table

    columns = ("critic", "language", "n", "judged", "agreement", "balanced", "false alarms", "misses", "length")
    print_table("", columns, (row for part, audit, _ in found for row in _rows(part.name, audit)))
    for part, audit, reason in found:
        console().print(f"{part.name} is {audit.words}")
        if reason:
            console().print(f"{part.name} did not judge {audit.n - audit.judged}; {reason}")


def _rows(name: str, audit: Audit) -> Iterator[tuple[str | int, ...]]:
    """All answers, then those of each language."""
    parts: Mapping[str, Audit] = {"all": audit, **audit.languages}
    for language, one in parts.items():
        shares = (_cell(share) for share in (one.agreement, one.balanced, one.false_alarms, one.misses))
        yield (name if one is audit else "", language, one.n, one.judged, *shares, f"{one.length.partial:+.2f}")


def _cell(share: Share) -> str:
    low, high = share.interval
    return f"{100 * share.value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]" if share.n else "-"
