"""Errors are put in words: what was expected, what it was taken for and how often, one rule for one kind of error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.critics.validation import Knobs, comment
from sayso.protocols import Task
from sayso.recipe import TaskPart
from sayso.records import Answer, Author, Example, Feedback, Scope, user
from sayso.surface import is_chinese
from sayso.tasks import classify, generate, text, translate

ONE = classify.task(TaskPart(), ("正面", "负面", "中性"))
MANY = classify.task(TaskPart(several=True), ("joy", "anger", "love"))
FREE = generate.task(TaskPart(name="generate"), ())
TO_ENGLISH = translate.task(TaskPart(name="translate", source_language="zh", target_language="en"), ())
TO_CHINESE = translate.task(TaskPart(name="translate", source_language="en", target_language="zh"), ())


def said(task: Task, prompt: str, gold: str | None, answer: str, ended: bool = True, **knobs: object) -> str:
    """What is said of one answer; "" for nothing."""
    found = comment(task, [(Example("1", user(prompt), gold), Answer("1", answer, ended=ended))], Knobs(**knobs))  # type: ignore[arg-type]
    return next((one.comment for one in found), "")


def labelled(task: Task, *rows: tuple[str, str, str], **knobs: object) -> list[Feedback]:
    pairs = [
        (Example(str(i), user(prompt), gold), Answer(str(i), answer)) for i, (prompt, gold, answer) in enumerate(rows)
    ]
    return list(comment(task, pairs, Knobs(**knobs)))  # type: ignore[arg-type]


def test_a_confusion_is_named_and_counted_and_shares_one_rule() -> None:
    rows = [("难吃", "负面", "正面"), ("很慢", "负面", "正面"), ("还行", "中性", "正面"), ("太差", "负面", "负面")]
    found = labelled(ONE, *rows)
    assert [one.item for one in found] == ["0", "1", "2"]
    rule = "回答“正面”之前，先看看是不是“负面”。"
    assert found[0].comment == f"这是“负面”，不是“正面”。3 个“负面”里有 2 个被当成了“正面”。{rule}"
    assert "个" not in found[2].comment
    assert found[0].scope == found[1].scope == Scope("rule", rule)
    assert found[2].scope != found[0].scope
    first = found[0]
    assert (first.revision, first.attempt.text, first.prompt) == ("负面", "正面", user("难吃"))
    assert (first.author, first.reveals_answer, first.language) == (Author("critic", "validation"), True, "zh")


GOOD = ["it works well", "lovely and warm", "great value", "arrived early", "my wife likes it", "looks as shown"] * 5
BAD = ["it never works", "it never arrived", "never again", "the seam broke"]
很好 = ["质量很好", "物流很快", "颜色好看", "很满意", "价格公道", "包装仔细"] * 5
很差 = ["质量一般不推荐", "不推荐买", "朋友也不推荐", "坏了"]


def test_words_that_stand_in_an_errors_texts_are_named_with_their_counts() -> None:
    rows = [(text, "负面", "正面") for text in BAD] + [(text, "正面", "正面") for text in GOOD]
    found = labelled(ONE, *rows)
    sentence = 'In 3 of these 4 texts stands "never", and in 0 of the 30 that are "正面".'
    rule = 'Before answering "正面", look whether it is "负面". Take care where the text says "never".'
    often = 'This is "负面", not "正面". Of 4 that are "负面", 4 were taken for "正面".'
    assert found[0].comment == f"{often} {sentence} {rule}"
    assert sentence not in found[3].comment
    assert {one.scope.when for one in found} == {rule}


def test_words_of_chinese_texts_are_their_longest_common_runs() -> None:
    rows = [(text, "负面", "正面") for text in 很差] + [(text, "正面", "正面") for text in 很好]
    found = labelled(ONE, *rows)
    assert "这 4 条里有 3 条含有“不推荐”，30 条“正面”里有 0 条。" in found[0].comment
    assert found[0].scope.when == "回答“正面”之前，先看看是不是“负面”。文中有“不推荐”时要留心。"


def test_words_that_stand_everywhere_or_seldom_are_not_named() -> None:
    rows = [(f"never {text}", "负面", "正面") for text in BAD] + [(f"never {text}", "正面", "正面") for text in GOOD]
    assert "Take care" not in labelled(ONE, *rows)[0].comment
    twice = [(text, "负面", "正面") for text in (*BAD[:2], "cold", "slow", "thin")]
    assert "Take care" not in labelled(ONE, *twice, *rows[4:])[0].comment


def test_words_of_a_label_that_was_missed_are_compared_with_texts_without_it() -> None:
    rows = [(f"{text}, adorable", "joy | love", "joy") for text in GOOD[:3]]
    rows += [(text, "joy", "joy") for text in GOOD] + [(text, "anger", "anger") for text in BAD]
    found = labelled(MANY, *rows)
    assert 'In 3 of these 3 texts stands "adorable", and in 0 of the 34 without "love".' in found[0].comment
    assert found[0].scope.when == 'Name "love" wherever it holds. Take care where the text says "adorable".'


def test_words_give_no_answer_away_that_is_kept_back() -> None:
    rows = [(text, "负面", "正面") for text in BAD] + [(text, "正面", "正面") for text in GOOD]
    found = labelled(ONE, *rows, reveal=False)
    assert 'stands "never", and in 0 of the 30 that are "正面".' in found[0].comment
    assert "负面" not in found[0].comment + found[0].scope.when


def test_words_follow_the_prompt_and_the_rule_most_prompts() -> None:
    found = labelled(ONE, ("awful", "负面", "正面"), ("难吃", "负面", "正面"), ("很慢", "负面", "正面"))
    assert found[0].comment.startswith('This is "负面", not "正面". Of 3 that are "负面", 3 were taken for "正面".')
    assert len({one.scope for one in found}) == 1
    assert found[0].language == "en"


def test_the_right_answer_can_be_kept_back() -> None:
    found = labelled(ONE, ("难吃", "负面", "正面"), reveal=False)
    assert "负面" not in found[0].comment + found[0].scope.when
    assert not found[0].reveals_answer
    assert found[0].revision == "负面"


def test_no_label_at_all() -> None:
    words = said(ONE, "难吃", "负面", "我不知道")
    assert words == "回答不是所给的标签之一。正确的回答是“负面”。只回答一个标签。"
    assert said(ONE, "难吃", "负面", "我觉得是负面") == ""
    assert "不是“正面”" in said(ONE, "难吃", "负面", "我觉得是正面")


def test_several_labels_are_missed_or_too_many() -> None:
    rows = [
        ("so happy with you", "joy | love", "joy"),
        ("i hate this", "anger", "anger | joy"),
        ("love it", "love", "anger"),
        ("all of it", "joy | anger | love", ""),
        ("fine", "", "joy"),
        ("well", "joy", "joy"),
    ]
    found = {one.item: one for one in labelled(MANY, *rows)}
    assert found["0"].comment.startswith('"love" holds here and was not named. Of 3 with "love", 2 were missed.')
    assert found["1"].comment.startswith('"joy" does not hold here. "joy" was named 2 times')
    assert found["2"].comment.startswith('This is "love", not "anger".')
    assert all(f'"{label}" holds here' in found["3"].comment for label in ("joy", "anger", "love"))
    assert found["0"].scope == found["3"].scope
    assert found["4"].scope == found["1"].scope
    assert not found["4"].reveals_answer
    assert "5" not in found


@pytest.mark.parametrize(
    ("gold", "answer", "words"),
    [
        ("我在1998年去了北京。", "I went to Beijing in 1998.", "回答用错了语言"),
        ("", "x", ""),
    ],
)
def test_free_text_in_the_wrong_language(gold: str, answer: str, words: str) -> None:
    assert words in said(FREE, "你什么时候去的北京？", gold, answer)


@pytest.mark.parametrize(
    ("prompt", "gold", "answer", "ended", "words"),
    [
        ("请介绍北京", "北京是中国的首都。", "", True, "没有给出回答。"),
        ("请介绍北京", "北京是中国的首都。", "北京是北京是北京是北京是北京是北京是", True, "反复说同样的话"),
        ("请介绍北京", "北京是中国的首都。", "北京是中国", False, "没有说完"),
        ("Tell me about Beijing", "It is the capital.", "Tell me about Beijing", True, "only says the given text"),
        ("请介绍北京", "北京是中国的首都。", "不清楚。", True, "这不是预期的回答。正确的回答是“北京是中国的首都。”。"),
        ("请介绍北京", "北京是中国的首都。", "北京是中国的首都", True, ""),
        ("请介绍北京", "北京是中国的首都。", "北京是中国的首都。", False, ""),
        ("请介绍北京", None, "不清楚。", True, ""),
        ("请介绍北京", None, "", True, "没有给出回答。"),
    ],
)
def test_what_can_be_seen_of_free_text(prompt: str, gold: str | None, answer: str, ended: bool, words: str) -> None:
    found = said(FREE, prompt, gold, answer, ended)
    assert words in found
    assert bool(found) == bool(words)


@pytest.mark.parametrize(
    ("task", "source", "gold", "answer", "words"),
    [
        (TO_ENGLISH, "他1998年去了。", "He went there in 1998.", "He went there.", "漏掉了数字：“1998”。"),
        (TO_ENGLISH, "我有3本书。", "I have 3 books.", "I have three books.", ""),
        (TO_ENGLISH, "一千", "It costs 1,000 yuan.", "It costs 1000 yuan.", ""),
        (TO_ENGLISH, "昨天汤姆见到了玛丽。", "Yesterday Tom met Mary.", "Yesterday Tom met a friend.", "专名：“Mary”"),
        (TO_ENGLISH, "我喜欢喝茶。", "I like to drink tea.", "I like to drink 茶.", "没有翻译：“茶”"),
        (TO_ENGLISH, "我喜欢喝茶。", "I like to drink tea.", "我喜欢喝茶。", "重复了一遍"),
        (TO_ENGLISH, "我喜欢喝茶也喜欢散步。", "I like to drink tea and to go for walks.", "I like.", "漏译了很多"),
        (TO_ENGLISH, "我喝茶。", "I drink tea.", "I drink tea and the cat sleeps on an old red sofa.", "加了很多"),
        (TO_CHINESE, "Tom likes green tea", "汤姆喜欢绿茶", "汤姆喜欢 green 茶", 'untranslated: "green"'),
        (TO_CHINESE, "I use Python every day", "我每天都用 Python", "我每天使用 Python", ""),
        (TO_CHINESE, "Tom likes tea", "汤姆喜欢茶", "Er mag sehr gern etwas anderes", "wrong language"),
        (TO_CHINESE, "Room 204, please", "请去204房间", "请去房间", 'Missing numbers: "204".'),
        (TO_CHINESE, "See you at 9:00 in the park", "9:00在公园里见", "9点在公园里见", ""),
        (TO_CHINESE, "He met Tom Hanks", "他见到了汤姆（Tom Hanks）", "他见到了汤姆", ""),
        (TO_CHINESE, "He likes Python", "他很喜欢 Python 这门语言", "他很喜欢这门语言", 'Missing names: "Python".'),
        (TO_ENGLISH, "他去了塞维利亚。", "Then he went to Sevilla.", "Then he went to Seville.", ""),
    ],
)
def test_what_can_be_seen_of_a_translation(task: Task, source: str, gold: str, answer: str, words: str) -> None:
    found = said(task, source, gold, answer)
    assert words in found
    assert bool(found) == bool(words)
    if words:
        assert gold in found


def test_german_nouns_are_no_names() -> None:
    german = translate.task(TaskPart(name="translate", target_language="de"), ())
    words = said(
        german, "The dog and the cat are in the house", "Der Hund und die Katze sind im Haus", "Der da ist im Haus"
    )
    assert "names" not in words


def test_plain_text_has_no_answers() -> None:
    assert said(text.task(TaskPart(name="text"), ()), "你好", None, "") == ""


def test_a_limit_is_spread_over_the_rules() -> None:
    rows = [("很差", "负面", "正面")] * 4 + [("还行", "中性", "正面")] + [("很好", "正面", "负面")]
    found = labelled(ONE, *rows, limit=4)
    assert [one.item for one in found] == ["0", "1", "4", "5"]
    assert len(labelled(ONE, *rows)) == 6


def test_nothing_to_say() -> None:
    assert comment(ONE, [], Knobs()).feedback == ()
    assert labelled(ONE, ("好", "正面", "正面")) == []


short = st.text(alphabet="好 坏ab1“{}|。A", max_size=10)


@given(
    st.sampled_from([ONE, MANY, FREE, TO_ENGLISH, TO_CHINESE]), st.lists(st.tuples(short, short, short), max_size=5)
)
@settings(deadline=None, max_examples=80)
def test_whatever_is_answered_words_come_in_the_prompts_language(task: Task, rows: list[tuple[str, str, str]]) -> None:
    for one in labelled(task, *rows):
        assert one.comment.strip()
        assert one.language == ("zh" if is_chinese(one.prompt[0].text) else "en")
        assert one.item
        assert (one.scope.reach == "rule") == bool(one.scope.when)


@pytest.mark.parametrize(("source", "target"), [("zh", "en"), ("en", "zh")])
def test_real_translations_are_mostly_left_alone_and_wrong_ones_are_not(
    shared: Path, source: str, target: str
) -> None:
    def lines(name: str) -> list[str]:
        path = shared / f"data/flores_zh_en/{source}-{target}/flores-dev.{name}"
        return path.read_text(encoding="utf-8").split("\n")[:100]

    task = translate.task(TaskPart(name="translate", target_language=target), ())
    examples = [
        Example(str(i), user(asked), gold)
        for i, (asked, gold) in enumerate(zip(lines(source), lines(target), strict=True))
    ]
    answers = lines(f"opusmt.{target}")

    def said_of(texts: list[str]) -> int:
        pairs = [(example, Answer(example.id, said)) for example, said in zip(examples, texts, strict=True)]
        return len(comment(task, pairs, Knobs()).feedback)

    assert said_of(lines(target)) == 0
    assert said_of(answers) < 35
    assert said_of(answers[1:] + answers[:1]) > 80
