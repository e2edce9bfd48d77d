"""Answers that a method lets the model draw: drawing them, and how good each is.

Decided here:
- Who commented is asked first. A comment's own words, given back, are no judgement of an answer that its author never
  saw, unless a program or a check could have said them; where nobody can be asked, the task's measure against the
  better answer tells (chrF for free text).
- An answer that did not end satisfies nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sayso.errors import UnsupportedError
from sayso.material import Case, as_labels
from sayso.protocols import Material
from sayso.records import Answer, Example, Messages, Reply


def drawn(material: Material, prompts: Sequence[Messages], temperature: float) -> list[Reply]:
    """One answer to each prompt, by the seed. UnsupportedError where there is no model that answers."""
    if material.speaker is None:
        raise UnsupportedError("drawing answers needs a model that answers", fix="choose `imitate`, which needs none")
    sampling = replace(material.task.sampling, temperature=temperature, seed=material.seed, beams=1)
    replies = material.speaker.reply(prompts, sampling) if prompts else []
    labels = [as_labels(material.task, one.text) for one in replies]
    return [one if said is None else replace(one, text=said) for one, said in zip(replies, labels, strict=True)]


def usable(material: Material, case: Case, reply: Reply) -> bool:
    """Whether an answer can be taught: it says something, a label where there are labels, and fits the model."""
    said = as_labels(material.task, reply.text)
    return bool(said and said.strip()) and material.fits(case.context, reply.text)


def content(material: Material, case: Case, reply: Reply) -> bool | None:
    """Whether who commented has nothing to say of another answer; None where nobody can be asked, or could judge."""
    if material.critic is None:
        return None
    said = material.critic(case.feedback, reply.text)
    if said is None:
        return reply.ended
    one = case.feedback
    again = said.strip() == one.comment.strip() and one.author.kind != "program" and not one.checks
    return None if again or not said.strip() else False


def worth(material: Material, case: Case, reply: Reply) -> float | None:
    """How good an answer is, in [0, 1]; None where nobody can be asked and no better answer is known."""
    judged = content(material, case, reply)
    if judged is not None:
        return float(judged)
    if case.better is None:
        return None
    reference = Example(case.feedback.id, case.feedback.prompt, case.better)
    return material.task.grade(reference, Answer(reference.id, reply.text, ended=reply.ended)).value
