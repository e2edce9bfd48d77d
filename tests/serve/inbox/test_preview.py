"""How far a comment reaches is told as learning would tell it, in both languages."""

from __future__ import annotations

import pytest

from sayso.records import Reach, Scope, user
from sayso.serve.inbox.preview import SHOWN, Reaches, preview
from sayso.store.responses import Choice, Response

ASKED = (
    "Where is my parcel?",
    "The parcel arrived broken, can I get my money back?",
    "Can I pay by invoice?",
    "你们的发票怎么开？",
    "发票抬头写错了怎么办？",
    "退货要多久？",
    "Where is my parcel?",
)
LOG = [Response(str(i), "chat", user(text), (Choice("x"),)) for i, text in enumerate(ASKED)]


def told(reach: Reach, when: str = "", at: int = 0) -> Reaches:
    return preview(Scope(reach, when), LOG[at].prompt, LOG)


def test_just_here_is_the_same_question_and_everywhere_all() -> None:
    assert [one.id for one in told("item").some] == ["0", "6"]
    assert (told("item", at=2).found, told("everywhere").found, told("everywhere").looked) == (1, 7, 7)
    assert len(told("everywhere").some) == SHOWN


@pytest.mark.parametrize(
    ("when", "at", "found"),
    [
        ("somebody asks about a parcel", 0, ["0", "1", "6"]),
        ("有人问到发票", 3, ["3", "4"]),
        ("the user mentions “invoice”", 2, ["2"]),
        ("问题里有“退货”", 5, ["5"]),
    ],
)
def test_whenever_goes_by_words_that_stand_here_and_in_few_others(when: str, at: int, found: list[str]) -> None:
    reached = told("rule", when, at)
    assert [one.id for one in reached.some] == found
    assert reached.here
    assert reached.words


def test_words_that_stand_elsewhere_only_are_looked_for_there_and_it_is_said() -> None:
    reached = told("rule", "somebody asks about an invoice", 0)
    assert [one.id for one in reached.some] == ["2"]
    assert not reached.here


def test_a_condition_whose_words_stand_nowhere_matches_nothing() -> None:
    reached = told("rule", "客人生气的时候")
    assert (reached.found, reached.words) == (0, ())
    assert preview(Scope("rule", "x"), user("q"), []).looked == 0
