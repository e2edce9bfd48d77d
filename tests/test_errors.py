from __future__ import annotations

import inspect
import re

import pytest

from sayso import errors
from sayso.errors import Fault, SaysoError, UserError, nearest

TREE = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, SaysoError)]


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = re.findall(r"^[\s│├└─]*(\w+)\s{2,}\S", errors.__doc__ or "", flags=re.MULTILINE)
    assert sorted(drawn) == sorted(cls.__name__ for cls in TREE)


@pytest.mark.parametrize("cls", TREE)
def test_exit_codes_follow_whose_fault_it_is(cls: type[SaysoError]) -> None:
    assert cls.exit_code == (2 if issubclass(cls, UserError) else 1)
    assert not (issubclass(cls, UserError) and issubclass(cls, Fault))
    assert cls.__doc__


def test_an_error_says_what_where_expected_and_how_to_fix() -> None:
    error = errors.DataError("标签为空", where="train.jsonl:7", expected="a label", fix="fill it in")
    assert str(error) == "train.jsonl:7: 标签为空\nexpected: a label\nto fix: fill it in"
    facts = {
        "error": "DataError",
        "what": "标签为空",
        "where": "train.jsonl:7",
        "expected": "a label",
        "fix": "fill it in",
    }
    assert error.as_json() == facts


def test_what_is_not_known_is_left_out() -> None:
    assert str(SaysoError("broken")) == "broken"
    assert SaysoError("broken").as_json() == {"error": "SaysoError", "what": "broken"}


def test_the_nearest_name_or_all_of_them() -> None:
    assert nearest("imitat", ["prefer", "imitate"]) == "did you mean 'imitate'?"
    assert nearest("正面的", ["负面", "正面"]) == "did you mean '正面'?"
    assert nearest("zzz", ["b", "a"]) == "choose one of: a, b"
    assert nearest("zzz", []) == ""
