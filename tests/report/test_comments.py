from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.recipe import Recipe
from sayso.records import Attempt, Feedback, Imitate, Match, Outcome, Prefer, State, user
from sayso.report.comments import comments, in_words, sentence, share_out
from sayso.report.contents import read
from sayso.store.runs import Run


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 40), max_size=7), st.integers(0, 80))
def test_places_are_shared_fairly(sizes: list[int], places: int) -> None:
    given_ = share_out(sizes, places)
    assert all(0 <= got <= size for got, size in zip(given_, sizes, strict=True))
    assert sum(given_) == min(places, sum(sizes))
    cut = [got for got, size in zip(given_, sizes, strict=True) if got < size]
    assert not cut or max(given_) - min(cut) <= 1 + (max(given_) - min(cut)) * (max(sizes) > max(cut) + places)


def test_every_comment_is_counted_in_its_state(run_of: Callable[[str], Run]) -> None:
    run = run_of("comments")
    found = comments(read(run))
    assert found is not None
    assert found.n == sum(tally.n for tally in found.tallies) == 30
    states = {outcome.feedback: outcome.state.value for outcome in run.outcomes()}
    assert all(one.state == states.get(one.id, "waiting") for one in found.shown)
    assert {tally.state for tally in found.tallies} == {state.value for state in State}


def test_what_is_not_shown_is_counted(run_of: Callable[[str], Run]) -> None:
    found = comments(read(run_of("comments")), 7)
    assert found is not None
    assert len(found.shown) == 7
    assert found.n == 30
    assert all(tally.shown >= 1 for tally in found.tallies)


def test_a_comment_tells_its_whole_story(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", Recipe())
    one = Feedback(user("这部电影怎么样？"), Attempt("一般"), "请先说结论。", revision="很好看。")
    run.write_feedback([one])
    run.write_outcomes([Outcome(one.id, State.HEEDED, "现在就是更好的答案", "一般", "很好看。")])
    run.write_lessons("learn", [Prefer(one.prompt, "很好看。", "一般", from_ids=(one.id,))])
    found = comments(read(run))
    assert found is not None
    shown = found.shown[0]
    assert (shown.state_name, shown.lessons, shown.why) == ("Heeded", "1 preference", "现在就是更好的答案")
    assert "".join(part.text for part in shown.after) == "很好看。"
    assert shown.attempt == ""
    assert sentence(read(run)) == "Of 1 comment: 1 heeded."


def test_no_comments_no_section(tmp_path: Path) -> None:
    contents = read(Run.create(tmp_path / "run", Recipe()))
    assert comments(contents) is None
    assert sentence(contents) == ""


def test_lessons_in_words() -> None:
    context = user("好")
    lessons = [Imitate(context, "a"), Imitate(context, "b"), Match(context, context, "c"), Prefer(context, "d", "e")]
    assert in_words(lessons) == "2 answers to imitate, 1 preference, 1 belief to match"
