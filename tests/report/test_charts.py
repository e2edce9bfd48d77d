import math
import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sayso.report.charts import HEIGHT, Bins, Dot, Group, Line, intervals, lines, mark, reliability, thinned, ticks

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: x if abs(x) > 1e-100 else 0.0)


def tree(svg: object) -> ElementTree.Element:
    return ElementTree.fromstring(str(svg))


@settings(deadline=None, max_examples=200)
@given(NUMBERS, NUMBERS)
def test_ticks_cover_the_range_evenly_and_are_few(low: float, high: float) -> None:
    low, high = sorted((low, high))
    marks = ticks(low, high)
    slack = 1e-6 * max(1.0, abs(low), abs(high))
    assert marks[0] <= low + slack
    assert marks[-1] >= high - slack
    assert 2 <= len(marks) <= 8
    steps = [b - a for a, b in pairwise(marks)]
    assert min(steps) > 0
    assert max(steps) - min(steps) <= slack


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 100, [0, 25, 50, 75, 100]), (0.52, 0.91, [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]), (3, 3, [3.0, 4.0])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected, abs=1e-3)


def test_ticks_of_what_is_no_number() -> None:
    assert ticks(math.nan, 1) == ticks(1, math.nan) == ticks(0, math.inf) == [0.0, 1.0]


def test_ticks_at_the_ends_of_what_a_float_can_hold() -> None:
    assert ticks(-5e-324, -5e-324) == ticks(0, 5e-324) == ticks(0, 0)
    assert ticks(-1.7e308, 1.7e308) == [0.0, 1.0]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=300), st.integers(1, 50))
def test_thinning_keeps_the_mean_of_equal_groups_and_the_bound(points: list[tuple[float, float]], most: int) -> None:
    kept = thinned(points, most)
    assert len(kept) == min(len(points), most)
    if points and len(points) % most == 0:
        assert sum(y for _, y in kept) / len(kept) == pytest.approx(sum(y for _, y in points) / len(points), abs=1e-3)


def test_thinning_drops_what_is_not_finite() -> None:
    assert thinned([(0, math.nan), (1, 2.0), (math.inf, 3)]) == [(1, 2.0)]


def test_a_curve_stands_where_its_values_are() -> None:
    svg = tree(lines([Line("loss", ((0, 1.0), (50, 0.5), (100, 0.0)), "train")], "Loss falls", best=50))
    curve = svg.find(".//polyline")
    assert curve is not None
    places = [tuple(map(float, pair.split(","))) for pair in curve.attrib["points"].split()]
    assert places == [(0, 0), (500, HEIGHT / 2), (1000, HEIGHT)]
    best = next(e for e in svg.iter("line") if e.get("class") == "best")
    assert best.attrib["x1"] == "50%"
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"] == "Loss falls"


def test_every_point_can_be_read() -> None:
    svg = tree(lines([Line("validation accuracy", ((10, 0.914),), "train", dotted=True)], "", share=True))
    assert [e.text for e in svg.iter("title")] == ["validation accuracy, step 10: 91.4 %"]


def test_no_points_no_chart() -> None:
    assert not lines([Line("loss", (), "train")], "")
    assert not intervals([Group("准确率", ())], "")
    assert not reliability([Bins("base", "base", ())], "")


def test_whiskers_span_their_intervals() -> None:
    dot = Dot("tuned", 75, (50, 100), "train", "75.0 % (50.0–100.0)")
    svg = tree(intervals([Group("准确率, %", (dot, Dot("base", 0, None, "base", "0")))], "两个阶段"))
    whisker = next(e for e in svg.iter("line") if "whisker" in e.get("class", ""))
    assert (whisker.get("x1"), whisker.get("x2")) == ("50%", "100%")
    assert any(e.get("cx") == "75%" for e in svg.iter("circle"))
    assert "准确率, %" in "".join(svg.itertext())


def test_a_perfect_model_lies_on_the_diagonal() -> None:
    bins = ((0.2, 0.2, 5), (0.8, 0.8, 20))
    svg = tree(reliability([Bins("learnt", "learn", bins)], ""))
    places = [tuple(map(float, p.split(","))) for p in svg.find(".//polyline").attrib["points"].split()]  # type: ignore[union-attr]
    assert [x + y for x, y in places] == pytest.approx([300, 300])
    small, large = (float(e.attrib["r"]) for e in svg.iter("circle"))
    assert small < large


def test_stages_differ_by_shape_not_only_by_colour() -> None:
    shapes = [re.sub(r"(train|base|learn|rival)", "", str(mark(look))) for look in ("train", "learn", "rival")]
    assert len(set(shapes)) == 3


def test_names_cannot_become_markup() -> None:
    svg = str(lines([Line("<script>", ((1, 1),), "train", dotted=True)], '"><script>'))
    assert "<script>" not in svg
    tree(svg)
