"""The loop: what moves, what stays the same, and what stops it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from sayso.errors import DataError, MachineFault, RunError, TrainingFault
from sayso.learn import checkpoints
from sayso.learn.loop import Halt, Notice, Step, Training, Validation, train
from sayso.recipe import StrategyPart
from sayso.records import Imitate, Lesson, Match, Objective, Prefer, content_id, user

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened

PAIRS = [("the cat sat", "good"), ("一只猫", "不错"), ("my order 1234", "fine"), ("糟糕", "bad bad")]
STRATEGY = StrategyPart(
    learning_rate=3e-3,
    schedule="constant",
    warmup=0.0,
    batch_rows=4,
    micro_tokens=4096,
    steps=8,
    early_stopping=0,
    weight_decay=0.0,
    clip=1.0,
    label_smoothing=0.0,
    packing="off",
)


def strategy(**changes: Any) -> StrategyPart:
    return STRATEGY.model_copy(update=changes)


def imitations() -> list[Lesson]:
    return [Imitate(user(text), target) for text, target in PAIRS]


def logp(learner: Any, text: str, target: str) -> float:
    return float(learner.logps([learner.row(user(text), target)])[0])


def weights(learner: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in learner.core.parameters()}


def steps(events: Any) -> list[Step]:
    return [event for event in events if isinstance(event, Step)]


@pytest.mark.parametrize("name", ["llama", "bart", "bert"])
def test_imitating_raises_the_targets_likelihood_in_all_three_kinds(name: str) -> None:
    options = ("good", "不错", "fine", "bad bad") if name == "bert" else ()
    learner = opened(name, options)
    before = [logp(learner, text, target) for text, target in PAIRS]
    list(train(learner, imitations(), Training(strategy(steps=15))))
    after = [logp(learner, text, target) for text, target in PAIRS]
    assert all(b < a for b, a in zip(before, after, strict=True))


def test_negative_weight_lowers_the_targets_likelihood() -> None:
    learner = opened("llama")
    before = logp(learner, "the cat sat", "good")
    list(train(learner, [Imitate(user("the cat sat"), "good", weight=-1.0)], Training(strategy(batch_rows=1))))
    assert logp(learner, "the cat sat", "good") < before


def test_several_labels_are_learnt_one_by_one() -> None:
    learner = opened("bert", ("a", "b", "c"), several=True)
    lessons: list[Lesson] = [Imitate(user("the cat"), "a | c"), Imitate(user("好"), ""), Imitate(user("dog"), "b")]
    list(train(learner, lessons, Training(strategy(steps=90, batch_rows=3))))
    assert [reply.text for reply in learner.reply([user("the cat"), user("好"), user("dog")], None)] == [
        "a | c",
        "",
        "b",
    ]


def test_preferring_widens_the_margin_and_reports_it() -> None:
    learner = opened("llama")
    before = logp(learner, "the cat sat", "good") - logp(learner, "the cat sat", "bad")
    training = Training(strategy(batch_rows=1), validate=lambda: {"zero": 0.0}, metric="zero")
    events = list(train(learner, [Prefer(user("the cat sat"), "good", "bad")], training))
    margins = [event.values["margin"] for event in events if isinstance(event, Validation)]
    assert margins[-1] > margins[0] == pytest.approx(before, abs=1e-4)


def test_the_first_preference_loss_is_log_two() -> None:
    """DPO starts from the reference: -log sigmoid(0)."""
    learner = opened("llama")
    first = steps(train(learner, [Prefer(user("the cat"), "good", "bad")], Training(strategy(batch_rows=1, steps=1))))
    assert first[0].loss == pytest.approx(0.693147, abs=1e-5)


def test_matching_moves_towards_what_the_teacher_believes_with_the_hint() -> None:
    learner = opened("llama")
    hinted = user("好 好 好 好 good: the cat sat")
    apart: list[Lesson] = [Imitate(hinted, "good"), Imitate(user("the cat sat"), "糟糕 bad")]
    list(train(learner, apart, Training(strategy(batch_rows=2, steps=40))))
    before = logp(learner, "the cat sat", "good")
    lesson = Match(user("the cat sat"), hinted, "good", teacher="start")
    events = steps(train(learner, [lesson], Training(strategy(batch_rows=1, steps=20))))
    assert logp(learner, "the cat sat", "good") > before
    assert events[-1].loss < events[0].loss / 2


def test_an_anchor_to_the_start_costs_nothing_at_the_start_and_holds_the_rest() -> None:
    free, held = opened("llama"), opened("llama")
    lesson = Imitate(user("the cat sat"), "bad bad")
    anchors = [Match(user(text), user(text), target, teacher="start") for text, target in PAIRS[1:]]
    drift = {}
    for name, learner, lessons in (("free", free, [lesson]), ("held", held, [lesson, *anchors])):
        before = logp(learner, "一只猫", "不错")
        training = Training(strategy(steps=12, learning_rate=1e-3), Objective(match=5.0))
        first = steps(train(learner, lessons, training))[0]
        drift[name] = abs(logp(learner, "一只猫", "不错") - before)
        assert first.parts.get("match", 0.0) == pytest.approx(0.0, abs=1e-6)
    assert drift["held"] < drift["free"] / 2


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_eight_pieces_of_one_equal_two_of_four(name: str) -> None:
    """The loss is weighted by tokens, whatever a step is cut into: same loss, same gradients, to 1e-6."""
    lessons: list[Lesson] = [Imitate(user(text * k), target) for k in (1, 2) for text, target in PAIRS]
    losses, gradients = [], []
    for micro in (1, 10**6):
        learner = opened(name)
        losses.append(
            steps(train(learner, lessons, Training(strategy(batch_rows=8, steps=1, micro_tokens=micro))))[0].loss
        )
        gradients.append({key: p.grad.clone() for key, p in learner.core.parameters() if p.grad is not None})
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert all(torch.allclose(g, gradients[1][key], atol=1e-6) for key, g in gradients[0].items())


def test_packed_rows_learn_the_same() -> None:
    lessons: list[Lesson] = [Imitate(user(text * k), target) for k in (1, 3) for text, target in PAIRS]
    losses = []
    for packing in ("off", "on"):
        learner = opened("llama")
        widths: list[int] = []
        real = learner.batch
        learner.batch = lambda rows, real=real, widths=widths: (
            widths.append(len(real(rows).inputs["input_ids"])) or real(rows)
        )
        losses.append(
            [e.loss for e in steps(train(learner, lessons, Training(strategy(batch_rows=8, packing=packing))))]
        )
        assert (widths[-1] < len(lessons)) == (packing == "on")
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_with_other_pieces_each_time_packing_and_the_count_of_tokens_stay_right() -> None:
    lessons: list[Lesson] = [Imitate(user(text * k), target) for k in (1, 3) for text, target in PAIRS]
    runs = []
    for packing in ("off", "on"):
        learner = opened("llama", bpe_dropout=0.4)
        runs.append(steps(train(learner, lessons, Training(strategy(batch_rows=8, packing=packing, steps=4)))))
    assert [e.loss for e in runs[0]] == pytest.approx([e.loss for e in runs[1]], abs=1e-5)
    rows = [[learner.row(one.context, one.target, one, draw) for one in lessons] for draw in range(4)]
    assert [e.tokens for e in runs[0]] == list(itertools.accumulate(sum(map(learner.cost, drawn)) for drawn in rows))
    assert len({sum(map(learner.cost, drawn)) for drawn in rows}) > 1


def test_packing_is_refused_aloud_where_rows_would_see_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = opened("llama")
    monkeypatch.setattr(learner, "packing_is_exact", lambda rows: False)
    events = list(train(learner, imitations(), Training(strategy(packing="on", steps=1))))
    assert learner.packing is False
    assert any(isinstance(e, Notice) and "packing is off" in e.words for e in events)


def test_pairs_and_anchors_share_their_steps_with_the_rest() -> None:
    """They have two rows each; sorted by that they would come in steps of their own, which Adam weighs alike."""
    taught: list[Lesson] = []
    for text, target in PAIRS * 2:
        taught += [Imitate(user(text), target), Match(user(text), user(text), target, teacher="start")]
        taught.append(Prefer(user(text), target, "terrible"))
    training = Training(strategy(batch_rows=12, steps=2))
    assert [set(e.parts) for e in steps(train(opened("llama"), taught, training))] == [
        {"imitate", "match", "prefer"}
    ] * 2


def test_a_lesson_that_is_not_seen_does_not_rescale_the_others() -> None:
    results = []
    for extra in ([], [Imitate(user("dog"), "糟糕", weight=0.0)]):
        learner = opened("llama")
        list(train(learner, imitations() + extra, Training(strategy(batch_rows=5, steps=2))))
        results.append(weights(learner))
    assert all(torch.allclose(results[0][key], results[1][key], atol=1e-6) for key in results[0])


@pytest.mark.parametrize(("keep", "kept_at"), [("best", 2), ("last", 4)])
def test_the_best_weights_are_the_ones_kept_or_the_last_where_asked(tmp_path: Path, keep: str, kept_at: int) -> None:
    for folder in (None, tmp_path):
        learner = opened("llama")
        seen: list[dict[str, torch.Tensor]] = []

        def validate(learner: Any = learner, seen: Any = seen) -> dict[str, float]:
            seen.append(weights(learner))
            return {"accuracy": [0.1, 0.5, 0.9, 0.3, 0.2][len(seen) - 1]}

        training = Training(strategy(validate_every=2, keep=keep), validate=validate, metric="accuracy", folder=folder)
        list(train(learner, imitations(), training))
        kept = weights(learner)
        assert all(torch.equal(kept[key], seen[kept_at][key]) for key in kept)


@pytest.mark.parametrize(("newer", "kept"), [(False, 0), (True, 4)])
def test_of_two_equally_good_weights_the_newer_is_kept_where_asked(newer: bool, kept: int) -> None:
    learner = opened("llama")
    seen: list[dict[str, torch.Tensor]] = []

    def validate() -> dict[str, float]:
        seen.append(weights(learner))
        return {"accuracy": 1.0}

    training = Training(strategy(validate_every=2), validate=validate, metric="accuracy", newer_wins=newer)
    list(train(learner, imitations(), training))
    now = weights(learner)
    assert all(torch.equal(now[key], seen[kept][key]) for key in now)


def test_early_stopping_counts_validations_without_gain() -> None:
    learner = opened("llama")
    values = iter([0.5, 0.4, 0.3, 0.2, 0.1])
    training = Training(
        strategy(validate_every=1, early_stopping=2), validate=lambda: {"f1": next(values)}, metric="f1"
    )
    events = list(train(learner, imitations(), training))
    assert len(steps(events)) == 2
    assert "stopped early" in events[-1].words


def test_the_average_is_smoother_than_the_weights() -> None:
    plain, averaged = opened("llama"), opened("llama")
    start = weights(plain)
    list(train(plain, imitations(), Training(strategy())))
    list(train(averaged, imitations(), Training(strategy(average=0.99))))
    moved = [sum(float((w[k] - start[k]).norm()) for k in start) for w in (weights(plain), weights(averaged))]
    assert 0 < moved[1] < moved[0]


def test_a_loss_that_is_not_finite_stops_names_the_batch_and_keeps_the_checkpoint(tmp_path: Path) -> None:
    learner = opened("llama")
    lessons = imitations()
    training = Training(strategy(steps=6, validate_every=1), validate=lambda: {"v": 0.0}, metric="v", folder=tmp_path)
    real = learner.logits
    calls = iter(range(1000))
    learner.logits = lambda batch: real(batch) * (float("nan") if next(calls) >= 3 else 1.0)
    with pytest.raises(TrainingFault, match="step 4") as caught:
        list(train(learner, lessons, training))
    assert all(f"{i + 1} ({content_id(lesson)})" in caught.value.where for i, lesson in enumerate(lessons))
    assert "learning_rate" in caught.value.fix
    state = checkpoints.load_step(tmp_path, next(iter(_fingerprints(tmp_path))))
    assert state is not None
    assert state[0].step == 3
    assert all(bool(torch.isfinite(value).all()) for value in state[1].values())


def _fingerprints(folder: Path) -> set[str]:
    import json

    return {json.loads(path.read_text())["fingerprint"] for path in folder.glob("step-*/state.json")}


def test_a_tensor_without_a_gradient_is_found() -> None:
    learner = opened("llama")
    learner.core.model.register_parameter("unused", torch.nn.Parameter(torch.zeros(3)))
    with pytest.raises(TrainingFault, match="unused"):
        list(train(learner, imitations(), Training(strategy())))


def test_nothing_to_learn_is_an_error() -> None:
    with pytest.raises(DataError, match="no lesson"):
        list(train(opened("llama"), [], Training(strategy())))


def test_an_answer_that_cannot_fit_is_named() -> None:
    with pytest.raises(DataError, match="does not fit"):
        list(train(opened("llama"), [Imitate(user("a"), "word " * 300)], Training(strategy())))


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = opened("llama")
    list(train(learner, imitations(), Training(strategy(steps=2), folder=tmp_path)))
    before = sorted(path.name for path in tmp_path.iterdir())

    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(MachineFault, match="No space left"):
        checkpoints.save_step(tmp_path, checkpoints.Progress("x", 5), {}, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_only_resuming_needs_can_be_forgotten(tmp_path: Path) -> None:
    training = Training(strategy(steps=2), validate=lambda: {"v": 0.0}, metric="v", folder=tmp_path)
    list(train(opened("llama"), imitations(), training))
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["best-00000000", "step-00000002"]
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob("*/*")}
    assert modes == {(tmp_path / "best-00000000" / "state.json").stat().st_mode & 0o777}
    checkpoints.forget_steps(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["best-00000000"]
    assert checkpoints.load_best(tmp_path) is not None


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    list(train(opened("llama"), imitations(), Training(strategy(steps=2), folder=tmp_path)))
    with pytest.raises(RunError, match="other lessons or settings"):
        list(train(opened("llama"), imitations()[:2], Training(strategy(steps=2), folder=tmp_path)))


SCRIPT = """
import os, signal, sys
from dataclasses import replace
from functools import partial
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_loop import *
learner = opened({model!r}, seed=3, bpe_dropout={dropout})
learner.core.model.train()
for module in learner.core.model.modules():
    if hasattr(module, "attention_dropout"):
        module.attention_dropout = 0.1
validations = []
training = Training(strategy(steps=12, batch_rows=2, validate_every=3, average=0.9, schedule="cosine"),
                    validate=lambda: {{"v": 0.0}}, metric="v", folder=Path(sys.argv[1]))
for event in train(learner, imitations(), training):
    if isinstance(event, Step) and event.step == int(sys.argv[2]):
        os.kill(os.getpid(), signal.{signal})
torch.save({{k: p.detach() for k, p in learner.core.parameters()}}, sys.argv[3])
"""


def _run(
    folder: Path, kill_at: int, out: Path, sign: str = "SIGKILL", model: str = "llama", dropout: float = 0.0
) -> int:
    here = str(Path(__file__).parent)
    script = textwrap.dedent(SCRIPT).format(tests=here, signal=sign, model=model, dropout=dropout)
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", script, str(folder), str(kill_at), str(out)], env=env, capture_output=True
    ).returncode


@pytest.mark.parametrize(("model", "dropout"), [("llama", 0.0), ("bart", 0.3)])
def test_resume_after_kill_is_bit_identical(model: str, dropout: float, tmp_path: Path) -> None:
    how: Any = {"model": model, "dropout": dropout}
    assert _run(tmp_path / "whole", 0, tmp_path / "whole.pt", **how) == 0
    assert _run(tmp_path / "cut", 8, tmp_path / "cut.pt", **how) == -signal.SIGKILL
    assert not (tmp_path / "cut.pt").exists()
    assert _run(tmp_path / "cut", 0, tmp_path / "cut.pt", **how) == 0
    whole, cut = torch.load(tmp_path / "whole.pt"), torch.load(tmp_path / "cut.pt")
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_ctrl_c_finishes_the_step_and_leaves_a_checkpoint(tmp_path: Path) -> None:
    assert _run(tmp_path / "run", 5, tmp_path / "out.pt", "SIGINT") != 0
    assert [path.name for path in (tmp_path / "run").glob("step-*")] in (["step-00000005"], ["step-00000006"])


GOLDEN = Path(__file__).parents[1] / "golden" / "llama_losses.txt"


def test_golden_loss_curve() -> None:
    """A tiny Llama on four lessons: any change of rendering, masking, weighting, schedule or optimiser shows here."""
    events = steps(train(opened("llama"), imitations(), Training(strategy(schedule="cosine", warmup=0.25))))
    curve = [event.loss for event in events]
    assert curve == pytest.approx([float(line) for line in GOLDEN.read_text().split()], rel=1e-4)


# ---------------------------------------------------------------- halted, and in rounds


def halting(at: int, folder: Path | None) -> tuple[Training, list[dict[str, torch.Tensor]], Any]:
    """A training whose validation objects from its `at`-th time on; values rise, so later ones would be the best."""
    learner = opened("llama")
    seen: list[dict[str, torch.Tensor]] = []

    def validate() -> dict[str, float]:
        if len(seen) >= at:
            raise Halt("answers have shrunk", {"v": 9.0})
        seen.append(weights(learner))
        return {"v": float(len(seen))}

    return Training(strategy(validate_every=2), validate=validate, metric="v", folder=folder), seen, learner


@pytest.mark.parametrize("kept", [True, False], ids=["on disk", "in memory"])
def test_a_halt_ends_with_the_best_weights_before_it(tmp_path: Path, kept: bool) -> None:
    training, seen, learner = halting(3, tmp_path if kept else None)
    events = list(train(learner, imitations(), training))
    assert len(steps(events)) == 6
    last, notice = events[-2:]
    assert isinstance(last, Validation)
    assert (last.step, last.best, last.values) == (6, False, {"v": 9.0})
    assert isinstance(notice, Notice)
    assert "step 6 of 8: answers have shrunk; the weights that were best before are kept" in notice.words
    assert all(torch.equal(value, seen[2][key]) for key, value in weights(learner).items())


def test_what_was_halted_stays_so_when_it_is_begun_again(tmp_path: Path) -> None:
    training, seen, learner = halting(3, tmp_path)
    list(train(learner, imitations(), training))
    assert checkpoints.halted(tmp_path) == "answers have shrunk"
    again = opened("llama")
    events = list(train(again, imitations(), replace(training, validate=lambda: {"v": 99.0})))
    assert steps(events) == []
    assert all(torch.equal(value, seen[2][key]) for key, value in weights(again).items())
    assert checkpoints.halted(tmp_path / "nowhere") == ""


def test_a_later_round_is_held_against_the_start_of_the_first() -> None:
    learner = opened("llama")
    learner.core.remember("start")
    start = logp(learner, "the cat sat", "good")
    list(train(learner, [Imitate(user("the cat sat"), "bad bad")], Training(strategy(steps=30), remembered=True)))
    away = logp(learner, "the cat sat", "good")
    anchor = [Match(user("the cat sat"), user("the cat sat"), "good", teacher="start")]
    events = steps(train(learner, anchor, Training(strategy(steps=30, batch_rows=1), remembered=True)))
    assert events[0].loss > 0.1
    assert abs(logp(learner, "the cat sat", "good") - start) < abs(away - start) / 2
    still = steps(train(learner, anchor, Training(strategy(steps=1, batch_rows=1))))
    assert still[0].loss == pytest.approx(0.0, abs=1e-6)


def test_pairs_of_a_later_round_are_compared_with_the_start_of_the_first() -> None:
    learner, pair = opened("llama"), [Prefer(user("the cat"), "good", "bad")]
    learner.core.remember("start")
    list(train(learner, pair, Training(strategy(batch_rows=1, steps=20), remembered=True)))
    later = steps(train(learner, pair, Training(strategy(batch_rows=1, steps=1), remembered=True)))
    assert later[0].loss < 0.6
    anew = steps(train(learner, pair, Training(strategy(batch_rows=1, steps=1))))
    assert anew[0].loss == pytest.approx(0.693147, abs=1e-5)


def test_what_a_round_ended_with_is_kept_and_its_checkpoints_are_not(tmp_path: Path) -> None:
    training, _, learner = halting(99, tmp_path)
    list(train(learner, imitations(), training))
    assert checkpoints.load_end(tmp_path) is None
    checkpoints.save_end(tmp_path, weights(learner))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-00000008", "end-00000000"]
    kept = checkpoints.load_end(tmp_path)
    assert kept is not None
    assert all(torch.equal(kept[key], value) for key, value in weights(learner).items())


def test_a_round_may_end_with_its_last_weights_and_the_best_of_all_rounds_are_found(tmp_path: Path) -> None:
    folders, learner = [tmp_path / name for name in ("one", "two", "three")], opened("llama")
    ends = []
    for folder, values in zip(folders, ([-3.0, -1.0, -2.0], [-2.0, -1.0, -4.0], [-4.0, -5.0, -6.0]), strict=True):
        scores = ({"v": value} for value in values)
        check = partial(next, scores)
        training = Training(strategy(steps=4, validate_every=2), folder=folder, validate=check, metric="v")
        list(train(learner, imitations(), replace(training, restore=False)))
        ends.append(weights(learner))
    best = checkpoints.best_of(folders)
    assert best is not None
    assert (best[0], best[1].best_step, best[1].best_value) == (1, 2, -1.0)
    assert [checkpoints.load_best(folder) is not None for folder in folders] == [False, True, False]
    kept = checkpoints.load_best(folders[1])
    assert kept is not None
    assert not all(torch.equal(kept[key], value) for key, value in ends[1].items())
    assert checkpoints.best_of([tmp_path / "none"]) is None
