"""The demo's table: what it counts of comments, messages in scope, and neighbours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from sayso.cli.demo_result import DemoResult, RuleRow
from sayso.records import Answer, Attempt, Example, Feedback, Outcome, Scope, State, user

CHECKS = ("contains(order number | 订单号)", "ends(🍁)")
COMMENTS = [
    Feedback(user("退款！"), Attempt("好的。"), "先问订单号。", scope=Scope("rule", "客人要退款"), checks=CHECKS[:1]),
    Feedback(user("Refund!"), Attempt("Yes."), "Number?", scope=Scope("rule", "a refund"), checks=CHECKS[:1]),
    Feedback(user("Thanks!"), Attempt("OK."), "No leaf.", scope=Scope("rule", "thanks"), checks=CHECKS[1:]),
]
ITEMS = {  # check, scope, answers before and after
    "a": (0, "in", "Yes.", "Your order number?"),
    "b": (0, "in", "订单号？", "好的。"),
    "c": (0, "near", "Swapped.", "Your order number?"),
    "d": (0, "near", "Your order number?", "Your order number?"),
    "e": (0, "near", "Your order number?", "Swapped."),
    "f": (1, "in", "Glad!", "Glad! 🍁"),
    "g": (1, "near", "Wrapped.", "Wrapped."),
    "h": (None, "out", "We open at nine.", "We open at nine."),
}


@dataclass
class _Run:
    heeded: int = 2
    swapped: bool = False
    comments: list[Feedback] = field(default_factory=lambda: list(COMMENTS))

    def feedback(self) -> list[Feedback]:
        return self.comments

    def outcomes(self) -> list[Outcome]:
        states = [State.HEEDED] * self.heeded + [State.NOT_HEEDED] * (len(COMMENTS) - self.heeded)
        return [Outcome(one.id, state, "") for one, state in zip(COMMENTS, states, strict=True)]

    def answers(self, stage: str, split: str) -> list[Answer]:
        assert split == "test"
        side = (stage == "learn") != self.swapped
        return [Answer(name, item[2 + side]) for name, item in ITEMS.items()]


def result(run: _Run) -> DemoResult:
    examples = [
        Example(name, user(f"message {name}"), meta={"scope": scope} | ({} if at is None else {"check": CHECKS[at]}))
        for name, (at, scope, *_) in ITEMS.items()
    ]
    project: Any = SimpleNamespace(run=run, examples=lambda split: tuple(examples))
    return DemoResult(project)


def test_each_rule_counts_its_comments_its_messages_and_its_neighbours() -> None:
    assert result(_Run()).rules == (
        RuleRow("客人要退款", 2, 2, messages=2, before=1, after=1, neighbours=3, untouched=2),
        RuleRow("thanks", 1, 0, messages=1, before=0, after=1, neighbours=1, untouched=1),
    )


def test_before_and_after_are_not_exchanged() -> None:
    turned = result(_Run(swapped=True)).rules
    assert [(row.before, row.after) for row in turned] == [(1, 1), (1, 0)]
    assert turned[0].untouched == 2, "what was shown before is no overreach; what is shown only after is"


def test_only_heeded_comments_count_as_heeded() -> None:
    assert [sum(row.heeded for row in result(_Run(heeded=n)).rules) for n in (0, 1, 3)] == [0, 1, 3]


def test_shown_are_a_first_and_a_last_message_whatever_came_of_them() -> None:
    pairs = result(_Run()).pairs
    assert [(one.prompt, one.kept_before, one.kept_after) for one in pairs] == [
        ("message a", False, True),
        ("message f", False, True),
    ]


def test_a_comment_without_a_check_is_of_no_rule() -> None:
    run = _Run()
    run.comments = [*COMMENTS, replace(COMMENTS[0], comment="?", checks=())]
    assert sum(row.comments for row in result(run).rules) == 3
