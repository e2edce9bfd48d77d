"""`sayso plan`: memory, time and disk of a recipe, checked with one real step.

Decided here: a plan asks "what if", so the command leaves the run's folder alone; the stage of a run writes its note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sayso.cli.layout import Plan
    from sayso.cli.project import Project
    from sayso.cli.rehearsal import Rehearsal
    from sayso.models.hardware import Choice
    from sayso.models.open import AnyLearner
    from sayso.recipe import Recipe
    from sayso.records import Lesson

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
    from sayso.cli.project import Project
    from sayso.cli.run import prepared
    from sayso.store.runs import Run

    asked = prepared(recipe, set_)
    home = Project.home(asked)
    with TemporaryDirectory() as aside:
        project = Project(asked, Run.create(Path(aside), asked))
        chosen = Run(home).note("dtype")
        if chosen is not None:
            project.run.write_note("dtype", chosen)
        laid, measured = make_plan(project, probe=probe, disk=home)
    if json:
        print_json(as_note(laid, measured))
    else:
        _print(laid, measured)


def plan_stage(project: Project) -> dict[str, Any]:
    """The plan as the run's note "plan", its words on stderr; done once."""
    from sayso.cli.console import console

    run, print_of = project.run, project.fingerprint("plan")
    kept = run.note("plan")
    if run.done("plan", print_of) and kept is not None:
        return kept
    note = as_note(*make_plan(project, probe=True, disk=run.folder))
    for sentence in note["words"]:
        console(stderr=True).print(f"plan     {sentence}")
    run.write_note("plan", note)
    run.mark_done("plan", print_of)
    return note


def make_plan(project: Project, *, probe: bool, disk: Path | None = None) -> tuple[Plan, Rehearsal | None]:
    """Estimate, and where that fits and the model is on this machine, one real step with real token counts.

    `disk` is a folder, which need not be there yet, on the disk that the run will use; None for where we are.
    """
    from sayso.cli.layout import guessed_lengths, plan_project, row_limit, shape_for
    from sayso.cli.rehearsal import count_lengths, rehearse
    from sayso.models.hardware import machine, probe_dtypes

    recipe = project.recipe
    shape, has = shape_for(recipe), machine(disk)
    lengths = guessed_lengths(project.data.train, shape.kind, row_limit(recipe, shape))
    speeds = probe_dtypes(has.device)
    products = _products(project, speeds)
    known = (has, speeds.get(products.value, 0.0) * 1e9, len(project.labels))
    advice = tuple(_advice(recipe, products, speeds, has.device))
    laid = replace(plan_project(recipe, shape, lengths, *known), advice=advice)
    if not (probe and laid.fits and _is_here(project)):
        return laid, None
    learner, lessons = _opened(project)
    if not lessons:
        return laid, None
    laid = replace(plan_project(recipe, shape, count_lengths(learner, lessons), *known), advice=advice)
    train = laid.stages[0]
    step = train.strategy.model_copy(update={"micro_tokens": train.load.micro_tokens})
    return laid, rehearse(learner, lessons, step, recipe.seed)


def as_note(laid: Plan, measured: Rehearsal | None) -> dict[str, Any]:
    """Plan and probe as plain values, with the verdict in words."""
    probe = None if measured is None else asdict(measured)
    return laid.as_json() | {"probe": probe, "words": list(words(laid, measured))}


def words(laid: Plan, measured: Rehearsal | None) -> Iterator[str]:
    """The verdict, a sentence per matter."""
    yield from _words_on_memory(laid, measured)
    yield _words_on_time(laid, measured)
    yield _words_on_disk(laid)
    yield from laid.advice


# ---------------------------------------------------------------- inside


def _products(project: Project, speeds: Mapping[str, float]) -> Choice:
    """The format of matrix products: asked for, or chosen once per run, so that plan and training agree."""
    from sayso.models.hardware import Choice, choose_dtype

    asked = project.recipe.model.dtype
    if asked != "auto":
        return Choice(asked, "the recipe asks for it")
    note = project.run.note("dtype")
    if note is None:
        chosen = choose_dtype(speeds)
        note = {"dtype": chosen.value, "why": chosen.why}
        project.run.write_note("dtype", note)
    return Choice(note["dtype"], note["why"])


def _advice(recipe: Recipe, products: Choice, speeds: Mapping[str, float], device: str) -> Iterator[str]:
    from sayso.models.hardware import choose_dtype, qlora_obstacle

    yield f"Matrix products run in {products.value}: {products.why}."
    best = choose_dtype(speeds)
    if recipe.model.dtype != "auto" and best.value != products.value:
        yield f"{best.value} would be better: {best.why}."
    stages = (recipe.strategy, recipe.learn.strategy)
    if any(s.tuning == "qlora" for s in stages) and (obstacle := qlora_obstacle(device)):
        yield f"This cannot run: {obstacle}."


def _is_here(project: Project) -> bool:
    from sayso.cli.layout import downloaded

    part = project.recipe.model
    return bool(part.scratch) or part.name == "embedded" or downloaded(part.name) is not None


def _opened(project: Project) -> tuple[AnyLearner, list[Lesson]]:
    """The learner as training opens it, with the lessons it will be taught."""
    from sayso.cli.train import training_lessons

    learner = project.learner("base")
    return learner, training_lessons(project, learner)


def _words_on_memory(laid: Plan, measured: Rehearsal | None) -> Iterator[str]:
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


def _words_on_time(laid: Plan, measured: Rehearsal | None) -> str:
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


def _print(laid: Plan, measured: Rehearsal | None) -> None:
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
