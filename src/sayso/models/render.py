"""Messages become token ids, the same way for training, evaluation and serving.

Decided here:
- Loss masks come from two renderings, with and without the answer, never from template markers.
- Prompts are cut from the left (a begin token stays), answers never; every answer's end token is supervised.
- A template must leave room for an answer; one that does not is refused. Where a tokenizer has no template, turns are
  written as plain lines ("User: ...", "Bot: ...").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from sayso.errors import DataError, ModelError, UnsupportedError
from sayso.models.segments import Segments
from sayso.records import Imitate, Lesson, Mark, Message, Messages, Row

TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>")
_NAMES = {"system": "System", "user": "User", "assistant": "Bot"}


class Renderer:
    """One tokenizer's way of writing a conversation."""

    def __init__(self, tokenizer: Any, max_length: int, segments: Segments | None = None) -> None:
        self.tokenizer, self.max_length = tokenizer, max_length
        self.segments = segments or Segments(tokenizer)
        self.template = bool(getattr(tokenizer, "chat_template", None))
        if self.template:
            self._check_template()

    def prompt_text(self, context: Messages) -> str:
        """The conversation up to where the answer begins.

        A special token that somebody wrote into a message is broken by a space: it must not end a turn.
        """
        return self._text(tuple(Message(m.role, self._harmless(m.text)) for m in context), answering=True)

    def prompt_ids(self, context: Messages, room: int = 0) -> list[int]:
        """Token ids of the prompt, cut from the left so that `room` tokens still fit."""
        return self._cut(self._ids(self.prompt_text(context)), self.max_length - room)

    def plain_ids(self, text: str, room: int = 0) -> list[int]:
        """Token ids of a plain text that is to be gone on with, as `row` writes one, cut like a prompt."""
        start = self._plain_start
        ids = self._ids_with_spans(self._harmless(text), False, None)[0]
        return self._cut([*([] if start is None else [start]), *ids], self.max_length - room)

    def row(self, context: Messages, target: str, lesson: Lesson | None = None, drawn: int | None = None) -> Row:
        """Context then target, supervised on the target and its end token. DataError where the target cannot fit.

        `drawn` says by which dice merges are left out; a row that would not fit so is written as usual.
        """
        if self._harmless(target) != target:
            raise DataError(
                f"an answer contains a special token of this model: {target[:80]!r}",
                expected="text; the end of an answer is written by the renderer",
                fix="take the token out of the row",
            )
        if not context:
            return self._plain_row(target, lesson, drawn)
        context = tuple(Message(m.role, self._harmless(m.text)) for m in context)
        prompt_text = self.prompt_text(context)
        prompt_ids = self._ids(prompt_text, drawn)
        given = lesson.target_ids if lesson is not None and not hasattr(lesson, "chosen") else ()
        texts = prompt_text, self._answered(context, target), target
        target_ids, offsets = (list(given), []) if given else self._target(texts, prompt_ids, drawn)
        if drawn is not None and len(prompt_ids) + len(target_ids) > self.max_length:
            return self.row(context, target, lesson)
        weights = token_weights(lesson, len(target_ids), offsets)
        return self._assemble(prompt_ids, target_ids, weights)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of an answer, without special tokens and surrounding space."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer: those that the template writes at the end of a turn, and the end of text."""
        template = str(self.tokenizer.chat_template) if self.template else ""
        vocabulary = self.tokenizer.get_vocab()
        known = [vocabulary[name] for name in TURN_ENDS if name in template and name in vocabulary]
        end = self.tokenizer.eos_token_id
        return tuple(dict.fromkeys([*known, *([] if end is None else [end])]))

    # ------------------------------------------------------------ inside

    def _text(self, context: Messages, *, answering: bool) -> str:
        if not self.template:
            lines = "".join(f"{_NAMES[m.role]}: {m.text}\n" for m in context)
            return lines + "Bot:" if answering else lines
        return self._templated(context, answering)

    def _templated(self, context: Messages, answering: bool) -> str:
        turns = [{"role": m.role, "content": m.text} for m in context]
        options = {"tokenize": False, "add_generation_prompt": answering, "enable_thinking": False}
        try:
            return str(self.tokenizer.apply_chat_template(turns, **options))
        except Exception as error:  # a template is a program of its own: it may raise whatever it likes
            if context and context[0].role == "system":
                return self._templated(_without_system(context), answering)
            what = f"the chat template cannot render this conversation: {error}"
            raise ModelError(what, where=self._origin) from error

    def _answered(self, context: Messages, target: str) -> str:
        if not self.template:
            return self._text(context, answering=True) + " " + target
        return self._text((*context, Message("assistant", target)), answering=False)

    def _target(
        self, texts: tuple[str, str, str], prompt_ids: list[int], drawn: int | None
    ) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids of the answer with its end token, and each one's characters within the target; nowhere if drawn."""
        prompt_text, text, target = texts
        ids, spans = self._ids_with_spans(text, True, drawn, prompt_text)
        begin = len(prompt_ids)
        if ids[:begin] != prompt_ids or not text.startswith(prompt_text):
            text = prompt_text + (target if prompt_text[-1:].isspace() else " " + target)
            rest, spans = self._ids_with_spans(text[len(prompt_text) :], False, drawn)
            ids, begin = prompt_ids + rest, len(prompt_ids)
            spans = [(0, 0)] * begin + [(a + len(prompt_text), b + len(prompt_text)) for a, b in spans]
        origin = max(text.find(target.strip(), len(prompt_text)), len(prompt_text)) - _indent(target)
        ended = self._ended(ids[begin:])
        return ended, [(a - origin, b - origin) for a, b in spans[begin : begin + len(ended)]]

    def _ended(self, ids: list[int]) -> list[int]:
        """Cut after the first end token, or given one."""
        ends = set(self.end_ids)
        for i, token in enumerate(ids):
            if token in ends:
                return ids[: i + 1]
        return ids + list(self.end_ids[:1])

    def _plain_row(self, text: str, lesson: Lesson | None, drawn: int | None) -> Row:
        start = self._plain_start
        ids, spans = self._ids_with_spans(text, False, drawn)
        cut = max(0, len(ids) - (self.max_length - 2))
        if drawn is not None and cut:
            return self._plain_row(text, lesson, None)
        ids = ids[: len(ids) - cut] + list(self.end_ids[:1])
        prompt = [start] if start is not None else [ids.pop(0)]
        row = self._assemble(prompt, ids, token_weights(lesson, len(ids), spans if start is not None else spans[1:]))
        return replace(row, cut=cut)

    def _assemble(self, prompt_ids: list[int], target_ids: list[int], weights: tuple[float, ...]) -> Row:
        if len(target_ids) >= self.max_length:
            raise DataError(
                f"an answer of {len(target_ids)} tokens does not fit into {self.max_length}",
                expected=f"at most {self.max_length - 1} tokens in an answer: answers are never cut",
                fix="raise model.max_length, or shorten or drop the row",
            )
        kept = self._cut(prompt_ids, self.max_length - len(target_ids))
        begin = len(kept)
        return Row(
            ids=(*kept, *target_ids),
            targets=tuple(target_ids),
            at=tuple(range(begin - 1, begin - 1 + len(target_ids))),
            weights=weights,
            cut=len(prompt_ids) - begin,
        )

    def _cut(self, ids: list[int], room: int) -> list[int]:
        if len(ids) <= room:
            return ids
        begins = self.tokenizer.bos_token_id is not None and ids[0] == self.tokenizer.bos_token_id and room > 1
        return [ids[0], *ids[len(ids) - room + 1 :]] if begins else ids[len(ids) - room :]

    def _ids(self, text: str, drawn: int | None = None) -> list[int]:
        return self._ids_with_spans(text, True, drawn)[0]

    def _ids_with_spans(
        self, text: str, special: bool, drawn: int | None, key: str = ""
    ) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids with character spans; a template writes its own special tokens, plain text gets the begin token."""
        offsets = bool(getattr(self.tokenizer, "is_fast", False))
        if drawn is not None:
            ids = self.segments.ids(text, drawn, key=key)
            spans = [(0, 0)] * len(ids)
        else:
            encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=offsets)
            ids = list(encoded["input_ids"])
            spans = [tuple(span) for span in encoded["offset_mapping"]] if offsets else [(0, 0)] * len(ids)
        if special and not self.template and self._adds_begin:
            return [self.tokenizer.bos_token_id, *ids], [(0, 0), *spans]
        return ids, spans

    @cached_property
    def _plain_start(self) -> int | None:
        """The token that stands before plain text: the begin token, else that which ends another text."""
        start = self.tokenizer.bos_token_id
        return self.end_ids[0] if start is None and self.end_ids else start

    @cached_property
    def _adds_begin(self) -> bool:
        begin = self.tokenizer.bos_token_id
        return begin is not None and list(self.tokenizer("a")["input_ids"])[:1] == [begin]

    @cached_property
    def _special(self) -> re.Pattern[str] | None:
        tokens = [token for token in self.tokenizer.all_special_tokens if len(token) > 1]
        return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True)))) if tokens else None

    def _harmless(self, text: str) -> str:
        if self._special is None:
            return text
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)

    @property
    def _origin(self) -> str:
        """The folder or hub id that the tokenizer came from; "" for one made here."""
        return str(getattr(self.tokenizer, "name_or_path", ""))

    def _check_template(self) -> None:
        ask = (Message("user", "?"),)
        if self._templated(ask, True) != self._templated(ask, False):
            return
        answered = self._templated((*ask, Message("assistant", "42")), False)
        prompt = self._templated(ask, True)
        if not answered.startswith(prompt) or not answered[len(prompt) :].lstrip().startswith("42"):
            raise ModelError(
                "the chat template has no generation prompt",
                where=self._origin,
                expected="with add_generation_prompt the template ends where the assistant's answer begins",
                fix="add an `add_generation_prompt` branch to the template, or delete it for plain User:/Bot: lines",
            )


def token_weights(lesson: Lesson | None, count: int, spans: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    """One weight per target token: the lesson's, or that of the last mark that the token's characters touch.

    UnsupportedError where no token's characters are known: what is marked as wrong would be taught as right.
    """
    weight = lesson.weight if isinstance(lesson, Imitate) else 1.0
    marks: tuple[Mark, ...] = lesson.marks if isinstance(lesson, Imitate) else ()
    if marks and not any(a < b for a, b in spans[:count]):
        raise UnsupportedError(
            "parts of an answer are marked, and this tokenizer does not say which characters a token stands for",
            expected="a fast tokenizer (tokenizer.json)",
            fix="use a model that has one, or a method that marks nothing, such as `prefer`",
        )
    weights = [weight] * count
    for i, (a, b) in enumerate(spans[:count]):
        for mark in marks:
            if a < mark.end and mark.start < b:
                weights[i] = weight * mark.weight
    return tuple(weights)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _without_system(context: Messages) -> Messages:
    """For templates that refuse a system turn: its words open the first user turn."""
    system, rest = context[0].text, context[1:]
    if not rest:
        return (Message("user", system),)
    return (Message(rest[0].role, f"{system}\n\n{rest[0].text}"), *rest[1:])
