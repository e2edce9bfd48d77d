"""What `learn` puts between a method and the learner."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sayso.cli.learn import critic_of
from sayso.cli.learn import fits as fits_of
from sayso.cli.project import Project
from sayso.recipe import CriticPart, FeedbackPart, Recipe, TaskPart
from sayso.records import Attempt, Author, Feedback, user

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from tiny import opened


@pytest.mark.parametrize("name", ["llama", "bart"])
def test_what_a_model_drew_is_taught_where_it_fits(name: str) -> None:
    fits = fits_of(opened(name))
    assert fits(user("the cat"), "好")
    assert not fits(user("the cat"), "猫 cat " * 90)
    assert not fits(user("the cat"), "good</s> bad") or name == "bart"


def test_the_program_that_commented_is_asked_about_another_answer_and_no_other_comment_is_put_in_its_mouth(
    tmp_path: Path,
) -> None:
    (tmp_path / "checks.py").write_text(
        "def polite(prompt, answer):\n"
        "    if answer == '崩': raise ValueError\n"
        "    return None if '您' in answer else [f'{answer}：请用敬语。', 'Say please.']\n",
        encoding="utf-8",
    )
    part = CriticPart(name="program", knobs={"program": f"{tmp_path / 'checks.py'}:polite"})
    recipe = Recipe(run=str(tmp_path / "run"), task=TaskPart(name="generate"), feedback=FeedbackPart(critics=[part]))
    project = Project.open(recipe)
    own = Feedback(user("在吗"), Attempt("在"), "在：请用敬语。", Author("program", "checks.py:polite"))
    critic = critic_of(project, [own])
    assert critic is not None
    assert critic(own, "嗯") == "嗯：请用敬语。\nSay please."
    assert critic(own, "您好") is None
    assert critic(own, "崩") == ""
    person = Feedback(user("在吗"), Attempt("在"), "太冷淡。")
    assert critic(person, "嗯") == "太冷淡。"
    assert critic_of(project, [person]) is None
    assert critic(replace(person, checks=("checks.py:polite",)), "嗯") == "嗯：请用敬语。\nSay please."
    assert critic(replace(own, author=Author("program", "gone.py:polite")), "嗯") == "", "nobody is there to judge it"
    assert critic_of(Project.open(Recipe(run=str(tmp_path / "other"))), [own]) is None


def test_a_check_that_a_comment_names_is_asked_about_another_answer(tmp_path: Path) -> None:
    project = Project.open(Recipe(run=str(tmp_path / "run"), task=TaskPart(name="generate")))
    said = Feedback(user("在吗"), Attempt("在"), "太冷淡。", checks=("contains(您)", "at_most_words(3)"))
    critic = critic_of(project, [said])
    assert critic is not None
    assert critic(said, "您好") is None
    assert "您" in (critic(said, "嗯") or "")
    assert len((critic(said, "one two three four five") or "").splitlines()) == 2
    assert critic(replace(said, checks=("gone.py:polite",)), "嗯") == ""
