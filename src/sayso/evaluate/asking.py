"""A stage's answers to new items, asked as the run's own items are: with the words that stand in its prompts."""

from __future__ import annotations

from collections.abc import Sequence

from sayso.auditing import Subject
from sayso.evaluate.answers import answer
from sayso.records import Answer, Example
from sayso.wording import language_of_context


def asked(subject: Subject, stage: str, examples: Sequence[Example]) -> list[Answer]:
    """One answer per example, in order. Ids of examples have to differ."""
    words = (subject.run.note("standing") or {}) if stage == "learn" else {}
    learner = subject.learner(stage)
    if not any(words.values()):
        return answer(learner, subject.task, examples)
    found: dict[str, Answer] = {}
    for language in ("zh", "en"):
        own = [one for one in examples if language_of_context(one.prompt) == language]
        found |= {one.item: one for one in answer(learner, subject.task, own, str(words.get(language, "")))}
    return [found[one.id] for one in examples]
