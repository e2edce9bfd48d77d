"""`sayso doctor`: what is installed, what is fast here, and what is missing for what."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sayso.models.hardware import Machine

NEEDED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<rest>[^;]*)(?:;(?P<marker>.*))?")
PURPOSES = {
    "track": "live curves in TensorBoard or trackio",
    "chinese": "new tokenizers that read traditional Chinese as simplified",
    "serve": "the server and the review inbox",
    "tune": "searching for hyper-parameters",
    "bias": "measuring bias between groups",
    "explain": "explaining single answers",
    "gguf": "export for llama.cpp",
    "onnx": "export to ONNX",
    "postgres": "a feedback store that several people share",
    "dev": "the tests, types and style of this project itself",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True, slots=True)
class Package:
    """One installed or missing package; version is "" where it is missing."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Extra:
    """An optional set of packages: what it is for and what of it is missing."""

    name: str
    purpose: str
    missing: tuple[str, ...]


def doctor(
    json: Annotated[bool, typer.Option("--json", help="print the result as JSON")] = False,
) -> None:
    """Say what is installed, which number format is fast on this machine, and what is missing for what."""
    from sayso.cli.console import print_json

    found = examine()
    if json:
        print_json(found)
    else:
        _print(found)


def examine() -> dict[str, Any]:
    """Everything that `doctor` says, as plain values."""
    import os
    import platform

    from sayso.models.hardware import choose_dtype, machine, probe_dtypes, qlora_obstacle, thread_advice

    core, extras = packages()
    has = machine()
    speeds = probe_dtypes(has.device) if _installed("torch") else {}
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": [asdict(package) for package in core],
        "extras": [asdict(extra) for extra in extras],
        "machine": has.as_json(),
        "threads": asdict(thread_advice(has, os.environ)),
        "speeds": {name: round(speed, 1) for name, speed in speeds.items()},
        "dtype": asdict(choose_dtype(speeds)),
        "trap": bfloat16_is_a_trap(speeds),
        "qlora": qlora_obstacle(has.device),
        "browser": browser(),
        "embedded": _embedded(),
        "problems": problems(core, has),
    }


def packages() -> tuple[list[Package], list[Extra]]:
    """The core packages, and the extras with what of them is missing, as the installed metadata lists them."""
    from importlib.metadata import requires

    core: list[Package] = []
    extras: dict[str, list[str]] = {}
    for line in requires("sayso") or []:
        found = NEEDED.match(line)
        if found is None:
            continue
        name = found["name"]
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", found["marker"] or "")
        if extra is None:
            core.append(Package(name, _installed(name)))
        else:
            extras.setdefault(extra[1], []).extend([] if _installed(name) else [name])
    return core, [Extra(name, PURPOSES.get(name, ""), tuple(missing)) for name, missing in extras.items()]


def bfloat16_is_a_trap(speeds: dict[str, float]) -> bool:
    """Whether bfloat16 runs here, but at less than half of float32's speed."""
    from sayso.models.hardware import TRAP

    half, base = speeds.get("bfloat16", 0.0), speeds.get("float32", 0.0)
    return 0 < half < TRAP * base


def browser() -> str:
    """The path of a Chromium, or "". Only the project's own tests look at reports in one."""
    import os
    import shutil

    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    kept = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache/ms-playwright")
    return next((str(path) for path in sorted(kept.glob("chromium*/chrome-linux*/*")) if path.name in _RUNS), "")


_RUNS = ("chrome", "headless_shell", "chrome-headless-shell")


def problems(core: list[Package], has: Machine) -> list[str]:
    """What keeps Sayso from working here, in words; mostly nothing."""
    from sayso.models.footprint import RUNTIME, readable

    found = [f"{p.name} is missing: pip install {p.name}" for p in core if not p.version]
    if has.memory_available < 2 * RUNTIME:
        found.append(f"only {readable(has.memory_available)} of memory are free: even a small model needs more")
    if has.disk_free < RUNTIME:
        found.append(f"only {readable(has.disk_free)} of disk are free: checkpoints need more")
    if has.gpu and has.device == "cpu":
        found.append(f"{has.gpu}: the README says how to install one that can")
    return found


# ---------------------------------------------------------------- inside


def _installed(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _embedded() -> bool:
    from sayso.models.catalogue import EMBEDDED

    return (EMBEDDED / "config.json").is_file()


def _print(found: dict[str, Any]) -> None:
    from sayso.cli.console import console, print_table

    out = console()
    for name, value in _lines(found):
        out.print(f"{name:12}{value}")
    out.print()
    print_table(
        "Packages", ("package", "version"), [(p["name"], p["version"] or "missing") for p in found["packages"]]
    )
    out.print()
    rows = [(e["name"], e["purpose"], _missing(e)) for e in found["extras"]]
    print_table("Extras", ("extra", "for", "state"), rows)
    for problem in found["problems"]:
        out.print(f"\nProblem: {problem}")
    out.print("\nThere are problems." if found["problems"] else "\nAll that is needed is here.")


def _missing(extra: dict[str, Any]) -> str:
    if not extra["missing"]:
        return "installed"
    return f"missing {', '.join(extra['missing'])}: pip install 'sayso[{extra['name']}]'"


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    from sayso.models.footprint import readable

    has = found["machine"]
    gpu = f"{has['gpu']}, {readable(has['gpu_memory_free'])} of {readable(has['gpu_memory'])} free"
    speeds = ", ".join(f"{name} {speed:,.0f}" for name, speed in found["speeds"].items())
    return [
        ("python", f"{found['python']} on {found['system']}"),
        ("device", gpu if has["gpu_memory"] else has["gpu"] or "cpu (no GPU that torch can use)"),
        ("memory", f"{readable(has['memory_available'])} of {readable(has['memory'])} available"),
        ("disk", f"{readable(has['disk_free'])} free here"),
        ("threads", f"{found['threads']['value']}: {found['threads']['why']}"),
        ("speed", f"{speeds} GFLOP/s in a matrix product"),
        ("dtype", f"{found['dtype']['value']}: {found['dtype']['why']}"),
        ("qlora", found["qlora"] or "can run here"),
        ("embedded", "the package carries its model" if found["embedded"] else "this build carries no model"),
        ("browser", found["browser"] or "none found; only the project's own tests want one"),
    ]
