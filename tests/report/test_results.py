from collections.abc import Callable
from pathlib import Path

import pytest

from sayso.recipe import Recipe
from sayso.records import Comparison, Score, Verdict
from sayso.report.contents import read
from sayso.report.results import results, sentences
from sayso.store.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run.create(tmp_path / "run", Recipe(name="评论"))
    for stage, value in (("base", 0.5), ("train", 0.9)):
        made.write_scores(
            stage, "test", [Score("classify", "", "accuracy", value, interval=(value - 0.1, 0.95), n=40)]
        )
    return made


def compare(run: Run, before: str, after: str, by: float, verdict: Verdict, words: str = "") -> None:
    one = Comparison("accuracy", "test", before, after, 0.5, 0.5 + by, by, (by - 0.1, by + 0.1), 40, verdict, words)
    run.write_comparisons([*run.comparisons(), one])


def test_better_says_from_where_to_where_and_how_sure(run: Run) -> None:
    compare(run, "base", "train", 0.4, "better")
    (said,) = sentences(read(run))
    assert said.verdict == "better"
    assert said.words.replace("\N{NO-BREAK SPACE}", " ") == (
        "Training raised accuracy on 40 test items from 50.0 % to 90.0 % (+40.0 points, 95 % interval 30.0 to 50.0)."
    )


def test_worse_is_said_as_plainly(run: Run) -> None:
    compare(run, "base", "train", -0.2, "worse")
    (said,) = sentences(read(run))
    assert "lowered accuracy" in said.words
    assert said.verdict == "worse"


def test_cannot_tell_claims_no_change(run: Run) -> None:
    compare(run, "base", "train", 0.02, "cannot tell")
    (said,) = sentences(read(run))
    assert "cannot tell whether that is a change" in said.words
    assert "raised" not in said.words


def test_no_difference_is_no_riddle(run: Run) -> None:
    compare(run, "base", "train", 0.0, "cannot tell")
    (said,) = sentences(read(run))
    assert "before as after training" in said.words


def test_without_a_comparison_nothing_is_claimed(run: Run) -> None:
    (said,) = sentences(read(run))
    assert "(base)" in said.words
    assert "not compared" in said.words
    assert said.verdict == ""


def test_learning_without_training_is_compared_with_the_base(run: Run) -> None:
    run.write_scores("learn", "test", [Score("classify", "", "accuracy", 0.7, n=40)])
    compare(run, "base", "learn", 0.2, "better")
    (said,) = sentences(read(run))
    assert said.words.startswith("Learning from the comments raised accuracy")


def test_the_baseline_stands_beside_the_model_and_is_named_in_words(run: Run) -> None:
    run.write_scores("linear", "test", [Score("classify", "", "accuracy", 0.868, interval=(0.8, 0.9), n=40)])
    compare(run, "base", "train", 0.4, "better")
    compare(run, "linear", "train", -0.1, "worse")
    contents = read(run)
    found = results(contents)
    assert found is not None
    assert found.tables[0].stages == ("base", "train", "linear")
    assert [cell.text for cell in found.tables[0].rows[0].cells] == ["50.0", "90.0", "86.8"]
    assert "The linear baseline reaches" in sentences(contents)[1].words
    assert "worse" in sentences(contents)[1].words
    assert "linear" in found.chart


def test_only_baselines_scored_is_nothing_scored_yet(tmp_path: Path) -> None:
    made = Run.create(tmp_path / "early", Recipe())
    made.write_scores("copying", "test", [Score("translate", "", "bleu", 1.0)])
    assert results(read(made)) is None
    assert sentences(read(made))[0].words.startswith("Nothing has been scored")


def test_steps_come_first_then_the_base_then_the_baselines(run_of: Callable[[str], Run]) -> None:
    found = results(read(run_of("comments")))
    assert found is not None
    assert [(pair.before, pair.after) for pair in found.pairs] == [
        ("base", "tuned"),
        ("tuned", "learnt"),
        ("base", "learnt"),
        ("linear", "learnt"),
    ]
    assert ("linear", "base") in [(pair.before, pair.after) for pair in found.others]
    cannot = found.pairs[1].rows[0]
    assert (cannot.verdict, cannot.reason) == ("cannot tell", "chance could do this")


def test_units_without_any_difference_share_a_line(run: Run) -> None:
    compare(run, "base", "train", 0.4, "better")
    level = Comparison("exact_match", "test", "base", "train", 0.1, 0.1, 0.0, (0.0, 0.0), 40, "cannot tell")
    run.write_comparisons([*run.comparisons(), level])
    found = results(read(run))
    assert found is not None
    assert [row.unit for row in found.pairs[0].rows] == ["Accuracy, %"]
    assert found.pairs[0].level == "exact match"


def test_symptoms_stand_apart_and_columns_without_figures_go(run_of: Callable[[str], Run]) -> None:
    found = results(read(run_of("comments")))
    assert found is not None
    quality, symptoms = (t for t in found.tables if t.split == "test")
    assert {row.unit for row in symptoms.rows} == {"ece", "brier"}
    assert "linear" in quality.stages
    assert "linear" not in symptoms.stages


def test_validation_stands_in_where_there_is_no_test(tmp_path: Path) -> None:
    made = Run.create(tmp_path / "run", Recipe())
    made.write_scores("base", "validation", [Score("classify", "", "accuracy", 0.5, n=9)])
    assert "9 validation items" in sentences(read(made))[0].words
