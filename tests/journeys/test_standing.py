"""Learning without training: what people said stands in the prompt, is told everywhere, and the weights stay."""

from __future__ import annotations

from pathlib import Path

from journey import sayso, sets

from sayso.store.runs import Run


def test_the_words_stand_in_every_prompt_and_the_weights_are_those_that_were_trained(
    tmp_path: Path, models: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    sayso("init", tmp_path, "--task", "instructions", "--language", "en")
    settings = sets(model__name=models / "llama", task__max_new_tokens=6, evaluate__limit=6)
    settings += ["--set", "learn.method=prompt", "--set", "learn.knobs={lines: 3, calls: 60, margin: 1.0}"]
    told = sayso("run", recipe, *settings)
    assert "lines stand in the prompt" in told.err
    run = Run.open(tmp_path / "run")
    words = (run.note("standing") or {})["en"]
    assert words.startswith("What reviewers ask of the answer:\n- ")
    assert len(words.splitlines()) == 4
    for kept in run.weights("train").glob("*.safetensors"):
        assert (run.weights("learn") / kept.name).read_bytes() == kept.read_bytes()
    assert run.lessons("learn") == []
    assert {"train", "learn"} <= {stage for stage, split, _ in run.scores() if split == "test"}
    assert {one.feedback for one in run.outcomes()} == {one.id for one in run.feedback()}
    assert words.splitlines()[1] in (tmp_path / "run" / "README.md").read_text("utf-8")
    sayso("learn", recipe, *settings, "--method", "imitate", "--set", "learn.knobs={}")
    assert not any((run.note("standing") or {}).values())
