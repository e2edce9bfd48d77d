"""The list is whole and consistent with itself; filters mean what they say; recommendations follow what is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.errors import UserError
from sayso.models import catalogue
from sayso.models.catalogue import KINDS, TASKS, Entry, Wish, find, load, need, recommend, select, smaller_ones, speaks
from sayso.models.footprint import body_parameters

GB = 2**30
DOWNLOADED = [entry for entry in load() if entry.id != "embedded"]


def ids(entries: list[Entry]) -> set[str]:
    return {entry.id for entry in entries}


def best(*asked: object) -> Entry:
    return recommend(*asked)[0][0]  # type: ignore[arg-type]


# ---------------------------------------------------------------- the list


def test_the_list_covers_the_three_kinds_and_both_languages() -> None:
    assert len(DOWNLOADED) >= 30
    assert len(ids(DOWNLOADED)) == len(DOWNLOADED)
    for kind in KINDS:
        for language in ("zh", "en"):
            assert len(select(DOWNLOADED, Wish(kind=kind, language=language))) >= 3


@pytest.mark.parametrize("entry", DOWNLOADED, ids=lambda entry: entry.id)
def test_every_entry_is_whole(entry: Entry) -> None:
    assert set(entry.tasks) <= set(TASKS)
    assert entry.tasks
    assert entry.languages
    assert entry.licence
    assert entry.notes
    assert 1 <= entry.strength <= 5
    assert (entry.kind == "encoder_decoder") == (entry.shape.encoder_layers > 0)


@pytest.mark.parametrize("entry", DOWNLOADED, ids=lambda entry: entry.id)
def test_the_parameters_agree_with_the_sizes(entry: Entry) -> None:
    """Layers and one table, or two where they are not tied: nothing else in these models is large."""
    shape = entry.shape
    table = shape.vocabulary * (128 if "electra" in entry.id else shape.hidden)
    places = 0 if shape.kind == "decoder" and shape.gated else 1024 * shape.hidden
    least, most = body_parameters(shape) + table, body_parameters(shape) + 2 * table + places
    assert least * 0.99 <= shape.parameters <= most * 1.03


def test_the_list_is_read_without_torch() -> None:
    code = "import sys; from sayso.models.catalogue import load, recommend; recommend('classify', 'zh', 500, 2**33)"
    code += "; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_the_embedded_model_is_listed_where_it_is_carried(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "EMBEDDED", shared / "models/stories260k")
    found = {entry.id: entry for entry in load.__wrapped__()}["embedded"]
    assert (found.shape.parameters, found.shape.layers) == (260_032, 5)
    monkeypatch.setattr(catalogue, "EMBEDDED", shared / "nothing")
    assert "embedded" not in {entry.id for entry in load.__wrapped__()}


def test_an_entry_is_found_by_its_id() -> None:
    found = find("qwen/qwen3-0.6b")
    assert found is not None
    assert found.as_json()["shape"]["hidden"] == 1024
    assert find("没有这个模型") is None


# ---------------------------------------------------------------- filters


def test_a_language_means_the_model_reads_it() -> None:
    chinese = ids(select(DOWNLOADED, Wish(language="zh")))
    assert "google-bert/bert-base-chinese" in chinese
    assert "FacebookAI/xlm-roberta-base" in chinese
    assert "google-bert/bert-base-uncased" not in chinese
    assert "meta-llama/Llama-3.2-1B-Instruct" not in chinese


def test_a_direction_means_the_model_translates_that_way() -> None:
    there = ids(select(DOWNLOADED, Wish(task="translate", language="zh-en")))
    assert "Helsinki-NLP/opus-mt-zh-en" in there
    assert "Helsinki-NLP/opus-mt-en-zh" not in there
    assert "facebook/nllb-200-distilled-600M" in there
    assert "google-t5/t5-small" not in there


def test_open_licences_have_no_conditions() -> None:
    free = select(DOWNLOADED, Wish(licence="open"))
    assert {entry.licence for entry in free} == {"apache-2.0", "mit", "cc-by-4.0"}
    assert {entry.licence for entry in select(DOWNLOADED, Wish(licence="gemma"))} == {"gemma"}


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(["", *TASKS]),
    st.sampled_from(["", "zh", "en", "de"]),
    st.sampled_from(["", *KINDS]),
    st.sampled_from(["auto", "full", "lora", "frozen"]),
    st.integers(1, 64),
)
def test_every_filter_only_takes_away(task: str, language: str, kind: str, tuning: str, gigabytes: int) -> None:
    wish = Wish(task=task, language=language, kind=kind, tuning=tuning, memory=gigabytes * GB)
    found = select(DOWNLOADED, wish)
    more = select(DOWNLOADED, Wish(task=task, language=language, kind=kind, tuning=tuning, memory=2 * gigabytes * GB))
    assert ids(found) <= ids(more)
    for entry in found:
        assert not task or task in entry.tasks
        assert not language or speaks(entry, language)
        assert not kind or entry.kind == kind
        assert need(entry, tuning).peak <= wish.memory


def test_adapters_let_larger_models_fit() -> None:
    full = ids(select(DOWNLOADED, Wish(tuning="full", memory=24 * GB, language="zh")))
    adapted = ids(select(DOWNLOADED, Wish(tuning="lora", memory=24 * GB, language="zh")))
    assert full < adapted


@pytest.mark.parametrize(
    ("wish", "meant"),
    [
        (Wish(task="clasify"), "classify"),
        (Wish(kind="encoders"), "encoder"),
        (Wish(licence="apache"), "apache-2.0"),
        (Wish(tuning="lorra"), "lora"),
        (Wish(language="中文"), "choose one of"),
    ],
)
def test_words_that_name_nothing_are_errors_with_the_nearest(wish: Wish, meant: str) -> None:
    with pytest.raises(UserError) as caught:
        select(DOWNLOADED, wish)
    assert meant in caught.value.fix


# ---------------------------------------------------------------- recommendations


def test_labels_want_an_encoder_of_the_language() -> None:
    for language in ("zh", "en"):
        entry, reasons = recommend("classify", language, 5000, 16 * GB)[0]
        assert entry.kind == "encoder"
        assert entry.languages == (language,)
        assert any("encoder with a head" in reason for reason in reasons)
        assert any(f"made for {language} alone" in reason for reason in reasons)
        assert any("16.0 GB" in reason for reason in reasons)


def test_a_handful_of_labels_wants_a_model_that_follows_instructions() -> None:
    entry, reasons = recommend("classify", "zh", 20, 16 * GB)[0]
    assert entry.instruct
    assert any("with 20 rows" in reason for reason in reasons)


def test_translation_wants_a_translator_of_the_direction() -> None:
    assert best("translate", "zh-en", 10_000, 16 * GB).id == "Helsinki-NLP/opus-mt-zh-en"
    assert best("translate", "en-zh", 10_000, 16 * GB).id == "Helsinki-NLP/opus-mt-en-zh"
    licences = [entry.licence for entry, _ in recommend("translate", "zh-de", 10_000, 64 * GB)]
    assert licences.index("mit") < licences.index("cc-by-nc-4.0")


def test_instructions_want_a_tuned_decoder_and_pretraining_a_base_model() -> None:
    assert best("generate", "zh", 500, 16 * GB).instruct
    assert not best("text", "zh", 500, 16 * GB).instruct


def test_a_small_machine_gets_small_models_or_none() -> None:
    small = recommend("generate", "en", 500, 4 * GB)
    assert small
    assert all(need(entry).peak <= 4 * GB for entry, _ in small)
    assert recommend("generate", "zh", 500, 2**20) == []


def test_what_runs_code_of_its_own_is_listed_but_not_recommended() -> None:
    assert any(entry.remote_code for entry in load())
    assert not any(entry.remote_code for entry, _ in recommend("generate", "zh", 500, 200 * GB))


def test_every_reason_is_said_in_words() -> None:
    for task in TASKS:
        for entry, reasons in recommend(task, "en", 500, 64 * GB):
            assert reasons, entry.id
            assert all(reason and not reason.endswith(".") for reason in reasons)


def test_smaller_models_are_of_the_same_kind_and_largest_first() -> None:
    big = find("Qwen/Qwen2.5-7B-Instruct")
    assert big is not None
    others = smaller_ones(big, Wish(language="zh", task="generate"))
    sizes = [shape.parameters for _, shape in others]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] < big.shape.parameters
    assert {shape.kind for _, shape in others} == {"decoder"}
    assert smaller_ones(others[-1][1], Wish(language="zh", task="generate")) == []
