"""The notebook for Colab: valid, quiet about hosts, and run twice without Colab: a session, and a later one."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from journey import Told, contents, sayso

from sayso.store.feedback import FeedbackStore
from sayso.store.runs import Run

HOUSE = Path(__file__).resolve().parents[2]
BOOK = json.loads((HOUSE / "examples" / "sayso_colab.ipynb").read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in BOOK["cells"] if cell["cell_type"] == "code"]
SHELL = re.compile(r"^( *)(!|%pip )(.*)$", re.MULTILINE)


@dataclass
class Session:
    """One namespace in which cells are executed as a notebook's kernel does, and what their commands printed."""

    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    told: dict[str, Told] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)

    def run(self, cell: str) -> None:
        """Execute a cell; a line of `!` or `%pip` becomes a call, its names in braces filled in."""
        python = SHELL.sub(lambda line: f"{line[1]}_shell({line[2].strip()!r}, {line[3]!r})", cell)
        self.names["_shell"] = self.shell
        exec(compile(python, "cell", "exec"), self.names)

    def shell(self, sign: str, line: str) -> None:
        words = shlex.split(re.sub(r"\{(\w+)\}", lambda name: str(self.names[name[1]]), line))
        self.commands.append(words)
        if sign == "!" and words[0] == "sayso":
            self.told[words[1]] = sayso(*words[1:])
        elif sign == "!":
            subprocess.run(words, check=True)


def session(*cells: str) -> Session:
    made = Session()
    for cell in cells:
        made.run(cell)
    return made


def cell_with(words: str) -> str:
    [found] = [cell for cell in CODE if words in cell]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh folder to work in, with the settings that a user has outside Colab."""
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("SAYSO_QUICK", "1")
        patch.setenv("PYTHONWARNINGS", "")
        yield folder


@pytest.fixture(scope="module")
def first(home: Path) -> Session:
    with torch.random.fork_rng():
        return session(*CODE)


@pytest.fixture(scope="module")
def later(home: Path, first: Session) -> tuple[dict[str, bytes], Session]:
    """The run as the first session left it, and a second session on a machine whose disk is empty."""
    left = contents(home / "answers-en" / "run")
    shutil.rmtree(home / "answers-en")
    with torch.random.fork_rng():
        return left, session(*CODE)


# ---------------------------------------------------------------- the file


def test_it_is_a_notebook_of_version_4_without_outputs() -> None:
    assert set(BOOK) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (BOOK["nbformat"], BOOK["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in BOOK["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", one) for one in ids)
    for cell in BOOK["cells"]:
        own = {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | own
        assert all(isinstance(line, str) for line in cell["source"])
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_it_asks_for_a_t4_and_names_no_host_but_colab() -> None:
    assert BOOK["metadata"]["accelerator"] == "GPU"
    assert BOOK["metadata"]["colab"]["gpuType"] == "T4"
    assert BOOK["metadata"]["kernelspec"]["language"] == "python"
    text = "".join("".join(cell["source"]) for cell in BOOK["cells"])
    assert set(re.findall(r"https?://([^/\s)]+)", text)) == {"colab.research.google.com"}
    assert "colab-badge.svg" in "".join(BOOK["cells"][0]["source"])


def test_the_readmes_and_the_documentation_lead_to_it() -> None:
    pages = ("README.md", "README.zh.md", "docs/README.md")
    assert all("examples/sayso_colab.ipynb)" in (HOUSE / page).read_text(encoding="utf-8") for page in pages)


# ---------------------------------------------------------------- two sessions


def test_comments_are_kept_learnt_and_proved(first: Session, home: Path) -> None:
    run, names = Run.open(home / "answers-en" / "run"), first.names
    said = {one.prompt[0].text: one for one in run.feedback() if one.author.id == "me"}
    wrong = {q: a for q, a in zip(names["QUESTIONS"], names["answers"], strict=True) if a != names["WANTED"][q]}
    assert len(wrong) >= 2, "so few steps do not teach it the answers"
    assert {question: one.attempt.text for question, one in said.items()} == wrong
    assert all(one.revision == names["WANTED"][question] for question, one in said.items())
    taught = {id_ for lesson in run.lessons("learn") for id_ in lesson.from_ids}
    assert taught & {one.id for one in said.values()}
    assert {one.feedback for one in run.outcomes()} >= {one.id for one in said.values()}
    proof = run.proof()
    assert proof is not None
    assert proof["gate"]["words"] in first.told["prove"].out
    belief = next(one for one in proof["measures"] if one["name"] == "belief")
    assert belief["after"] > belief["before"] + 0.01, "the better answers are likelier than before"
    train, learn = (contents(run.weights(stage))["adapter_model.safetensors"] for stage in ("train", "learn"))
    assert train != learn


def test_commands_are_those_of_the_journey_in_order(first: Session) -> None:
    assert [words[1] for words in first.commands] == ["init", "check", "run", "comment", "learn", "prove"]
    recipe = Run.open(first.names["PROJECT"] / "run").recipe()
    assert (recipe.strategy.tuning, recipe.learn.strategy.tuning) == ("lora", "lora")
    assert recipe.strategy.steps == 24, "what the cell chose is what the commands heed"


def test_a_later_session_goes_on_and_does_nothing_twice(
    first: Session, later: tuple[dict[str, bytes], Session], home: Path
) -> None:
    left, second = later
    assert "init" not in second.told
    assert second.names["answers"] == first.names["answers"]
    assert contents(home / "answers-en" / "run") == left
    assert "1/24" in first.told["run"].err
    assert "1/6" in first.told["learn"].err
    assert not re.search("1/(24|6) ", second.told["run"].err + second.told["learn"].err)
    store = FeedbackStore(home / "answers-en" / "run" / "feedback.db")
    kept = [(one.prompt, one.comment) for one in store.all(current=False)]
    store.close()
    assert len(set(kept)) == len(kept) == len(Run.open(home / "answers-en" / "run").feedback())


def test_what_is_saved_is_the_whole_project(later: tuple[dict[str, bytes], Session], home: Path) -> None:
    assert contents(home / "saved" / "answers-en") == contents(home / "answers-en")
    assert not list((home / "saved").glob("*.new"))


# ---------------------------------------------------------------- where Colab is


def test_the_form_keeps_the_same_comment_as_the_call(
    later: tuple[dict[str, bytes], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, second = later
    monkeypatch.setitem(sys.modules, "ipywidgets", widgets())
    _, comment, better, when, button, told = second.names["review_form"]().children
    button.press()
    assert told.value == "Say in a few words what is wrong."
    comment.value, better.value, when.value = "Wrong colour. ", "A carrot is orange.", "a colour is asked for"
    button.press()
    called = second.names["say"](0, "Wrong colour.", "A carrot is orange.", "a colour is asked for")
    assert told.value == f"kept as {called.id[:8]}"
    assert (called.scope.reach, called.scope.when) == ("rule", "a colour is asked for")
    store = FeedbackStore(second.names["run"].folder / "feedback.db")
    assert [one.comment for one in store.all()].count("Wrong colour.") == 1
    store.close()


def widgets() -> ModuleType:
    """As much of ipywidgets as the form uses."""

    class Widget(SimpleNamespace):
        def on_click(self, do: Callable[[Any], None]) -> None:
            self.press = lambda: do(self)

    def dropdown(options: list[tuple[str, Any]], **_: Any) -> Widget:
        return Widget(value=options[0][1])

    made = ModuleType("ipywidgets")
    plain = {name: lambda **_: Widget(value="") for name in ("Textarea", "Text", "Button", "Label")}
    vars(made).update(plain, Dropdown=dropdown, VBox=lambda children: Widget(children=children))
    return made


@pytest.mark.parametrize(("capability", "settings"), [((7, 5), "float16"), ((8, 0), None), (None, None)])
def test_half_precision_is_for_cards_like_a_t4(first: Session, capability: Any, settings: str | None) -> None:
    assert first.names["precision"](capability).get("model.dtype") == settings


def test_pip_is_told_to_keep_torch_and_numpy(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    settings, install = cell_with("QUICK = False"), cell_with("%pip")
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sayso" else found(name))
    with pytest.raises(ValueError, match="fill in SOURCE"):
        session(settings, install)
    monkeypatch.setenv("SAYSO_SOURCE", "./sayso.whl")
    done = session(settings, install)
    assert done.commands == [["install", "--quiet", "--constraint", "keep.txt", "./sayso.whl"]]
    lines = (tmp_path / "keep.txt").read_text().split()
    assert f"torch=={importlib.metadata.version('torch')}" in lines
    assert any(line.startswith("numpy==") for line in lines)
    now = iter([{"numpy": "1"}, {"numpy": "2"}])
    with pytest.raises(RuntimeError, match="numpy"):
        changed(settings, install, lambda: next(now))


def changed(settings: str, install: str, installed: Callable[[], dict[str, str]]) -> None:
    """The install cell, where what is installed is as `installed` says."""
    head, tail = install.split("before = ")
    done = session(settings, head)
    done.names["installed"] = installed
    done.run("before = " + tail)


@contextmanager
def colab(**parts: Any) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        module = ModuleType("google.colab")
        vars(module).update(parts)
        patch.setitem(sys.modules, "google.colab", module)
        yield


def test_a_key_comes_from_the_panel_else_from_the_environment(first: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    class SecretNotFoundError(Exception): ...

    class NotebookAccessError(Exception): ...

    def get(name: str) -> str:
        if name in ("OTHER", "LOCKED"):
            raise SecretNotFoundError if name == "OTHER" else NotebookAccessError
        return "panel"

    secret = first.names["secret"]
    for name in ("TOKEN", "OTHER", "LOCKED"):
        monkeypatch.setenv(name, "environment")
    assert (secret("TOKEN"), secret("ABSENT_HERE")) == ("environment", "")
    errors = {"SecretNotFoundError": SecretNotFoundError, "NotebookAccessError": NotebookAccessError}
    with colab(userdata=SimpleNamespace(get=get, **errors)):
        assert [secret(name) for name in ("TOKEN", "OTHER", "LOCKED")] == ["panel", "environment", "environment"]


def test_in_colab_projects_are_saved_to_the_drive(first: Session) -> None:
    mounted: list[str] = []
    with colab(drive=SimpleNamespace(mount=mounted.append)):
        first.names["DRIVE"] = True
        assert first.names["place"]() == Path("/content/drive/MyDrive/sayso")
        first.names["DRIVE"] = False
        assert first.names["place"]() == Path("saved")
    assert mounted == ["/content/drive"]
