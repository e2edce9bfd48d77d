"""Exit code 1 where pip's installation report names a package that needs CUDA's libraries on this machine."""

import json
import sys
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
needed = [Requirement(words) for part in report["install"] for words in part["metadata"].get("requires_dist", [])]
wanted = [need.name for need in needed if need.marker is None or need.marker.evaluate({"extra": ""})]
sys.exit(any(name.lower().startswith(("nvidia", "cuda")) for name in wanted))
