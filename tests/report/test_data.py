from collections.abc import Callable
from pathlib import Path

from sayso.recipe import Recipe
from sayso.records import Example, Imitate, Match, Prefer, user
from sayso.report.contents import read
from sayso.report.data import data, taught
from sayso.store.runs import Run


def test_every_reason_is_shown_with_its_lines(run_of: Callable[[str], Run]) -> None:
    found = data(read(run_of("comments")))
    assert found is not None
    assert [(row.split, row.reason, row.n) for row in found.dropped] == [
        ("train", "no label", 14),
        ("train", "the text is empty", 3),
    ]
    assert found.dropped[0].lines == "17, 18, 19, 20, 21, 22, 23, 24, …"
    assert (found.splits[0].kept, found.splits[0].dropped, found.splits[0].file) == (6800, 17, "train.tsv")
    assert "还可以" in found.findings[0][2]


def test_languages_by_side(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe())
    languages = {"prompt": {"zh": 3, "mixed": 1}, "target": {"en": 4}}
    run.write_note("check", {"splits": {"train": {"rows": 4, "kept": 4, "languages": languages}}})
    found = data(read(run))
    assert found is not None
    assert (
        found.splits[0].languages.replace("\N{NO-BREAK SPACE}", " ") == "prompt: zh 75 %, mixed 25 %; target: en 100 %"
    )


def test_without_a_check_the_rows_are_counted(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe())
    run.write_examples("test", [Example("a", user("好"), "正面", "test")])
    run.write_lessons("train", [Imitate(user("好"), "正面")] * 3)
    found = data(read(run))
    assert found is not None
    assert not found.checked
    assert [(row.name, row.kept) for row in found.splits] == [("train", 3), ("test", 1)]


def test_nothing_known_no_section(tmp_path: Path) -> None:
    assert data(read(Run.create(tmp_path / "run", Recipe()))) is None


def test_one_lesson_of_each_kind_is_shown(tmp_path: Path) -> None:
    run, context = Run.create(tmp_path / "run", Recipe()), user("你好")
    lessons = [Imitate(context, "您好"), Imitate(context, "滚", weight=-1), Prefer(context, "您好", "喂")]
    run.write_lessons("learn", [*lessons, Match(context, user("礼貌些"), "您好")])
    (found,) = taught(read(run))
    assert [kind for kind, _, _ in found.samples] == ["imitate", "prefer", "match"]
    assert found.samples[1][2] == "您好\nrather than\n喂"
