"""Translations with one error between <v> and </v> become comments: spans_to_comments.py zhen.jsonl comments.jsonl.

A row of https://github.com/dayeonki/mt_feedback (from google/wmt-mqm-human-evaluation) marks one error, but its score
is of all errors in the translation. Only rows whose score is that of the marked error alone are kept: in the others
`mark` would take an error that is not marked for right.
"""

import json
import sys
from pathlib import Path

SCORES = {"major": (-5.0,), "minor": (-1.0, -0.1)}  # MQM's; -0.1 is for punctuation

source, made = map(Path, sys.argv[1:3])
rows = [json.loads(line) for line in source.read_text(encoding="utf-8").split("\n") if line.strip()]
comments = []
for row in rows:
    before, _, rest = row["target"].partition("<v>")
    error, _, after = rest.partition("</v>")
    if row["score"] == "None" or float(row["score"]) not in SCORES.get(row["severity"], ()):
        continue
    start, end = len(before), len(before) + len(error)
    comments.append(
        {
            "prompt": row["source"],
            "attempt": before + error + after,
            "comment": f"{row['category']} ({row['severity']}): {error.strip()}",
            "revision": row["reference"],
            "spans": [{"start": start, "end": end, "label": row["category"], "severity": row["severity"]}],
        }
    )
made.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in comments), encoding="utf-8")
print(f"{len(comments)} of {len(rows)} rows are comments now; in the others more is wrong than what is marked")
