"""How figures and stages are written, in the page and in the card.

Decided here:
- Shares are in per cent with one decimal, BLEU and chrF on their own scale to 100, calibration with three decimals,
  everything else to three digits.
- A figure never stands without what it counts; a minus is a minus.
- A unit that is not known is shown under its own name.
"""

from __future__ import annotations

from typing import Literal

Scale = Literal["percent", "points", "thousandths", "plain"]
STAGES = ("base", "train", "learn")
STAGE_NAMES = {"base": "base", "train": "tuned", "learn": "learnt"}
_UNITS: dict[str, tuple[str, Scale]] = {
    "accuracy": ("Accuracy", "percent"),
    "f1_macro": ("Macro F1", "percent"),
    "f1_micro": ("Micro F1", "percent"),
    "f1": ("F1", "percent"),
    "exact_match": ("Exact match", "percent"),
    "passes": ("Passes the checks", "percent"),
    "bleu": ("BLEU", "points"),
    "chrf": ("chrF", "points"),
    "sentence_chrf": ("chrF", "percent"),
    "log_likelihood": ("Log-likelihood", "plain"),
    "ece": ("Calibration error", "thousandths"),
    "brier": ("Brier score", "thousandths"),
    "loss": ("Loss", "plain"),
    "length_ratio": ("Length ratio", "plain"),
    "copy_rate": ("Copies of the source", "percent"),
    "repetition_rate": ("Repeated phrases", "percent"),
    "empty_rate": ("Empty answers", "percent"),
    "ended": ("Ended by itself", "percent"),
}
# What an answer's quality is measured in; everything else is a symptom, and stands apart.
QUALITY = ("accuracy", "f1_macro", "f1_micro", "f1", "passes", "exact_match", "bleu", "chrf", "log_likelihood")
MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"


def stage_name(stage: str) -> str:
    """A stage as the report calls it; a baseline under its own name."""
    return STAGE_NAMES.get(stage, stage)


def look_of(stage: str) -> str:
    """The mark of a stage; all baselines share one."""
    return stage if stage in STAGES else "rival"


def unit_name(unit: str) -> str:
    """A unit as a heading."""
    return _UNITS[unit][0] if unit in _UNITS else unit.replace("_", " ").strip().capitalize()


def in_words(unit: str) -> str:
    """A unit within a sentence: accuracy, macro F1, BLEU."""
    name = unit_name(unit)
    return name if name[:2].isupper() or name == "chrF" else name[:1].lower() + name[1:]


def scale(unit: str) -> Scale:
    """How a unit is written."""
    return _UNITS[unit][1] if unit in _UNITS else "plain"


def scaled(unit: str, value: float) -> float:
    """The value as it is written: shares in per cent."""
    return value * 100 if scale(unit) == "percent" else value


def figure(unit: str, value: float) -> str:
    """The number alone: 91.4."""
    value = scaled(unit, value)
    digits = {"percent": ".1f", "points": ".1f", "thousandths": ".3f"}.get(scale(unit))
    written = f"{value:{digits}}" if digits else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    nothing = not written.strip("-0.")
    return (written.removeprefix("-") if nothing else written).replace("-", MINUS)


def sign_of(unit: str) -> str:
    """What follows the number: " %" or nothing."""
    return "\N{NO-BREAK SPACE}%" if scale(unit) == "percent" else ""


def full(unit: str, value: float) -> str:
    """The number with its sign: 91.4 %."""
    return figure(unit, value) + sign_of(unit)


def span(unit: str, interval: tuple[float, float] | None) -> str:
    """An interval: 89.8–92.9; empty for none."""
    if interval is None:
        return ""
    low, high = (figure(unit, v) for v in interval)
    return f"{low} to {high}" if MINUS in low + high else f"{low}{DASH}{high}"


def from_to(unit: str, interval: tuple[float, float]) -> str:
    """An interval within a sentence: 89.8 to 92.9."""
    low, high = (figure(unit, v) for v in interval)
    return f"{low} to {high}"


def change(unit: str, difference: float) -> str:
    """A signed difference: +40.2."""
    written = figure(unit, difference)
    return written if written.startswith(MINUS) or not written.strip("0.") else f"+{written}"


def points(unit: str) -> str:
    """What a difference counts."""
    return " points" if scale(unit) in ("percent", "points") else ""


def about_percent(share: float) -> str:
    """A share in whole per cent: 6 %."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def some(n: int, noun: str, plural: str = "") -> str:
    """1 comment, 1,200 comments."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def big(n: float) -> str:
    """A large count, short: 22.7M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.3g}{letter}"
    return f"{n:g}"


def duration(seconds: float) -> str:
    """1 h 12 min, 3 min 20 s, 12 s."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
