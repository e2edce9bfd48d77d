"""The picture is one file, well-formed, and says every value in words too."""

from __future__ import annotations

from xml.etree import ElementTree

from sayso.report.bench import picture
from sayso.report.charts import Dot, Group


def test_the_picture_stands_alone() -> None:
    dots = (Dot("heed", 43.0, (31.0, 55.0), "base", "43 %"), Dot("a < b & 中", 0.0, None, "learn", "0 %"))
    made = picture([Group("in context", dots[:1]), Group("prefer", dots[1:])], "模型 <x>")
    tree = ElementTree.fromstring(made)
    assert tree.tag.endswith("svg")
    words = "".join(tree.itertext())
    assert "模型 <x>" in words
    assert "a < b & 中" in words
    assert made.count("whisker base") == 1
    assert "href" not in made
    labels = [node.get("aria-label") for node in tree.iter() if node.get("aria-label")]
    assert labels == ["in context, heed: 43 %; prefer, a < b & 中: 0 %"]
