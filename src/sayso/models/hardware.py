"""What this machine has: cores, memory, GPU, disk, and which number format is fast on it.

Decided here:
- A container's limits count, not the host's: cgroup limits of both versions are read, the tightest one holds.
- Torch is imported only where the system shows signs of a GPU, and to measure speeds.
- A number format is chosen by measuring: bfloat16 is several times faster on some processors, ten times slower on
  others. float16 is never chosen: its gradients underflow without loss scaling.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROOT = Path("/")
UNLIMITED = 1 << 60
DTYPES = ("float32", "bfloat16", "float16")
WORTH_IT = 1.3  # half precision must be this much faster than float32 to be chosen
TRAP = 0.5  # and slower than this share of float32 it is a trap
PROBE_SECONDS = 0.2
PROBE_SIZES = {"cpu": (64, 512), "cuda": (2048, 4096), "mps": (512, 2048)}


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes and counts. `memory_available` is what a new process may take; gpu is "" without one."""

    cores: int
    memory: int
    memory_available: int
    disk_free: int
    device: str = "cpu"
    gpu: str = ""
    gpu_memory: int = 0
    gpu_memory_free: int = 0

    @property
    def training_memory(self) -> int:
        """What a training may take: the GPU's free memory, else the machine's available memory."""
        return self.gpu_memory_free if self.device == "cuda" else self.memory_available

    def as_json(self) -> dict[str, Any]:
        """All facts."""
        return asdict(self) | {"training_memory": self.training_memory}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen and why, in words."""

    value: str
    why: str


def machine(folder: Path | None = None, root: Path = ROOT) -> Machine:
    """This machine as a process may use it; disk is that of `folder`. /proc and /sys are looked for under `root`."""
    total, available = memory(root)
    plain = Machine(cores(root), total, available, disk_free(folder or Path.cwd()))
    if not _signs_of_gpu(root):
        return plain
    return _with_gpu(plain)


def cores(root: Path = ROOT) -> int:
    """Processors this process may run on, within the container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return max(1, min(allowed, int(_cpu_quota(root))))


def memory(root: Path = ROOT) -> tuple[int, int]:
    """(total, available) bytes within the container's limit."""
    total, available = _host_memory(root)
    for limit, used in _memory_limits(root):
        if limit < total:
            total = limit
        available = min(available, max(0, limit - used))
    return total, available


def disk_free(folder: Path) -> int:
    """Free bytes where `folder` is, or will be."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def probe_dtypes(device: str = "cpu", seconds: float = PROBE_SECONDS) -> dict[str, float]:
    """Speed of a matrix product in GFLOP/s for each number format, the median of repeats within about `seconds` each.

    A format that this device cannot multiply has speed 0. The product is as long as a small batch and as wide as a
    small model, so that it says something about training and even a slow format is done in time.
    """
    import torch

    rows, width = PROBE_SIZES.get(device, PROBE_SIZES["cpu"])
    return {name: _speed(getattr(torch, name), device, (rows, width), seconds) for name in DTYPES}


def choose_dtype(speeds: Mapping[str, float]) -> Choice:
    """The number format of a training step's matrix products, given `probe_dtypes`' speeds.

    It says nothing about the weights: those that are trained stay in float32, since a step of AdamW is mostly smaller
    than bfloat16's eight bits can add to a weight.
    """
    base, half = speeds.get("float32", 0.0), speeds.get("bfloat16", 0.0)
    if half <= 0.0:
        return Choice("float32", "bfloat16 does not run on this device")
    if base <= 0.0:
        return Choice("bfloat16", "float32 could not be measured on this device")
    ratio = half / base
    if ratio >= WORTH_IT:
        return Choice("bfloat16", f"bfloat16 is {ratio:.1f} times as fast as float32 here")
    if ratio < TRAP:
        return Choice("float32", f"bfloat16 is a trap here: {1 / ratio:.1f} times slower than float32")
    return Choice("float32", f"bfloat16 gains too little here ({ratio:.1f} times float32's speed) for its rounding")


def reset_peak(device: str) -> None:
    """Begin to measure `peak_bytes` anew, where the system allows it."""
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(device: str) -> int:
    """Most memory that this process held since `reset_peak`: resident, or allocated on the GPU."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    for line in _read(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # bytes there, kilobytes elsewhere


def thread_advice(has: Machine, environment: Mapping[str, str]) -> Choice:
    """How many threads to compute with. `environment` is os.environ."""
    pinned = environment.get("OMP_NUM_THREADS", "")
    if pinned.isdigit() and 0 < int(pinned) < has.cores:
        return Choice(pinned, f"OMP_NUM_THREADS holds it to {pinned} of {has.cores} cores; unset it to use them all")
    if has.device != "cpu":
        return Choice(str(min(has.cores, 8)), f"the work is on the {has.device} device; a few threads feed it")
    return Choice(str(has.cores), f"one per core that this process may use ({has.cores})")


def qlora_obstacle(device: str) -> str:
    """Why QLoRA cannot run here; "" where it can."""
    if device != "cuda":
        return f"QLoRA's four-bit kernels need an NVIDIA GPU, and the device here is {device}"
    if importlib.util.find_spec("bitsandbytes") is None:
        return "QLoRA needs the package bitsandbytes, which is not installed"
    return ""


# ---------------------------------------------------------------- inside


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(text: str) -> int:
    """A count, or "no limit" for everything that is none ("max", "", "-1")."""
    return min(int(text), UNLIMITED) if text.isdigit() else UNLIMITED


def _host_memory(root: Path) -> tuple[int, int]:
    facts = dict(line.split(":", 1) for line in _read(root / "proc/meminfo").splitlines() if ":" in line)
    sizes = {key: int(value.split()[0]) * 1024 for key, value in facts.items() if value.split()[:1]}
    if "MemTotal" in sizes:
        return sizes["MemTotal"], sizes.get("MemAvailable", sizes.get("MemFree", 0))
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return total, total // 2  # without /proc nobody says how much is free


def _groups(root: Path, controller: str) -> list[Path]:
    """This process's control groups, from its own up to the mount; only those that exist here."""
    found: list[Path] = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, names, path = [*line.split(":", 2), "", ""][:3]
        if number != "0" and controller not in names.split(","):
            continue
        mount = root / "sys/fs/cgroup" if number == "0" else root / "sys/fs/cgroup" / controller
        inner = [part for part in path.split("/") if part and part != ".."]
        found += [mount.joinpath(*inner[:n]) for n in range(len(inner), -1, -1)]
    return [group for group in found if group.is_dir()]


def _memory_limits(root: Path) -> list[tuple[int, int]]:
    """(limit, used without what the page cache would give back) of every group that limits memory."""
    limits = []
    for group in _groups(root, "memory"):
        limit = min(_number(_read(group / "memory.max")), _number(_read(group / "memory.limit_in_bytes")))
        if limit < UNLIMITED:
            usage = _read(group / "memory.current") or _read(group / "memory.usage_in_bytes")
            used = int(usage) if usage.isdigit() else 0
            limits.append((limit, max(0, used - _reclaimable(group))))
    return limits


def _reclaimable(group: Path) -> int:
    facts = dict(line.split(" ", 1) for line in _read(group / "memory.stat").splitlines() if " " in line)
    cache = facts.get("total_inactive_file", facts.get("inactive_file", "0"))
    return int(cache) if cache.isdigit() else 0


def _cpu_quota(root: Path) -> float:
    quotas = [float(UNLIMITED)]
    for group in _groups(root, "cpu"):
        allowed, _, period = _read(group / "cpu.max").partition(" ")
        allowed = allowed or _read(group / "cpu.cfs_quota_us")
        period = period or _read(group / "cpu.cfs_period_us")
        if allowed.isdigit() and period.isdigit() and int(period) > 0:
            quotas.append(int(allowed) / int(period))
    return min(quotas)


def _signs_of_gpu(root: Path) -> bool:
    on_apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return on_apple or any((root / place).exists() for place in ("dev/nvidia0", "dev/kfd", "dev/dxg"))


def _with_gpu(plain: Machine) -> Machine:
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        facts = asdict(plain) | {"device": "cuda", "gpu": torch.cuda.get_device_name()}
        return Machine(**facts | {"gpu_memory": total, "gpu_memory_free": free})
    if torch.backends.mps.is_available():
        return Machine(**asdict(plain) | {"device": "mps", "gpu": "Apple GPU (shares the machine's memory)"})
    return Machine(**asdict(plain) | {"gpu": "a GPU that this build of torch cannot use"})


def _speed(dtype: torch.dtype, device: str, size: tuple[int, int], seconds: float) -> float:
    import torch

    rows, width = size
    try:
        left = torch.ones(rows, width, dtype=dtype, device=device)
        right = torch.ones(width, width, dtype=dtype, device=device)
        took = _repeat(lambda: left @ right, lambda: _wait(device), seconds)
    except (RuntimeError, TypeError):
        return 0.0
    return 2 * rows * width * width / statistics.median(took) / 1e9


def _repeat(work: Any, wait: Any, seconds: float) -> list[float]:
    """Times of at least three runs after one that warms up, at most about `seconds` in all."""
    times: list[float] = []
    work()
    wait()
    began = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        work()
        wait()
        times.append(max(time.perf_counter() - start, 1e-9))
    return times


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()
