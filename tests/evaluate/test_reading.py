"""What a model that reads a comment is shown, and what its controls are shown instead."""

from __future__ import annotations

from dataclasses import replace

from sayso.evaluate.reading import VAGUE, Reading, bare, others, shown
from sayso.material import Case
from sayso.recipe import TaskPart
from sayso.records import Answer, Attempt, Example, Feedback, Scope, user
from sayso.tasks.classify import task as classify
from sayso.tasks.generate import task as generate
from sayso.wording import with_comment

FREE = generate(TaskPart(name="generate"), ())
EN = Feedback(user("Where is it?"), Attempt("Dunno."), "Be polite.", scope=Scope("rule", "it is asked for"))
OTHER = Feedback(
    user("Refund me"), Attempt("No."), "Ask for the number.", scope=Scope("rule", "a refund is asked for")
)
ZH = Feedback(user("在哪里？"), Attempt("不知道。"), "请用敬语。", scope=Scope("rule", "问在哪里"))
AGAIN = replace(OTHER, comment="Number first!")


def case(one: Feedback) -> Case:
    return Case(one, one.prompt, one.attempt.text, one.revision)


def test_the_shuffled_comment_is_about_another_rule_in_the_same_language() -> None:
    cases = [case(one) for one in (EN, OTHER, ZH, AGAIN)]
    pool = [EN, OTHER, ZH, AGAIN]
    found = others(cases, pool, seed=0)
    assert found[EN.id] in (OTHER, AGAIN)
    assert found[OTHER.id] == found[AGAIN.id] == EN
    assert ZH.id not in found
    assert others(cases, pool, seed=0) == found


def test_comments_with_a_common_check_are_about_the_same() -> None:
    one, other = replace(EN, checks=("polite",)), replace(OTHER, checks=("polite", "short"))
    assert others([case(one)], [other], 0) == {}


def test_the_conditions_differ_in_the_words_alone() -> None:
    cases = [case(one) for one in (EN, ZH)]
    contexts = {}
    for condition in ("right", "vague"):
        reading, examples = shown(FREE, cases, condition, {})  # type: ignore[arg-type]
        contexts[condition] = [reading.context(example, "decoder") for example in examples]
    assert contexts["right"] == [with_comment(one.prompt, one.attempt.text, one.comment) for one in (EN, ZH)]
    assert VAGUE["en"] in contexts["vague"][0][-1].text
    assert VAGUE["zh"] in contexts["vague"][1][-1].text


def test_without_another_comment_nothing_is_asked() -> None:
    reading, examples = shown(FREE, [case(EN), case(ZH)], "shuffled", {EN.id: OTHER})
    assert [one.id for one in examples] == [EN.id]
    assert OTHER.comment in reading.context(examples[0], "decoder")[-1].text


def test_a_reading_is_the_task_with_words_after_its_question() -> None:
    labels = ("正面", "负面")
    task = classify(TaskPart(labels=list(labels)), labels)
    example = Example("f", user("快递太慢了"), "负面")
    reading = Reading(task, {"f": ("正面", "慢是差评。")})
    context = reading.context(example, "decoder")
    assert context == with_comment(task.context(example, "decoder"), "正面", "慢是差评。")
    assert reading.context(replace(example, id="g"), "decoder") == task.context(example, "decoder")
    assert (reading.options, reading.name, reading.metric) == (labels, task.name, task.metric)
    assert (reading.several, reading.sampling) == (task.several, task.sampling)
    assert reading.grade(example, Answer("f", "负面")).value == 1.0


def test_the_bare_prompt_has_the_better_answer_for_its_target() -> None:
    one = replace(EN, revision="It is on its way.")
    assert bare(case(one)) == Example(one.id, one.prompt, "It is on its way.")
