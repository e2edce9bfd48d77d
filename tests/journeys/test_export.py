"""A run is taken elsewhere, and uploaded only where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from journey import sayso, sets


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Path:
    """A Chinese project with a decoder, trained with an adapter."""
    folder = tmp_path_factory.mktemp("export")
    sayso("init", folder, "--task", "instructions", "--language", "zh", "--force")
    more = {"model__name": models / "llama", "task__max_new_tokens": 4, "strategy__tuning": "lora"}
    sayso("train", folder / "recipe.yaml", *sets(**more))
    return folder / "run"


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    class Hub:
        def create_repo(self, repo_id: str, **how: Any) -> None:
            seen.append({"made": repo_id, **how})

        def upload_folder(self, **what: Any) -> str:
            seen.append(what)
            return f"hub/{what['repo_id']}"

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    return seen


def test_a_run_is_exported_whole_and_as_its_adapter(run: Path, tmp_path: Path, uploads: list[dict[str, Any]]) -> None:
    told = sayso("export", run, "--to", "safetensors,adapter", "--into", tmp_path / "out", "--json").json
    assert set(told) == {"safetensors", "adapter"}
    assert all(one["rows"] >= 1 and one["answers"] == 1.0 for one in told.values())
    assert told["adapter"]["size"] < told["safetensors"]["size"]
    kept = json.loads((tmp_path / "out" / "adapter" / "agreement.json").read_text(encoding="utf-8"))
    assert kept["difference"] == told["adapter"]["difference"] < 1e-4
    assert uploads == []
    words = sayso("export", run, "--to", "safetensors").out
    assert "relative difference at most" in words
    assert (run / "exports" / "safetensors" / "NOTICE.md").is_file()


def test_it_is_uploaded_where_that_is_asked_for(run: Path, tmp_path: Path, uploads: list[dict[str, Any]]) -> None:
    told = sayso("export", run, "--to", "adapter", "--into", tmp_path, "--push", "me/mine", "--json").json
    assert uploads[0] == {"made": "me/mine", "private": True, "exist_ok": True}
    assert uploads[1]["folder_path"] == tmp_path / "adapter"
    assert told["adapter"]["pushed"] == "hub/me/mine"


def test_what_is_not_there_is_answered_with_the_nearest(run: Path) -> None:
    assert "did you mean 'safetensors'?" in sayso("export", run, "--to", "safetensor", code=2).err
    assert (
        "did you mean 'precision'?" in sayso("export", run, "--to", "gguf", "--set", "gguf.precison=f16", code=2).err
    )
    assert "EXPORTER.KNOB=VALUE" in sayso("export", run, "--to", "gguf", "--set", "precision", code=2).err
    assert "did you mean 'train'?" in sayso("export", run, "--to", "gguf", "--stage", "trai", code=2).err


def test_engines_are_listed_with_where_they_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAYSO_ENGINES", str(tmp_path))
    told = {one["engine"]: one for one in sayso("engines", "--json").json}
    assert told["llamacpp"] == {"engine": "llamacpp", "installed": False, "where": str(tmp_path / "llamacpp")}
    assert "did you mean 'llamacpp'?" in sayso("engines", "lamacpp", code=2).err
