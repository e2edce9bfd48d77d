"""What a server is given: the model of a run or a bare one, asked as evaluation asks it.

Decided here:
- A run brings its task, the words that its method wants in every prompt, its programs as critics, its comments as the
  rules that answers are held against, and its own answers to be compared with.
- A model that learnt by `predict` judges without a rule, as it was taught; others are shown the rules.
- With an upstream nothing is loaded here; the run's golden prompts show whether the model there is the one that was
  evaluated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sayso.errors import RunError, UserError, nearest
from sayso.privacy.policy import WARNED, Policy
from sayso.recipe import ModelPart
from sayso.records import Answer, Example, Kind, Messages, Sampling, State, join_labels
from sayso.tasks.classify import Classify, read_labels
from sayso.tasks.generate import Generate
from sayso.wording import under_condition

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.endpoint import Endpoint
    from sayso.models.voice import LearnerVoice
    from sayso.protocols import Speaker, Task
    from sayso.serve.house import Decide, House
    from sayso.serve.queue import Room
    from sayso.serve.versions import Versions

STAGES = ("base", "train", "learn")
BARE_TOKENS = 256
BARE_STORE = "feedback.db"
Pairs = tuple[tuple[Example, Answer], ...]


@dataclass(frozen=True)
class Served:
    """A model ready to be served: `voice` is None where an `upstream` answers. golden: items with their answers."""

    name: str
    version: str
    kind: Kind
    task: Task
    decide: Decide
    store: str
    voice: LearnerVoice | None = None
    upstream: Endpoint | None = None
    standing: Mapping[str, str] = field(default_factory=dict)
    critic: Callable[[Messages, str], str | None] | None = None
    rules: tuple[str, ...] = ()
    golden: Pairs = ()
    notice: str = ""
    policy: Policy = WARNED


def served(model: str, stage: str, upstream: str) -> Served:
    """The model that a run folder, a recipe or a model's name stands for. UserError for what is none."""
    if stage not in ("", *STAGES):
        raise UserError(f"there is no stage '{stage}' to serve", fix=nearest(stage, STAGES))
    project = _project(model)
    if project is not None:
        chosen = stage or project.latest()
        passed_over = not stage and chosen != "learn" and project.run.weights("learn").is_dir()
        notice = "what was learnt last was refused by the gate; --stage learn serves it all the same"
        return replace(_of_run(project, chosen, upstream), notice=notice if passed_over else "")
    if stage:
        raise UserError(f"'{model}' is no run, so it has no stage '{stage}'", fix="leave --stage out")
    return _bare(model, upstream)


def versions_of(model: str) -> Versions | None:
    """The versions of a run folder or recipe; None for a model's name."""
    from sayso.serve.versions import Versions

    project = _project(model)
    return None if project is None else Versions(project.run.folder)


def served_version(versions: Versions, number: int) -> Served:
    """A version that was learnt live, under its run's name; 0 is the run's own result."""
    from sayso.store.runs import Run

    if number == 0:
        return served(str(versions.run), "", "")
    what = served(str(versions.folder(number)), "learn", "")
    return replace(what, name=Run.open(versions.run).recipe().name)


def house_of(what: Served, room: Room) -> House:
    """The house for it; its store is opened, its queue not yet."""
    from sayso.serve.house import House
    from sayso.serve.metrics import Metrics
    from sayso.serve.queue import Queue
    from sayso.serve.upstream import Upstream
    from sayso.store.feedback import FeedbackStore
    from sayso.store.responses import ResponseLog

    metrics = Metrics()
    if what.upstream is not None:
        answers: Any = Upstream(what.upstream, room.waiting)
    else:
        assert what.voice is not None
        answers = Queue(what.voice, room, metrics)
    return House(
        what.name,
        what.version,
        what.kind,
        what.task,
        answers,
        what.decide,
        FeedbackStore(what.store, what.policy),
        ResponseLog(what.store),
        metrics,
        what.standing,
        what.critic,
        what.rules,
    )


def heir_of(house: House, what: Served, room: Room) -> House:
    """The house of another version of the same model: its queue is its own, name, store, log and counters are not."""
    from sayso.serve.queue import Queue

    assert what.voice is not None
    return replace(
        house,
        version=what.version,
        answers=Queue(what.voice, room, house.metrics),
        decide=what.decide,
        standing=what.standing,
        critic=what.critic,
        rules=what.rules,
    )


def replayed(what: Served, house: House, most: int) -> str:
    """How many of the run's items are answered as in its evaluation, in words."""
    pairs = what.golden[:: max(1, len(what.golden) // max(1, most))][:most]
    if not pairs or what.task.name == "text":
        return "no items of a run to answer again"
    examples, known = [one for one, _ in pairs], [answer.text for _, answer in pairs]
    texts = _spoken(what, house, examples) if what.task.name == "generate" else _labelled(what, examples)
    same = sum(text == before for text, before in zip(texts, known, strict=True))
    words = f"{same} of {len(pairs)} items are answered as in the evaluation"
    if same == len(pairs):
        return words
    item, text, before = next((e.id, t, b) for e, t, b in zip(examples, texts, known, strict=True) if t != b)
    return f"{words}; item {item}: now {text[:80]!r}, then {before[:80]!r}"


# ---------------------------------------------------------------- a run


def _project(model: str) -> Project | None:
    """The project of a run folder or of a recipe file; None for a model's name."""
    from sayso.cli.project import Project, prepare
    from sayso.recipe import load
    from sayso.store.runs import Run

    path = Path(model)
    if path.suffix in (".yaml", ".yml"):
        run = Run.open(Project.home(load(path, ())))
    elif (path / "recipe.yaml").is_file() and not (path / "config.json").is_file():
        run = Run.open(path)
    else:
        return None
    recipe = run.recipe()
    prepare(recipe)
    return Project(recipe, run)


def _of_run(project: Project, stage: str, upstream: str) -> Served:
    from sayso.cli.private import policy_for
    from sayso.models.voice import LearnerVoice

    run, recipe = project.run, project.recipe
    if stage != "base" and not run.weights(stage).is_dir():
        raise RunError(f"this run has no '{stage}' weights", where=str(run.folder), fix="`sayso run` makes them")
    weights = run.weights(stage)
    voice = None if upstream else LearnerVoice(project.learner(stage, "learn" if stage == "learn" else "train"))
    far = _far(upstream)
    speaker: Any = far if far is not None else voice
    split = "test" if run.answers(stage, "test") else "validation"
    answers = {answer.item: answer for answer in run.answers(stage, split)}
    return Served(
        name=recipe.name,
        version=_version(recipe.name, stage, weights) if far is None else f"{recipe.name}/{stage} at {far.model}",
        kind=speaker.kind,
        task=project.task,
        decide=_deciding(project, speaker, stage),
        store=recipe.feedback.store or str(run.folder / "feedback.db"),
        voice=voice,
        upstream=far,
        standing=_standing(project, stage),
        critic=_critic(project),
        rules=() if learnt_by(project, stage) == "predict" else _rules(project),
        golden=tuple((one, answers[one.id]) for one in run.examples(split) if one.id in answers),
        policy=policy_for(recipe.privacy, "comments", run.folder),
    )


def learnt_by(project: Project, stage: str) -> str:
    """The method by which a stage's weights learnt from comments, also where `auto` chose it; "" before that."""
    from sayso.cli.auto import AUTO

    method = project.recipe.learn.method if stage == "learn" else ""
    return str((project.run.note(AUTO) or {}).get("method", "")) if method == AUTO else method


def _standing(project: Project, stage: str) -> dict[str, str]:
    words = project.run.note("standing") if stage == "learn" else None
    return {language: str(said) for language, said in (words or {}).items()}


def _deciding(project: Project, speaker: Any, stage: str) -> Decide:
    """The run's own task with its standing words and thresholds; another one as it is."""
    from sayso.endpoint import Endpoint
    from sayso.evaluate import thresholds
    from sayso.evaluate.answers import answer
    from sayso.wording import language_of_context

    words = _standing(project, stage)
    tuned = {label: float(value) for label, value in (project.run.note(f"thresholds.{stage}") or {}).items()}

    def decide(task: Task, examples: Sequence[Example]) -> list[Answer]:
        if isinstance(speaker, Endpoint):
            return _in_words(speaker, task, examples, words)
        found: dict[str, Answer] = {}
        for language in ("zh", "en"):
            own = [one for one in examples if language_of_context(one.prompt) == language]
            standing = words.get(language, "") if task is project.task else ""
            found |= {one.item: one for one in answer(speaker, task, own, standing)}
        answers = [found[one.id] for one in examples]
        return thresholds.decide(task, answers, tuned) if task is project.task and tuned else answers

    return decide


def _in_words(speaker: Speaker, task: Task, examples: Sequence[Example], words: Mapping[str, str]) -> list[Answer]:
    """An endpoint weighs no labels: it is asked, and the labels are read out of what it says."""
    from sayso.wording import language_of_context, with_standing

    prompts = [
        with_standing(task.context(one, speaker.kind), words.get(language_of_context(one.prompt), ""))
        for one in examples
    ]
    replies = speaker.reply(prompts, task.sampling)
    said = [
        (join_labels(read_labels(one.text, task.options)) or one.text) if task.options else one.text for one in replies
    ]
    return [
        Answer(example.id, text, ended=reply.ended)
        for example, text, reply in zip(examples, said, replies, strict=True)
    ]


def _critic(project: Project) -> Callable[[Messages, str], str | None] | None:
    """The recipe's programs: what they say of an answer, None for nothing, "" where one of them fails."""
    from sayso.cli.outcomes import programs
    from sayso.rooms import find

    known, program = programs(project), find("critics", "program")

    def said(prompt: Messages, answer: str) -> str | None:
        pair = (Example("served", prompt), Answer("served", answer))
        reviews = [program.comment(project.task, [pair], knobs) for knobs in known.values()]
        words = [one.comment for review in reviews for one in review if one.polarity != "positive"]
        return "\n".join(words) or ("" if any(review.not_judged for review in reviews) else None)

    return said if known else None


def _rules(project: Project) -> tuple[str, ...]:
    """The comments of the run that reach beyond their item, each once, those that were refused left out."""
    refused = {one.feedback for one in project.run.outcomes() if one.state is State.REFUSED}
    found: dict[str, None] = {}
    for one in project.run.feedback():
        if one.scope.reach != "item" and one.comment.strip() and one.polarity != "positive" and one.id not in refused:
            words = one.comment.strip()
            found[under_condition(words, one.scope.when) if one.scope.when else words] = None
    return tuple(found)


# ---------------------------------------------------------------- a bare model


def _bare(model: str, upstream: str) -> Served:
    from sayso.evaluate.answers import answer

    far = _far(upstream)
    if far is not None:
        task: Task = Generate(sampling=Sampling(max_new_tokens=BARE_TOKENS))
        speaker: Any = far
        voice = None
    else:
        speaker = voice = _opened(model)
        learner = voice.learner
        options = tuple(learner.core.facts.get("options") or ())
        several = bool(learner.core.facts.get("several"))
        sampling = Sampling(max_new_tokens=BARE_TOKENS)
        task = Classify(options, several) if options else Generate(sampling=sampling)

    def decide(task: Task, examples: Sequence[Example]) -> list[Answer]:
        return _in_words(speaker, task, examples, {}) if far is not None else answer(speaker, task, examples)

    version = far.model if far is not None else _version(model, "", Path(_where(model)))
    name = Path(model).name if Path(model).is_dir() else model
    return Served(name, version, speaker.kind, task, decide, BARE_STORE, voice, far)


def _opened(model: str) -> LearnerVoice:
    from sayso.models.open import Opening, open_learner
    from sayso.models.voice import LearnerVoice

    options, several = _labels_in(Path(_where(model)))
    return LearnerVoice(open_learner(ModelPart(name=model), Opening(options=options, several=several)))


def _where(model: str) -> str:
    from sayso.models.open import locate

    return locate(model)


def _labels_in(folder: Path) -> tuple[tuple[str, ...], bool]:
    """The labels of a folder's head, and whether several may hold; none where it has none."""
    facts, config = (_json(folder / name) for name in ("sayso.json", "config.json"))
    if facts.get("options"):
        return tuple(facts["options"]), bool(facts.get("several"))
    if "SequenceClassification" not in " ".join(config.get("architectures") or ()):
        return (), False
    several = config.get("problem_type") == "multi_label_classification"
    return tuple(str(label) for label in (config.get("id2label") or {}).values()), several


# ---------------------------------------------------------------- both


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _far(upstream: str) -> Endpoint | None:
    from sayso.endpoint import Endpoint

    return Endpoint.of(upstream) if upstream else None


def _version(name: str, stage: str, weights: Path) -> str:
    """Name, stage and the beginning of the weights' hash: other weights are another version by any name."""
    found = hashlib.sha256()
    for file in sorted(weights.glob("*.safetensors")) if weights.is_dir() else ():
        with file.open("rb") as data:
            found.update(hashlib.file_digest(data, "sha256").digest())
    called = f"{Path(name).name}/{stage}" if stage else Path(name).name
    return f"{called}@{found.hexdigest()[:8]}" if any(weights.glob("*.safetensors")) else called


def _spoken(what: Served, house: House, examples: Sequence[Example]) -> list[str]:
    """The chat's way: through the voice, token by token, or through the upstream."""
    from sayso.protocols import Ask, Token

    prompts = [house.shown(one.prompt) for one in examples]
    if what.voice is None:
        assert what.upstream is not None
        return [reply.text for reply in what.upstream.reply(prompts, what.task.sampling)]
    said: dict[int, list[int]] = {row: [] for row in range(len(prompts))}

    def heard(tokens: Sequence[Token]) -> tuple[int, ...]:
        for token in tokens:
            said[token.row].append(token.id)
        return ()

    asks = [Ask(prompt, what.task.sampling) for prompt in prompts]
    what.voice.speak(asks, [what.voice.encoded(ask) for ask in asks], heard)
    return [what.voice.decode(ids) for ids in said.values()]


def _labelled(what: Served, examples: Sequence[Example]) -> list[str]:
    return [answer.text for answer in what.decide(what.task, examples)]
