"""`sayso models`: the list, the filters, the advice and the look at a folder, as people and programs see them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sayso.cli.models import models
from sayso.errors import ModelError, UserError
from sayso.models import hardware
from sayso.models.footprint import readable


def listed(capsys: pytest.CaptureFixture[str], **asked: Any) -> dict[str, Any]:
    models(json=True, **asked)
    plain: dict[str, Any] = json.loads(capsys.readouterr().out)
    return plain


def test_the_whole_list_without_a_filter(capsys: pytest.CaptureFixture[str]) -> None:
    plain = listed(capsys)
    assert len(plain["models"]) >= 25
    assert {entry["kind"] for entry in plain["models"]} == {"encoder", "encoder_decoder", "decoder"}
    assert plain["recommended"] == []
    assert plain["memory"] > 0


def test_filters_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    plain = listed(capsys, task="classify", language="zh", licence="open", kind="encoder", rows=500)
    assert {entry["licence"] for entry in plain["models"]} <= {"apache-2.0", "mit"}
    assert all("zh" in entry["languages"] for entry in plain["models"])
    ids = [entry["id"] for entry in plain["models"]]
    assert plain["recommended"][0]["id"] in ids
    assert plain["recommended"][0]["reasons"]


def test_what_fits_is_never_larger_than_the_memory(capsys: pytest.CaptureFixture[str]) -> None:
    plain = listed(capsys, fits=True, tuning="lora")
    assert all(entry["memory"] <= plain["memory"] and entry["tuning"] == "lora" for entry in plain["models"])


def test_the_printed_list_and_advice(capsys: pytest.CaptureFixture[str]) -> None:
    models(task="translate", language="zh-en")
    out = capsys.readouterr().out
    assert "encoder-decoders" in out
    assert "Recommended: Helsinki-NLP/opus-mt-zh-en" in out
    assert "model: {name: Helsinki-NLP/opus-mt-zh-en}" in out
    assert "or " in out


def test_an_empty_list_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    models(task="translate", kind="encoder")
    assert "Leave out a filter" in capsys.readouterr().out


def test_a_wrong_filter_is_a_users_error() -> None:
    with pytest.raises(UserError, match="no task 'clasify'"):
        models(task="clasify")


def test_one_entry(capsys: pytest.CaptureFixture[str]) -> None:
    models("Qwen/Qwen3-0.6B", tuning="lora")
    out = capsys.readouterr().out
    assert "596M" in out
    assert "think aloud" in out
    plain = listed(capsys, model="hfl/chinese-macbert-base")
    assert plain["shape"]["vocabulary"] == 21128
    assert readable(plain["memory"]).endswith("GB")


def test_a_folder_is_looked_into(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models(str(shared / "models/tinystories-chat-3m"))
    out = capsys.readouterr().out
    assert "3,410,560" in out
    assert "opens the assistant's turn" in out
    assert "Odd about it:" in out
    plain = listed(capsys, model=str(shared / "models/all-MiniLM-L6-v2"))
    assert plain["kind"] == "encoder"
    assert any("float16" in sentence for sentence in plain["odd"])


@pytest.mark.parametrize("name", ["/没有/这里", "./nothing", "nothing-at-all"])
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        models(name)


def test_an_id_that_is_not_listed_names_the_nearest() -> None:
    with pytest.raises(ModelError) as caught:
        models("hfl/chinese-macbert-bas")
    assert "hfl/chinese-macbert-base" in caught.value.fix


def test_an_id_that_is_like_none_does_not_bring_the_whole_catalogue() -> None:
    with pytest.raises(ModelError) as caught:
        models("nobody/zzzzzzzzz")
    assert "sayso models" in caught.value.fix
    assert "Qwen" not in caught.value.fix


def test_a_path_that_is_not_there_is_a_missing_folder() -> None:
    with pytest.raises(ModelError, match="no such folder") as caught:
        models("/nope")
    assert "did you mean" not in caught.value.fix


def test_what_this_machine_cannot_do_is_not_recommended(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "qlora_obstacle", lambda _device: "no GPU")
    plain = listed(capsys, task="classify", language="zh", tuning="qlora")
    assert plain["models"]
    assert plain["recommended"] == []
    assert plain["remarks"] == ["none can be trained so here: no GPU"]
    monkeypatch.setattr(hardware, "qlora_obstacle", lambda _device: "")
    assert listed(capsys, task="classify", language="zh", tuning="qlora")["recommended"]


@pytest.mark.parametrize(("language", "remark"), [("zh", False), ("zh-en", False), ("xx", True), ("zh-xx", True)])
def test_a_language_that_no_model_names_is_remarked_on(
    capsys: pytest.CaptureFixture[str], language: str, remark: bool
) -> None:
    models(language=language)
    assert ("names xx: whether" in capsys.readouterr().out) == remark
