"""Run folders as real runs leave them: two languages with comments, a translation, many labels at once, a bare one."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sayso.recipe import Recipe
from sayso.records import (
    Answer,
    Attempt,
    Author,
    Comparison,
    Example,
    Feedback,
    Imitate,
    Outcome,
    Prefer,
    Scope,
    Score,
    State,
    Why,
    join_labels,
    user,
)
from sayso.store.runs import Run

ZH = (
    "这家酒店的位置很好，离地铁站只有五分钟，早餐也不错。",
    "房间太小了，隔音很差，一晚上都没睡好，再也不会来了。",
    "书的内容还可以，但是印刷质量实在让人失望。",
    "物流非常快，第二天就收到了，包装完好，满意！",
    "屏幕有亮点，客服说不属于质量问题，不给换，太气人了。",
    "说实话，一开始没抱什么期望，结果出乎意料地好。",
)
EN = (
    "An unexpectedly warm film that earns every one of its tears.",
    "The plot collapses halfway through and never gets up again.",
    "Not bad at all for the price, though the hinge feels flimsy.",
    "I wanted to like it. I really did.",
    "Battery died after two weeks and nobody answers the phone.",
    "A small masterpiece, patiently told.",
)
LABELS = ("negative", "positive")
EMOTIONS = [
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
]
PAIRS = (
    ("我昨天在图书馆遇见了他。", "I met him at the library yesterday."),
    ("如果明天下雨，我们就不去爬山了。", "If it rains tomorrow, we won't go climbing."),
    ("她会说三种语言。", "She can speak three languages."),
    ("请把窗户打开，这里太热了。", "Please open the window, it's too hot in here."),
    ("他花了十年的时间写这本书。", "It took him ten years to write this book."),
)


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[[str], Run]:
    """A finished run of that kind: "comments", "translation", "emotions", "minimal"."""
    return lambda kind: RUNS[kind](tmp_path / kind)


def sentiment(folder: Path, n: int = 240) -> Run:
    """Sentiment in two languages, with a baseline, a learn stage and 30 comments."""
    recipe = Recipe.model_validate(
        {
            "name": "hotel-reviews-酒店评论",
            "seed": 7,
            "task": {"labels": list(LABELS)},
            "model": {"name": "/models/tiny-bert-zh"},
            "strategy": {
                "preset": "encoder_some",
                "tuning": "full",
                "learning_rate": 3e-5,
                "schedule": "linear",
                "warmup": 0.06,
                "epochs": 3,
                "batch_rows": 32,
                "weight_decay": 0.01,
                "clip": 1.0,
            },
            "learn": {"method": "condition", "knobs": {}},
        }
    )
    run, rng = Run.create(folder, recipe), random.Random(1)
    facts(run, {"train": "9f2c" * 16, "test": "03ab" * 16})
    run.write_note("model", model("tiny-bert-zh", "encoder", "BertForSequenceClassification", 11_400_000))
    run.write_note("check", check(LABELS, {"zh": 5201, "en": 1599}))
    resolved = recipe.strategy.model_dump() | {"early_stopping": 3}
    words = ["It fits: about 1.2 GB of 16 GB at its peak.", "Training takes about 21 minutes."]
    run.write_note("plan", {"fits": True, "stages": [{"stage": "train", "strategy": resolved}], "words": words})
    linear = [
        Score("classify", "", "accuracy", 0.868, interval=(0.82, 0.91), n=n),
        Score("classify", "", "f1_macro", 0.866, interval=(0.81, 0.91), n=n),
    ]
    run.write_scores("linear", "test", linear)
    run.write_note("baseline", {"linear": {"accuracy": 0.868, "f1_macro": 0.866}})
    metrics(run, "train", 637, "accuracy", 0.52, 0.91)
    metrics(run, "learn", 120, "accuracy", 0.905, 0.925, parts=True)
    examples = [
        Example(f"t{i}", user((ZH + EN)[i % 12] + (f"（{i}）" if i > 11 else "")), LABELS[i % 2], "test", i + 2)
        for i in range(n)
    ]
    run.write_examples("test", examples)
    reached: dict[str, float] = {}
    right = {"base": 0.53, "train": 0.9, "learn": 0.93}
    for stage, share in right.items():
        answers, graded = [], []
        for example in examples:
            ok = rng.random() < share
            text = str(example.target) if ok else LABELS[1 - LABELS.index(str(example.target))]
            p = rng.uniform(0.5, 0.99)
            answers.append(Answer(example.id, text, {text: p, LABELS[1 - LABELS.index(text)]: 1 - p}))
            graded.append(Score("classify", example.id, "accuracy", float(ok), Why.RIGHT if ok else Why.WRONG_LABEL))
        value = reached[stage] = sum(s.value for s in graded) / n
        run.write_answers(stage, "test", answers)
        corpus = [
            Score("classify", "", "accuracy", value, interval=(value - 0.04, value + 0.035), n=n),
            Score("classify", "", "f1_macro", value - 0.004, interval=(value - 0.05, value + 0.03), n=n),
            Score("classify", "", "f1_micro", value, interval=(value - 0.04, value + 0.035), n=n),
            Score("classify", "", "ece", 0.31 - 0.29 * share, interval=(0.02, 0.33), n=n),
            Score("classify", "", "brier", 0.7 - 0.6 * share, interval=(0.1, 0.5), n=n),
        ]
        run.write_scores(stage, "test", corpus + graded)
        run.write_scores(stage, "validation", [Score("classify", "", "accuracy", value + 0.01, n=90)])
        run.write_note(f"evaluation.{stage}.test", evaluation(share, n))
    run.write_comparisons(
        [
            compared("base", "train", reached, 0.06, n, "better"),
            compared("train", "learn", reached, 0.04, n, "cannot tell"),
            compared("base", "learn", reached, 0.06, n, "better"),
            compared("linear", "learn", {"linear": 0.868, **reached}, 0.05, n, "better"),
            compared("linear", "base", {"linear": 0.868, **reached}, 0.07, n, "worse"),
            Comparison("brier", "test", "train", "learn", 0.16, 0.19, 0.03, (0.01, 0.05), n, "worse"),
            Comparison("accuracy", "validation", "base", "train", 0.54, 0.914, 0.374, (0.3, 0.45), 90, "better"),
        ]
    )
    lessons = [Imitate(user(text), LABELS[i % 2]) for i, text in enumerate(ZH + EN)]
    run.write_lessons("train", lessons)
    comments(run)
    return run


def compared(before: str, after: str, reached: dict[str, float], wide: float, n: int, verdict: Any) -> Comparison:
    difference = reached[after] - reached[before]
    low_high = (difference - wide, difference + wide)
    words = "accuracy on 240 items: cannot tell; chance could do this." if verdict == "cannot tell" else ""
    figures = (reached[before], reached[after], difference, low_high, n)
    return Comparison("accuracy", "test", before, after, *figures, verdict, words)


def comments(run: Run) -> None:
    """30 comments in every state, some of them in Chinese."""
    said = (
        "这是反话：“真是谢谢你们的热情”是在抱怨，应当判为负面。",
        "“Not bad at all” is praise, not criticism. Negations of a negative word are positive.",
        "转折之后才是重点，“但是”后面的话决定整句的态度。",
        "The customer says they wanted to like it; that means they did not.",
        "太长了，只要标签，不要解释。",
    )
    states, feedback, outcomes, lessons = list(State), [], [], []
    for i in range(30):
        text, gold = (ZH + EN)[(2 * i) % 12], LABELS[i % 2]
        one = Feedback(
            user(text),
            Attempt(LABELS[1 - i % 2]),
            said[i % 5] + ("" if i < 5 else f" [{i}]"),
            Author("person" if i % 3 else "critic", ("wang.li" if i % 2 else "") if i % 3 else "errors"),
            Scope("rule", "the sentence has a turn (但是, but)") if i % 5 == 2 else Scope(),
            revision=gold if i % 4 == 0 else None,
        )
        feedback.append(one)
        state = (State.HEEDED, *states, State.HEEDED, State.HEEDED, State.NOT_HEEDED)[i % 10]
        if state is State.WAITING:
            continue
        changed = gold if state is State.HEEDED else one.attempt.text
        why = {State.REFUSED: "the comment reveals the answer of a test item"}.get(state, "")
        outcomes.append(Outcome(one.id, state, why, one.attempt.text, changed))
        if state not in (State.REFUSED, State.HELD_OUT):
            lessons.append(Prefer(user(text), gold, one.attempt.text, from_ids=(one.id,)))
    run.write_feedback(feedback)
    run.write_outcomes(outcomes)
    run.write_lessons("learn", lessons)


def translation(folder: Path, n: int = 60) -> Run:
    """Chinese to English from scratch, with references and long answers."""
    recipe = Recipe.model_validate(
        {
            "name": "tatoeba-zh-en",
            "task": {"name": "translate", "source_language": "zh", "target_language": "en"},
            "model": {"scratch": {"model_type": "marian"}, "vocabulary": 8000},
            "strategy": {"epochs": 12, "learning_rate": 1e-3, "schedule": "cosine", "batch_tokens": 4096},
        }
    )
    run = Run.create(folder, recipe)
    facts(run, {"train": "77aa" * 16})
    run.write_note("model", model("from scratch", "encoder_decoder", "MarianMTModel", 4_700_000))
    metrics(run, "train", 3200, "chrf", 4.0, 47.5)
    examples = [Example(f"p{i}", user(PAIRS[i % 5][0]), PAIRS[i % 5][1], "test", i + 1) for i in range(n)]
    run.write_examples("test", examples)
    tuned = (
        "I met him in the library yesterday.",
        "If it rains tomorrow, we will not go to climb the mountain.",
        "She can speak three languages.",
        "Please open the window. It's too hot.",
        "He spent ten years to write this book.",
    )
    for stage, texts, value in (("base", ("the the the the", "", *["of of"] * 3), 3.2), ("train", tuned, 46.8)):
        run.write_answers(stage, "test", [Answer(e.id, texts[i % 5]) for i, e in enumerate(examples)])
        graded = [
            Score("translate", e.id, "chrf", min(1.0, value / 100 * (0.6 + 0.2 * (i % 5))), Why.DIFFERENT)
            for i, e in enumerate(examples)
        ]
        corpus = [
            Score("translate", "", "chrf", value, interval=(value - 1.5, value + 1.4), n=n),
            Score("translate", "", "bleu", value * 0.66, interval=(value * 0.6, value * 0.7), n=n),
            Score("translate", "", "exact_match", value / 400, interval=(0, value / 300), n=n),
            Score("translate", "", "length_ratio", 0.97, interval=(0.94, 1.0), n=n),
            Score("translate", "", "repetition_rate", 0.6 / value, n=n),
            Score("translate", "", "copy_rate", 0.0, n=n),
            Score("translate", "", "ended", 0.99, n=n),
        ]
        run.write_scores(stage, "test", corpus + graded)
        signature = (
            "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.5.1 chrF2|nrefs:1|case:mixed|eff:yes|nc:6"
        )
        run.write_note(f"evaluation.{stage}.test", {"n": n, "signature": signature})
    run.write_comparisons(
        [Comparison("chrf", "test", "base", "train", 3.2, 46.8, 43.6, (41.9, 45.2), n, "better", "Far better.")]
    )
    return run


def emotions(folder: Path, n: int = 500) -> Run:
    """28 labels, several at once."""
    recipe = Recipe.model_validate(
        {"name": "goemotions", "task": {"labels": EMOTIONS, "several": True}, "model": {"name": "org/encoder-22m"}}
    )
    run, rng = Run.create(folder, recipe), random.Random(3)
    run.write_note("model", model("org/encoder-22m", "encoder", "BertForSequenceClassification", 22_700_000))
    run.write_note("check", check(EMOTIONS, {"en": 12000}))
    golds = [rng.sample(EMOTIONS, rng.choice((1, 1, 2))) for _ in range(n)]
    examples = [
        Example(f"e{i}", user(f"{EN[i % 6]} {ZH[i % 6]} " * 6 + str(i)), join_labels(gold), "test", i + 1)
        for i, gold in enumerate(golds)
    ]
    run.write_examples("test", examples)
    for stage, share in (("base", 0.05), ("train", 0.55)):
        answers, graded = [], []
        for example, gold in zip(examples, golds, strict=True):
            given = [g for g in gold if rng.random() < share] + rng.sample(EMOTIONS, rng.choice((0, 0, 1)))
            value = 2 * len(set(given) & set(gold)) / max(1, len(given) + len(gold))
            answers.append(Answer(example.id, join_labels(dict.fromkeys(given)), dict.fromkeys(given, 0.6)))
            graded.append(Score("classify", example.id, "f1", value, Why.RIGHT if value == 1 else Why.PARTIAL))
        run.write_answers(stage, "test", answers)
        corpus = [
            Score("classify", "", unit, share * k, interval=(share * k - 0.02, share * k + 0.02), n=n)
            for k, unit in ((1, "f1_macro"), (1.05, "f1_micro"), (0.6, "exact_match"))
        ]
        run.write_scores(stage, "test", corpus + graded)
        rows = [
            {"label": e, "precision": rng.random(), "recall": rng.random(), "f1": share * rng.random(), "n": 9 + i}
            for i, e in enumerate(EMOTIONS)
        ]
        pairs = [{"gold": EMOTIONS[i], "given": EMOTIONS[i + 1], "n": 30 - i} for i in range(12)]
        crossed = {"labels": EMOTIONS, "columns": [], "counts": [], "per_label": [], "pairs": pairs}
        run.write_note(f"evaluation.{stage}.test", {"per_class": rows, "confusion": crossed})
    return run


def minimal(folder: Path) -> Run:
    """A recipe and nothing else."""
    return Run.create(folder, Recipe(name="nothing-yet"))


RUNS: dict[str, Callable[[Path], Run]] = {
    "comments": sentiment,
    "translation": translation,
    "emotions": emotions,
    "minimal": minimal,
}


# ---------------------------------------------------------------- parts of a run


def facts(run: Run, hashes: dict[str, str]) -> None:
    run.add_facts(
        {
            "versions": {"sayso": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0", "python": "3.11.9"},
            "machine": {"system": "Linux", "processor": "x86_64", "cores": 2, "memory": "16 GB"},
            "seed": run.recipe().seed,
            "data": hashes,
            "command": "sayso run recipes/hotel-reviews.yaml --set strategy.epochs=3",
        }
    )


def model(name: str, kind: str, architecture: str, parameters: int) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "parameters": parameters,
        "trainable": parameters,
        "architecture": architecture,
        "dtype": "float32",
        "device": "cpu",
        "tuning": "full",
        "max_length": 256,
    }


def check(labels: Any, languages: dict[str, int]) -> dict[str, Any]:
    def split(name: str, rows: int, dropped: dict[str, Any]) -> dict[str, Any]:
        gone = sum(d["count"] for d in dropped.values())
        return {
            "source": "csv",
            "path": f"/data/reviews/{name}.tsv",
            "rows": rows,
            "kept": rows - gone,
            "said": [],
            "dropped": dropped,
            "duplicates": {"count": 12, "lines": [4, 9]},
            "conflicts": [],
            "labels": {label: rows // (i + 2) for i, label in enumerate(labels)},
            "languages": languages,
            "lengths": {"prompt": [4, 11, 22, 41, 88, 190, 260, 480], "target": [8] * 8},
            "marks": {},
        }

    dropped = {
        "no label": {"count": 14, "lines": list(range(17, 31))},
        "the text is empty": {"count": 3, "lines": [101, 2044, 6001]},
    }
    return {
        "splits": {
            "train": split("train", 6817, dropped),
            "validation": split("dev", 800, {}),
            "test": split("test", 240, {}),
        },
        "overlaps": [],
        "findings": [
            {"level": "warning", "split": "train", "what": "4 texts have different labels, e.g. '还可以'", "fix": ""},
            {"level": "note", "split": "train", "what": "12 duplicate rows", "fix": "`sayso check --repair`"},
        ],
    }


def metrics(run: Run, stage: str, steps: int, unit: str, low: float, high: float, parts: bool = False) -> None:
    rng = random.Random(steps)
    for step in range(1, steps + 1, 2):
        done = step / steps
        line: dict[str, Any] = {"stage": stage, "kind": "step", "step": step, "steps": steps}
        loss = 0.69 * (1 - done) ** 1.6 + 0.12 + rng.gauss(0, 0.03)
        line |= {"loss": loss, "learning_rate": 3e-5 * (1 - done), "tokens": step * 3300, "seconds": step * 1.9}
        line |= {"imitate": loss * 0.6, "prefer": loss * 0.9, "margin": 2 * done} if parts else {}
        run.add_metric(line)
    best = low
    for k in range(9):
        done = k / 8
        value = low + (high - low) * (1 - (1 - done) ** 3) - (0.01 * (high - low) if k in (6, 8) else 0)
        facts = {"loss": 0.7 - 0.42 * done + 0.1 * done**3, unit: value, "best": value > best or k == 0}
        best = max(best, value)
        run.add_metric({"stage": stage, "kind": "validation", "step": round(steps * done)} | facts)


def evaluation(share: float, n: int) -> dict[str, Any]:
    half, right = n // 2, round(n // 2 * share)
    return {
        "n": n,
        "per_class": [
            {"label": label, "precision": share, "recall": share - 0.02, "f1": share - 0.01, "n": half}
            for label in LABELS
        ],
        "confusion": {
            "labels": list(LABELS),
            "columns": [*LABELS, ""],
            "counts": [[right, half - right - 1, 1], [half - right, right, 0]],
            "per_label": [],
            "pairs": [{"gold": "negative", "given": "positive", "n": half - right - 1}],
        },
        "calibration": {
            "ece": 0.3 - 0.28 * share,
            "brier": 0.7 - 0.6 * share,
            "bins": [
                {"low": k / 10, "high": (k + 1) / 10, "n": 4 * k, "confidence": k / 10 + 0.05, "right": k / 10 * share}
                for k in range(10)
            ],
        },
    }
