"""Limits of containers are read from made-up /proc and /sys trees; choices follow from given speeds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sayso.models import hardware
from sayso.models.hardware import (
    Machine,
    choose_dtype,
    cores,
    disk_free,
    machine,
    memory,
    probe_dtypes,
    qlora_obstacle,
    thread_advice,
)

GB = 2**30


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def host(tmp_path: Path) -> Path:
    facts = f"MemTotal: {16 * GB // 1024} kB\nMemFree: 1 kB\nMemAvailable: {12 * GB // 1024} kB\nHugePages:\n"
    return write(tmp_path, {"proc/meminfo": facts})


def test_without_a_container_the_hosts_memory_counts(host: Path) -> None:
    assert memory(host) == (16 * GB, 12 * GB)


def test_the_limit_of_a_version_two_group_holds_and_its_cache_is_given_back(host: Path) -> None:
    group = "sys/fs/cgroup/box/inner"
    write(host, {"proc/self/cgroup": "0::/box/inner\n", f"{group}/memory.max": "max"})
    write(host, {"sys/fs/cgroup/box/memory.max": str(4 * GB), "sys/fs/cgroup/box/memory.current": str(3 * GB)})
    write(host, {"sys/fs/cgroup/box/memory.stat": f"anon 5\ninactive_file {GB}\n"})
    assert memory(host) == (4 * GB, 2 * GB)


def test_the_limit_of_a_version_one_group_holds(host: Path) -> None:
    write(host, {"proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n0::/\n"})
    write(host, {"sys/fs/cgroup/memory/memory.limit_in_bytes": str(8 * GB)})
    write(host, {"sys/fs/cgroup/memory/memory.usage_in_bytes": str(6 * GB)})
    write(host, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"})
    assert memory(host) == (8 * GB, 2 * GB)
    assert cores(host) == 1


def test_no_limit_is_no_limit(host: Path) -> None:
    write(host, {"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1"})
    write(host, {"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"})
    assert memory(host) == (16 * GB, 12 * GB)
    assert cores(host) >= 1


def test_a_share_of_a_core_is_one_core(host: Path) -> None:
    write(host, {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "50000 100000"})
    assert cores(host) == 1


def test_without_proc_half_of_the_memory_is_thought_free(tmp_path: Path) -> None:
    total, available = memory(tmp_path)
    assert total > 0
    assert available == total // 2


def test_disk_of_a_folder_that_does_not_exist_yet(tmp_path: Path) -> None:
    assert disk_free(tmp_path / "还没有" / "deep") == pytest.approx(disk_free(tmp_path), rel=0.05)


def test_this_machine_is_described_without_torch() -> None:
    code = (
        "import sys; from sayso.models.hardware import machine as m; assert m().cores; print('torch' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    has_gpu = hardware._signs_of_gpu(Path("/"))
    assert out.strip() == str(has_gpu)


def test_a_gpus_memory_is_what_training_may_take(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    import torch

    write(host, {"dev/nvidia0": ""})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (20 * GB, 24 * GB))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a card")
    has = machine(host, host)
    assert (has.device, has.gpu, has.gpu_memory, has.training_memory) == ("cuda", "a card", 24 * GB, 20 * GB)
    assert has.as_json()["training_memory"] == 20 * GB


def test_signs_of_a_gpu_that_torch_cannot_use_leave_the_cpu(host: Path) -> None:
    import torch

    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("this machine has a GPU")
    write(host, {"dev/nvidia0": ""})
    has = machine(host, host)
    assert has.device == "cpu"
    assert "cannot use" in has.gpu
    assert has.training_memory == has.memory_available


def test_every_format_is_measured_on_the_processor() -> None:
    speeds = probe_dtypes("cpu", seconds=0.01)
    assert set(speeds) == {"float32", "bfloat16", "float16"}
    assert speeds["float32"] > 0
    assert all(speed >= 0 for speed in speeds.values())


def test_a_format_that_does_not_run_has_no_speed() -> None:
    import torch

    assert hardware._speed(torch.float32, "meta:7x", (8, 8), 0.01) == 0.0


@pytest.mark.parametrize(
    ("float32", "bfloat16", "chosen", "said"),
    [
        (100.0, 10.0, "float32", "trap"),
        (100.0, 500.0, "bfloat16", "5.0 times"),
        (100.0, 110.0, "float32", "too little"),
        (100.0, 0.0, "float32", "does not run"),
        (0.0, 100.0, "bfloat16", "could not be measured"),
    ],
)
def test_the_format_follows_from_the_speeds(float32: float, bfloat16: float, chosen: str, said: str) -> None:
    choice = choose_dtype({"float32": float32, "bfloat16": bfloat16, "float16": 10_000.0})
    assert choice.value == chosen
    assert said in choice.why


def test_threads_are_advised_and_a_pinned_number_is_noticed() -> None:
    has = Machine(8, 16 * GB, 12 * GB, GB)
    assert thread_advice(has, {}).value == "8"
    pinned = thread_advice(has, {"OMP_NUM_THREADS": "1"})
    assert pinned.value == "1"
    assert "unset" in pinned.why
    assert thread_advice(has, {"OMP_NUM_THREADS": "四"}).value == "8"
    assert thread_advice(Machine(32, GB, GB, GB, device="cuda"), {}).value == "8"


def test_qlora_says_what_stands_in_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "NVIDIA" in qlora_obstacle("cpu")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "bitsandbytes" in qlora_obstacle("cuda")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert qlora_obstacle("cuda") == ""


_HOLDS = """
from sayso.models.hardware import peak_bytes, reset_peak
reset_peak("cpu")
before = peak_bytes("cpu")
held = bytearray(b"x") * (64 * 2**20)
after = peak_bytes("cpu")
del held
reset_peak("cpu")
print(before, after, peak_bytes("cpu"))
"""


def test_the_peak_grows_with_what_was_held_and_can_begin_anew() -> None:
    # In a process of its own: what other tests held, and a system that takes idle pages back, would hide 64 MiB.
    done = subprocess.run([sys.executable, "-c", _HOLDS], capture_output=True, text=True, check=True)
    before, after, anew = map(int, done.stdout.split())
    assert after - before > 48 * 2**20
    assert anew <= after - (48 * 2**20 if sys.platform == "linux" else 0)
