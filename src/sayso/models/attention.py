"""What attended to what: softmax(QK^T / sqrt(d)) as the model itself computed it, for every layer and head.

Decided here:
- The weights are those of the model's own forward pass over the very tokens that it is trained on and answers with,
  positions, grouped heads, windows and masks included; nothing is computed again beside it.
- Between words instead of tokens: a word looks as its tokens do on average, and is looked at as all of them together
  (Clark et al. 2019, arXiv 1906.04341, section 4.1), so what a word looks at still adds up to 1.
- A map shows where information could flow, not which word counted: that is attribution.py's question.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sayso.errors import UnsupportedError, UserError
from sayso.models.attribution import Explainable, answer_words, pieces_of
from sayso.models.decoder import Decoder
from sayso.models.encoder_decoder import EncoderDecoder
from sayso.models.words import Piece
from sayso.reasons import Grid
from sayso.records import Messages, Row

KINDS = {
    "attentions": "attention",
    "encoder_attentions": "attention in the encoder",
    "decoder_attentions": "attention in the decoder",
    "cross_attentions": "attention from the answer to the source",
}


def weights_of(learner: Explainable, row: Row) -> dict[str, torch.Tensor]:
    """By kind, the attention of one row: weights_YHTS over Y layers, H heads, T tokens that look, S looked at.

    UnsupportedError for an architecture that has no such weights to show.
    """
    batch = learner.batch([row])
    learner.core.train_mode(False)
    with torch.no_grad(), learner.core.attending("eager"):
        found = learner.core.model(**batch.inputs, output_attentions=True)
    kinds = {name: [layer for layer in found.get(name) or () if layer is not None] for name in KINDS}
    shown = {name: torch.stack([layer[0] for layer in layers]) for name, layers in kinds.items() if layers}
    if not shown:
        raise UnsupportedError(
            f"{type(learner.core.model).__name__} shows no attention weights",
            expected="an architecture with softmax attention in every layer",
        )
    return shown


def maps(learner: Explainable, context: Messages, answer: str, layer: int = 0, head: int = 0) -> list[Grid]:
    """The maps of a layer and a head between words, each kind that the model has; 0 is the mean over all of them.

    UserError for a layer or head that the model does not have; layers and heads count from 1.
    """
    row = learner.row(context, answer)
    read, said = _read(learner, row, context)
    sides = {"encoder_attentions": (read, read), "decoder_attentions": (said, said), "cross_attentions": (said, read)}
    grids = []
    for name, weights_YHTS in weights_of(learner, row).items():
        chosen_TS = _chosen(weights_YHTS, layer, head)
        rows, columns = sides.get(name, (read, read))
        names = [tuple(piece.text for piece in side) for side in (rows, columns)]
        table = between_words(chosen_TS, rows, columns)
        grids.append(Grid(KINDS[name], names[0], names[1], table, layer, head))
    return grids


def between_words(
    weights_TS: torch.Tensor, rows: Sequence[Piece], columns: Sequence[Piece]
) -> tuple[tuple[float, ...], ...]:
    """Mean over the tokens of the word that looks, sum over those of the word that is looked at."""
    summed = torch.stack([weights_TS[:, list(one.places)].sum(1) for one in columns], dim=1)
    meant = torch.stack([summed[list(one.places)].mean(0) for one in rows])
    return tuple(tuple(line) for line in meant.tolist())


# ---------------------------------------------------------------- inside


def _read(learner: Explainable, row: Row, context: Messages) -> tuple[list[Piece], list[Piece]]:
    """What is read, and what an encoder-decoder's answer is read as: shifted by one, behind its start token."""
    if isinstance(learner, Decoder):
        begin = row.at[0] + 1
        told = [
            Piece(p.text, tuple(at + begin for at in p.places), p.said) for p in answer_words(learner, row.targets)
        ]
        return [*pieces_of(learner, row.ids[:begin], context), *told], []
    read = pieces_of(learner, row.ids, context)
    if not isinstance(learner, EncoderDecoder):
        return read, []
    told = [Piece(p.text, tuple(at + 1 for at in p.places), p.said) for p in answer_words(learner, row.targets[:-1])]
    return read, [Piece("→", (0,), False), *told]


def _chosen(weights_YHTS: torch.Tensor, layer: int, head: int) -> torch.Tensor:
    for name, asked, there in (("layer", layer, weights_YHTS.shape[0]), ("head", head, weights_YHTS.shape[1])):
        if not 0 <= asked <= there:
            raise UserError(f"there is no {name} {asked}", expected=f"1 to {there}, or 0 for the mean of all")
    layers = weights_YHTS[layer - 1 : layer] if layer else weights_YHTS
    return (layers[:, head - 1 : head] if head else layers).mean((0, 1))
