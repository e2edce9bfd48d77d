"""What people said stands in the prompt: one line for those who agree, chosen on comments that did not write it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from materials import COMMENT, ENGLISH, Parrot, labelled, material

from sayso.errors import UnsupportedError
from sayso.methods.prompt import Knobs, lessons, objective, standing
from sayso.records import GREEDY, Attempt, Author, Example, Feedback, Kind, Messages, Reply, Sampling, Scope, user
from sayso.wording import instructions, remark

UNTRIED = Knobs(calls=0)


@dataclass
class Reader:
    """Answers what a function of the whole prompt says, and counts how often it is asked."""

    says: Callable[[str], str]
    kind: Kind = "decoder"
    asked: list[Messages] = field(default_factory=list)

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        self.asked += prompts
        return [Reply(self.says(prompt[-1].text)) for prompt in prompts]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        self.asked += prompts
        return [[0.0 if self.says(prompt[-1].text) == option else -3.0 for option in options] for prompt in prompts]


def rule(words: str, number: int, right: str, **others: Any) -> Feedback:
    """A comment that holds everywhere, on a prompt of its own."""
    given_ = {"scope": Scope("everywhere"), "revision": right} | others
    return Feedback(user(f"Where is order {number}?"), Attempt("Gone."), words, **given_)


# ---------------------------------------------------------------- what stands


def test_one_line_stands_as_a_comment_does_and_several_as_a_list_in_the_words_of_their_language() -> None:
    ruled = replace(COMMENT, scope=Scope("rule", "当顾客问起退货时"))
    found = lessons(material(ruled), UNTRIED)
    assert found.lessons == ()
    assert found.standing == {"zh": remark("当顾客问起退货时：店规是七天，要说七天。", "zh")}
    assert found.stand == (ruled.id,)
    both = lessons(material(COMMENT, replace(COMMENT, comment="请用敬语。", prompt=user("在吗？"))), UNTRIED)
    assert both.standing["zh"].splitlines() == [
        "审阅者对回答的要求：",
        "- 遇到“在吗？”这类问题：请用敬语。",
        "- 遇到“退货要多久？”这类问题：店规是七天，要说七天。",
    ]


def test_lines_stand_in_the_language_of_their_prompts_and_those_that_hold_everywhere_in_both() -> None:
    everywhere = rule("Sign as Lin.", 1, "Lin")
    found = lessons(material(COMMENT, ENGLISH, everywhere), UNTRIED).standing
    assert "Sign as Lin." in found["zh"]
    assert "Sign as Lin." in found["en"]
    assert "店规" in found["zh"]
    assert "店规" not in found["en"]
    assert 'Asked "How long do returns take?" or the like: The rule says seven.' in found["en"]


def test_who_says_the_same_is_one_line_with_the_newest_words_and_the_commonest_comes_first() -> None:
    thrice = [
        rule(words, i, "x") for i, words in enumerate(("Say please!", "You should say please.", "Say please, always."))
    ]
    found = lessons(material(rule("Sign as Lin.", 7, "x"), *thrice), UNTRIED)
    assert found.standing["en"].splitlines()[1:] == ["- Say please, always.", "- Sign as Lin."]
    assert found.stand[:3] == tuple(one.id for one in thrice)


def test_of_a_contradiction_the_newer_stands() -> None:
    old, new = rule("Always say please.", 1, "a"), rule("Never say please.", 2, "b")
    found = lessons(material(old, new), UNTRIED)
    assert found.standing["en"] == remark("Never say please.", "en")
    assert "contradicts" in found.refused[old.id]


def test_praise_and_comments_without_words_ask_for_nothing() -> None:
    praise = Feedback(user("在吗"), Attempt("您好，在的。"), "很好！", polarity="positive")
    silent = replace(COMMENT, comment=" ")
    found = lessons(material(praise, silent), UNTRIED)
    assert found.standing == {}
    assert found.refused == {
        praise.id: "it is praise: there is nothing to ask for in a prompt",
        silent.id: "it has no words: there is nothing to ask for in a prompt",
    }


# ---------------------------------------------------------------- what is chosen

THINGS = ("apples", "bread", "corn", "dates", "eggs")


def test_a_line_that_makes_answers_to_others_worse_is_dropped_and_said_so() -> None:
    good, bad = rule("Say please.", 0, "Please wait."), rule("Shout at everybody.", 1, "Please wait.")
    more = [rule("Say please, please.", i, "Please wait.") for i in (2, 3)]
    reader = Reader(lambda text: "WAIT" if "Shout" in text else "Please wait." if "please" in text else "Wait.")
    found = lessons(material(good, bad, *more, speaker=reader), Knobs())
    assert found.standing["en"] == remark("Say please, please.", "en")
    assert set(found.refused) == {bad.id}
    assert "better without it" in found.refused[bad.id]
    assert "en: 1 of 2 lines stand in the prompt" in found.notices[0]
    assert "and 1.00 with them" in found.notices[0]


def test_a_line_is_not_judged_by_the_prompt_that_wrote_it() -> None:
    own = rule("The answer is forty-two.", 0, "forty-two")
    others = [rule(f"Name the {thing}.", i + 1, thing) for i, thing in enumerate(THINGS)]
    asked: list[str] = []

    def says(text: str) -> str:
        asked.append(text)
        return "forty-two" if "forty-two" in text else "x"

    found = lessons(material(own, *others, speaker=Reader(says)), Knobs())
    assert not [text for text in asked if "order 0?" in text and "forty-two" in text]
    assert [text for text in asked if "order 1?" in text and "forty-two" in text]
    assert own.id in found.stand, "what changes nothing for others stays: somebody asked for it"


def test_where_all_lines_do_harm_none_stands_and_each_that_helps_is_added() -> None:
    helps = [rule("Say please.", i, "please") for i in (0, 1)]
    harm = [rule(f"Name the {thing}.", i + 2, "please") for i, thing in enumerate(THINGS)]
    reader = Reader(lambda text: "no" if "Name" in text else "please" if "Say" in text else "pleas")
    found = lessons(material(*helps, *harm, speaker=reader), Knobs())
    assert found.standing["en"] == remark("Say please.", "en")
    nothing = lessons(material(*harm, speaker=reader), Knobs())
    assert nothing.standing == {"en": ""}
    assert nothing.stand == ()
    assert set(nothing.refused) == {one.id for one in harm}


def test_a_line_that_spoils_what_nobody_commented_on_is_dropped() -> None:
    rows = tuple(Example(f"r{i}", user(f"How are you, {thing}?"), "fine") for i, thing in enumerate(THINGS))
    said = [rule("Shout.", i, "OH", scope=Scope("rule", "asked for an order")) for i in range(3)]
    reader = Reader(lambda text: "OH" if "Shout" in text else "fine")
    kept = lessons(material(*said, speaker=reader, examples=rows), Knobs(anchors=0))
    assert len(kept.stand) == 3
    found = lessons(material(*said, speaker=reader, examples=rows), Knobs(anchors=2))
    assert found.stand == ()
    assert "better without it" in found.refused[said[0].id]
    spared = lessons(material(*said, speaker=reader, examples=rows), Knobs(anchors=2, margin=1.0))
    assert len(spared.stand) == 3, "not by enough to take away what people asked for"


def test_a_program_that_commented_is_asked_about_the_new_answer() -> None:
    author = Author("program", "checks.py:polite")
    said = [rule("Say please.", i, "unlike", author=author) for i in (0, 1)]
    said.append(rule("Sing.", 2, "unlike", author=author))
    reader = Reader(lambda text: "la" if "Sing" in text else "please" if "Say" in text else "no")

    def critic(about: Feedback, answer: str) -> str | None:
        return None if answer == "please" else about.comment

    found = lessons(material(*said, speaker=reader, critic=critic), Knobs())
    assert found.standing["en"] == remark("Say please.", "en")


def test_with_labels_the_probability_of_the_right_one_counts() -> None:
    said = [
        Feedback(user(f"送货慢{i}"), Attempt("正面"), words, scope=Scope("everywhere"), revision="负面")
        for i, words in enumerate(("送货慢就是负面。", "送货慢就是负面", "都判正面。"))
    ]
    reader = Reader(lambda text: "正面" if "都判" in text else "负面" if "就是负面" in text else "正面")
    found = lessons(material(*said, task=labelled(), speaker=reader), Knobs())
    assert "就是负面" in found.standing["zh"]
    assert set(found.refused) == {said[2].id}


def test_the_budget_holds_and_the_prompts_are_as_few_as_it_allows() -> None:
    said = [rule(f"Name the {thing}.", i, thing) for i, thing in enumerate(THINGS)]
    for calls in (1, 6, 7, 20, 100):
        reader = Reader(lambda text: text[-9:])
        lessons(material(*said, speaker=reader), Knobs(calls=calls))
        assert len(reader.asked) <= calls
        assert bool(reader.asked) == (calls >= 7)


def test_where_nothing_can_be_compared_the_lines_are_taken_as_they_are_and_it_is_said() -> None:
    bare = [rule(f"Name the {thing}.", i, "", revision=None) for i, thing in enumerate(THINGS)]
    found = lessons(material(*bare, speaker=Parrot(["x"])), Knobs())
    assert "nothing tells a good answer" in found.notices[0]
    assert len(found.stand) == 5
    assert "`calls` allows too few" in lessons(material(COMMENT), UNTRIED).notices[0]
    with pytest.raises(UnsupportedError, match="needs a model that answers"):
        lessons(material(COMMENT), Knobs())


def test_a_head_reads_no_prompt() -> None:
    with pytest.raises(UnsupportedError, match="'prompt' does not work for an encoder"):
        lessons(material(COMMENT, task=labelled(), kind="encoder"), Knobs())
    assert objective(Knobs()).imitate == 1.0
    assert standing(Knobs(), "zh") == standing(Knobs(), "en") == ""


kept = st.lists(st.sampled_from(THINGS), unique=True)


@given(kept, st.integers(0, 6), st.integers(0, 200), st.integers(0, 40), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_the_list_is_never_longer_than_asked_for(
    things: list[str], lines: int, chars: int, calls: int, dice: Any
) -> None:
    said = [rule(f"Name the {thing}.", i, thing) for i, thing in enumerate(things)]
    knobs = Knobs(lines=lines, characters=chars, calls=calls)
    found = lessons(material(*said, speaker=Reader(lambda text: dice.choice(THINGS))), knobs)
    words = found.standing.get("en", "")
    chosen = [thing for thing in things if thing in words]
    assert len(chosen) <= lines
    assert len(words) <= chars
    assert {one.id for one in said} == set(found.stand) | set(found.refused)
    assert not set(found.stand) & set(found.refused)
    assert len(found.stand) == len(chosen)
    assert words == instructions([f"Name the {thing}." for thing in sorted(chosen, key=words.index)], "en")
