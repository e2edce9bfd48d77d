from collections.abc import Callable
from pathlib import Path

from sayso.recipe import Recipe
from sayso.records import Answer, Example, Score, Why, user
from sayso.report.changes import SHOWN, changes
from sayso.report.contents import read
from sayso.store.runs import Run


def test_counts_are_those_of_a_naive_loop(run_of: Callable[[str], Run]) -> None:
    run = run_of("comments")
    graded = {(stage, s.item): s.value for stage, split, s in run.scores() if s.item and split == "test"}
    items = [e.id for e in run.examples("test")]
    first, second = changes(read(run))
    for step, (a, b) in ((first, ("base", "train")), (second, ("train", "learn"))):
        moved = [graded[b, item] - graded[a, item] for item in items]
        assert (step.n_better, step.n_worse) == (sum(m > 0 for m in moved), sum(m < 0 for m in moved))
        assert step.n_same == sum(m == 0 for m in moved)
        assert step.n_right == sum(graded[a, i] == graded[b, i] == 1 for i in items)


def test_what_got_worse_is_shown_too(run_of: Callable[[str], Run]) -> None:
    step = changes(read(run_of("comments")))[0]
    assert len(step.better) == SHOWN
    assert step.worse
    assert all(label.state == "right" for change in step.better for label in change.after.labels)
    assert all(label.state == "wrong" for change in step.worse for label in change.after.labels)


def small(folder: Path, recipe: dict[str, object], rows: list[tuple[str, str, str, float, float]]) -> Run:
    run = Run.create(folder / "run", Recipe.model_validate(recipe))
    run.write_examples("test", [Example(f"i{k}", user(f"问题{k}"), row[0], "test") for k, row in enumerate(rows)])
    for stage, said, value in (("base", 1, 3), ("train", 2, 4)):
        answers = [Answer(f"i{k}", str(row[said])) for k, row in enumerate(rows)]
        scores = [Score("t", f"i{k}", "f1", float(row[value]), Why.PARTIAL) for k, row in enumerate(rows)]
        run.write_answers(stage, "test", answers)
        run.write_scores(stage, "test", [Score("t", "", "f1", 0.5), *scores])
    return run


def test_every_kind_of_change_gets_its_turn(tmp_path: Path) -> None:
    same = [("正面", "负面", "正面", 0.0, 1.0)] * 30
    rare = [("负面", "正面", "负面", 0.0, 1.0)]
    step = changes(read(small(tmp_path, {"task": {"labels": ["正面", "负面"]}}, same + rare)))[0]
    assert "负面" in [change.gold for change in step.better[:2]]
    assert step.n_better == 31


def test_several_labels_are_marked_one_by_one(tmp_path: Path) -> None:
    recipe = {"task": {"several": True, "labels": ["喜悦", "惊讶", "愤怒"]}}
    run = small(tmp_path, recipe, [("喜悦 | 惊讶", "愤怒", "喜悦", 0.0, 0.67)])
    (change,) = changes(read(run))[0].better
    assert [(label.name, label.state) for label in change.before.labels] == [
        ("愤怒", "wrong"),
        ("喜悦", "missing"),
        ("惊讶", "missing"),
    ]
    assert [(label.name, label.state) for label in change.after.labels] == [("喜悦", "right"), ("惊讶", "missing")]


def test_free_text_is_compared_word_by_word(tmp_path: Path) -> None:
    run = small(tmp_path, {"task": {"name": "generate"}}, [("请开窗。", "请把门打开。", "请把窗打开。", 0.2, 0.6)])
    (change,) = changes(read(run))[0].better
    assert [part.text for part in change.before.parts if part.kind == "gone"] == ["门"]
    assert [part.text for part in change.after.parts if part.kind == "new"] == ["窗"]
    assert (change.before.value, change.after.value) == ("F1 20", "F1 60")


def test_items_that_were_not_judged_or_not_answered_do_not_count(tmp_path: Path) -> None:
    run = small(tmp_path, {"task": {"name": "generate"}}, [("好", "坏", "好", 0.0, 1.0)] * 2)
    unjudged = Score("t", "i0", "f1", 0.0, Why.NOT_JUDGED, n=0)
    run.write_scores("base", "test", [Score("t", "", "f1", 0.5), unjudged, Score("t", "i1", "f1", 0.0)])
    assert changes(read(run))[0].n_better == 1
