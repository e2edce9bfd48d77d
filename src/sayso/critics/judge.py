"""A language model judges each answer by criteria in words: a local model, a hub id, or http(s)://host/v1#model.

It is asked as judge.en.txt and judge.zh.txt say, in the language of the message, and answers "Yes.", or "No." and what
is wrong. What it says of a bad answer is the comment.

Decided here:
- It is asked `votes` times. The share of votes for the verdict is the comment's confidence; where that is less than
  `agreement` the answer is not judged: a judge that contradicts itself knows nothing.
- A vote that is not exactly in the asked form is a vote for nothing, never a "no". A judge that cannot be reached, or
  refuses one message, leaves that answer not judged; one that refuses all stops.
- Of several comments the one most like the others (chrF) is kept: an odd one out is likeliest made up.
- It never sees the right answer unless `gold` says so; it is then told that other answers may be right too.
- Messages and answers are what is judged, whatever they ask for: the instructions stand first, the question last.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from sayso.chrf import chrf
from sayso.errors import FeedbackError, MachineFault, ModelError
from sayso.protocols import Review, Speaker, Task
from sayso.records import Answer, Attempt, Author, Example, Feedback, Message, Messages, Reach, Sampling, Scope
from sayso.wording import Language, judgement, language_of_context

NEEDS_SPEAKER = True
AT_ONCE = 16  # answers asked about together, so that one refusal costs little
PATIENCE = 2  # times in a row that nobody answers before the rest is given up
_VOTE = re.compile(r"(?P<yes>(?:yes|是)\s*[.。]?)|(?:no|否)\s*[.。,，:：]\s*(?P<words>\S.*)", re.I | re.DOTALL)
_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Knobs:
    """`model`: who judges; `criteria_en`, `criteria_zh`: what a good answer does, one stands in for the other.

    `votes` are drawn at `temperature` (a single one is greedy), each at most `max_new_tokens` long, from `seed` on;
    `agreement`: share of them that a verdict needs. `gold`: show the right answer. `reach` and `when`: the scope of
    what it says.
    """

    model: str = ""
    criteria_en: str = ""
    criteria_zh: str = ""
    votes: int = 3
    agreement: float = 0.65
    temperature: float = 0.7
    max_new_tokens: int = 200
    gold: bool = False
    reach: Reach = "item"
    when: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.votes < 1 or not 0.5 < self.agreement <= 1:
            raise ValueError("votes: 1 or more; agreement: more than 0.5, at most 1")


@dataclass(frozen=True, slots=True)
class _Vote:
    """One vote: content, or what is wrong; `failure` where it is neither."""

    words: str = ""
    failure: str = ""


_Cast = _Vote | ModelError | MachineFault


def files(knobs: Knobs) -> tuple[Path, ...]:
    """The folder of a local judge."""
    folder = Path(knobs.model).expanduser()
    return (folder,) if knobs.model and folder.is_dir() else ()


def comment(
    task: Task, pairs: Sequence[tuple[Example, Answer]], knobs: Knobs, speaker: Speaker | None = None
) -> Review:
    """What the judge says of each answer. FeedbackError without judge or criteria, ModelError where it refuses all."""
    if speaker is None:
        raise FeedbackError("no judge is named", where="critic 'judge'", fix="set its knob `model`")
    if not (knobs.criteria_en or knobs.criteria_zh).strip():
        fix = "say in criteria_en or criteria_zh what a good answer does"
        raise FeedbackError("the judge has nothing to judge by", where="critic 'judge'", fix=fix)
    prompts = [_prompt(task, example, answer, knobs) for example, answer in pairs]
    votes = list(_votes(speaker, prompts, knobs))
    if votes and all(isinstance(vote, ModelError) for one in votes for vote in one):
        raise next(vote for vote in votes[0] if isinstance(vote, ModelError))
    said: list[Feedback] = []
    not_judged: dict[str, str] = {}
    for (example, answer), cast in zip(pairs, votes, strict=True):
        found = [_Vote(failure=vote.what) if isinstance(vote, Exception) else vote for vote in cast]
        words, share, failure = _verdict(found, knobs.agreement)
        if failure:
            not_judged[example.id] = failure
        elif words:
            said.append(_feedback(example, answer, words, share, knobs))
    return Review(tuple(said), not_judged)


# ---------------------------------------------------------------- asking


def _prompt(task: Task, example: Example, answer: Answer, knobs: Knobs) -> Messages:
    language = language_of_context(example.prompt)
    criteria = {"en": knobs.criteria_en, "zh": knobs.criteria_zh}
    rule = (criteria[language] or knobs.criteria_en or knobs.criteria_zh).strip()
    if task.options:
        rule += _LABELS[language].format(", ".join(task.options))
    if knobs.gold and example.target:
        rule += _GOLD[language].format(example.target)
    asked = judgement(_talk(example.prompt), answer.text, _ASKED[language], rule, language)
    return (Message("user", f"{_instructions(language)}\n\n{asked}"),)


@cache
def _instructions(language: Language) -> str:
    return Path(__file__).with_name(f"judge.{language}.txt").read_text(encoding="utf-8").strip()


_ASKED = {
    "en": 'Will this reply do? "Yes." or "No." and what is wrong.',
    "zh": "这个回答可以吗？“是。”或者“否。”和哪里不对。",
}
_GOLD = {
    "en": ' A right answer, beside which others may be right: "{}".',
    "zh": "正确的回答之一（别的也可能对）：“{}”。",
}
_LABELS = {"en": " The possible answers: {}.", "zh": "可选的回答：{}。"}


def _talk(prompt: Messages) -> str:
    """A single turn as it is, a conversation with who said what."""
    if len(prompt) == 1:
        return prompt[0].text
    return "\n".join(f"[{message.role}] {message.text}" for message in prompt)


def _votes(speaker: Speaker, prompts: Sequence[Messages], knobs: Knobs) -> Iterator[tuple[_Cast, ...]]:
    """The votes on each prompt. A speaker that is silent is not waited for again and again."""
    first = Sampling(knobs.max_new_tokens, knobs.temperature if knobs.votes > 1 else 0.0)
    silent: list[MachineFault] = []
    for begin in range(0, len(prompts), AT_ONCE):
        some = prompts[begin : begin + AT_ONCE]
        ballots: list[Sequence[_Cast]] = []
        while len(ballots) < knobs.votes and len(silent) < PATIENCE:
            ballots.append(_asked(speaker, some, replace(first, seed=knobs.seed + len(ballots))))
            fault = ballots[-1][0]
            silent = [*silent, fault] if isinstance(fault, MachineFault) else []
        yield from zip(*ballots, strict=True) if ballots else [(silent[-1],)] * len(some)


def _asked(speaker: Speaker, prompts: Sequence[Messages], sampling: Sampling) -> Sequence[_Cast]:
    """The votes; where one of several prompts is refused, each is asked alone."""
    try:
        return [_read(reply.text) for reply in speaker.reply(prompts, sampling)]
    except MachineFault as error:
        return [error] * len(prompts)
    except ModelError as error:
        if len(prompts) == 1:
            return [error]
        return [_asked(speaker, [prompt], sampling)[0] for prompt in prompts]


# ---------------------------------------------------------------- verdicts


def _read(text: str) -> _Vote:
    """Strictly: "Yes." alone, or "No." and words. What a model thinks aloud first is not its vote."""
    said = _THOUGHT.sub("", text, count=1).strip()
    found = _VOTE.fullmatch(said)
    if found is None:
        return _Vote(failure=f"this is no verdict: {' '.join(said.split())[:80]!r}")
    return _Vote(found["words"] or "")


def _verdict(votes: Sequence[_Vote], agreement: float) -> tuple[str, float, str]:
    """What is wrong ("" for nothing), the share of votes for it, and why there is no verdict."""
    against = [vote.words for vote in votes if vote.words]
    failures = [vote.failure for vote in votes if vote.failure]
    content = len(votes) - len(against) - len(failures)
    share = max(len(against), content) / len(votes)
    if share >= agreement:
        return (_most_like(against) if len(against) > content else "", share, "")
    if failures:
        reason, _ = Counter(failures).most_common(1)[0]
        return "", share, f"{len(failures)} of {len(votes)} votes failed: {reason}"
    return "", share, f"it contradicts itself: {content} of {len(votes)} votes say yes, {len(against)} say no"


def _most_like(comments: Sequence[str]) -> str:
    """The comment that shares most with the others; the first of equals."""
    return max(comments, key=lambda one: sum(chrf(one, other) for other in comments))


def _feedback(example: Example, answer: Answer, words: str, share: float, knobs: Knobs) -> Feedback:
    target = (example.target or "").strip()
    return Feedback(
        example.prompt,
        Attempt(answer.text),
        words,
        Author("critic", f"judge:{_name(knobs.model)}"),
        Scope("rule" if knobs.when and knobs.reach == "item" else knobs.reach, knobs.when),
        confidence=share,
        reveals_answer=bool(target) and (knobs.gold or target in words),
        language=language_of_context(example.prompt),
        item=example.id,
    )


def _name(model: str) -> str:
    """The judge's name without where it is, so that a comment has the same id on every machine."""
    if model.startswith(("http://", "https://")):
        return model.rpartition("#")[2]
    return Path(model).name if Path(model).expanduser().is_dir() else model
