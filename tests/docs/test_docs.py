"""The documentation says what is: a fresh reference, links that lead somewhere, recipes that parse, code that runs."""

from __future__ import annotations

import importlib.util
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sayso.cli.init import Begin, Language, project_files
from sayso.cli.main import COMMANDS, command
from sayso.recipe import Recipe, parse
from sayso.sheet import Sheet

HOUSE = Path(__file__).resolve().parents[2]
PAGES = sorted([*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md"), *(HOUSE / "decisions").glob("*.md")])
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
STAND_INS = {"google-bert/bert-base-chinese": "bert", "Qwen/Qwen3-0.6B": "qwen3"}


def name_of(page: Path) -> str:
    return str(page.relative_to(HOUSE))


def blocks(kind: str, pages: list[Path] = PAGES) -> list[Any]:
    found = [
        (page, n, text)
        for page in pages
        for n, (is_, text) in enumerate(FENCE.findall(page.read_text("utf-8")))
        if is_ == kind
    ]
    return [pytest.param(text, id=f"{name_of(page)}-{n}") for page, n, text in found]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", HOUSE / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_code_says(reference: ModuleType) -> None:
    there = {page.name: page.read_text("utf-8") for page in (HOUSE / "docs" / "reference").glob("*.md")}
    wanted = reference.pages()
    stale = sorted(name for name in there.keys() | wanted.keys() if there.get(name) != wanted.get(name))
    assert not stale, f"out of date: {stale}; run `make docs`"


def test_every_public_name_command_and_room_has_its_place_in_the_reference(reference: ModuleType) -> None:
    import sayso
    from sayso import presets, rooms

    pages = reference.pages()
    assert all(f"## {name}\n" in pages["api.md"] for name in sayso.__all__)
    assert all(f"## sayso {name}\n" in pages["commands.md"] for name in COMMANDS)
    for room in ("methods", "critics", "sources"):
        assert all(f"## {name}\n" in pages[f"{room}.md"] for name in rooms.names(room))  # type: ignore[arg-type]
    assert all(f"`{name}`" in pages["presets.md"] for name in presets.names())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    dead = [target for target in LINK.findall(text) if "://" not in target and not _leads(page, target)]
    assert not dead


def _leads(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    if not there.exists():
        return False
    return not anchor or anchor in set(_anchors(there))


def _anchors(page: Path) -> Iterator[str]:
    """As GitHub makes them: lower case, spaces to hyphens, punctuation out."""
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_recipe_parses(text: str) -> None:
    assert parse(text)


@pytest.mark.parametrize("text", blocks("sh"))
def test_a_command_exists_with_its_options(text: str) -> None:
    for line in text.splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["sayso"]:
            _check_command(words[1:])


def _check_command(words: list[str]) -> None:
    assert words[0] in COMMANDS
    _, found, _ = command().resolve_command(None, words[:1])
    known = {flag for one in found.params for flag in (*one.opts, *one.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
    for before, after in itertools.pairwise(words):
        if before == "--set":
            sheet = Sheet("the recipe", Recipe)
            sheet.override(after, lambda _, value: value)
            assert sheet.build()


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of `sayso init` and tiny models in the place of the hub's."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "reviews").mkdir()
    for name, text in project_files("reviews", Begin.SENTIMENT, Language.ZH).items():
        (folder / "reviews" / name).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HOUSE / "tests" / "models"))
        from tiny import saved

        for architecture in STAND_INS.values():
            saved(architecture, folder / architecture)
    return folder


@pytest.mark.parametrize("text", blocks("python run"))
def test_code_runs_as_it_stands(text: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.chdir(workplace)
    monkeypatch.setattr("sys.argv", ["example"])
    for hub, architecture in STAND_INS.items():
        text = text.replace(hub, str(workplace / architecture))
    with torch.random.fork_rng():
        exec(compile(text, "documentation", "exec"), {"__name__": "__main__"})


def test_the_ten_lines_are_the_example() -> None:
    example = (HOUSE / "examples" / "ten_lines.py").read_text("utf-8")
    shown = [
        text for kind, text in FENCE.findall((HOUSE / "docs" / "python.md").read_text("utf-8")) if kind == "python run"
    ]
    assert example.strip() == shown[0].strip()


def test_the_readme_says_the_same_in_both_languages() -> None:
    english, chinese = ((HOUSE / name).read_text("utf-8") for name in ("README.md", "README.zh.md"))
    assert _skeleton(english) == _skeleton(chinese)


def _skeleton(page: str) -> tuple[int, list[str], list[str]]:
    """The number of headings, code without comments, what was printed, and the links (a translation is its page)."""
    fences = FENCE.findall(page)
    code = [
        re.sub(r"(?m)\s+#.*$", "", text) for kind, text in fences if kind in ("sh", "yaml", "python run", "console")
    ]
    code += [text for kind, text in fences if kind == "text" and not text.startswith("docs/")]
    links = [link.replace(".zh.md", ".md") for link in LINK.findall(FENCE.sub("", page)) if link[:6] != "README"]
    return len(re.findall(r"(?m)^#+ ", FENCE.sub("", page))), code, sorted(set(links))
