"""An answer that looks at itself: only what is judged to do replaces it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from sayso.records import Messages, user
from sayso.serve.correct import Judge, by_critic, by_itself, corrected
from sayso.store.responses import Round

ASKED = user("How long may I keep it?")


def sayer(script: Callable[[str], str]) -> tuple[Callable[[Messages], Awaitable[str]], list[str]]:
    heard: list[str] = []

    async def say(context: Messages) -> str:
        heard.append(context[-1].text)
        return script(context[-1].text)

    return say, heard


def judge_by(good: str, unjudged: str = "") -> Judge:
    def critic(_: Messages, answer: str) -> str | None:
        return "" if answer == unjudged else None if good in answer else f"Say {good}."

    return by_critic(ASKED, critic)


def mend(
    first: str, rounds: int, judge: Judge, script: Callable[[str], str]
) -> tuple[str, tuple[Round, ...], list[str]]:
    say, heard = sayer(script)
    answer, trace = asyncio.run(corrected(ASKED, first, rounds, judge, say))
    return answer, trace, heard


def test_a_good_answer_is_left_alone() -> None:
    answer, trace, heard = mend("Seven days.", 3, judge_by("Seven"), lambda _: "wrong")
    assert answer == "Seven days."
    assert trace == (Round("Seven days.", "", True),)
    assert not heard


def test_a_bad_one_is_written_again_with_the_comment_in_sight() -> None:
    answer, trace, heard = mend("Five days.", 1, judge_by("Seven"), lambda _: "Seven days.")
    assert answer == "Seven days."
    assert [(one.answer, one.comment, one.satisfied) for one in trace] == [
        ("Five days.", "Say Seven.", False),
        ("Seven days.", "", True),
    ]
    assert "Say Seven." in heard[0]
    assert "Five days." in heard[0]


def test_after_the_last_round_nothing_more_is_written() -> None:
    answer, trace, heard = mend("Five days.", 2, judge_by("Seven"), lambda said: f"{len(said)} days.")
    assert (answer, len(trace), len(heard)) == ("Five days.", 3, 2)


@pytest.mark.parametrize(
    ("script", "looks"),
    [
        (lambda text: f"Not yet, after {len(text)}.", 3),  # never good enough: rounds are used up
        (lambda _: "Five days.", 1),  # says the same again
        (lambda _: " ", 1),  # says nothing
    ],
)
def test_what_cannot_be_mended_stays_as_it_was(script: Callable[[str], str], looks: int) -> None:
    answer, trace, _ = mend("Five days.", 2, judge_by("Seven"), script)
    assert answer == "Five days."
    assert len(trace) == looks


def test_what_cannot_be_judged_stays_as_it_was() -> None:
    assert mend("Odd.", 2, judge_by("Seven", unjudged="Odd."), lambda _: "Seven")[:2] == (
        "Odd.",
        (Round("Odd.", "", None),),
    )
    assert mend("Five.", 2, judge_by("Seven", unjudged="Odd."), lambda _: "Odd.")[0] == "Five."


def look(verdicts: Callable[[str], str], *rules: str) -> Round:
    say, _ = sayer(verdicts)
    return asyncio.run(by_itself(ASKED, say, rules)("Five days."))


def test_the_model_judges_itself_in_the_words_of_training() -> None:
    say, heard = sayer(lambda _: "Yes.")
    assert asyncio.run(by_itself(ASKED, say)("Five days.")) == Round("Five days.", "", True)
    assert heard == ["Message: How long may I keep it?\nReply: Five days.\n\nWould you let this reply pass?"]


def test_against_its_rules_the_first_that_is_broken_counts() -> None:
    rules = ("Greet first.", "Say seven days.", "Be kind.")
    broken = look(lambda text: "No. It says five." if "seven" in text else "Yes.", *rules)
    assert broken == Round("Five days.", "It says five.", False)
    assert look(lambda text: "No." if "Greet" in text or "kind" in text else "Yes.", *rules).comment == "Greet first."
    assert look(lambda _: "是。", *rules).satisfied is True
    assert look(lambda _: "Maybe.", *rules).satisfied is None
    assert look(lambda _: "No.").satisfied is None  # no, but not why: nothing to go by
