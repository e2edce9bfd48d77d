"""A model that is taught one house's comments, measured, and brought back to what it was.

Decided here:
- Teaching is what `sayso learn` does: in each of its rounds the method writes lessons, the preset for this model and
  number of lessons fills what is left open, the loop teaches. Without validation the last weights are the result.
- Every house starts from the same weights: they are remembered once and put back.
- A method that finds words to stand in the prompt is given all comments of the house again when more come, for a
  prompt forgets what it no longer says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sayso.errors import UnsupportedError
from sayso.records import Example, Feedback, Lesson, Messages
from sayso.wording import language_of_context, with_standing

if TYPE_CHECKING:
    from sayso.models.open import AnyLearner
    from sayso.protocols import Material, Syllabus
    from sayso.recipe import Recipe

UNTAUGHT = "untaught"
Says = Callable[[Feedback, str], str | None]


class Pupil:
    """One model and one method."""

    def __init__(self, learner: AnyLearner, recipe: Recipe, method: str) -> None:
        from sayso.cli.knobs import knobs_of
        from sayso.rooms import find

        self.learner, self.recipe, self.name = learner, recipe, method
        self.method: Any = find("methods", method)
        self.knobs = knobs_of(self.method, recipe.learn.knobs, f"learn -> knobs of {method}")
        self.task = find("tasks", "generate").task(recipe.task, ())
        self.standing: Mapping[str, str] = {}
        self.heard: tuple[Feedback, ...] = ()
        for name in (UNTAUGHT, "base"):
            learner.core.remember(name)

    def forget(self) -> None:
        """Back to the weights that it came with."""
        import torch

        self.standing, self.heard = {}, ()
        with torch.no_grad():
            for name, p in self.learner.core.parameters():
                p.copy_(self.learner.core.snapshots[UNTAUGHT][name])

    def teach(
        self, feedback: Sequence[Feedback], examples: Sequence[Example], seed: int, critic: Says | None = None
    ) -> None:
        """Learn these comments, on top of what it has learnt. UnsupportedError where the method can use none.

        `critic` says what there is to say of a new answer to a comment's prompt.
        """
        from sayso.cli.learn import fits
        from sayso.cli.rounds import material_of, rounds_of
        from sayso.protocols import Material

        learner, learn = self.learner, self.recipe.learn
        self.heard = (*(self.heard if self.standing else ()), *feedback)
        speaks = (self.task, learner.kind, learner, seed, learn.replay, fits(learner), critic)
        material = Material(self.heard, tuple(examples), *speaks, rounds=rounds_of(learn, self.method))
        learner.core.remember("start")
        found = [self._round(material_of(material, number)) for number in range(material.rounds)]
        if not any(one.lessons or one.standing for one in found):  # that no words are better than any is an answer too
            reasons = "; ".join(sorted(set(found[-1].refused.values())))[:200]
            raise UnsupportedError(f"the method '{self.name}' can use none of the comments: {reasons}")
        self.standing = found[-1].standing

    def _round(self, material: Material) -> Syllabus:
        from sayso.material import syllabus

        written = syllabus(self.method, material, self.knobs)
        self._train(written.lessons, material.seed)
        return written

    def _train(self, lessons: Sequence[Lesson], seed: int) -> None:
        from sayso.learn.loop import Training, train
        from sayso.presets import resolve

        if lessons:
            parameters = sum(p.numel() for p in self.learner.core.model.parameters())
            asked = self.recipe.learn.strategy
            strategy = resolve(asked, self.learner.kind, len(lessons), parameters, stage="learn")
            training = Training(strategy, self.method.objective(self.knobs), seed, remembered=True)
            for _ in train(self.learner, lessons, training):
                pass

    def prompt(self, prompt: Messages) -> Messages:
        """The prompt with the words that this method wants to stand in it."""
        language = language_of_context(prompt)
        words = self.standing.get(language, "") if self.standing else self.method.standing(self.knobs, language)
        return with_standing(prompt, words)

    def drift(self, answered: Sequence[tuple[Messages, str]]) -> list[tuple[float, int]]:
        """KL per answer of the untaught model, summed over its tokens, and how many they are."""
        from sayso.models.divergence import divergences

        now = [(self.prompt(prompt), answer) for prompt, answer in answered]
        return divergences(self.learner, UNTAUGHT, answered, now)
