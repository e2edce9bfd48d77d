"""No weights change: what people said stands in the prompt, as a short list chosen on the comments themselves.

The rival that training has to beat; after reflective prompt evolution, GEPA, arXiv 2507.19457. With lines S, the
prompts x_f of the comments, and the value v of an answer (its closeness to the better answer, the probability of the
right label, or that the program which commented says nothing),

    S* = argmax_S  mean_f v( y ~ p(. | x_f, S \\ lines that only f wrote) )

so every line is judged on comments that did not write it. The search begins with all lines that fit, or with none
where that is better by `margin`, and takes away or adds one line at a time as long as that is better by `margin` and
answers may be drawn. A line that changes nothing stays: somebody asked for it. Beside the comments' prompts there are
those of examples on which nothing is to change: their gold answers say whether a line reaches too far.
- Where nothing tells a good answer (no better answer, no program), the lines are taken as they are.
- The lines stand where comments stand in every prompt, after the user's last turn, for not every model knows a system
  turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sayso.material import cases, check_kind
from sayso.protocols import Material, Syllabus
from sayso.records import Kind, Objective
from sayso.standing import Line, Trial, elsewhere, lines_of
from sayso.wording import instructions

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")


@dataclass(frozen=True, slots=True)
class Knobs:
    """`lines` and `characters`: the most that stands in a prompt.

    `calls`: answers that may be drawn to compare lists (0: none is compared); `margin`: what counts as better.
    `anchors`: examples per comment on which answers must stay good.
    """

    lines: int = 8
    characters: int = 800
    calls: int = 400
    margin: float = 0.01
    anchors: float = 1.0


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """No lessons but standing words, and which comments they carry."""
    check_kind("prompt", KINDS, material.kind)
    ready, refused = cases(material)
    lines = lines_of(ready, refused)
    asked = [*ready, *elsewhere(material, knobs.anchors)]
    spoken = [language for language in ("zh", "en") if any(language in line.languages for line in lines)]
    trials = [Trial(material, asked, language) for language in spoken]
    share = knobs.calls // max(1, sum(bool(trial.judged) for trial in trials))
    chosen: dict[str, list[Line]] = {}
    worse: set[Line] = set()
    notices = []
    for trial in sorted(trials, key=lambda trial: not trial.judged):  # what one drops, another without judges does too
        own = [line for line in lines if trial.language in line.languages and line not in worse]
        if own:
            chosen[trial.language], found = _search(trial, own, share, knobs)
            worse.update(line for line in own if line not in chosen[trial.language])
            n = len(chosen[trial.language])
            notices.append(f"{trial.language}: {n} of {len(own)} lines stand in the prompt; {found}")
    stand = tuple(dict.fromkeys(id_ for found in chosen.values() for line in found for id_ in line.ids))
    left_out = [id_ for line in lines for id_ in line.ids if id_ not in stand]
    refused |= dict.fromkeys(left_out, "no room is left for it in the prompt, or answers are better without it")
    words = {name: instructions([line.words for line in found], name) for name, found in chosen.items()}
    return Syllabus((), refused, tuple(notices), words, stand)


def objective(knobs: Knobs) -> Objective:
    """Nothing is trained."""
    del knobs
    return Objective()


def standing(knobs: Knobs, language: str) -> str:
    """Nothing but what was found among the comments."""
    del knobs, language
    return ""


# ---------------------------------------------------------------- choosing


def _search(trial: Trial, lines: Sequence[Line], calls: int, knobs: Knobs) -> tuple[list[Line], str]:
    """The lines that stand, and how they were found."""
    fitting: list[Line] = []
    for line in lines:
        fitting += [line] if _fits([*fitting, line], trial.language, knobs) else []
    why = "`calls` allows too few" if trial.judged else "nothing tells a good answer"
    trial.allow(calls, len(lines))
    none, worth = trial.value([]), trial.value(fitting)
    if none is None or worth is None:
        return fitting, f"no answers were compared: {why}"
    chosen, worth = ([], none) if none > worth + knobs.margin else (fitting, worth)
    while True:
        tried = [(trial.value(near), near) for near in _neighbours(chosen, lines, trial.language, knobs)]
        known = [(value, near) for value, near in tried if value is not None]
        best = max(known, key=lambda pair: pair[0], default=(worth, chosen))
        if best[0] <= worth + knobs.margin:
            break
        worth, chosen = best
    compared = f"on {len(trial.judged)} prompts, none with lines that only its own comments wrote"
    return chosen, f"answers are worth {none:.2f} without them and {worth:.2f} with them, {compared}"


def _neighbours(chosen: Sequence[Line], lines: Sequence[Line], language: str, knobs: Knobs) -> Iterator[list[Line]]:
    """The lists with one line less, and those with one more."""
    for line in lines:
        near = [one for one in lines if (one in chosen) != (one is line)]
        if _fits(near, language, knobs):
            yield near


def _fits(lines: Sequence[Line], language: str, knobs: Knobs) -> bool:
    words = instructions([line.words for line in lines], language)
    return len(lines) <= knobs.lines and len(words) <= knobs.characters
