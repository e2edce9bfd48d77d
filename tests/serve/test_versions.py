"""The pointer to the version that is served: one way there, one way back, whole at every moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sayso.errors import MachineFault, RunError
from sayso.recipe import Recipe
from sayso.records import Attempt, Feedback, Outcome, State, user
from sayso.serve.versions import Versions, roll_back
from sayso.store.feedback import FeedbackStore
from sayso.store.runs import Run


def test_a_run_is_version_0_until_another_is_promoted(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    assert (versions.current, versions.way, versions.next(), versions.history) == (0, (0,), 1, [])
    assert versions.promote(1, 0, "better 更好")
    again = Versions(tmp_path)
    assert (again.current, again.way, again.next()) == (1, (0, 1), 2)
    assert [(one.deed, one.number, one.words) for one in again.history] == [("promoted", 1, "better 更好")]
    assert again.folder(0) == tmp_path
    assert again.folder(1) != again.folder(2)


def test_the_way_back_is_the_way_there(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    versions.promote(1, 0, "")
    versions.note("refused", 2, "worse")
    versions.promote(3, 1, "")
    assert versions.back("") == 3
    assert versions.current == 1
    assert versions.back("") == 1
    assert (versions.current, versions.next()) == (0, 4)
    with pytest.raises(RunError, match="no version to go back to"):
        versions.back("")


def test_what_was_rolled_back_meanwhile_stays_so(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    versions.promote(1, 0, "")
    versions.back("")
    assert not versions.promote(2, 1, "learnt from version 1")
    assert versions.current == 0
    assert [one.number for one in versions.history] == [1, 1]


def test_a_version_that_was_learnt_without_what_was_taken_back_does_not_lead_back_to_it(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    versions.promote(1, 0, "")
    versions.promote(2, 1, "")
    versions.promote(3, 2, "", start=1)
    assert versions.way == (0, 1, 3)


def test_the_pointer_outlives_the_log(tmp_path: Path) -> None:
    """The process may die between the two: the number of what is served is never used again."""
    versions = Versions(tmp_path)
    versions.promote(1, 0, "")
    (versions.home / "history.jsonl").unlink()
    assert (versions.current, versions.next()) == (1, 2)


def test_a_crash_between_writing_and_renaming_leaves_the_old_version(tmp_path: Path) -> None:
    Versions(tmp_path).promote(1, 0, "")
    program = textwrap.dedent("""
        import os, pathlib, signal, sys
        from sayso.serve.versions import Versions
        pathlib.Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        Versions(pathlib.Path(sys.argv[1])).promote(2, 1, "")
    """)
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    after = Versions(tmp_path)
    assert (after.current, after.way) == (1, (0, 1))
    assert after.promote(2, 1, "")
    assert after.current == 2


def test_only_one_of_many_is_promoted_over_the_same_version(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        let_in = list(pool.map(lambda number: Versions(tmp_path).promote(number, 0, ""), range(1, 9)))
    assert let_in.count(True) == 1
    assert len(Versions(tmp_path).way) == 2


def test_a_pointer_that_is_none_is_said(tmp_path: Path) -> None:
    versions = Versions(tmp_path)
    versions.home.mkdir()
    for text in ("{", '{"way": []}', '{"way": [0, "1"]}', "[0]"):
        (versions.home / "current.json").write_text(text)
        with pytest.raises(RunError):
            _ = versions.current


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(MachineFault, match="cannot be written"):
            Versions(tmp_path).promote(1, 0, "")
    finally:
        tmp_path.chmod(0o700)


def test_rolling_back_tells_the_comments_of_that_version(tmp_path: Path) -> None:
    heeded, refused = (Feedback(user(text), Attempt("no"), "shorter") for text in ("a", "b"))
    versions = Versions(tmp_path)
    run = Run.create(versions.folder(1), Recipe())
    run.write_outcomes([Outcome(heeded.id, State.HEEDED), Outcome(refused.id, State.REFUSED, "no better answer")])
    with FeedbackStore(tmp_path / "store.db") as store:
        store.add([heeded, refused])
        store.record(run.outcomes())
        versions.promote(1, 0, "")
        assert roll_back(versions, store, "anna") == 0
        told, other = store.outcome(heeded.id), store.outcome(refused.id)
    assert told is not None
    assert told.state is State.NOT_HEEDED
    assert "rolled back" in told.why
    assert other is not None
    assert other.why == "no better answer"
    assert "anna" in versions.history[-1].words


def with_weights(versions: Versions, number: int, start: int) -> None:
    """A version as `sayso live` leaves it: its weights, and a link to those that it went on from."""
    run = Run(versions.folder(number))
    run.weights("learn").mkdir(parents=True)
    (run.weights("learn") / "model.safetensors").write_bytes(b"w" * 100)
    (run.folder / "feedback.jsonl").write_text("{}\n")
    before = Run(versions.folder(start)).weights("learn" if start else "train")
    run.weights("train").symlink_to(before.resolve(), target_is_directory=True)


def test_old_weights_go_and_what_is_needed_stays(tmp_path: Path) -> None:
    versions = Versions(tmp_path / "run")
    Run(versions.run).weights("train").mkdir(parents=True)
    for number, start in ((1, 0), (2, 1), (3, 1), (4, 3), (5, 4), (6, 4), (7, 4)):
        with_weights(versions, number, start)
    versions.promote(1, 0, "")
    versions.note("refused", 2, "")
    versions.promote(3, 1, "")
    versions.promote(4, 3, "", start=1)  # what 3 had learnt was taken back: the way is 0, 1, 4
    versions.note("refused", 5, "")
    versions.note("refused", 6, "")
    assert versions.way == (0, 1, 4)
    assert versions.prune(1) == [2, 5]

    def left() -> list[int]:
        return [number for number in range(1, 8) if Run(versions.folder(number)).weights("learn").is_dir()]

    assert left() == [1, 3, 4, 6, 7], "4 goes on from 3, 6 is the newest of the others, 7 is being learnt"
    assert (versions.folder(2) / "feedback.jsonl").is_file()
    assert [one.number for one in versions.history] == [1, 2, 3, 4, 5, 6]
    assert versions.prune(1) == []
    assert versions.prune(0) == [6]
    assert versions.back("") == 4
    assert versions.prune(0) == [3, 4]
    assert left() == [1, 7]
    assert Run(versions.run).weights("train").is_dir()
