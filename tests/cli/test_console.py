from __future__ import annotations

import io
import json
from contextlib import redirect_stderr

import pytest
from rich.text import Text

from sayso.cli import console as printing
from sayso.cli.console import console, print_json, print_table, progress, span, table
from sayso.records import Score, Why


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a terminal with colours."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def test_results_go_out_and_the_rest_aside(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("结果 [1]")
    console(stderr=True).print("进度")
    assert capsys.readouterr() == ("结果 [1]\n", "进度\n")


def test_a_long_line_stays_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("好" * 300)
    assert capsys.readouterr().out == "好" * 300 + "\n"


def shown_on_a_terminal() -> str:
    with redirect_stderr(Terminal()) as terminal:
        console(stderr=True).print(Text("红", style="red"))
    return terminal.getvalue()


@pytest.mark.usefixtures("coloured")
def test_colour_is_for_terminals_and_no_color_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[31m" in shown_on_a_terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown_on_a_terminal() == "红\n"


def test_json_is_strict_and_keeps_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(
        [Score("classify", "甲", "accuracy", float("nan"), Why.WRONG_LABEL), {"x": float("inf"), "y": (1, 2.5)}]
    )
    shown = capsys.readouterr().out
    assert "甲" in shown
    first, second = json.loads(shown)
    assert first["value"] is None
    assert first["why"] == "wrong_label"
    assert second == {"x": None, "y": [1, 2.5]}


def test_a_table_in_a_pipe_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("成绩", ["名", "值"], [["准确率", 0.91234], ["[b]", None], [Text("是"), True]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "成绩"
    assert lines[2].split() == ["准确率", "0.9123"]
    assert lines[3] == "[b]"
    assert lines[4].split() == ["是", "yes"]


def test_numbers_stand_to_the_right() -> None:
    drawn = table("", ["名", "值"], [["a", 1], ["b", 22.5]])
    assert [column.justify for column in drawn.columns] == ["left", "right"]
    assert drawn.title is None
    assert table("空", ["名"], []).row_count == 0


def test_in_a_pipe_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 1.0, 2.0, 30.0, 30.0, 31.0])
    monkeypatch.setattr(printing.time, "monotonic", lambda: next(clock))
    with progress("train") as line:
        for step in range(1, 5):
            line.update(step=step, steps=100, loss=1 / step, tokens_per_second=1234.5, seconds_left=75)
        line.note("step 4: accuracy 0.9")
        line.update(step=100, steps=100)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "train  1/100  1%  loss 1.0000  1,234 tokens/s  1:15 left",
        "train  4/100  4%  loss 0.2500  1,234 tokens/s  1:15 left",
        "train  step 4: accuracy 0.9",
        "train  100/100  100%",
    ]


@pytest.mark.usefixtures("coloured")
def test_on_a_terminal_one_line_is_rewritten() -> None:
    with redirect_stderr(Terminal()) as terminal, progress("训练") as line:
        line.update(step=1, steps=2, loss=0.5)
        line.note("第一步")
        line.update(step=2, steps=2, loss=0.25)
    shown = terminal.getvalue()
    assert "训练  第一步" in shown
    assert "2/2  100%  loss 0.2500" in shown
    assert "\x1b[" in shown


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (75, "1:15"), (3725, "1:02:05"), (-3, "0 s")]
)
def test_time_left_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words
