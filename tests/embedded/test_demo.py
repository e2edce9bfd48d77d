"""The demo's data: made as its page says, with comments that fit what they are about."""

from __future__ import annotations

import ast
import json
import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sayso.checks import said_of
from sayso.recipe import load
from sayso.records import Message, user
from sayso.store.imports import read_comments
from sayso.surface import is_chinese
from sayso.wording import language_of
from sayso.worlds import shop_desk as desk

EMBEDDED = Path(__file__).parents[2] / "src" / "sayso" / "embedded"
DEMO = EMBEDDED / "demo"
CRITIC = runpy.run_path(str(DEMO / "critic.py"))
CHECKS = CRITIC["RULES"]


def rows(split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def turns(row: dict[str, Any]) -> tuple[str, str]:
    asked, answered = row["messages"]
    return asked["content"], answered["content"]


def test_the_page_makes_the_committed_rows(tmp_path: Path) -> None:
    page = (EMBEDDED / "README.md").read_text(encoding="utf-8").partition("## How the demo's data is made")[2]
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    exec(compile(ast.parse(code[1]), "README.md", "exec"), {"out": tmp_path})
    for split in ("train", "validation", "test"):
        assert (tmp_path / f"{split}.jsonl").read_bytes() == (DEMO / f"{split}.jsonl").read_bytes()


def test_two_comments_in_each_language_on_each_of_six_rules() -> None:
    found = read_comments(DEMO / "comments.jsonl")
    assert found.refused == []
    assert len({one.comment for one in found.feedback}) == 24
    about = Counter((one.checks[0], language_of(one.comment)) for one in found.feedback)
    assert about == {(check, language): 2 for check in CHECKS.values() for language in ("en", "zh")}
    assert len({one.author.id for one in found.feedback}) == 6
    assert all(one.scope.reach == "rule" and one.scope.when for one in found.feedback)


def test_comments_are_about_attempts_that_break_their_rule_and_no_other() -> None:
    named = {check: about for about, check in CHECKS.items()}
    for one in read_comments(DEMO / "comments.jsonl").feedback:
        (message,), (check,) = one.prompt, one.checks
        holding = [
            a for a in CHECKS if desk.scope_of(CRITIC["rule"](a, language_of(message.text)), one.prompt) == "in"
        ]
        assert holding == [named[check]]
        assert said_of(check, one.prompt, one.attempt.text)
        assert said_of(check, one.prompt, one.revision or "") == ""
        assert CRITIC["house_rules"](message.text, one.revision or "") == []
        assert is_chinese(message.text) == is_chinese(one.comment) == is_chinese(one.revision or "")


def test_no_message_is_both_commented_on_and_tested() -> None:
    commented = {one.prompt for one in read_comments(DEMO / "comments.jsonl").feedback}
    held = {split: {(Message("user", turns(row)[0]),) for row in rows(split)} for split in ("train", "test")}
    assert not commented & (held["train"] | held["test"])
    assert not held["train"] & held["test"]


def test_what_is_taught_to_stay_is_about_no_rule() -> None:
    for row in [*rows("train"), *rows("validation")]:
        assert CRITIC["house_rules"](turns(row)[0], "") == []


def test_each_rule_is_tested_as_often_as_any_in_both_languages() -> None:
    counts = Counter((row["check"], row["scope"], is_chinese(turns(row)[0])) for row in rows("test"))
    expected = {(check, "in", zh): 6 for check in CHECKS.values() for zh in (True, False)}
    expected |= {(check, "near", zh): 3 for check in CHECKS.values() for zh in (True, False)}
    assert counts == expected | {(None, "out", zh): 18 for zh in (True, False)}


def test_what_a_test_message_expects_keeps_the_rule_that_holds_there() -> None:
    for row in rows("test"):
        prompt, expected = turns(row)
        assert CRITIC["house_rules"](prompt, expected) == []
        broken = CRITIC["house_rules"](prompt, "…")
        about = next((name for name, check in CHECKS.items() if check == row["check"]), "")
        scope = desk.scope_of(CRITIC["rule"](about, language_of(prompt)), user(prompt)) if about else "out"
        assert scope == row["scope"]
        assert bool(broken) or row["scope"] != "in"


def test_the_recipe_finds_its_files() -> None:
    recipe = load(DEMO / "recipe.yaml")
    assert [Path(file).is_file() for file in recipe.feedback.files] == [True]
    program = str(recipe.feedback.critics[0].knobs["program"])
    assert Path(program.rpartition(":")[0]).is_file()


@pytest.mark.parametrize(
    ("prompt", "answer", "words"),
    [
        ("I'd like a refund for the kettle.", "Of course, we'll refund you.", "order number"),
        ("I'd like a refund for the kettle.", "What is your order number?", None),
        ("I'd like a refund for the kettle, order 20417.", "Of course, we'll refund you.", None),
        ("电水壶我想退款。", "可以，马上退款。", "订单号"),
        ("电水壶我想退款。", "请先告诉我们订单号。", None),
        ("电水壶有货吗？", "有的。", None),
        ("The teapot is perfect. Thank you!", "Our pleasure!", "🍁"),
        ("茶壶特别好，谢谢！", "不客气！🍁", None),
    ],
)
def test_the_critic_speaks_where_a_rule_is_broken(prompt: str, answer: str, words: str | None) -> None:
    said = CRITIC["house_rules"](prompt, answer)
    assert said == [] if words is None else len(said) == 1 and words in said[0]
