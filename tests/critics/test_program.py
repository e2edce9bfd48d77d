"""A user's program comments; whatever it does to its own process, no answer is lost and none is blamed for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sayso.critics.program import Knobs, comment, files
from sayso.errors import FeedbackError
from sayso.protocols import Task
from sayso.recipe import TaskPart
from sayso.records import Answer, Author, Example, Scope, user
from sayso.tasks import generate

TASK: Task = generate.task(TaskPart(name="generate"), ())
CHECKS = """
import os, sys, time
from beside import WORD

print("印在标准输出上")

def polite(prompt, answer):
    print("noise", prompt)
    if answer == "崩": os._exit(3)
    if answer == "错": raise ValueError("坏了")
    if answer == "慢": time.sleep(60)
    if answer == "转":
        while True: pass
    if answer == "大": x = bytearray(10 ** 12)
    if answer == "退": sys.exit(0)
    if answer == "数": return 7
    if answer == "两": return ["少了问候。", "", "少了道谢。"]
    if answer == "空": return ""
    if "您好" not in answer: return f"{prompt}：要先说{WORD}。"

shout = polite
"""


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    (tmp_path / "beside.py").write_text("WORD = '您好'", encoding="utf-8")
    (tmp_path / "checks.py").write_text(CHECKS, encoding="utf-8")
    return tmp_path / "checks.py"


def pairs(*answers: str) -> list[tuple[Example, Answer]]:
    return [(Example(str(i), user(f"问{i}")), Answer(str(i), text)) for i, text in enumerate(answers)]


def test_what_the_function_says_is_a_comment(checks: Path) -> None:
    program = f"{checks}:polite"
    review = comment(TASK, pairs("您好，在的。", "在", "两", "空"), Knobs(program, when="顾客问话"))
    assert [(one.item, one.comment) for one in review] == [
        ("1", "问1：要先说您好。"),
        ("2", "少了问候。"),
        ("2", "少了道谢。"),
    ]
    first = review.feedback[0]
    assert first.author == Author("program", f"{checks.name}:polite")
    assert (first.scope, first.language) == (Scope("rule", "顾客问话"), "zh")
    assert (first.prompt, first.attempt.text) == (user("问1"), "在")
    assert not review.not_judged


def test_a_failure_is_not_judged_and_costs_no_other_answer(checks: Path) -> None:
    answers = ("在", "崩", "错", "在", "慢", "转", "大", "退", "数", "在")
    review = comment(TASK, pairs(*answers), Knobs(f"{checks}:shout", seconds=0.3, megabytes=1024))
    assert [one.item for one in review] == ["0", "3", "9"]
    reasons = review.not_judged
    assert list(reasons) == ["1", "2", "4", "5", "6", "7", "8"]
    assert "exit code 3" in reasons["1"]
    assert reasons["2"] == "ValueError: 坏了"
    assert reasons["4"] == reasons["5"] == "no verdict within 0.3 s"
    assert "MemoryError" in reasons["6"]
    assert "SystemExit" in reasons["7"]
    assert "returned int" in reasons["8"]


def test_batches_make_no_difference(checks: Path) -> None:
    answers = pairs("在", "崩", "您好", "在", "在")
    one, many = (comment(TASK, answers, Knobs(f"{checks}:polite", rows=rows)) for rows in (2, 64))
    assert one.feedback == many.feedback
    assert set(one.not_judged) == set(many.not_judged) == {"1"}


def test_a_program_that_cannot_be_used_stops(checks: Path, tmp_path: Path) -> None:
    with pytest.raises(FeedbackError, match="no program is named"):
        comment(TASK, pairs("在"), Knobs())
    with pytest.raises(FeedbackError, match="no function 'polit'") as caught:
        comment(TASK, pairs("在"), Knobs(f"{checks}:polit"))
    assert "'polite'" in caught.value.fix
    with pytest.raises(FeedbackError, match="cannot be read"):
        comment(TASK, pairs("在"), Knobs(f"{tmp_path}/no.py:polite"))
    (tmp_path / "syntax.py").write_text("def polite(:")
    with pytest.raises(FeedbackError, match="is not Python"):
        comment(TASK, pairs("在"), Knobs(f"{tmp_path}/syntax.py:polite"))
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\ndef polite(a, b): pass")
    with pytest.raises(FeedbackError, match="nowhere_to_be_found"):
        comment(TASK, pairs("在"), Knobs(f"{tmp_path}/broken.py:polite"))
    (tmp_path / "dies.py").write_text("import os\nos._exit(4)\ndef polite(a, b): pass")
    with pytest.raises(FeedbackError, match="exit code 4"):
        comment(TASK, pairs("在"), Knobs(f"{tmp_path}/dies.py:polite"))


@pytest.mark.parametrize(
    ("command", "said", "failed"),
    [
        ("grep -q 您好 || echo 要先说您好。", ["要先说您好。"], {}),
        ("grep -n 在; true", ["1:在"], {}),
        ("echo 坏 >&2; exit 2", [], {"0": "exit code 2: 坏"}),
        ("exit 1", [], {"0": "exit code 1"}),
        ("cat {prompt}; test -s {answer}", ["问0"], {}),
        ("no-such-command-at-all", [], {"0": "exit code 127"}),
        ("sleep 60 & sleep 60", [], {"0": "no verdict within"}),
        ("kill -9 $$", [], {"0": "signal 9"}),
    ],
)
def test_a_command_says_what_it_prints(command: str, said: list[str], failed: dict[str, str]) -> None:
    review = comment(TASK, pairs("在"), Knobs(command, seconds=0.8))
    assert [one.comment for one in review] == said
    assert list(review.not_judged) == list(failed)
    assert failed.get("0", "") in review.not_judged.get("0", "")


def test_a_comment_that_names_the_right_answer_says_so(checks: Path) -> None:
    (checks.parent / "leak.py").write_text("def tell(p, a): return '应该说七天'", encoding="utf-8")
    both = [
        (Example("1", user("几天"), "七天"), Answer("1", "三天")),
        (Example("2", user("几天")), Answer("2", "三天")),
    ]
    review = comment(TASK, both, Knobs(f"{checks.parent}/leak.py:tell"))
    assert [one.reveals_answer for one in review] == [True, False]


def test_no_answers_no_process(checks: Path) -> None:
    assert comment(TASK, [], Knobs(f"{checks}:polite")).feedback == ()


def test_the_files_that_a_program_is_in(checks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checks.parent)
    assert files(Knobs(f"{checks}:polite")) == (checks,)
    assert files(Knobs(f"python {checks.name} --strict {{answer}}")) == (Path(checks.name),)
    assert files(Knobs("grep -q 您好 || echo 'no quote at the end")) == files(Knobs()) == ()
