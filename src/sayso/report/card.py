"""A run folder becomes a model card in the hub's format: run/README.md.

Decided here:
- The front matter holds what the hub reads: figures on their native scale, with interval and count beside them. A base
  that is no hub id is named in the text only; a licence that nobody stated is "unknown", and the text says so.
- The limits are taken from the run: weakest labels, what got worse, comments that were not heeded. They are never
  made up, and never left out for looking bad.
- All words of others are escaped, for HTML and for Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup, escape

from sayso import outline
from sayso.report import about, changes, comments, data, detail, figures, proof, results
from sayso.report.contents import Contents, read
from sayso.report.diff import clipped
from sayso.report.loose import flat, mapping, text
from sayso.report.page import environment, holdable
from sayso.store.files import write_text
from sayso.store.runs import Run

NAME = "README.md"
MOST_COMMENTS = 20
WEAKEST = 3
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+$|[A-Za-z][\w.-]*$")
_SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")
_METRICS = {"accuracy": "accuracy", "f1_macro": "f1", "f1_micro": "f1", "exact_match": "exact_match"}
_METRICS |= {"bleu": "bleu", "chrf": "chrf", "brier": "brier_score"}
_PIPELINES = {"classify": "text-classification", "translate": "translation", "generate": "text-generation"}


def write(run: Run) -> Path:
    """Write run/README.md and return its path. RunError for a damaged run, MachineFault where the disk refuses."""
    path = run.folder / NAME
    write_text(path, render(read(run)))
    return path


def render(contents: Contents) -> str:
    """The whole card."""
    found = results.results(contents)
    card = (
        _environment()
        .get_template("card.md.jinja")
        .render(
            front=Markup(outline.write(front_matter(contents))),
            title=contents.recipe.name,
            lead=[s.words for s in results.sentences(contents)],
            fate=comments.sentence(contents),
            gate=proof.sentence(contents).words,
            tables=[table for table in found.tables if table.split == contents.split] if found else [],
            base=_base(contents),
            kind=text(contents.note("model").get("kind")),
            data=data.data(contents),
            taught=data.taught(contents),
            comments=_comments(contents),
            limits=limits(contents),
            weights=_weights(contents),
            standing=about.standing_words(contents),
            taught_by_comments="learn" in contents.lessons,
            adapter=_is_adapter(contents),
            task=contents.recipe.task,
            command=text(contents.facts.get("command")),
            versions=", ".join(f"{name} {version}" for name, version in flat(contents.facts.get("versions"))),
            states=comments.STATES,
        )
    )
    return holdable(card)


def front_matter(contents: Contents) -> dict[str, Any]:
    """What the hub reads; keys that are not known are left out."""
    base = _base(contents)
    adapter = _is_adapter(contents)
    matter = {
        "language": _languages(contents),
        "license": text(contents.note("model").get("licence")).lower() or "unknown",
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": _pipeline(contents),
        "base_model": base if _on_hub(base) else "",
        "base_model_relation": ("adapter" if adapter else "finetune") if _on_hub(base) else "",
        "tags": _tags(contents),
        "datasets": _datasets(contents),
        "metrics": sorted({_METRICS[unit] for unit in _units(contents)}),
        "model-index": _index(contents),
    }
    return {key: value for key, value in matter.items() if value}


def limits(contents: Contents) -> list[str]:
    """What is known to be weak, a sentence each."""
    said = []
    if contents.split:
        n = max((s.n for stage in contents.stages for s in contents.scores[stage, contents.split].values()), default=0)
        said.append(
            f"Measured on {figures.some(n, f'{contents.split} item')} of one source; elsewhere nothing is known."
        )
    if languages := _languages(contents):
        said.append(f"Trained on texts in {', '.join(languages)}; other languages were not tried.")
    said += _weak_labels(contents) + _worse(contents)
    if not proof.promoted(contents):
        said.append("What was learnt from the comments is not in these weights: the gate refused it.")
    unheeded = sum(comments.state_of(contents, one).value == "not_heeded" for one in contents.feedback)
    if unheeded:
        said.append(
            f"{figures.some(unheeded, 'comment')} {'was' if unheeded == 1 else 'were'} not heeded (see above)."
        )
    if not contents.note("model").get("licence"):
        said.append("The licence of the base model was not recorded; settle it before publishing.")
    return said


def markdown(words: str) -> Markup:
    """Words of others in one line, safe in Markdown and in the HTML that is made of it."""
    line = " ".join(words.split())
    return Markup(_SPECIAL.sub(r"\\\1", str(escape(line)).replace("&#39;", "'").replace("&#34;", '"')))


def code(words: str) -> Markup:
    """Text for a fenced block, which it cannot end."""
    return Markup(words.replace("```", "'''"))


# ---------------------------------------------------------------- front matter


@cache
def _environment() -> Environment:
    made = environment().overlay()
    made.filters = environment().filters | {"md": markdown, "code": code}
    return made


def _base(contents: Contents) -> str:
    """The base model's name, without the folders of this machine; "" where it was made from nothing."""
    if contents.recipe.model.scratch:
        return ""
    name = text(contents.note("model").get("name")) or contents.recipe.model.name
    return Path(name).name if Path(name).is_absolute() else name


def _on_hub(name: str) -> bool:
    return name != "embedded" and bool(_HUB_ID.match(name))


def _weights(contents: Contents) -> str:
    """The weights that are the run's result, inside the run folder."""
    stage = contents.run.best()
    return f"weights/{stage}" if stage != "base" else ""


def _is_adapter(contents: Contents) -> bool:
    weights = _weights(contents)
    return bool(weights) and (contents.run.folder / weights / "adapter_config.json").is_file()


def _languages(contents: Contents) -> list[str]:
    task = contents.recipe.task
    found = [task.source_language, task.target_language]
    for split in mapping(contents.note("check").get("splits")).values():
        for key, value in mapping(mapping(split).get("languages")).items():
            found += mapping(value) if isinstance(value, Mapping) else [key]
    return [name for name in dict.fromkeys(found) if re.fullmatch(r"[a-z]{2,3}", name)]


def _pipeline(contents: Contents) -> str:
    kind = contents.note("model").get("kind")
    return _PIPELINES.get(contents.recipe.task.name, "fill-mask" if kind == "encoder" else "text-generation")


def _tags(contents: Contents) -> list[str]:
    learnt = "learn" in contents.lessons or about.standing_words(contents)
    method = contents.method if learnt and proof.promoted(contents) else ""
    several = ["multi-label"] if contents.recipe.task.several else []
    return ["sayso", *several, *(["language-feedback", method] if method else [])]


def _datasets(contents: Contents) -> list[str]:
    parts = [part for part in (contents.recipe.data.train, contents.recipe.data.test) if part]
    names = [part.path.removeprefix("hub:").partition("?")[0] for part in parts if part.path.startswith("hub:")]
    return [name for name in dict.fromkeys(names) if _on_hub(name)]


def _units(contents: Contents) -> list[str]:
    last = contents.scores.get((contents.result, contents.split), {})
    return [unit for unit in last if unit in _METRICS]


def _index(contents: Contents) -> list[dict[str, Any]]:
    """The figures of the run's result, each with its 95 % interval and the number of items."""
    units = _units(contents)
    if not units:
        return []
    part = getattr(contents.recipe.data, contents.split, None) or contents.recipe.data.train
    name = Path(part.path.partition(",")[0]).name if part else contents.recipe.name
    hub = part.path.removeprefix("hub:") if part and part.path.startswith("hub:") else ""
    measured = [_metric(contents, unit) for unit in units]
    dataset = {"name": name or contents.recipe.name, "type": hub or "local", "split": contents.split}
    result = {"task": {"type": _pipeline(contents)}, "dataset": dataset, "metrics": measured}
    return [{"name": contents.recipe.name, "results": [result]}]


def _metric(contents: Contents, unit: str) -> dict[str, Any]:
    score = contents.scores[contents.result, contents.split][unit]
    args: dict[str, Any] = {"n": score.n}
    if score.interval:
        args["interval_95"] = [round(end, 4) for end in score.interval]
    return {"type": _METRICS[unit], "value": round(score.value, 4), "name": figures.unit_name(unit), "args": args}


# ---------------------------------------------------------------- text


def _comments(contents: Contents) -> list[tuple[str, str, str]]:
    """(words, state, who) of as many comments as fit, the states sharing the places."""
    found = comments.comments(contents, MOST_COMMENTS)
    return [(clipped(one.words, 240), one.state_name.lower(), one.author) for one in found.shown] if found else []


def _weak_labels(contents: Contents) -> list[str]:
    found = detail.detail(contents)
    if found is None or len(found.per_class) < 2:
        return []
    weakest = sorted((row for row in found.per_class if row.f1 and row.n), key=lambda row: float(row.f1))[:WEAKEST]
    told = ", ".join(f"{row.label} (F1 {row.f1} %, {figures.some(row.n, 'item')})" for row in weakest)
    return [f"Weakest labels: {told}."] if told else []


def _worse(contents: Contents) -> list[str]:
    return [
        f"From {figures.stage_name(step.before)} to {figures.stage_name(step.after)} "
        f"{figures.some(step.n_worse, 'answer')} of {step.n_better + step.n_worse + step.n_same:,} got worse, "
        f"{step.n_better:,} better."
        for step in changes.changes(contents)
        if step.n_worse
    ]
