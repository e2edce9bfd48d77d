"""Messages become token ids: what is supervised is the answer and its end, nothing else."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from tiny import TEXTS

from sayso.errors import ModelError
from sayso.models.render import Renderer
from sayso.models.scratch import train_tokenizer
from sayso.records import Message, user

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
INST = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}"
    "{% elif m['role'] == 'user' %}{{ bos_token + '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
NO_PROMPT = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return train_tokenizer(TEXTS, 400, "decoder")


def renderer(template: str | None) -> Renderer:
    fresh = train_tokenizer(TEXTS, 400, "decoder")
    fresh.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    fresh.chat_template = template
    return Renderer(fresh, 256)


RENDERERS = {
    "own": lambda: Renderer(train_tokenizer(TEXTS, 400, "decoder"), 256),
    "chatml": lambda: renderer(CHATML),
    "inst": lambda: renderer(INST),
    "plain": lambda: renderer(None),
}
WORDS = st.text(st.sampled_from("the cat好猫，。 1?!\n"), min_size=1, max_size=20).filter(lambda s: s.strip() == s)


@pytest.mark.parametrize("name", RENDERERS)
def test_the_answer_and_its_end_are_supervised_and_nothing_else(name: str) -> None:
    write = RENDERERS[name]()

    @settings(deadline=None, max_examples=40)
    @given(st.lists(WORDS, min_size=1, max_size=3), WORDS)
    def holds(turns: list[str], target: str) -> None:
        roles = ("user", "assistant")
        turns = turns if len(turns) % 2 else turns[:-1] or turns
        context = tuple(Message(roles[i % 2], text) for i, text in enumerate(turns))  # type: ignore[arg-type]
        row = write.row(context, target)
        begin = len(row.ids) - len(row.targets)
        assert row.ids[begin:] == row.targets
        assert row.at == tuple(range(begin - 1, len(row.ids) - 1))
        assert write.decode(row.targets) == target
        assert row.targets[-1] in write.end_ids
        assert list(row.ids[:begin]) == write.prompt_ids(context)

    holds()


def test_nothing_after_the_end_token_is_supervised() -> None:
    row = renderer(CHATML).row(user("the cat"), "sat")
    assert row.targets[-1] == renderer(CHATML).tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_a_template_without_room_for_an_answer_is_refused() -> None:
    with pytest.raises(ModelError, match="no generation prompt") as caught:
        renderer(NO_PROMPT)
    assert "add_generation_prompt" in caught.value.fix


def test_a_template_that_refuses_a_system_turn_gets_its_words_in_the_first_user_turn() -> None:
    text = renderer(INST).prompt_text((Message("system", "be kind 请"), Message("user", "the cat")))
    assert "be kind 请" in text
    assert text.index("be kind") < text.index("the cat")


def test_a_template_that_fails_otherwise_is_a_plain_error() -> None:
    with pytest.raises(ModelError, match="cannot render"):
        renderer("{{ raise_exception('never') }}")


def test_the_begin_token_survives_the_cut(tokenizer: Any) -> None:
    tokenizer.chat_template = None
    write = renderer(INST)
    write.max_length = 24
    row = write.row(user("cat " * 50), "mat")
    assert len(row.ids) == 24
    assert row.ids[0] == write.tokenizer.bos_token_id
    assert row.cut > 0


def test_plain_text_is_learnt_whole() -> None:
    write = RENDERERS["own"]()
    row = write.row((), TEXTS[1])
    assert write.decode(row.targets) == TEXTS[1]
    assert row.at[0] == 0
    assert row.targets[-1] in write.end_ids
