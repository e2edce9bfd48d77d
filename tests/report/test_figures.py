import pytest

from sayso.report import figures


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("accuracy", 0.91449, "91.4\N{NO-BREAK SPACE}%"),
        ("bleu", 27.74, "27.7"),
        ("chrf", 0.0, "0.0"),
        ("brier", 0.1604, "0.160"),
        ("length_ratio", 1.0321, "1.03"),
        ("log_likelihood", -2.3456, "−2.35"),
        ("accuracy", -0.0001, "0.0\N{NO-BREAK SPACE}%"),
        ("something_new", 12345.6, "12,346"),
    ],
)
def test_values(unit: str, value: float, expected: str) -> None:
    assert figures.full(unit, value) == expected


def test_differences_have_a_sign_and_count_points() -> None:
    assert figures.change("accuracy", 0.402) + figures.points("accuracy") == "+40.2 points"
    assert figures.change("accuracy", -0.402) == "−40.2"
    assert figures.change("accuracy", 0.0) == "0.0"
    assert figures.points("brier") == ""


def test_intervals_never_confuse_a_dash_with_a_minus() -> None:
    assert figures.span("accuracy", (0.898, 0.929)) == "89.8–92.9"
    assert figures.span("accuracy", (-0.01, 0.02)) == "−1.0 to 2.0"
    assert figures.span("accuracy", None) == ""


def test_names() -> None:
    assert figures.unit_name("f1_macro") == "Macro F1"
    assert figures.unit_name("my_own_rate") == "My own rate"
    assert [figures.in_words(u) for u in ("accuracy", "f1_macro", "bleu", "chrf")] == [
        "accuracy",
        "macro F1",
        "BLEU",
        "chrF",
    ]
    assert figures.stage_name("learn") == "learnt"
    assert figures.stage_name("lookup") == "lookup"
    assert figures.look_of("lookup") == "rival"


def test_counts() -> None:
    assert figures.some(1, "comment") == "1 comment"
    assert figures.some(1200, "comment") == "1,200 comments"
    assert [figures.big(n) for n in (12, 3400, 22_700_000, 7e9)] == ["12", "3.4k", "22.7M", "7B"]
    assert [figures.duration(s) for s in (12, 200, 4320)] == ["12 s", "3 min 20 s", "1 h 12 min"]
