"""What `import sayso` offers: asserted, so that nothing slips in or out unnoticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sayso

NAMES = [
    *("Attempt", "Author", "Example", "Feedback", "FeedbackStore", "Imitate", "Match", "Message", "Prefer", "Recipe"),
    *("Run", "Sampling", "SaysoError", "Scope", "Score", "compare", "load_examples", "load_recipe", "open_model"),
    *("run_recipe", "score", "task", "train", "user"),
]


def test_the_public_names_are_these_and_at_most_25() -> None:
    assert sorted(sayso.__all__) == sorted(NAMES)
    assert len(NAMES) <= 25


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_with_a_docstring(name: str) -> None:
    assert getattr(sayso, name).__doc__


def test_importing_loads_no_torch() -> None:
    code = "import sys, sayso; sayso.Imitate, sayso.user; print({'torch', 'transformers'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'open_modle'"):
        sayso.open_modle  # noqa: B018


def test_the_interface_carries_a_small_project(tmp_path: Path) -> None:
    sys.path.insert(0, str(Path(__file__).parent / "models"))
    from tiny import saved

    rows = [("很好看", "正面"), ("太差了", "负面"), ("喜欢", "正面"), ("讨厌", "负面")] * 3
    data = tmp_path / "rows.csv"
    data.write_text("review,mood\n" + "\n".join(f"{a}{i},{b}" for i, (a, b) in enumerate(rows)), encoding="utf-8")
    examples = sayso.load_examples(data, text="review", label="mood")
    task = sayso.task("classify", labels=["正面", "负面"])
    model = sayso.open_model(str(saved("bert", tmp_path / "bert")), labels=task.options)
    _, before = sayso.score(model, task, examples)
    lessons = [sayso.Imitate(task.context(e, model.kind), e.target or "") for e in examples]
    list(sayso.train(model, lessons, steps=60, learning_rate=3e-3, folder=tmp_path / "checkpoints"))
    found, after = sayso.score(model, task, examples)
    assert found.value("accuracy") == 1.0
    assert sayso.compare(task, examples, before, after)[0].after == 1.0
