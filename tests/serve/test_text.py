"""Tokens become text that is never taken back, up to a stop sequence and no further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.protocols import Token
from sayso.serve.text import Telling


def decode(ids: Sequence[int]) -> str:
    return bytes(ids).decode("utf-8", "replace").strip()


def tell(text: str, stop: Sequence[str] = ()) -> tuple[list[str], Telling]:
    """What is shown at each byte of a text."""
    telling, shown = Telling(decode, stop), []
    data = text.encode()
    for place, byte in enumerate(data):
        last: Any = "stop" if place == len(data) - 1 else ""
        shown.append(telling.add(Token(0, byte, last=last)))
        if telling.finish:
            break
    return shown, telling


def test_half_a_character_waits_for_the_other() -> None:
    shown, telling = tell("好a")
    assert shown == ["", "", "好", "a"]
    assert (telling.text, telling.finish) == ("好a", "stop")


@pytest.mark.parametrize(
    ("text", "stop", "said"),
    [
        ("one two three", ("two",), "one "),
        ("one two three", ("three", "o t"), "one tw"),
        ("one two three", ("ne t", "one"), ""),
        ("一二三四", ("三",), "一二"),
        ("one two", ("twofold",), "one two"),
        ("aab", ("ab",), "a"),
        ("one", ("",), "one"),
    ],
)
def test_the_first_stop_sequence_ends_it_and_is_not_said(text: str, stop: tuple[str, ...], said: str) -> None:
    shown, telling = tell(text, stop)
    assert "".join(shown) == said == telling.text
    assert telling.finish == "stop"


STOPS = st.lists(st.text(alphabet="ab好", min_size=1, max_size=3), max_size=3)


@given(st.text(alphabet="ab好 \n", max_size=20), STOPS)
def test_what_is_shown_is_the_text_to_the_stop_that_is_whole_first(text: str, stop: list[str]) -> None:
    shown, _ = tell(text, stop)
    whole = text.strip()
    ends = [(place + len(word), place) for word in stop if (place := whole.find(word)) >= 0]
    assert "".join(shown) == whole[: min(ends)[1] if ends else None]
