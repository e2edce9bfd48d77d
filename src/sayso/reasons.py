"""What an explanation says: which words moved an answer, what attended to what, which comments made it so.

Decided here:
- Everything is plain numbers and texts: a page, a terminal and `--json` are written from the same records.
- A word's value is in nats of what is explained: how much it added to the log-odds of a label, or to the
  log-probability of an answer. The values of all words add up to the whole, but for `gap`.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Word:
    """A word of what the model read (a character where words are not spaced) and what it added, in nats.

    `said` is False for what stands around the words themselves: template, special tokens.
    """

    text: str
    value: float = 0.0
    said: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """Deletion and insertion curves over shares of the words, 1 with all words, 0 with none; beside random orders.

    `deletion` should lie below `deleted_at_random`, `insertion` above `inserted_at_random`. `beats`: the share of
    random orders that this order beats in both areas together.
    """

    deletion: tuple[float, ...]
    insertion: tuple[float, ...]
    deleted_at_random: tuple[float, ...]
    inserted_at_random: tuple[float, ...]
    beats: float

    @property
    def gain(self) -> float:
        """How much better than random, as a mean over both curves and all shares."""
        down = mean(self.deleted_at_random) - mean(self.deletion)
        return (down + mean(self.insertion) - mean(self.inserted_at_random)) / 2


@dataclass(frozen=True, slots=True)
class Moved:
    """Which words moved an answer: `whole` is what was reached with all words, `bare` with none, in nats.

    `against` is the label that was likeliest beside it, "" for an answer in free text. `gap` is the convergence delta:
    what the words' values do not add up to. `settled` says whether it is small enough to believe them.
    """

    answer: str
    against: str
    words: tuple[Word, ...]
    whole: float
    bare: float
    gap: float
    steps: int
    settled: bool
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """What goes from columns to rows: [rows][columns]. `layer` and `head` count from 1; 0 is the mean of all."""

    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    layer: int = 0
    head: int = 0


@dataclass(frozen=True, slots=True)
class Blamed:
    """One comment, or several that stand together, and what it did for an answer.

    `pull` is the inner product of gradients (TracIn), `cosine` the same between directions (GradCos); above 0 pulls
    towards the answer. `effect` is what the answer loses in nats where the model learns without the comment, None
    where that was not tried.
    """

    ids: tuple[str, ...]
    comment: str
    pull: float
    cosine: float
    lessons: int
    effect: float | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Which comments made an answer so. log p of the answer in nats: before the comments, as learnt, learnt again.

    `noise` is how far learning again with other seeds moves it; an effect below that is none. `agreement` is the rank
    correlation of the effects with "pull" and "cosine" over the comments that were left out in turn.
    """

    answer: str
    before: float
    after: float
    again: float | None
    noise: float | None
    blamed: tuple[Blamed, ...]
    agreement: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """One answer, explained as far as was asked."""

    item: str
    stage: str
    prompt: str
    answer: str
    moved: Moved | None = None
    sources: Grid | None = None
    attention: tuple[Grid, ...] = ()
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Overall:
    """How good the explanations of n answers are, and by label the words that moved most: (word, mean, times).

    `settled`: how many converged. `gain` is Check.gain over the `checked` ones, with its interval over items.
    """

    n: int
    settled: int
    checked: int
    gain: float
    interval: tuple[float, float] | None
    beats: float
    words: dict[str, tuple[tuple[str, float, int], ...]] = field(default_factory=dict)


def mean(values: tuple[float, ...]) -> float:
    """The mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0
