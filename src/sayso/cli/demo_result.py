"""What the demo's run made of its rules: comments heeded, messages answered by the rule, neighbours left alone, drift.

Decided here:
- A rule is the check that its comments name. A test message says in its row (`check`, `scope`) whether it is in a
  rule's scope or only near it; whether an answer shows what the rule asks is the check's word.
- A neighbour is untouched where the answer does not show the rule's effect, or showed it before anything was learnt.
- The answers that are shown are drawn by their place in the file, the first or last message of a rule's scope, and so
  say nothing but what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sayso.checks import said_of
from sayso.records import Example, Feedback, State

if TYPE_CHECKING:
    from sayso.cli.project import Project

SHOWN = 3


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule: its comments and those heeded; test messages in its scope, and answers that keep it before and after;
    its neighbours, and those untouched."""

    rule: str
    comments: int
    heeded: int
    messages: int
    before: int
    after: int
    neighbours: int
    untouched: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One test message with the answers before and after, and whether each shows what the rule asks."""

    prompt: str
    before: str
    after: str
    kept_before: bool
    kept_after: bool


@dataclass(frozen=True)
class DemoResult:
    """A demo's run, whose stages are done."""

    project: Project

    def as_json(self) -> dict[str, Any]:
        """All figures as plain values; drift in nats per token over `n` answers, of which `same` are word for word."""
        return {
            "rules": [asdict(row) for row in self.rules],
            "answers": [asdict(pair) for pair in self.pairs],
            "drift": self.drift,
        }

    @cached_property
    def rules(self) -> tuple[RuleRow, ...]:
        """In the order of the comments."""
        return tuple(self._row(check, comments) for check, comments in self._by_check.items())

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The first message of one rule, the last of another (the file's languages take turns), and so on."""
        checks = list(self._by_check)[:: max(1, len(self._by_check) // SHOWN)][:SHOWN]
        scoped = [(check, list(self._of(check, "in"))) for check in checks]
        return tuple(self._pair(check, some[-(i % 2)]) for i, (check, some) in enumerate(scoped) if some)

    @cached_property
    def drift(self) -> dict[str, float]:
        """KL(base || learnt) of the base's answers to messages that no rule is about."""
        from sayso.models.divergence import divergences

        project, out = self.project, [one for one in self._examples if one.meta["scope"] == "out"]
        was, now = project.learner("base", training="learn"), project.learner("learn", training="learn")
        now.core.snapshots["start"] = {name: p.detach() for name, p in was.core.parameters()}
        said = [(project.task.context(one, now.kind), self._said[one.id][0]) for one in out]
        sums = divergences(now, "start", said, said)
        tokens = sum(n for _, n in sums)
        same = sum(self._said[one.id][0] == self._said[one.id][1] for one in out)
        return {"nats": sum(value for value, _ in sums) / max(1, tokens), "n": len(out), "same": same}

    # ------------------------------------------------------------ inside

    @cached_property
    def _by_check(self) -> Mapping[str, list[Feedback]]:
        found: dict[str, list[Feedback]] = {}
        for one in self.project.run.feedback():
            for check in one.checks[:1]:
                found.setdefault(check, []).append(one)
        return found

    @cached_property
    def _heeded(self) -> set[str]:
        return {one.feedback for one in self.project.run.outcomes() if one.state is State.HEEDED}

    @cached_property
    def _examples(self) -> Sequence[Example]:
        return self.project.examples("test")

    @cached_property
    def _said(self) -> Mapping[str, tuple[str, str]]:
        before, after = (
            {one.item: one.text for one in self.project.run.answers(stage, "test")} for stage in ("base", "learn")
        )
        return {item: (text, after[item]) for item, text in before.items()}

    def _of(self, check: str, scope: str) -> Iterator[Example]:
        return (one for one in self._examples if (one.meta.get("check"), one.meta["scope"]) == (check, scope))

    def _row(self, check: str, comments: Sequence[Feedback]) -> RuleRow:
        inside = [self._pair(check, one) for one in self._of(check, "in")]
        near = [self._pair(check, one) for one in self._of(check, "near")]
        return RuleRow(
            rule=comments[0].scope.when,
            comments=len(comments),
            heeded=sum(one.id in self._heeded for one in comments),
            messages=len(inside),
            before=sum(one.kept_before for one in inside),
            after=sum(one.kept_after for one in inside),
            neighbours=len(near),
            untouched=sum(one.kept_before or not one.kept_after for one in near),
        )

    def _pair(self, check: str, example: Example) -> Pair:
        said = self._said[example.id]
        before, after = (said_of(check, example.prompt, text) == "" for text in said)
        return Pair(example.prompt[-1].text, *said, before, after)
