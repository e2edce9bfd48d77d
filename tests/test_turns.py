from __future__ import annotations

from collections.abc import Sequence

import pytest

from sayso.turns import Turn, modelfile, opening, parts_of


def chatml(turns: Sequence[Turn], answering: bool) -> str:
    said = "".join(f"<|im_start|>{role}\n{words}<|im_end|>\n" for role, words in turns)
    return said + ("<|im_start|>assistant\n" if answering else "")


def no_system(turns: Sequence[Turn], answering: bool) -> str:
    if turns[0][0] == "system":
        raise ValueError("no such role")
    marks = {"user": "[INST] {} [/INST]", "assistant": " {}</s>"}
    return "<s>" + "".join(marks[role].format(words) for role, words in turns)


def counting(turns: Sequence[Turn], answering: bool) -> str:
    """The words around a turn depend on how many there are."""
    return "".join(f"{len(turns)}:{role}:{words}\n" for role, words in turns) + ("bot:" if answering else "")


@pytest.mark.parametrize("render", [chatml, no_system])
def test_parts_put_together_are_what_the_template_writes(render: object) -> None:
    parts = parts_of(render)  # type: ignore[arg-type]
    assert parts is not None
    turns = [("user", "你好"), ("assistant", "hi"), ("user", "{{ x }}")]
    assert parts.rendered(turns, True) == render(turns, True)  # type: ignore[operator]


def test_system_turns_are_there_where_the_template_takes_them() -> None:
    with_system, without = parts_of(chatml), parts_of(no_system)
    assert with_system is not None
    assert without is not None
    assert with_system.before["system"] == "<|im_start|>system\n"
    assert "system" not in without.before
    assert without.begin == "<s>"


def test_what_is_more_than_parts_has_none() -> None:
    assert parts_of(counting) is None


def test_what_opens_an_answer() -> None:
    assert opening(chatml) == "<|im_start|>assistant\n"
    assert opening(no_system) == ""


def test_a_modelfile_says_the_parts_in_words_of_go() -> None:
    parts = parts_of(chatml)
    assert parts is not None
    text = modelfile(parts, "model.gguf", ["<|im_end|>"], 512)
    assert '{{ "<|im_start|>user\\n" }}{{ .Content }}{{ "<|im_end|>\\n" }}' in text
    assert text.rstrip().endswith("PARAMETER num_ctx 512")
    assert 'PARAMETER stop "<|im_end|>"' in text
    assert text.count("{{ end }}") == 2
