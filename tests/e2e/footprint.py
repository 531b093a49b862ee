"""What a process and those that it has started hold of the machine (proc(5))."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Footprint:
    """Of `processes` together: open descriptors but for the sockets at `ports`, threads, octets of
    memory."""

    processes: int
    descriptors: int
    ports: int
    threads: int
    rss: int


def footprint(pid: int, ports: range) -> Footprint:
    """`ports` are those of UDP that may stay bound while nobody uses them."""
    pids = family(pid)
    bound = sockets_at(ports)
    opened = [opens for one in pids for opens in descriptors(one)]
    kept = sum(opens in bound for opens in opened)
    return Footprint(
        len(pids),
        len(opened) - kept,
        kept,
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


def descriptors(pid: int) -> list[str]:
    """What each of them is."""
    return [os.readlink(one) for one in Path(f"/proc/{pid}/fd").iterdir()]


def sockets_at(ports: range) -> set[str]:
    """As descriptors name them."""
    found = set()
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        columns = line.split()
        if int(columns[1].rpartition(":")[2], 16) in ports:
            found.add(f"socket:[{columns[9]}]")
    return found
