"""What became of each comment: heeded, not heeded, or it cannot be told, from the answers before and after.

Decided here, for the first rule that can decide:
- A program that made the comment, that its checks name, or that tells the attempt from the better answer is about the
  same matter: it is asked about the new answer, and its word counts.
- A comment with a better answer (revision or gold): a label is heeded when it is now right. A text is heeded when it
  is now that answer, or came closer to it by at least CLOSER in chrF; not heeded when it did not come closer at all.
- Otherwise nobody can tell, and that is what is said; so it is too where an answer seems better and a program objects.
- What was as good before learning was not learnt. The words say who or what decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sayso.protocols import Task
from sayso.records import Answer, Example, Feedback, Outcome, State, Why

CLOSER = 0.05
_HELD = "kept as a test"
_ANYWAY = f"{_HELD}, and heeded"


@dataclass(frozen=True, slots=True)
class Check:
    """What a program says of the answers to a comment's prompt: "" is content, None was not asked or could not say.

    `own`: it made the comment, or the comment's checks name it.
    """

    name: str
    attempt: str | None = None
    better: str | None = None
    before: str | None = None
    after: str | None = None
    own: bool = False

    @property
    def decides(self) -> bool:
        """Whether it is about what the comment is about, and knows the new answer."""
        return self.after is not None and (self.own or bool(self.attempt and self.better == ""))


@dataclass(frozen=True, slots=True)
class Trial:
    """One comment with what the model said to its prompt before and after learning."""

    feedback: Feedback
    before: str
    after: str
    better: str | None = None
    held_out: bool = False
    checks: tuple[Check, ...] = ()


def outcome(trial: Trial, task: Task, run: str) -> Outcome:
    """The state of one comment. A held-out one says in words whether it was heeded without being taught."""
    state, why = _state(trial, task)
    if trial.held_out:
        words = {State.HEEDED: _ANYWAY, State.NOT_HEEDED: f"{_HELD}, and not heeded"}
        state, why = State.HELD_OUT, f"{words.get(state, _HELD)}: {why}"
    return Outcome(trial.feedback.id, state, why, trial.before, trial.after, run)


def refused(feedback: Feedback, reason: str, run: str) -> Outcome:
    """A comment that the method could not use."""
    return Outcome(feedback.id, State.REFUSED, reason, feedback.attempt.text, "", run)


def summary(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many comments ended in each state; held-out ones that were heeded anyway counted apart."""
    known = list(outcomes)
    counts = Counter(one.state for one in known)
    anyway = sum(one.state is State.HELD_OUT and one.why.startswith(_ANYWAY) for one in known)
    return {state.value: counts[state] for state in State} | {"held_out_heeded": anyway}


def in_words(counts: dict[str, int]) -> str:
    """A summary in one line: "5 comments: 2 heeded, 1 not heeded, 2 held out (1 of them heeded all the same)"."""
    n = sum(counts[state] for state in State)
    told = [f"{counts[state]:,} {state.value.replace('_', ' ')}" for state in State if counts[state]]
    anyway = f" ({counts['held_out_heeded']} of them heeded all the same)" if counts["held_out"] else ""
    words = ", ".join(f"{part}{anyway}" if part.endswith("held out") else part for part in told)
    return f"{n:,} {'comment' if n == 1 else 'comments'}" + (f": {words}" if words else "")


def _state(trial: Trial, task: Task) -> tuple[State, str]:
    deciding = [check for check in trial.checks if check.decides]
    if deciding:
        return _by_checks(deciding)
    state, why = _by_better(trial, task)
    objecting = [check for check in trial.checks if check.after and not check.better]
    if state is State.HEEDED and objecting:
        return State.CANNOT_TELL, f"{why}, but {_objects(objecting[0])}"
    return state, why


def _by_checks(deciding: list[Check]) -> tuple[State, str]:
    objecting = [check for check in deciding if check.after]
    if objecting:
        return State.NOT_HEEDED, _objects(objecting[0])
    names = " and ".join(check.name for check in deciding)
    content = f"{names} {'is' if len(deciding) == 1 else 'are'} content with the answer"
    if all(check.before == "" for check in deciding):
        return State.CANNOT_TELL, f"{content}, as with the one before learning"
    return State.HEEDED, content


def _objects(check: Check) -> str:
    return f"{check.name} says of the answer: {check.after}"


def _by_better(trial: Trial, task: Task) -> tuple[State, str]:
    if trial.better is None:
        changed = "the answer changed" if trial.after != trial.before else "the answer is the same"
        return State.CANNOT_TELL, f"{changed}, and there is neither a check nor a better answer to compare with"
    reference = Example("", trial.feedback.prompt, trial.better)
    before, after = (task.grade(reference, Answer("", text)) for text in (trial.before, trial.after))
    if after.why is Why.RIGHT or after.value >= 1.0:
        if before.value >= 1.0:
            return State.CANNOT_TELL, "the answer was right before learning too"
        return State.HEEDED, "the answer is now the better one"
    if task.options:
        return State.NOT_HEEDED, f"the answer is '{trial.after}', not '{trial.better}'"
    gain = after.value - before.value
    moved = f"chrF {100 * before.value:.0f} before, {100 * after.value:.0f} now"
    if gain >= CLOSER:
        return State.HEEDED, f"closer to the better answer ({moved})"
    if gain <= 0:
        return State.NOT_HEEDED, f"no closer to the better answer ({moved})"
    return State.CANNOT_TELL, f"hardly closer to the better answer ({moved})"
