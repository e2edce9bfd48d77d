from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sayso.agreement import compared, make, prefix, relative
from sayso.bundle import Card, Export, Golden, Replay, Replayed, ReplayRow, Tolerance, notice, said
from sayso.errors import Fault, UnsupportedError, UserError
from sayso.records import Kind, user

OWN = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, 5.0]], dtype=np.float32)


def a_replay(several: bool = False) -> Replay:
    golden = (Golden(user("你好"), "你好", (1, 2), (7, 8, 9), 4), Golden(user("hello"), "hello", (1,), (7,), 4))
    return Replay("decoder", (ReplayRow((1, 2, 3), (0, 2)),), OWN, golden, (9,), 0, several)


CARD = Card("# Card\n", "me/base", "mit")


def an_export(folder: Path, card: Card = CARD) -> Export:
    return Export("one", "decoder", folder, {"model_type": "llama"}, (), 16, a_replay(), card)


@dataclass(frozen=True)
class Knobs:
    """Nothing."""


class Fake:
    """An exporter whose engine answers as it is told to."""

    Knobs = Knobs
    KINDS: tuple[Kind, ...] = ("decoder",)

    def __init__(self, logits: Any = OWN, answers: Any = ((7, 8, 9), (7,))) -> None:
        self.logits, self.answers = np.asarray(logits, dtype=np.float32), answers
        self.seen: list[Replay] = []

    def check(self, export: Export, knobs: Knobs) -> None:
        if export.name == "unproven":
            raise UnsupportedError("not proven")

    def write(self, export: Export, folder: Path, knobs: Knobs) -> None:
        (folder / "weights.bin").write_bytes(b"12345")

    def replay(self, folder: Path, replay: Replay, knobs: Knobs) -> Replayed:
        self.seen.append(replay)
        return Replayed("engine", "1.0", self.logits, self.answers)

    def tolerance(self, knobs: Knobs) -> Tolerance:
        return Tolerance(1e-3, 0.99, 0.9)

    def use(self, export: Export, knobs: Knobs) -> str:
        return "`use it`"


def test_what_agrees_is_put_in_place_with_its_agreement(tmp_path: Path) -> None:
    found = make(an_export(tmp_path), Fake(OWN * 1.0001), "fake", Knobs(), tmp_path / "out" / "fake")
    told = json.loads((tmp_path / "out" / "fake" / "agreement.json").read_text())
    assert told["difference"] == pytest.approx(1e-4, rel=0.05)
    assert (told["rows"], told["places"], told["golden"], told["tokens"], told["answers"]) == (1, 2, 2, 1.0, 1.0)
    assert (told["engine"], told["version"], told["size"]) == ("engine", "1.0", 5)
    readme = (tmp_path / "out" / "fake" / "README.md").read_text()
    assert readme.startswith("# Card")
    assert "`use it`" in readme
    assert found.words in readme
    assert "mit" in (tmp_path / "out" / "fake" / "NOTICE.md").read_text()
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["fake"]


def test_the_engine_sees_no_expected_value(tmp_path: Path) -> None:
    fake = Fake()
    make(an_export(tmp_path), fake, "fake", Knobs(), tmp_path / "fake")
    assert fake.seen[0].logits_NV.shape == (0, 3)
    assert {one.answer for one in fake.seen[0].golden} == {()}
    assert fake.seen[0].rows == a_replay().rows


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        (Fake(OWN * 1.01), "relative difference at most 1.0e-02"),
        (Fake(OWN[:, ::-1]), "the same likeliest entry at 50.0% of places"),
        (Fake(np.full_like(OWN, np.nan)), "relative difference at most inf"),
        (Fake(OWN, ((7, 5, 9), (7,))), "50.0% of greedy answers' tokens agree"),
        (Fake(OWN[:1]), "shape"),
        (Fake(OWN, ((7, 8, 9),)), "1 answers"),
    ],
)
def test_what_does_not_agree_is_refused_and_nothing_is_left(tmp_path: Path, fake: Fake, words: str) -> None:
    with pytest.raises(Fault, match=words):
        make(an_export(tmp_path), fake, "fake", Knobs(), tmp_path / "out" / "fake")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_refusal_leaves_the_bundle_of_before(tmp_path: Path) -> None:
    make(an_export(tmp_path), Fake(), "fake", Knobs(), tmp_path / "fake")
    with pytest.raises(Fault):
        make(an_export(tmp_path), Fake(OWN * 2), "fake", Knobs(), tmp_path / "fake")
    assert (tmp_path / "fake" / "weights.bin").is_file()


def test_a_folder_that_is_no_bundle_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "photo.jpg").write_bytes(b"1")
    with pytest.raises(UserError, match="something else is here"):
        make(an_export(tmp_path), Fake(), "fake", Knobs(), tmp_path / "mine")
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["photo.jpg"]


def test_what_cannot_be_carried_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    other = replace(an_export(tmp_path), kind="encoder")
    with pytest.raises(UnsupportedError, match="fake cannot carry an encoder") as caught:
        make(other, Fake(), "fake", Knobs(), tmp_path / "out")
    assert caught.value.expected == "a decoder"
    with pytest.raises(UnsupportedError, match="not proven"):
        make(replace(an_export(tmp_path), name="unproven"), Fake(), "fake", Knobs(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_the_difference_is_relative_and_of_the_worst_place() -> None:
    apart = relative(OWN, OWN + np.array([[0, 0, 0.5], [0, 0, 0]], dtype=np.float32))
    assert apart.tolist() == pytest.approx([0.1, 0.0])


def test_answers_agree_up_to_the_first_other_token() -> None:
    assert prefix((1, 2, 3), (1, 9, 3)) == 1
    assert prefix((1, 2), (1, 2, 3)) == 2
    assert prefix((), (1,)) == 0


def test_several_labels_agree_by_which_are_on() -> None:
    own = np.array([[1.0, -1.0], [0.2, 0.3]], dtype=np.float32)
    other = np.array([[0.9, -1.2], [-0.2, 0.3]], dtype=np.float32)
    replay = Replay("encoder", (), own, (), several=True)
    found = compared("fake", replay, Replayed("e", "1", other, ()), Tolerance(9), Knobs(), {}, 0)
    assert found.argmax == 0.5
    assert said(own[1], True) == (0, 1)
    assert said(own[0], False) == (0,)


def test_words_say_where_a_run_has_too_little() -> None:
    found = compared("fake", a_replay(), Replayed("e", "1", OWN, ((7, 8, 9), (7,))), Tolerance(), Knobs(), {}, 0)
    assert "(the run has no more)" in found.words
    assert "(the run has no more)" not in replace(found, rows=32, golden=20).words


def test_the_notice_says_what_is_not_known() -> None:
    assert "does not say under which licence" in notice(Card(base="me/base"))
    assert "stands under apache-2.0" in notice(Card(base="me/base", base_licence="apache-2.0"))
    assert "trained from scratch" in notice(Card())


def test_standing_words_and_lessons_are_told(tmp_path: Path) -> None:
    card = Card("# Card", "b", "", ("先道歉 (heeded)",), {"zh": "要简短。"})
    make(an_export(tmp_path, card), Fake(), "fake", Knobs(), tmp_path / "fake")
    readme = (tmp_path / "fake" / "README.md").read_text(encoding="utf-8")
    assert "- 先道歉 (heeded)" in readme
    assert "要简短。" in readme
