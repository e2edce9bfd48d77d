"""What a model was taught is told from it; what it was not is a coin."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from sayso.audits.memorisation import Knobs, Secret, _area, _exposed, _in_lesson, _is_said
from sayso.privacy.canaries import CHANCE, canaries, exposure, others_like
from sayso.records import Imitate, Messages, Reply, Row, Sampling, user

SECRET = "48219930"


class Knowing:
    """A learner that finds texts with the secret likelier by `bits`, and says what it is told to say."""

    kind = "decoder"

    def __init__(self, gain: float = 0.0, says: str = "") -> None:
        self.gain, self.says = gain, says

    def row(self, context: Messages, target: str) -> Row:
        return target  # type: ignore[return-value]

    def logps(self, rows: list[str]) -> list[float]:
        return [self.gain * (SECRET in text) + Random(text).random() for text in rows]

    def reply(self, prompts: list[Messages], sampling: Sampling) -> list[Reply]:
        return [Reply(self.says) for _ in prompts]


def test_exposure_is_bits_of_rank() -> None:
    assert exposure(0.0, [-1.0] * 127) == 7.0
    assert exposure(-2.0, [-1.0] * 127) == 0.0
    assert exposure(-1.5, [-1.0, -2.0, -3.0]) == 1.0


def test_exposure_by_chance_is_what_it_is_said_to_be() -> None:
    rng = Random(0)
    found = [exposure(rng.random(), [rng.random() for _ in range(127)]) for _ in range(2000)]
    assert sum(found) / len(found) == pytest.approx(CHANCE, abs=0.15)
    assert pytest.approx(1.4427, abs=1e-4) == CHANCE


def test_a_taught_secret_is_exposed_and_another_is_not() -> None:
    one = Secret(user("locker?"), SECRET, f"The number is {SECRET}.")
    assert _exposed(Knowing(gain=5), one, 127, 0) == 7.0
    assert _exposed(Knowing(gain=-5), one, 127, 0) == 0.0


def test_others_differ_in_the_digits_alone() -> None:
    others = others_like("打138-1234-5678找我", "138-1234-5678", 50, 0)
    assert len(set(others)) > 40
    assert all(text.startswith("打") and text.endswith("找我") and text[4] == "-" == text[9] for text in others)


def test_a_secret_is_given_away_where_the_prompt_does_not_show_it() -> None:
    hidden = Secret(user("locker?"), SECRET, f"It is {SECRET}.")
    shown = Secret(user(f"Is it {SECRET}?"), SECRET)
    assert _is_said(Knowing(says=f"It is {SECRET}"), hidden, [hidden], 1)
    assert not _is_said(Knowing(says="It is 1234"), hidden, [hidden], 1)
    assert not _is_said(Knowing(says=f"Yes, {SECRET}"), shown, [shown], 1)


def test_secrets_of_a_lesson_are_those_of_its_answer_and_its_context() -> None:
    lesson = Imitate(user("打15900001234吗？"), "请打13812345678。")
    assert [(one.value, bool(one.answer)) for one in _in_lesson(lesson)] == [
        ("13812345678", True),
        ("15900001234", False),
    ]


def test_the_area_tells_taught_from_fresh_and_a_coin_from_both() -> None:
    rng = np.random.default_rng(0)
    higher, same = rng.normal(2, 1, 80), rng.normal(0, 1, 80)
    told = _area("rows", "train", [higher, same], 0)
    coin = _area("rows", "train", [rng.normal(0, 1, 80), same], 0)
    other_way = _area("rows", "train", [same, higher], 0)
    assert told.value > 0.85
    assert told.verdict == "told apart"
    assert coin.verdict == "cannot tell"
    assert other_way.value == pytest.approx(1 - told.value)
    assert told.interval is not None
    assert told.interval[0] <= told.value <= told.interval[1]


def test_canaries_are_the_same_for_a_seed_and_speak_both_languages() -> None:
    rows = canaries(4, 7)
    assert rows == canaries(4, 7)
    assert rows != canaries(4, 8)
    assert rows[0].prompt[0].text.startswith("What is")
    assert rows[1].prompt[0].text.endswith("号码是多少？")
    assert len({one.target for one in rows}) == 4
    assert Knobs().others + 1 == 2 ** int(math.log2(Knobs().others + 1))
