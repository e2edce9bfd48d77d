"""A recipe's critics, each asked with what it needs.

Decided here: a critic that speaks through a model gets the one that its knob `model` names, opened to answer only. It
is another model than the one that learns, and is gone again when the critic has spoken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sayso.errors import UnsupportedError

if TYPE_CHECKING:
    from sayso.protocols import Review, Speaker, Task
    from sayso.recipe import CriticPart, ModelPart
    from sayso.records import Answer, Example


def reviewed(part: CriticPart, task: Task, pairs: Sequence[tuple[Example, Answer]], model: ModelPart) -> Review:
    """What a critic says of these answers. A judge's model is opened on the device of `model`."""
    from sayso.cli.knobs import knobs_of
    from sayso.rooms import find

    critic = find("critics", part.name)
    knobs = knobs_of(critic, part.knobs, f"critic {part.name}")
    speaker = (_speaker(knobs.model, model),) if hasattr(critic, "NEEDS_SPEAKER") and knobs.model else ()
    review: Review = critic.comment(task, pairs, knobs, *speaker)
    return review


def _speaker(name: str, like: ModelPart) -> Speaker:
    """A model at an address, in a folder or of the hub. UnsupportedError for one that does not answer in words."""
    from sayso.endpoint import Endpoint, is_address
    from sayso.models.open import Opening, open_learner
    from sayso.recipe import ModelPart

    if is_address(name):
        return Endpoint.of(name)
    learner = open_learner(ModelPart(name=name, device=like.device), Opening())
    if learner.kind == "encoder":
        raise UnsupportedError(
            f"the judge '{name}' is an encoder, which does not answer in words",
            expected="a decoder or an encoder-decoder that follows instructions",
        )
    return learner
