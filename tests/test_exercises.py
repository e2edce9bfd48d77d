"""What a base model is taught with: drawn from the seed alone, as its mix says, and a copy is of what was said."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso import rooms
from sayso.exercises import Mix, copying, exercises, passage
from sayso.records import Example
from sayso.wording import read_verdict

WORLDS = {name: rooms.find("worlds", name) for name in rooms.names("worlds")}
EVEN = dict.fromkeys(WORLDS, 1.0)


def drawn(n: int, seed: int = 3, mix: Mix | None = None) -> list[Example]:
    return list(exercises(WORLDS, EVEN, n, seed, mix))


def only(kind: str, n: int = 60, **shares: float) -> list[Example]:
    none = dict.fromkeys(("plain", "told", "remarked", "revised", "judged", "copied"), 0.0)
    return drawn(n, mix=Mix(**{**none, kind: 1.0, **shares}))


def said(example: Example) -> str:
    return "\n".join(message.text for message in example.prompt)


def test_the_same_seed_gives_the_same_and_another_something_else() -> None:
    assert drawn(40) == drawn(40)
    assert drawn(40) != drawn(40, seed=4)


def test_kinds_come_as_often_as_the_mix_says() -> None:
    mix = Mix(plain=1, told=3, remarked=0, revised=0, judged=0, copied=0)
    roles = Counter(one.prompt[0].role for one in drawn(300, mix=mix))
    assert roles["system"] == pytest.approx(225, abs=40)


@given(st.integers(0, 10**9), st.sampled_from(["en", "zh"]))
def test_a_copy_is_made_of_what_was_said(seed: int, language: str) -> None:
    one = copying(Random(seed), ["Tin & Timber"], language)
    assert one.target
    bare = re.sub(r"[“”\"—.。，\s]", "", one.target)
    assert sum(character in said(one) for character in bare) >= 0.75 * len(bare)


@given(st.integers(0, 10**9), st.sampled_from(["en", "zh"]))
def test_a_passage_is_longer_than_a_wording_and_of_one_line(seed: int, language: str) -> None:
    text = passage(language, Random(seed))
    assert len(text) >= 7
    assert "\n" not in text


def test_some_copies_are_of_whole_passages_and_most_are_short() -> None:
    lengths = [len(one.target or "") for one in only("copied", 400)]
    assert 0.1 < sum(length > 45 for length in lengths) / 400 < 0.45


def test_a_rule_that_does_not_hold_and_a_remark_without_content_change_nothing() -> None:
    for one in only("revised", elsewhere=1.0, vague=0.0) + only("revised", elsewhere=0.0, vague=1.0):
        assert one.target
        assert one.target in said(one), "the answer stays what the attempt was"


def test_a_rule_that_holds_changes_the_attempt() -> None:
    changed = [one for one in only("revised", elsewhere=0.0, vague=0.0) if (one.target or "") not in said(one)]
    assert len(changed) > 40


def test_judgements_can_be_read_and_are_of_both_kinds() -> None:
    verdicts = Counter(read_verdict(one.target or "") for one in only("judged", 200))
    assert set(verdicts) == {True, False}
    assert 0.25 < verdicts[True] / 200 < 0.75


def test_where_a_rule_does_not_hold_every_attempt_keeps_it() -> None:
    assert {read_verdict(one.target or "") for one in only("judged", 80, elsewhere=1.0)} == {True}
