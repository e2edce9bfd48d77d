"""Which words moved an answer: integrated gradients over the input embeddings, checked by deletion and insertion.

Decided here:
- Sundararajan et al. 2017, arXiv 1703.01365, equation 1, as Captum computes it (Gauss-Legendre). Steps are doubled
  until the words' values add up to what they should (the convergence delta) within SETTLED of it; where they do not,
  that is said.
- What is explained of a label is its log-odds against the likeliest other one: what all labels gain alike says
  nothing. Of an answer it is its log-probability, token by token, given the tokens before it.
- "Without a word" is the mask token's embedding where there is one, which the model knows; else the mean of the
  vocabulary, which is nobody's word. Only what somebody said is ever left out, never the template around it.
- The check takes away (puts in) the words that count most first and draws the same for random orders: Petsiuk et al.
  2018, arXiv 1806.07421. An order that is no better than chance explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from sayso.errors import UnsupportedError
from sayso.models.decoder import Decoder
from sayso.models.encoder import Encoder
from sayso.models.encoder_decoder import EncoderDecoder
from sayso.models.words import Piece, joined_values, words_of
from sayso.reasons import Check, Grid, Moved, Word, mean
from sayso.records import Messages, Row

SETTLED = 0.05  # of what is explained
LEAST, MOST = 16, 512  # steps of the integral
TOGETHER = 32  # copies of the row that go through the network at once
POINTS = 12  # of a curve
ORDERS = 20  # random ones
SMALL = 0.05  # nats: with less between all words and none there is nothing to explain
TOKENS = 96  # of an answer that are explained one by one

Explainable = Encoder | Decoder | EncoderDecoder
Curve = tuple[float, ...]
Believed = Callable[[torch.Tensor, Sequence[int]], torch.Tensor]


@dataclass(frozen=True, eq=False)
class View:
    """What a learner reads, as embeddings (T places, D width), with all words and without them.

    `believes(x_BTD, targets)` is log p of each target, [B, N], in nats.
    """

    whole_TD: torch.Tensor
    bare_TD: torch.Tensor
    believes: Believed
    pieces: tuple[Piece, ...]
    targets: tuple[int, ...]
    against: tuple[int, ...] = ()

    def score(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """What is explained: score_B, in nats."""
        value_B = self.believes(x_BTD, self.targets).sum(1)
        return value_B - self.believes(x_BTD, self.against).sum(1) if self.against else value_B


def view_of(learner: Explainable, context: Messages, answer: str, against: str = "") -> View:
    """A learner's view of a context whose `answer` is to be explained, for a label against another one.

    UnsupportedError where the architecture does not take embeddings, or gives them another meaning.
    """
    row = learner.row(context, answer)
    other = learner.row(context, against).targets if against else ()
    ids = row.ids[: row.at[0] + 1] if isinstance(learner, Decoder) else row.ids
    targets = _labels(learner, answer) if isinstance(learner, Encoder) else row.targets
    other = _labels(learner, against) if isinstance(learner, Encoder) and against else other
    pieces = pieces_of(learner, ids, context)
    whole_TD = _embedded(learner, ids)
    bare_TD = whole_TD.clone()
    blank_D = _blank(learner)
    for place in (place for piece in pieces if piece.said for place in piece.places):
        bare_TD[place] = blank_D
    view = View(whole_TD, bare_TD, _believes(learner), tuple(pieces), targets, other)
    _same(learner, ids, view)
    return view


def pieces_of(learner: Explainable, ids: Sequence[int], context: Messages) -> list[Piece]:
    """The words of a prompt's token ids."""
    said = [message.text for message in context]
    text = learner.renderer.prompt_text(context) if isinstance(learner, Decoder) else "\n".join(said)
    return words_of(learner.core.tokenizer, ids, text, said)


def moved_by(view: View, answer: str, against: str = "", seed: int = 0) -> Moved:
    """Which words moved the answer, in nats, with the curves that check it."""
    values, gap, steps, settled = integrated(view.score, view)
    words = _words(view.pieces, values)
    with torch.no_grad():
        whole, bare = view.score(torch.stack([view.whole_TD, view.bare_TD])).tolist()
    return Moved(answer, against, words, whole, bare, gap, steps, settled, _check(view, words, (whole, bare), seed))


def sources_of(learner: Explainable, view: View, seed: int = 0) -> tuple[Grid, Moved]:
    """Which words of the source each word of an answer used, in nats; and the sum of it over the answer."""
    targets = list(view.targets[:TOKENS])
    found = [integrated(_of_token(view, place), view) for place in range(len(targets))]
    columns = [piece for piece in view.pieces if piece.said]
    rows = answer_words(learner, targets)
    values = [joined_values(columns, one[0]) for one in found]
    table = tuple(tuple(sum(values[p][i] for p in row.places) for i in range(len(columns))) for row in rows)
    names = [tuple(one.text for one in part) for part in (rows, columns)]
    grid = Grid("words of the source that each word of the answer used", names[0], names[1], table)
    total = [sum(one[0][place] for one in found) for place in range(len(view.whole_TD))]
    gap, steps = sum(one[1] for one in found), max(one[2] for one in found)
    with torch.no_grad():
        whole, bare = view.score(torch.stack([view.whole_TD, view.bare_TD])).tolist()
    words = _words(view.pieces, total)
    settled = abs(gap) <= SETTLED * max(abs(whole - bare), SMALL)
    text = answer_text(learner, view.targets)
    return grid, Moved(text, "", words, whole, bare, gap, steps, settled, _check(view, words, (whole, bare), seed))


def answer_words(learner: Explainable, targets: Sequence[int]) -> list[Piece]:
    """The words of an answer's token ids, the end token among them."""
    return words_of(learner.core.tokenizer, targets, answer_text(learner, targets))


def answer_text(learner: Explainable, targets: Sequence[int]) -> str:
    """The text of an answer's token ids, as it would be cut into them again."""
    return str(learner.core.tokenizer.decode(list(targets), skip_special_tokens=True))


def integrated(score: Callable[[torch.Tensor], torch.Tensor], view: View) -> tuple[list[float], float, int, bool]:
    """(value of each place in nats, what they do not add up to, steps, whether that is little enough)."""
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(score, multiply_by_inputs=True)
    steps = LEAST
    while True:
        found, delta = method.attribute(
            view.whole_TD[None],
            baselines=view.bare_TD[None],
            n_steps=steps,
            internal_batch_size=TOGETHER,
            return_convergence_delta=True,
        )
        values, gap = found[0].sum(-1).detach().tolist(), float(delta.item())
        settled = abs(gap) <= SETTLED * max(abs(sum(values) - gap), SMALL)
        if settled or steps >= MOST:
            return values, gap, steps, settled
        steps *= 2


# ---------------------------------------------------------------- how each kind is read


def _labels(learner: Encoder, label: str) -> tuple[int, ...]:
    return (learner.places[label],)


def _body(learner: Explainable) -> Any:
    model = learner.core.model
    return model.get_encoder() if isinstance(learner, EncoderDecoder) else model


def _embedded(learner: Explainable, ids: Sequence[int]) -> torch.Tensor:
    with torch.no_grad():
        ids_T = torch.tensor(list(ids), device=learner.core.device)
        found: torch.Tensor = _body(learner).get_input_embeddings()(ids_T[None])[0].detach()
    return found * _scale(learner)


def _scale(learner: Explainable) -> float:
    """Pegasus and Marian multiply what the table gives; a table that does that itself is called scaled."""
    body = _body(learner)
    inside = "Scaled" in type(body.get_input_embeddings()).__name__
    return 1.0 if inside or isinstance(learner, Encoder) else float(getattr(body, "embed_scale", None) or 1.0)


def _blank(learner: Explainable) -> torch.Tensor:
    mask = learner.core.tokenizer.mask_token_id
    if mask is not None and not isinstance(learner, Decoder):
        return _embedded(learner, [mask])[0]
    known = range(min(len(learner.core.tokenizer), learner.core.model.config.vocab_size))
    return _embedded(learner, known).mean(0)


def _believes(learner: Explainable) -> Believed:
    model = learner.core.model.eval()
    if isinstance(learner, Encoder):
        return _of_labels(learner)
    if isinstance(learner, EncoderDecoder):
        return _of_translation(learner)
    embed = model.get_input_embeddings()

    def believes(x_BTD: torch.Tensor, targets: Sequence[int]) -> torch.Tensor:
        said_N = torch.tensor(list(targets), device=x_BTD.device)
        said_BND = embed(said_N[None, :-1]).expand(len(x_BTD), -1, -1)
        read_BTD = torch.cat([x_BTD, said_BND], dim=1)
        logits_BNV = model(inputs_embeds=read_BTD, use_cache=False).logits[:, x_BTD.shape[1] - 1 :]
        return _picked(logits_BNV, said_N)

    return believes


def _of_labels(learner: Encoder) -> Believed:
    def believes(x_BTD: torch.Tensor, targets: Sequence[int]) -> torch.Tensor:
        mask_BT = torch.ones(x_BTD.shape[:2], dtype=torch.long, device=x_BTD.device)
        logits_BL = learner.core.model(inputs_embeds=x_BTD, attention_mask=mask_BT).logits.float()
        chosen_BN: torch.Tensor = (logits_BL if learner.several else logits_BL.log_softmax(-1))[:, list(targets)]
        return chosen_BN

    return believes


def _of_translation(learner: EncoderDecoder) -> Believed:
    def believes(x_BTD: torch.Tensor, targets: Sequence[int]) -> torch.Tensor:
        said_N = torch.tensor(list(targets), device=x_BTD.device)
        shifted = torch.tensor([learner.start, *targets[:-1]], device=x_BTD.device)
        mask_BT = torch.ones(x_BTD.shape[:2], dtype=torch.long, device=x_BTD.device)
        inputs = {"inputs_embeds": x_BTD, "attention_mask": mask_BT, "use_cache": False}
        logits_BNV = learner.core.model(decoder_input_ids=shifted.expand(len(x_BTD), -1), **inputs).logits
        return _picked(logits_BNV, said_N)

    return believes


def _picked(logits_BNV: torch.Tensor, said_N: torch.Tensor) -> torch.Tensor:
    logp_BNV = logits_BNV.float().log_softmax(-1)
    return logp_BNV.gather(2, said_N.expand(len(logp_BNV), -1)[..., None])[..., 0]


def _of_token(view: View, place: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """log p of one token of the answer, given the prompt and the tokens before it."""
    upto = view.targets[: place + 1]
    return lambda x_BTD: view.believes(x_BTD, upto)[:, place]


def _same(learner: Explainable, ids: Sequence[int], view: View) -> None:
    """Embeddings must be read as the tokens are: some architectures scale one and not the other."""
    if isinstance(learner, Encoder):
        return
    with torch.no_grad():
        ours = float(view.believes(view.whole_TD[None], view.targets).sum())
    row = _row_again(learner, ids, view.targets)
    theirs = learner.logps([row])[0]
    if abs(ours - theirs) > 1e-2 * (1 + abs(theirs)):
        raise UnsupportedError(
            f"{type(learner.core.model).__name__} reads embeddings otherwise than the tokens they stand for",
            expected=f"log p {theirs:.4g} of the answer, not {ours:.4g}",
            fix="this architecture's words cannot be explained by gradients; attention maps can be drawn",
        )


def _row_again(learner: Decoder | EncoderDecoder, ids: Sequence[int], targets: Sequence[int]) -> Row:
    weights, n = (1.0,) * len(targets), len(targets)
    if isinstance(learner, Decoder):
        return Row((*ids, *targets), tuple(targets), tuple(range(len(ids) - 1, len(ids) - 1 + n)), weights)
    return Row(tuple(ids), tuple(targets), tuple(range(n)), weights)


# ---------------------------------------------------------------- words and curves


def _words(pieces: Sequence[Piece], values: Sequence[float]) -> tuple[Word, ...]:
    joined = joined_values(pieces, values)
    return tuple(Word(one.text, value, one.said) for one, value in zip(pieces, joined, strict=True))


def _check(view: View, words: Sequence[Word], ends: tuple[float, float], seed: int) -> Check | None:
    """None where there are too few words, or too little lies between all of them and none."""
    said = [i for i, piece in enumerate(view.pieces) if piece.said]
    if len(said) < 3 or abs(ends[0] - ends[1]) < SMALL:
        return None
    sign = 1 if ends[0] > ends[1] else -1
    best = sorted(said, key=lambda i: -sign * words[i].value)
    dice = Random(seed)
    orders = [best, *(dice.sample(said, len(said)) for _ in range(ORDERS))]
    curves = [_curves(view, order, ends) for order in orders]
    (down, up), *others = curves
    ours = mean(up) - mean(down)
    beaten = mean(tuple(float(ours > mean(u) - mean(d)) for d, u in others))
    return Check(down, up, _mean_curve([d for d, _ in others]), _mean_curve([u for _, u in others]), beaten)


def _curves(view: View, order: Sequence[int], ends: tuple[float, float]) -> tuple[Curve, Curve]:
    """Deletion and insertion in this order of words, as shares of the way from none to all."""
    counts = sorted({round(len(order) * i / (POINTS - 1)) for i in range(POINTS)})
    rows = [_mixed(view.whole_TD, view.bare_TD, view, order[:n]) for n in counts]
    rows += [_mixed(view.bare_TD, view.whole_TD, view, order[:n]) for n in counts]
    found: list[float] = []
    with torch.no_grad():
        for begin in range(0, len(rows), TOGETHER):
            found += view.score(torch.stack(rows[begin : begin + TOGETHER])).tolist()
    shares = tuple((value - ends[1]) / (ends[0] - ends[1]) for value in found)
    return _even(shares[: len(counts)]), _even(shares[len(counts) :])


def _mixed(under_TD: torch.Tensor, over_TD: torch.Tensor, view: View, chosen: Sequence[int]) -> torch.Tensor:
    mixed_TD = under_TD.clone()
    places = [place for i in chosen for place in view.pieces[i].places]
    mixed_TD[places] = over_TD[places]
    return mixed_TD


def _even(values: Sequence[float]) -> Curve:
    """The same curve at POINTS places, so that curves over few words and many can be averaged."""
    last = len(values) - 1
    places = [last * i / (POINTS - 1) for i in range(POINTS)]
    return tuple(
        values[int(at)] + (at - int(at)) * (values[min(last, int(at) + 1)] - values[int(at)]) for at in places
    )


def _mean_curve(curves: Sequence[Curve]) -> Curve:
    return tuple(mean(column) for column in zip(*curves, strict=True))
