"""What is watched while comments are learnt: prompts nobody commented on, and what programs no longer say."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sayso.cli.project import Project
from sayso.cli.rounds import material_of, rounds_of
from sayso.cli.watch import WATCHED, Watch, still_said, uncommented
from sayso.evaluate import alarm
from sayso.methods import imitate, reinforce
from sayso.protocols import Material
from sayso.recipe import LearnPart, Recipe
from sayso.records import Attempt, Author, Feedback, user
from sayso.store.split import Halves
from sayso.tasks import generate

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

PROMPTS = [f"第{i}单到了吗？" if i % 2 else f"Where is order {i}?" for i in range(40)]
CHECK = """
def polite(prompt, answer):
    if answer == "crash":
        raise ValueError
    return None if "好" in answer or "hello" in answer else "请用敬语。"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for split, some in (("train", PROMPTS[:20]), ("validation", PROMPTS[20:])):
        rows = [json.dumps({"prompt": text, "target": "好的，谢谢。hello cat"}, ensure_ascii=False) for text in some]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "checks.py").write_text(CHECK, encoding="utf-8")
    plain: dict[str, Any] = {
        "run": str(tmp_path / "run"),
        "task": {"name": "generate", "max_new_tokens": 5},
        "data": {split: {"path": str(tmp_path / f"{split}.jsonl")} for split in ("train", "validation")},
        "feedback": {"critics": [{"name": "program", "knobs": {"program": f"{tmp_path / 'checks.py'}:polite"}}]},
        "evaluate": {"batch_tokens": 512},
    }
    return Project.open(Recipe.model_validate(plain))


def on(text: str, **others: Any) -> Feedback:
    return Feedback(user(text), Attempt("在"), "请用敬语。", Author("program", "checks.py:polite"), **others)


def test_prompts_are_of_the_validation_items_that_nobody_commented_on(project: Project) -> None:
    commented = [on(PROMPTS[20]), on("别的", item=project.data.validation[1].id)]
    found = uncommented(project, commented)
    assert len(found) == WATCHED
    assert found == uncommented(project, commented)
    assert {one.prompt for one in found} <= {one.prompt for one in project.data.validation[2:]}
    every = [on(text) for text in PROMPTS[20:]]
    assert {one.prompt for one in uncommented(project, every)} <= {one.prompt for one in project.data.train}
    assert uncommented(project, [on(text) for text in PROMPTS]) == []


def test_nothing_has_moved_at_the_start_and_what_is_broken_is_found(project: Project) -> None:
    learner = opened("llama")
    learner.core.remember("start")
    watch = Watch(project, learner, Halves((on(PROMPTS[20]),), ()))
    calm = watch.look()
    assert (calm["watched_length"], calm["drift"]) == (1.0, pytest.approx(0, abs=1e-4))
    assert calm["watched_entropy"] > 1
    assert watch.collapse() == ""
    with torch.no_grad():
        learner.core.model.get_output_embeddings().weight.mul_(100)
    broken = watch.look()
    assert broken["watched_entropy"] < calm["watched_entropy"] / 4
    assert broken["drift"] > alarm.DRIFTED
    assert "entropy" in watch.collapse()
    assert "drifted" in watch.collapse()


def test_the_share_of_comments_that_their_program_would_no_longer_make(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sayso.cli import outcomes

    said = dict(zip(["一", "二", "三", "四"], ["你好", "hello there", "哼", "crash"], strict=True))
    comments = [on(text) for text in said] + [Feedback(user("五"), Attempt("在"), "太冷淡。")]
    monkeypatch.setattr(outcomes, "answers_to", lambda *asked: {one.id: said[one.prompt[0].text] for one in asked[2]})
    assert still_said(project, opened("llama"), comments)() == {"comments_kept": pytest.approx(2 / 3)}
    assert still_said(project, opened("llama"), comments[-1:])() == {}
    checked = [replace(comments[-1], prompt=user(text), checks=("contains(hello)",)) for text in ("二", "三")]
    assert still_said(project, opened("llama"), checked)() == {"comments_kept": 0.5}


def test_a_method_has_its_own_rounds_unless_the_recipe_says() -> None:
    assert rounds_of(LearnPart(), imitate) == 1
    assert rounds_of(LearnPart(), reinforce) == reinforce.ROUNDS > 1
    assert rounds_of(LearnPart(rounds=2), reinforce) == rounds_of(LearnPart(rounds=2), imitate) == 2
    from sayso.recipe import TaskPart

    first = Material((), (), generate.task(TaskPart(name="generate"), ()), "decoder", seed=7, rounds=3)
    assert material_of(first, 0) == first
    later = material_of(first, 2)
    assert later.round == 2
    assert later.seed not in (7, 8, 9)
