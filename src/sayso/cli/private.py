"""What a recipe's `privacy` section says, carried out: on comments as they come in, on rows before they are taught.

Decided here:
- A warning names kinds and counts, never what was found: it ends up in logs.
- Rows are changed as they are read. The files stay as they are; the run's fingerprint tells changed rows from others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sayso.errors import DataError, UnsupportedError
from sayso.privacy.canaries import canaries
from sayso.privacy.policy import CHANGES, Policy, cleaned, in_comment, in_example, in_words, project_key
from sayso.recipe import PrivacyPart, Recipe
from sayso.records import Example, Feedback

KEY = "pseudonyms.key"
NAMED = 8  # lines in an error


def policy_for(part: PrivacyPart, what: Literal["comments", "rows"], folder: Path) -> Policy:
    """What is done about personal data in comments or rows; the key is made where pseudonyms are asked for."""
    do = getattr(part, what)
    key = project_key(Path(part.key) if part.key else folder / KEY) if do == "pseudonymise" else None
    return Policy(do, tuple(part.kinds), key)


def rows_for(recipe: Recipe, examples: Sequence[Example], folder: Path) -> tuple[Example, ...]:
    """The rows as they may be taught. DataError, naming lines, where personal data is refused."""
    part, labels = recipe.privacy, recipe.task.name == "classify"
    if part.rows in ("keep", "warn"):
        return tuple(examples)
    policy = policy_for(part, "rows", folder)
    if part.rows in CHANGES:
        return tuple(cleaned(one, policy, labels) for one in examples)
    lines = [one.line for one in examples if in_example(one, policy, labels)]
    if lines:
        named = ", ".join(map(str, lines[:NAMED])) + (", ..." if len(lines) > NAMED else "")
        what = f"{len(lines):,} {'row holds' if len(lines) == 1 else 'rows hold'} personal data (lines {named})"
        raise DataError(what, where="privacy.rows: refuse", fix="take it out, or set privacy.rows to redact")
    return tuple(examples)


def canary_rows(recipe: Recipe) -> tuple[Example, ...]:
    """The made-up secrets that the recipe asks for. UnsupportedError where answers are not free text."""
    count = recipe.privacy.canaries
    if count and recipe.task.name != "generate":
        what = f"canaries need answers in free text; the task is {recipe.task.name}"
        raise UnsupportedError(what, where="privacy.canaries", fix="leave it out: rows are audited by their loss")
    return canaries(count, recipe.seed)


def personal_in(examples: Sequence[Example], recipe: Recipe) -> tuple[Counter[str], list[int]]:
    """How often each kind stands in rows, and the lines of these rows. Nothing where it is to be kept unseen."""
    kinds: Counter[str] = Counter()
    lines: list[int] = []
    if recipe.privacy.rows != "keep":
        policy = Policy("warn", tuple(recipe.privacy.kinds))
        for one in examples:
            if found := in_example(one, policy, recipe.task.name == "classify"):
                kinds += found
                lines.append(one.line)
    return kinds, lines


def warn_of(comments: Sequence[Feedback], part: PrivacyPart) -> None:
    """Say on stderr how many comments hold personal data, where the recipe asks for a warning."""
    from sayso.cli.console import console

    if part.comments != "warn":
        return
    policy, kinds, holding = Policy("warn", tuple(part.kinds)), Counter[str](), 0
    for one in comments:
        found = in_comment(one, policy)
        kinds, holding = kinds + found, holding + bool(found)
    if holding:
        many = "1 comment holds" if holding == 1 else f"{holding:,} comments hold"
        fix = "`privacy: {comments: redact}` in the recipe takes it out of those that come in"
        console(stderr=True).print(f"comment  {many} personal data: {in_words(kinds)}; {fix}")
