"""Fixtures that many tests share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.pop("COLUMNS", None)  # pytest-xdist hands on its terminal's width; tables are tested as a pipe gets them

import pytest
from hypothesis import settings

# On a loaded machine the first example pays for imports; how long an example takes is never what is tested.
settings.register_profile("sayso", deadline=None, print_blob=True)
settings.load_profile("sayso")

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
SHARED = Path(__file__).resolve().parents[1] / "../shared"


@pytest.fixture(autouse=True)
def as_important_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that makes its process nicer would slow every later test: niceness cannot be taken back."""
    monkeypatch.setattr(os, "nice", lambda _: 0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real models and data beside the project; tests that need it skip where it is absent."""
    if not (SHARED / "ASSETS.md").is_file():
        pytest.skip("no ../shared with real models and data beside the project")
    return SHARED.resolve()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium of this machine; tests that need one skip, and say so, where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium here")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS.split())
        yield opened
        opened.close()
