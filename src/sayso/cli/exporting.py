"""A run becomes an Export: its model, merged, and what it makes of the run's own data.

Decided here:
- The rows are the run's test items, then its validation items, then training rows until there are enough; the golden
  prompts are the first of them. They are shown to the model as evaluation shows them, standing words included.
- The model card is the run's, with all of its comments; how to use it is said by each exporter instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sayso.agreement import GOLDEN
from sayso.bundle import Card, Export, Replay
from sayso.errors import UnsupportedError
from sayso.records import Example, Messages

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.models.open import AnyLearner

MOST_ROWS = 64
MOST_TOKENS = 48  # of a golden answer
_ELSEWHERE = re.compile(
    r"^## (How to use|What people said about its answers)$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL
)


@contextmanager
def export_of(project: Project, stage: str) -> Iterator[Export]:
    """What exporters are given of a stage's model; its folders are there inside only."""
    from sayso.models.replay import save_merged

    tuning = "" if stage == "base" else project.tuning(stage)
    if tuning == "qlora":
        raise UnsupportedError(
            "adapters beside a quantised model are not merged: rounding their sum again makes another model",
            fix="train with strategy.tuning: lora, or take the folder weights/ to where the quantised base is",
        )
    learner = project.learner(stage, "learn" if stage == "learn" else "train")
    replay = replay_for(project, stage, learner)
    with TemporaryDirectory(prefix="sayso-export-") as place:
        weights, adapter = Path(place) / "merged", Path(place) / "adapter"
        weights.mkdir()
        has_adapter = learner.core.adapter is not None
        if has_adapter:
            adapter.mkdir()
            learner.core.save(adapter)
        origin, length = learner.core.origin, learner.core.max_length
        save_merged(learner, weights)
        yield Export(
            name=project.recipe.name,
            kind=learner.kind,
            weights=weights,
            config=json.loads((weights / "config.json").read_text(encoding="utf-8")),
            labels=project.labels,
            max_length=length,
            replay=replay,
            card=card_of(project, stage),
            adapter=adapter if has_adapter else None,
            origin=origin,
        )


def replay_for(project: Project, stage: str, learner: AnyLearner) -> Replay:
    """The run's items as a Replay of this learner."""
    from sayso.cli.scoring import gold_lessons
    from sayso.models.replay import replay_of

    words = _standing(project, stage)
    items = list(islice(_items(project), MOST_ROWS))
    lessons = gold_lessons(project.task, items, learner)[:MOST_ROWS]
    pairs = [(_told(lesson.context, words), _target(lesson)) for lesson in lessons]
    prompts = [project.task.context(one, learner.kind) or one.prompt for one in items]
    asked = [_told(prompt, words) for prompt in prompts if prompt][:GOLDEN]
    room = min(project.task.sampling.max_new_tokens, MOST_TOKENS)
    return replay_of(learner, pairs, asked, room)


def card_of(project: Project, stage: str) -> Card:
    """The run's model card without its own way of use, and what else is to be told of the model."""
    from sayso.cli.train import licence
    from sayso.report import card
    from sayso.report.contents import read

    run = project.run
    states = {one.feedback: one.state.replace("_", " ") for one in run.outcomes()} if stage == "learn" else {}
    lessons = [f"{' '.join(one.comment.split())} ({states[one.id]})" for one in run.feedback() if one.id in states]
    return Card(
        text=_ELSEWHERE.sub("", card.render(read(run))),
        base=project.recipe.model.name if not project.recipe.model.scratch else "",
        base_licence=licence(project),
        lessons=tuple(dict.fromkeys(lessons)),
        standing=_standing(project, stage),
    )


# ---------------------------------------------------------------- inside


def _items(project: Project) -> Iterator[Example]:
    """Test, validation and training items, those that nothing was learnt from first; a text once."""
    seen: set[Messages] = set()
    for split in ("test", "validation", "train"):
        for example in project.data.split(split):
            if example.prompt not in seen:
                seen.add(example.prompt)
                yield example


def _standing(project: Project, stage: str) -> dict[str, str]:
    words: Mapping[str, Any] = (project.run.note("standing") if stage == "learn" else None) or {}
    return {language: str(said) for language, said in words.items() if said}


def _told(prompt: Messages, words: Mapping[str, str]) -> Messages:
    from sayso.wording import language_of_context, with_standing

    said = words.get(language_of_context(prompt), "") if prompt and words else ""
    return with_standing(prompt, said) if said else prompt


def _target(lesson: Any) -> str:
    return str(lesson.target)
