"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.pop("COLUMNS", None)  # pytest-xdist hands on its terminal's width; tables are tested as a pipe gets them

import pytest
from hypothesis import settings

# On a loaded machine the first example pays for imports; how long an example takes is never what is tested.
settings.register_profile("sayso", deadline=None, print_blob=True)
settings.load_profile("sayso")

SHARED = Path(__file__).resolve().parents[1] / "../shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real models and data beside the project; tests that need it skip where it is absent."""
    if not (SHARED / "ASSETS.md").is_file():
        pytest.skip("no ../shared with real models and data beside the project")
    return SHARED.resolve()
