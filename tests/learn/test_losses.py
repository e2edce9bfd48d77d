"""Each kernel against a naive loop, what it moves and in which direction, and that no kernel disturbs another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from sayso.errors import Fault, RecipeError, UnsupportedError
from sayso.learn import losses

INF = math.inf
KINDS = get_args(losses.Divergence)
Row = list[float]


def drawn(*shape: int, seed: int = 0, scale: float = 2.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64) * scale


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def gradient(loss: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor) -> torch.Tensor:
    leaf = at.detach().clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(leaf), leaf)
    return found


def stepped(loss: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor, rate: float = 0.1) -> torch.Tensor:
    return at - rate * gradient(loss, at)


# ---------------------------------------------------------------- naive versions: lists, loops, math


def naive_logp(logits: Row) -> Row:
    top = max(logits)
    lse = top + math.log(sum(math.exp(z - top) for z in logits))
    return [z - lse for z in logits]


def naive_imitation(logits: list[Row], targets: list[int], weights: Row, total: float, smoothing: float) -> float:
    loss = 0.0
    for row, target, weight in zip(logits, targets, weights, strict=True):
        logp = naive_logp(row)
        if weight > 0:
            uniform = sum(-value for value in logp) / len(logp)
            loss += weight * ((1 - smoothing) * -logp[target] + smoothing * uniform)
        elif weight < 0:
            loss += -weight * -math.log(sum(math.exp(v) for i, v in enumerate(logp) if i != target))
    return loss / total


def naive_preference(quads: list[Row], weights: Row, total: float, beta: float) -> float:
    loss = 0.0
    for (chosen, rejected, ref_chosen, ref_rejected), weight in zip(quads, weights, strict=True):
        margin = (chosen - ref_chosen) - (rejected - ref_rejected)
        margin = margin if weight >= 0 else -margin
        loss += abs(weight) * -math.log(1 / (1 + math.exp(-beta * margin)))
    return loss / total


def naive_divergence(
    logits: list[Row], teacher: list[Row], weights: Row, total: float, kind: str, top_k: int, temperature: float
) -> float:
    loss = 0.0
    for mine, theirs, weight in zip(logits, teacher, weights, strict=True):
        p = [math.exp(v) for v in naive_logp([z / temperature for z in mine])]
        q = [math.exp(v) for v in naive_logp([z / temperature for z in theirs])]
        if 0 < top_k < len(p):
            best = sorted(range(len(q)), key=lambda i: -q[i])[:top_k]
            p = [p[i] for i in best] + [sum(v for i, v in enumerate(p) if i not in best)]
            q = [q[i] for i in best] + [sum(v for i, v in enumerate(q) if i not in best)]
        m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
        forward = sum(b * math.log(b / a) for a, b in zip(p, q, strict=True))
        reverse = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        to_mean = sum(a * math.log(a / c) + b * math.log(b / c) for a, b, c in zip(p, q, m, strict=True)) / 2
        loss += weight * {"forward": forward, "reverse": reverse, "jsd": to_mean}[kind]
    return loss / total


def naive_policy(
    logits: list[Row], targets: list[int], behaviour: Row, weights: Row, total: float, clip: float
) -> float:
    loss = 0.0
    for row, target, before, advantage in zip(logits, targets, behaviour, weights, strict=True):
        ratio = math.exp(naive_logp(row)[target] - before)
        held = min(max(ratio, 1 - clip), 1 + clip)
        loss -= min(ratio * advantage, held * advantage)
    return loss / total


# ---------------------------------------------------------------- equal to the naive versions

WEIGHTS = st.sampled_from([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0])


@st.composite
def positions(draw: st.DrawFn, weights: st.SearchStrategy[float] = WEIGHTS) -> tuple[Any, ...]:
    n, v = draw(st.integers(1, 6)), draw(st.integers(2, 7))
    seed, scale = draw(st.integers(0, 10**6)), draw(st.sampled_from([0.1, 2.0, 8.0]))
    targets = draw(st.lists(st.integers(0, v - 1), min_size=n, max_size=n))
    weights_N = draw(st.lists(weights, min_size=n, max_size=n))
    return drawn(n, v, seed=seed, scale=scale), drawn(n, v, seed=seed + 1, scale=scale), targets, weights_N


@settings(deadline=None, max_examples=40)
@given(positions(), st.sampled_from([0.0, 0.1, 0.5]))
def test_imitation_is_the_naive_loop(case: tuple[Any, ...], smoothing: float) -> None:
    logits_NV, _, targets, weights = case
    found = losses.imitation(logits_NV, torch.tensor(targets), tensor(*weights), 7.0, smoothing)
    expected = naive_imitation(logits_NV.tolist(), targets, weights, 7.0, smoothing)
    assert found.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(positions(st.sampled_from([0.0, 0.25, 1.0, 3.0])), st.sampled_from(KINDS), st.integers(0, 8))
def test_divergence_is_the_naive_loop(case: tuple[Any, ...], kind: losses.Divergence, top_k: int) -> None:
    logits_NV, teacher_NV, _, weights = case
    temperature = 1.0 + top_k / 4
    found = losses.divergence(logits_NV, teacher_NV, tensor(*weights), 3.0, kind, top_k, temperature)
    both = logits_NV.tolist(), teacher_NV.tolist()
    expected = naive_divergence(*both, weights, 3.0, kind, top_k, temperature)
    assert found.item() == pytest.approx(expected, rel=1e-7, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(positions(), st.sampled_from([0.0, 0.2, 2.0, INF]))
def test_policy_is_the_naive_loop(case: tuple[Any, ...], clip: float) -> None:
    logits_NV, other_NV, targets, weights = case
    before = [naive_logp(row)[target] for row, target in zip(other_NV.tolist(), targets, strict=True)]
    before = [max(value, -10.0) for value in before]
    found = losses.policy(logits_NV, torch.tensor(targets), tensor(*before), tensor(*weights), 2.0, clip)
    expected = naive_policy(logits_NV.tolist(), targets, before, weights, 2.0, clip)
    assert found.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(0, 10**6), st.sampled_from([0.05, 0.1, 1.0]), st.data())
def test_preference_is_the_naive_loop(pairs: int, seed: int, beta: float, data: st.DataObject) -> None:
    weights = data.draw(st.lists(WEIGHTS, min_size=pairs, max_size=pairs))
    quads = drawn(pairs, 4, seed=seed, scale=10.0)
    found = losses.preference(*quads.unbind(1), tensor(*weights), 5.0, beta)
    assert found.item() == pytest.approx(naive_preference(quads.tolist(), weights, 5.0, beta), rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=20)
@given(positions())
def test_sequence_logp_adds_up_the_tokens_of_each_row(case: tuple[Any, ...]) -> None:
    logits_NV, _, targets, _ = case
    row_N = torch.tensor([2 * (i % 2) for i in range(len(targets))])
    found = losses.sequence_logp(losses.token_logp(logits_NV, torch.tensor(targets)), row_N, 3).tolist()
    expected = [0.0, 0.0, 0.0]
    for place, (row, target) in enumerate(zip(logits_NV.tolist(), targets, strict=True)):
        expected[2 * (place % 2)] += naive_logp(row)[target]
    assert found == pytest.approx(expected, rel=1e-9)


# ---------------------------------------------------------------- equal to torch's own


def test_imitation_is_torchs_cross_entropy_with_its_smoothing() -> None:
    logits_NV, targets_N = drawn(9, 5), torch.arange(9) % 5
    found = losses.imitation(logits_NV, targets_N, torch.ones(9), 9.0, 0.2)
    expected = functional.cross_entropy(logits_NV, targets_N, label_smoothing=0.2)
    torch.testing.assert_close(found, expected)


def test_several_labels_are_two_way_logits_over_nothing_and_z() -> None:
    z_BL, held_BL = drawn(4, 3), (drawn(4, 3, seed=1) > 0).long()
    class_weight_L = tensor(1.0, 2.0, 0.5)
    two_way_N2 = torch.stack([torch.zeros(12), z_BL.reshape(-1)], dim=1)
    found = losses.imitation(two_way_N2, held_BL.reshape(-1), class_weight_L.repeat(4), 14.0)
    expected = (
        functional.binary_cross_entropy_with_logits(z_BL, held_BL.double(), class_weight_L, reduction="sum") / 14
    )
    torch.testing.assert_close(found, expected)
    away = losses.imitation(two_way_N2, held_BL.reshape(-1), -class_weight_L.repeat(4), 14.0)
    torch.testing.assert_close(
        away, losses.imitation(two_way_N2, 1 - held_BL.reshape(-1), class_weight_L.repeat(4), 14.0)
    )


def test_forward_divergence_is_torchs_kl_div() -> None:
    logits_NV, teacher_NV = drawn(6, 5), drawn(6, 5, seed=1)
    found = losses.divergence(logits_NV, teacher_NV, torch.ones(6), 6.0, "forward")
    log_p, log_q = logits_NV.log_softmax(1), teacher_NV.log_softmax(1)
    torch.testing.assert_close(found, functional.kl_div(log_p, log_q, reduction="batchmean", log_target=True))


def test_half_precision_logits_are_summed_in_float32() -> None:
    logits_NV, targets_N = drawn(5, 3000).bfloat16(), torch.arange(5)
    exact_N = losses.token_logp(logits_NV.double(), targets_N)
    found_N = losses.token_logp(logits_NV, targets_N)
    assert found_N.dtype == torch.float32
    torch.testing.assert_close(found_N, exact_N.float(), rtol=1e-6, atol=1e-6)
    for kind in KINDS:
        assert losses.divergence(logits_NV, logits_NV * 2, torch.ones(5), 5.0, kind).dtype == torch.float32


# ---------------------------------------------------------------- closed forms


def test_preference_at_the_start_is_log_two_and_pulls_with_half_of_beta() -> None:
    start = tensor(-3.0), tensor(-5.0)
    loss = losses.preference(*start, *start, tensor(1.0), 1.0, 0.3)
    assert loss.item() == pytest.approx(math.log(2))
    pull = gradient(lambda c: losses.preference(c, start[1], *start, tensor(1.0), 1.0, 0.3), start[0])
    assert pull.item() == pytest.approx(-0.3 / 2)


def test_the_pull_of_a_preference_is_beta_times_the_probability_of_being_wrong() -> None:
    margin, beta = 4.0, 0.5
    pull = gradient(
        lambda r: losses.preference(tensor(-1.0), r, tensor(-1.0), tensor(-2.0), tensor(1.0), 1.0, beta),
        tensor(-2.0 - margin),
    )
    assert pull.item() == pytest.approx(beta / (1 + math.exp(beta * margin)))


def test_the_margin_counts_from_the_reference() -> None:
    margin_P = losses.preference_margin(tensor(-1.0, -2.0), tensor(-4.0, -2.0), tensor(-2.0, -1.0), tensor(-3.0, -4.0))
    assert margin_P.tolist() == [2.0, -3.0]


def test_the_gradient_of_unlikelihood_is_bounded_however_sure_the_model_is() -> None:
    for sureness in (0.0, 5.0, 50.0, 1e4):
        logits_NV = tensor(sureness, 0.0, 0.0)[None]
        pull = gradient(lambda z: losses.imitation(z, torch.tensor([0]), tensor(-2.0), 1.0), logits_NV)
        assert pull.abs().max() <= 2.0
        assert pull[0, 0] > 0
        assert pull.sum().item() == pytest.approx(0.0, abs=1e-12)


def test_pushing_away_is_bounded_below_and_then_rests() -> None:
    logits_NV = drawn(1, 4)
    push = lambda z: losses.imitation(z, torch.tensor([2]), tensor(-1.0), 1.0)  # noqa: E731
    before = logits_NV
    for _ in range(300):
        logits_NV = stepped(push, logits_NV, rate=1.0)
    assert 0 <= push(logits_NV).item() < 0.01
    assert logits_NV.abs().max() < before.abs().max() + 20


def test_jsd_is_at_most_log_two_and_symmetric() -> None:
    one_NV, two_NV = tensor(1e4, 0.0)[None], tensor(0.0, 1e4)[None]
    found = losses.divergence(one_NV, two_NV, tensor(1.0), 1.0, "jsd")
    assert found.item() == pytest.approx(math.log(2))
    here, there = drawn(5, 4), drawn(5, 4, seed=3)
    ones = torch.ones(5)
    torch.testing.assert_close(
        losses.divergence(here, there, ones, 5.0, "jsd"), losses.divergence(there, here, ones, 5.0, "jsd")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_teacher_itself_has_no_divergence_and_no_gradient(kind: losses.Divergence) -> None:
    logits_NV = drawn(4, 6)
    for top_k in (0, 2):
        of_itself = lambda z, k=top_k: losses.divergence(z, logits_NV, torch.ones(4), 4.0, kind, k)  # noqa: E731
        assert of_itself(logits_NV).item() == pytest.approx(0.0, abs=1e-12)
        assert gradient(of_itself, logits_NV).abs().max() < 1e-12


@pytest.mark.parametrize("kind", ["forward", "reverse"])
@pytest.mark.parametrize("top_k", [0, 5])
def test_an_anchor_at_its_teacher_has_no_gradient_at_all_even_in_float32(kind: losses.Divergence, top_k: int) -> None:
    """Adam would turn a gradient of rounding errors into steps of full size."""
    logits_NV = drawn(4, 600).float()
    pull = gradient(lambda z: losses.divergence(z, logits_NV, torch.ones(4), 4.0, kind, top_k), logits_NV)
    assert (pull == 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from(KINDS), st.sampled_from([0, 3]), st.sampled_from([1e-4, 1e-2, 1.0]))
def test_no_divergence_is_below_zero(seed: int, kind: losses.Divergence, top_k: int, apart: float) -> None:
    logits_NV = drawn(2, 50, seed=seed).float()
    other_NV = logits_NV + apart * drawn(2, 50, seed=seed + 1).float()
    assert losses.divergence(logits_NV, other_NV, torch.ones(2), 2.0, kind, top_k).item() >= -1e-7


@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_reaches_the_teacher(kind: losses.Divergence) -> None:
    student_NV, teacher_NV = drawn(3, 4).requires_grad_(), drawn(3, 4, seed=1).requires_grad_()
    losses.divergence(student_NV, teacher_NV, torch.ones(3), 3.0, kind).backward()  # type: ignore[no-untyped-call]
    assert teacher_NV.grad is None
    assert student_NV.grad is not None


@pytest.mark.parametrize("kind", KINDS)
def test_more_of_the_top_tells_more_and_all_of_it_is_the_full_vocabulary(kind: losses.Divergence) -> None:
    student_NV, teacher_NV = drawn(5, 8), drawn(5, 8, seed=1)
    told = [losses.divergence(student_NV, teacher_NV, torch.ones(5), 5.0, kind, k).item() for k in (1, 2, 4, 7, 8, 99)]
    full = losses.divergence(student_NV, teacher_NV, torch.ones(5), 5.0, kind).item()
    assert told[:4] == sorted(told[:4])
    assert told[3] == pytest.approx(full)  # with one token left over, the tail is that token
    assert told[4] == told[5] == full


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("top_k", [0, 3])
def test_chunks_change_neither_the_divergence_nor_its_gradient(
    kind: losses.Divergence, top_k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    student_NV, teacher_NV, weights_N = drawn(7, 5), drawn(7, 5, seed=1), tensor(1, 0, 2, 0.5, 1, 1, 3)
    loss = lambda z: losses.divergence(z, teacher_NV, weights_N, 8.5, kind, top_k)  # noqa: E731
    whole, pull = loss(student_NV), gradient(loss, student_NV)
    monkeypatch.setattr(losses, "CHUNK_ELEMENTS", 11)
    torch.testing.assert_close(loss(student_NV), whole)
    torch.testing.assert_close(gradient(loss, student_NV), pull)


def test_at_ratio_one_the_policy_gradient_is_advantage_weighted_imitation() -> None:
    logits_NV, targets_N = drawn(6, 5), torch.arange(6) % 5
    before_N, advantage_N = losses.token_logp(logits_NV, targets_N), tensor(1.0, -2.0, 0.5, 0.0, 3.0, -1.0)
    found = gradient(lambda z: losses.policy(z, targets_N, before_N, advantage_N, 7.5, 0.2), logits_NV)
    plain = gradient(lambda z: -(advantage_N * losses.token_logp(z, targets_N)).sum() / 7.5, logits_NV)
    torch.testing.assert_close(found, plain)
    good_N = advantage_N.clamp(min=0)
    found = gradient(lambda z: losses.policy(z, targets_N, before_N, good_N, 4.5, 0.2), logits_NV)
    torch.testing.assert_close(found, gradient(lambda z: losses.imitation(z, targets_N, good_N, 4.5), logits_NV))


@pytest.mark.parametrize(("shift", "advantage", "moves"), [(1.0, 1.0, False), (1.0, -1.0, True), (-1.0, 1.0, True)])
def test_clipping_stops_only_what_has_gone_far_enough(shift: float, advantage: float, moves: bool) -> None:
    logits_NV, targets_N = drawn(1, 4), torch.tensor([1])
    before_N = losses.token_logp(logits_NV, targets_N) - shift
    pull = gradient(lambda z: losses.policy(z, targets_N, before_N, tensor(advantage), 1.0, 0.2), logits_NV)
    assert bool(pull.abs().max() > 0) is moves


def test_sampled_tokens_give_the_gradient_of_the_reverse_divergence_in_expectation() -> None:
    """grad KL(p || q) = E_p[(log p - log q) grad log p]: every token once, weighted by how often it is drawn."""
    student_V, teacher_V = drawn(6), drawn(6, seed=1)
    log_p_V, log_q_V = student_V.log_softmax(0), teacher_V.log_softmax(0)
    every_V, advantage_V = torch.arange(6), log_p_V.exp() * (log_q_V - log_p_V)
    sampled = gradient(
        lambda z: losses.policy(z.expand(6, 6), every_V, log_p_V, advantage_V, 1.0, 0.2), student_V[None]
    )
    exact = gradient(lambda z: losses.divergence(z, teacher_V[None], tensor(1.0), 1.0, "reverse"), student_V[None])
    torch.testing.assert_close(sampled, exact)


# ---------------------------------------------------------------- what moves; each must fail when the sign is flipped


def imitation_raises_the_target() -> None:
    logits_NV, targets_N, weights_N = drawn(6, 5), torch.arange(6) % 5, tensor(1, 2, 0.5, 1, 3, 1)
    moved_NV = stepped(lambda z: losses.imitation(z, targets_N, weights_N, 8.5), logits_NV)
    assert (losses.token_logp(moved_NV, targets_N) > losses.token_logp(logits_NV, targets_N)).all()


def negative_imitation_lowers_the_target() -> None:
    logits_NV, targets_N, weights_N = drawn(6, 5), torch.arange(6) % 5, -tensor(1, 2, 0.5, 1, 3, 1)
    moved_NV = stepped(lambda z: losses.imitation(z, targets_N, weights_N, 8.5), logits_NV)
    assert (losses.token_logp(moved_NV, targets_N) < losses.token_logp(logits_NV, targets_N)).all()


def preference_widens_the_margin() -> None:
    logits_NV, targets_N, row_N = drawn(8, 5), torch.arange(8) % 5, torch.arange(8) // 2
    weights_P = tensor(1.0, -1.0)

    def answers(z_NV: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logp_B = losses.sequence_logp(losses.token_logp(z_NV, targets_N), row_N, 4)
        return logp_B[0::2], logp_B[1::2]

    start = answers(logits_NV)
    moved = answers(stepped(lambda z: losses.preference(*answers(z), *start, weights_P, 2.0, 0.5), logits_NV))
    margin_P = losses.preference_margin(*moved, *start)
    assert margin_P[0] > 0 > margin_P[1]
    assert moved[0][0] > start[0][0]
    assert moved[1][0] < start[1][0]


def divergence_shrinks() -> None:
    student_NV, teacher_NV, weights_N = drawn(6, 5), drawn(6, 5, seed=1), torch.ones(6)
    for kind in KINDS:
        for top_k in (0, 2):
            moved_NV = stepped(
                lambda z, c=kind, k=top_k: losses.divergence(z, teacher_NV, weights_N, 6.0, c, k), student_NV
            )
            before, after = (
                losses.divergence(z, teacher_NV, weights_N, 6.0, kind, top_k).abs() for z in (student_NV, moved_NV)
            )
            assert after < before


def policy_follows_the_advantage() -> None:
    logits_NV, targets_N = drawn(6, 5), torch.arange(6) % 5
    advantage_N, before_N = tensor(1, -1, 2, -2, 0.5, -0.5), losses.token_logp(logits_NV, targets_N)
    moved_NV = stepped(lambda z: losses.policy(z, targets_N, before_N, advantage_N, 7.0, 0.2), logits_NV)
    assert ((losses.token_logp(moved_NV, targets_N) - before_N).sign() == advantage_N.sign()).all()


MOVES = [
    ("imitation", imitation_raises_the_target),
    ("imitation", negative_imitation_lowers_the_target),
    ("preference", preference_widens_the_margin),
    ("divergence", divergence_shrinks),
    ("policy", policy_follows_the_advantage),
]


@pytest.mark.parametrize(("kernel", "moves"), MOVES, ids=lambda value: getattr(value, "__name__", value))
def test_a_step_moves_it_the_right_way(kernel: str, moves: Callable[[], None]) -> None:
    assert hasattr(losses, kernel)
    moves()


@pytest.mark.parametrize(("kernel", "moves"), MOVES, ids=lambda value: getattr(value, "__name__", value))
def test_a_flipped_sign_is_noticed(kernel: str, moves: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(losses, kernel)
    monkeypatch.setattr(losses, kernel, lambda *args, **named: -right(*args, **named))
    with pytest.raises(AssertionError):
        moves()


# ---------------------------------------------------------------- one shape for all four, for what they have in common

N = 8
TEACHER_N8 = drawn(N, 8, seed=9)
Kernel = Callable[[torch.Tensor, torch.Tensor, float], torch.Tensor]


def pairs_of(logits_NV: torch.Tensor, weights_N: torch.Tensor, total: float) -> torch.Tensor:
    """Each position as the chosen answer against the token after it."""
    targets_N = torch.arange(len(logits_NV)) % 5
    chosen, rejected = losses.token_logp(logits_NV, targets_N), losses.token_logp(logits_NV, (targets_N + 1) % 5)
    return losses.preference(chosen, rejected, chosen * 0 - 1, chosen * 0 - 2, weights_N, total, 0.3)


def towards(kind: losses.Divergence, top_k: int) -> Kernel:
    return lambda z, w, total: losses.divergence(z, TEACHER_N8[:, : z.shape[1]].to(z), w.abs(), total, kind, top_k)


def sampled(logits_NV: torch.Tensor, weights_N: torch.Tensor, total: float) -> torch.Tensor:
    targets_N = torch.arange(len(logits_NV)) % 5
    before_N = torch.linspace(-1.0, -3.0, N, dtype=torch.float64)[: len(logits_NV)].to(logits_NV)
    return losses.policy(logits_NV, targets_N, before_N, weights_N, total, 0.2)


KERNELS: dict[str, Kernel] = {
    "imitation": lambda z, w, total: losses.imitation(z, torch.arange(len(z)) % 5, w, total),
    "imitation, smoothed": lambda z, w, total: losses.imitation(z, torch.arange(len(z)) % 5, w, total, 0.1),
    "preference": pairs_of,
    "forward": towards("forward", 0),
    "reverse": towards("reverse", 0),
    "jsd": towards("jsd", 0),
    "forward, top 2": towards("forward", 2),
    "reverse, top 2": towards("reverse", 2),
    "jsd, top 2": towards("jsd", 2),
    "policy": sampled,
}
every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
WEIGHTS_N = tensor(1.0, -2.0, 0.5, 0.0, 1.5, -1.0, 3.0, 1.0)


@every_kernel
def test_gradcheck(kernel: Kernel) -> None:
    leaf = drawn(N, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: kernel(z, WEIGHTS_N, 10.0), leaf)


def test_gradcheck_through_recomputed_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "CHUNK_ELEMENTS", 11)
    for kernel in (KERNELS["jsd"], KERNELS["reverse, top 2"]):
        assert torch.autograd.gradcheck(lambda z, k=kernel: k(z, WEIGHTS_N, 10.0), drawn(N, 5).requires_grad_())


@every_kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_extreme_logits_stay_finite(kernel: Kernel, dtype: torch.dtype) -> None:
    logits_NV = (drawn(N, 5).sign() * 1e4).to(dtype).requires_grad_()
    loss = kernel(logits_NV, WEIGHTS_N.float(), 10.0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits_NV.grad is not None
    assert loss.isfinite()
    assert logits_NV.grad.isfinite().all()


@every_kernel
def test_forbidden_tokens_stay_out_of_it(kernel: Kernel) -> None:
    """Columns of -inf: the loss is that of the smaller vocabulary and they get no gradient."""
    logits_NV = drawn(N, 5)
    wider_NV = torch.cat([logits_NV, torch.full((N, 3), -INF)], dim=1)
    loss, pull = kernel(wider_NV, WEIGHTS_N, 10.0), gradient(lambda z: kernel(z, WEIGHTS_N, 10.0), wider_NV)
    torch.testing.assert_close(loss, kernel(logits_NV, WEIGHTS_N, 10.0))
    assert pull.isfinite().all()
    assert (pull[:, 5:] == 0).all()
    torch.testing.assert_close(pull[:, :5], gradient(lambda z: kernel(z, WEIGHTS_N, 10.0), logits_NV))


def test_what_the_teacher_forbids_is_not_compared() -> None:
    student_NV, teacher_NV = drawn(2, 5), drawn(2, 5, seed=1)
    teacher_NV[0, 3] = -INF
    student_NV[1, 2] = -INF
    for kind in KINDS:
        for top_k in (0, 2, 4):
            loss = lambda z, c=kind, k=top_k: losses.divergence(z, teacher_NV, torch.ones(2), 2.0, c, k)  # noqa: E731
            assert loss(student_NV).isfinite()
            assert gradient(loss, student_NV).isfinite().all()


def test_a_target_that_is_forbidden_cannot_be_learnt_but_can_be_avoided() -> None:
    logits_NV = tensor(1.0, -INF, 0.0)[None]
    target_N = torch.tensor([1])
    assert losses.imitation(logits_NV, target_N, tensor(1.0), 1.0).item() == INF
    assert losses.imitation(logits_NV, target_N, tensor(-1.0), 1.0).item() == pytest.approx(0.0)
    assert losses.imitation(logits_NV, target_N, tensor(0.0), 1.0).item() == 0.0


@every_kernel
def test_rows_without_weight_change_nothing_even_where_they_are_broken(kernel: Kernel) -> None:
    live = WEIGHTS_N != 0
    logits_NV = drawn(N, 5)
    broken_NV = logits_NV.clone()
    broken_NV[~live] = math.nan
    pull = gradient(lambda z: kernel(z, WEIGHTS_N, 10.0), broken_NV)
    torch.testing.assert_close(kernel(broken_NV, WEIGHTS_N, 10.0), kernel(logits_NV, WEIGHTS_N, 10.0))
    torch.testing.assert_close(pull[live], gradient(lambda z: kernel(z, WEIGHTS_N, 10.0), logits_NV)[live])


def test_a_pair_without_weight_gets_no_gradient_even_where_it_is_broken() -> None:
    scores_P = tensor(-1.0, math.nan, -INF)
    pull = gradient(
        lambda c: losses.preference(c, scores_P, scores_P, scores_P, tensor(1.0, 0.0, 0.0), 1.0, 0.1), scores_P
    )
    assert pull[0] < 0
    assert pull[1:].tolist() == [0.0, 0.0]


@every_kernel
def test_a_step_in_which_nothing_has_weight_is_zero_with_a_gradient(kernel: Kernel) -> None:
    pull = gradient(lambda z: kernel(z, torch.zeros(N), 0.0), drawn(N, 5))
    assert kernel(drawn(N, 5), torch.zeros(N), 0.0).item() == 0.0
    assert (pull == 0).all()


# ---------------------------------------------------------------- accumulation, and kernels side by side


class Tiny(torch.nn.Module):
    """Enough of a network that gradients of parameters, not only of logits, are compared."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.body = torch.nn.Linear(4, 5).to(dtype)
        with torch.no_grad():
            self.body.weight.copy_(drawn(5, 4, scale=0.5))
            self.body.bias.copy_(drawn(5, seed=1))

    def forward(self, seen_NH: torch.Tensor) -> torch.Tensor:
        return self.body(torch.tanh(seen_NH))  # type: ignore[no-any-return]


def accumulated(kernel: Callable[..., torch.Tensor], pieces: int, dtype: torch.dtype) -> torch.Tensor:
    """The gradient of a step of eight rows of unlike length, cut into `pieces`; nan-free by construction."""
    net, seen = Tiny(dtype), drawn(20, 4, seed=2).to(dtype)
    row_N = torch.tensor([0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 5, 5, 6, 6, 6, 7])
    weights_N = drawn(20, seed=3).to(dtype)
    weights_N[[4, 9]] = 0
    total = weights_N.abs().sum().item()
    for part in torch.arange(8).chunk(pieces):
        own_N = torch.isin(row_N, part)
        kernel(net(seen[own_N]), (torch.arange(20) % 5)[own_N], weights_N[own_N], total, own_N).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])


BEFORE_N, TEACHER_NV = drawn(20, seed=5).abs().neg() - 1, drawn(20, 5, seed=6)
PIECEWISE: dict[str, Callable[..., torch.Tensor]] = {
    "imitation": lambda z, t, w, total, own: losses.imitation(z, t, w, total, 0.1),
    "policy": lambda z, t, w, total, own: losses.policy(z, t, BEFORE_N[own].to(z), w, total, 0.2),
    "divergence": lambda z, t, w, total, own: losses.divergence(
        z, TEACHER_NV[own].to(z), w.abs(), total, "reverse", 2
    ),
    "preference": lambda z, t, w, total, own: losses.preference(
        losses.token_logp(z, t), losses.token_logp(z, (t + 1) % 5), *BEFORE_N[own].to(z).expand(2, -1), w, total, 0.1
    ),
}


@pytest.mark.parametrize("kernel", PIECEWISE.values(), ids=PIECEWISE)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_eight_pieces_of_one_row_are_two_of_four(
    kernel: Callable[..., torch.Tensor], dtype: torch.dtype, tolerance: float
) -> None:
    eight, two, one = (accumulated(kernel, pieces, dtype) for pieces in (8, 2, 1))
    assert eight.abs().max() > 1e-3
    torch.testing.assert_close(eight, two, rtol=0, atol=tolerance)
    torch.testing.assert_close(eight, one, rtol=0, atol=tolerance)


@every_kernel
def test_the_tokens_of_another_kernel_do_not_change_this_ones_gradient(kernel: Kernel) -> None:
    """All positions come out of one forward pass; what another kernel learns at its own adds, and never rescales."""
    own_NV, other_MV = drawn(N, 5), drawn(40, 5, seed=7)
    alone = gradient(lambda z: kernel(z, WEIGHTS_N, 10.0), own_NV)
    both = gradient(
        lambda z: kernel(z[:N], WEIGHTS_N, 10.0) + losses.imitation(z[N:], torch.arange(40) % 5, torch.ones(40), 40.0),
        torch.cat([own_NV, other_MV]),
    )
    torch.testing.assert_close(both[:N], alone, rtol=0, atol=0)


@settings(deadline=None, max_examples=30)
@given(positions(), st.integers(1, 5))
def test_any_cut_of_a_step_adds_up(case: tuple[Any, ...], cut: int) -> None:
    logits_NV, _, targets, weights = case
    targets_N, weights_N = torch.tensor(targets), tensor(*weights)
    total = weights_N.abs().sum().item()
    whole = losses.imitation(logits_NV, targets_N, weights_N, total)
    parts = zip(logits_NV.split(cut), targets_N.split(cut), weights_N.split(cut), strict=True)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(sum(losses.imitation(*part, total) for part in parts), whole, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------- what is refused


def test_shapes_that_would_broadcast_are_refused() -> None:
    logits_NV, targets_N = drawn(3, 4), torch.arange(3)
    with pytest.raises(Fault, match=r"\(3, 1\)"):
        losses.imitation(logits_NV, targets_N, torch.ones(3, 1), 3.0)
    with pytest.raises(Fault, match="token_logp"):
        losses.token_logp(logits_NV, torch.arange(2))
    with pytest.raises(Fault, match=r"\(3, 5\)"):
        losses.divergence(logits_NV, drawn(3, 5), torch.ones(3), 3.0)


@pytest.mark.parametrize("total", [math.nan, INF, -1.0])
def test_a_total_that_is_no_total_is_refused(total: float) -> None:
    with pytest.raises(Fault, match="total"):
        losses.imitation(drawn(1, 2), torch.tensor([0]), torch.ones(1), total)


def test_settings_out_of_range_are_refused_and_the_nearest_name_given() -> None:
    logits_NV, targets_N, one = drawn(1, 2), torch.tensor([0]), torch.ones(1)
    with pytest.raises(RecipeError, match="reverse"):
        losses.divergence(logits_NV, logits_NV, one, 1.0, "revers")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="temperature is 0"):
        losses.divergence(logits_NV, logits_NV, one, 1.0, temperature=0)
    with pytest.raises(RecipeError, match="top_k is -1"):
        losses.divergence(logits_NV, logits_NV, one, 1.0, top_k=-1)
    with pytest.raises(RecipeError, match="beta is 0"):
        losses.preference(one, one, one, one, one, 1.0, 0)
    with pytest.raises(RecipeError, match="clip is -1"):
        losses.policy(logits_NV, targets_N, one, one, 1.0, -1)
    with pytest.raises(RecipeError, match="label_smoothing is 1"):
        losses.imitation(logits_NV, targets_N, one, 1.0, 1)
    with pytest.raises(UnsupportedError, match="-1"):
        losses.divergence(logits_NV, logits_NV, -one, 1.0)
