"""`sayso plan`: memory, time and disk of a recipe, checked with one real step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sayso.cli.layout import Plan
    from sayso.cli.probe import Probe
    from sayso.cli.project import Project

PARTS = ("weights", "gradients", "optimiser", "snapshots", "activations", "logits", "evaluation", "runtime", "peak")
FAR_OFF = 1.5


def plan(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. strategy.tuning=lora")] = None,
    probe: Annotated[bool, typer.Option(help="check the estimate with one real step")] = True,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Say what memory, time and disk the recipe takes, and the smallest change that makes it fit."""
    from sayso.cli.console import print_json
    from sayso.cli.project import Project, prepare
    from sayso.recipe import load

    asked = load(recipe, set_ or ())
    prepare(asked)
    laid, measured = make_plan(Project.open(asked), probe=probe)
    if json:
        print_json(as_note(laid, measured))
    else:
        _print(laid, measured)


def plan_stage(project: Project) -> dict[str, Any]:
    """The plan as the run's note "plan"; done once."""
    run, print_of = project.run, project.fingerprint("plan")
    kept = run.note("plan")
    if run.done("plan", print_of) and kept is not None:
        return kept
    note = as_note(*make_plan(project, probe=True))
    run.write_note("plan", note)
    run.mark_done("plan", print_of)
    return note


def make_plan(project: Project, *, probe: bool) -> tuple[Plan, Probe | None]:
    """Estimate, and where that fits and the model is on this machine, one real step with real token counts."""
    from sayso.cli.layout import guessed_lengths, plan_project, row_limit, shape_for
    from sayso.models.hardware import machine, probe_dtypes

    recipe = project.recipe
    shape, has = shape_for(recipe), machine()
    lengths = guessed_lengths(project.data.train, shape.kind, row_limit(recipe, shape))
    dtype = recipe.model.dtype if recipe.model.dtype != "auto" else "float32"
    speeds = probe_dtypes(has.device)
    known = (has, speeds[dtype] * 1e9, len(project.labels))
    laid = plan_project(recipe, shape, lengths, *known)
    advice = tuple(_advice(laid, speeds, recipe.model.dtype, has.device))
    if not (probe and laid.fits and _is_here(project)):
        return replace(laid, advice=advice), None
    lengths, measured = _real_step(project, laid)
    return replace(plan_project(recipe, shape, lengths, *known), advice=advice), measured


def as_note(laid: Plan, measured: Probe | None) -> dict[str, Any]:
    """Plan and probe as plain values, with the verdict in words."""
    probe = None if measured is None else asdict(measured)
    return laid.as_json() | {"probe": probe, "words": list(words(laid, measured))}


def words(laid: Plan, measured: Probe | None) -> Iterator[str]:
    """The verdict, a sentence per matter."""
    yield from _words_on_memory(laid, measured)
    yield _words_on_time(laid, measured)
    yield _words_on_disk(laid)
    yield from laid.advice


# ---------------------------------------------------------------- inside


def _advice(laid: Plan, speeds: Mapping[str, float], asked: str, device: str) -> Iterator[str]:
    from sayso.models.hardware import choose_dtype, qlora_obstacle

    strategy = laid.stages[0].strategy
    choice = choose_dtype(speeds, strategy.tuning)
    if asked == "auto" and choice.value != laid.dtype:
        yield f"With model.dtype: {choice.value} it would be faster: {choice.why}."
    if asked not in ("auto", "float32") and choice.value == "float32":
        yield f"model.dtype: float32 would be better here: {choice.why}."
    if strategy.tuning == "qlora" and (obstacle := qlora_obstacle(device)):
        yield f"This cannot run: {obstacle}."


def _is_here(project: Project) -> bool:
    from sayso.cli.layout import downloaded

    part = project.recipe.model
    return bool(part.scratch) or part.name == "embedded" or downloaded(part.name) is not None


def _real_step(project: Project, laid: Plan) -> tuple[Any, Probe]:
    from sayso.cli.probe import count_lengths, probe_step
    from sayso.cli.train import training_lessons

    strategy = laid.stages[0].strategy
    learner = project.learner("base", strategy.tuning)
    lessons = training_lessons(project, learner)
    lengths = count_lengths(learner, lessons)
    return lengths, probe_step(learner, lessons, strategy, project.recipe.seed)


def _words_on_memory(laid: Plan, measured: Probe | None) -> Iterator[str]:
    from sayso.models.footprint import readable

    needed, offered = readable(laid.peak), readable(laid.memory)
    if laid.peak <= laid.memory:
        yield f"It fits: about {needed} of {offered} at its peak."
    else:
        yield f"It does not fit: about {needed} at its peak, and {offered} are there."
        yield _words_on_change(laid)
    if measured is None:
        return
    train = laid.stages[0].footprint
    guessed = train.held + train.activations + train.logits
    yield f"One real step held {readable(measured.peak)} at its peak; the estimate for it was {readable(guessed)}."
    if measured.peak > FAR_OFF * guessed:
        yield "That is far more than estimated: leave room, or lower strategy.micro_tokens."


def _words_on_change(laid: Plan) -> str:
    from sayso.models.footprint import readable

    if laid.change is None:
        return "No single change makes it fit: combine smaller pieces, LoRA and a smaller model, or a larger machine."
    peak = readable(laid.change.footprint.peak)
    return (
        f"The smallest change that makes it fit ({peak}): {laid.change.words} - {laid.change.key}: {laid.change.value}"
    )


def _words_on_time(laid: Plan, measured: Probe | None) -> str:
    from sayso.cli.console import span

    train = laid.stages[0]
    steps = f"{train.steps:,} steps over {train.load.tokens:,} tokens"
    if measured is not None:
        took = span(train.load.tokens / max(measured.tokens_per_second, 1e-9))
        return f"Training takes about {took}: {steps}, at the measured {measured.tokens_per_second:,.0f} tokens/s."
    took = span(train.footprint.seconds)
    return f"Training takes about {took}: {steps}, by this machine's speed in a matrix product; no step was measured."


def _words_on_disk(laid: Plan) -> str:
    from sayso.models.footprint import readable

    enough = "" if laid.disk <= laid.disk_free else " That is not enough."
    return f"The run's folder takes up to {readable(laid.disk)}; {readable(laid.disk_free)} are free.{enough}"


def _print(laid: Plan, measured: Probe | None) -> None:
    from sayso.cli.console import console, print_table
    from sayso.models.footprint import readable

    out, shape = console(), laid.shape
    out.print(f"{laid.model}: {shape.kind.replace('_', '-')}, {shape.parameters:,} parameters, {laid.dtype}")
    kind_of_count = "counted" if laid.lengths.counted else "guessed from characters"
    rows = f"{laid.lengths.rows:,} rows, {laid.lengths.total:,} tokens, the longest {laid.lengths.longest}"
    out.print(f"training rows: {rows} ({kind_of_count})")
    for stage in laid.stages:
        s = stage.strategy
        out.print(f"{stage.stage}: {s.tuning}, preset {s.preset}, {stage.footprint.trainable:,} parameters trained")
    out.print()
    prints = [stage.footprint.as_json() for stage in laid.stages]
    body = [(part, *(readable(one[part]) for one in prints)) for part in PARTS]
    print_table("Memory", ("part", *(stage.stage for stage in laid.stages)), body)
    out.print()
    for sentence in words(laid, measured):
        out.print(sentence)
