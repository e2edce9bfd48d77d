"""The only loop: lessons go in, events come out, the learner has changed.

Decided here:
- `train` is a generator. Whoever drives it shows progress, writes metrics or just exhausts it; no callbacks.
- Everything random in step k follows from (seed, k), so a run that was killed and resumed is bit-identical on a CPU.
- Before step 1: every lesson is in token ids and has something to learn, one validation has run (its memory is part of
  the bill) and packed rows have been compared with unpacked ones. In the first steps every trainable tensor must get
  a gradient. A loss that is not finite stops the run, names the batch and leaves the last good checkpoint.
- Ctrl-C finishes the step, writes a checkpoint and stops.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import torch

from sayso.errors import DataError, TrainingFault
from sayso.learn import checkpoints
from sayso.learn.batches import epoch_steps, pieces, rows_per_step, views
from sayso.learn.checkpoints import Progress
from sayso.learn.objective import Item, losses_of, margin, totals
from sayso.learn.optimizer import optimizer
from sayso.learn.schedule import factor
from sayso.protocols import Learner
from sayso.recipe import StrategyPart
from sayso.records import Lesson, Match, Objective, Prefer, content_id, to_json

CHECKPOINT_SECONDS = 60.0
GRADIENT_STEPS = 3
MARGIN_PAIRS = 64
NAMED = 8  # lessons in an error

Validate = Callable[[], Mapping[str, float]]


class Halt(Exception):
    """Raised by `validate`: what `words` say must not go on. The weights that validated best before are restored."""

    def __init__(self, words: str, values: Mapping[str, float]) -> None:
        super().__init__(words)
        self.words, self.values = words, values


@dataclass(frozen=True)
class Step:
    """One optimiser step: losses in nats per token (or pair), the gradient's norm before clipping, speed."""

    step: int
    steps: int
    loss: float
    parts: Mapping[str, float]
    learning_rate: float
    gradient_norm: float
    tokens: int
    tokens_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class Validation:
    """What `validate` returned after `step` steps; `best`: its weights are those to end with, as far as is known."""

    step: int
    values: Mapping[str, float]
    best: bool


@dataclass(frozen=True)
class Notice:
    """Something a person should know: packing switched off, a run resumed, stopped early."""

    words: str


Event = Step | Validation | Notice


@dataclass
class Training:
    """What `train` needs besides the learner and the lessons. `strategy` is resolved: no auto, no sentinel.

    `metric` is a key of what `validate` returns; higher is better. Without `validate` the last weights are kept.
    `newer_wins` keeps the later of two equally good weights: what was taught stays where it costs nothing.
    `remembered`: the teacher "start" is what the learner was told to remember before, not the model as it is now.
    `earlier`: how many lessons stand before these in the file of lessons. `restore`: end with the weights that
    validated best; else with the last ones, and the best are left in the folder.
    """

    strategy: StrategyPart
    objective: Objective = field(default_factory=Objective)
    seed: int = 0
    folder: Path | None = None
    validate: Validate | None = None
    metric: str = ""
    newer_wins: bool = False
    remembered: bool = False
    earlier: int = 0
    restore: bool = True


def train(learner: Learner, lessons: Sequence[Lesson], training: Training) -> Iterator[Event]:
    """Teach `lessons`; afterwards the learner holds the weights that validated best (or the last: strategy.keep).

    Raises DataError where a lesson has nothing to learn, TrainingFault on a loss that is not finite, RunError where
    the folder holds a checkpoint of something else, KeyboardInterrupt after Ctrl-C (a checkpoint is written first).
    """
    if not lessons:
        raise DataError("there is nothing to learn: no lesson", fix="check the data and the method's output")
    yield from _Loop(learner, lessons, training).run()


class _Loop:
    """One training in progress."""

    def __init__(self, learner: Learner, lessons: Sequence[Lesson], training: Training) -> None:
        self.learner, self.lessons, self.training = learner, list(lessons), training
        self.strategy = training.strategy
        if hasattr(learner, "expect"):
            learner.expect(self.lessons)
        self.named = learner.core.parameters()
        self.items = [self._item(lesson, 0) for lesson in self.lessons]
        self.lengths = [item.views.tokens for item in self.items]
        self.rows = rows_per_step(self.strategy, self.lengths)
        self.per_epoch = -(-len(self.items) // self.rows)
        self.steps = self.strategy.steps or max(1, round(self.strategy.epochs * self.per_epoch))
        self.progress = Progress(self._fingerprint())
        self.epoch = 0
        self.order: list[list[int]] = []
        self.reached: set[str] = set()
        self.pulls = 0
        head: frozenset[str] = getattr(learner, "head", frozenset())
        self.optimizer = optimizer(self.named, self.strategy, learner.core.fast_dtype, head)
        self.average = {name: p.detach().clone() for name, p in self.named} if self.strategy.average else {}

    # ------------------------------------------------------------ the run

    def run(self) -> Iterator[Event]:
        yield from self._begin()
        with _asked_to_stop() as asked:
            saved = time.monotonic()
            while self.progress.step < self.steps and not (self.progress.halted or self._out_of_patience()):
                yield self._step()
                due = self._validation_due()
                if due:
                    yield self._validate()
                if due or asked.is_set() or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
                if asked.is_set():
                    raise KeyboardInterrupt
        if self.progress.halted:
            where = f"step {self.progress.step} of {self.steps}"
            yield Notice(f"stopped at {where}: {self.progress.halted}; the weights that were best before are kept")
        elif self.progress.step < self.steps:
            yield Notice(f"stopped early: no gain in {self.progress.without_gain} validations")
        self._end()

    def _begin(self) -> Iterator[Event]:
        if self._needs("start") and not self.training.remembered:
            self.learner.core.remember("start")
        if self._needs("base"):
            self.learner.core.remember("base")
        self._reference()
        yield from self._choose_packing()
        if self._resume():
            yield Notice(f"resumed after step {self.progress.step} of {self.steps}")
        elif self.training.validate is not None:
            yield self._validate()

    def _end(self) -> None:
        best = None
        restores = self.training.validate is not None and self.training.restore
        if self.training.folder is not None:
            self._save()
            best = checkpoints.load_best(self.training.folder) if restores else None
        elif restores:
            best = self._best_in_memory
        final = best if best is not None else self.average or None
        if final is not None:
            _copy_into(self.named, final)
        self.learner.core.train_mode(False)
        if hasattr(self.learner, "packing"):
            self.learner.packing = False

    def _step(self) -> Step:
        began = time.perf_counter()
        number = self.progress.step
        items = [self.items[i] for i in self._indices(number)]
        torch.manual_seed(self.training.seed * 1_000_003 + number)
        self.learner.core.train_mode(True)
        self.learner.core.mixed = True
        rate = self.strategy.learning_rate * factor(self.strategy.schedule, self.strategy.warmup, number, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("times", 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        parts = self._backward(items)
        norm = self._clip()
        loss = sum(parts.values())
        if not (_finite(loss) and _finite(norm)):
            self._not_finite(loss, norm, number)
        self._check_gradients(norm)
        self.optimizer.step()
        self._update_average()
        self.learner.core.mixed = False
        return self._count(began, items, Step(number + 1, self.steps, loss, parts, rate, norm, 0, 0.0, 0.0, 0.0))

    def _backward(self, items: Sequence[Item]) -> dict[str, float]:
        total = totals(items)
        longest, tokens = [i.views.longest for i in items], [i.views.tokens for i in items]
        packed = bool(getattr(self.learner, "packing", False))
        sums: dict[str, float] = {}
        for piece in pieces(range(len(items)), longest, tokens, self.strategy.micro_tokens, packed):
            parts = losses_of(self.learner, [items[i] for i in piece], self.training.objective, total)
            torch.stack(list(parts.values())).sum().backward()
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value.item()
        return sums

    def _count(self, began: float, items: Sequence[Item], step: Step) -> Step:
        seconds = time.perf_counter() - began
        tokens = sum(item.views.tokens for item in items)
        done = self.progress
        self.progress = replace(done, step=step.step, tokens=done.tokens + tokens, seconds=done.seconds + seconds)
        left = self.progress.seconds / self.progress.step * (self.steps - self.progress.step)
        return replace(
            step,
            tokens=self.progress.tokens,
            tokens_per_second=tokens / max(seconds, 1e-9),
            seconds=self.progress.seconds,
            seconds_left=left,
        )

    # ------------------------------------------------------------ validation and checkpoints

    def _validation_due(self) -> bool:
        every = self.strategy.validate_every or self.per_epoch
        return self.training.validate is not None and (
            self.progress.step % every == 0 or self.progress.step == self.steps
        )

    def _validate(self) -> Validation:
        assert self.training.validate is not None
        self.learner.core.train_mode(False)
        with self._averaged():
            try:
                values = dict(self.training.validate())
            except Halt as halt:
                self.progress = replace(self.progress, halted=halt.words, validated=self.progress.step)
                return Validation(self.progress.step, halt.values, False)
            pairs = [item for item in self.items if item.kernel == "prefer"][:MARGIN_PAIRS]
            between = margin(self.learner, pairs)
            value = values[self.training.metric]
            before = self.progress.best_value
            better = before is None or value > before
            best = better or (self.training.newer_wins and value == before) or self.strategy.keep == "last"
            if best:
                self._keep_best(value)
        if between is not None:
            values["margin"] = between
        gain = 0 if better else self.progress.without_gain + 1
        self.progress = replace(self.progress, without_gain=gain, validated=self.progress.step)
        return Validation(self.progress.step, values, best)

    def _keep_best(self, value: float) -> None:
        self.progress = replace(self.progress, best_value=value, best_step=self.progress.step)
        weights = {name: p.detach() for name, p in self.named}
        if self.training.folder is not None:
            checkpoints.save_best(self.training.folder, self.progress, weights)
        else:
            self._best_in_memory = {name: value.clone() for name, value in weights.items()}

    _best_in_memory: dict[str, torch.Tensor] | None = None

    def _out_of_patience(self) -> bool:
        patience = self.strategy.early_stopping
        return patience > 0 and self.progress.without_gain >= patience

    def _save(self) -> None:
        if self.training.folder is None:
            return
        rest = {
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "reached": sorted(self.reached),
            "pulls": self.pulls,
        }
        checkpoints.save_step(self.training.folder, self.progress, {name: p.detach() for name, p in self.named}, rest)

    def _resume(self) -> bool:
        if self.training.folder is None:
            return False
        found = checkpoints.load_step(self.training.folder, self.progress.fingerprint)
        if found is None:
            return False
        self.progress, weights, rest = found
        _copy_into(self.named, weights)
        self.optimizer.load_state_dict(rest["optimizer"])
        self.average = rest["average"]
        self.reached, self.pulls = set(rest["reached"]), rest["pulls"]
        return True

    # ------------------------------------------------------------ lessons

    def _item(self, lesson: Lesson, draw: int) -> Item:
        seen = views(self.learner, lesson, draw)
        if not seen.student[0].targets:
            raise DataError(
                "a lesson has no token to learn from",
                where=f"lesson {content_id(lesson)}",
                expected="at least one supervised token after truncation",
                fix=f"its answer is {str(to_json(lesson))[:120]!r}; give it an answer, or raise model.max_length",
            )
        return Item(lesson, seen)

    def _indices(self, number: int) -> list[int]:
        epoch = number // self.per_epoch
        if not self.order or epoch != self.epoch:
            if epoch != self.epoch:
                self.items = [self._redrawn(item, epoch) for item in self.items]
            self.epoch = epoch
            # by the longest row, not by all of a lesson's rows: else pairs and anchors would have steps of their own
            longest = [item.views.longest for item in self.items]
            self.order = epoch_steps(longest, self.rows, self.training.seed, epoch)
        return self.order[number % self.per_epoch]

    def _redrawn(self, item: Item, epoch: int) -> Item:
        anew = self.learner.redraws(item.lesson)
        return replace(item, views=views(self.learner, item.lesson, epoch)) if anew else item

    def _needs(self, teacher: str) -> bool:
        pairs = teacher == "start" and any(isinstance(lesson, Prefer) for lesson in self.lessons)
        return pairs or any(isinstance(lesson, Match) and lesson.teacher == teacher for lesson in self.lessons)

    def _reference(self) -> None:
        """log p of every pair before training, once: the model that gave it does not change."""
        places = [i for i, item in enumerate(self.items) if item.kernel == "prefer"]
        if not places:
            return
        self.learner.core.mixed = True
        with self.learner.core.as_teacher("start"):
            scores = self.learner.logps([row for i in places for row in self.items[i].views.student])
        self.learner.core.mixed = False
        for k, i in enumerate(places):
            self.items[i] = replace(self.items[i], reference=(scores[2 * k], scores[2 * k + 1]))

    def _choose_packing(self) -> Iterator[Event]:
        wanted = self.strategy.packing
        if wanted == "off" or not hasattr(self.learner, "packing_is_exact"):
            return
        sample = sorted(self.items, key=lambda item: item.views.tokens)[:4]
        exact = self.learner.packing_is_exact([row for item in sample for row in item.views.student])
        self.learner.packing = exact and (wanted == "on" or _packing_pays(self.lengths))  # type: ignore[attr-defined]
        if wanted == "on" and not exact:
            yield Notice("packing is off: in this architecture packed rows would see each other")

    # ------------------------------------------------------------ safety

    def _clip(self) -> float:
        limit = self.strategy.clip if self.strategy.clip > 0 else float("inf")
        return float(torch.nn.utils.clip_grad_norm_([p for _, p in self.named], limit))

    def _check_gradients(self, norm: float) -> None:
        """Steps without any gradient (anchors at the very start) do not count."""
        if self.pulls >= GRADIENT_STEPS or norm == 0 or len(self.reached) == len(self.named):
            return
        self.pulls += 1
        self.reached |= {name for name, p in self.named if p.grad is not None and bool((p.grad != 0).any())}
        missing = [name for name, _ in self.named if name not in self.reached and "expert" not in name]
        if missing and self.pulls == GRADIENT_STEPS:
            raise TrainingFault(
                f"{len(missing)} trainable tensors got no gradient in {GRADIENT_STEPS} steps, first '{missing[0]}'",
                expected="a finite gradient other than zero for every trainable tensor",
                fix="freeze what is not used (strategy.tuning), or report this architecture",
            )

    def _not_finite(self, loss: float, norm: float, number: int) -> None:
        """Lessons are numbered as they came, from 1: so they stand in a run's file of lessons, one to a line."""
        places = sorted(self._indices(number))
        first = 1 + self.training.earlier
        names = ", ".join(f"{i + first} ({content_id(self.lessons[i])})" for i in places[:NAMED])
        raise TrainingFault(
            f"the loss is {loss} and the gradient's norm {norm} at step {number + 1}",
            where=f"lessons (lines of the lessons' file) {names}{' ...' if len(places) > NAMED else ''}",
            expected="finite numbers",
            fix="lower strategy.learning_rate (or raise warmup); the last good checkpoint is kept, this step undone",
        )

    def _update_average(self) -> None:
        decay = min(self.strategy.average, (1 + self.progress.step) / (10 + self.progress.step))
        with torch.no_grad():
            for name, p in self.named if self.average else []:
                self.average[name].lerp_(p, 1 - decay)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        now = {name: p.data for name, p in self.named}
        for name, p in self.named if self.average else []:
            p.data = self.average[name]
        try:
            yield
        finally:
            for name, p in self.named:
                p.data = now[name]

    def _fingerprint(self) -> str:
        text = sha256()
        for lesson in self.lessons:
            text.update(content_id(lesson).encode())
        settings = [asdict(self.training.objective), self.strategy.model_dump(), self.training.seed]
        shapes = [(name, tuple(p.shape), float(p.detach().double().sum())) for name, p in self.named]
        text.update(repr([settings, shapes, self.lengths]).encode())
        return text.hexdigest()[:16]


def _packing_pays(lengths: Sequence[int]) -> bool:
    return max(lengths) >= 2 * (sum(lengths) / len(lengths))


def _copy_into(named: Sequence[tuple[str, torch.nn.Parameter]], weights: Mapping[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, p in named:
            p.copy_(weights[name])


def _finite(value: float) -> bool:
    return value == value and abs(value) != float("inf")


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C, which is then no longer fatal; a second one is."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(_signal: int, _frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
