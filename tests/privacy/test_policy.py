"""A comment is kept as the policy says: as it is, without personal data, or not at all."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sayso.privacy.policy import PersonalData, Policy, admitted, cleaned, in_comment, in_words, project_key
from sayso.records import Attempt, Author, Example, Feedback, Scope, Span, user
from sayso.store.feedback import FeedbackStore

PHONE, NAME = "13812345678", "张伟"
SAID = Feedback(
    user(f"请打{PHONE}找我"),
    Attempt(f"好的，{PHONE}对吗？", (1, 2, 3)),
    f"别念我的号码{PHONE}",
    Author("person", "anna"),
    Scope("rule", f"提到{PHONE}时"),
    (Span(3, 14, "private", replacement=PHONE), Span(14, 16)),
    f"好的，我会打{PHONE}。",
)
PLAIN = Feedback(user("几点开门？"), Attempt("九点。"), "说得太短。")


def everything(one: Feedback) -> str:
    return repr(one)


@pytest.mark.parametrize("do", ["redact", "pseudonymise"])
def test_nothing_of_it_is_left_in_any_part(do: str) -> None:
    kept = admitted(SAID, Policy(do, (), b"key"))  # type: ignore[arg-type]
    assert PHONE not in everything(kept)
    assert kept.author == SAID.author
    assert kept.attempt.token_ids == (), "they would say what stood there"
    first, second = kept.spans
    assert kept.attempt.text[first.start : first.end].startswith("[手机号")
    assert kept.attempt.text[second.start : second.end] == "对吗"
    assert not in_comment(kept, Policy("warn"))


def test_a_comment_without_any_stays_as_it_is_under_every_policy() -> None:
    for do in ("keep", "warn", "redact", "pseudonymise", "refuse"):
        assert admitted(PLAIN, Policy(do, (), b"key")) is PLAIN or admitted(PLAIN, Policy(do, (), b"key")) == PLAIN  # type: ignore[arg-type]
        assert admitted(PLAIN, Policy(do, (), b"key")).id == PLAIN.id  # type: ignore[arg-type]


def test_refused_says_which_kinds_and_not_what() -> None:
    with pytest.raises(PersonalData) as caught:
        admitted(SAID, Policy("refuse"))
    assert "phone (6)" in str(caught.value)
    assert PHONE not in str(caught.value)
    assert admitted(SAID, Policy("refuse", ("email",))) is SAID, "another kind was asked for"


def test_kept_and_warned_of_change_nothing() -> None:
    assert admitted(SAID, Policy("warn")) is SAID
    assert in_words(in_comment(SAID, Policy("warn"))) == "phone (6)"


def test_a_rows_text_is_cleaned_and_its_label_is_not() -> None:
    row = Example("1", user(f"{NAME}先生的电话是{PHONE}"), "Sarah Mitchell")
    policy = Policy("redact")
    assert cleaned(row, policy, labels=True).prompt == user("[人名]先生的电话是[手机号]")
    assert cleaned(row, policy, labels=True).target == "Sarah Mitchell"
    assert cleaned(row, policy, labels=False).target == "[name]"


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "run" / "pseudonyms.key"
    key = project_key(path)
    assert project_key(path) == key
    assert len(key) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# ---------------------------------------------------------------- at the store's door


def test_the_store_never_writes_what_the_policy_takes_out(tmp_path: Path) -> None:
    where = tmp_path / "it.db"
    with FeedbackStore(where, Policy("redact")) as store:
        store.add([SAID])
        said = store.say(Feedback(user("你好"), Attempt("您好"), f"我是{NAME}，打{PHONE}"))
        changed = store.supersede(said.id, Feedback(user("你好"), Attempt("您好"), f"改打{PHONE}"))
        kept = store.all(current=False)
    assert len(kept) == 3
    assert changed.comment == "改打[手机号]"
    for file in tmp_path.iterdir():
        assert PHONE.encode() not in file.read_bytes()
        assert NAME.encode() not in file.read_bytes()


def test_a_refused_line_of_a_file_is_listed_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "comments.jsonl"
    rows = [
        '{"prompt": "a", "attempt": "b", "comment": "fine"}',
        "nonsense",
        f'{{"prompt": "a", "comment": "{PHONE}"}}',
    ]
    file.write_text("\n".join(rows), encoding="utf-8")
    with FeedbackStore(tmp_path / "it.db", Policy("refuse")) as store:
        imported = store.import_jsonl(file)
        assert [one.comment for one in store.all()] == ["fine"]
    assert imported.added == 1
    assert [line for line, _ in imported.refused] == [2, 3]
    assert imported.refused[1][1] == "it holds personal data: phone"


def test_the_ids_of_an_import_are_those_that_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "comments.jsonl"
    file.write_text(f'{{"prompt": "a", "attempt": "b", "comment": "打{PHONE}"}}', encoding="utf-8")
    with FeedbackStore(tmp_path / "it.db", Policy("redact")) as store:
        assert store.import_jsonl(file).ids == tuple(one.id for one in store.all())
