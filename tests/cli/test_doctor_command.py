"""`sayso doctor`: what it finds here, and what it would say on machines that lack something."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.cli import doctor as told
from sayso.cli.doctor import Package, bfloat16_is_a_trap, browser, doctor, packages, problems
from sayso.models import hardware
from sayso.models.hardware import machine


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = {"float32": 100.0, "bfloat16": 9.0, "float16": 0.0}
    monkeypatch.setattr(hardware, "probe_dtypes", lambda device="cpu", seconds=0.0: speeds)


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    doctor(json=True)
    plain = json.loads(capsys.readouterr().out)
    names = {package["name"]: package["version"] for package in plain["packages"]}
    assert names["torch"]
    assert names["transformers"].startswith("5.")
    assert plain["machine"]["cores"] >= 1
    assert plain["dtype"]["value"] == "float32"
    assert plain["trap"] is True
    assert plain["problems"] == []


def test_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    doctor()
    out = capsys.readouterr().out
    assert "bfloat16 is a trap here: 11.1 times slower" in out
    assert "sacrebleu" in out
    assert "All that is needed is here." in out


def test_extras_come_from_the_installed_metadata() -> None:
    core, extras = packages()
    named = {extra.name: extra for extra in extras}
    assert {"torch", "peft"} <= {package.name for package in core}
    assert "TensorBoard" in named["track"].purpose
    assert not {"pytest", "tensorboard"} & {package.name for package in core}


def test_a_missing_extra_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = told._installed
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(told, "_installed", lambda name: "" if name == "trackio" else real(name))
    doctor()
    assert "missing trackio: pip install 'sayso[track]'" in capsys.readouterr().out


def test_every_extra_has_a_purpose() -> None:
    assert all(extra.purpose for extra in packages()[1])


def test_a_trap_is_slow_but_there() -> None:
    assert bfloat16_is_a_trap({"float32": 100.0, "bfloat16": 10.0})
    assert not bfloat16_is_a_trap({"float32": 100.0, "bfloat16": 90.0})
    assert not bfloat16_is_a_trap({"float32": 100.0, "bfloat16": 0.0})
    assert not bfloat16_is_a_trap({})


def test_problems_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    poor = replace(machine(), memory_available=2**20, disk_free=2**20, gpu="a GPU that cannot be used")
    words = " ".join(problems([Package("torch", "")], poor))
    for part in ("torch is missing", "1.0 MB of memory", "1.0 MB of disk", "README"):
        assert part in words


def test_a_browser_is_found_where_it_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert browser() == ""
    place = tmp_path / "chromium-1/chrome-linux/chrome"
    place.parent.mkdir(parents=True)
    place.touch()
    assert browser() == str(place)
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    assert browser() == "/bin/chromium"
