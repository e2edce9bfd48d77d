from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso import outline
from sayso.errors import RecipeError
from sayso.recipe import FilePart, ModelPart, Recipe, dump, load, parse, resolve_paths

GOOD = """\
# 情感分类
name: 情感
seed: 7
task: {name: classify, labels: [正面, 负面]}
model:
  name: embedded
data:
  train: {path: train.jsonl, columns: {text: 0, label: 1}}
  label_names: {0: 负面, 1: 正面}
strategy:
  learning_rate: 3e-5
  packing: on
  epochs: 2
learn:
"""

BAD = [
    ("strategy:\n  learning_rat: 1\n", ":2", "strategy -> learning_rat", "learning_rate"),
    ("strategy:\n  learning_rate: -1\n", ":2", "strategy -> learning_rate: -1", "0.0 or more"),
    ("strategy:\n  learning_rate: fast\n", ":2", "'fast'", "a number"),
    ("strategy:\n  learning_rate: .nan\n", ":2", "learning_rate: '.nan'", "a number"),
    ("strategy:\n  learning_rate: nan\n", ":2", "learning_rate: nan", "finite"),
    ("strategy:\n  warmup: -0.5\n", ":2", "strategy -> warmup", "-1 for the preset's"),
    ("strategy:\n  tuning: loar\n", ":2", "'loar'", "did you mean 'lora'"),
    ("strategy:\n  packing:\n", ":2", "strategy -> packing: nothing", "text"),
    ("strategy:\n  preset: encoder_fwe\n", ":2", "encoder_fwe", "did you mean 'encoder_few'"),
    ("feedback:\n  held_out: 1.5\n", ":2", "feedback -> held_out", "at most 1"),
    ("data:\n  validation_share: 1\n", ":2", "validation_share", "less than 1"),
    ("seed: 一\n", ":1", "seed: '一'", "a whole number"),
    ("seed: 1.5\n", ":1", "seed: '1.5'", "a whole number"),
    ("seed: [1]\n", ":1", "seed: a list", "a whole number"),
    ("task:\n  several: maybe\n", ":2", "'maybe'", "true or false"),
    ("task:\n  labels: 正面\n", ":2", "task -> labels: '正面'", "a list"),
    ("data:\n  train: {format: csv}\n", ":2", "data -> train -> path", "missing"),
    ("data:\n  train: train.jsonl\n", ":2", "data -> train", "a section of path"),
    ("data:\n  train: {path: x, format: cvs}\n", ":2", "'cvs'", "csv"),
    ("learn:\n  method: imitat\n", ":2", "learn -> method", "'imitat'"),
    ("feedback:\n  critics:\n  - name: nobody\n", ":3", "feedback -> critics -> 0 -> name", "'nobody'"),
    ("name: a/b\n", ":1", "name: 'a/b'", "without slashes"),
    ("strategy:\n\tepochs: 2\n", ":2", "tab", "spaces"),
    ("seed: 1\nseed: 2\n", ":2", "'seed' stands twice", "line 1"),
    ("data:\n  label_names: {0: a, 0: b}\n", ":2", "'0' stands twice", "keep one"),
    ("---\nseed: 1\n---\nseed: 2\n", ":3", "second document", "one file"),
    ("- a\n- b\n", ":1", "a list", "a section of name"),
    ("训练\n", ":1", "'训练'", "a section of name"),
    ("", ":1", "empty", "sayso init"),
    ("# 只有注释\n", ":1", "empty", "sayso init"),
    ("task: {labels: [正面\n", ":2", "", "key: value"),
    ("name: a: b\n", ":1", "mapping values", "quotes"),
    ("a: &x 1\nb: *x\n", ":1", "anchors", "key: value"),
    ("seed: !!python/object:os.system 1\n", ":1", "tag", "plain text"),
    ("? [a, b]\n: 1\n", ":1", "where a key should", "key: value"),
    ('name: "\\ud800"\n', ":1", "character", "text"),
    ("name: \x07\n", ":1", "character", ""),
    ("[" * 500, "", "", ""),
    ("learn: {knobs: {a: " + "[" * 60 + "]" * 60 + "}}", ":1", "deep", "flatter"),
    ("learn: {knobs: {a: " + "9" * 5000 + "}}", ":1", "", ""),
    ("seed: " + "9" * 5000, ":1", "seed", "a whole number"),
    ("learn: {knobs: {a: 1e999}}", ":1", "1e999", "float"),
]


def test_a_good_recipe_says_what_it_means() -> None:
    recipe = parse(GOOD)
    assert recipe.name == "情感"
    assert recipe.task.labels == ["正面", "负面"]
    assert recipe.strategy.learning_rate == 3e-5
    assert recipe.strategy.packing == "on"
    assert recipe.data.train == FilePart(path="train.jsonl", columns={"text": "0", "label": "1"})
    assert recipe.data.label_names == {"0": "负面", "1": "正面"}
    assert recipe.learn == Recipe().learn


@pytest.mark.parametrize(("text", "line", "what", "help_"), BAD)
def test_a_bad_recipe_says_where_what_and_how_to_mend_it(text: str, line: str, what: str, help_: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(text, "r.yaml")
    words = str(caught.value)
    assert words.startswith("r.yaml" + line)
    assert what in words
    assert help_ in words
    assert caught.value.exit_code == 2


def test_text_is_taken_as_written_where_text_is_expected() -> None:
    recipe = parse("task:\n  labels: [on, no, 007, 1.10, 12:30, 2024-01-01, 'null']\n  several: yes\n")
    assert recipe.task.labels == ["on", "no", "007", "1.10", "12:30", "2024-01-01", "null"]
    assert recipe.task.several is True


def test_where_anything_may_stand_values_keep_their_type() -> None:
    recipe = parse("learn: {knobs: {beta: 1e-1, n: 3, on: yes, ok: true, none: ~, list: [1, 二]}}")
    assert recipe.learn.knobs == {"beta": 0.1, "n": 3, "on": "yes", "ok": True, "none": None, "list": [1, "二"]}


def test_whole_numbers_may_be_written_as_powers_of_ten() -> None:
    recipe = parse("strategy: {steps: 1e3, batch_tokens: 4_096, learning_rate: '2e-5'}")
    assert (recipe.strategy.steps, recipe.strategy.batch_tokens) == (1000, 4096)
    assert recipe.strategy.learning_rate == 2e-5


def test_overrides_win_and_are_checked_like_the_file(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(GOOD, encoding="utf-8")
    said = ["strategy.learning_rate=1e-4", "task.labels=[好, 坏]", "data.test.path=t.jsonl", "task.question=好吗: 是?"]
    recipe = load(file, [*said, "learn.knobs.beta=0.2", "data.train.columns.id=2"])
    assert recipe.strategy.learning_rate == 1e-4
    assert recipe.task.labels == ["好", "坏"]
    assert recipe.task.question == "好吗: 是?"
    assert recipe.learn.knobs == {"beta": 0.2}
    assert recipe.data.train is not None
    assert recipe.data.train.columns["id"] == "2"
    assert recipe.data.test is not None
    assert recipe.data.test.path == str(Path.cwd() / "t.jsonl")


def test_an_override_reaches_into_a_list(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("task: {labels: [a, b]}\n", encoding="utf-8")
    assert load(file, ["task.labels.1=乙"]).task.labels == ["a", "乙"]
    assert load(file, ["feedback.store=postgresql+psycopg://x/y"]).feedback.store == "postgresql+psycopg://x/y"
    assert load(file, ["run=here"]).run == str(Path.cwd() / "here")
    assert load(file, ["feedback.files=[c.jsonl]"]).feedback.files == [str(Path.cwd() / "c.jsonl")]
    assert load(file, ["data.test="]).data.test is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("strategy.learning_rat=1", "did you mean 'learning_rate'?"),
        ("strategy.learning_rate", "needs a value"),
        ("strategy.learning_rate=-3", "0.0 or more"),
        ("strategy.learning_rate.x=1", "no keys of its own"),
        ("task.labels.5=x", "no entry '5'"),
        ("seed.x=1", "no keys of its own"),
        ("task=[", "--set task=["),
        ("=", "unknown key"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, override: str, words: str) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("task: {labels: [a, b]}\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="--set") as caught:
        load(file, [override])
    assert words in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(RecipeError, match="No such file") as caught:
        load(tmp_path / "recipe.yml")
    assert "recipe.yaml" in caught.value.fix
    with pytest.raises(RecipeError, match="directory"):
        load(tmp_path)
    (tmp_path / "gbk.yaml").write_bytes("seed: 1\nname: 情感\n".encode("gbk"))
    with pytest.raises(RecipeError, match=r"gbk.yaml:2: not UTF-8"):
        load(tmp_path / "gbk.yaml")
    (tmp_path / "bom.yaml").write_bytes("\ufeffname: 情感\r\n".encode())
    assert load(tmp_path / "bom.yaml").name == "情感"


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "模型").mkdir()
    (tmp_path / "a,b.jsonl").touch()
    text = "data: {train: {path: d/a.jsonl}, validation: {path: 'x.zh, x.en'}, test: {path: 'hub:sst2'}}\n"
    (tmp_path / "r.yaml").write_text(
        text + "model: {name: 模型}\nfeedback: {files: [c.jsonl], store: 评.db}\nrun: out\n", encoding="utf-8"
    )
    recipe = load(tmp_path / "r.yaml")
    data = recipe.data
    assert data.train
    assert data.validation
    assert data.test
    assert data.train.path == str(tmp_path / "d" / "a.jsonl")
    assert data.validation.path == f"{tmp_path / 'x.zh'},{tmp_path / 'x.en'}"
    assert data.test.path == "hub:sst2"
    assert recipe.model.name == str(tmp_path / "模型")
    assert recipe.feedback.files == [str(tmp_path / "c.jsonl")]
    assert recipe.feedback.store == str(tmp_path / "评.db")
    assert recipe.run == str(tmp_path / "out")
    comma = resolve_paths(Recipe(data={"train": {"path": "a,b.jsonl"}}), tmp_path)  # type: ignore[arg-type]
    assert comma.data.train is not None
    assert comma.data.train.path == str(tmp_path / "a,b.jsonl")


def test_a_model_is_a_folder_only_where_there_is_one(tmp_path: Path) -> None:
    def located(name: str) -> str:
        return resolve_paths(Recipe(model=ModelPart(name=name)), tmp_path).model.name

    (tmp_path / "embedded").mkdir()
    assert located("embedded") == "embedded"
    assert located("google-bert/bert-base-chinese") == "google-bert/bert-base-chinese"
    assert located("./nowhere") == str(tmp_path / "nowhere")
    assert located("~/m") == os.path.expanduser("~/m")  # noqa: PTH111


def test_a_critic_names_files_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("")
    (tmp_path / "judge").mkdir()
    knobs = [
        {"program": "checks.py:polite"},
        {"program": "grep -q 您好"},
        {"model": "judge"},
        {"model": "owner/judge"},
        {"model": "http://localhost:8000/v1#judge"},
    ]
    recipe = Recipe.model_validate({"feedback": {"critics": [{"name": "any", "knobs": one} for one in knobs]}})
    assert [one.knobs for one in resolve_paths(recipe, tmp_path).feedback.critics] == [
        {"program": f"{tmp_path}/checks.py:polite"},
        knobs[1],
        {"model": f"{tmp_path}/judge"},
        *knobs[3:],
    ]


def test_resolving_paths_twice_changes_nothing(tmp_path: Path) -> None:
    once = resolve_paths(parse(GOOD), tmp_path)
    assert resolve_paths(once, Path("/elsewhere")) == once
    assert resolve_paths(Recipe(), tmp_path) == Recipe()


# ---------------------------------------------------------------- properties

_WORDS = st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    [
        "on",
        "no",
        "null",
        "~",
        "3e-5",
        "007",
        "1_000",
        ": ",
        "#",
        "- ",
        "<<",
        "=",
        "12:30",
        "true",
        ".inf",
        "2024-01-01",
        "情感",
    ]
)
_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=3),
    max_leaves=8,
)
_YAMLISH = st.text(
    alphabet=st.sampled_from(list("name:se dt{}[],-&*!|>'\"#\n\t %@`?~.0123456789eé模\0\ud800")), max_size=60
)


@settings(deadline=None, max_examples=60)
@given(labels=st.lists(_WORDS, max_size=4), knobs=st.dictionaries(_WORDS, _PLAIN, max_size=4), rate=st.floats(0, 1))
def test_what_is_written_is_read_back(labels: list[str], knobs: dict[str, object], rate: float) -> None:
    recipe = parse(GOOD).model_copy(
        update={
            "task": parse(GOOD).task.model_copy(update={"labels": labels}),
            "learn": parse(GOOD).learn.model_copy(update={"knobs": knobs}),
            "strategy": parse(GOOD).strategy.model_copy(update={"learning_rate": rate}),
        }
    )
    assert parse(dump(recipe)) == recipe


@settings(deadline=None, max_examples=150)
@given(text=_YAMLISH)
def test_any_text_gives_a_recipe_or_a_recipe_error(text: str) -> None:
    _recipe_or_error(text)


@settings(deadline=None, max_examples=150)
@given(at=st.integers(0, len(GOOD)), cut=st.integers(0, 20), put=_YAMLISH | _WORDS)
def test_any_mutation_gives_a_recipe_or_a_recipe_error(at: int, cut: int, put: str) -> None:
    _recipe_or_error(GOOD[:at] + put + GOOD[at + cut :])


@settings(deadline=None, max_examples=80)
@given(section=st.sampled_from(sorted(Recipe.model_fields)), value=_PLAIN)
def test_any_value_in_a_section_gives_a_recipe_or_a_recipe_error(section: str, value: object) -> None:
    _recipe_or_error(outline.write({section: value}))


@settings(deadline=None, max_examples=60)
@given(raw=st.binary(max_size=40))
def test_any_bytes_give_a_recipe_or_a_recipe_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_bytes(raw)
    try:
        assert isinstance(load(file), Recipe)
    except RecipeError as error:
        _says_where(error, str(file))


def _recipe_or_error(text: str) -> None:
    try:
        recipe = parse(text, "r.yaml")
    except RecipeError as error:
        _says_where(error, "r.yaml")
    else:
        assert parse(dump(recipe)) == recipe


def _says_where(error: RecipeError, file: str) -> None:
    assert error.where.startswith(file)
    assert error.what
