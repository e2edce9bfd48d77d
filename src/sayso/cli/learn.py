"""`sayso learn`: teach the model what was said about its answers.

Decided here:
- Learning starts from the trained model, or the base where nothing was trained, whatever was learnt before: so methods
  are compared from one start, and another method or another comment makes only this stage begin anew.
- What is looked at meanwhile, and which weights are kept: cli/watch.py. Rounds: cli/rounds.py.
- Where a method can use none of the comments, there is no learnt model.
- A method may ask who knows a comment's matter about each new answer: the program that made it, and the programs and
  checks that it names. Of a comment that nobody knows, its own words hold, unless a program made it.
- The command ends in exit code 2 where nothing could be learnt: there is no learnt model then. `sayso run` goes on.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import DataError, FeedbackError, RecipeError
from sayso.records import Feedback, Messages, Outcome, State, to_json

if TYPE_CHECKING:
    from rich.text import Text

    from sayso.cli.project import Project
    from sayso.cli.rounds import Taught
    from sayso.learn.loop import Event
    from sayso.models.open import AnyLearner
    from sayso.protocols import Material, Speaker
    from sayso.store.split import Halves

OUTCOMES_SHOWN = 20


def learn(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    method: Annotated[str, typer.Option(help="a method's name; the recipe's when empty")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. learn.knobs.beta=0.2")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Teach the comments to the model, score it again and say what became of each comment."""
    from sayso.cli.comment import comment_stage
    from sayso.cli.prove import prove_stage
    from sayso.cli.run import at_work, opened

    chosen = [f"learn.method={method}"] if method else []
    project = opened(recipe, [*(set_ or []), *chosen])
    with at_work(project):
        _something_to_learn(project, comment_stage(project))
        figures = learn_stage(project)
        prove_stage(project)
    _print(project, figures, as_json=json)
    if not figures:
        raise typer.Exit(2)


def learn_stage(project: Project) -> dict[str, float]:
    """Lessons from the comments, training, scores, outcomes. Nothing without a method or without comments."""
    run, print_of = project.run, project.fingerprint("learn")
    if not project.recipe.learn.method or not run.feedback():
        return {}
    if not run.done("learn", print_of):
        from sayso.cli.rounds import forget_rounds

        _learn(project)
        run.mark_done("learn", print_of)
        forget_rounds(run)
    return project.scored("learn") if run.weights("learn").is_dir() else {}


def states_of(project: Project) -> dict[str, int]:
    """How many of the run's comments ended in each state; {} before anything was learnt."""
    from sayso.evaluate.outcomes import summary

    known = project.run.outcomes()
    return summary(known) if known else {}


def unlearn(project: Project) -> None:
    """No model is learnt in this run: what an earlier method, or comments since taken back, left is not there."""
    run = project.run
    shutil.rmtree(run.weights("learn"), ignore_errors=True)
    run.write_comparisons([one for one in run.comparisons() if one.after_stage != "learn"])
    for split in ("validation", "test"):
        run.write_answers("learn", split, [])
        run.write_scores("learn", split, [])


# ---------------------------------------------------------------- inside


def _something_to_learn(project: Project, comments: int) -> None:
    """UserError where there is no method or no comment."""
    from sayso.rooms import names

    if not project.recipe.learn.method:
        known = ", ".join(names("methods"))
        raise RecipeError("no method is named to learn the comments by", fix=f"learn.method or --method: {known}")
    if not comments:
        fix = "name feedback.files or feedback.critics, or `sayso comment --add comments.jsonl`"
        raise FeedbackError("there are no comments to learn from", fix=fix)


def _learn(project: Project) -> None:
    """Teach, keep, score, and say what became of each comment, to the run and to the store."""
    from sayso.cli.comment import store_of
    from sayso.cli.outcomes import answers_to, outcomes_of
    from sayso.store.split import hold_out

    run, recipe = project.run, project.recipe
    feedback = run.feedback()
    halves = hold_out(feedback, recipe.feedback.held_out, recipe.seed)
    learner = project.learner(project.start(), training="learn")
    before = answers_to(project, learner, feedback, project.start())
    taught = teach_comments(project, learner, halves)
    if taught.something:
        project.keep(learner, "learn")
        project.scored("learn", learner)
        after = answers_to(project, learner, feedback, "learn")
    else:
        unlearn(project)
        after = before
    outcomes = outcomes_of(project, halves, taught.refused, before, after)
    run.write_outcomes(outcomes)
    with store_of(project) as store:
        store.record(outcomes)


def teach_comments(
    project: Project,
    learner: AnyLearner,
    halves: Halves,
    through: Callable[[Iterator[Event]], Iterator[Event]] = iter,
) -> Taught:
    """Let the method write lessons and the loop teach them, in rounds; the learner has changed afterwards.

    The loop's events go `through` a generator, which may stop the learning.
    """
    from sayso.cli.auto import chosen_method
    from sayso.cli.knobs import knobs_of
    from sayso.cli.rounds import Course, teach_rounds
    from sayso.cli.watch import Watch, validation
    from sayso.material import syllabus
    from sayso.rooms import find

    recipe, run = project.recipe, project.run
    method = find("methods", name := chosen_method(project))
    knobs = knobs_of(method, recipe.learn.knobs, f"learn -> knobs of {name}")
    run.write_note("standing", {language: method.standing(knobs, language) for language in ("zh", "en")})
    material = material_for(project, learner, method, halves.learn)
    learner.core.remember("start")
    watch = Watch(project, learner, halves)
    check, metric = validation(project, learner, halves, watch)
    course = Course(
        partial(syllabus, method, knobs=knobs), method.objective(knobs), material, watch, check, metric, through
    )
    return teach_rounds(project, learner, course)


def material_for(
    project: Project, learner: AnyLearner, method: Any, feedback: Sequence[Feedback], speaker: Speaker | None = None
) -> Material:
    """All that a method may look at when it teaches these comments; `speaker` answers in the learner's place."""
    from sayso.cli.rounds import rounds_of
    from sayso.protocols import Material

    asked, examples = project.recipe.learn, (*project.data.train, *project.examples("validation"))
    speaks = (project.task, learner.kind, speaker or learner, project.recipe.seed, asked.replay, fits(learner))
    rounds = rounds_of(asked, method)
    return Material(tuple(feedback), examples, *speaks, critic_of(project, feedback), rounds=rounds)


def fits(learner: AnyLearner) -> Callable[[Messages, str], bool]:
    """Can this learner be taught this answer? Written by a person it must be; what a model drew may be left out."""

    def fits(context: Messages, answer: str) -> bool:
        try:
            return bool(learner.row(context, answer).targets)
        except DataError:
            return False

    return fits


def critic_of(project: Project, feedback: Sequence[Feedback]) -> Callable[[Feedback, str], str | None] | None:
    """Asks who knows a comment's matter about another answer (Material.critic); None where there is nobody for any."""
    from sayso.cli.outcomes import can_be_asked, said_again

    @cache
    def said(about: Feedback, answer: str) -> str | None:
        if can_be_asked(project, about):
            words = said_again(project, [(about, answer)])[0]
            return "" if words is None else words or None
        return "" if about.author.kind == "program" or about.checks else about.comment

    return said if any(can_be_asked(project, one) for one in feedback) else None


# ---------------------------------------------------------------- for people


def _print(project: Project, figures: Mapping[str, float], *, as_json: bool) -> None:
    from sayso.cli.console import console, print_json
    from sayso.cli.run import headline
    from sayso.evaluate.outcomes import in_words

    proof = project.run.proof()
    outcomes, words = project.run.outcomes(), {one.id: one.comment for one in project.run.feedback()}
    if as_json:
        told = [to_json(one) | {"comment": words.get(one.feedback, "")} for one in outcomes]
        facts = {"run": str(project.run.folder), "stage": "learn", "figures": dict(figures)}
        ruling = {"gate": proof["gate"]} if proof else {}
        print_json(facts | {"states": states_of(project), "outcomes": told} | ruling)
        return
    out = console()
    learnt = headline(figures) if figures else "nothing was learnt: the method can use none of the comments"
    out.print(f"learn: {learnt}   ({project.run.folder})")
    if outcomes:
        out.print(in_words(states_of(project)))
        _print_outcomes(outcomes, words, project.run.folder / "outcomes.jsonl")
    if proof:
        out.print(proof["gate"]["words"])


def _print_outcomes(outcomes: Sequence[Outcome], words: Mapping[str, str], file: Path) -> None:
    """State, comment and reason; where there are many, each state keeps some of the places."""
    from sayso.cli.console import console, print_table

    order = list(State)
    seen: Counter[State] = Counter()
    ranked: list[tuple[int, int, Outcome]] = []
    for one in outcomes:
        ranked.append((seen[one.state], order.index(one.state), one))
        seen[one.state] += 1
    shown = sorted(sorted(ranked, key=lambda rank: rank[:2])[:OUTCOMES_SHOWN], key=lambda rank: rank[1])
    rows = [
        (one.state.value.replace("_", " "), _clipped(words.get(one.feedback, ""), 60), _clipped(one.why, 160))
        for _, _, one in shown
    ]
    print_table("", ("state", "comment", "why"), rows)
    if len(outcomes) > len(shown):
        console().print(f"and {len(outcomes) - len(shown):,} more: all of them are in {file}")


def _clipped(words: str, cells: int) -> Text:
    """On one line of a terminal, where a Chinese character takes two cells."""
    from rich.text import Text

    text = Text(" ".join(words.split()))
    text.truncate(cells, overflow="ellipsis")
    return text
