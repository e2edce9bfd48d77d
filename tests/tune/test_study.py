"""The study: what is first, what is pruned, what was killed, and what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="needs the extra `tune`")

from sayso.errors import RunError
from sayso.tune.space import Choices, Range
from sayso.tune.study import KILLED_TWICE, Budget, Study, opened

SPACE = {"strategy.learning_rate": Range(1e-5, 1e-3, log=True), "strategy.batch_rows": Choices((8, 16))}
START = {"strategy.learning_rate": 1e-4, "strategy.batch_rows": 16}
MANY = Budget(50, 0)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    with opened(tmp_path, SPACE, "question", 0) as found:
        found.begin(START)
        yield found


def states(study: Study) -> list[str]:
    return [one.state for one in study.trials()]


def test_the_recipe_as_it_stands_is_first_and_never_pruned(study: Study) -> None:
    asked = study.ask(MANY, 1)
    assert asked is not None
    assert asked.values == START
    assert not asked.prunable
    study.done(asked, 0.5, 1.0)
    study.begin(START)
    other = study.ask(MANY, 1)
    assert other is not None
    assert other.prunable
    assert other.values != START


def test_a_trial_below_the_median_is_pruned_and_one_above_is_not(study: Study) -> None:
    for value in (0.5, 0.6, 0.7, 0.8, 0.9):
        asked = study.ask(MANY, 1)
        assert asked is not None
        assert not any(study.report(asked, step, value, 1.0) for step in (1, 2, 3))
        study.done(asked, value, 1.0)
    good, bad = study.ask(MANY, 2), study.ask(MANY, 2)
    assert good is not None
    assert bad is not None
    assert [study.report(good, step, 0.95, 1.0) for step in (1, 2)] == [False, False]
    assert [study.report(bad, step, 0.3, 1.0) for step in (1, 2)] == [False, True]
    study.pruned(bad)
    assert states(study)[-1] == "pruned"
    best = study.best()
    assert best is not None
    assert best.value == 0.9
    assert set(study.importance()) == set(SPACE)


def test_what_was_killed_is_begun_again_in_its_folder_and_twice_is_failed(tmp_path: Path) -> None:
    with opened(tmp_path, SPACE, "question", 0) as study:
        study.begin(START)
        first = study.ask(MANY, 1)
        assert first is not None
        study.done(first, 0.5, 1.0)
        left = study.ask(MANY, 1)
    assert left is not None
    for time in (1, 2):
        with opened(tmp_path, SPACE, "question", 0) as study:
            taken = study.take_up()
            assert [one.state for one in taken] == ["stopped" if time == 1 else "failed"]
            again = study.ask(MANY, 1)
            assert again is not None
            if time == 1:
                assert (again.folder, again.values) == (left.folder, left.values)
                assert again.number > left.number
            else:
                assert again.folder != left.folder
                assert taken[0].why == KILLED_TWICE


def test_trials_that_were_begun_again_count_once(study: Study) -> None:
    asked = study.ask(Budget(2, 0), 1)
    assert asked is not None
    study.stopped(asked.number, "stopped")
    again = study.ask(Budget(2, 0), 1)
    assert again is not None
    assert (again.values, again.folder, again.prunable) == (START, "0000", False)
    study.done(again, 0.5, 60.0)
    assert study.ask(Budget(1, 0), 1) is None
    assert study.ask(Budget(0, 1), 1) is None, "a minute was used"
    assert study.ask(Budget(0, 1), 2) is not None, "by two workers half a minute"


def test_equal_values_are_known_and_another_question_is_refused(study: Study, tmp_path: Path) -> None:
    asked = study.ask(MANY, 1)
    assert asked is not None
    assert study.known(asked) is None
    study.done(asked, 0.5, 1.0)
    assert study.known(asked) == 0.5
    with pytest.raises(RunError, match="another recipe"), opened(tmp_path, SPACE, "other", 0):
        pass


def test_an_opened_study_draws_other_trials_than_before(tmp_path: Path) -> None:
    drawn = []
    for _ in range(3):
        with opened(tmp_path, SPACE, "question", 7) as study:
            study.begin(START)
            asked = study.ask(MANY, 1)
            assert asked is not None
            drawn.append(asked.values["strategy.learning_rate"])
            study.done(asked, 0.5, 1.0)
    assert len(set(drawn)) == 3
