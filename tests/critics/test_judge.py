"""A judge's votes become a comment, silence, or "not judged": never a verdict that it did not give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sayso.critics.judge import Knobs, comment, files
from sayso.errors import FeedbackError, MachineFault, ModelError
from sayso.protocols import Review, Task
from sayso.recipe import TaskPart
from sayso.records import Answer, Author, Example, Kind, Message, Messages, Reply, Sampling, Scope, user
from sayso.tasks import classify, generate

FREE: Task = generate.task(TaskPart(name="generate"), ())
CRITERIA = {"model": "judges/good-one", "criteria_en": "Ask for the order number.", "criteria_zh": "要问订单号。"}
NO = "No. Ask for the order number first."


@dataclass
class Judge:
    """Says what `how` says of a prompt and the number of the vote; keeps what it was asked."""

    how: Callable[[str, int], str]
    kind: Kind = "decoder"
    asked: list[str] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)

    def reply(self, prompts: Sequence[Messages], sampling: Sampling) -> list[Reply]:
        self.samplings.append(sampling)
        self.asked += [prompt[-1].text for prompt in prompts]
        return [Reply(self.how(prompt[-1].text, sampling.seed)) for prompt in prompts]

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        raise NotImplementedError


def voting(*votes: str) -> Judge:
    return Judge(lambda _, number: votes[number])


def judged(judge: Judge, *answers: str, target: str | None = None, **knobs: object) -> Review:
    pairs = [(Example(str(i), user("我要退款"), target), Answer(str(i), text)) for i, text in enumerate(answers)]
    return comment(FREE, pairs, Knobs(**(CRITERIA | knobs)), judge)  # type: ignore[arg-type]


def test_the_share_of_votes_is_the_confidence() -> None:
    (all_of,) = judged(voting(NO, NO, NO), "好的").feedback
    assert (all_of.comment, all_of.confidence) == ("Ask for the order number first.", 1.0)
    (most,) = judged(voting(NO, "Yes.", NO), "好的").feedback
    assert most.confidence == pytest.approx(2 / 3)
    assert (most.author, most.language, most.scope) == (Author("critic", "judge:judges/good-one"), "zh", Scope())
    content = judged(voting("Yes.", NO, "是"), "请问订单号？")
    assert (content.feedback, content.not_judged) == ((), {})


def test_a_judge_that_contradicts_itself_has_not_judged() -> None:
    found = judged(voting(NO, "Yes."), "好的", votes=2)
    assert found.feedback == ()
    assert found.not_judged == {"0": "it contradicts itself: 1 of 2 votes say yes, 1 say no"}
    assert judged(voting(NO, NO, "Yes."), "好的", agreement=0.7).not_judged
    assert judged(voting(NO, NO, "Yes."), "好的", agreement=0.6).feedback


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Well, yes.",
        "Yes. It is polite.",
        "No.",
        "No",
        "否。",
        "Yes.\nNo. Wrong.",
        "Not bad.",
        "不错",
        "**Yes.**",
        "是的",
    ],
)
def test_what_is_no_verdict_is_a_vote_for_nothing(text: str) -> None:
    found = judged(voting(text), "好的", votes=1)
    assert found.feedback == ()
    assert "this is no verdict" in found.not_judged["0"]
    assert judged(voting(text, NO, NO), "好的").feedback[0].confidence == pytest.approx(2 / 3)
    assert "2 of 3 votes failed" in judged(voting(text, NO, text), "好的").not_judged["0"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Yes", ""),
        (" yes.\n", ""),
        ("是。", ""),
        ("No. Say which order.\nThen refund.", "Say which order.\nThen refund."),
        ("否。要先问订单号。", "要先问订单号。"),
        ("否：语气太硬", "语气太硬"),
        ("NO: too curt", "too curt"),
        ("<think>No. It is yes?</think>\n\nYes.", ""),
    ],
)
def test_a_verdict_is_read_exactly(text: str, words: str) -> None:
    found = judged(voting(text), "好的", votes=1)
    assert not found.not_judged
    assert [one.comment for one in found] == ([words] if words else [])


def test_of_several_comments_the_odd_one_out_is_not_kept() -> None:
    votes = ("No. The sky is green today.", "No. Ask for the order number.", "No. Please ask for the order number.")
    assert judged(voting(*votes), "好的").feedback[0].comment in {words[4:] for words in votes[1:]}


def test_each_vote_is_drawn_anew_and_a_single_one_is_greedy() -> None:
    judge = voting(*[NO] * 8)
    judged(judge, "好的", seed=3)
    assert [(one.seed, one.temperature) for one in judge.samplings] == [(3, 0.7), (4, 0.7), (5, 0.7)]
    judge = voting(NO)
    judged(judge, "好的", votes=1, max_new_tokens=9)
    assert (judge.samplings[0].temperature, judge.samplings[0].max_new_tokens) == (0.0, 9)


def test_it_is_asked_in_the_language_of_the_message_and_by_the_criteria_in_it() -> None:
    judge = Judge(lambda *_: "Yes.")
    talk = (Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "I want a refund"))
    pairs = [(Example("a", user("我要退款")), Answer("a", "好的")), (Example("b", talk), Answer("b", "Sure"))]
    comment(FREE, pairs, Knobs(**CRITERIA, votes=1), judge)  # type: ignore[arg-type]
    chinese, english = judge.asked
    assert "留言：我要退款\n规定：要问订单号。\n回答：好的" in chinese
    assert "只写" in chinese
    assert (
        "[user] Hi\n[assistant] Yes?\n[user] I want a refund\nRule: Ask for the order number.\nReply: Sure" in english
    )
    assert "write exactly" in english
    comment(FREE, pairs, Knobs("m", criteria_en="Be kind.", votes=1), judge)
    assert all("Be kind." in asked for asked in judge.asked[2:])


def test_it_sees_the_right_answer_only_where_it_is_told_to_be_shown() -> None:
    judge = voting("No. Say seven days.")
    (blind,) = judged(judge, "三天", target="七天", votes=1).feedback
    assert "七天" not in judge.asked[0]
    assert not blind.reveals_answer
    (shown,) = judged(judge, "三天", target="七天", votes=1, gold=True).feedback
    assert "七天" in judge.asked[-1]
    assert shown.reveals_answer
    (leaked,) = judged(voting("No. 要说七天。"), "三天", target="七天", votes=1).feedback
    assert leaked.reveals_answer


def test_the_labels_are_named() -> None:
    judge = Judge(lambda *_: "Yes.")
    task = classify.task(TaskPart(), ("正面", "负面"))
    comment(task, [(Example("a", user("难吃")), Answer("a", "正面"))], Knobs("m", criteria_zh="要对。"), judge)
    assert "规定：要对。可选的回答：正面, 负面。" in judge.asked[0]


def refusing(*refused: str, fault: type[Exception] = ModelError) -> Judge:
    def how(asked: str, _: int) -> str:
        if any(word in asked for word in refused):
            raise fault("it refuses")
        return NO

    return Judge(how)


def test_one_message_that_is_refused_costs_no_other() -> None:
    found = judged(refusing("答3", "答5"), *(f"答{i}" for i in range(8)))
    assert [one.item for one in found] == ["0", "1", "2", "4", "6", "7"]
    assert set(found.not_judged) == {"3", "5"}
    assert "it refuses" in found.not_judged["3"]


def test_a_judge_that_refuses_everything_stops() -> None:
    with pytest.raises(ModelError, match="it refuses"):
        judged(refusing("回答"), "一", "二")


def test_a_judge_that_is_silent_has_not_judged_and_is_not_waited_for_again() -> None:
    judge = refusing("回答", fault=MachineFault)
    found = judged(judge, *(f"答{i}" for i in range(100)))
    assert len(found.not_judged) == 100
    assert len(judge.samplings) == 2
    assert "it refuses" in found.not_judged["99"]


def test_a_judge_that_stumbles_once_goes_on() -> None:
    judge = refusing("答3。", fault=MachineFault)
    found = judged(judge, *(f"答{i}。" for i in range(40)), votes=1)
    assert set(found.not_judged) == {str(i) for i in range(16)}
    assert len(found.feedback) == 24


def test_without_a_judge_or_criteria_nothing_is_judged() -> None:
    with pytest.raises(FeedbackError, match="no judge is named"):
        comment(FREE, [], Knobs(), None)
    with pytest.raises(FeedbackError, match="nothing to judge by"):
        comment(FREE, [], Knobs("m"), voting())
    with pytest.raises(ValueError, match="agreement"):
        Knobs("m", agreement=0.5)


def test_the_folder_of_a_local_judge_is_a_file_of_its_own(tmp_path: Path) -> None:
    assert files(Knobs(str(tmp_path))) == (tmp_path,)
    assert files(Knobs("owner/model")) == files(Knobs("http://localhost:1/v1#m")) == files(Knobs()) == ()
    named = {
        name: judged(voting(NO), "好的", model=name, votes=1).feedback[0].author.id
        for name in (str(tmp_path), "http://localhost:1/v1#m", "owner/model")
    }
    assert list(named.values()) == [f"judge:{tmp_path.name}", "judge:m", "judge:owner/model"]
