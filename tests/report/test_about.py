from collections.abc import Callable
from pathlib import Path

from sayso.recipe import LearnPart, Recipe
from sayso.report.about import about, again, standing_words
from sayso.report.contents import read
from sayso.store.runs import Run


def named(run: Run) -> dict[str, dict[str, str]]:
    return {name: {fact.name: fact.value for fact in facts} for name, facts in about(read(run)).groups}


def test_what_was_run(run_of: Callable[[str], Run]) -> None:
    groups = named(run_of("comments"))
    assert groups["Model"]["parameters"] == "11.4M"
    assert groups["Training"]["learning rate"] == "3e-05"
    assert groups["Training"]["early stopping"] == "after 3 validations without gain"
    assert groups["Learning from comments"]["method"] == "condition"
    assert groups["Where and when"]["seed"] == "7"
    assert groups["Where and when"]["train file, SHA-256"] == "9f2c" * 16


def test_what_a_preset_would_decide_is_left_out(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe())
    run.add_metric({"stage": "train", "kind": "step", "step": 1, "loss": 1.0, "seconds": 3.0})
    assert "Training" not in named(run)
    assert named(run)["Where and when"]["training time"] == "3 s"


def test_adapters_tell_their_share(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe())
    run.write_note("model", {"parameters": 1_000_000, "trainable": 20_000})
    assert named(run)["Model"]["parameters"].replace("\N{NO-BREAK SPACE}", " ") == "1M, of which 20k trained (2 %)"


def test_the_command_is_as_it_was_given_else_one_that_repeats_the_folder(run_of: Callable[[str], Run]) -> None:
    assert again(read(run_of("comments"))).command.startswith("sayso run recipes/")
    bare = run_of("minimal")
    assert again(read(bare)).command == f"sayso run {bare.folder / 'recipe.yaml'}"


def test_only_files_that_are_there_are_listed(run_of: Callable[[str], Run]) -> None:
    run = run_of("translation")
    files = dict(again(read(run)).files)
    assert "metrics.jsonl" in files
    assert "feedback.jsonl" not in files
    assert all((run.folder / name).exists() for name in files)


def test_words_that_must_stand_in_the_prompt(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe(learn=LearnPart(method="prompt")))
    run.write_note("standing", {"zh": "请给出好的回答。", "en": ""})
    assert standing_words(read(run)) == []
    assert "Learning from comments" not in dict(about(read(run)).groups)
    run.weights("learn").mkdir(parents=True)
    assert standing_words(read(run)) == [("zh", "请给出好的回答。")]
    facts = {fact.name: fact.value for fact in dict(about(read(run)).groups)["Learning from comments"]}
    assert facts == {"method": "prompt", "weights": "as they were", "words in every zh prompt": "请给出好的回答。"}


def test_rounds_tell_their_notices_and_what_stopped_them(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe.model_validate({"learn": {"method": "reinforce"}}))
    run.add_metric({"stage": "learn", "kind": "step", "step": 1, "loss": 1.0, "seconds": 3.0})
    first = {"round": 1, "lessons": 9, "notices": ["2 回合没有用"], "halted": "", "seen": "drift 0.010 nats per token"}
    second = {"round": 2, "lessons": 7, "notices": [], "halted": "answers have shrunk to 20%", "seen": ""}
    run.write_note("rounds", {"of": 3, "rounds": [first, second]})
    told = named(run)["Learning from comments"]
    assert told["notice, round 1"] == "2 回合没有用"
    assert told["watched, round 1"] == "drift 0.010 nats per token"
    assert told["stopped, round 2"] == "answers have shrunk to 20%"
    assert (told["lessons, round 1"], told["lessons, round 2"]) == ("9", "7")
    run.write_note("rounds", {"of": 1, "rounds": [first | {"halted": "answers repeat themselves"}]})
    assert named(run)["Learning from comments"]["stopped"] == "answers repeat themselves"
    assert "lessons" not in named(run)["Learning from comments"]
