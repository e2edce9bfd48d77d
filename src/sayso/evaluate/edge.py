"""The teacher's edge: is a model that reads a comment closer to what was asked for than the same model without it?

Decided here:
- Three differences, each on the same comments: the comment less none (edge), less another comment (words), less
  "wrong, try again" (content). Only what is left against another comment comes from the words.
- Each is taken of the answers (share) and of the belief in the better answer (nats). An answer changes late and belief
  early, so either may show the edge, and neither may contradict it.
- A model can read where both are better: the words' difference, since only that comes of the words, and the edge,
  since a teacher that knows no more than its pupil teaches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sayso.evaluate.measured import Draw, Measure, Measured, Unit, Values, paired

Sight = Literal["sees", "blind", "cannot tell"]
WITHOUT = "none"
_AGAINST = {
    "edge": (WITHOUT, "the comment read, or none"),
    "words": ("shuffled", "the comment read, or another one"),
    "content": ("vague", "the comment read, or only that it is wrong"),
}
_SIDES = {WITHOUT: "without", "shuffled": "with another comment", "vague": 'with "wrong, try again"'}
_OF: Mapping[Unit, str] = {"share": "answers as asked", "nats": "log p of the better answer"}


@dataclass(frozen=True, slots=True)
class Edge:
    """What was measured, by (edge | words | content, share | nats); what could not be measured is not there."""

    found: Mapping[tuple[str, Unit], Measured]

    @property
    def sight(self) -> Sight:
        """Can the model use the words? Without another comment to compare with, the edge over "wrong" has to say."""
        by = "words" if any(name == "words" for name, _ in self.found) else "content"
        verdicts = {unit: {self.found[by, unit].verdict, self.found["edge", unit].verdict} for unit in self._units(by)}
        worse = any("worse" in each for each in verdicts.values())
        if any(each == {"better"} for each in verdicts.values()) and not worse:
            return "sees"
        return "blind" if verdicts else "cannot tell"

    def _units(self, name: str) -> list[Unit]:
        """The units in which this difference and the edge were measured."""
        return [unit for at, unit in self.found if at == name and ("edge", unit) in self.found]

    @property
    def n(self) -> int:
        """On how many comments, at most."""
        return max((one.n for one in self.found.values()), default=0)


def edge(values: Mapping[Unit, Mapping[str, Values]], draw: Draw) -> Edge:
    """From values[unit][condition][comment's id]; conditions are "none", "right", "shuffled", "vague"."""
    found: dict[tuple[str, Unit], Measured] = {}
    for unit, by_condition in values.items():
        for name, (control, says) in _AGAINST.items():
            measure = Measure(name, f"{_OF[unit]}, {says}", (_SIDES[control], "with it"), unit)
            one = paired(measure, by_condition.get(control, {}), by_condition.get("right", {}), draw)
            if one is not None:
                found[name, unit] = one
    return Edge(found)
