"""What is fixed in an architecture stays fixed, also in a model that was saved and opened again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sayso.models.open import Opening, open_learner
from sayso.recipe import ModelPart

sys.path.insert(0, str(Path(__file__).parent))
from tiny import opened, saved


@pytest.mark.parametrize("name", ["marian", "pegasus"])
def test_sinusoidal_positions_are_not_trained(name: str, tmp_path: Path) -> None:
    stored = open_learner(ModelPart(name=str(saved(name, tmp_path / name)), max_length=96), Opening())
    for learner in (opened(name), stored):
        trained = [part for part, _ in learner.core.parameters()]
        assert trained
        assert not [part for part in trained if "embed_positions" in part]
