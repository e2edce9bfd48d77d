"""Group-relative policy gradient: answers that are better than the others to the same prompt become more likely.

GRPO, arXiv 2402.03300, eq. 3 without its KL term (anchors take its place); `scale: false` leaves out the division, as
arXiv 2503.20783 does. With a group y_1 .. y_G ~ p(. | x) of rewards R and r = p(y_t | ..) / p when it was drawn,

    A_i = (R_i - mean R) / (std R + 1e-4),    L = - sum_i sum_t min(r A_i, clip(r, 1 - c, 1 + c) A_i) / sum_i |A_i y_i|

The baseline that reads comments only as a verdict: the reward is 1 where who commented has nothing to say of the
answer, else 0; where nobody can be asked, how good it is against the better answer. With `critique` comments are also
read: refinements, drawn with the words in the prompt, join the group (Critique-GRPO, arXiv 2506.03106).
- A group whose answers are all equally good says nothing: it is left out, so that it does not rescale the loss.
- A refinement was not drawn from p(. | x): it has no ratio, and is imitated by its advantage where that is above 0. So
  is every answer of an encoder-decoder, whose targets begin with tokens that were not drawn, and of a model that tells
  no tokens; their worse answers are pushed away by unlikelihood.
- Rounds draw anew, from the model as it then is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, pstdev

from sayso.material import Case, cases, check_kind, kept
from sayso.protocols import Material, Syllabus
from sayso.records import Imitate, Kind, Lesson, Messages, Objective, Reply
from sayso.rollouts import drawn, usable, worth
from sayso.wording import with_comment

KINDS: tuple[Kind, ...] = ("encoder_decoder", "decoder")
ROUNDS = 4
EPSILON = 1e-4
ALIKE = 1e-3  # rewards that differ by less are the same


@dataclass(frozen=True, slots=True)
class Knobs:
    """`group`: answers drawn per comment, at `temperature`; `critique`: refinements of the worse ones join them.

    `scale`: advantages are divided by the group's standard deviation; `clip`: how far the ratio of probabilities
    counts. `anchors`: examples held in place, per comment; `match`: how strongly.
    """

    group: int = 8
    temperature: float = 1.0
    critique: bool = False
    scale: bool = True
    clip: float = 0.2
    anchors: float = 1.0
    match: float = 0.5


def lessons(material: Material, knobs: Knobs) -> Syllabus:
    """One lesson per drawn answer that is better or worse than its group, then replay and anchors."""
    check_kind("reinforce", KINDS, material.kind)
    ready, refused = cases(material)
    rated = [case for case in ready if case.better is not None or material.critic is not None]
    groups = {case.feedback.id: group for case, group in zip(rated, _groups(material, rated, knobs), strict=True)}
    taught: list[Lesson] = []
    reasons: Counter[str] = Counter()
    for case in ready:
        about = _about(material, case, groups.get(case.feedback.id, ()), knobs)
        taught += about
        if not about:
            why = _SILENT if groups.get(case.feedback.id) else _UNRATED
            refused |= dict.fromkeys(case.from_ids, why)
            reasons[why] += 1
    notices = tuple(f"{n} of {len(ready)} comments give nothing to learn: {why}" for why, n in reasons.items())
    beside = kept(material, len(ready) - reasons.total(), knobs.anchors) if taught else []
    return Syllabus((*taught, *beside), refused, notices)


def objective(knobs: Knobs) -> Objective:
    """The clipped ratio, and the anchors beside it."""
    return Objective(match=knobs.match, clip=knobs.clip)


def standing(knobs: Knobs, language: str) -> str:
    """Nothing stands in the prompt."""
    del knobs, language
    return ""


def advantages(rewards: Sequence[float], scale: bool = True) -> list[float]:
    """How much better than the group each answer is; all 0 in a group whose rewards are alike."""
    if not rewards or max(rewards) - min(rewards) < ALIKE:
        return [0.0] * len(rewards)
    mean, spread = fmean(rewards), pstdev(rewards) + EPSILON if scale else 1.0
    return [(reward - mean) / spread for reward in rewards]


_UNRATED = "nobody can say how good an answer is, or no answer that was drawn can be taught"
_SILENT = "all answers that were drawn are equally good"


@dataclass(frozen=True, slots=True)
class _Rollout:
    """One answer, its reward, and whether it was drawn from the prompt that is taught."""

    reply: Reply
    reward: float
    own: bool = True


def _groups(material: Material, rated: Sequence[Case], knobs: Knobs) -> list[list[_Rollout]]:
    """For each case the answers that can be taught, with their rewards."""
    owners = [place for place in range(len(rated)) for _ in range(knobs.group)]
    groups: list[list[_Rollout]] = [[] for _ in rated]
    prompts = [rated[place].context for place in owners]
    for own in (True, False) if knobs.critique else (True,):
        for place, reply in zip(owners, drawn(material, prompts, knobs.temperature), strict=True):
            reward = worth(material, rated[place], reply) if usable(material, rated[place], reply) else None
            if reward is not None:
                groups[place].append(_Rollout(reply, reward, own))
        worse = [(place, one) for place, group in enumerate(groups) for one in group if one.reward < 1 - ALIKE]
        owners = [place for place, _ in worse]
        prompts = [_told(material, rated[place], one.reply) for place, one in worse]
    return groups


def _told(material: Material, case: Case, reply: Reply) -> Messages:
    """What the model reads to refine an answer: what is said of this one, else what was said of the recorded one."""
    said = (material.critic(case.feedback, reply.text) if material.critic else "") or case.feedback.comment
    return with_comment(case.context, case.attempt if said == case.feedback.comment else reply.text, said)


def _about(material: Material, case: Case, group: Sequence[_Rollout], knobs: Knobs) -> list[Lesson]:
    """A lesson per answer that is better or worse than the others; of refinements only for better ones."""
    taught: list[Lesson] = []
    for one, advantage in zip(group, advantages([one.reward for one in group], knobs.scale), strict=True):
        if not advantage or (not one.own and advantage < 0):
            continue
        lesson = Imitate(case.context, one.reply.text, advantage * case.weight, from_ids=case.from_ids)
        if one.own and material.kind == "decoder":
            lesson = replace(lesson, target_ids=one.reply.token_ids, behaviour_logprobs=one.reply.logprobs)
        taught.append(lesson)
    return taught
