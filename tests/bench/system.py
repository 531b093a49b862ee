"""What stands between load generator and sink: our gateway, or a peer. To the bench, each is a few
processes that take messages on a port and carry them to the sink.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

STOP_S = 30.0
POLL_S = 0.02


class BenchError(Exception):
    """The bench itself does not work; one line says why."""


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since the start, by part of the system. RSS in octets, of all parts together."""

    parts: Mapping[str, float]
    rss: int

    @property
    def cpu_s(self) -> float:
        return sum(self.parts.values())


class System(Protocol):
    """Runs while its context is entered, bound to the sink and ready for messages.

    `started_in_s` is from its start to that.
    """

    started_in_s: float

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    @property
    def http_port(self) -> int: ...

    @property
    def smpp_port(self) -> int: ...

    def usage(self) -> Usage: ...

    def check(self, arrived: int, receipts: bool) -> None:
        """Ask the system itself, where it counts.

        Raises:
            BenchError: it has counted otherwise than the sink.
        """
        ...

    def troubles(self) -> list[str]:
        """What it complains of in its log, where that is ours to mend; also after its end."""
        ...


def end_like_ctrl_c() -> None:
    """A SIGTERM too leaves nothing running: each context ends what it has started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def usage_of(parts: Mapping[str, int]) -> Usage:
    """Of processes by their ids, each with those that it has started."""
    trees = {name: descendants(pid) for name, pid in parts.items()}
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    return Usage(
        {
            name: sum(cpu_ticks(Path(f"/proc/{pid}/stat")) for pid in pids) * tick_s
            for name, pids in trees.items()
        },
        sum(rss(pid) for pids in trees.values() for pid in pids),
    )


def descendants(pid: int) -> list[int]:
    """A process and all that it has started, directly or not."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += map(int, task.read_text().split())
    return found


def cpu_ticks(stat: Path) -> int:
    """utime and stime (proc(5)) of a process or thread; the command, in parentheses, may hold
    anything. One that has ended just now took nothing."""
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return int(fields[11]) + int(fields[12])


def rss(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except FileNotFoundError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_ports(count: int) -> list[int]:
    """Ports of loopback for servers that cannot be asked which one they took."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def start(
    command: Sequence[str | Path],
    directory: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """A process in a session of its own, so that Ctrl-C ends the bench and the bench ends it."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], stop_s: float = STOP_S) -> None:
    """First politely."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(stop_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until(holds: Callable[[], bool], what: str, timeout_s: float) -> None:
    """Raises:
    BenchError: it does not hold within so long.
    """
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {timeout_s:g} s")
        time.sleep(POLL_S)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
