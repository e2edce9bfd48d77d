"""What became of each comment of a run: the model's answers to it before and after, and who judges them.

Decided here: every program of the recipe is asked about the answers to a comment's prompt (the attempt, the better
one, those before and after learning), each answer once; where it fails, the comment is judged without it. So is every
check that the comment itself names, whether or not a critic of the recipe made it. While comments are learnt only they
who know a comment's matter are asked again: the program that made it, and the programs and checks that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sayso.checks import known, said_of
from sayso.evaluate.outcomes import Check, Trial, outcome, refused
from sayso.records import Answer, Example, Feedback, Messages, Outcome

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner
    from sayso.store.split import Halves

Texts = Mapping[str, str]
Asked = tuple[Messages, str]
MOST_WATCHED = 64


def answers_to(project: Project, learner: AnyLearner, feedback: Sequence[Feedback], stage: str) -> dict[str, str]:
    """By comment's id, what a stage's model answers to the prompt that was commented on."""
    from sayso.cli.scoring import answers_of

    answers = answers_of(project, learner, [Example(one.id, one.prompt) for one in feedback], stage)
    return {answer.item: answer.text for answer in answers}


def heeding(project: Project, learner: AnyLearner, feedback: Sequence[Feedback]) -> Callable[[], float] | None:
    """How good the model's answers to commented prompts are now, in [0, 1]; None where no better answer is known."""
    gold = {example.id: example.target for example in project.examples("validation")}
    better = {one.id: better_answer(one, gold) for one in feedback}
    known = [one for one in feedback if better[one.id] is not None][:MOST_WATCHED]
    if not known:
        return None

    def check() -> float:
        said = answers_to(project, learner, known, "learn")
        pairs = [(Example(one.id, one.prompt, better[one.id]), Answer(one.id, said[one.id])) for one in known]
        return sum(project.task.grade(example, answer).value for example, answer in pairs) / len(pairs)

    return check


def better_answer(one: Feedback, gold: Mapping[str, str | None]) -> str | None:
    """Its revision, else the gold answer of the item that it is about; None where neither is known."""
    return one.revision if one.revision is not None else gold.get(one.item)


def outcomes_of(
    project: Project, halves: Halves, reasons: Mapping[str, str], before: Texts, after: Texts
) -> list[Outcome]:
    """One Outcome per comment. reasons: by id, why the method could not use a comment."""
    name, feedback = project.run.folder.name, project.run.feedback()
    gold = {example.id: example.target for example in project.examples("validation")}
    held = {one.id for one in halves.held_out}
    found: dict[str, Outcome] = {one.id: refused(one, reasons[one.id], name) for one in feedback if one.id in reasons}
    trials = [
        Trial(one, before[one.id], after[one.id], better_answer(one, gold), one.id in held)
        for one in feedback
        if one.id not in reasons
    ]
    for trial in checked(project, trials):
        found[trial.feedback.id] = outcome(trial, project.task, name)
    return [found[one.id] for one in feedback]


def programs(project: Project) -> dict[str, Any]:
    """The knobs of the recipe's program critics, by the name under which each comments."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    critic = find("critics", "program")
    asked = [part.knobs for part in project.recipe.feedback.critics if part.name == "program"]
    known = [knobs_of(critic, knobs, "critic program") for knobs in asked]
    return {critic.author_id(knobs): knobs for knobs in known}


def checked(project: Project, trials: Sequence[Trial]) -> list[Trial]:
    """The trials with what each program, and each check that a comment names, says of their answers."""
    for name, knobs in programs(project).items():
        said = _said(project, knobs, [(trial.feedback.prompt, text) for trial in trials for text in _texts(trial)])
        trials = [replace(trial, checks=(*trial.checks, _check(name, trial, said))) for trial in trials]
    return [replace(trial, checks=(*trial.checks, *_own_checks(trial))) for trial in trials]


def can_be_asked(project: Project, one: Feedback) -> bool:
    """Is there anybody who knows the comment's matter and could judge another answer?"""
    return any(_knows(name, one) for name in programs(project)) or any(map(known, one.checks))


def said_again(project: Project, asked: Sequence[tuple[Feedback, str]]) -> list[str | None]:
    """What they who know a comment's matter say of another answer to its prompt, a line each; "" for nothing.

    None where nobody could judge it.
    """
    by_check = [[said_of(line, one.prompt, text) for line in one.checks] for one, text in asked]
    words = [[line for line in lines if line is not None] for lines in by_check]
    failed: set[int] = set()
    for name, knobs in programs(project).items():
        own = {i: (one.prompt, text) for i, (one, text) in enumerate(asked) if _knows(name, one)}
        said = _said(project, knobs, list(own.values())) if own else {}
        failed |= {i for i, pair in own.items() if pair not in said}
        for i, pair in own.items():
            words[i] += ["\n".join(said[pair])] if pair in said else []
    together = ["\n".join(filter(None, each)) for each in words]
    return [said or (None if i in failed or not words[i] else "") for i, said in enumerate(together)]


# ---------------------------------------------------------------- inside


def _knows(program: str, one: Feedback) -> bool:
    return program == one.author.id or program in one.checks


def _texts(trial: Trial) -> tuple[str, ...]:
    better = () if trial.better is None else (trial.better,)
    return (trial.feedback.attempt.text, *better, trial.before, trial.after)


def _check(name: str, trial: Trial, said: Mapping[Asked, Sequence[str]]) -> Check:
    one = trial.feedback

    def of(text: str | None) -> str | None:
        return " ".join(said[one.prompt, text]) if text is not None and (one.prompt, text) in said else None

    return Check(name, of(one.attempt.text), of(trial.better), of(trial.before), of(trial.after), _knows(name, one))


def _own_checks(trial: Trial) -> Iterator[Check]:
    """What the checks that a comment names say of its answers."""
    one = trial.feedback
    for line in one.checks:
        before, after = (said_of(line, one.prompt, text) for text in (trial.before, trial.after))
        better = None if trial.better is None else said_of(line, one.prompt, trial.better)
        if after is not None:
            yield Check(line, said_of(line, one.prompt, one.attempt.text), better, before, after, own=True)


def _said(project: Project, knobs: Any, asked: Sequence[Asked]) -> dict[Asked, Sequence[str]]:
    """All that a program says of each answer; those that it fails on are left out."""
    from sayso.rooms import find

    distinct = list(dict.fromkeys(asked))
    pairs = [(Example(str(i), prompt), Answer(str(i), text)) for i, (prompt, text) in enumerate(distinct)]
    review = find("critics", "program").comment(project.task, pairs, knobs)
    words: dict[str, list[str]] = {}
    for one in review.feedback:
        words.setdefault(one.item, []).append(one.comment)
    return {pair: words.get(str(i), ()) for i, pair in enumerate(distinct) if str(i) not in review.not_judged}
