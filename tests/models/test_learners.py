"""Three kinds of learner behind one interface, over many architectures, against the library's own numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from tiny import ARCHITECTURES, TEXTS, opened, saved

from sayso.errors import DataError, ModelError, UnsupportedError
from sayso.learn.loop import Step, Training, train
from sayso.models.core import chunks_by_tokens, full_logits
from sayso.models.decoder import pack
from sayso.models.open import Opening, open_learner
from sayso.recipe import ModelPart, StrategyPart
from sayso.records import Imitate, Lesson, Mark, Sampling, user

STRATEGY = StrategyPart(
    learning_rate=5e-3,
    schedule="constant",
    warmup=0.0,
    batch_rows=3,
    micro_tokens=4096,
    steps=12,
    early_stopping=0,
    weight_decay=0.0,
    clip=1.0,
    label_smoothing=0.0,
    packing="auto",
)
LABELS = ("good", "bad", "不错")
ROWS = [("the cat sat on the mat", "good"), ("一只猫坐在垫子上，向狗问好。", "不错"), ("x", "bad")]


def options(name: str) -> tuple[str, ...]:
    return LABELS if ARCHITECTURES[name][0] == "encoder" else ()


def close(a: list[list[float]], b: list[list[float]]) -> bool:
    return torch.allclose(torch.tensor(a), torch.tensor(b), atol=1e-3)


def learner_ends(learner: Any) -> tuple[int, ...]:
    return tuple(getattr(learner, "renderer", learner).end_ids)


def lessons() -> list[Lesson]:
    return [Imitate(user(text), target) for text, target in ROWS]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_learns_speaks_and_comes_back_from_disk(name: str, tmp_path: Path) -> None:
    learner = opened(name, options(name))
    events = [e for e in train(learner, lessons(), Training(STRATEGY)) if isinstance(e, Step)]
    assert events[-1].loss < events[0].loss
    prompts = [user(text) for text, _ in ROWS]
    weighed = learner.weigh(prompts, LABELS)
    replies = [reply.text for reply in learner.reply(prompts, Sampling(max_new_tokens=6))]
    learner.core.save(tmp_path)
    again = open_learner(ModelPart(name=str(tmp_path), max_length=96), Opening(options=options(name)))
    assert type(again) is type(learner)
    assert close(again.weigh(prompts, LABELS), weighed)
    assert [reply.text for reply in again.reply(prompts, Sampling(max_new_tokens=6))] == replies


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_logits_at_the_supervised_places_are_the_full_ones(name: str) -> None:
    learner = opened(name)
    learner.core.model.eval()
    batch = learner.batch([learner.row(user(text), target) for text, target in ROWS])
    with torch.no_grad():
        few, full = learner.logits(batch), full_logits(learner.core.model, batch.inputs, batch.at_N)
    assert few.shape == (len(batch.targets_N), learner.core.model.config.vocab_size)
    assert torch.allclose(few, full, atol=1e-5)


@pytest.mark.parametrize("name", ["bert", "bart", "t5", "llama", "gpt2"])
def test_the_first_loss_is_the_librarys_own(name: str) -> None:
    """One row, no weights: our loss is what the model itself computes from labels."""
    learner = opened(name, options(name))
    learner.core.model.eval()
    row = learner.row(user(ROWS[0][0]), "good")
    batch = learner.batch([row])
    ours = torch.nn.functional.cross_entropy(learner.logits(batch), batch.targets_N)
    if learner.kind == "encoder":
        labels = batch.targets_N
    elif learner.kind == "encoder_decoder":
        labels = torch.tensor([row.targets])
    else:
        labels = torch.full((1, len(row.ids)), -100)
        labels[0, -len(row.targets) :] = torch.tensor(row.targets)
    inputs = {key: value for key, value in batch.inputs.items() if key != "decoder_input_ids"}
    start = getattr(learner, "start", None)
    if start is not None:
        inputs["decoder_input_ids"] = batch.inputs["decoder_input_ids"]
    theirs = learner.core.model(**inputs, labels=labels).loss
    assert ours.item() == pytest.approx(theirs.item(), abs=1e-5)


@pytest.mark.parametrize("name", [n for n, (kind, _) in ARCHITECTURES.items() if kind == "decoder"])
def test_packing_is_exact(name: str) -> None:
    learner = opened(name)
    rows = [learner.row(user(text), target) for text, target in ROWS]
    assert learner.packing_is_exact(rows)


def test_packing_is_known_to_be_wrong_where_rows_see_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a cache transformers derives no mask from positions: the self-test must notice."""
    learner = opened("gpt2")
    rows = [learner.row(user(text), target) for text, target in ROWS]
    real = learner.batch

    def leaky(rows: Any) -> Any:
        batch = real(rows)
        batch.inputs["use_cache"] = True
        return batch

    monkeypatch.setattr(learner, "batch", leaky)
    assert not learner.packing_is_exact(rows)
    assert not opened("llama").packing_is_exact(rows[:1])


def test_a_padded_row_gets_the_logits_that_it_gets_alone() -> None:
    for name in ("bert", "t5", "llama", "gpt2"):
        learner = opened(name, options(name))
        learner.core.model.eval()
        rows = [learner.row(user(text), target) for text, target in ROWS]
        with torch.no_grad():
            together = learner.logits(learner.batch(rows))
            alone = torch.cat([learner.logits(learner.batch([row])) for row in rows])
        assert torch.allclose(together, alone, atol=1e-4)


def test_padding_equal_to_the_end_token_is_harmless() -> None:
    learner = opened("llama")
    learner.core.tokenizer.pad_token = learner.core.tokenizer.eos_token
    rows = [learner.row(user(text), target) for text, target in ROWS]
    assert all(row.targets[-1] == learner.core.tokenizer.eos_token_id for row in rows)
    assert learner.logps(rows) == pytest.approx([learner.logps([row])[0] for row in rows], abs=1e-4)


def test_greedy_replies_do_not_depend_on_the_batch() -> None:
    for name in ("llama", "bart"):
        learner = opened(name)
        prompts = [user(text) for text in TEXTS[:4]]
        together = [r.text for r in learner.reply(prompts, Sampling(max_new_tokens=8))]
        assert together == [learner.reply([p], Sampling(max_new_tokens=8))[0].text for p in prompts]


@pytest.mark.parametrize("name", ["bart", "t5", "llama", "gpt2"])
def test_beams_find_answers_that_the_model_believes_more_than_the_greedy_ones(name: str) -> None:
    learner = opened(name, seed=3)
    pairs: list[Lesson] = [Imitate(user(text), text[i : i + 9]) for text in TEXTS[:4] for i in (0, 3, 6)]
    list(train(learner, pairs, Training(STRATEGY.model_copy(update={"steps": 15, "batch_rows": 8}))))
    prompts = [user(text) for text in (*TEXTS[:4], "the dog", "猫")]

    def per_token(beams: int) -> list[float]:
        replies = learner.reply(prompts, Sampling(max_new_tokens=12, beams=beams))
        before = getattr(learner, "target_frame", ((), ()))[0]
        said = [(*before, *reply.token_ids) for reply in replies]
        taught = [Imitate(prompt, "", target_ids=ids) for prompt, ids in zip(prompts, said, strict=True)]
        rows = [learner.row(lesson.context, lesson.target, lesson) for lesson in taught]
        assert all(r.ended == (r.token_ids[-1] in learner_ends(learner)) for r in replies)
        return [logp / len(row.targets) for logp, row in zip(learner.logps(rows), rows, strict=True)]

    greedy, beams = per_token(1), per_token(6)
    assert all(b >= g - 1e-4 for g, b in zip(greedy, beams, strict=True))
    assert any(b > g + 1e-3 for g, b in zip(greedy, beams, strict=True))


def test_beams_do_not_depend_on_the_batch_and_draw_nothing() -> None:
    learner = opened("bart")
    prompts = [user(text) for text in TEXTS[:4]]
    wide = Sampling(max_new_tokens=8, beams=3)
    assert learner.reply(prompts, wide) == [learner.reply([p], wide)[0] for p in prompts]
    with pytest.raises(UnsupportedError, match="3 beams draw nothing") as caught:
        learner.reply(prompts, Sampling(beams=3, temperature=0.7))
    assert "set beams to 1" in caught.value.fix


@pytest.mark.parametrize("name", ["bart", "llama"])
def test_a_length_penalty_makes_answers_longer_and_greedy_ones_know_none(name: str) -> None:
    learner = opened(name, seed=3)
    pairs: list[Lesson] = [Imitate(user(text), text[:n]) for text in TEXTS[:4] for n in (1, 4, 9)]
    list(train(learner, pairs, Training(STRATEGY.model_copy(update={"steps": 30, "batch_rows": 12}))))
    prompts = [user(text) for text in TEXTS[:4]]

    def tokens(penalty: float, beams: int = 6) -> int:
        sampling = Sampling(max_new_tokens=12, beams=beams, length_penalty=penalty)
        return sum(len(reply.token_ids) for reply in learner.reply(prompts, sampling))

    assert tokens(0.0) < tokens(3.0)
    assert tokens(0.0, beams=1) == tokens(3.0, beams=1)


def test_a_reply_carries_the_log_probabilities_of_its_tokens() -> None:
    learner = opened("llama")
    reply = learner.reply([user("the cat")], Sampling(max_new_tokens=5, temperature=1.0, seed=4))[0]
    lesson = Imitate(user("the cat"), reply.text, target_ids=reply.token_ids)
    row = learner.row(lesson.context, lesson.target, lesson)
    assert row.targets == reply.token_ids
    assert learner.logps([row])[0] == pytest.approx(sum(reply.logprobs), abs=1e-3)


def test_sampling_follows_its_seed() -> None:
    learner = opened("llama")
    said = [
        learner.reply([user("the cat")], Sampling(max_new_tokens=12, temperature=1.5, seed=s))[0].text
        for s in (1, 1, 2)
    ]
    assert said[0] == said[1] != said[2]


@pytest.mark.parametrize("tuning", ["lora", "dora", "rslora"])
@pytest.mark.parametrize("name", ["llama", "bert", "bart", "gpt2"])
def test_adapters_leave_the_base_alone_and_come_back(name: str, tuning: str, tmp_path: Path) -> None:
    saved(name, tmp_path / "base")
    part = ModelPart(name=str(tmp_path / "base"), max_length=96)
    opening = Opening(options=options(name), tuning=tuning, lora_rank=4, dropout=0.0)
    learner = open_learner(part, opening)
    total = sum(p.numel() for p in learner.core.model.parameters())
    assert 0 < sum(p.numel() for _, p in learner.core.parameters()) < total / 3
    frozen = {n: p.detach().clone() for n, p in learner.core.model.named_parameters() if not p.requires_grad}
    list(train(learner, lessons(), Training(STRATEGY)))
    assert all(torch.equal(frozen[n], p) for n, p in learner.core.model.named_parameters() if n in frozen)
    weighed = learner.weigh([user("the cat")], LABELS)
    (tmp_path / "adapter").mkdir()
    learner.core.save(tmp_path / "adapter")
    again = open_learner(ModelPart(name=str(tmp_path / "adapter"), max_length=96), opening)
    assert close(again.weigh([user("the cat")], LABELS), weighed)


def test_frozen_trains_the_head_alone_and_is_refused_without_one(tmp_path: Path) -> None:
    learner = opened("bert", LABELS, tuning="frozen")
    assert {name.split(".")[0] for name, _ in learner.core.parameters()} == {"classifier"}
    with pytest.raises(UnsupportedError, match="trains a head alone"):
        opened("llama", tuning="frozen")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_qlora_is_refused_with_the_reason_on_a_cpu(tmp_path: Path) -> None:
    saved("llama", tmp_path)
    with pytest.raises(UnsupportedError, match="NVIDIA GPU"):
        open_learner(ModelPart(name=str(tmp_path)), Opening(tuning="qlora"))


def test_a_teacher_is_what_the_model_was() -> None:
    learner = opened("llama")
    row = learner.row(user("the cat"), "good")
    before = learner.logps([row])
    learner.core.remember("start")
    list(train(learner, lessons(), Training(STRATEGY)))
    after = learner.logps([row])
    with learner.core.as_teacher("start"):
        assert learner.logps([row]) == before
    assert learner.logps([row]) == after != before


def test_masked_text_is_drawn_anew_at_each_epoch_and_the_same_for_the_same_epoch() -> None:
    learner = opened("bert")
    rows = [learner.row((), TEXTS[0], draw=draw) for draw in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]
    text = learner.core.tokenizer(TEXTS[0])["input_ids"]
    for row in rows:
        restored = list(row.ids)
        for place, token in zip(row.at, row.targets, strict=True):
            restored[place] = token
        assert restored == text


def test_infilling_hides_part_of_the_source_and_asks_for_the_whole() -> None:
    learner = opened("bart")
    rows = [learner.row((), TEXTS[0], draw=draw) for draw in range(4)]
    whole = [*learner.core.tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"], learner.end_ids[0]]
    assert all(list(row.targets) == whole for row in rows)
    assert any(len(row.ids) < len(whole) for row in rows)
    assert len({row.ids for row in rows}) > 1


@pytest.mark.parametrize("name", ["bert", "roberta", "modernbert"])
@pytest.mark.parametrize("tuning", ["full", "lora", "frozen"])
def test_a_new_head_of_several_labels_begins_at_how_often_each_holds(name: str, tuning: str) -> None:
    learner = opened(name, LABELS, several=True, tuning=tuning)
    taught = [Imitate(user(str(i)), "good | bad" if i < 3 else "bad" if i < 15 else "") for i in range(40)]
    (before,) = torch.tensor(learner.weigh([user("the cat sat")], LABELS)).exp().logit()
    learner.expect(taught)
    (after,) = torch.tensor(learner.weigh([user("the cat sat")], LABELS)).exp().logit()
    odds = torch.tensor([3.5 / 37.5, 15.5 / 25.5, 0.5 / 40.5])
    assert torch.allclose(after - before, odds.log(), atol=1e-4)
    learner.expect(taught[15:])  # it is not new any more
    assert torch.equal(torch.tensor(learner.weigh([user("the cat sat")], LABELS)).exp().logit()[0], after)


def test_only_a_head_that_decides_each_label_by_itself_begins_elsewhere() -> None:
    learner = opened("bert", LABELS)
    before = learner.weigh([user("the cat sat")], LABELS)
    learner.expect([Imitate(user("x"), "good")] * 9)
    assert learner.weigh([user("the cat sat")], LABELS) == before


@pytest.mark.parametrize("tuning", ["full", "lora"])
def test_the_head_is_what_does_not_belong_to_the_body(tuning: str) -> None:
    learner = opened("bert", LABELS, several=True, tuning=tuning)
    trained = {name for name, _ in learner.core.parameters()}
    assert learner.head < trained
    assert {name.partition(".")[0] for name in learner.head} == {"classifier"}
    assert {name.partition(".")[0] for name in trained - learner.head} == {"bert"}


def test_a_label_that_the_head_lacks_is_named_with_its_neighbour() -> None:
    with pytest.raises(DataError, match="'goood' is not a label") as caught:
        opened("bert", LABELS).row(user("x"), "goood")
    assert "good" in caught.value.fix


def test_too_long_an_answer_is_refused_and_too_long_a_prompt_is_cut_from_the_left() -> None:
    for name in ("llama", "bart"):
        learner = opened(name)
        with pytest.raises(DataError, match="does not fit"):
            learner.row(user("x"), "cat " * 200)
        row = learner.row(user("dog " * 200 + "mat"), "good")
        assert row.cut > 0
        assert len(row.ids) <= 96
        assert learner.row(user("dog " * 200 + "mat"), "good").targets == learner.row(user("x"), "good").targets
        assert "mat" in learner.core.tokenizer.decode(row.ids)


def test_marks_weigh_the_tokens_that_they_touch() -> None:
    for name in ("llama", "bart"):
        learner = opened(name)
        target = "the cat sat 一只猫"
        start = target.index("sat")
        lesson = Imitate(user("x"), target, weight=0.5, marks=(Mark(start, start + 3, -2.0),))
        row = learner.row(lesson.context, lesson.target, lesson)
        touched = learner.core.tokenizer.decode([t for t, w in zip(row.targets, row.weights, strict=True) if w < 0])
        assert touched.strip() == "sat"
        assert set(row.weights) == {0.5, -1.0}


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_marks_that_no_token_can_be_found_for_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tokenizer without offsets would have the error taught as right."""
    learner = opened(name)
    lesson = Imitate(user("x"), "the cat", marks=(Mark(4, 7, -1.0),))
    monkeypatch.setattr(type(learner.core.tokenizer), "is_fast", property(lambda _: False))
    with pytest.raises(UnsupportedError, match="which characters"):
        learner.row(lesson.context, lesson.target, lesson)
    assert learner.row(lesson.context, lesson.target, Imitate(user("x"), "the cat")).targets


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda folder: folder.rename(folder.with_name("elsewhere")), "no model folder"),
        (lambda folder: (folder / "config.json").unlink(), "cannot read the model"),
        (lambda folder: [f.unlink() for f in folder.glob("token*")], "no usable tokenizer"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"nonsense"), "cannot load the weights"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "resnet"}'), "resnet"),
    ],
)
def test_a_broken_folder_is_said_plainly(break_it: Any, words: str, tmp_path: Path) -> None:
    folder = saved("llama", tmp_path / "model")
    break_it(folder)
    with pytest.raises(ModelError) as caught:
        open_learner(ModelPart(name=str(folder)), Opening())
    assert words in str(caught.value)
    assert caught.value.expected or caught.value.fix


def test_unknown_settings_of_a_new_model_name_their_neighbour() -> None:
    with pytest.raises(ModelError, match="hiden_size") as caught:
        open_learner(ModelPart(scratch={"model_type": "llama", "hiden_size": 8}), Opening(texts=lambda: TEXTS))
    assert "hidden_size" in caught.value.fix
    with pytest.raises(ModelError, match="lama"):
        open_learner(ModelPart(scratch={"model_type": "lama"}), Opening(texts=lambda: TEXTS))


def test_asking_for_more_than_the_model_holds_is_refused(tmp_path: Path) -> None:
    folder = saved("llama", tmp_path / "model")
    with pytest.raises(ModelError, match="max_length is 1000"):
        open_learner(ModelPart(name=str(folder), max_length=1000), Opening())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 64))
def test_packing_places_every_row_once_within_the_width(lengths: list[int], width: int) -> None:
    lines = pack(lengths, width)
    assert sorted(i for line in lines for i in line) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in line) <= max(width, max(lengths[i] for i in line)) for line in lines)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=30), st.integers(1, 200))
def test_groups_stay_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = chunks_by_tokens(lengths, budget)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    assert all(len(g) == 1 or max(lengths[i] for i in g) * len(g) <= budget for g in groups)


def test_real_models_open_and_answer(shared: Path) -> None:
    chat = open_learner(ModelPart(name=str(shared / "models/tinystories-chat-3m")), Opening())
    reply = chat.reply([user("Hello there, how are you?")], Sampling(max_new_tokens=30))[0]
    assert reply.ended
    assert len(reply.text) > 5
    names = open_learner(ModelPart(name=str(shared / "models/aren-transliteration")), Opening())
    assert names.kind == "encoder_decoder"
    small = open_learner(ModelPart(name=str(shared / "models/all-MiniLM-L6-v2")), Opening(options=("a", "b")))
    assert small.kind == "encoder"
    assert len(small.weigh([user("hi")], ("a", "b"))[0]) == 2
