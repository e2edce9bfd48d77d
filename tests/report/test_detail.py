from collections.abc import Callable
from pathlib import Path

from sayso.recipe import Recipe
from sayso.records import Score
from sayso.report.contents import read
from sayso.report.detail import NO_LABEL, detail
from sayso.store.runs import Run


def test_the_last_stage_is_shown_beside_the_base(run_of: Callable[[str], Run]) -> None:
    found = detail(read(run_of("comments")))
    assert found is not None
    assert found.stage == "learnt"
    first = found.per_class[0]
    assert (first.label, first.f1, first.before) == ("negative", "92.0", "52.0")
    assert found.calibration is not None
    assert [name for _, name, _, _ in found.calibration.rows] == ["base", "tuned", "learnt"]


def test_shades_are_shares_of_the_row(run_of: Callable[[str], Run]) -> None:
    found = detail(read(run_of("comments")))
    assert found is not None
    assert found.confusion is not None
    assert found.confusion.columns[-1] == NO_LABEL
    for _, cells in found.confusion.rows:
        assert abs(sum(float(cell.share) for cell in cells) - 1) < 0.02
        assert sum(cell.right for cell in cells) == 1


def test_many_labels_are_told_in_words_not_drawn(run_of: Callable[[str], Run]) -> None:
    found = detail(read(run_of("emotions")))
    assert found is not None
    assert found.confusion is not None
    assert found.confusion.rows == ()
    assert found.confusion.worst[0].n == 30
    assert len(found.per_class) == 28


def test_a_matrix_that_does_not_fit_its_labels_is_not_drawn(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe())
    run.write_scores("base", "test", [Score("classify", "", "accuracy", 0.5)])
    run.write_note("evaluation.base.test", {"confusion": {"labels": ["正面", "负面"], "counts": [[1, 2, 3]]}})
    assert detail(read(run)) is None
