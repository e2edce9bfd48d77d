from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.report.diff import LONGEST, Part, around_change, clipped, diff

WORDS = st.lists(
    st.sampled_from(["我", "昨天", "遇见他。", "the ", "cat", " ", "\n", "sat", "，", "😀", "don't"]), max_size=14
)


@settings(deadline=None, max_examples=150)
@given(WORDS.map("".join), WORDS.map("".join))
def test_the_parts_give_both_texts_back(before: str, after: str) -> None:
    left, right = diff(before, after)
    assert "".join(part.text for part in left) == before
    assert "".join(part.text for part in right) == after
    assert {part.kind for part in left} <= {"same", "gone"}
    assert {part.kind for part in right} <= {"same", "new"}


def test_chinese_is_compared_by_character() -> None:
    left, right = diff("这家酒店的服务很好", "这家酒店的服务很差")
    assert left[-1] == Part("gone", "好")
    assert right[-1] == Part("new", "差")


def test_english_is_compared_by_word() -> None:
    left, right = diff("I met him in the library.", "I met him at the library.")
    assert [part.text.strip() for part in left if part.kind == "gone"] == ["in"]
    assert [part.text.strip() for part in right if part.kind == "new"] == ["at"]


def test_texts_that_share_little_are_not_marked() -> None:
    assert diff("It's a beautiful color.", "A clear cloud is green.") == (
        (Part("same", "It's a beautiful color."),),
        (Part("same", "A clear cloud is green."),),
    )


def test_long_texts_are_shown_around_the_change() -> None:
    same = "一样的话。" * 200
    before, after = around_change(same + "旧的结尾", same + "新的结尾")
    assert before.startswith("… ")
    assert before.endswith("旧的结尾")
    assert after.endswith("新的结尾")
    assert len(before) < 100


def test_short_texts_stay_whole() -> None:
    assert around_change("短", "长") == ("短", "长")


def test_what_is_cut_is_counted() -> None:
    text = clipped("字" * 1500)
    assert text.startswith("字" * LONGEST)
    assert text.endswith("(1,220 more characters)")
