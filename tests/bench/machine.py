"""The machine under the figures, and how busy it is with other things."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path

import apsw

from tests.bench.child_process import ROOT
from tests.bench.ledger import percentile

FLUSHES = 100
FLUSHED_OCTETS = bytes(4_096)


def describe(directory: Path) -> dict[str, str]:
    """What a reader needs to compare the figures with others."""
    flush_ms = percentile(flushes_ms(directory), 0.5)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "Machine": f"{os.cpu_count()} cores of {processor()}, {memory_gib():.0f} GiB",
        "System": f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {apsw.sqlite_lib_version()}",
        "Disk": f"a flush of 4 KiB takes {flush_ms:.2f} ms in the median",
        "Load average at the start": load,
        "Commit": commit(),
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)


def commit() -> str:
    """The commit, and whether the tree differs from it."""
    head = git("rev-parse", "--short=10", "HEAD")
    if not head:
        return "unknown"
    return f"{head} with uncommitted changes" if git("status", "--porcelain") else head


def git(*arguments: str) -> str:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def flushes_ms(directory: Path) -> list[float]:
    """What the disk takes to make 4 KiB durable, sorted."""
    spans = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(FLUSHES):
            os.write(file.fileno(), FLUSHED_OCTETS)
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            spans.append((time.perf_counter() - begin) * 1e3)
    return sorted(spans)


def busy_s() -> float:
    """CPU seconds of all processes of the machine so far (proc(5))."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = (int(field) for field in fields[:7])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
