"""Instruction following: a conversation, and what the assistant should say next.

Decided here:
- The conversation is shown as it is; the recipe's `question` stands before it as the system's turn.
- An answer's value is its chrF to the gold answer (divided by 100), RIGHT only when it is the same text. That says how
  close it is, not how good: judging quality is a critic's business.
- Without a gold answer nothing is judged; what can be seen all the same (empty, repeats, unfinished) is the detail.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sacrebleu.metrics.chrf import CHRF

from sayso.errors import RecipeError, nearest
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Kind, Message, Messages, Sampling, Score, Why
from sayso.surface import copies, repeats, same

ITEM_UNIT = "sentence_chrf"
METRICS = ("chrf", "exact_match", "bleu")


@dataclass(frozen=True, slots=True)
class Generate:
    """Free text in answer to a conversation."""

    question: str = ""
    target_language: str = ""
    metric: str = METRICS[0]
    sampling: Sampling = field(default_factory=Sampling)
    options: tuple[str, ...] = ()
    several: bool = False
    name: str = "generate"

    def context(self, example: Example, kind: Kind) -> Messages:
        """The conversation, the same for every kind of model."""
        del kind
        if not self.question:
            return example.prompt
        return (Message("system", self.question), *example.prompt)

    def grade(self, example: Example, answer: Answer) -> Score:
        """Sentence chrF / 100 to the gold answer; NOT_JUDGED (n 0) where there is none."""
        why = _why(example, answer)
        if example.target is None:
            seen = why.value if why is not Why.DIFFERENT else ""
            return Score(self.name, example.id, ITEM_UNIT, 0.0, Why.NOT_JUDGED, n=0, detail=seen)
        value = CHRF().sentence_score(answer.text, [example.target]).score / 100
        return Score(self.name, example.id, ITEM_UNIT, value, why)


def task(part: TaskPart, labels: tuple[str, ...]) -> Generate:
    """The task of a recipe; `labels` is not used. RecipeError for a metric that it does not have."""
    del labels
    if part.metric and part.metric not in METRICS:
        raise RecipeError(
            f"generate has no metric '{part.metric}'", where="task -> metric", fix=nearest(part.metric, METRICS)
        )
    sampling = Sampling(max_new_tokens=part.max_new_tokens, beams=part.beams, length_penalty=part.length_penalty)
    return Generate(part.question, part.target_language, part.metric or METRICS[0], sampling)


def _why(example: Example, answer: Answer) -> Why:
    asked = example.prompt[-1].text if example.prompt else ""
    gold = example.target or ""
    if not answer.text.strip():
        return Why.RIGHT if example.target == "" else Why.EMPTY
    if example.target is not None and same(answer.text, gold):
        return Why.RIGHT
    if copies(asked, answer.text) and not copies(asked, gold):
        return Why.COPIES
    if repeats(answer.text) and not repeats(gold):
        return Why.REPEATS
    return Why.DIFFERENT if answer.ended else Why.UNFINISHED
