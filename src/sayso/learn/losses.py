"""The four loss kernels: imitation, preference, divergence, policy. Everything that Sayso teaches goes through them.

Decided here:
- A kernel sees supervised positions only (N positions, V vocabulary, P pairs, B rows) and returns a scalar: the sum of
  weighted terms over `total`. The caller counts `total` (sum of |weight| of this kernel's own terms) over the whole
  step, so a step cut into eight pieces or into two has the same gradient, and kernels never rescale each other.
- A term of weight 0 is left out before anything is computed: not even a NaN in its logits reaches the rest.
- A negative weight means "away", never "minus the loss": minus a likelihood falls for ever and training would chase
  it. Away from a token is unlikelihood, away from a preference is the swapped pair; both are bounded below by 0.
- A logit of -inf says that a token is out of the question (padded vocabulary, forbidden action). It takes part in no
  sum, smoothing or comparison. A target that is itself out of the question cannot be learnt: its loss is inf, which
  the loop stops at.
- All sums are at least in float32, whatever the dtype of the logits. All values are in nats.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Literal, get_args

import torch
from torch.nn.functional import logsigmoid
from torch.utils.checkpoint import checkpoint

from sayso.errors import Fault, RecipeError, UnsupportedError, nearest

Divergence = Literal["forward", "reverse", "jsd"]

CHUNK_ELEMENTS = 1 << 24  # logits of a divergence looked at together: 64 MiB in float32
LARGEST_LOG_RATIO = 20.0  # e^20: two log-probabilities so far apart are not of the same model
_IMPOSSIBLE = -1e30  # stands for -inf where a difference of two of them must stay finite


def token_logp(logits_NV: torch.Tensor, targets_N: torch.Tensor) -> torch.Tensor:
    """log p(target) at each position, in nats: logp_N, float32 (float64 stays float64). Fault where sizes differ."""
    _same_length("token_logp", logits_NV, targets_N)
    return _of_targets(_log_softmax(logits_NV), targets_N)


def sequence_logp(logp_N: torch.Tensor, row_N: torch.Tensor, rows: int) -> torch.Tensor:
    """log p(whole target) of each row, in nats: logp_B[b] = sum of logp_N where row_N == b, 0 without any."""
    _same_length("sequence_logp", logp_N, row_N)
    return logp_N.new_zeros(rows).index_add(0, row_N, logp_N)


def imitation(
    logits_NV: torch.Tensor,
    targets_N: torch.Tensor,
    weights_N: torch.Tensor,
    total: float,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Say the target (weight above 0), or do not (below 0). Scalar, nats per unit of weight.

    w > 0: w * cross-entropy, smoothed as by torch: (1 - e) * -log p(target) + e * mean over v of -log p(v).
    w < 0: |w| * -log(1 - p(target)), the unlikelihood of arXiv 1908.04319, per span as in arXiv 2410.16509. It is 0
    where the token is already impossible and its gradient in any logit is at most |w|, however probable the token is.

    Labels that may hold together are one position each, with two-way logits [0, z] and target 0 or 1: this is binary
    cross-entropy of z, and the negative weight is that of the opposite label.

    Raises Fault where sizes differ, RecipeError for a label_smoothing outside [0, 1).
    """
    _same_length("imitation", logits_NV, targets_N, weights_N)
    _require(0 <= label_smoothing < 1, "label_smoothing", label_smoothing, "at least 0 and below 1")
    weights_N, logits_NV, targets_N = _weighted(weights_N, logits_NV, targets_N)
    logp_NV = _log_softmax(logits_NV)
    cost_N = -_of_targets(logp_NV, targets_N)
    if label_smoothing:
        cost_N = (1 - label_smoothing) * cost_N - label_smoothing * _mean_of_possible(logp_NV)
    away_M = (weights_N < 0).nonzero()[:, 0]
    if away_M.numel():
        cost_N = cost_N.index_put((away_M,), _unlikelihood(logp_NV[away_M], targets_N[away_M]))
    return _share(weights_N.abs() * cost_N, total)


def preference(
    chosen_logp_P: torch.Tensor,
    rejected_logp_P: torch.Tensor,
    ref_chosen_logp_P: torch.Tensor,
    ref_rejected_logp_P: torch.Tensor,
    weights_P: torch.Tensor,
    total: float,
    beta: float,
) -> torch.Tensor:
    """Prefer `chosen` to `rejected`: direct preference optimisation, arXiv 2305.18290 eq. 7. Scalar, nats per pair.

    -log sigmoid(beta * margin), with the margin of `preference_margin`. A weight below 0 prefers the other way round.
    The log-probabilities are of whole answers (`sequence_logp`); those of the reference are constants.

    Raises Fault where sizes differ, RecipeError for a beta that is not above 0.
    """
    four = (chosen_logp_P, rejected_logp_P, ref_chosen_logp_P, ref_rejected_logp_P)
    _same_length("preference", *four, weights_P)
    _require(beta > 0, "beta", beta, "above 0")
    weights_P, *live = _weighted(weights_P, *four)
    margin_P = preference_margin(*live)
    return _share(-weights_P.abs() * logsigmoid(beta * weights_P.sign() * margin_P), total)


def preference_margin(
    chosen_logp_P: torch.Tensor,
    rejected_logp_P: torch.Tensor,
    ref_chosen_logp_P: torch.Tensor,
    ref_rejected_logp_P: torch.Tensor,
) -> torch.Tensor:
    """How much more than the reference the model prefers `chosen` to `rejected`: margin_P in nats, 0 at the start."""
    moved_P = (chosen_logp_P - rejected_logp_P) - (ref_chosen_logp_P - ref_rejected_logp_P).detach()
    return _at_least_float32(moved_P)


def divergence(
    logits_NV: torch.Tensor,
    teacher_logits_NV: torch.Tensor,
    weights_N: torch.Tensor,
    total: float,
    kind: Divergence = "forward",
    top_k: int = 0,
    temperature: float = 1.0,
) -> torch.Tensor:
    """Believe what the teacher believes. Scalar, nats per unit of weight; no gradient reaches the teacher.

    forward: KL(teacher || student), which covers all that the teacher holds possible.
    reverse: KL(student || teacher), which keeps to what the teacher holds likely (arXiv 2306.08543).
    jsd: half of each one's KL to their mean, so at most log 2 (arXiv 2306.13649, generalised JSD with beta 1/2).

    top_k > 0 compares the teacher's k likeliest tokens and, as one more outcome, everything else together. The teacher
    picks them because its choice does not move while the student learns, and because whatever the student holds beyond
    them still counts against it in that last outcome. It is never above the divergence over the full vocabulary, and
    from top_k >= V on the same.

    Both logits are divided by `temperature`; the result is not multiplied by its square, so it stays in nats.
    Positions are looked at in chunks that are computed again in the backward pass: what is kept is the two logits.

    Raises Fault where sizes differ, UnsupportedError for a weight below 0 (two beliefs can be apart without
    bound), RecipeError for an unknown kind, a top_k below 0 or a temperature that is not above 0.
    """
    _same_length("divergence", logits_NV, teacher_logits_NV, weights_N)
    _require(temperature > 0, "temperature", temperature, "above 0")
    _require(top_k >= 0, "top_k", top_k, "0 (all of the vocabulary) or more")
    if kind not in get_args(Divergence):
        raise RecipeError(
            f"no divergence is called {kind!r}", where="objective", fix=nearest(kind, get_args(Divergence))
        )
    if logits_NV.shape != teacher_logits_NV.shape:
        _mismatch("divergence", logits_NV, teacher_logits_NV)
    if bool((weights_N < 0).any()):
        raise UnsupportedError(
            f"a weight of {weights_N.min().item():g} on a comparison with a teacher",
            expected="0 or more: one cannot be asked to believe anything but what a teacher believes",
            fix="say what not to say with a negative weight on an Imitate lesson",
        )
    weights_N, logits_NV, teacher_NV = _weighted(weights_N, logits_NV, teacher_logits_NV.detach())
    terms = partial(_divergences, kind=kind, top_k=top_k, temperature=temperature)
    chunk = max(1, CHUNK_ELEMENTS // logits_NV.shape[1])
    pairs = zip(torch.split(logits_NV, chunk), torch.split(teacher_NV, chunk), strict=True)
    again = partial(checkpoint, terms, use_reentrant=False, preserve_rng_state=False)
    per_chunk = [again(*pair) if len(weights_N) > chunk else terms(*pair) for pair in pairs]
    return _share(weights_N * torch.cat(per_chunk), total)


def policy(
    logits_NV: torch.Tensor,
    targets_N: torch.Tensor,
    behaviour_logp_N: torch.Tensor,
    weights_N: torch.Tensor,
    total: float,
    clip: float,
) -> torch.Tensor:
    """Say sampled tokens more where their advantage `weights_N` is above 0, less where below. Scalar.

    -min(r * A, clip(r, 1 - c, 1 + c) * A), with r = p(target) / p when it was sampled: arXiv 1707.06347 eq. 7 per
    token, as in arXiv 2402.03300 eq. 3 without its KL term. At r = 1 its gradient is that of -A * log p(target).
    `behaviour_logp_N` is log p of the sampled tokens in nats, as it was when they were drawn. r is held below e^20.

    Raises Fault where sizes differ, RecipeError for a clip below 0.
    """
    _same_length("policy", logits_NV, targets_N, behaviour_logp_N, weights_N)
    _require(clip >= 0, "clip", clip, "0 or more")
    weights_N, logits_NV, targets_N, before_N = _weighted(weights_N, logits_NV, targets_N, behaviour_logp_N)
    log_ratio_N = token_logp(logits_NV, targets_N) - before_N.detach()
    ratio_N = log_ratio_N.clamp(max=LARGEST_LOG_RATIO).exp()
    gain_N = torch.minimum(ratio_N * weights_N, ratio_N.clamp(1 - clip, 1 + clip) * weights_N)
    return _share(-gain_N, total)


# ---------------------------------------------------------------- parts of the kernels


def _log_softmax(logits_NV: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(_at_least_float32(logits_NV), dim=-1)


def _at_least_float32(values: torch.Tensor) -> torch.Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _of_targets(logp_NV: torch.Tensor, targets_N: torch.Tensor) -> torch.Tensor:
    return logp_NV.gather(1, targets_N[:, None])[:, 0]


def _mean_of_possible(logp_NV: torch.Tensor) -> torch.Tensor:
    impossible_NV = logp_NV == -math.inf
    return logp_NV.masked_fill(impossible_NV, 0).sum(1) / (~impossible_NV).sum(1)


def _unlikelihood(logp_MV: torch.Tensor, targets_M: torch.Tensor) -> torch.Tensor:
    """-log(1 - p(target)), by summing all the others: 1 - p would round to 0 long before p is 1."""
    return -logp_MV.scatter(1, targets_M[:, None], -math.inf).logsumexp(1)


def _divergences(
    logits_NV: torch.Tensor, teacher_NV: torch.Tensor, kind: str, top_k: int, temperature: float
) -> torch.Tensor:
    student_NK, teacher_NK = _beliefs(logits_NV, teacher_NV, temperature)
    if 0 < top_k < teacher_NK.shape[1]:
        best_NK = teacher_NK.topk(top_k, dim=1).indices
        student_NK, teacher_NK = _bucketed(student_NK, best_NK), _bucketed(teacher_NK, best_NK)
    if kind == "forward":
        return _kl(teacher_NK, student_NK)
    if kind == "reverse":
        return _kl(student_NK, teacher_NK)
    mean_NK = torch.logaddexp(student_NK, teacher_NK) - math.log(2)
    return 0.5 * _kl(teacher_NK, mean_NK) + 0.5 * _kl(student_NK, mean_NK)


def _beliefs(
    logits_NV: torch.Tensor, teacher_NV: torch.Tensor, temperature: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two log-probabilities over the tokens that are possible for both, finite everywhere."""
    impossible_NV = (logits_NV == -math.inf) | (teacher_NV == -math.inf)
    both = (_at_least_float32(z_NV) / temperature for z_NV in (logits_NV, teacher_NV))
    student_NV, told_NV = (_log_softmax(z_NV.masked_fill(impossible_NV, _IMPOSSIBLE)) for z_NV in both)
    return student_NV, told_NV


def _bucketed(logp_NV: torch.Tensor, best_NK: torch.Tensor) -> torch.Tensor:
    """The tokens of best_NK and, last, all others together."""
    tail_N1 = logp_NV.scatter(1, best_NK, _IMPOSSIBLE).logsumexp(1, keepdim=True)
    return torch.cat([logp_NV.gather(1, best_NK), tail_N1], dim=1)


def _kl(logp_NK: torch.Tensor, logq_NK: torch.Tensor) -> torch.Tensor:
    """KL(p || q), with sum(q) - sum(p) = 0 added: no term is below 0, and where p is q the gradient is exactly 0.

    Without it an anchor at its own teacher has a gradient of rounding errors, which Adam would scale up to full steps.
    """
    p_NK = logp_NK.exp()
    return (p_NK * (logp_NK - logq_NK) - p_NK + logq_NK.exp()).sum(1)


# ---------------------------------------------------------------- what all kernels have in common


def _weighted(weights: torch.Tensor, *others: torch.Tensor) -> list[torch.Tensor]:
    """The weights other than 0 and what belongs to them; nothing is copied where there are no others."""
    live = weights != 0
    return [weights, *others] if bool(live.all()) else [part[live] for part in (weights, *others)]


def _share(terms: torch.Tensor, total: float) -> torch.Tensor:
    """This piece's part of the step's loss; 0 in a step where nothing has weight."""
    if not 0 <= total < math.inf:
        raise Fault(f"a kernel's total is {total}", expected="the step's sum of |weight|, finite and not below 0")
    return terms.sum() / (total or 1.0)


def _same_length(where: str, *tensors: torch.Tensor) -> None:
    """Refuse what would broadcast: [N, 1] beside [N] would quietly become [N, N]."""
    first, *rest = tensors
    if any(t.shape[:1] != first.shape[:1] for t in rest) or tensors[-1].dim() != 1:
        _mismatch(where, *tensors)


def _mismatch(where: str, *tensors: torch.Tensor) -> None:
    shapes = " and ".join(str(tuple(t.shape)) for t in tensors)
    raise Fault(
        f"shapes {shapes} do not belong together", where=where, expected="one entry per position or pair in each"
    )


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise RecipeError(f"{name} is {value!r}", where="objective", expected=expected)
