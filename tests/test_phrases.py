"""Text from phrase banks: choices, parts, slots, and what a language does with blanks and capitals."""

from __future__ import annotations

from random import Random

from sayso.phrases import Grammar, capitals, fill, lines, pick, slots

ENGLISH = Grammar({"hello": ("Hi,", "Hello,"), "thing": ("[a|an] {what}",)}, spaced=True)
CHINESE = Grammar({"hello": ("你好，", "您好，")}, spaced=False)


def drawn(grammar: Grammar, template: str) -> set[str]:
    return {grammar.expand(template, Random(seed)) for seed in range(60)}


def test_choices_may_be_empty_or_nested() -> None:
    assert drawn(ENGLISH, "so[ very|] [good|[well|fine]]") == {
        f"so{a} {b}" for a in (" very", "") for b in ("good", "well", "fine")
    }


def test_parts_are_drawn_and_slots_stay() -> None:
    assert drawn(CHINESE, "{hello}{name}在吗") == {"你好，{name}在吗", "您好，{name}在吗"}
    assert drawn(ENGLISH, "{thing}") == {"a {what}", "an {what}"}
    assert slots("{b} and {a}") == ["b", "a"]


def test_pieces_are_joined_as_the_language_does() -> None:
    assert ENGLISH.join(["Hi,", "", "Where is it?", "Thanks."]) == "Hi, where is it? Thanks."
    assert ENGLISH.join(["Hi,", "I ask."]) == "Hi, I ask."
    assert CHINESE.join(["您好，", "在哪儿？"]) == "您好，在哪儿？"


def test_filling_leaves_no_wrong_article_or_blank() -> None:
    assert fill("A {x} , please .", {"x": "umbrella"}) == "An umbrella, please."
    assert fill("a {x}", {"x": "mug"}) == "a mug"
    assert fill("a {x}, a unit, a one-liner, a union", {"x": "use"}) == "a use, a unit, a one-liner, a union"
    assert fill("a unimportant onion", {}) == "an unimportant onion"
    assert fill("买{x}。", {"x": "伞"}) == "买伞。"
    assert fill("用“{x}”。", {"x": "再见！"}) == "用“再见！”"


def test_capitals_stand_where_sentences_begin() -> None:
    assert capitals("hi. are you there? yes") == "Hi. Are you there? Yes"
    assert ENGLISH.write("{x} is here. good", {"x": "mum"}) == "Mum is here. Good"
    assert CHINESE.write("{x}到了", {"x": "包裹"}) == "包裹到了"


def test_a_pick_is_fair_and_repeatable() -> None:
    dice = Random(1)
    counts = [0, 0, 0]
    for _ in range(3000):
        counts[pick(dice, (0, 1, 2))] += 1
    assert all(900 < count < 1100 for count in counts)
    assert [pick(Random("种子"), "abcdef") for _ in range(3)] == [pick(Random("种子"), "abcdef")] * 3


def test_lines_are_templates() -> None:
    assert lines("  a b\n\n 你好 \n") == ("a b", "你好")
