"""Text cut into pieces with merges left out: the library's own without dropout, the same text with it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from tiny import TEXTS, opened

from sayso.errors import UnsupportedError
from sayso.models.open import EMBEDDED, load_tokenizer
from sayso.models.scratch import train_tokenizer
from sayso.models.segments import Segments, merged
from sayso.records import Imitate, Mark, Prefer, user

LABELS = ("good", "bad")
WORDS = st.text(st.sampled_from("the cat sat onmat一只猫坐在。，🎉é½ \n</s>"), max_size=40)
NEVER = 1e-300  # goes through our own merging, and leaves nothing out


def fallback() -> Any:
    """Pieces in the manner of SentencePiece: no splitting into words, unknown characters as bytes."""
    from tokenizers import Tokenizer, decoders, models, normalizers
    from transformers import PreTrainedTokenizerFast

    pieces = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *"▁theca", "th", "the", "▁the", "at"]
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("a", "t")]
    model = models.BPE(
        {piece: i for i, piece in enumerate(pieces)}, merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True
    )
    core = Tokenizer(model)
    core.normalizer = normalizers.Replace(" ", "▁")
    core.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="</s>", unk_token="<unk>")


TOKENIZERS = {
    "new": lambda: train_tokenizer(TEXTS, 400, "decoder"),
    "embedded": lambda: load_tokenizer(str(EMBEDDED)),
    "bytes": fallback,
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_with_nothing_left_out_the_pieces_are_the_librarys(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    ours = Segments(tokenizer, NEVER)

    @settings(deadline=None, max_examples=150)
    @given(WORDS)
    def holds(text: str) -> None:
        assert ours.ids(text, 3) == tokenizer(text, add_special_tokens=False)["input_ids"]

    holds()


@pytest.mark.parametrize("name", TOKENIZERS)
def test_whatever_is_left_out_the_text_stays(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    ours = Segments(tokenizer, 0.5)

    @settings(deadline=None, max_examples=100)
    @given(WORDS, st.integers(0, 9))
    def holds(text: str, draw: int) -> None:
        usual = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ours.ids(text, draw)) == tokenizer.decode(usual)

    holds()


def test_a_draw_is_the_same_again_and_another_is_another() -> None:
    tokenizer = train_tokenizer(TEXTS, 400, "decoder")
    text = "the cat sat on the mat 一只猫坐在垫子上"
    first, second = Segments(tokenizer, 0.3, seed=1), Segments(tokenizer, 0.3, seed=1)
    drawn = [first.ids(text, draw) for draw in range(6)]
    assert drawn == [second.ids(text, draw) for draw in range(6)]
    assert len({tuple(ids) for ids in drawn}) > 3
    assert drawn != [Segments(tokenizer, 0.3, seed=2).ids(text, draw) for draw in range(6)]
    usual = first.ids(text)
    assert all(len(ids) >= len(usual) for ids in drawn)
    assert first.ids(text, 0, room=len(usual)) == usual
    assert Segments(tokenizer).ids(text, 0) == usual


def test_each_merge_is_left_out_at_the_rate() -> None:
    """Two characters merge with probability 1 - p; of three, the first two come first: 1 - p, then p (1 - p)."""
    ranks, dice = {("a", "b"): 0, ("b", "c"): 1}, Random(5)
    pairs = Counter(tuple(merged("ab", ranks, 0.3, dice)) for _ in range(4000))
    assert pairs[("ab",)] / 4000 == pytest.approx(0.7, abs=0.03)
    threes = Counter(tuple(merged("abc", ranks, 0.3, dice)) for _ in range(4000))
    assert threes[("ab", "c")] / 4000 == pytest.approx(0.7, abs=0.03)
    assert threes[("a", "bc")] / 4000 == pytest.approx(0.21, abs=0.03)
    assert threes[("a", "b", "c")] / 4000 == pytest.approx(0.09, abs=0.02)


def test_what_was_left_out_may_come_after_the_next_merge() -> None:
    """Every merge throws the dice again (algorithm 1): only so can abcd end as one piece in another order."""
    ranks = {("a", "b"): 0, ("c", "d"): 1, ("ab", "cd"): 2}
    ends = Counter(len(merged("abcd", ranks, 0.5, Random(n))) for n in range(2000))
    assert set(ends) == {1, 2, 3, 4}
    assert ends[4] / 2000 == pytest.approx(0.25, abs=0.03)


@pytest.mark.parametrize("name", ["llama", "bart", "bert", "gpt2"])
def test_every_kind_of_learner_is_taught_other_pieces_and_scored_with_the_usual_ones(name: str) -> None:
    options = LABELS if name == "bert" else ()
    plain, ours = opened(name, options), opened(name, options, bpe_dropout=0.4)
    context, target = user("the cat sat on the mat and said hello 一只猫"), "good"
    lesson = Imitate(context, target)
    rows = [ours.row(context, target, lesson, draw) for draw in (0, 0, 1, 2, 3)]
    assert rows[0] == rows[1]
    assert len({row.ids for row in rows}) > 2
    assert ours.redraws(lesson)
    assert not plain.redraws(lesson)
    assert ours.row(context, target, lesson) == plain.row(context, target, lesson, 2)
    read = {ours.core.tokenizer.decode(row.ids, skip_special_tokens=True) for row in rows}
    assert len(read) == 1
    given = [Imitate(context, target, target_ids=plain.row(context, target).targets), Prefer(context, "good", "bad")]
    if name != "bert":
        given.append(Imitate(context, target, marks=(Mark(0, 2, -1.0),)))
    assert not any(ours.redraws(one) for one in given)


@pytest.mark.parametrize("name", ["llama", "bart", "gpt2"])
def test_source_and_target_are_both_cut_anew(name: str) -> None:
    ours = opened(name, bpe_dropout=0.5)
    lesson = Imitate(user("x"), "the cat sat on the mat 一只猫坐在垫子上")
    rows = [ours.row(lesson.context, lesson.target, lesson, draw) for draw in range(4)]
    assert len({row.targets for row in rows}) > 1
    assert {ours.core.tokenizer.decode(row.targets, skip_special_tokens=True).strip() for row in rows} == {
        lesson.target
    }
    assert all(row.targets[-1] == ours.row(lesson.context, "x").targets[-1] for row in rows)


@pytest.mark.parametrize("name", ["llama", "bart", "bert"])
def test_what_does_not_fit_in_other_pieces_keeps_the_usual_ones(name: str) -> None:
    learner = opened(name, LABELS if name == "bert" else (), bpe_dropout=0.9)
    target = "good" if name == "bert" else "the cat sat on the mat and said hello to the dog " * 3
    lesson = Imitate(user("hello " * 40), target)
    rows = [learner.row(lesson.context, target, lesson, draw) for draw in (None, 0, 1)]
    assert rows[0] == rows[1] == rows[2]


@pytest.mark.parametrize("name", ["bert", "bart", "llama"])
def test_plain_text_is_cut_anew_too(name: str) -> None:
    learner = opened(name, bpe_dropout=0.4)
    lesson = Imitate((), TEXTS[0])
    rows = [learner.row((), TEXTS[0], lesson, draw) for draw in (0, 0, 1, 2)]
    assert rows[0] == rows[1]
    assert len({len(row.ids) for row in rows}) > 1


def test_a_tokenizer_without_merges_is_refused_plainly() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    other = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "?": 1}, unk_token="?")))
    with pytest.raises(UnsupportedError, match="tokenizer is WordLevel") as caught:
        Segments(other, 0.1)
    assert "bpe_dropout to 0" in caught.value.fix
    marked = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.BPE({"a</w>": 0}, [], end_of_word_suffix="</w>"))
    )
    with pytest.raises(UnsupportedError, match="carry '</w>'"):
        Segments(marked, 0.1)
    assert Segments(other).ids("a") == [0]
