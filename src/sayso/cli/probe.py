"""`sayso probe`: before anything is learnt, can the model use what people say, what would each method cost, and which
one to learn by?

Decided here:
- The model that will learn is asked, on comments that are held out; where those are too few, on all of them, since
  nothing was learnt from any yet.
- A route's lessons are written from a few comments and counted up; seconds are by this machine's speed in a matrix
  product. What a method lets the model write for itself is counted beside. Of several rounds the first and the last
  are written, both by the model as it is, and those between are taken to be like the last.
- An encoder cannot read a comment: only the routes are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import FeedbackError, UserError
from sayso.records import GREEDY, Feedback, Kind, Lesson, Messages, Reply, Sampling, to_json

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.evaluate.edge import Edge
    from sayso.material import Case
    from sayso.models.open import AnyLearner
    from sayso.protocols import Material, Speaker, Syllabus

LEAST, MOST = 12, 64  # comments read
COUNTED = 8  # comments from which a route's lessons are counted up


@dataclass(frozen=True, slots=True)
class Route:
    """What learning by a method takes: lessons, tokens trained on and drawn, seconds; or why it cannot be taken."""

    method: str
    lessons: int = 0
    tokens: int = 0
    drawn: int = 0
    seconds: float = 0.0
    obstacle: str = ""


def probe(
    recipe: Annotated[Path, typer.Argument(help="the recipe, a YAML file")],
    set_: Annotated[list[str] | None, typer.Option("--set", help="change a value, e.g. model.name=...")] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Before learning: can the model use the comments, what does each method cost, and which one to take."""
    from sayso.cli.comment import comment_stage
    from sayso.cli.console import print_json
    from sayso.cli.run import at_work, opened

    project = opened(recipe, set_)
    with at_work(project):
        if not comment_stage(project):
            fix = "name feedback.files or feedback.critics, or `sayso comment --add comments.jsonl`"
            raise FeedbackError("there are no comments to probe the model with", fix=fix)
        note = probe_stage(project)
    if json:
        print_json({"run": str(project.run.folder)} | note)
    else:
        _print(note)


def probe_stage(project: Project) -> dict[str, Any]:
    """What the probe finds, as the run's note "probe"; done once for the same comments, model and settings."""
    run, print_of = project.run, f"{project.fingerprint('learn')}:{project.start()}"
    kept = run.note("probe")
    if kept is not None and run.done("probe", print_of):
        return kept
    run.write_note("probe", _probed(project))
    run.mark_done("probe", print_of)
    return run.note("probe") or {}


# ---------------------------------------------------------------- inside


def _probed(project: Project) -> dict[str, Any]:
    from sayso.cli.effects import usable
    from sayso.evaluate.advice import advise, found_in
    from sayso.store.split import hold_out

    start, feedback = project.start(), project.run.feedback()
    learner = project.learner(start, training="learn")
    halves = hold_out(feedback, project.recipe.feedback.held_out, project.recipe.seed)
    found = usable(project, halves.held_out, learner.kind)
    on = "held-out comments"
    if len(found) < LEAST:
        found, on = usable(project, feedback, learner.kind), "all comments; nothing was learnt from any yet"
    edge = _edge(project, learner, found[:MOST], start)
    routes = _routes(project, learner, halves.learn)
    learnt = usable(project, halves.learn, learner.kind)
    better = sum(case.better is not None for case in learnt)
    about = replace(
        found_in([case.feedback for case in learnt], learner.kind, better), sight=edge.sight, measured=edge.n
    )
    advice = advise(about, [route.method for route in routes if not route.obstacle])
    return {
        "start": start,
        "on": on,
        "n": len(found[:MOST]),
        "sight": edge.sight,
        "edge": [to_json(one) for one in edge.found.values()],
        "comments": asdict(about),
        "routes": [asdict(route) for route in routes],
        "recommended": advice.methods[0] if advice.methods else "",
        "methods": list(advice.methods),
        "why": list(advice.why),
    }


def _edge(project: Project, learner: AnyLearner, found: Sequence[Case], stage: str) -> Edge:
    from sayso.cli.effects import effects, read
    from sayso.evaluate.edge import Edge, edge
    from sayso.evaluate.measured import Draw

    if learner.kind == "encoder" or not found:
        return Edge({})
    seen = read(project, learner, found, stage)
    shares = {condition: effects(project, found, answers) for condition, answers in seen.answers.items()}
    draw = Draw(project.recipe.evaluate.resamples, project.recipe.seed)
    return edge({"share": shares, "nats": seen.beliefs}, draw)


def _routes(project: Project, learner: AnyLearner, feedback: Sequence[Feedback]) -> list[Route]:
    from sayso.rooms import names

    step = max(1, len(feedback) // COUNTED)
    few = feedback[::step][:COUNTED]
    cost = _Cost(project, learner, len(feedback) / max(1, len(few)))
    return [_route(project, learner, name, few, cost) for name in names("methods")]


def _route(project: Project, learner: AnyLearner, name: str, few: Sequence[Feedback], cost: _Cost) -> Route:
    """What a method takes. What it cannot do is an obstacle, not an error."""
    from sayso.cli.knobs import knobs_of
    from sayso.cli.learn import material_for
    from sayso.cli.rounds import material_of
    from sayso.rooms import find

    method, asked = find("methods", name), project.recipe.learn
    knobs = knobs_of(method, asked.knobs if asked.method == name else {}, f"learn -> knobs of {name}")
    ear = _Ear(learner)
    material = material_for(project, learner, method, few, ear)
    rounds = [0] + [material.rounds - 1] * (material.rounds - 1)
    try:
        written = {number: ear.hear(method.lessons, material_of(material, number), knobs) for number in {*rounds}}
    except UserError as error:
        return Route(name, obstacle=error.what)
    last, _ = written[rounds[-1]]
    if not last.standing and not any(syllabus.lessons for syllabus, _ in written.values()):
        reasons = sorted(set(last.refused.values()))
        return Route(name, obstacle=reasons[0] if reasons else "it makes no lesson of these comments")
    costs = {number: cost.of(name, syllabus.lessons) for number, (syllabus, _) in written.items()}
    lessons = sum(len(written[number][0].lessons) for number in rounds)
    drawn = sum(written[number][1] for number in rounds)
    tokens, seconds = (sum(costs[number][i] for number in rounds) for i in (0, 1))
    return Route(name, round(lessons * cost.times), round(tokens), round(drawn * cost.times), seconds)


class _Cost:
    """Counts up a few comments' lessons to all of them, `times` as many."""

    def __init__(self, project: Project, learner: AnyLearner, times: float) -> None:
        from sayso.cli.layout import shape_for
        from sayso.models.hardware import machine, probe_dtypes

        self.project, self.learner, self.times = project, learner, times
        self.shape, self.machine = shape_for(project.recipe), machine(project.run.folder)
        products = (project.run.note("dtype") or {}).get("dtype", project.recipe.model.dtype)
        self.speed = probe_dtypes(self.machine.device).get(products, 0.0) * 1e9

    def of(self, name: str, lessons: Sequence[Lesson]) -> tuple[int, float]:
        """Tokens that one round's training goes through, and seconds on this machine."""
        from sayso.cli.layout import plan_project
        from sayso.cli.rehearsal import count_lengths

        if not lessons:
            return 0, 0.0
        counted = count_lengths(self.learner, lessons)
        lengths = replace(counted, rows=round(counted.rows * self.times), total=round(counted.total * self.times))
        learn = self.project.recipe.learn.model_copy(update={"method": name})
        recipe = self.project.recipe.model_copy(update={"learn": learn})
        plan = plan_project(recipe, self.shape, lengths, self.machine, self.speed, len(self.project.labels))
        return plan.stages[-1].load.tokens, plan.stages[-1].footprint.seconds


class _Ear:
    """A Speaker that counts what another one writes."""

    def __init__(self, speaker: Speaker) -> None:
        self.speaker, self.tokens = speaker, 0

    def hear(self, write: Callable[[Material, Any], Syllabus], material: Material, knobs: Any) -> tuple[Syllabus, int]:
        """The lessons that a method writes, and how many tokens it let the speaker draw for them."""
        before = self.tokens
        return write(material, knobs), self.tokens - before

    @property
    def kind(self) -> Kind:
        return self.speaker.kind

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        replies = self.speaker.reply(prompts, sampling)
        self.tokens += sum(len(one.token_ids) for one in replies)
        return replies

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        return self.speaker.weigh(prompts, options)


# ---------------------------------------------------------------- for people


def _print(note: Mapping[str, Any]) -> None:
    from sayso.cli.console import console, print_table, span

    out = console()
    out.print(f"The {note['start']} model on {note['n']} of the comments ({note['on']}):")
    for one in note["edge"]:
        out.print(f"  {one['words']}")
    if not note["edge"]:
        out.print("  what it makes of a comment was not measured")
    rows = [
        (route["method"], route["lessons"], route["tokens"], route["drawn"], span(route["seconds"]), route["obstacle"])
        for route in note["routes"]
    ]
    print_table("What each method takes", ("method", "lessons", "tokens", "drawn", "about", "why not"), rows)
    out.print(f"Recommended: learn.method: {note['recommended']}" if note["recommended"] else "Nothing to recommend.")
    for sentence in note["why"]:
        out.print(f"  {sentence}")
