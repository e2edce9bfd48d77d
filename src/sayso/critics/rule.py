"""Checks of your choice, without a model: length, form, language, politeness, words to say or to leave, terms.

`rules: [at_most_words(40), "contains(订单号 | order number) when 退款 | refund"]`: each is a check with its argument
and, where it holds only for some messages, the phrases by which they are known. The page on critics lists the checks.

Decided here:
- A comment says what was seen in the answer, in the language of the message. Its scope is the rule in one line, in the
  language of most messages, so that it is one rule: everywhere, or under its condition.
- The check stands in the comment's `checks`: whether the comment is heeded can be measured on any answer.
- `one_of` without labels means the task's.
- What must not be said is marked in the answer, for methods that teach by marks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sayso.checks import Check, read
from sayso.errors import FeedbackError
from sayso.predicates import Breach
from sayso.protocols import Review, Task
from sayso.records import LABEL_JOINT, Answer, Attempt, Author, Example, Feedback, Scope, Span
from sayso.wording import Language, language_of_context


@dataclass(frozen=True, slots=True)
class Knobs:
    """`rules`: the checks, e.g. one_sentence, at_most_words(40), contains(a | b) when c | d."""

    rules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in self.rules:
            read(line)


def comment(task: Task, pairs: Sequence[tuple[Example, Answer]], knobs: Knobs) -> Review:
    """A comment for each check that an answer breaks. FeedbackError where no check is named."""
    if not knobs.rules:
        raise FeedbackError("no rule is named", where="critic 'rule'", fix="set its knob `rules`: [one_sentence]")
    checks = [_of_task(read(line), task) for line in knobs.rules]
    languages = Counter(language_of_context(example.prompt) for example, _ in pairs).most_common(1)
    said = [
        _feedback(example, answer, check, breach, languages[0][0])
        for example, answer in pairs
        for check in checks
        if (breach := check.breach(example.prompt, answer.text)) is not None
    ]
    return Review(tuple(said))


# ---------------------------------------------------------------- inside


def _of_task(check: Check, task: Task) -> Check:
    """A check that needs the labels gets the task's where it names none."""
    if check.name == "one_of" and not check.argument:
        return replace(check, argument=LABEL_JOINT.join(task.options))
    return check


def _feedback(example: Example, answer: Answer, check: Check, breach: Breach, common: Language) -> Feedback:
    language = language_of_context(example.prompt)
    words, target = check.words(breach, language), (example.target or "").strip()
    return Feedback(
        example.prompt,
        Attempt(answer.text),
        words,
        Author("critic", f"rule:{check}"),
        Scope("rule" if check.when else "everywhere", check.rule(common)),
        spans=tuple(Span(start, end, check.name) for start, end in breach.places),
        checks=(str(check),),
        reveals_answer=bool(target) and target in words,
        language=language,
        item=example.id,
    )
