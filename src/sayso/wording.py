"""How a comment is put in words into a context, in Chinese and in English.

Decided here:
- The words stand at the end of the last turn of the user. Prompts are cut from the left, so what stands last survives
  a long text; and many small models' templates know no system turn.
- The wording follows the language of the context, whatever language the comment is in.
- What stands in the prompt at answering time stands where, and as, the comment stood in training: `with_comment`
  without an attempt is `with_standing` of `remark`.
- An empty comment is no comment: the context is returned as it is.
- A condition is put in without the word that introduces it, however it was given ("when the user asks", 当用户问时).
- A judgement is asked for and given in one wording, whoever asks: exercises, measures and methods.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from sayso.records import Message, Messages
from sayso.surface import is_chinese

Language = Literal["zh", "en"]
T = TypeVar("T")

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
_ASKED_FOR = {"en": "What reviewers ask of the answer:\n{lines}", "zh": "审阅者对回答的要求：\n{lines}"}
_WHEN = {"en": "When {when}: {comment}", "zh": "当{when}时：{comment}"}
_LIKE = {"en": "Asked {asked} or the like: {comment}", "zh": "遇到{asked}这类问题：{comment}"}
_THEN = {"en": 'If {when}, then the label is "{label}".', "zh": "如果{when}，标签就是“{label}”。"}
_QUOTED = {"en": '"{text}"', "zh": "“{text}”"}
_INTRODUCES = re.compile(
    r"^(when(ever)?|if|where(ver)?|in case)\b\s*|^(如果|假如|若是|每当|凡是|当|若)", re.IGNORECASE
)
_CLOSES = re.compile(r"(的时候|的话|之时|(?<![小])时)?[\s.。,，:：;；]*$")
ASKED_TO_JUDGE: Mapping[str, Sequence[str]] = {  # ways to ask whether an attempt will do; those with a rule come first
    "en": (
        "Does this reply keep the rule?",
        "Is the rule kept here? If not, say what is wrong.",
        "Check the reply against the rule.",
        "Would you let this reply pass?",
        "Judge the reply.",
    ),
    "zh": (
        "这个回答守规矩吗？",
        "上面的回答符合规定吗？不符合就说哪里不对。",
        "请对照规定检查这个回答。",
        "这个回答能通过吗？",
        "请评判这个回答。",
    ),
}
_WITHOUT_RULE = 3
_PARTS = {"en": ("Message: ", "Rule: ", "Reply: "), "zh": ("留言：", "规定：", "回答：")}
_PASSES, _FAILS = {"en": "Yes.", "zh": "是。"}, {"en": "No. ", "zh": "否。"}
_LENGTH = re.compile(
    r"\b(too|more|less|overly|very|so) (long|short|brief|concise|verbose|wordy|lengthy)\b"
    r"|\b(longer|shorter|lengthier|wordier|lengthy|verbose|wordy|verbosity|wordiness|concise|conciseness|succinct)\b"
    r"|\b(answer|reply|response|text|output)('s)? length\b|\blength of (the|this|your|an) (answer|reply|response)\b"
    r"|\b(word|character) (count|limit)\b|\b(at most|no more than|under|over|within|fewer than) [\w-]+ "
    r"(words|characters|sentences)\b"
    r"|[太过]于?[长短]|[更再][长短]|冗长|简短|简洁|精简|啰嗦|罗嗦|篇幅|字数|长度|长一[点些]|短一[点些]|[长短]了?[点些]",
    re.IGNORECASE,
)
_JUDGED = re.compile(r"^(?:(?:yes|no)\b|是的?|否|不是)[\s.,:;。，：；]*", re.IGNORECASE)
_SAYS_YES = re.compile(r"(?:yes|kept)(?![a-z])|是(?!否)|符合", re.IGNORECASE)
_SAYS_NO = re.compile(r"(?:no|not)(?![a-z])|否|不(?!错)", re.IGNORECASE)
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


def instructions(lines: Sequence[str], language: str) -> str:
    """Several comments as a list that stands in a prompt; a single one stands as a comment does, none as ""."""
    if len(lines) < 2:
        return remark(lines[0], language) if lines else ""
    return _of(_ASKED_FOR, language).format(lines="\n".join(f"- {line.strip()}" for line in lines))


def bare_condition(when: str) -> str:
    """A condition without the word that introduces it, and without its full stop."""
    return _CLOSES.sub("", _INTRODUCES.sub("", when.strip()))


def under_condition(comment: str, when: str) -> str:
    """A comment with the condition under which it holds, in the comment's language."""
    return _of(_WHEN, language_of(comment)).format(when=bare_condition(when), comment=comment)


def about_questions(comment: str, asked: Sequence[str]) -> str:
    """A comment with the questions that it is about, in the comment's language."""
    language = language_of(comment)
    quoted = [_of(_QUOTED, language).format(text=text) for text in asked]
    return _of(_LIKE, language).format(asked=_of({"en": " or ", "zh": "或"}, language).join(quoted), comment=comment)


def rule_for_label(when: str, label: str) -> str:
    """The rule that a label is right under a condition, in the condition's language."""
    return _of(_THEN, language_of(when)).format(when=bare_condition(when), label=label)


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


def judgement(said: str, attempt: str, asked: str, rule: str, language: str) -> str:
    """What was said, the rule where there is one, the attempt, and the question whether it will do."""
    message, against, reply = _of(_PARTS, language)
    lines = [message + said, *([against + rule] if rule else []), reply + attempt]
    return "\n".join(lines) + f"\n\n{asked}"


def to_judge(context: Messages, attempt: str, rule: str = "") -> Messages:
    """The context in which a model is asked whether an attempt will do; `verdict` is the answer.

    Without a rule, what there is to say of the attempt is the answer's business.
    """
    language = language_of_context(context)
    last = max((i for i, message in enumerate(context) if message.role == "user"), default=len(context))
    said = context[last].text if last < len(context) else ""
    asked = _of(ASKED_TO_JUDGE, language)[0 if rule else _WITHOUT_RULE]
    return (*context[:last], Message("user", judgement(said, attempt, asked, rule, language)))


def verdict(passes: bool, comment: str, language: str) -> str:
    """The judgement in words: yes, or no and what is wrong."""
    return _of(_PASSES, language) if passes else _of(_FAILS, language) + comment


def read_verdict(answer: str) -> bool | None:
    """Did the answer say that the attempt will do? None where it says neither."""
    said = answer.strip()
    if _SAYS_YES.match(said):
        return True
    return False if _SAYS_NO.match(said) else None


def what_is_wrong(answer: str) -> str:
    """What a judgement says besides yes or no, as `verdict` words it; "" for nothing."""
    return _JUDGED.sub("", answer.strip(), count=1).strip()


def without_length(comment: str) -> str:
    """The comment without its sentences about how long the answer is; "" where nothing else was said."""
    kept = [part for part in _SENTENCE.findall(comment) if part and not _LENGTH.search(part)]
    text = "".join(kept).strip()
    return text if any(letter.isalnum() for letter in text) else ""


def _of(words: Mapping[str, T], language: str) -> T:
    return words["zh" if language.lower().startswith("zh") else "en"]
