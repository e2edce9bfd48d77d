"""What became of each comment: heeded, not heeded, or it cannot be told, from the answers before and after.

Decided here, for the first rule that can decide:
- A program that commented is asked again about the new answer.
- A comment with a better answer (revision or gold): a label is heeded when it is now right. A text is heeded when it
  is now that answer, or came closer to it by at least CLOSER in chrF; not heeded when it did not come closer at all.
- Otherwise nobody can tell, and that is what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sayso.protocols import Task
from sayso.records import Answer, Example, Feedback, Outcome, State, Why

CLOSER = 0.05
Complains = Callable[[Feedback, str], bool | None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One comment with what the model said to its prompt before and after learning."""

    feedback: Feedback
    before: str
    after: str
    better: str | None = None
    held_out: bool = False


def outcome(trial: Trial, task: Task, complains: Complains, run: str) -> Outcome:
    """The state of one comment. A held-out one says in words whether it was heeded without being taught."""
    state, why = _state(trial, task, complains)
    if trial.held_out:
        words = {State.HEEDED: "kept as a test, and heeded", State.NOT_HEEDED: "kept as a test, and not heeded"}
        return Outcome(
            trial.feedback.id,
            State.HELD_OUT,
            f"{words.get(state, 'kept as a test')}: {why}",
            trial.before,
            trial.after,
            run,
        )
    return Outcome(trial.feedback.id, state, why, trial.before, trial.after, run)


def refused(feedback: Feedback, reason: str, run: str) -> Outcome:
    """A comment that the method could not use."""
    return Outcome(feedback.id, State.REFUSED, reason, feedback.attempt.text, "", run)


def summary(outcomes: Mapping[str, Outcome]) -> dict[str, int]:
    """How many comments ended in each state; held-out ones that were heeded anyway counted apart."""
    counts = {state.value: 0 for state in State}
    for one in outcomes.values():
        counts[one.state.value] += 1
    counts["held_out_heeded"] = sum(
        one.state is State.HELD_OUT and one.why.startswith("kept as a test, and heeded") for one in outcomes.values()
    )
    return counts


def _state(trial: Trial, task: Task, complains: Complains) -> tuple[State, str]:
    verdict = complains(trial.feedback, trial.after)
    if verdict is not None:
        return (State.NOT_HEEDED, "the check still complains") if verdict else (State.HEEDED, "the check is satisfied")
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
    if gain >= CLOSER:
        return State.HEEDED, f"closer to the better answer by {100 * gain:.0f} points of chrF"
    if gain <= 0:
        return State.NOT_HEEDED, "no closer to the better answer"
    return State.CANNOT_TELL, f"closer to the better answer by only {100 * gain:.0f} points of chrF"
