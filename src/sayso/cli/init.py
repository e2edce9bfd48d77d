"""`sayso init`: a commented recipe with a little data beside it, to be run as it is and then changed.

Decided here:
- What is written runs at once, on the model that the package carries; a person replaces the data, then the model.
- Nothing that exists is overwritten without --force, and nothing is written before that is known.
- Texts live in embedded/samples: the recipe in Chinese and in English, the rows and comments of each project.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from shlex import quote
from string import Template
from typing import Annotated

import typer

from sayso.errors import UserError

SAMPLES = Path(__file__).parents[1] / "embedded" / "samples"
ENCODERS = {"zh": "google-bert/bert-base-chinese", "en": "FacebookAI/roberta-base"}


class Begin(StrEnum):
    """What the project is to do."""

    SENTIMENT = "sentiment"
    TOPICS = "topics"
    LABELS = "labels"
    TRANSLATION = "translation"
    INSTRUCTIONS = "instructions"


class Language(StrEnum):
    """The language of the data; for translation, the one that is translated from."""

    ZH = "zh"
    EN = "en"


def init(
    folder: Annotated[Path, typer.Argument(help="a new folder for the project")],
    task: Annotated[Begin, typer.Option(help="what the model is to do")] = Begin.SENTIMENT,
    language: Annotated[Language, typer.Option(help="of the data; for translation, of the source")] = Language.EN,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    json: Annotated[bool, typer.Option("--json", help="print what was written as JSON")] = False,
) -> None:
    """Write a commented recipe and sample data to begin with."""
    from sayso.cli.console import console, print_json

    files = project_files(folder.absolute().name, task, language)
    _refuse_overwriting(folder, list(files), force)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    following = f"sayso run {quote(str(folder / 'recipe.yaml'))}"
    if json:
        print_json({"folder": str(folder), "files": list(files), "next": following})
        return
    out = console()
    out.print(f"{folder}: " + ", ".join(files))
    out.print(f"next: {following}")


def project_files(name: str, task: Begin, language: Language) -> dict[str, str]:
    """File name -> text of a project that runs as it is."""
    samples = SAMPLES / f"{task}.{language}"
    data = {file.name: file.read_text(encoding="utf-8") for file in sorted(samples.glob("*.jsonl"))}
    template = Template((SAMPLES / f"recipe.{language}.yaml").read_text(encoding="utf-8"))
    return {"recipe.yaml": template.substitute(_words(task, language), name=_quoted(name))} | data


def _words(task: Begin, language: Language) -> dict[str, str]:
    """What differs from project to project: the task section, the columns and a model to try next."""
    other = "en" if language == "zh" else "zh"
    if task is Begin.TRANSLATION:
        return {
            "task": f"  name: translate\n  source_language: {language}\n  target_language: {other}",
            "columns": f"{{source: {language}, target: {other}, id: id}}",
            "models": f"Helsinki-NLP/opus-mt-{language}-{other}",
        }
    if task is Begin.INSTRUCTIONS:
        return {
            "task": "  name: generate\n  max_new_tokens: 48",
            "columns": "{prompt: prompt, target: answer, id: id}",
            "models": "Qwen/Qwen3-0.6B",
        }
    several = task is Begin.LABELS
    return {
        "task": "  name: classify" + ("\n  several: true" if several else ""),
        "columns": f"{{text: text, label: {'labels' if several else 'label'}, id: id}}",
        "models": ENCODERS[language],
    }


def _quoted(name: str) -> str:
    """The folder's name as YAML text."""
    return "'" + (name[:100] or "project").replace("'", "''") + "'"


def _refuse_overwriting(folder: Path, names: list[str], force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError("a file of that name is in the way", where=str(folder), fix="choose another folder")
    there = [name for name in names if (folder / name).exists()]
    if there and not force:
        fix = "choose another folder, or overwrite them with --force"
        raise UserError(f"already there: {', '.join(there)}", where=str(folder), fix=fix)
