"""The CPU time of a process and all that it has started (proc(5), schedstat)."""

from __future__ import annotations

from pathlib import Path


def cpu_ns(pid: int) -> int:
    """Of those that live now; the kernel counts in nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            total += int((task / "schedstat").read_text().split()[0])
            children = (task / "children").read_text().split()
        except OSError:
            continue  # It has ended.
        total += sum(cpu_ns(int(child)) for child in children)
    return total
