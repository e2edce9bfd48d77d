"""ONNX: equal to what was trained on real rows, free in batch and length, smaller in int8, never a broken weight."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from sayso.agreement import Agreement, check, make
from sayso.bundle import Card, Export, Replay, ReplayRow
from sayso.embedded import __file__ as carried
from sayso.errors import Fault, UnsupportedError
from sayso.exporters import onnx
from sayso.models.open import EMBEDDED, Opening, open_learner
from sayso.models.replay import replay_of, save_merged
from sayso.recipe import ModelPart
from sayso.records import Messages, user

LABELS = ("bad", "good", "neither")
Made = tuple[Export, Path, Agreement]


def exported(model: str, pairs: list[tuple[Messages, str]], folder: Path, labels: tuple[str, ...] = ()) -> Export:
    learner = open_learner(ModelPart(name=model, device="cpu"), Opening(options=labels, seed=3))
    replay = replay_of(learner, pairs, [prompt for prompt, _ in pairs[:20]], room=12)
    folder.mkdir()
    save_merged(learner, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Export("tried", learner.kind, folder, config, labels, learner.core.max_length, replay, Card())


def conversations() -> list[tuple[Messages, str]]:
    lines = (Path(carried).parent / "demo" / "test.jsonl").read_text(encoding="utf-8").splitlines()[:32]
    turns = [[turn["content"] for turn in json.loads(line)["messages"]] for line in lines]
    return [(user(asked), answer) for asked, answer in turns]


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Made:
    place = tmp_path_factory.mktemp("decoder")
    export = exported(str(EMBEDDED), conversations(), place / "merged")
    return export, place / "onnx", make(export, onnx, "onnx", onnx.Knobs(), place / "onnx")


@pytest.fixture(scope="module")
def encoder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    place = tmp_path_factory.mktemp("encoder")
    lines = (shared / "data" / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()[:32]
    pairs = [(user(line.rpartition("\t")[0]), LABELS[int(line[-1])]) for line in lines]
    export = exported(str(shared / "models" / "all-MiniLM-L6-v2"), pairs, place / "merged", LABELS)
    return export, place / "onnx", make(export, onnx, "onnx", onnx.Knobs(), place / "onnx")


def test_a_decoder_agrees_on_real_rows_and_answers(decoder: Made) -> None:
    export, folder, found = decoder
    assert (found.rows, found.golden) == (32, 20)
    assert found.difference < 1e-4
    assert found.answers == 1.0
    assert found.seconds["write"] > 0
    assert json.loads((folder / "agreement.json").read_text(encoding="utf-8"))["difference"] == found.difference
    assert (folder / "tokenizer.json").read_bytes() == (export.weights / "tokenizer.json").read_bytes()
    assert not list(folder.glob("*.safetensors"))


def test_an_encoder_with_a_head_agrees_on_real_rows(encoder: Made) -> None:
    _, _, found = encoder
    assert (found.rows, found.places) == (32, 32)
    assert found.difference < 1e-4
    assert found.argmax == 1.0


def test_an_encoder_decoder_agrees_and_answers_through_both_graphs(shared: Path, tmp_path: Path) -> None:
    words = "محمد احمد علي حسن خالد سعيد عمر يوسف"
    names = [user(" ".join(name)) for name in words.split(" ")]
    model = str(shared / "models" / "aren-transliteration")
    said = open_learner(ModelPart(name=model, device="cpu"), Opening()).reply(names)
    pairs = [(name, reply.text) for name, reply in zip(names, said, strict=True)]
    found = make(exported(model, pairs, tmp_path / "merged"), onnx, "onnx", onnx.Knobs(), tmp_path / "onnx")
    assert found.difference < 1e-4
    assert found.answers == 1.0
    assert {file.name for file in (tmp_path / "onnx").glob("*.onnx")} == {"encoder_model.onnx", "decoder_model.onnx"}


@pytest.mark.parametrize("rows", [1, 7])
def test_batches_and_lengths_that_the_exporter_never_saw(decoder: Made, rows: int) -> None:
    """A batch of another size, and a row longer than any that was replayed, give what the learner gives."""
    _, folder, _ = decoder
    learner = open_learner(ModelPart(name=str(EMBEDDED), device="cpu"), Opening())
    pairs = [(user(f"{'where is my parcel? 我的包裹在哪里？' * (3 * n + 3)}"), "We look.") for n in range(rows)]
    asked = replay_of(learner, pairs, [], room=1)
    engine = onnx._Engine(folder, asked)
    logits = engine.read(asked.rows)
    told = np.concatenate([one[list(row.at)] for one, row in zip(logits, asked.rows, strict=True)])
    np.testing.assert_allclose(told, asked.logits_NV, atol=1e-3)
    assert logits[0].shape[0] == max(len(row.ids) for row in asked.rows)


def test_keys_and_values_carry_what_was_read(decoder: Made) -> None:
    """Going on from a past gives what reading the whole gives; from another past it does not."""
    _, folder, _ = decoder
    ids = tuple(range(5, 25))
    empty = Replay("decoder", (), np.zeros((0, 1), np.float32), ())
    engine = onnx._Engine(folder, empty)
    whole = engine.read([ReplayRow(ids, (19,))])[0][-1]
    for begin, alike in ((ids[:19], True), ((*ids[:18], 30), False)):
        _, *past = engine._run(engine._filled([begin]), 1)
        stepped = engine._run(engine._filled([ids[19:]], 20), 1, past)[0][0, -1]
        assert np.allclose(stepped, whole, atol=1e-3) is alike


def test_int8_is_smaller_and_within_its_own_tolerance(encoder: Made, tmp_path: Path) -> None:
    export, folder, plain = encoder
    knobs = onnx.Knobs(int8=True)
    narrow = replace(onnx.tolerance(knobs), difference=1.0)  # a head that nobody trained has logits near nothing
    loose = standing_in(tolerance=lambda _: narrow, write=rounded(folder))
    found = make(export, loose, "onnx", knobs, tmp_path / "onnx")
    assert found.size < 0.4 * plain.size
    assert plain.difference < found.difference
    assert found.knobs == {"int8": True}


def test_int8_of_a_decoder_holds_what_is_asked_of_it(decoder: Made, tmp_path: Path) -> None:
    export, folder, plain = decoder
    found = make(export, standing_in(write=rounded(folder)), "onnx", onnx.Knobs(int8=True), tmp_path / "onnx")
    assert found.size < 0.5 * plain.size
    assert plain.difference < found.difference <= 0.25
    assert found.argmax >= 0.9


def test_a_broken_weight_is_refused_and_nothing_stays(decoder: Made, tmp_path: Path) -> None:
    export, folder, _ = decoder

    def broken(_export: Export, into: Path, _knobs: Any) -> None:
        import onnx as library

        shutil.copytree(folder, into, dirs_exist_ok=True)
        graph = library.load(str(into / "model.onnx"))
        tensor = max(graph.graph.initializer, key=lambda one: len(one.raw_data) * (len(one.dims) == 2))
        values = library.numpy_helper.to_array(tensor).copy()
        values *= 1.05
        tensor.CopyFrom(library.numpy_helper.from_array(values, tensor.name))
        library.save(graph, str(into / "model.onnx"))

    with pytest.raises(Fault, match="not the model that was trained"):
        make(export, standing_in(write=broken), "onnx", onnx.Knobs(), tmp_path / "onnx")
    assert list(tmp_path.iterdir()) == []


def test_too_large_and_missing_packages_are_said_plainly(
    decoder: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    export, _, _ = decoder
    with monkeypatch.context() as patch:
        patch.setattr(onnx, "LARGEST", 1000)
        with pytest.raises(UnsupportedError, match="do not fit into one ONNX file"):
            check(export, onnx, "onnx", onnx.Knobs())
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxscript" else True)
    with pytest.raises(UnsupportedError, match=r"onnxscript") as caught:
        check(export, onnx, "onnx", onnx.Knobs())
    assert "sayso[onnx]" in caught.value.fix


@pytest.mark.parametrize("kind", onnx.KINDS)
def test_how_to_use_it_runs_as_it_is_written(decoder: Made, kind: str, tmp_path: Path) -> None:
    export, folder, _ = decoder
    words = onnx.use(replace(export, kind=kind), onnx.Knobs())
    if kind == "decoder":
        code = words.split("```")[1].removeprefix("python\n").replace('"model.onnx"', "str(HERE / 'model.onnx')")
        found: dict[str, Any] = {"HERE": folder}
        exec(code.replace('"tokenizer.json"', "str(HERE / 'tokenizer.json')"), found)
        assert found["logits"].shape[2] == export.config["vocab_size"]
    assert ("position_ids" in words) is (kind == "decoder")


def rounded(folder: Path) -> Callable[..., None]:
    """Writing in int8, without tracing the model a second time."""

    def write(_export: Export, into: Path, _knobs: Any) -> None:
        shutil.copytree(folder, into, dirs_exist_ok=True)
        with onnx._quiet():
            onnx._quantise(into / "model.onnx")

    return write


def standing_in(**other: Callable[..., Any]) -> Any:
    """The exporter with some of its functions replaced."""
    names = ("Knobs", "KINDS", "check", "write", "replay", "tolerance", "use")
    return SimpleNamespace(**({name: getattr(onnx, name) for name in names} | other))
