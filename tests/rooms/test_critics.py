"""Every critic keeps these promises. A new file in critics/ is tested by being there."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from materials import Parrot, free, labelled

from sayso import rooms
from sayso.protocols import Task
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Feedback, from_json, to_json, user
from sayso.tasks import classify, translate

NEEDED: dict[str, dict[str, Any]] = {
    "program": {"program": "grep -q 您好 || echo 要先说您好。"},
    "rule": {"rules": ("not_empty", "one_of", "at_most_words(3)", "contains(负面) when 吃", "no_repetition")},
    "judge": {"model": "parrot", "criteria_zh": "要说实话。"},
}
VOTES = ("Yes.", "No. It should be 负面.", "I cannot say.")
TASKS: tuple[Task, ...] = (
    labelled(),
    free(),
    classify.task(TaskPart(several=True), ("正面", "负面")),
    translate.task(TaskPart(name="translate", target_language="en"), ()),
)
PAIRS = [
    (Example("a", user("很难吃"), "负面"), Answer("a", "正面")),
    (Example("b", user("很好吃，服务也好"), "正面"), Answer("b", "正面")),
    (Example("c", user("It was awful"), "负面"), Answer("c", "", ended=False)),
    (Example("d", user("没有标准答案"), None), Answer("d", "好好好好好好好好好好好好")),
    (Example("e", user("How are you?"), "正面"), Answer("e", "I do not know {0}")),
]
CASES = [(name, task) for name in rooms.names("critics") for task in TASKS]


def review(name: str, task: Task, pairs: list[tuple[Example, Answer]]) -> Any:
    critic = rooms.find("critics", name)
    speaker = (Parrot(VOTES),) if hasattr(critic, "NEEDS_SPEAKER") else ()
    return critic.comment(task, pairs, critic.Knobs(**NEEDED.get(name, {})), *speaker)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_what_is_said_is_about_an_answer_that_was_shown(name: str, task: Task) -> None:
    shown = {example.id: (example, answer) for example, answer in PAIRS}
    found = review(name, task, PAIRS)
    assert set(found.not_judged) <= set(shown)
    assert all(found.not_judged.values())
    for one in found:
        example, answer = shown[one.item]
        assert (one.prompt, one.attempt.text) == (example.prompt, answer.text)
        assert one.comment == one.comment.strip() != ""
        assert one.author.kind != "person"
        assert one.author.id
        assert one.language in ("zh", "en")
        assert 0 < one.confidence <= 1
        assert not one.reveals_answer or example.target
        assert one.item not in found.not_judged
        assert from_json(Feedback, to_json(one)) == one


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_comment_that_names_the_right_answer_says_so(name: str, task: Task) -> None:
    targets = {example.id: example.target for example, _ in PAIRS}
    for one in review(name, task, PAIRS):
        target = targets[one.item]
        if target and target in one.comment:
            assert one.reveals_answer


@pytest.mark.parametrize(("name", "task"), CASES)
def test_asked_twice_it_says_the_same_and_changes_nothing(name: str, task: Task) -> None:
    pairs = copy.deepcopy(PAIRS)
    assert review(name, task, pairs) == review(name, task, pairs)
    assert pairs == PAIRS


@pytest.mark.parametrize(("name", "task"), CASES)
def test_shown_nothing_it_says_nothing(name: str, task: Task) -> None:
    assert list(review(name, task, [])) == []


@pytest.mark.parametrize("name", rooms.names("critics"))
def test_what_it_depends_on_is_there(name: str) -> None:
    critic = rooms.find("critics", name)
    if hasattr(critic, "files"):
        assert all(path.exists() for path in critic.files(critic.Knobs(**NEEDED[name])))
    if hasattr(critic, "NEEDS_SPEAKER"):
        assert critic.Knobs(**NEEDED[name]).model == "parrot"
