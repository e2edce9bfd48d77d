"""Every method keeps these promises, whatever it teaches. A new file in methods/ is tested by being there."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any, get_args

import pytest
from materials import COMMENT, ENGLISH, EXAMPLES, Parrot, free, labelled

from sayso import rooms
from sayso.errors import UnsupportedError
from sayso.protocols import Material
from sayso.records import (
    Attempt,
    Author,
    Feedback,
    Imitate,
    Kind,
    Lesson,
    Match,
    Objective,
    Prefer,
    Scope,
    lesson_from_json,
    to_json,
    user,
)

KINDS: tuple[Kind, ...] = get_args(Kind)
METHODS = rooms.names("methods")
CASES = [(name, kind) for name in METHODS for kind in KINDS if kind in rooms.find("methods", name).KINDS]
FREE = (
    COMMENT,
    ENGLISH,
    replace(
        COMMENT, prompt=user("几点关门？"), attempt=Attempt("六点。"), revision="九点。", scope=Scope("rule", "问时间")
    ),
    Feedback(user("在吗"), Attempt("您好，在的。"), "很好！", polarity="positive"),
    Feedback(user("说话"), Attempt("……"), "不对。"),
    Feedback(user("几点开门？"), Attempt("八点。"), "不对，是九点。", Author("user_turn")),
    replace(COMMENT, confidence=0.0, comment="不知道"),
    replace(ENGLISH, comment="It is twelve.", revision="Twelve.", supersedes=ENGLISH.id, confidence=0.5),
    replace(COMMENT, comment="店里规定七天，请说七天。", author=Author(id="李")),
    Feedback(user("说话"), Attempt("……"), "不对，不对！", Author(id="王")),
    Feedback(user("几点关门？"), Attempt("五点。"), "更正", revision="十点。"),
)
LABELLED = (
    *(Feedback(e.prompt, Attempt("正面"), f"第{i}个不是正面。", item=e.id) for i, e in enumerate(EXAMPLES[:6:2])),
    Feedback(EXAMPLES[1].prompt, Attempt("正面"), "不算好评。", scope=Scope("rule", "文中有“第1”"), revision="负面"),
)


def comments(name: str, kind: Kind) -> tuple[Feedback, ...]:
    """On free text in both languages; for a head, and for a method that needs them, on labels."""
    needs_labels = kind == "encoder" or getattr(rooms.find("methods", name), "NEEDS_LABELS", False)
    return LABELLED if needs_labels else FREE


def material(name: str, kind: Kind, **others: Any) -> Material:
    """What a method of this name is given of such comments."""
    feedback = comments(name, kind)
    given: dict[str, Any] = {"feedback": feedback, "task": labelled() if feedback is LABELLED else free()}
    speaker = Parrot(["七天。", "正面"], kind)
    given |= {"examples": EXAMPLES, "kind": kind, "speaker": speaker, "seed": 3, "replay": 1.0}
    return Material(**{**given, **others})


def taught(name: str, given: Material) -> Any:
    method = rooms.find("methods", name)
    return method.lessons(given, method.Knobs())


def texts(lesson: Lesson) -> tuple[str, ...]:
    return (lesson.chosen, lesson.rejected) if isinstance(lesson, Prefer) else (lesson.target,)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_comment_is_taught_or_refused_with_a_reason(name: str, kind: Kind) -> None:
    given = material(name, kind)
    syllabus = taught(name, given)
    ids = {one.id for one in given.feedback}
    used = {id_ for lesson in syllabus.lessons for id_ in lesson.from_ids} | set(syllabus.stand)
    assert used <= ids
    assert set(syllabus.refused) == ids - used
    assert all(reason.strip() for reason in syllabus.refused.values())
    assert used or rooms.find("methods", name).standing(rooms.find("methods", name).Knobs(), "zh")
    assert bool(syllabus.stand) == any(words.strip() for words in syllabus.standing.values())


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_lessons_are_sound(name: str, kind: Kind) -> None:
    given = material(name, kind)
    for lesson in taught(name, given).lessons:
        assert lesson_from_json(to_json(lesson)) == lesson
        assert math.isfinite(lesson.weight)
        assert lesson.weight != 0
        assert lesson.context
        assert lesson.from_ids or isinstance(lesson, Match) or lesson.weight == 1
        if isinstance(lesson, Prefer):
            assert lesson.chosen != lesson.rejected
        if isinstance(lesson, Imitate):
            assert all(0 <= m.start <= m.end <= len(lesson.target) and math.isfinite(m.weight) for m in lesson.marks)
        if given.task.options and kind == "encoder":
            assert set(texts(lesson)) <= set(given.task.options)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_same_seed_gives_the_same_lessons_and_changes_nothing(name: str, kind: Kind) -> None:
    given = material(name, kind)
    before = copy.deepcopy((given.feedback, given.examples))
    assert taught(name, given) == taught(name, material(name, kind))
    assert (given.feedback, given.examples) == before


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_nothing_said_is_nothing_taught(name: str, kind: Kind) -> None:
    assert taught(name, material(name, kind, feedback=())).lessons == ()


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_is_superseded_or_not_believed_is_not_taught(name: str, kind: Kind) -> None:
    old, doubted = comments(name, kind)[:2]
    newer = replace(old, comment="更正", supersedes=old.id)
    doubted = replace(doubted, confidence=0.0)
    found = taught(name, material(name, kind, feedback=(old, newer, doubted)))
    used = {i for one in found.lessons for i in one.from_ids} | set(found.stand)
    assert not used & {old.id, doubted.id}


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_test_items_are_never_looked_at(name: str, kind: Kind) -> None:
    hidden = tuple(replace(one, split="test") for one in EXAMPLES)
    bare = tuple(replace(one, revision=None) for one in comments(name, kind))
    lessons = taught(name, material(name, kind, feedback=bare, examples=hidden)).lessons
    assert all(lesson.from_ids for lesson in lessons)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_rows_are_drawn_only_among_those_nobody_commented_on(name: str, kind: Kind) -> None:
    given = material(name, kind, feedback=LABELLED, task=labelled())
    said = {one.prompt[0].text for one in LABELLED}
    for lesson in taught(name, given).lessons:
        if not lesson.from_ids:
            assert not any(text in lesson.context[-1].text.split("\n")[0] for text in said)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_it_is_not_for_is_refused_plainly(name: str, kind: Kind) -> None:
    if kind in rooms.find("methods", name).KINDS:
        return
    with pytest.raises(UnsupportedError, match=name) as caught:
        taught(name, material(name, kind))
    assert caught.value.fix


@pytest.mark.parametrize("name", METHODS)
def test_objective_and_standing_words(name: str) -> None:
    method = rooms.find("methods", name)
    objective = method.objective(method.Knobs())
    assert isinstance(objective, Objective)
    assert all(math.isfinite(v) and v >= 0 for v in to_json(objective).values() if isinstance(v, float))
    words = [method.standing(method.Knobs(), language) for language in ("zh", "en")]
    assert all(isinstance(text, str) for text in words)
    assert words == ["", ""] or words[0] != words[1]
