"""`sayso chat`: talk with a model, say what is wrong, let it learn, ask again.

Decided here:
- What is said is a comment on the last answer, kept in the run's store at once. `/learn` is one turn of `sayso live`:
  the same versions, proof and gate, so a server of the same run takes over what is learnt here. As one person's few
  comments can show little, it is eager; what the gate refuses may be tried all the same with `/take`.
- A bare model gets a run of its own, so that it can learn; the last version is there the next time. Its data are what
  customers ask the shop of the package's demo, in both languages: nothing of them is taught, they keep the model where
  it was, and show whether it is.
- Answers are printed on stdout as they are written, the rest on stderr. Ctrl-C ends an answer or a learning, and what
  was said is kept; at the prompt it clears the line, and twice it leaves. In a pipe every line is one turn.
- Commands are understood in English and Chinese; the talk about them follows the language of the last line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sayso.errors import SaysoError, UnsupportedError, nearest
from sayso.records import Attempt, Author, Example, Feedback, Message, Messages, Scope
from sayso.wording import Language, language_of, language_of_context, with_standing

if TYPE_CHECKING:
    from sayso.cli.project import Project
    from sayso.cli.serving import Served
    from sayso.recipe import FilePart, StrategyPart
    from sayso.serve.versions import Versions

METHOD = "imitate"  # of a bare model: better answers are learnt surely, words alone by large models only
TOKENS = 128
ORDINARY = 48  # questions that nobody comments on
STEPS = 16  # for one comment or two
SMALL_RATE = 1e-3  # of the carried model, as in its demo; others have their preset's
COMMANDS = {
    "say": ("说",),
    "always": ("总是",),
    "when": ("当",),
    "fix": ("改",),
    "learn": ("学",),
    "take": ("采用",),
    "back": ("退回",),
    "again": ("再问",),
    "history": ("记录",),
    "new": ("新对话",),
    "help": ("帮助",),
    "quit": ("退出",),
}
WORDS: dict[str, dict[Language, str]] = {
    "help": {
        "en": "/say WHAT IS WRONG   /always WHAT IS WANTED   /when CONDITION: WHAT IS WANTED   /fix BETTER ANSWER\n"
        "/learn   /take (what was refused)   /again   /back   /history   /new   /quit",
        "zh": "/说 哪里不对   /总是 处处适用的要求   /当 条件：这时的要求   /改 更好的回答\n"
        "/学   /采用（未通过的）   /再问   /退回   /记录   /新对话   /退出",
    },
    "kept": {"en": "kept; {n} waiting for /learn", "zh": "已记下；{n} 条等待 /学"},
    "nothing": {"en": "nothing has been answered yet", "zh": "还没有回答"},
    "empty": {"en": "say it after the command: {usage}", "zh": "请写在命令后面：{usage}"},
    "none": {"en": "no new comment waits", "zh": "没有等待学习的评语"},
    "version": {"en": "version {n} answers now: {name}", "zh": "现在由版本 {n} 回答：{name}"},
    "refused": {"en": "/take tries it all the same", "zh": "/采用 仍然使用它"},
    "no_refused": {"en": "no version was refused last", "zh": "最近没有未通过的版本"},
    "stopped": {"en": "stopped; what you said is kept", "zh": "已停止；您说的话都已记下"},
    "leave": {"en": "Ctrl-C again, or /quit, to leave", "zh": "再按 Ctrl-C 或输入 /退出 离开"},
    "unknown": {"en": "there is no command '{name}'; {fix}", "zh": "没有命令“{name}”；{fix}"},
}


def chat(
    model: Annotated[str, typer.Argument(help="a run folder or its recipe; or a model's folder, hub id, 'embedded'")],
    method: Annotated[str, typer.Option(help="a method's name; the recipe's, else imitate, when empty")] = "",
    folder: Annotated[Path | None, typer.Option(help="for a bare model's run; runs/chat-NAME if none")] = None,
    author: Annotated[str, typer.Option(help="who comments")] = "",
) -> None:
    """Talk with a model, say what is wrong with its answers, let it learn that, and ask again."""
    from sayso.cli.live import project_at
    from sayso.serve.versions import Versions

    project = project_at(_run_of(model, folder, method), method)
    if project.task.name not in ("generate", "translate"):
        fix = "`sayso serve` has an inbox for such answers"
        raise UnsupportedError(f"a model for the task '{project.task.name}' does not converse", fix=fix)
    Chat(project, Versions(project.run.folder), Author("person", author)).run()


@dataclass
class Chat:
    """One conversation with whichever version is current."""

    project: Project
    versions: Versions
    author: Author
    turns: list[Message] = field(default_factory=list)
    answered: list[tuple[Messages, str, str]] = field(default_factory=list)
    said: list[Feedback] = field(default_factory=list)
    language: Language = "en"
    learnt: int = 0

    def run(self) -> None:
        """Until the input ends, or somebody leaves."""
        self.open()
        self.tell("help")
        for line in _lines(lambda: self.tell("leave")):
            try:
                if not self.turn(line.strip()):
                    return
            except KeyboardInterrupt:
                self.tell("stopped")
            except SaysoError as error:
                _say(str(error))

    def open(self) -> None:
        """Load the current version."""
        from sayso.cli.serving import served_version

        number = self.versions.current
        self.what: Served = served_version(self.versions, number)
        self.tell("version", n=number, name=self.what.version)

    def turn(self, line: str) -> bool:
        """One line: something asked, or a command. False to leave."""
        if not line:
            return True
        if not line.startswith("/"):
            self.language = language_of(line)
            self.ask(line)
            return True
        asked, _, rest = line[1:].partition(" ")
        name = next((name for name, also in COMMANDS.items() if asked.lower() == name or asked in also), "")
        self.language = language_of(asked + rest)
        if name == "quit":
            return False
        self._do(name, asked, rest.strip())
        return True

    # ------------------------------------------------------------ asking

    def ask(self, text: str) -> None:
        """Answer it, as a turn of the conversation."""
        self.turns.append(Message("user", text))
        prompt = tuple(self.turns)
        try:
            answer = _told(self.what, prompt)
        except KeyboardInterrupt:
            self.turns.pop()
            print()
            raise
        self.turns.append(Message("assistant", answer))
        self.answered.append((prompt, answer, self.what.version))

    def again(self) -> None:
        """Ask the last question again."""
        if self._last() is None:
            return
        text = self.turns[-2].text
        del self.turns[-2:]
        self.ask(text)

    # ------------------------------------------------------------ saying

    def comment(self, words: str, scope: Scope, revision: str | None = None) -> None:
        """Keep a comment on the last answer."""
        from sayso.cli.comment import store_of

        last = self._last()
        if last is None:
            return
        prompt, answer, version = last
        attempt = Attempt(answer, model=version)
        before = self.said[-1] if self.said else None
        one = Feedback(prompt, attempt, words, self.author, scope, revision=revision)
        with store_of(self.project) as store:
            if before is not None and (before.prompt, before.attempt) == (prompt, attempt) and _one_more(before, one):
                one = store.supersede(self.said.pop().id, _joined(before, one))
            else:
                one = store.say(one)
        self.said.append(one)
        self.tell("kept", n=len(self.said[self.learnt :]))

    # ------------------------------------------------------------ learning

    def learn(self) -> None:
        """One turn of `sayso live`, and the new version where it is let in."""
        from sayso.cli.live import learn_waiting
        from sayso.store.runs import Run

        with Run(self.versions.home).lock():
            turn = learn_waiting(self.project, self.versions, eager=True)
        if turn is None:
            self.tell("none")
            return
        self.learnt = len(self.said)
        _say(turn.words)
        if turn.promoted:
            self.open()
        else:
            self.tell("refused")

    def take(self) -> None:
        """Use the version that was refused last, on one's own responsibility."""
        last = next(reversed(self.versions.history), None)
        if last is None or last.deed != "refused" or not _weights(self.versions, last.number).is_dir():
            self.tell("no_refused")
            return
        words = f"taken by {self._who()}; the gate said: {last.words}"
        self.versions.promote(last.number, self.versions.current, words)
        self.open()

    def back(self) -> None:
        """Let the version before answer again."""
        from sayso.cli.comment import store_of
        from sayso.serve.versions import roll_back

        with store_of(self.project) as store:
            roll_back(self.versions, store, self._who())
        self.open()

    def history(self) -> None:
        """What was asked, answered by whom, and said."""
        for prompt, answer, version in self.answered:
            _say(f"> {prompt[-1].text}\n{answer}\n  [{version}]")
            for one in self.said:
                if (one.prompt, one.attempt.text, one.attempt.model) == (prompt, answer, version):
                    _say(f"  - {one.comment or one.revision}")

    def tell(self, which: str, **facts: object) -> None:
        """A line about the conversation, in its language."""
        _say(WORDS[which][self.language].format(**facts))

    # ------------------------------------------------------------ inside

    def _do(self, name: str, asked: str, rest: str) -> None:
        needs = {"say": "/say ...", "always": "/always ...", "when": "/when ...: ...", "fix": "/fix ..."}
        simple: dict[str, Callable[[], None]] = {
            "learn": self.learn,
            "take": self.take,
            "back": self.back,
            "again": self.again,
            "history": self.history,
            "new": self.turns.clear,
            "help": lambda: self.tell("help"),
        }
        if name in simple:
            simple[name]()
        elif name in needs:
            condition, _, then = rest.replace("：", ":", 1).partition(":")
            if not rest or (name == "when" and not (condition.strip() and then.strip())):
                self.tell("empty", usage=needs[name])
            elif name == "when":
                self.comment(then.strip(), Scope("rule", condition.strip()))
            elif name == "fix":
                self.comment("", Scope(), rest)
            else:
                self.comment(rest, Scope("everywhere") if name == "always" else Scope())
        else:
            known = [f"/{each}" for each in (*COMMANDS, *(one for also in COMMANDS.values() for one in also))]
            self.tell("unknown", name=f"/{asked}", fix=nearest(f"/{asked}", known, "/help"))

    def _who(self) -> str:
        return self.author.id or "somebody at the terminal"

    def _last(self) -> tuple[Messages, str, str] | None:
        if not self.turns:
            self.tell("nothing")
            return None
        return self.answered[-1]


# ---------------------------------------------------------------- inside


def _run_of(model: str, folder: Path | None, method: str) -> Path:
    """The run folder or recipe that is named, else a run for the bare model."""
    from sayso.cli.serving import versions_of
    from sayso.models.open import locate
    from sayso.recipe import DataPart, LearnPart, ModelPart, Recipe, TaskPart
    from sayso.store.runs import Run

    if versions_of(model) is not None:
        return Path(model)
    name = Path(model).name or "model"
    home = folder or Path("runs") / f"chat-{name}"
    if not (home / "recipe.yaml").is_file():
        locate(model)
        recipe = Recipe(
            name=f"chat-{name}",
            task=TaskPart(name="generate", max_new_tokens=TOKENS),
            model=ModelPart(name=str(Path(model).absolute()) if Path(model).is_dir() else model),
            data=DataPart(train=_ordinary("train"), validation=_ordinary("validation")),
            learn=LearnPart(method=method or METHOD, strategy=_strategy(model), replay=0.0),
        )
        Run.create(home, recipe)
    return home


def _ordinary(split: str) -> FilePart:
    """What the demo's customers ask, in both languages."""
    from sayso.models.catalogue import EMBEDDED
    from sayso.recipe import FilePart

    return FilePart(path=str(EMBEDDED.parent / "demo" / f"{split}.jsonl"), limit=ORDINARY)


def _strategy(model: str) -> StrategyPart:
    from sayso.recipe import StrategyPart

    rate = SMALL_RATE if model == "embedded" else 0.0
    return StrategyPart(learning_rate=rate, steps=STEPS, validate_every=2, early_stopping=0)


def _weights(versions: Versions, number: int) -> Path:
    from sayso.store.runs import Run

    return Run(versions.folder(number)).weights("learn")


def _one_more(before: Feedback, one: Feedback) -> bool:
    """Whether the second says what the first left open: a better answer to a comment, or the other way round."""
    return bool(before.comment) != bool(one.comment) and (before.revision is None) != (one.revision is None)


def _joined(before: Feedback, one: Feedback) -> Feedback:
    """One comment of both: the words and their reach of one, the better answer of the other."""
    words, other = (one, before) if one.comment else (before, one)
    return replace(words, revision=other.revision, supersedes="")


def _told(what: Served, prompt: Messages) -> str:
    """The answer, printed while it is written."""
    from sayso.protocols import Ask, Token

    assert what.voice is not None
    voice = what.voice
    shown = what.task.context(Example("", prompt), what.kind)
    ask = Ask(with_standing(shown, what.standing.get(language_of_context(prompt), "")), what.task.sampling)
    ids: list[int] = []
    printed = 0

    def heard(tokens: Sequence[Token]) -> tuple[int, ...]:
        nonlocal printed
        ids.extend(token.id for token in tokens)
        text = voice.decode(ids).rstrip("�")
        print(text[printed:], end="", flush=True)
        printed = max(printed, len(text))
        return ()

    voice.speak([ask], [voice.encoded(ask)], heard)
    print(flush=True)
    return voice.decode(ids)


def _lines(warn: Callable[[], None]) -> Iterator[str]:
    """What is typed, or what comes through a pipe; Ctrl-C clears a line, and twice in a row ends it."""
    interrupted = False
    while True:
        try:
            line = input("> " if sys.stdin.isatty() else "")
        except EOFError:
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)
            if interrupted:
                return
            interrupted = True
            warn()
            continue
        interrupted = False
        yield line


def _say(words: str) -> None:
    from sayso.cli.console import console

    console(stderr=True).print(words)
