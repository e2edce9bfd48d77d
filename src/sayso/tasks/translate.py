"""Translation: one text into another language.

Decided here:
- An encoder-decoder sees the source alone (or after `question`, as T5 wants it: "translate English to German:");
  other models see the source and then the request, because prompts are cut from the left.
- One answer's value is its chrF (sacreBLEU's, divided by 100): unlike BLEU it means something for one sentence.
- The headline is corpus chrF for the same reason that others recommend it over BLEU when only one stands there: it
  agrees better with people (Kocmi et al. 2021, arXiv 2107.10821). BLEU stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sacrebleu.metrics.chrf import CHRF

from sayso.errors import RecipeError, nearest
from sayso.recipe import TaskPart
from sayso.records import Answer, Example, Kind, Messages, Sampling, Score, Why, user
from sayso.surface import copies, is_chinese, repeats, same

ITEM_UNIT = "sentence_chrf"
METRICS = ("chrf", "bleu", "exact_match")
_NAMES = {
    "ar": ("Arabic", "阿拉伯文"),
    "de": ("German", "德文"),
    "en": ("English", "英文"),
    "es": ("Spanish", "西班牙文"),
    "fr": ("French", "法文"),
    "it": ("Italian", "意大利文"),
    "ja": ("Japanese", "日文"),
    "ko": ("Korean", "韩文"),
    "pt": ("Portuguese", "葡萄牙文"),
    "ru": ("Russian", "俄文"),
    "vi": ("Vietnamese", "越南文"),
    "zh": ("Chinese", "中文"),
}


@dataclass(frozen=True, slots=True)
class Translate:
    """From `source_language` into `target_language` (codes such as zh; "" where unknown)."""

    source_language: str = ""
    target_language: str = ""
    question: str = ""
    metric: str = METRICS[0]
    sampling: Sampling = field(default_factory=Sampling)
    options: tuple[str, ...] = ()
    several: bool = False
    name: str = "translate"

    def context(self, example: Example, kind: Kind) -> Messages:
        """The source, alone or with the request."""
        source = _source(example)
        if kind == "encoder_decoder":
            return user(f"{self.question} {source}" if self.question else source)
        return user(f"{source}\n\n{self.question or self._request(source)}")

    def grade(self, example: Example, answer: Answer) -> Score:
        """Sentence chrF / 100, and why it is not 1; NOT_JUDGED (n 0) where there is no reference."""
        if example.target is None:
            return Score(self.name, example.id, ITEM_UNIT, 0.0, Why.NOT_JUDGED, n=0)
        value = CHRF().sentence_score(answer.text, [example.target]).score / 100
        return Score(self.name, example.id, ITEM_UNIT, value, _why(_source(example), example.target, answer))

    def _request(self, source: str) -> str:
        chinese = is_chinese(source)
        code = self.target_language.lower().replace("_", "-").partition("-")[0]
        language = _NAMES.get(code, (self.target_language,) * 2)[int(chinese)]
        if chinese:
            return f"把上面的文本翻译成{language or '另一种语言'}，只给出译文。"
        return f"Translate this text{' into ' + language if language else ''}. Give the translation only."


def task(part: TaskPart, labels: tuple[str, ...]) -> Translate:
    """The task of a recipe; `labels` is not used. RecipeError for a metric that it does not have."""
    del labels
    if part.metric and part.metric not in METRICS:
        raise RecipeError(
            f"translate has no metric '{part.metric}'", where="task -> metric", fix=nearest(part.metric, METRICS)
        )
    return Translate(
        part.source_language,
        part.target_language,
        part.question,
        part.metric or METRICS[0],
        Sampling(max_new_tokens=part.max_new_tokens, beams=part.beams, length_penalty=part.length_penalty),
    )


def _source(example: Example) -> str:
    return "\n".join(message.text for message in example.prompt)


def _why(source: str, target: str, answer: Answer) -> Why:
    if not answer.text.strip():
        return Why.EMPTY
    if same(answer.text, target):
        return Why.RIGHT
    if copies(source, answer.text) and not copies(source, target):
        return Why.COPIES
    if repeats(answer.text) and not repeats(target):
        return Why.REPEATS
    return Why.DIFFERENT if answer.ended else Why.UNFINISHED
