"""Answers become scores, and scores of two stages become comparisons; all of it into the run folder.

Decided here: where several labels may hold, each label's threshold is tuned on the validation items of that stage and
then used on the test items; a stage is compared with every stage before it and with the baselines; plain text that is
longer than the model's window is scored in the same pieces as it is taught.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sayso.records import Answer, Example, Imitate, Kind, Lesson, Messages, to_json

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.evaluate.metrics import Evaluation
    from sayso.models.open import AnyLearner
    from sayso.protocols import Task

MODEL_STAGES = ("base", "train", "learn")


def gold_lessons(task: Task, examples: Sequence[Example], learner: AnyLearner) -> list[Lesson]:
    """Imitate the right answer of every example that has one; plain text in pieces that fit the model."""
    from sayso.models.core import pieces

    lessons: list[Lesson] = []
    for example in examples:
        context = task.context(example, learner.kind)
        target = example.target if context else plain_text(example)
        if target is None:
            continue
        targets = [target] if context else pieces(learner.core, target)
        lessons += [Imitate(context, text) for text in targets]
    return lessons


def plain_text(example: Example) -> str:
    """The text of a row of plain text: its target, else its prompt."""
    return example.target or "\n".join(message.text for message in example.prompt)


def validator(
    project: Project, learner: AnyLearner, stage: str, without: frozenset[str] = frozenset()
) -> Callable[[], dict[str, float]] | None:
    """What training asks for between steps: all metrics on the validation items, or None where there are none."""
    from sayso.evaluate.metrics import evaluate

    examples = [e for e in project.examples("validation") if e.id not in without]
    if not examples:
        return None

    def check() -> dict[str, float]:
        answers = answers_of(project, learner, examples, stage)
        if project.task.several:
            answers = _decided(project, examples, answers, None)
        found = evaluate(project.task, examples, answers, resamples=0)
        return {score.unit: score.value for score in found.scores}

    return check


def score_split(project: Project, learner: AnyLearner, stage: str, split: str) -> dict[str, float]:
    """Answer one split with a stage's model, and write answers, scores and comparisons."""
    from sayso.cli.console import progress

    examples = project.examples(split)
    with progress(f"{stage}: {split}") as line:
        answers = answers_of(project, learner, examples, stage, lambda n, of: line.update(step=n, steps=of))
    if project.task.several:
        answers = _decided(project, examples, answers, f"thresholds.{stage}", tune=split == "validation")
    return write_scores(project, stage, split, examples, answers)


def write_scores(
    project: Project, stage: str, split: str, examples: Sequence[Example], answers: Sequence[Answer]
) -> dict[str, float]:
    """Scores with intervals, and comparisons with every other stage on the same items."""
    from sayso.evaluate import passes
    from sayso.evaluate.metrics import evaluate

    run, settings = project.run, project.recipe.evaluate
    found = evaluate(project.task, examples, answers, settings.resamples, project.recipe.seed)
    run.write_answers(stage, split, list(answers))
    passed = _passed(project, examples, answers)
    if passed:
        run.write_note(f"passes.{stage}.{split}", passed)
    checked = passes.scores(project.task.name, passed, settings.resamples, project.recipe.seed)
    run.write_scores(stage, split, [*found.scores, *checked[:1], *found.per_item, *checked[1:]])
    run.write_note(f"evaluation.{stage}.{split}", _note(found))
    _compare(project, stage, split, examples, answers)
    return {score.unit: score.value for score in [*found.scores, *checked[:1]]}


def baseline_stage(project: Project) -> None:
    """The linear (or copying and lookup) baseline on both splits; nothing where the task has none."""
    from sayso.evaluate.baseline import baselines

    run, recipe = project.run, project.recipe
    if not recipe.evaluate.baseline or project.task.metric == "log_likelihood" or not project.data.train:
        return
    splits = {split: project.examples(split) for split in ("validation", "test")}
    known = [example for examples in splits.values() for example in examples if example.target is not None]
    found = baselines(project.task, project.data.train, project.data.validation, known) if known else {}
    note: dict[str, dict[str, float]] = {}
    for name, answers in found.items():
        by_item = {answer.item: answer for answer in answers}
        for split, examples in splits.items():
            own = [example for example in examples if example.id in by_item]
            if own and len(own) == len(examples):
                note[name] = write_scores(project, name, split, own, [by_item[e.id] for e in own])
    if note:
        run.write_note("baseline", note)


def headline_of(project: Project, stage: str) -> dict[str, float]:
    """The written figures of a stage on the test items, else on the validation items."""
    scores = project.run.scores()
    for split in ("test", "validation"):
        found = {s.unit: s.value for at, on, s in scores if at == stage and on == split and not s.item}
        if found:
            return found
    return {}


def answers_of(
    project: Project,
    learner: AnyLearner,
    examples: Sequence[Example],
    stage: str,
    progress: Callable[[int, int], None] | None = None,
) -> list[Answer]:
    """A stage's answers, with what the method wants to stand in the prompt in the prompt's own language."""
    from sayso.evaluate.answers import answer
    from sayso.wording import language_of_context

    words = project.run.note("standing") if stage == "learn" else None
    if project.task.name == "text":
        return _believed(project, learner, examples, progress)
    if not words:
        return answer(learner, project.task, examples, "", progress)
    found: dict[str, Answer] = {}
    for language in ("zh", "en"):
        own = [e for e in examples if language_of_context(e.prompt) == language]
        found |= {a.item: a for a in answer(learner, project.task, own, words.get(language, ""), progress)}
    return [found[example.id] for example in examples]


def context_of(project: Project, example: Example, kind: Kind, stage: str) -> Messages:
    """What a stage's model is shown of an item, with what the method wants to stand in the prompt."""
    from sayso.wording import language_of_context, with_standing

    context = project.task.context(example, kind)
    words = (project.run.note("standing") or {}) if stage == "learn" else {}
    standing = words.get(language_of_context(example.prompt), "")
    return with_standing(context, standing) if standing and context else context


# ---------------------------------------------------------------- inside


def _believed(
    project: Project, learner: AnyLearner, examples: Sequence[Example], progress: Callable[[int, int], None] | None
) -> list[Answer]:
    """Plain text longer than the model's window counts whole: in the pieces in which it is taught."""
    from sayso.evaluate.answers import answer
    from sayso.models.core import pieces
    from sayso.tasks.text import PER_TOKEN

    parts = [
        Example(f"{number}/{place}", (), text)
        for number, example in enumerate(examples)
        for place, text in enumerate(pieces(learner.core, plain_text(example)) or [""])
    ]
    sums: dict[str, tuple[float, int]] = {}
    for part in answer(learner, project.task, parts, "", progress):
        number = part.item.partition("/")[0]
        logp, tokens = sums.get(number, (0.0, 0))
        sums[number] = (
            logp + part.tokens * math.log(max(part.probabilities[PER_TOKEN], 1e-300)),
            tokens + part.tokens,
        )
    each = [sums[str(number)] for number in range(len(examples))]
    return [
        Answer(example.id, "", {PER_TOKEN: math.exp(logp / max(1, tokens))}, tokens=tokens)
        for example, (logp, tokens) in zip(examples, each, strict=True)
    ]


def _decided(
    project: Project, examples: Sequence[Example], answers: list[Answer], note: str | None, *, tune: bool = True
) -> list[Answer]:
    from sayso.evaluate import thresholds

    if tune:
        found = thresholds.tune(project.task, examples, answers)
        if note:
            project.run.write_note(note, found)
    else:
        found = {k: float(v) for k, v in (project.run.note(note or "") or {}).items()}
    return thresholds.decide(project.task, answers, found) if found else answers


def _passed(project: Project, examples: Sequence[Example], answers: Sequence[Answer]) -> dict[str, bool]:
    """By item, whether every program critic of the recipe has nothing to say; items not judged are left out."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    by_item = {answer.item: answer for answer in answers}
    passed: dict[str, bool] = {}
    unjudged: set[str] = set()
    for part in project.recipe.feedback.critics:
        if part.name == "program":
            critic = find("critics", part.name)
            pairs = [(example, by_item[example.id]) for example in examples]
            review = critic.comment(project.task, pairs, knobs_of(critic, part.knobs, "critic program"))
            faulted = {one.item for one in review.feedback if one.polarity != "positive"}
            passed = {e.id: passed.get(e.id, True) and e.id not in faulted for e in examples}
            unjudged |= set(review.not_judged)
    return {item: good for item, good in passed.items() if item not in unjudged}


def _note(found: Evaluation) -> dict[str, object]:
    return dict(to_json(replace(found, per_item=(), scores=())))


def _compare(project: Project, stage: str, split: str, examples: Sequence[Example], answers: Sequence[Answer]) -> None:
    """Replace this stage's comparisons on this split; the earlier stage is always "before"."""
    from sayso.evaluate import passes
    from sayso.evaluate.compare import compare

    run = project.run
    ours = run.note(f"passes.{stage}.{split}") or {}
    kept = [c for c in run.comparisons() if not (c.split == split and stage in (c.before_stage, c.after_stage))]
    for other in _others(project, stage, split):
        theirs = run.answers(other, split)
        if {answer.item for answer in theirs} != {example.id for example in examples}:
            continue
        pair = (other, stage) if _rank(other) < _rank(stage) else (stage, other)
        before, after = (theirs, answers) if pair[0] == other else (answers, theirs)
        resamples, seed = project.recipe.evaluate.resamples, project.recipe.seed
        kept += compare(
            project.task, examples, before, after, stages=pair, split=split, resamples=resamples, seed=seed
        )
        marks = {stage: ours, other: run.note(f"passes.{other}.{split}") or {}}
        kept += passes.compared(
            marks[pair[0]], marks[pair[1]], stages=pair, split=split, resamples=resamples, seed=seed
        )
    run.write_comparisons(kept)


def _others(project: Project, stage: str, split: str) -> list[str]:
    stages = {at for at, on, _ in project.run.scores() if on == split}
    return sorted(stages - {stage}, key=_rank)


def _rank(stage: str) -> tuple[int, str]:
    """Baselines come before models, models in the order of a run."""
    return (MODEL_STAGES.index(stage) + 1 if stage in MODEL_STAGES else 0, stage)
