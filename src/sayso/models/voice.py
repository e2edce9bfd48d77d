"""A learner heard token by token: several answers at once, each with its own sampling, each to be broken off.

Decided here:
- What runs is what answers elsewhere: `decode` where it fits, else transformers' generate with the settings of
  generate.py; greedily both say the same. What a row says next is chosen here, because generate knows one temperature
  and one seed for all rows.
- A row's draws depend on its seed alone, not on what is answered beside it.
- Beams look at whole answers: such a row is answered first and then heard token by token.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import torch

from sayso.errors import UnsupportedError
from sayso.models import decode
from sayso.models.decoder import Decoder
from sayso.models.encoder_decoder import EncoderDecoder
from sayso.models.generate import inputs_of, settings_of
from sayso.models.open import AnyLearner
from sayso.protocols import Ask, Encoded, Token
from sayso.records import GREEDY, Kind, Messages, Reply, Sampling, user

Heard = Callable[[Sequence[Token]], Collection[int]]


class LearnerVoice:
    """Any learner as a Voice."""

    def __init__(self, learner: AnyLearner) -> None:
        self.learner = learner

    @property
    def kind(self) -> Kind:
        """The learner's."""
        return self.learner.kind

    def reply(self, prompts: Sequence[Messages], sampling: Sampling = GREEDY) -> list[Reply]:
        """One reply per prompt."""
        return self.learner.reply(prompts, sampling)

    def weigh(self, prompts: Sequence[Messages], options: Sequence[str]) -> list[list[float]]:
        """Log-probability of each option as the whole answer."""
        return self.learner.weigh(prompts, options)

    def encoded(self, ask: Ask) -> Encoded:
        """The prompt, cut from the left so that at least half the model's length can be answered."""
        learner = _speaking(self.learner)
        room = min(ask.sampling.max_new_tokens, learner.core.max_length // 2)
        if isinstance(learner, EncoderDecoder):
            row = learner.row(_conversation(ask.prompt), "")
            return Encoded(row.ids, row.cut)
        written = learner.renderer
        write = (
            partial(written.plain_ids, ask.prompt)
            if isinstance(ask.prompt, str)
            else partial(written.prompt_ids, ask.prompt)
        )
        ids = write(room)
        cut = len(write(-(10**9))) - len(ids) if len(ids) >= learner.core.max_length - room else 0
        return Encoded(tuple(ids), cut)

    def speak(self, asks: Sequence[Ask], prompts: Sequence[Encoded], heard: Heard) -> None:
        """Answer all at once, beam searches one after another."""
        learner = _speaking(self.learner)
        drawn = [row for row, ask in enumerate(asks) if ask.sampling.beams == 1]
        for row, ask in enumerate(asks):
            if row not in drawn:
                self._beams(row, ask, heard)
        if not drawn:
            return
        opening = [learner.start, *learner.target_frame[0]] if isinstance(learner, EncoderDecoder) else []
        rows = [_Row(row, asks[row], prompts[row], self._room(learner, prompts[row])) for row in drawn]
        _generate(learner, rows, opening, heard)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer, without special tokens and surrounding space."""
        learner = _speaking(self.learner)
        return learner.decode(ids) if isinstance(learner, EncoderDecoder) else learner.renderer.decode(ids)

    def piece(self, token: int) -> str:
        """The text of one token by itself."""
        return str(self.learner.core.tokenizer.decode([token]))

    def close(self) -> None:
        """Let go of the learner, whoever still holds this voice."""
        del self.learner

    # ------------------------------------------------------------ inside

    @staticmethod
    def _room(learner: Decoder | EncoderDecoder, prompt: Encoded) -> int:
        """Tokens that an answer may have: in a decoder prompt and answer share the model's length."""
        used = 0 if isinstance(learner, EncoderDecoder) else len(prompt.ids)
        return max(1, learner.core.max_length - used)

    def _beams(self, row: int, ask: Ask, heard: Heard) -> None:
        reply = self.learner.reply([_conversation(ask.prompt)], ask.sampling)[0]
        for place, token in enumerate(reply.token_ids):
            final = place == len(reply.token_ids) - 1
            if row in heard([Token(row, token, last=("stop" if reply.ended else "length") if final else "")]):
                return


# ---------------------------------------------------------------- inside


@dataclass
class _Row:
    """One answer under way."""

    number: int
    ask: Ask
    prompt: Encoded
    room: int
    said: list[int] = field(default_factory=list)
    done: bool = False
    dice: Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = Random(f"answer:{self.ask.sampling.seed}")

    def next(self, logits_V: torch.Tensor) -> int:
        """The token that this row says next."""
        sampling = self.ask.sampling
        if sampling.repetition_penalty != 1:
            logits_V = _penalised(logits_V, [*self.prompt.ids, *self.said], sampling.repetition_penalty)
        if sampling.temperature <= 0:
            return int(logits_V.argmax())
        return drawn(logits_V / sampling.temperature, sampling, self.dice.random())

    def ends(self, token: int, ends: Collection[int]) -> Any:
        """Why the answer ends with this token, "" where it does not."""
        if token in ends:
            return "stop"
        return "length" if len(self.said) >= min(self.room, self.ask.sampling.max_new_tokens) else ""


def drawn(logits_V: torch.Tensor, sampling: Sampling, chance: float) -> int:
    """The token at `chance` in [0, 1) of the distribution that top_k and top_p leave, the likeliest first."""
    probs_V, order_V = logits_V.float().softmax(-1).sort(descending=True)
    if sampling.top_k:
        probs_V = probs_V[: sampling.top_k]
    before_V = probs_V.cumsum(-1) - probs_V
    kept = max(1, int((before_V < sampling.top_p).sum()))
    sums = probs_V[:kept].double().cumsum(-1)
    place = int(torch.searchsorted(sums, sums[-1] * chance, right=True))
    return int(order_V[min(place, kept - 1)])


def _generate(learner: Decoder | EncoderDecoder, rows: Sequence[_Row], opening: Sequence[int], heard: Heard) -> None:
    core = learner.core
    words = learner if isinstance(learner, EncoderDecoder) else learner.renderer
    most = max(min(row.room, row.ask.sampling.max_new_tokens) for row in rows)
    chooser = _Chooser(rows, frozenset(words.end_ids), heard)
    core.model.eval()
    if not opening and decode.fits(core):
        decode.Decoding(core).answer([row.prompt.ids for row in rows], most, chooser.chosen)
        return
    inputs, _ = inputs_of(core, [row.prompt.ids for row in rows], opening)
    with torch.no_grad():
        core.model.generate(
            **inputs,
            generation_config=settings_of(core, words, Sampling(max_new_tokens=most), opening),
            logits_processor=[chooser.choose],
            stopping_criteria=[chooser.finished],
        )


class _Chooser:
    """What is asked at every step: first what is said next, then which rows have ended."""

    def __init__(self, rows: Sequence[_Row], ends: frozenset[int], heard: Heard) -> None:
        self.rows, self.ends, self.heard = rows, ends, heard

    def chosen(self, places: Sequence[int], logits_NV: torch.Tensor) -> list[tuple[int, bool]]:
        """The next token of the rows at these places, and whether it is the last. What was chosen is told at once."""
        told: list[Token] = []
        tokens = []
        for place, logits_V in zip(places, logits_NV, strict=True):
            row = self.rows[place]
            tokens.append(0 if row.done else row.next(logits_V))
            if not row.done:
                row.said.append(tokens[-1])
                told.append(self._told(row, tokens[-1], logits_V))
                row.done = bool(told[-1].last)
        stopped = set(self.heard(told)) if told else set()
        for row in self.rows:
            row.done = row.done or row.number in stopped
        return [(token, self.rows[place].done) for place, token in zip(places, tokens, strict=True)]

    def choose(self, _ids_BT: torch.Tensor, logits_BV: torch.Tensor) -> torch.Tensor:
        """The same for transformers' generate: logits that leave each row one token."""
        forced_BV = torch.full_like(logits_BV, float("-inf"))
        for place, (token, _) in enumerate(self.chosen(range(len(self.rows)), logits_BV)):
            forced_BV[place, token] = 0.0
        return forced_BV

    def finished(self, _ids_BT: torch.Tensor, _scores: Any, **_: Any) -> torch.Tensor:
        """Which rows have ended."""
        return torch.tensor([row.done for row in self.rows], device=_ids_BT.device)

    def _told(self, row: _Row, token: int, logits_V: torch.Tensor) -> Token:
        logp_V = logits_V.float().log_softmax(-1)
        best = logp_V.topk(min(row.ask.alternatives, len(logp_V)))
        others = tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))
        return Token(row.number, token, float(logp_V[token]), others, row.ends(token, self.ends))


def _penalised(logits_V: torch.Tensor, seen: Sequence[int], penalty: float) -> torch.Tensor:
    """As transformers does it: what stands in the prompt or was said already is made less likely."""
    places = torch.tensor(sorted(set(seen)), device=logits_V.device)
    values = logits_V[places]
    return logits_V.scatter(0, places, torch.where(values < 0, values * penalty, values / penalty))


def _speaking(learner: AnyLearner) -> Decoder | EncoderDecoder:
    if isinstance(learner, Decoder | EncoderDecoder):
        return learner
    raise UnsupportedError(
        "this model is an encoder: it writes nothing",
        expected="a decoder or an encoder-decoder",
        fix="ask /v1/classify, which answers with a label",
    )


def _conversation(prompt: Messages | str) -> Messages:
    return user(prompt) if isinstance(prompt, str) else prompt
