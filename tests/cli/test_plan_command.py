"""`sayso plan`: estimates follow the recipe, one real step is measured, and the verdict is said in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sayso.cli import plan as told
from sayso.cli import train as teaching
from sayso.cli.layout import Lengths, downloaded, guessed_lengths, guessed_tokens, plan_project, row_limit, shape_for
from sayso.cli.plan import as_note, make_plan, plan_stage, words
from sayso.cli.rehearsal import count_lengths, rehearse
from sayso.errors import ModelError
from sayso.models import hardware, hub
from sayso.models.footprint import Shape
from sayso.models.hardware import Machine
from sayso.models.open import Opening, open_learner
from sayso.presets import resolve
from sayso.recipe import Recipe, load
from sayso.records import Example, Imitate, Lesson, user
from sayso.store.runs import Run

GB = 2**30
BIG = Machine(cores=2, memory=64 * GB, memory_available=64 * GB, disk_free=500 * GB)
BERT = Shape("encoder", 102_267_648, 768, 12, 12, 21128, 3072)
ROWS = Lengths(rows=1000, total=40_000, longest=128, supervised=0.0)
SPEEDS = {"float32": 100.0, "bfloat16": 300.0, "float16": 1.0}


def recipe_of(**sections: Any) -> Recipe:
    return Recipe.model_validate({"model": {"name": "google-bert/bert-base-chinese"}} | sections)


def tiny(texts: list[str]) -> dict[str, Any]:
    return {
        "model": {
            "scratch": {
                "model_type": "llama",
                "hidden_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "intermediate_size": 64,
            },
            "vocabulary": 300,
        },
        "task": {"name": "generate"},
        "strategy": {"epochs": 2, "batch_rows": 4},
    }


TEXTS = [f"第{i}句话 and some English {'very ' * (i % 7)}long" for i in range(40)]


class Notes:
    """The part of a run folder that the plan uses."""

    def __init__(self) -> None:
        self.folder = Path()
        self.notes: dict[str, Any] = {}
        self.stages: dict[str, str] = {}

    def note(self, name: str) -> Any:
        return self.notes.get(name)

    def write_note(self, name: str, value: Any) -> None:
        self.notes[name] = json.loads(json.dumps(value))

    def done(self, stage: str, fingerprint: str = "") -> bool:
        return self.stages.get(stage) == fingerprint

    def mark_done(self, stage: str, fingerprint: str = "") -> None:
        self.stages[stage] = fingerprint


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project of forty short rows and a tiny new decoder."""
    recipe = Recipe.model_validate(tiny(TEXTS))
    rows = tuple(Example(f"e{i}", user(text), f"回答 {i}") for i, text in enumerate(TEXTS))

    def learner(stage: str, tuning: str = "full") -> Any:
        return open_learner(recipe.model, Opening(tuning=tuning, texts=lambda: TEXTS))

    lessons = [Imitate(row.prompt, row.target or "") for row in rows]
    monkeypatch.setattr(teaching, "training_lessons", lambda project, learner: lessons)
    monkeypatch.setattr(hardware, "probe_dtypes", lambda device="cpu", seconds=0.0: SPEEDS)
    data = SimpleNamespace(train=rows)
    made = SimpleNamespace(recipe=recipe, data=data, labels=(), learner=learner, run=Notes())
    made.fingerprint = lambda stage: f"print of {stage}"
    return made


# ---------------------------------------------------------------- estimates


def test_the_plan_follows_the_presets_and_the_rows() -> None:
    laid = plan_project(recipe_of(), BERT, ROWS, BIG, 1e11, labels=2)
    (train,) = laid.stages
    assert train.strategy.preset == "encoder_some"
    assert train.steps == round(train.strategy.epochs * -(-1000 // train.strategy.batch_rows))
    assert train.load.tokens == pytest.approx(train.strategy.epochs * 40_000, rel=0.05)
    assert train.footprint.seconds > 0
    assert laid.fits
    assert laid.change is None


def test_more_epochs_take_more_time_and_no_more_memory() -> None:
    short, long = (
        plan_project(recipe_of(strategy={"epochs": n}), BERT, ROWS, BIG, 1e11).stages[0].footprint for n in (1, 3)
    )
    assert long.seconds == pytest.approx(3 * short.seconds, rel=0.01)
    assert long.peak == short.peak


def test_learning_from_comments_keeps_a_copy_to_compare_with() -> None:
    plan = plan_project(recipe_of(learn={"method": "imitate"}), BERT, ROWS, BIG)
    assert [stage.stage for stage in plan.stages] == ["train", "learn"]
    assert [stage.footprint.snapshots for stage in plan.stages] == [0, BERT.parameters * 4]
    assert plan.stages[1].footprint.held > plan.stages[0].footprint.held


def test_beams_must_fit_beside_each_other_for_the_longest_row() -> None:
    long, shape = replace(ROWS, longest=400), replace(BERT, kind="decoder")
    greedy, some, many = (
        plan_project(recipe_of(task={"name": "generate", "beams": n}), shape, long, BIG).stages[0].footprint.evaluation
        for n in (1, 20, 40)
    )
    assert greedy == some < many


def test_what_does_not_fit_names_the_smallest_change() -> None:
    laid = plan_project(recipe_of(strategy={"micro_tokens": 16384, "batch_rows": 256}), BERT, ROWS, BIG)
    small = replace(BIG, memory_available=int(laid.peak * 0.8))
    tight = plan_project(recipe_of(strategy={"micro_tokens": 16384, "batch_rows": 256}), BERT, ROWS, small)
    assert not tight.fits
    assert tight.change is not None
    assert tight.change.key == "strategy.micro_tokens"
    said = " ".join(words(tight, None))
    assert "does not fit" in said
    assert f"strategy.micro_tokens: {tight.change.value}" in said


def test_a_smaller_model_is_named_for_the_task_and_language() -> None:
    shape = replace(BERT, parameters=325_522_432, hidden=1024, layers=24, heads=16, intermediate=4096)
    recipe = recipe_of(strategy={"tuning": "frozen"}, task={"source_language": "zh"})
    memory = int(plan_project(recipe, shape, ROWS, BIG).peak * 0.75)
    laid = plan_project(recipe, shape, ROWS, replace(BIG, memory_available=memory))
    assert laid.change is not None
    assert laid.change.key in ("model.name", "model.max_length", "evaluate.batch_tokens")
    nothing = plan_project(recipe, shape, ROWS, replace(BIG, memory_available=2**20))
    assert nothing.change is None
    assert "No single change" in " ".join(words(nothing, None))


def test_a_change_in_the_learn_stage_has_its_own_key() -> None:
    recipe = recipe_of(learn={"method": "prefer", "strategy": {"micro_tokens": 16384, "batch_rows": 256}})
    laid = plan_project(recipe, BERT, ROWS, BIG)
    tight = plan_project(recipe, BERT, ROWS, replace(BIG, memory_available=int(laid.peak * 0.9)))
    assert tight.change is not None
    assert tight.change.key == "learn.strategy.micro_tokens"


def test_too_little_disk_is_said() -> None:
    laid = plan_project(recipe_of(), BERT, ROWS, replace(BIG, disk_free=GB))
    assert not laid.fits
    assert any("not enough" in sentence for sentence in words(laid, None))


def test_the_plan_is_plain_values() -> None:
    plain = json.loads(json.dumps(as_note(plan_project(recipe_of(), BERT, ROWS, BIG), None)))
    assert plain["fits"] is True
    assert plain["stages"][0]["strategy"]["tuning"] == "full"
    assert plain["stages"][0]["footprint"]["peak"] == plain["peak"]
    assert plain["probe"] is None


# ---------------------------------------------------------------- sizes and lengths


def test_tokens_are_guessed_for_both_languages() -> None:
    assert guessed_tokens("今天天气很好") == 6
    assert guessed_tokens("the weather is fine") == 5
    assert guessed_tokens("") == 0


def test_the_guess_is_near_a_real_tokenizer(shared: Path) -> None:
    from transformers import AutoTokenizer

    real = AutoTokenizer.from_pretrained(shared / "models/all-MiniLM-L6-v2", local_files_only=True)
    lines = (shared / "data/sst2/train.tsv").read_text(encoding="utf-8").splitlines()[1:200]
    counted = sum(len(real(line, add_special_tokens=False)["input_ids"]) for line in lines)
    assert sum(guessed_tokens(line) for line in lines) == pytest.approx(counted, rel=0.35)


def test_rows_are_cut_and_an_encoder_reads_no_target() -> None:
    rows = [Example("a", user("好" * 600), "是"), Example("b", user("短"), "否")]
    long = guessed_lengths(rows, "decoder", 512)
    assert (long.rows, long.longest) == (2, 512)
    assert guessed_lengths(rows, "encoder", 512).total < long.total
    assert guessed_lengths([], "encoder", 512).longest == 1


def test_shapes_come_from_the_catalogue_a_folder_or_the_recipe(shared: Path) -> None:
    assert shape_for(recipe_of()).parameters == 102_267_648
    folder = recipe_of(model={"name": str(shared / "models/stories260k")})
    assert shape_for(folder).parameters == 260_032
    assert row_limit(folder, shape_for(folder)) == 512
    new = shape_for(Recipe.model_validate(tiny(TEXTS)))
    assert (new.kind, new.hidden, new.vocabulary) == ("decoder", 32, 300)


def test_a_model_of_unknown_size_is_an_error() -> None:
    with pytest.raises(ModelError) as caught:
        shape_for(recipe_of(model={"name": "hfl/chinese-macbert-bass"}))
    assert "hfl/chinese-macbert-base" in caught.value.fix
    with pytest.raises(ModelError):
        shape_for(recipe_of(model={"name": "./没有"}))
    assert downloaded("a/b/c") is None


def test_an_unlisted_model_is_sized_by_its_config_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"model_type": "bert", "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
    (tmp_path / "config.json").write_text(json.dumps(config | {"intermediate_size": 256, "vocab_size": 1000}))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda name, file: str(tmp_path / file))
    monkeypatch.setattr(hub, "reachable", lambda: True)
    shape = shape_for(recipe_of(model={"name": "somebody/a-bert"}))
    assert (shape.kind, shape.layers, shape.parameters) == ("encoder", 3, 3 * (4 * 64**2 + 2 * 64 * 256) + 64_000)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="the hub does not give it"):
        shape_for(recipe_of(model={"name": "somebody/a-bert"}))


@pytest.mark.parametrize("task", ["translate", "generate"])
def test_an_encoder_is_refused_what_it_cannot_do_before_it_is_opened(task: str) -> None:
    with pytest.raises(ModelError, match="'google-bert/bert-base-chinese' is an encoder") as caught:
        shape_for(recipe_of(task={"name": task}))
    assert f"sayso models --task {task}" in caught.value.fix
    assert shape_for(recipe_of(task={"name": "text"})).kind == "encoder"


# ---------------------------------------------------------------- the real step


def test_the_counts_of_a_probe_are_those_of_the_rows(project: Any) -> None:
    learner = project.learner("base")
    lessons: list[Lesson] = [Imitate(user(text), "好") for text in TEXTS]
    lengths = count_lengths(learner, lessons)
    rows = [learner.row(lesson.context, lesson.target, lesson) for lesson in lessons]  # type: ignore[union-attr]
    assert lengths.counted
    assert (lengths.rows, lengths.longest) == (40, max(len(row.ids) for row in rows))
    assert lengths.total == sum(len(row.ids) for row in rows)


def test_a_step_is_measured_on_the_longest_rows(project: Any) -> None:
    learner = project.learner("base")
    lessons: list[Lesson] = [Imitate(user(text), "好") for text in TEXTS]
    before = [p.detach().clone() for _, p in learner.core.parameters()]
    strategy = resolve(project.recipe.strategy, "decoder", 40, 10_000)
    longest = count_lengths(learner, lessons).longest
    found = rehearse(learner, lessons, strategy.model_copy(update={"micro_tokens": 3 * longest}))
    assert found.rows == 3
    assert 2 * longest < found.tokens <= 3 * longest
    assert found.tokens_per_second > 0
    assert found.peak > 50 * 2**20
    moved = [not torch.equal(a, p) for a, (_, p) in zip(before, learner.core.parameters(), strict=True)]
    assert any(moved)


def test_the_plan_of_a_project_is_measured_and_kept(project: Any) -> None:
    note = plan_stage(project)
    assert note["probe"]["tokens_per_second"] > 0
    assert note["lengths"]["counted"] is True
    assert any("One real step held" in sentence for sentence in note["words"])
    assert any("measured" in sentence for sentence in note["words"])
    assert project.run.notes["plan"] == json.loads(json.dumps(note))
    project.learner = None  # a second time nothing is opened
    assert plan_stage(project) == project.run.notes["plan"]


def test_without_a_probe_nothing_is_opened(project: Any) -> None:
    project.learner = None
    laid, measured = make_plan(project, probe=False)
    assert measured is None
    assert not laid.lengths.counted
    assert any("no step was measured" in sentence for sentence in words(laid, measured))


def test_what_does_not_fit_is_not_tried(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "machine", lambda folder: replace(BIG, memory_available=2**20))
    project.learner = None
    laid, measured = make_plan(project, probe=True)
    assert (laid.fits, measured) == (False, None)


def test_a_model_that_is_not_downloaded_is_not_opened(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "machine", lambda folder: BIG)
    project.recipe = recipe_of()
    project.learner = None
    assert make_plan(project, probe=True)[1] is None


def test_the_format_of_matrix_products_is_chosen_once_per_run(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    laid, _ = make_plan(project, probe=False)
    assert laid.advice[0] == "Matrix products run in bfloat16: bfloat16 is 3.0 times as fast as float32 here."
    assert project.run.notes["dtype"]["dtype"] == "bfloat16"
    monkeypatch.setattr(hardware, "probe_dtypes", lambda device="cpu", seconds=0.0: SPEEDS | {"bfloat16": 1.0})
    assert make_plan(project, probe=False)[0].advice == laid.advice


def test_a_bad_format_and_a_method_that_cannot_run_are_said(project: Any) -> None:
    def advice(**sections: Any) -> str:
        project.recipe = recipe_of(**sections)
        return " ".join(make_plan(project, probe=False)[0].advice)

    asked = {"name": "google-bert/bert-base-chinese", "dtype": "float32"}
    assert "bfloat16 would be better" in advice(model=asked)
    assert "cannot run" in advice(strategy={"tuning": "qlora"})
    assert "cannot run" not in advice(strategy={"tuning": "lora"})


def test_a_step_far_above_the_estimate_is_said() -> None:
    laid = plan_project(recipe_of(), BERT, ROWS, BIG)
    from sayso.cli.rehearsal import Rehearsal

    assert any("far more" in sentence for sentence in words(laid, Rehearsal(100 * GB, 1.0, 1, 100, 100.0)))


def test_the_printed_plan(project: Any, capsys: pytest.CaptureFixture[str]) -> None:
    told._print(*make_plan(project, probe=True))
    out = capsys.readouterr().out
    for part in ("decoder", "counted", "optimiser", "peak", "It fits", "One real step", "tokens/s"):
        assert part in out


def test_the_command_on_a_recipe_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sayso.outline import write

    rows = [json.dumps({"text": text, "target": f"回答 {i}"}, ensure_ascii=False) for i, text in enumerate(TEXTS)]
    (tmp_path / "rows.jsonl").write_text("\n".join(rows), encoding="utf-8")
    sections = tiny(TEXTS) | {"data": {"train": {"path": "rows.jsonl"}}, "run": "here"}
    (tmp_path / "recipe.yaml").write_text(write(sections), encoding="utf-8")
    told.plan(tmp_path / "recipe.yaml", json=True)
    plain = json.loads(capsys.readouterr().out)
    assert plain["fits"] is True
    assert plain["lengths"]["rows"] == 36
    assert plain["probe"]["rows"] == 4
    told.plan(tmp_path / "recipe.yaml", probe=False)
    assert "guessed from characters" in capsys.readouterr().out
    assert not (tmp_path / "here").exists()


def test_a_plan_of_what_might_be_changed_leaves_the_run_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sayso.outline import write

    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"text": t, "target": "x"}) for t in TEXTS), "utf-8")
    sections = tiny(TEXTS) | {"data": {"train": {"path": "rows.jsonl"}}, "run": "here"}
    (tmp_path / "recipe.yaml").write_text(write(sections), encoding="utf-8")
    run = Run.create(tmp_path / "here", load(tmp_path / "recipe.yaml"))
    run.write_note("dtype", {"dtype": "float16", "why": "it was chosen before"})
    run.mark_done("train begun", "x")
    before = {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()}
    looked: list[Path] = []
    monkeypatch.setattr("sayso.models.hardware.disk_free", lambda folder: looked.append(folder) or 10**9)
    told.plan(tmp_path / "recipe.yaml", set_=["strategy.learning_rate=0.5"], probe=False, json=True)
    plain = json.loads(capsys.readouterr().out)
    assert plain["advice"][0].startswith("Matrix products run in float16")
    assert {file: file.read_bytes() for file in run.folder.rglob("*") if file.is_file()} == before
    assert looked == [run.folder]
    assert plain["disk_free"] == 10**9


def test_a_step_is_not_larger_than_the_data() -> None:
    small = Lengths(rows=10, total=400, longest=128, supervised=0.0)
    laid = plan_project(
        recipe_of(strategy={"batch_tokens": 10**6, "micro_tokens": 10**6, "epochs": 2}), BERT, small, BIG
    )
    assert laid.stages[0].steps == 2
    assert laid.stages[0].load.tokens == 800
    assert laid.stages[0].load.micro_tokens <= 10 * 128
