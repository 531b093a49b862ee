"""What a process and those that it has started hold of the machine (proc(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Footprint:
    """Of `processes` together: open descriptors, threads, octets of memory."""

    processes: int
    descriptors: int
    threads: int
    rss: int


def footprint(pid: int) -> Footprint:
    pids = family(pid)
    return Footprint(
        len(pids),
        sum(len(os.listdir(f"/proc/{one}/fd")) for one in pids),
        sum(len(os.listdir(f"/proc/{one}/task")) for one in pids),
        sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) * PAGE for one in pids),
    )


def family(pid: int) -> list[int]:
    """It and its children, and theirs."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            pids += family(int(child))
    return pids
