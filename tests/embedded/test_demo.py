"""The demo's data: made as its page says, with comments that fit what they are about."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from sayso.houserules import HouseRule
from sayso.recipe import load
from sayso.store.imports import read_comments
from sayso.surface import is_chinese
from sayso.wording import language_of
from sayso.worlds import shop_desk as desk

EMBEDDED = Path(__file__).parents[2] / "src" / "sayso" / "embedded"
DEMO = EMBEDDED / "demo"
RULES = {
    code: HouseRule("shop_desk", "ask_for", code, "refund", (("item", item),))
    for code, item in (("en", "order number"), ("zh", "订单号"))
}


def test_the_page_makes_the_committed_rows(tmp_path: Path) -> None:
    page = (EMBEDDED / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    exec(compile(ast.parse(code[1]), "README.md", "exec"), {"out": tmp_path})
    for split in ("train", "validation", "test"):
        assert (tmp_path / f"{split}.jsonl").read_bytes() == (DEMO / f"{split}.jsonl").read_bytes()


def test_comments_are_many_in_both_languages_and_about_attempts_that_break_the_rule() -> None:
    found = read_comments(DEMO / "comments.jsonl")
    assert found.refused == []
    assert len({one.comment for one in found.feedback}) == len(found.feedback) >= 24
    assert min(Counter(language_of(one.comment) for one in found.feedback).values()) >= 12
    assert len({one.author.id for one in found.feedback}) == 4
    for one in found.feedback:
        rule = RULES[language_of(one.prompt[0].text)]
        assert desk.scope_of(rule, one.prompt) == "in"
        assert not desk.shows(rule, one.prompt, one.attempt.text)
        assert desk.shows(rule, one.prompt, one.revision or "")
        assert is_chinese(one.prompt[0].text) == is_chinese(one.comment) == is_chinese(one.revision or "")


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
    ],
)
def test_the_critic_speaks_where_the_rule_is_broken(prompt: str, answer: str, words: str | None) -> None:
    names: dict[str, object] = {}
    exec(compile((DEMO / "critic.py").read_text(encoding="utf-8"), "critic.py", "exec"), names)
    said = names["order_number_first"](prompt, answer)  # type: ignore[operator]
    assert said is None if words is None else words in said
