"""Whether a hub of models can be reached; no torch.

Decided here: it is asked once for a process and briefly. The hub's own client tries six times within half a minute for
each of a model's files, and says so each time. Where no hub answers, what was fetched before is still used.
"""

from __future__ import annotations

from functools import cache

SECONDS = 5.0


@cache
def reachable() -> bool:
    """Does the hub answer, whatever it answers?"""
    from huggingface_hub import constants, get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=SECONDS)
    except Exception:  # which errors there are depends on the library that it asks with
        return False
    return True
