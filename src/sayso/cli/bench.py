"""`sayso bench`: HouseRules, the benchmark of heeding: does a model do what is said about its answers?

Decided here:
- Answers go rule by rule, all conditions of a rule together: stopped at any moment, what was measured is paired and is
  shown. With --save it is also kept, and the same command goes on from there.
- A method is measured on the same rules, each house taught from the same weights, before and after.
- An endpoint answers; it cannot be taught.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sayso.errors import UnsupportedError, UserError, nearest

if TYPE_CHECKING:
    from sayso.cli.console import Line
    from sayso.cli.pupil import Pupil
    from sayso.evaluate.heeding import Finding
    from sayso.evaluate.houses import House
    from sayso.evaluate.questions import Question
    from sayso.protocols import Speaker, World
    from sayso.recipe import Recipe
    from sayso.store.ledger import Ledger

MOST_TOKENS = 96
GROUP = 512  # questions answered before anything is shown or kept
PLAIN_PER_PROMPT = 4
LANGUAGES = ("en", "zh")
SETTABLE = ("model.", "learn.", "threads")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is asked."""

    rules: int
    prompts: int
    seeds: int
    comments: int
    languages: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """What was found so far; `whole` once nothing is left to ask."""

    in_context: list[Finding] = field(default_factory=list)
    methods: dict[str, list[Finding]] = field(default_factory=dict)
    whole: bool = False


def bench(
    model: Annotated[str, typer.Argument(help="embedded, a folder, a hub id, or http(s)://host/v1#model")],
    worlds: Annotated[list[str] | None, typer.Option(help="a world; again for more; all when left out")] = None,
    method: Annotated[list[str] | None, typer.Option(help="a method to teach with; again for more")] = None,
    rules: Annotated[int, typer.Option(min=1, help="house rules, spread over worlds and languages")] = 200,
    prompts: Annotated[int, typer.Option(min=1, help="prompts per rule")] = 10,
    seeds: Annotated[int, typer.Option(min=1, help="how often other rules, prompts and trainings are drawn")] = 1,
    comments: Annotated[int, typer.Option(min=1, help="with --method: comments per rule")] = 8,
    language: Annotated[str, typer.Option(help="en or zh; both where none is named")] = "",
    save: Annotated[Path | None, typer.Option(help="keep every answer in this JSONL file, and go on from it")] = None,
    plot: Annotated[Path | None, typer.Option(help="draw the measures into this SVG file")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="change a recipe's value, e.g. learn.strategy.epochs=6")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Measure on hidden house rules whether a model heeds comments, in context and after a method."""
    from sayso.cli.bench_result import figures, print_figures, write_plot
    from sayso.cli.console import print_json

    if language not in ("", *LANGUAGES):
        raise UserError(f"no world speaks '{language}'", expected="en or zh")
    chosen, recipe = _worlds(worlds or []), _recipe(model, set_ or [])
    extent = Extent(rules, prompts, seeds, comments, (language,) if language else LANGUAGES)
    speaker = _speaker(recipe, method or [])
    outcome, stopped = Outcome(), False
    work = Bench(speaker, chosen, extent, _ledger(save, recipe))
    try:
        work.run(recipe, method or [], outcome)
    except KeyboardInterrupt:
        stopped = True
    result = {"model": model, "extent": extent, "whole": outcome.whole} | figures(outcome)
    if plot is not None:
        write_plot(plot, result)
    if json:
        print_json(result)
    else:
        print_figures(result)
    if stopped:
        raise KeyboardInterrupt


class Bench:
    """One speaker being asked, rule by rule."""

    def __init__(self, speaker: Speaker, worlds: Mapping[str, World], extent: Extent, ledger: Ledger) -> None:
        self.speaker, self.worlds, self.extent, self.ledger = speaker, worlds, extent, ledger

    def run(self, recipe: Recipe, methods: Sequence[str], outcome: Outcome) -> None:
        """Everything that is asked for, into `outcome` as it is found."""
        from sayso.cli.pupil import Pupil

        self._in_context(outcome.in_context)
        for method in methods:
            self._after(Pupil(self.speaker, recipe, method), outcome.methods.setdefault(method, []))  # type: ignore[arg-type]
        outcome.whole = True

    # ------------------------------------------------------------ in context

    def _in_context(self, found: list[Finding]) -> None:
        from sayso.cli.console import progress
        from sayso.evaluate.heeding import findings
        from sayso.evaluate.questions import Asker, drawn_rules

        extent = self.extent
        drawn = [
            (seed, drawn_rules(self.worlds, extent.rules, seed, extent.languages)) for seed in range(extent.seeds)
        ]
        clock = _Clock(sum(len(rules) for _, rules in drawn))
        with progress("in context") as line:
            for seed, rules in drawn:
                askers = {name: Asker(name, world, seed) for name, world in self.worlds.items()}
                for group in _grouped(askers, rules, extent):
                    asked = [question for _, questions in group for question in questions]
                    found += findings(self.worlds, self.answers(asked))
                    clock.show(line, sum(counted for counted, _ in group))

    def answers(
        self, questions: Sequence[Question], stage: str = "base", pupil: Pupil | None = None
    ) -> list[tuple[Question, str]]:
        """Every question with its answer; those that are known are not asked again."""
        from sayso.records import Sampling

        keys = [f"{stage}:{question.key}" for question in questions]
        new = {key: one for key, one in zip(keys, questions, strict=True) if self.ledger.get(key) is None}
        places = list(new.items())
        sampling = Sampling(max_new_tokens=MOST_TOKENS)
        for begin in range(0, len(places), GROUP):
            part = places[begin : begin + GROUP]
            asked = [pupil.prompt(one.prompt) if pupil else one.prompt for _, one in part]
            replies = self.speaker.reply(asked, sampling)
            rows = [_row(key, one, reply.text) for (key, one), reply in zip(part, replies, strict=True)]
            self.ledger.add(rows)
        return [(one, str((self.ledger.get(key) or {})["reply"])) for key, one in zip(keys, questions, strict=True)]

    # ------------------------------------------------------------ after a method

    def _after(self, pupil: Pupil, found: list[Finding]) -> None:
        from sayso.cli.console import progress

        with progress(f"teach by {pupil.name}") as line:
            built = list(self._houses(line))
            clock = _Clock(len(built))
            for house in built:
                found += self._of_house(pupil, house)
                clock.show(line, 1)
        pupil.forget()

    def _houses(self, line: Line) -> Iterator[House]:
        from sayso.evaluate.houses import houses
        from sayso.evaluate.questions import drawn_rules

        for seed in range(self.extent.seeds):
            rules = drawn_rules(self.worlds, self.extent.rules, seed, self.extent.languages)
            for name, world in self.worlds.items():
                for language in self.extent.languages:
                    mine = [rule for rule in rules if (rule.world, rule.language) == (name, language)]
                    built = houses(name, world, mine, seed)
                    yield from built
                    homeless = set(mine) - {rule for house in built for rule in house.rules}
                    for rule in sorted(rule.id for rule in homeless):
                        line.note(f"left out, since the world itself cannot keep it: {rule}")

    def _of_house(self, pupil: Pupil, house: House) -> list[Finding]:
        """Answers of the untaught model, after the house's comments, and after later ones."""
        from sayso.evaluate.heeding import findings
        from sayso.evaluate.houses import away, comments, critic, material, questions
        from sayso.evaluate.questions import Asker

        world, extent = self.worlds[house.world], self.extent
        asker = Asker(house.world, world, house.seed)
        asked = list(questions(asker, house, extent.prompts, extent.comments))
        unseen = [one for one in asked if one.form == "remark" and one.scope == "in"]
        elsewhere = list(away(asker, house, extent.prompts))
        taught, later = (self._stage(pupil, house, name) for name in ("taught", "later"))
        before = self.answers([*asked, *elsewhere])
        known = [f"{taught}:{one.key}" for one in asked] + [f"{later}:{one.key}" for one in unseen]
        known += [f"{taught}:kl:{one.key}" for one in elsewhere]
        if any(self.ledger.get(key) is None for key in known):
            pupil.forget()
            first = comments(world, house.rules, (), extent.comments, house.seed)
            says = critic(world, (*house.rules, *house.later))
            pupil.teach(first, material(world, house), house.seed, says)
            self.answers(asked, taught, pupil)
            self._drifted(pupil, taught, before[len(asked) :])
            second = comments(world, house.later, house.rules, extent.comments, house.seed)
            if second:
                pupil.teach(second, material(world, house), house.seed, says)
            self.answers(unseen, later, pupil)
            pupil.forget()
        found = findings(self.worlds, before[: len(asked)])
        found += findings(self.worlds, self.answers(asked, taught, pupil), "taught")
        if house.later:
            found += findings(self.worlds, self.answers(unseen, later, pupil), "later")
        found += self._drift_of(taught, elsewhere)
        return [replace(one, cluster=f"{house.id}:{house.seed}") for one in found]

    def _drifted(self, pupil: Pupil, stage: str, answered: Sequence[tuple[Question, str]]) -> None:
        measured = pupil.drift([(one.prompt, reply) for one, reply in answered])
        self.ledger.add(
            {"key": f"{stage}:kl:{one.key}", "kl": kl, "tokens": tokens}
            for (one, _), (kl, tokens) in zip(answered, measured, strict=True)
        )

    def _drift_of(self, stage: str, elsewhere: Sequence[Question]) -> list[Finding]:
        from sayso.evaluate.heeding import Finding

        found = []
        for one in elsewhere:
            row = self.ledger.get(f"{stage}:kl:{one.key}") or {}
            values = {"kl": float(row["kl"]), "tokens": float(row["tokens"])}
            found.append(Finding(one, "", values, "taught"))
        return found

    def _stage(self, pupil: Pupil, house: House, name: str) -> str:
        """What the answers of a taught model depend on: method, knobs, strategy, comments, house."""
        facts = [pupil.recipe.learn.model_dump(), pupil.knobs, self.extent.comments, house.id]
        return f"{pupil.name}:{name}:{hashlib.sha256(repr(facts).encode()).hexdigest()[:12]}"


# ---------------------------------------------------------------- inside


@dataclass(slots=True)
class _Clock:
    """How far the work is, and at this pace how long it takes."""

    steps: int
    done: int = 0
    began: float = field(default_factory=time.monotonic)

    def show(self, line: Line, more: int) -> None:
        self.done += more
        left = (time.monotonic() - self.began) / max(1, self.done) * (self.steps - self.done)
        line.update(step=self.done, steps=self.steps, seconds_left=left)


def _grouped(askers: Mapping[str, Any], rules: Sequence[Any], extent: Extent) -> Iterator[list[tuple[int, Any]]]:
    """(rules counted, questions) by the group: plain prompts first, then as many whole rules as make a group."""
    plain = PLAIN_PER_PROMPT * extent.prompts
    yield [(0, asker.plain(plain, language)) for asker in askers.values() for language in extent.languages]
    group: list[tuple[int, Any]] = []
    for rule in rules:
        group.append((1, list(askers[rule.world].in_context(rule, extent.prompts))))
        if sum(len(questions) for _, questions in group) >= GROUP:
            yield group
            group = []
    if group:
        yield group


def _row(key: str, question: Question, reply: str) -> dict[str, Any]:
    """What is kept of an answer: enough to find it, and for a person to read it."""
    return {
        "key": key,
        "rule": question.rule.id if question.rule is not None else "",
        "form": question.form,
        "condition": question.condition,
        "scope": question.scope,
        "prompt": "\n".join(message.text for message in question.prompt),
        "reply": reply,
    }


def _worlds(asked: Sequence[str]) -> dict[str, World]:
    from sayso.cli.worlds import found_worlds

    known = {name: world for name, world in found_worlds().items() if hasattr(world, "FAMILIES")}
    names = [name.strip() for words in asked for name in words.split(",") if name.strip()] or list(known)
    for name in names:
        if name not in known:
            raise UserError(f"there is no world '{name}'", fix=nearest(name, known))
    return {name: known[name] for name in names}


def _recipe(model: str, overrides: Sequence[str]) -> Recipe:
    """Where a recipe's values matter: how the model is opened, and how it learns."""
    from sayso.recipe import Recipe
    from sayso.sheet import Sheet

    sheet = Sheet("sayso bench", Recipe)
    sheet.fill(f"task: {{name: generate, max_new_tokens: {MOST_TOKENS}}}")
    for override in [*overrides, f"model.name={model}"]:
        if not override.strip().startswith(SETTABLE):
            fix = f"set one of {', '.join(SETTABLE)}; what is asked has options of its own"
            raise UserError("this value means nothing to the benchmark", where=f"--set {override}", fix=fix)
        sheet.override(override, lambda _, value: value)
    return sheet.build()


def _speaker(recipe: Recipe, methods: Sequence[str]) -> Speaker:
    from sayso import rooms
    from sayso.endpoint import Endpoint, is_address

    for method in methods:
        rooms.find("methods", method)
    if not is_address(recipe.model.name):
        return _learner(recipe, teaching=bool(methods))
    if methods:
        raise UnsupportedError(
            "a model at an address cannot be taught from here",
            fix="leave out --method, or name the model's folder or hub id",
        )
    return Endpoint.of(recipe.model.name)


def _learner(recipe: Recipe, *, teaching: bool) -> Speaker:
    from sayso.cli.project import prepare
    from sayso.models.open import Opening, open_learner

    prepare(recipe)
    tuning = _tuning(recipe) if teaching else "full"
    learner = open_learner(recipe.model, Opening(tuning=tuning, lora_rank=_rank(recipe, tuning), seed=recipe.seed))
    if learner.kind == "encoder":
        raise UnsupportedError("an encoder does not answer in words", expected="a decoder or an encoder-decoder")
    return learner


def _tuning(recipe: Recipe) -> str:
    from sayso.cli.layout import shape_for
    from sayso.presets import tuning_of

    asked = recipe.learn.strategy.tuning
    return tuning_of(asked, shape_for(recipe).parameters if asked == "auto" else 0)


def _rank(recipe: Recipe, tuning: str) -> int:
    from sayso.presets import rank_of

    return rank_of(recipe.learn.strategy.lora_rank, tuning)


def _ledger(file: Path | None, recipe: Recipe) -> Ledger:
    from sayso.evaluate.heeding import HOUSERULES_VERSION
    from sayso.store.ledger import Ledger

    header = {"houserules": HOUSERULES_VERSION, "model": recipe.model.name, "weights": ""}
    return Ledger(file, header if file is None else header | {"weights": _digest(recipe.model.name)})


def _digest(name: str) -> str:
    """A hash of a local model's files, so that answers of other weights are not mistaken for its own."""
    from sayso.cli.layout import downloaded
    from sayso.endpoint import is_address
    from sayso.models.catalogue import EMBEDDED

    folder = None if is_address(name) else EMBEDDED if name == "embedded" else downloaded(name)
    if folder is None:
        return ""
    found = hashlib.sha256()
    for file in sorted(
        path for path in folder.iterdir() if path.suffix in (".json", ".safetensors", ".bin", ".jinja")
    ):
        with file.open("rb") as part:
            found.update(hashlib.file_digest(part, "sha256").digest())
    return found.hexdigest()[:16]
