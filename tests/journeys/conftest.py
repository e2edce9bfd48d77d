"""Tiny models in the hub's layout, made once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder, a decoder and an encoder-decoder: bert, llama, bart."""
    from tiny import saved

    folder = tmp_path_factory.mktemp("models")
    for name in ("bert", "llama", "bart"):
        saved(name, folder / name)
    return folder


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """A recipe's number of threads holds for the process: put it back."""
    before = torch.get_num_threads()
    with torch.random.fork_rng():
        yield
    torch.set_num_threads(before)
