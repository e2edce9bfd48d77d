"""A claim about held-out comments is about something that was not taught."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.records import Attempt, Feedback, Message, Messages, Scope, user
from sayso.store.split import hold_out, rule_of


def comment(item: str, when: str = "", words: str = "不对") -> Feedback:
    scope = Scope("rule", when) if when else Scope()
    return Feedback(user(f"问 {item}"), Attempt("答"), words, scope=scope, item=item)


comments = st.lists(
    st.builds(
        comment,
        st.sampled_from("abcdefgh"),
        st.sampled_from(["", "", "退货", "Refund", "refund ", "赠品", "Stock", "价格"]),
        st.text(max_size=3),
    ),
    max_size=20,
)


@given(comments, st.floats(0, 1), st.integers(0, 5))
@settings(deadline=None, max_examples=80)
def test_no_rule_and_no_item_on_both_sides(feedback: list[Feedback], share: float, seed: int) -> None:
    learn, held = hold_out(feedback, share, seed)
    assert sorted(c.id for c in learn + held) == sorted(c.id for c in feedback)
    whole = len({rule_of(c) for c in feedback} - {""}) >= 5
    if whole:
        assert not {rule_of(c) for c in learn} & {rule_of(c) for c in held} - {""}
    alone = [{c.item for c in half if not (whole and rule_of(c))} for half in (learn, held)]
    assert not alone[0] & alone[1]
    again = hold_out(feedback[::-1], share, seed)
    assert {c.id for c in again.held_out} == {c.id for c in held}


def test_the_share_is_of_groups_and_the_seed_decides_which() -> None:
    feedback = [comment(str(i)) for i in range(40)]
    learn, held = hold_out(feedback, 0.25, 0)
    assert (len(learn), len(held)) == (30, 10)
    assert hold_out(feedback, 0.25, 1).held_out != held
    assert hold_out(feedback, 0.0, 0).held_out == ()
    assert hold_out(feedback, 1.0, 0).learn == ()
    assert len(hold_out(feedback[:3], 0.05, 0).held_out) == 1
    assert hold_out(feedback[:1], 0.5, 0).held_out == ()


def test_everywhere_is_a_rule_by_its_words() -> None:
    feedback = [Feedback(user(str(i)), Attempt("a"), "请用中文", scope=Scope("everywhere")) for i in range(6)]
    feedback += [comment(str(i), when) for i, when in enumerate(["", "", "退货", "价格", "赠品", "发票"])]
    for seed in range(6):
        learn, _held = hold_out(feedback, 0.5, seed)
        assert sum(c.scope.reach == "everywhere" for c in learn) in (0, 6)


def test_with_few_rules_every_rule_is_taught_and_items_are_held_out() -> None:
    """The validation critic's comments on two labels obey two rules; neither may be taught alone."""
    feedback = [comment(str(i), "好评当差评" if i % 2 else "差评当好评") for i in range(40)]
    for seed in range(5):
        learn, held = hold_out(feedback, 0.25, seed)
        assert (len(learn), len(held)) == (30, 10)
        assert {rule_of(c) for c in learn} == {"好评当差评", "差评当好评"}
    many = [comment(str(i), f"规矩{i % 5}") for i in range(40)]
    learn, held = hold_out(many, 0.25, 0)
    assert len({rule_of(c) for c in held}) == 1
    assert len(held) == 8


def test_a_comment_that_says_where_it_belongs_is_believed() -> None:
    feedback = [replace(comment(str(i)), split="test") for i in range(3)]
    feedback += [replace(comment(str(i)), split="train") for i in range(3, 6)]
    learn, held = hold_out(feedback, 0.0, 0)
    assert [c.item for c in held] == ["0", "1", "2"]
    assert hold_out(feedback, 1.0, 0).learn == learn
    torn = [replace(comment("9"), split="train"), replace(comment("9", words="太慢"), split="test")]
    assert hold_out(torn, 0.0, 0).learn == ()
    others = [comment(str(i), f"规矩{i}") for i in range(4)]
    torn = [replace(comment("9", "退货"), split="train"), replace(comment("8", "退货"), split="test"), *others]
    assert hold_out(torn, 0.0, 0).learn == tuple(others)


def turns(*texts: str) -> Messages:
    return tuple(Message("assistant" if i % 2 else "user", text) for i, text in enumerate(texts))


def test_a_conversation_is_never_on_both_sides() -> None:
    feedback = []
    for i in range(20):
        talk = turns(f"第{i}单到了吗？", "到了。", "不对，没到。", "抱歉，明天到。", "谢谢，还是太慢。")
        feedback += [Feedback(talk[:k], Attempt(talk[k].text), talk[k + 1].text) for k in (1, 3)]
    for seed in range(5):
        learn, held = hold_out(feedback, 0.25, seed)
        assert (len(learn), len(held)) == (30, 10)
        assert not {c.prompt[0] for c in learn} & {c.prompt[0] for c in held}
        assert {c.id for c in hold_out(feedback[::-1], 0.25, seed).held_out} == {c.id for c in held}


def test_a_conversation_ties_its_comments_together_whatever_they_are_about() -> None:
    first, later = turns("Hi!"), turns("Hi!", "Yo.", "More formal, please.")
    other = turns("Hi!", "Hello.", "Where is my order?")
    rules = [comment(str(i), f"规矩{i}") for i in range(5)]
    ruled = Feedback(first, Attempt("Yo."), "Greet politely", scope=Scope("rule", "规矩0"))
    alone = Feedback(later, Attempt("Good day."), "Better.")
    apart = Feedback(other, Attempt("On its way."), "Which order?")
    together = [hold_out([*rules, ruled, alone], 0.4, seed).held_out for seed in range(12)]
    assert {(alone in held, ruled in held, rules[0] in held) for held in together} == {(True,) * 3, (False,) * 3}
    split = [hold_out([*rules, alone, apart], 0.4, seed).held_out for seed in range(12)]
    assert {(alone in held, apart in held) for held in split} > {(True, False), (False, True)}


def test_two_comments_on_one_prompt_are_on_one_item_whether_or_not_they_name_it() -> None:
    feedback = [comment(str(i)) for i in range(8)]
    feedback += [replace(one, item="", comment="太慢") for one in feedback]
    for seed in range(4):
        learn, held = hold_out(feedback, 0.25, seed)
        assert len(held) == 4
        assert not {c.prompt for c in learn} & {c.prompt for c in held}
