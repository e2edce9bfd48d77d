"""What a base model is taught with: drawn from the seed alone, as its mix says, and a copy is of what was said."""

from __future__ import annotations

from collections import Counter

import pytest

from sayso import rooms
from sayso.exercises import Mix, exercises
from sayso.houserules import HouseRule
from sayso.records import Example
from sayso.wording import read_verdict

WORLDS = {name: rooms.find("worlds", name) for name in rooms.names("worlds")}
EVEN = dict.fromkeys(WORLDS, 1.0)


def drawn(n: int, seed: int = 3, mix: Mix | None = None) -> list[Example]:
    return list(exercises(WORLDS, EVEN, n, seed, mix))


def only(kind: str, n: int = 60, **shares: float) -> list[Example]:
    none = dict.fromkeys(("plain", "told", "remarked", "revised", "judged", "copied", "compared"), 0.0)
    return drawn(n, mix=Mix(**{**none, kind: 1.0, **shares}))


def said(example: Example) -> str:
    return "\n".join(message.text for message in example.prompt)


def test_the_same_seed_gives_the_same_and_another_something_else() -> None:
    assert drawn(40) == drawn(40)
    assert drawn(40) != drawn(40, seed=4)


def test_kinds_come_as_often_as_the_mix_says() -> None:
    mix = Mix(plain=1, told=3, remarked=0, revised=0, judged=0, copied=0, compared=0)
    roles = Counter(one.prompt[0].role for one in drawn(300, mix=mix))
    assert roles["system"] == pytest.approx(225, abs=40)


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


def test_an_attempt_that_does_what_a_rule_akin_asks_for_is_judged_by_what_was_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, obeyed = WORLDS["shop_desk"], set()
    obey = world.obey

    def noted(rule: HouseRule, example: Example) -> str:
        obeyed.add(obey(rule, example))
        return obey(rule, example)

    monkeypatch.setattr(world, "obey", noted)
    wrong = [one for one in only("judged", 400, elsewhere=0.0) if read_verdict(one.target or "") is False]
    assert any(
        f"{start}{reply}\n\n" in said(one) for one in wrong for reply in obeyed for start in ("Reply: ", "回答：")
    )
