"""How a comment is put in words into a context, in Chinese and in English.

Decided here:
- The words stand at the end of the last turn of the user. Prompts are cut from the left, so what stands last survives
  a long text; and many small models' templates know no system turn.
- The wording follows the language of the context, whatever language the comment is in.
- What stands in the prompt at answering time stands where, and as, the comment stood in training: `with_comment`
  without an attempt is `with_standing` of `remark`.
- An empty comment is no comment: the context is returned as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from sayso.records import Message, Messages
from sayso.surface import is_chinese

Language = Literal["zh", "en"]

GOOD: Mapping[str, str] = {
    "en": "This answer is right and does all that was asked.",
    "zh": "这个回答正确，完全符合要求。",
}
BAD: Mapping[str, str] = {
    "en": "This answer is wrong or does not do what was asked.",
    "zh": "这个回答有错误，或者没有做到所要求的。",
}
_REMARK = {"en": "What a reviewer says of the answer: {comment}", "zh": "审阅者对回答的评语：{comment}"}
_AGAIN = {
    "en": "An earlier answer was:\n{attempt}\n\nWhat a reviewer says of it: {comment}\n\n"
    "Answer again, so that the reviewer is content.",
    "zh": "先前的回答是：\n{attempt}\n\n审阅者对它的评语：{comment}\n\n请重新回答，使审阅者满意。",
}
_LENGTH = re.compile(
    r"\b(too|more|less|overly|very|so) (long|short|brief|concise|verbose|wordy|lengthy)\b"
    r"|\b(longer|shorter|lengthier|wordier|lengthy|verbose|wordy|verbosity|wordiness|concise|conciseness|succinct)\b"
    r"|\b(answer|reply|response|text|output)('s)? length\b|\blength of (the|this|your|an) (answer|reply|response)\b"
    r"|\b(word|character) (count|limit)\b|\b(at most|no more than|under|over|within|fewer than) [\w-]+ "
    r"(words|characters|sentences)\b"
    r"|[太过]于?[长短]|[更再][长短]|冗长|简短|简洁|精简|啰嗦|罗嗦|篇幅|字数|长度|长一[点些]|短一[点些]|[长短]了?[点些]",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^。！？；!?;.\n]*(?:[。！？；!?;\n]+|\.(?:\s+|$)|\.|$)")


def language_of(text: str) -> Language:
    """In which of the two languages a reader of this text expects to be addressed."""
    return "zh" if is_chinese(text) else "en"


def language_of_context(context: Messages) -> Language:
    """The language of the last turn of the user, else of all turns."""
    said = [message.text for message in context if message.role == "user"]
    return language_of(said[-1] if said else "\n".join(message.text for message in context))


def remark(comment: str, language: str) -> str:
    """The comment as the line that stands in a prompt; "" for an empty one."""
    return _of(_REMARK, language).format(comment=comment.strip()) if comment.strip() else ""


def condition(kind: Literal["good", "bad"], language: str) -> str:
    """The sentence under which a good (or a bad) answer is expected."""
    return _of(GOOD if kind == "good" else BAD, language)


def with_standing(context: Messages, words: str) -> Messages:
    """The context with words at the end of the user's last turn (in a turn of their own where there is none)."""
    if not words.strip():
        return context
    last = max((i for i, message in enumerate(context) if message.role == "user"), default=None)
    if last is None:
        return (*context, Message("user", words))
    turn = context[last]
    text = f"{turn.text}\n\n{words}" if turn.text else words
    return (*context[:last], Message("user", text), *context[last + 1 :])


def with_comment(context: Messages, attempt: str | None, comment: str) -> Messages:
    """The context in which a model has read the comment before it answers.

    Without an attempt the comment is a condition on the answer to come; with one, the attempt is shown and a better
    answer is asked for. An empty comment returns the context itself.
    """
    if not comment.strip():
        return context
    language = language_of_context(context)
    if attempt is None:
        return with_standing(context, remark(comment, language))
    return with_standing(context, _of(_AGAIN, language).format(attempt=attempt, comment=comment.strip()))


def without_length(comment: str) -> str:
    """The comment without its sentences about how long the answer is; "" where nothing else was said."""
    kept = [part for part in _SENTENCE.findall(comment) if part and not _LENGTH.search(part)]
    text = "".join(kept).strip()
    return text if any(letter.isalnum() for letter in text) else ""


def _of(words: Mapping[str, str], language: str) -> str:
    return words["zh" if language.lower().startswith("zh") else "en"]
