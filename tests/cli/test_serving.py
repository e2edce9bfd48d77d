"""What a server makes of a run: who judges its answers by what."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.cli.project import Project
from sayso.cli.serving import learnt_by
from sayso.recipe import LearnPart, Recipe
from sayso.store.runs import Run


@pytest.mark.parametrize("method", ["predict", "auto"])
def test_how_the_weights_learnt_is_the_method_that_taught_them(tmp_path: Path, method: str) -> None:
    recipe = Recipe(learn=LearnPart(method=method))
    project = Project(recipe, Run.create(tmp_path / "run", recipe))
    assert learnt_by(project, "learn") == ("predict" if method == "predict" else "")
    project.run.write_note("auto", {"method": "predict" if method == "auto" else "imitate"})
    assert learnt_by(project, "learn") == "predict"
    assert learnt_by(project, "train") == learnt_by(project, "base") == "", "these have yet to learn from comments"
