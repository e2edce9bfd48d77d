"""`sayso check`: read every row, say what is wrong with the data, write a mended copy.

Decided here:
- Without --tokens no model and no torch is loaded: every row is read in seconds.
- Findings are sorted by weight; an "error" makes the exit code 2. Every dropped row is in --json, counted by reason.
- With --tokens every row that cannot be learnt from is listed with its length, and makes the exit code 2. Planning
  and training stop at the first of them, and name it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sayso.errors import DataError

if TYPE_CHECKING:
    from rich.text import Text

    from sayso.cli.project import Project
    from sayso.dataset.checks import Finding
    from sayso.dataset.examples import Loaded
    from sayso.dataset.repair import Mended
    from sayso.recipe import Recipe
    from sayso.records import Example

EXAMPLES_SHOWN = 2
UNFIT_SHOWN = 40
_LEVELS = ("error", "warning", "note")
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def check(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="change a value, e.g. data.validation_share=0.2")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
    repair: Annotated[Path | None, typer.Option(help="write a mended copy of the data into this folder")] = None,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="open the model; show and count what is supervised")
    ] = False,
) -> None:
    """Read every row of the recipe's data and say what is wrong with it."""
    from sayso.cli.console import print_json
    from sayso.dataset.files import load_files
    from sayso.recipe import load

    asked = load(recipe, set_ or ())
    files = load_files(asked.task, asked.data, Path())
    report = _report(asked, files)
    if tokens:
        report["tokens"] = check_tokens(asked, files)
        report["ok"] = report["ok"] and not report["tokens"]["unfit"]
    if repair is not None:
        report["repaired"] = _repaired(asked, files, repair)
    if json:
        print_json(report)
    else:
        _print(report)
    if not report["ok"]:
        raise typer.Exit(2)


def check_stage(project: Project) -> None:
    """The report as the run's note "check"; DataError where the data has an error."""
    run, print_of = project.run, project.fingerprint("check")
    if run.done("check", print_of):
        return
    report = check_project(project.recipe, Path())
    run.write_note("check", report)
    if not report["ok"]:
        worst = next(one for one in report["findings"] if one["level"] == "error")
        raise DataError(str(worst["words"]), fix="`sayso check` lists every row; --repair writes a mended copy")
    run.mark_done("check", print_of)


def check_project(recipe: Recipe, base: Path) -> dict[str, Any]:
    """The report of a recipe's data as plain values: splits, overlaps, findings, hashes, ok."""
    from sayso.dataset.files import load_files

    return _report(recipe, load_files(recipe.task, recipe.data, base))


def tokens_stage(project: Project, learner: Any) -> dict[str, Any]:
    """What training supervises, as the run's note "tokens", counted once. DataError names the first unfit row."""
    run, print_of = project.run, project.fingerprint("train")
    kept = run.note("tokens")
    if run.done("tokens", print_of) and kept is not None:
        return kept
    note, part = tokens_of(learner, project.task, project.data.train), project.recipe.data.train
    for row in note["unfit"][:1]:
        others = len(note["unfit"]) - 1
        more = f" (and so {others:,} more)" if others else ""
        where = f"{part.path if part else 'data.train'}, line {row['line']}"
        raise DataError(row["what"] + more, where=where, fix=f"{row['fix']}; `sayso check --tokens` lists them")
    run.write_note("tokens", note)
    run.mark_done("tokens", print_of)
    return note


def check_tokens(recipe: Recipe, files: Mapping[str, Loaded]) -> dict[str, Any]:
    """What training would supervise: all its rows, the first of them piece by piece. DataError without any."""
    from sayso.dataset.files import with_splits

    split = with_splits(files, recipe.data, recipe.seed)
    if "train" not in split:
        raise DataError("there are no training rows to count", where="data", expected="data.train.path")
    learner, task = _learner(recipe, split)
    return tokens_of(learner, task, split["train"].examples)


def tokens_of(learner: Any, task: Any, examples: Sequence[Example]) -> dict[str, Any]:
    """What training on these examples supervises, as this learner sees them; "unfit" are those that teach nothing."""
    from sayso.dataset.tokens import pieces, rows_of, supervised
    from sayso.records import to_json

    examples = [example for example in examples if example.target is not None]
    rows, unfit = rows_of(examples, lambda e: learner.row(task.context(e, learner.kind), e.target))
    counted, missing = supervised(rows), {one.id for one in unfit}
    fit = [example for example in examples if example.id not in missing]
    shown = []
    for row, example in zip(rows[:EXAMPLES_SHOWN], fit, strict=False):
        parts = pieces(row, learner.kind, lambda ids: str(learner.core.tokenizer.decode(list(ids))))
        shown.append([*parts, (example.target or "", True)] if learner.kind == "encoder" else parts)
    facts = {"kind": learner.kind, "max_length": learner.core.max_length}
    return {**facts, **to_json(counted), "examples": shown, "unfit": to_json(unfit)}


# ---------------------------------------------------------------- inside


def _report(recipe: Recipe, files: Mapping[str, Loaded]) -> dict[str, Any]:
    from sayso.dataset.checks import check as check_rows
    from sayso.dataset.files import with_splits

    split = with_splits(files, recipe.data, recipe.seed)
    labelled, most = recipe.task.name == "classify", recipe.data.most_dropped
    report = check_rows(split, several=recipe.task.several, labelled=labelled, most_dropped=most)
    found = [*report.findings, *_personal(recipe, split)]
    findings = sorted(found, key=lambda finding: _LEVELS.index(finding.level))
    ok = not any(finding.level == "error" for finding in findings)
    return report.as_json() | {
        "findings": [{"level": f.level, "split": f.split, "what": f.what, "fix": f.fix} for f in findings],
        "hashes": {name: one.hash for name, one in files.items()},
        "ok": ok,
    }


def _personal(recipe: Recipe, files: Mapping[str, Loaded]) -> Iterator[Finding]:
    """Personal data in the rows: a note of names alone, which often are public, a warning of anything else."""
    from sayso.cli.private import personal_in
    from sayso.dataset.checks import Finding
    from sayso.privacy.policy import in_words

    fixes = {"warn": "privacy.rows: redact (or pseudonymise, refuse) in the recipe"}
    for split, file in files.items():
        kinds, lines = personal_in(file.examples, recipe)
        if lines:
            shown = ", ".join(map(str, lines[:8])) + (", ..." if len(lines) > 8 else "")
            holding = "1 row holds" if len(lines) == 1 else f"{len(lines):,} rows hold"
            what = f"{holding} personal data: {in_words(kinds)} (lines {shown})"
            level: Literal["note", "warning"] = "note" if set(kinds) == {"name"} else "warning"
            yield Finding(level, split, what, fixes.get(recipe.privacy.rows, ""))


def _repaired(recipe: Recipe, files: Mapping[str, Loaded], folder: Path) -> dict[str, Any]:
    from sayso.dataset.repair import repair

    mended = repair(files, folder, recipe.task.name, several=recipe.task.several)
    return {name: _counts(one) | _meta(files[name]) for name, one in mended.items()}


def _counts(mended: Mended) -> dict[str, Any]:
    actions = [change.action for change in mended.changes]
    return {
        "path": mended.path,
        "rows": mended.rows,
        "dropped": actions.count("dropped"),
        "mended": actions.count("mended"),
    }


def _meta(loaded: Loaded) -> dict[str, Any]:
    """The columns that have to be named for the copy to be read like the original."""
    kept = {role: role.removeprefix("meta.") for role in loaded.columns.by_role if role.startswith("meta.")}
    return {"columns": kept} if kept else {}


def _learner(recipe: Recipe, files: Mapping[str, Loaded]) -> tuple[Any, Any]:
    from sayso.models.open import Opening, open_learner
    from sayso.records import split_labels
    from sayso.rooms import find

    part, rows = recipe.task, files["train"].examples
    found = {label for e in rows for label in (split_labels(e.target or "") if part.several else [e.target or ""])}
    labels = tuple(part.labels or sorted(found)) if part.name == "classify" else ()
    texts = [text for e in rows for text in (*(m.text for m in e.prompt), e.target or "")]
    opening = Opening(options=labels, several=part.several, seed=recipe.seed, texts=lambda: texts)
    return open_learner(recipe.model, opening), find("tasks", part.name).task(part, labels)


# ---------------------------------------------------------------- for people


def _print(report: Mapping[str, Any]) -> None:
    for name, split in report["splits"].items():
        _print_split(name, split)
    _print_findings(report["findings"])
    if "tokens" in report:
        _print_tokens(report["tokens"])
    if "repaired" in report:
        _print_repaired(report["repaired"])


def _print_split(name: str, split: Mapping[str, Any]) -> None:
    from rich.text import Text

    from sayso.cli.console import console

    out = console()
    out.print(Text(f"{name}: {split['kept']:,} of {split['rows']:,} rows", style="bold"), f"  {split['path']}")
    for words in (f"read as {split['source']}", *split["said"]):
        out.print(f"  {words}")
    facts = {
        "labels": _shares(split["labels"]),
        "languages": "; ".join(f"{side} {_shares(counts)}" for side, counts in split["languages"].items()),
        "characters": _lengths(split["lengths"]),
    }
    for fact, words in facts.items():
        if words:
            out.print(f"  {fact}: {words}")
    for reason, lines in split["dropped"].items():
        more = ", ..." if lines["count"] > len(lines["lines"]) else ""
        shown = ", ".join(map(str, lines["lines"][:8])) + (", ..." if len(lines["lines"]) > 8 else more)
        out.print(Text(f"  dropped {lines['count']}: {reason} (lines {shown})", style="yellow"))
    out.print()


def _shares(counts: Mapping[str, int], most: int = 12) -> str:
    total = max(1, sum(counts.values()))
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name or '(none)'} {count:,} ({count / total:.0%})" for name, count in ordered[:most])
    return shown + (f", and {len(ordered) - most} more" if len(ordered) > most else "")


def _lengths(lengths: Mapping[str, Any]) -> str:
    parts = [f"{part} {q[0]} to {q[-1]}, half below {q[3]}, 95 % below {q[5]}" for part, q in lengths.items() if q]
    return "; ".join(parts)


def _print_findings(findings: list[dict[str, str]]) -> None:
    from rich.text import Text

    from sayso.cli.console import console

    out = console()
    if not findings:
        out.print("Nothing calls for attention.")
    for finding in findings:
        words = Text(f"{finding['level']:<8}", style=_STYLES[finding["level"]])
        out.print(words.append(f"{finding['split']}: {finding['what']}", style="default"))
        if finding["fix"]:
            out.print(f"        to fix: {finding['fix']}")


def _print_tokens(tokens: Mapping[str, Any]) -> None:
    from rich.text import Text

    from sayso.cli.console import console

    out = console()
    if tokens["rows"]:
        half, longest, most = tokens["per_row"][3], tokens["lengths"][-1], tokens["max_length"]
        out.print(
            f"\n{tokens['rows']:,} training rows as {tokens['kind'].replace('_', '-')}: {tokens['supervised']:,} "
            f"supervised tokens, half of the rows below {half}; the longest row is {longest} of {most}, "
            f"{tokens['cut_rows']} prompts are cut"
        )
        out.print("what is learnt is green and between ⟦ ⟧:")
    for parts in tokens["examples"]:
        out.print(Text("  ") + coloured(parts))
    _print_unfit(tokens["unfit"], tokens["max_length"])


def _print_unfit(unfit: Sequence[Mapping[str, Any]], max_length: int) -> None:
    from rich.text import Text

    from sayso.cli.console import console

    out = console()
    if not unfit:
        return
    count = "1 training row" if len(unfit) == 1 else f"{len(unfit):,} training rows"
    out.print(Text(f"\n{count} cannot be learnt from (model.max_length is {max_length}):", style=_STYLES["error"]))
    for row in unfit[:UNFIT_SHOWN]:
        out.print(f"  line {row['line']}: {row['what']}")
    if len(unfit) > UNFIT_SHOWN:
        out.print(f"  and {len(unfit) - UNFIT_SHOWN:,} more, which --json lists")
    out.print(f"  to fix: {unfit[0]['fix']}")


def coloured(parts: Sequence[tuple[str, bool]]) -> Text:
    """One example with its loss mask: green and between ⟦ ⟧ is learnt, the rest is only read."""
    from rich.text import Text

    shown = Text()
    for text, taught in parts:
        shown.append(f"⟦{text}⟧" if taught else text, style="bold green" if taught else "dim")
    return shown


def _print_repaired(repaired: Mapping[str, Any]) -> None:
    from sayso.cli.console import console

    out = console()
    out.print("\nwritten; name these files in the recipe, with no other columns and options:")
    for name, facts in repaired.items():
        counts = f"{facts['rows']:,} rows, {facts['dropped']} dropped, {facts['mended']} mended"
        out.print(f"  data.{name}.path: {facts['path']}  ({counts}; reasons in {name}.changes.jsonl)")
        if "columns" in facts:
            named = ", ".join(f"{role}: {column}" for role, column in facts["columns"].items())
            out.print(f"  data.{name}.columns: {{{named}}}")
