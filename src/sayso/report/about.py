"""What was run, and how to run it again.

Decided here:
- What a reader needs to judge and repeat the run is shown in rows of name and value; what nobody asks for every day
  (the whole recipe, the plan) is there too, folded away.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from sayso import outline
from sayso.recipe import StrategyPart
from sayso.report.contents import Contents
from sayso.report.diff import clipped
from sayso.report.figures import about_percent, big, duration
from sayso.report.loose import flat, listing, mapping, number, text

FILES = {
    "recipe.yaml": "the resolved recipe",
    "facts.json": "versions, seed, machine, hashes",
    "lessons.train.jsonl": "exactly what training taught",
    "lessons.learn.jsonl": "exactly what was learnt from the comments",
    "metrics.jsonl": "loss and metrics, step by step",
    "scores.jsonl": "every score, item by item",
    "comparisons.jsonl": "the paired comparisons",
    "answers": "every answer of every stage",
    "feedback.jsonl": "the comments",
    "outcomes.jsonl": "what became of them",
    "weights/train": "the weights after training",
    "weights/learn": "the weights after learning from the comments",
    "README.md": "the model card",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A name and its value; `code` values are set in a fixed width."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What was run."""

    groups: tuple[tuple[str, tuple[Fact, ...]], ...]
    plan: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Again:
    """How to run it again, and where files lie."""

    command: str
    recipe: str
    files: tuple[tuple[str, str], ...]


def about(contents: Contents) -> About:
    """Model, strategy, machine: each as far as it is known."""
    groups = {
        "Model": _model(contents),
        "Task": _task(contents),
        "Training": _strategy(_resolved(contents, "train")) if _trained(contents, "train") else (),
        "Learning from comments": _learning(contents),
        "Where and when": _machine(contents),
    }
    plan = tuple(clipped(text(words), 300) for words in listing(contents.note("plan").get("words")))
    return About(tuple((name, facts) for name, facts in groups.items() if facts), plan)


def standing_words(contents: Contents) -> list[tuple[str, str]]:
    """(language, words) that must stand in the prompt when the learnt model answers; none where nothing was learnt."""
    if not contents.run.weights("learn").is_dir():
        return []
    return [(language, text(words)) for language, words in contents.note("standing").items() if text(words).strip()]


def again(contents: Contents) -> Again:
    """The command as it was given, else the one that repeats this folder."""
    folder = contents.run.folder
    command = text(contents.facts.get("command")) or f"sayso run {shlex.quote(str(folder / 'recipe.yaml'))}"
    recipe = outline.write(contents.recipe.model_dump())
    return Again(command, recipe, tuple((name, what) for name, what in FILES.items() if (folder / name).exists()))


# ---------------------------------------------------------------- what was run


def _facts(pairs: Mapping[str, str], code: tuple[str, ...] = ()) -> tuple[Fact, ...]:
    return tuple(Fact(name, value, name in code) for name, value in pairs.items() if value)


def _trained(contents: Contents, stage: str) -> bool:
    return stage in contents.lessons or any(m.get("stage") == stage for m in contents.metrics)


def _model(contents: Contents) -> tuple[Fact, ...]:
    note = contents.note("model")
    parameters, trainable = number(note.get("parameters")), number(note.get("trainable"))
    size = big(parameters) if parameters else ""
    if parameters and trainable is not None and trainable < parameters:
        size += f", of which {big(trainable)} trained ({about_percent(trainable / parameters)})"
    pairs = {
        "name": text(note.get("name")) or contents.recipe.model.name,
        "architecture": text(note.get("architecture")),
        "kind": text(note.get("kind")).replace("_", "-"),
        "parameters": size,
        "tuning": text(note.get("tuning")),
        "number format": text(note.get("dtype")),
        "device": text(note.get("device")),
        "tokens per row": text(note.get("max_length")),
        "licence": text(note.get("licence")),
    }
    return _facts(pairs)


def _task(contents: Contents) -> tuple[Fact, ...]:
    task = contents.recipe.task
    way = f"{task.source_language or '?'} to {task.target_language or '?'}"
    pairs = {
        "task": task.name + (", several labels at once" if task.several else ""),
        "languages": way if task.source_language or task.target_language else "",
        "labels": clipped(", ".join(task.labels), 300),
        "headline": task.metric,
        "question": task.question,
    }
    return _facts(pairs)


def _resolved(contents: Contents, stage: str) -> StrategyPart:
    """The strategy as the plan resolved it, else as the recipe has it."""
    for one in map(mapping, listing(contents.note("plan").get("stages"))):
        if one.get("stage") == stage:
            try:
                return StrategyPart.model_validate(one.get("strategy"))
            except ValidationError:
                break
    return contents.recipe.strategy if stage == "train" else contents.recipe.learn.strategy


def _strategy(part: StrategyPart) -> tuple[Fact, ...]:
    """What is settled; what a preset would still have to decide is left out."""
    batch = f"{part.batch_rows:,} rows" if part.batch_rows else ""
    warmup = f", warm-up {about_percent(part.warmup)}" if part.schedule and part.warmup > 0 else ""
    pairs = {
        "preset": part.preset,
        "tuning": part.tuning + (f", rank {part.lora_rank}" if part.lora_rank else ""),
        "learning rate": f"{part.learning_rate:g}" if part.learning_rate else "",
        "schedule": part.schedule + warmup,
        "length": f"{part.steps:,} steps" if part.steps else f"{part.epochs:g} epochs" if part.epochs else "",
        "batch": batch or (f"{part.batch_tokens:,} tokens" if part.batch_tokens else ""),
        "weight decay": f"{part.weight_decay:g}" if part.weight_decay >= 0 else "",
        "gradient clipping": f"{part.clip:g}" if part.clip >= 0 else "",
        "label smoothing": f"{part.label_smoothing:g}" if part.label_smoothing > 0 else "",
        "class weights": part.class_weights,
        "early stopping": f"after {part.early_stopping} validations without gain" if part.early_stopping > 0 else "",
        "average of weights": f"{part.average:g}" if part.average else "",
    }
    return _facts({name: value for name, value in pairs.items() if value not in ("auto", "none")})


def _learning(contents: Contents) -> tuple[Fact, ...]:
    part = contents.recipe.learn
    standing = {f"words in every {language} prompt": text(words) for language, words in standing_words(contents)}
    taught = _trained(contents, "learn")
    if not (part.method and (taught or standing)):
        return ()
    knobs = ", ".join(f"{name} {value}" for name, value in flat(part.knobs))
    if not taught:
        return _facts({"method": part.method, "knobs": knobs, "weights": "as they were", **standing})
    replayed = f"{part.replay:g} per lesson"
    own = _facts({"method": part.method, "knobs": knobs, "rows replayed": replayed, **standing})
    return own + _rounds(contents) + _strategy(_resolved(contents, "learn"))


def _rounds(contents: Contents) -> tuple[Fact, ...]:
    """What was said of each round, what was watched at its end, and what stopped the learning."""
    note = contents.note("rounds")
    told = []
    for one in map(mapping, listing(note.get("rounds"))):
        which = f", round {text(one.get('round'))}" if number(note.get("of")) != 1 else ""
        notices = "; ".join(text(words) for words in listing(one.get("notices")))
        facts = {
            f"lessons{which}": text(one.get("lessons")) if which else "",
            f"watched{which}": text(one.get("seen")),
            f"notice{which}": clipped(notices, 400),
            f"stopped{which}": text(one.get("halted")),
        }
        told.append(_facts(facts))
    return tuple(fact for facts in told for fact in facts)


def _machine(contents: Contents) -> tuple[Fact, ...]:
    facts = contents.facts
    spent = [number(m.get("seconds")) for m in contents.metrics if m.get("kind") == "step"]
    versions = ", ".join(f"{name} {version}" for name, version in flat(facts.get("versions")))
    hashes = {f"{split} file, SHA-256": text(hash_) for split, hash_ in mapping(facts.get("data")).items()}
    known = {"versions", "machine", "seed", "data", "command"}
    pairs = {
        "machine": ", ".join(f"{name} {value}" for name, value in flat(facts.get("machine"))),
        "seed": text(facts.get("seed", contents.recipe.seed)),
        "training time": duration(_longest_of_stages(contents)) if any(spent) else "",
        **{name: value for key, item in facts.items() if key not in known for name, value in flat(item, key)},
        "versions": versions,
        **hashes,
    }
    return _facts(pairs, code=tuple(hashes))


def _longest_of_stages(contents: Contents) -> float:
    """Seconds of both trainings together; each line tells the seconds so far."""
    longest: dict[str, float] = {}
    for metric in contents.metrics:
        if metric.get("kind") == "step":
            stage = text(metric.get("stage"))
            longest[stage] = max(longest.get(stage, 0.0), number(metric.get("seconds")) or 0.0)
    return sum(longest.values())
