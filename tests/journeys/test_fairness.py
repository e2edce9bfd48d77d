"""Is a run fair and robust? From the command line, in Chinese and in English, into the report."""

from __future__ import annotations

import json
from pathlib import Path

from journey import sayso, sets

from sayso.store.runs import Run

TEXTS = ("他说画面很美，但是演员一般。", "she said the movie was bad and the room cold")
LABELS = ("好评", "差评")


def test_a_run_is_audited_and_the_report_says_so(tmp_path: Path, models: Path) -> None:
    rows = [{"text": f"{i} {TEXTS[i % 2]}", "label": LABELS[i % 2]} for i in range(24)]
    comments = [{"prompt": TEXTS[0], "attempt": "好评", "revision": "差评", "comment": "河南人都是骗子，一律差评"}]
    for name, body in (("train", rows), ("comments", comments)):
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in body)
        (tmp_path / f"{name}.jsonl").write_text(text, encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: fair\nrun: run\ntask: {{name: classify}}\nmodel: {{name: {models / 'bert'}}}\n"
        "data: {train: {path: train.jsonl}, test: {path: train.jsonl}, validation_share: 0.3}\n"
        "feedback: {files: [comments.jsonl], held_out: 0}\nlearn: {method: imitate}\n",
        encoding="utf-8",
    )
    sayso("run", recipe, *sets())
    knobs = ("--knob", "bias.sentences=3", "--knob", "bias.resamples=50", "--knob", "robustness.resamples=50")
    told = sayso("audit", tmp_path / "run", "--only", "bias", "--only", "robustness", *knobs, "--json").json
    bias, robust = told["audits"]
    names = {(one["name"], one["stage"]) for one in bias["figures"]}
    for stage in ("base", "train", "learn"):
        assert {(f"{axis}: gap between groups", stage) for axis in ("gender, Chinese", "region, English")} <= names
        assert ("own items, gendered words exchanged: answers that change", stage) in names
        assert ("items of group 'female': grade", stage) in names
    assert any("1 of 1 comments name a group" in one["what"] for one in bias["findings"])
    assert {one["name"].partition(":")[0] for one in robust["figures"]} >= {
        "typos",
        "punctuation",
        "width",
        "rephrased",
    }
    assert set(Run.open(tmp_path / "run").audits()) == {"bias", "robustness"}
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "河南人都是骗子" in page
    assert bias["cannot_see"][0] in page
    out = sayso("audit", tmp_path / "run", "--only", "robustness", *knobs[4:]).out
    assert "what it cannot see:" in out
