"""A model that looks at its own answer before it gives it.

Decided here:
- A round: a critic, or the model itself, judges the answer; where it will not do the model answers again with what was
  said before its eyes. Judging and answering again are worded as in training.
- Only a revision that is judged to do replaces an answer. Where no round leads to one the first answer stands, so a
  model that judges badly costs time and does little harm.
- What cannot be judged is left as it is; a revision that says the same again ends the rounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sayso.records import Messages
from sayso.store.responses import Round
from sayso.wording import read_verdict, to_judge, what_is_wrong, with_comment

Say = Callable[[Messages], Awaitable[str]]
Judge = Callable[[str], Awaitable[Round]]
MOST_RULES = 8


async def corrected(
    context: Messages, first: str, rounds: int, judge: Judge, say: Say
) -> tuple[str, tuple[Round, ...]]:
    """The answer that stands after at most `rounds` revisions, and what was said of each that was looked at."""
    trace: list[Round] = []
    answer = first
    for number in range(rounds + 1):
        seen = await judge(answer)
        trace.append(seen)
        if seen.satisfied:
            return answer, tuple(trace)
        if seen.satisfied is None or number == rounds:
            break
        again = await say(with_comment(context, answer, seen.comment))
        if again.strip() in ("", answer.strip()):
            break
        answer = again
    return first, tuple(trace)


def by_itself(asked: Messages, say: Say, rules: Sequence[str] = ()) -> Judge:
    """The model judges: against each rule, or by what it has learnt where there are none.

    The first judgement that says no counts; an answer will do where one says yes and none says no.
    """
    held = tuple(rules[:MOST_RULES]) or ("",)

    async def judge(answer: str) -> Round:
        verdicts = await asyncio.gather(*(say(to_judge(asked, answer, rule)) for rule in held))
        for rule, said in zip(held, verdicts, strict=True):
            if read_verdict(said) is False:
                comment = what_is_wrong(said) or rule
                return Round(answer, comment, False if comment else None)
        return Round(answer, "", True if any(read_verdict(said) for said in verdicts) else None)

    return judge


def by_critic(asked: Messages, critic: Callable[[Messages, str], str | None]) -> Judge:
    """A critic judges, in a thread of its own: None is contentment, "" that it failed and nothing is judged."""

    async def judge(answer: str) -> Round:
        comment = await asyncio.to_thread(critic, asked, answer)
        return Round(answer, comment or "", None if comment == "" else comment is None)

    return judge
