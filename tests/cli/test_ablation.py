"""The comment that taught an answer is the one without which it is gone; comments that share a lesson go together."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))
from journey import sayso, sets
from tiny import saved

from sayso.cli.ablation import standing_together

ABOUT = (
    ("the cat", "hello dog", "say hello"),
    ("一只猫", "不错 谢谢", "要说谢谢"),
    ("my order", "please send", "ask for it"),
)


def test_comments_that_share_a_lesson_stand_together() -> None:
    assert standing_together([("a",), ("b", "c"), ("d",), ("c", "a"), ("d",)]) == [("a", "b", "c"), ("d",)]


def test_the_comment_that_taught_an_answer_is_found_by_both(tmp_path: Path) -> None:
    model = saved("llama", tmp_path / "model")
    rows = [{"prompt": f"good {i}", "target": "fine"} for i in range(4)]
    comments = [{"prompt": p, "attempt": "terrible", "revision": r, "comment": c} for p, r, c in ABOUT]
    for name, body in (("train", rows), ("comments", comments)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in body)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: ablation\nrun: run\ntask: {{name: generate}}\nmodel: {{name: {model}}}\n"
        "data: {test: {path: train.jsonl}, train: {path: train.jsonl}, validation_share: 0}\n"
        "feedback: {files: [comments.jsonl], held_out: 0}\nlearn: {method: imitate}\n",
        encoding="utf-8",
    )
    settings = {"learn__strategy__steps": 40, "learn__strategy__learning_rate": 0.01}
    sayso("run", recipe, *sets(**settings))
    ask = ("explain", tmp_path / "run", "--stage", "learn", "--text", "the cat", "--answer", "hello dog")
    cause = sayso(*ask, "--without", 3, "--json").json["items"][0]["cause"]
    assert cause["again"] > cause["before"] + 1  # the last weights; what the run kept is what validated best
    first, *others = cause["blamed"]
    assert first["comment"] == "say hello"
    assert first["effect"] > max(1.0, cause["noise"])
    assert all(abs(one["effect"]) < first["effect"] / 2 for one in others)
    assert first["pull"] > max(one["pull"] for one in others)
    assert first["cosine"] > max(one["cosine"] for one in others)
    told = sayso(*ask).out
    assert "Comments that made it so" in told
    assert told.index("say hello") < told.index("要说谢谢")
    assert "a proxy" in told
