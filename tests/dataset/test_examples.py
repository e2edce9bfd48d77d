from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sayso.dataset.examples import Loaded, load
from sayso.errors import DataError, UserError
from sayso.recipe import DataPart, FilePart, TaskPart
from sayso.records import Message, Split


def loaded(
    folder: Path, rows: list[Any] | str, task: TaskPart | None = None, split: Split = "train", **data: Any
) -> Loaded:
    name = "a.jsonl" if isinstance(rows, list) else "a.csv"
    text = rows if isinstance(rows, str) else "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / name).write_text(text, encoding="utf-8")
    part = FilePart(
        path=name, **{key: data.pop(key) for key in ("columns", "options", "limit", "skip") if key in data}
    )
    return load(part, split, task or TaskPart(), DataPart(train=part, **data), folder)


def reasons(found: Loaded) -> dict[int, str]:
    return {row.line: row.reason for row in found.dropped}


def test_every_row_is_an_example_or_has_a_reason(tmp_path: Path) -> None:
    rows = [
        {"text": " 很好 ", "label": 1},
        {"text": "", "label": 1},
        {"text": "\u200b\u0000", "label": 1},
        {"label": 1},
        {"text": "坏", "label": None},
        {"text": 5, "label": 0},
        {"text": "x", "label": {"a": 1}},
        {"text": "x", "label": [0, 1]},
        {"text": "half \ud800", "label": 0},
        {"text": "fine", "label": 1.0},
    ]
    found = loaded(tmp_path, [{**row, "text": row["text"]} if "text" in row else row for row in rows[:8]])
    assert reasons(found) == {
        2: "empty text",
        3: "empty text",
        4: "no text",
        5: "no label",
        6: "the text is a number, not text",
        7: "the label is an object",
        8: "a list of labels where one was expected; set task.several",
    }
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, rows[8:])))
    rest = load(FilePart(path="b.jsonl"), "train", TaskPart(), DataPart(), tmp_path)
    assert reasons(rest) == {1: "half a character (a lone surrogate)"}
    assert [(e.prompt[0].text, e.target) for e in (*found.examples, *rest.examples)] == [("很好", "1"), ("fine", "1")]


def test_labels_get_their_names(tmp_path: Path) -> None:
    rows = [
        {"text": "好", "label": 1},
        {"text": "坏", "label": "0"},
        {"text": "嗯", "label": 2},
        {"text": "行", "label": "正"},
    ]
    found = loaded(tmp_path, rows, label_names={"1": "正", "0": "负"})
    assert [e.target for e in found.examples] == ["正", "负", "正"]
    assert reasons(found)[3].startswith("unknown label '2'")
    listed = loaded(tmp_path, rows, TaskPart(labels=["正", "负"]), label_names={"1": "正", "0": "负"})
    assert [e.target for e in listed.examples] == ["正", "负", "正"]
    with pytest.raises(DataError, match="leads to '负', which task"):
        loaded(tmp_path, rows, TaskPart(labels=["正", "反"]), label_names={"1": "正", "0": "负"})


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        ("2,17", "c | r"),
        ("2|17", "c | r"),
        ("2", "c"),
        ([2, "17"], "c | r"),
        ("[2, 17]", "c | r"),
        ("17，2，17", "r | c"),
        ([], ""),
        ("[]", ""),
    ],
)
def test_several_labels(raw: Any, target: str, tmp_path: Path) -> None:
    names = {str(i): chr(ord("a") + i) for i in range(20)}
    found = loaded(tmp_path, [{"text": "好", "label": raw}], TaskPart(several=True), label_names=names)
    assert [e.target for e in found.examples] == [target]


def test_label_names_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("差\n好\n")
    found = loaded(tmp_path, "text,label\n甲,1\n乙,0\n", options={"label_file": "labels.txt"})
    assert [e.target for e in found.examples] == ["好", "差"]
    with pytest.raises(DataError, match=r"did you mean 'labels\.txt'"):
        loaded(tmp_path, "text,label\n甲,1\n", options={"label_file": "label.txt"})


def test_ids_follow_content_not_place(tmp_path: Path) -> None:
    rows = [{"text": "甲", "label": 1}, {"text": "乙", "label": 1}, {"text": "甲", "label": 1}]
    forth, back = loaded(tmp_path, rows), loaded(tmp_path, [*rows[::-1], {"text": "丙", "label": 0}])
    assert len({e.id for e in forth.examples}) == 3
    assert {e.id for e in forth.examples} < {e.id for e in back.examples}
    other = loaded(tmp_path, rows, split="test")
    assert not {e.id for e in other.examples} & {e.id for e in forth.examples}
    given = loaded(tmp_path, [{"id": i, "text": "甲", "label": 1} for i in ("a", "a#2", "a", 7)])
    assert [e.id for e in given.examples] == ["train:a", "train:a#2", "train:a#3", "train:7"]


def test_conversations_in_both_forms(tmp_path: Path) -> None:
    task = TaskPart(name="generate")
    standard = {"messages": [{"role": "system", "content": "简短"}, {"role": "user", "content": "你好"}]}
    answered = {
        "messages": [*standard["messages"], {"role": "assistant", "content": [{"type": "text", "text": "嗨"}]}]
    }
    found = loaded(tmp_path, [answered, standard], task)
    assert found.examples[0].prompt == (Message("system", "简短"), Message("user", "你好"))
    assert found.examples[0].target == "嗨"
    assert reasons(found) == {2: "no answer: the conversation has no turn of the assistant"}
    assert loaded(tmp_path, [answered, standard], task, split="test").examples[1].target is None
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}]
    (shared,) = loaded(tmp_path, [{"conversations": turns}], task).examples
    assert (shared.prompt, shared.target) == ((Message("user", "a"),), "b")


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([{"role": "assistant", "content": "x"}], "begins with its answer"),
        ([{"role": "tool", "content": "x"}], "turn 1 is spoken by 'tool'"),
        ([{"role": "user", "content": 7}], "the content of turn 1 is a number"),
        ([{"role": "user", "content": "x"}, {"role": "assistant", "content": " "}], "empty answer"),
        (["x"], "turn 1 is a str"),
        ("x", "text that is not JSON"),
        ({"a": 1}, "the messages are an object"),
    ],
)
def test_conversations_that_are_none(messages: Any, reason: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, [{"messages": messages}], TaskPart(name="generate"))
    assert reason in reasons(found)[1]


def test_instructions_with_input_and_system(tmp_path: Path) -> None:
    rows = [{"instruction": "翻译：", "input": "你好", "output": "Hello", "system": "Be brief."}, {"instruction": "x"}]
    found = loaded(tmp_path, rows, TaskPart(name="generate"))
    (example,) = found.examples
    assert example.prompt == (Message("system", "Be brief."), Message("user", "翻译：\n\n你好"))
    assert reasons(found) == {2: "no answer"}
    prompts = loaded(tmp_path, [{"prompt": "写一首诗"}], TaskPart(name="generate"))
    assert prompts.examples[0].target is None
    assert "no answer column: prompts only" in prompts.said


def test_text_and_translation(tmp_path: Path) -> None:
    (text,) = loaded(tmp_path, [{"text": "从前有座山"}], TaskPart(name="text")).examples
    assert (text.prompt, text.target) == ((), "从前有座山")
    task = TaskPart(name="translate", source_language="zh", target_language="en")
    found = loaded(tmp_path, [{"zh": "你好", "en": "Hello"}, {"zh": "无", "en": ""}], task, split="test")
    assert (found.examples[0].prompt[0].text, found.examples[0].target) == ("你好", "Hello")
    assert reasons(found) == {2: "empty target"}


def test_limit_skip_meta_and_hash(tmp_path: Path) -> None:
    rows = "text,label,who\n" + "".join(f"第{i}行,{i % 2},w{i}\n" for i in range(9))
    found = loaded(tmp_path, rows, skip=2, limit=3, columns={"text": "text", "label": "1", "meta.author": "who"})
    assert [e.line for e in found.examples] == [4, 5, 6]
    assert found.rows == 3
    assert found.examples[0].meta == {"author": "w2"}
    assert found.hash == hashlib.sha256(rows.encode()).hexdigest()


def test_a_file_without_columns_is_read_like_the_training_file(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("a,b\n好,很长很长很长的文字\n")
    (tmp_path / "train.csv").write_text("a,b\n好,x\n")
    train = FilePart(path="train.csv", columns={"text": "a", "label": "b"}, options={"header": True})
    data = DataPart(train=train, test=FilePart(path="test.csv"))
    found = load(FilePart(path="test.csv"), "test", TaskPart(), data, tmp_path)
    assert (found.examples[0].prompt[0].text, found.said[0]) == ("好", "read like the training file")


def test_the_format_is_told_by_the_path(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("你好\t1\n再见\t0\n")
    (tmp_path / "b.zh").write_text("你好\n")
    (tmp_path / "c.en").write_text("Hello\n")
    (tmp_path / "a.xyz").write_text("x")
    translate = TaskPart(name="translate")
    sources = {
        "a.txt": TaskPart(),
        "b.zh,c.en": translate,
    }
    found = [load(FilePart(path=p), "train", t, DataPart(), tmp_path).source for p, t in sources.items()]
    found.append(load(FilePart(path="a.txt"), "train", TaskPart(name="text"), DataPart(), tmp_path).source)
    assert found == ["csv", "parallel", "text"]
    with pytest.raises(DataError, match="cannot tell the format"):
        load(FilePart(path="a.xyz"), "train", translate, DataPart(), tmp_path)
    with pytest.raises(UserError, match="did you mean 'jsonl'"):
        load(FilePart(path="a.txt", format="json"), "train", translate, DataPart(), tmp_path)


def test_half_characters_are_found_wherever_they_are(tmp_path: Path) -> None:
    bad = "\\ud83d"
    lines = [f'{{"id": "1", "text": "{bad}", "label": 1, "who": "x"}}', f'{{"id": "{bad}", "text": "b", "label": 1}}']
    lines += [f'{{"text": "c", "label": "{bad}"}}', f'{{"text": "d", "label": 1, "who": "{bad}"}}']
    (tmp_path / "b.jsonl").write_text("\n".join(lines))
    part = FilePart(path="b.jsonl", columns={"meta.who": "who"})
    found = load(part, "train", TaskPart(), DataPart(train=part), tmp_path)
    assert reasons(found) == dict.fromkeys(range(1, 5), "half a character (a lone surrogate)")


def test_a_folder_of_a_saved_dataset(tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_dict({"text": ["好", "坏"], "label": [1, 0]}).save_to_disk(str(tmp_path / "saved"))
    part = FilePart(path="saved")
    found = load(part, "train", TaskPart(), DataPart(train=part), tmp_path)
    assert (found.source, [e.target for e in found.examples], len(found.hash)) == ("hub", ["1", "0"], 64)


def test_several_labels_need_to_be_asked_for(tmp_path: Path) -> None:
    found = loaded(tmp_path, [{"text": "好", "label": "0,1"}], label_names={"0": "a", "1": "b"})
    assert "set task.several" in reasons(found)[1]
    odd = loaded(tmp_path, [{"text": "好", "label": ["a|b"]}], TaskPart(several=True))
    assert "stands between labels" in reasons(odd)[1]


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    found = loaded(tmp_path, "")
    assert (found.rows, found.examples, found.dropped) == (0, (), ())
