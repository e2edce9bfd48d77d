"""Each comment and what became of it.

Decided here:
- Every comment ends in a state that its author can see, in words. One of which nothing is known is waiting.
- A comment that was heeded is no better shown than one that was not; what is not shown is counted by state.
- Where many comments have to share the page, every state keeps its share of the places.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sayso.records import Feedback, Imitate, Lesson, Match, Outcome, Prefer, State
from sayso.report.contents import Contents
from sayso.report.diff import Parts, around_change, clipped, diff
from sayso.report.figures import some

SHOWN = 40
CLIP = 160
WORDS = 240
STATES: dict[State, tuple[str, str]] = {
    State.HEEDED: ("Heeded", "the answer is now as asked for, or closer to it; the reason says how that is known"),
    State.NOT_HEEDED: ("Not heeded", "the model still does what the comment is about"),
    State.CANNOT_TELL: ("Cannot tell", "the answer changed or not, but nothing says whether it heeds the comment"),
    State.HELD_OUT: ("Held out", "kept as a test; nothing was learnt from it"),
    State.REFUSED: ("Refused", "nothing was learnt from it, for the reason given"),
    State.WAITING: ("Waiting", "not learnt from yet"),
}
AUTHORS = {
    "person": "a person",
    "critic": "a critic",
    "program": "a program",
    "user_turn": "the user's next turn",
    "self": "the model itself",
}


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment with its outcome, clipped for the page."""

    id: str
    state: str
    state_name: str
    words: str
    author: str
    asked: str
    attempt: str  # "" where it is the answer before
    before: Parts
    after: Parts
    revision: str
    why: str
    lessons: str
    scope: str

    @property
    def unchanged(self) -> bool:
        """The same answer before and after."""
        return bool(self.after) and self.before == self.after


@dataclass(frozen=True, slots=True)
class Tally:
    """How many comments ended in a state, and how many of them are shown."""

    state: str
    name: str
    meaning: str
    n: int
    shown: int


@dataclass(frozen=True, slots=True)
class Comments:
    """The section."""

    tallies: tuple[Tally, ...]
    shown: tuple[Comment, ...]
    n: int


def comments(contents: Contents, most: int = SHOWN) -> Comments | None:
    """At most `most` comments; None where nobody said anything."""
    if not contents.feedback:
        return None
    became = lessons_of(contents.lessons.get("learn", ()))
    by_state: dict[State, list[Feedback]] = {state: [] for state in STATES}
    for one in contents.feedback:
        by_state[state_of(contents, one)].append(one)
    places = share_out([len(group) for group in by_state.values()], most)
    shown, tallies = [], []
    for (state, group), room in zip(by_state.items(), places, strict=True):
        shown += [_comment(one, state, contents.outcomes.get(one.id), became.get(one.id, [])) for one in group[:room]]
        if group:
            name, meaning = STATES[state]
            tallies.append(Tally(state.value, name, meaning, len(group), min(room, len(group))))
    return Comments(tuple(tallies), tuple(shown), len(contents.feedback))


def state_of(contents: Contents, one: Feedback) -> State:
    """What became of a comment."""
    outcome = contents.outcomes.get(one.id)
    return outcome.state if outcome else State.WAITING


def sentence(contents: Contents) -> str:
    """The comments' fates in one sentence; "" where there are none."""
    counts = Counter(state_of(contents, one) for one in contents.feedback)
    if not counts:
        return ""
    told = [f"{counts[state]:,} {name.lower()}" for state, (name, _) in STATES.items() if counts[state]]
    return f"Of {some(len(contents.feedback), 'comment')}: {', '.join(told)}."


def lessons_of(lessons: Iterable[Lesson]) -> dict[str, list[Lesson]]:
    """The lessons that each comment became, by its id."""
    found: dict[str, list[Lesson]] = defaultdict(list)
    for lesson in lessons:
        for id_ in lesson.from_ids:
            found[id_].append(lesson)
    return found


def in_words(lessons: Sequence[Lesson]) -> str:
    """What lessons teach: "1 answer to imitate, 2 preferences"."""
    kinds = {Imitate: ("answer to imitate", "answers to imitate"), Prefer: ("preference", "preferences")}
    kinds |= {Match: ("belief to match", "beliefs to match")}
    counts = Counter(type(lesson) for lesson in lessons)
    return ", ".join(some(counts[kind], *names) for kind, names in kinds.items() if counts[kind])


def share_out(sizes: Sequence[int], places: int) -> list[int]:
    """Places for groups of these sizes: all, if they fit; else small groups whole and the rest alike.

    The sum is at most `places`, no group gets more than its size, and a place is left only where all are served.
    """
    given = [0] * len(sizes)
    while places > 0 and (hungry := [i for i, size in enumerate(sizes) if given[i] < size]):
        each = max(1, places // len(hungry))
        for i in hungry:
            more = min(each, sizes[i] - given[i], places)
            given[i] += more
            places -= more
    return given


def _comment(one: Feedback, state: State, outcome: Outcome | None, became: Sequence[Lesson]) -> Comment:
    texts = around_change(outcome.before, outcome.after, CLIP) if outcome else ("", "")
    before, after = diff(*texts)
    return Comment(
        id=one.id,
        state=state.value,
        state_name=STATES[state][0],
        words=clipped(one.comment, WORDS),
        author=AUTHORS[one.author.kind] + (f", {clipped(one.author.id, 60)}" if one.author.id else ""),
        asked=clipped(one.prompt[-1].text, CLIP) if one.prompt else "",
        attempt="" if outcome and outcome.before == one.attempt.text else clipped(one.attempt.text, CLIP),
        before=before,
        after=after,
        revision=clipped(one.revision or "", CLIP),
        why=clipped(outcome.why, CLIP) if outcome else "",
        lessons=in_words(became),
        scope={"rule": f"wherever {one.scope.when}", "everywhere": "everywhere"}.get(one.scope.reach, ""),
    )
