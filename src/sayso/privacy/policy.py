"""What is done about personal data: kept, warned of, taken out, or refused; in a comment and in a row.

Decided here:
- A comment is looked at as a whole: prompt, answer, words, condition, revision and spans. Its author's name is not: by
  it he follows what became of his comment, and has it erased.
- Taking something out moves the spans with the text. Token ids of an answer that changed are left out: they would give
  away what stood there.
- Of a row with labels only the text is looked at.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from sayso.errors import FeedbackError, MachineFault
from sayso.privacy.found import KINDS, Found
from sayso.privacy.hide import Hidden, hide, name_of
from sayso.privacy.search import search
from sayso.records import Example, Feedback, Message, Messages, Span

Do = Literal["keep", "warn", "redact", "pseudonymise", "refuse"]
CHANGES: tuple[Do, ...] = ("redact", "pseudonymise")


class PersonalData(FeedbackError):
    """A comment that is refused because of the personal data in it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What to do, about which kinds (all where it names none); the key of pseudonyms, where they are made."""

    do: Do = "keep"
    kinds: tuple[str, ...] = ()
    key: bytes | None = None

    def look(self, text: str) -> tuple[Found, ...]:
        """What this policy is about in a text."""
        return search(text, self.kinds or KINDS)

    def hidden(self, text: str) -> Hidden:
        """The text without it."""
        return hide(text, self.look(text), self.key if self.do == "pseudonymise" else None)


KEPT = Policy()
WARNED = Policy("warn")


def in_comment(feedback: Feedback, policy: Policy) -> Counter[str]:
    """How often each kind stands in a comment."""
    return Counter(one.kind for text in _texts(feedback) for one in policy.look(text))


def admitted(feedback: Feedback, policy: Policy) -> Feedback:
    """The comment as it may be kept. PersonalData where it may not."""
    if policy.do in CHANGES:
        return _changed(feedback, policy)
    if policy.do == "refuse" and (found := in_comment(feedback, policy)):
        fix = "say it without, or set privacy.comments to redact"
        raise PersonalData(f"it holds personal data: {in_words(found)}", fix=fix)
    return feedback


def in_example(example: Example, policy: Policy, labels: bool) -> Counter[str]:
    """How often each kind stands in a row; of one with labels, in its text."""
    return Counter(one.kind for text in _parts(example, labels) for one in policy.look(text))


def cleaned(example: Example, policy: Policy, labels: bool) -> Example:
    """The row without what the policy takes out."""
    prompt = _prompt(example.prompt, policy)
    target = example.target
    if target is not None and not labels:
        target = policy.hidden(target).text
    return replace(example, prompt=prompt, target=target)


def in_words(found: Counter[str]) -> str:
    """phone (2), name."""
    named = ((name_of(kind, chinese=False), found[kind]) for kind in KINDS if found[kind])
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in named)


def project_key(path: Path) -> bytes:
    """The project's key of pseudonyms, made where there is none; only its owner may read it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
    except FileExistsError:
        pass
    except OSError as error:
        raise MachineFault(f"the key of pseudonyms cannot be kept: {error.strerror}", where=str(path)) from None
    return path.read_text(encoding="ascii").strip().encode()


# ---------------------------------------------------------------- inside


def _texts(feedback: Feedback) -> Iterable[str]:
    yield from (message.text for message in feedback.prompt)
    yield from (feedback.attempt.text, feedback.comment, feedback.scope.when, feedback.revision or "")
    yield from (span.replacement or "" for span in feedback.spans)


def _parts(example: Example, labels: bool) -> Iterable[str]:
    yield from (message.text for message in example.prompt)
    if not labels:
        yield example.target or ""


def _prompt(prompt: Messages, policy: Policy) -> Messages:
    return tuple(Message(one.role, policy.hidden(one.text).text) for one in prompt)


def _changed(feedback: Feedback, policy: Policy) -> Feedback:
    said: Callable[[str], str] = lambda text: policy.hidden(text).text  # noqa: E731  (four uses in a line each)
    attempt = policy.hidden(feedback.attempt.text)
    same = attempt.text == feedback.attempt.text
    return replace(
        feedback,
        prompt=_prompt(feedback.prompt, policy),
        attempt=feedback.attempt if same else replace(feedback.attempt, text=attempt.text, token_ids=()),
        comment=said(feedback.comment),
        scope=replace(feedback.scope, when=said(feedback.scope.when)),
        revision=None if feedback.revision is None else said(feedback.revision),
        spans=tuple(_moved(span, attempt, policy) for span in feedback.spans),
    )


def _moved(span: Span, attempt: Hidden, policy: Policy) -> Span:
    words = None if span.replacement is None else policy.hidden(span.replacement).text
    return replace(span, start=attempt.at(span.start), end=attempt.at(span.end, end=True), replacement=words)
