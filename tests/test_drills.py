"""Drills: a copy is of what was said, and a verdict is what a search in the attempt finds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.drills import comparing, copying, passage
from sayso.records import Example
from sayso.wording import read_verdict, what_is_wrong

SEEDS = st.integers(0, 10**9)
EITHER = st.sampled_from(["en", "zh"])
PARTS = re.compile(r"(?:Message: |留言：)(.*)\n(?:Rule: |规定：)(.*)\n(?:Reply: |回答：)((?:.|\n)*)\n\n")
ORACLE: tuple[tuple[str, Callable[[str, str, str], bool]], ...] = (  # a rule's words; does the reply keep it?
    (r'Begin with "(.*)"\.|(.*) comes first\.|The reply opens with "(.*)"\.', lambda x, reply, _: reply.startswith(x)),
    (r"以“(.*)”开头。|(.*)放在最前面。|回答要用“(.*)”开头。", lambda x, reply, _: reply.startswith(x)),
    (
        r'End with "(.*)"\.|(.*) comes last\.|The last thing they read is "(.*)"\.',
        lambda x, reply, _: reply.endswith(x),
    ),
    (r"以“(.*)”结尾。|(.*)放在最后。|最后要写“(.*)”。", lambda x, reply, _: reply.endswith(x)),
    (r'(.*) has to be in it\.|Mention "(.*)"\.|Don\'t forget (.*)\.', lambda x, reply, _: x in reply),
    (r"里面要有(.*)。|要提到“(.*)”。|别忘了(.*)。", lambda x, reply, _: x in reply),
    (r'Never write "(.*)"\.|No (.*), please\.|Leave (.*) out\.', lambda x, reply, _: x not in reply),
    (r"不许写“(.*)”。|不要出现(.*)。|去掉(.*)。", lambda x, reply, _: x not in reply),
    (r'Say (.*) instead of .*\.|We write "(.*)" and not ".*"\.', lambda x, reply, _: x in reply),
    (r"写(.*)，不写.*。|我们说“(.*)”，不说“.*”。", lambda x, reply, _: x in reply),
    (r"The answer is (.*)\.|Answer with (.*) and nothing else\.|Only (.*) is right here\.", lambda x, r, _: r == x),
    (r"答案是(.*)。|只回答(.*)。|这里只有(.*)是对的。", lambda x, reply, _: reply == x),
    (r"Repeat the message word for word\.|The reply is what the message says\.", lambda _, reply, m: reply == m),
    (r"把留言原样重复一遍。|留言怎么说，就怎么答。", lambda _, reply, message: reply == message),
)


def said(example: Example) -> str:
    return "\n".join(message.text for message in example.prompt)


def keeps(message: str, rule: str, reply: str) -> bool:
    for pattern, oracle in ORACLE:
        found = re.fullmatch(pattern, rule)
        if found:
            return oracle(next((value for value in found.groups() if value is not None), ""), reply, message)
    pytest.fail(f"no oracle for {rule!r}")


@given(SEEDS, EITHER)
def test_a_copy_is_made_of_what_was_said(seed: int, language: str) -> None:
    one = copying(Random(seed), ["Tin & Timber"], language)
    assert one.target
    bare = re.sub(r"[“”\"—.。，\s]", "", one.target)
    assert sum(character in said(one) for character in bare) >= 0.75 * len(bare)


@given(SEEDS, EITHER)
def test_a_passage_is_longer_than_a_wording_and_of_one_line(seed: int, language: str) -> None:
    text = passage(language, Random(seed))
    assert len(text) >= 7
    assert "\n" not in text


def test_some_copies_are_of_whole_passages_and_most_are_short() -> None:
    dice = Random(1)
    lengths = [len(copying(dice).target or "") for _ in range(400)]
    assert 0.1 < sum(length > 45 for length in lengths) / 400 < 0.45


@given(SEEDS, EITHER)
def test_a_verdict_is_what_a_search_in_the_reply_finds(seed: int, language: str) -> None:
    one = comparing(Random(seed), ["Tin & Timber"], language)
    parts = PARTS.match(said(one))
    assert parts
    assert read_verdict(one.target or "") is keeps(*parts.groups())


@given(SEEDS, EITHER)
def test_who_objects_says_what_is_wrong_and_who_does_not_says_nothing(seed: int, language: str) -> None:
    target = comparing(Random(seed), [], language).target or ""
    assert bool(what_is_wrong(target)) is (read_verdict(target) is False)


def test_half_of_the_replies_keep_the_rule_in_either_language() -> None:
    dice = Random(2)
    for language in ("en", "zh"):
        verdicts = Counter(read_verdict(comparing(dice, (), language).target or "") for _ in range(400))
        assert 150 < verdicts[True] < 250
        assert verdicts[None] == 0


def test_the_same_dice_give_the_same() -> None:
    assert [comparing(Random(5)) for _ in range(3)] == [comparing(Random(5)) for _ in range(3)]
    assert [copying(Random(5)) for _ in range(3)] == [copying(Random(5)) for _ in range(3)]
