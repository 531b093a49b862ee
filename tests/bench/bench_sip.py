"""The CPU time of a call: SIPp calls through what is measured to SIPp, in turns.

    python -m tests.bench.bench_sip [--calls N] [--rate N] [--repeats N] [--write]

Each system gets the same calls at the same rate: INVITE, 180, 200, ACK, half a second, BYE, 200;
no RTP is sent. What is shown is the best of the repeats, which take turns, since this machine has
other work. Kamailio is a stateful proxy in the route of each dialog: it reads and writes each
message once, while a B2BUA has two dialogs and twice the transactions. `user agent` is our two legs
alone; `gateway` is the daemon, with admission, routing, the ports of the media relay and durable
records. A call has failed where SIPp says so, or where it has no record that says `completed`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.bench import machine, page
from tests.bench.child_process import ROOT
from tests.bench.process_cpu import cpu_ns
from tests.bench.sip_gateway import CALLED, CALLER, sip_gateway
from tests.e2e.process import ChildProcess
from tests.interop.kamailio import Kamailio
from tests.interop.sipp import Sipp

CALLS, RATE, REPEATS = 1_500, 200, 3
PAUSE_MS = 500
# A few calls first, so that nothing is measured that happens once.
WARM_UP_CALLS = 50


class Running(NamedTuple):
    """A system: its process, where it is called, and, where it keeps records, how many calls are
    recorded as completed once so many are recorded."""

    pid: int
    port: int
    recorded: Callable[[int], Awaitable[int]] | None = None


COLUMNS = ("system", "of Kamailio", "µs a call", "calls/s a core", "failed", "each run")
READING = """\
- A call is INVITE, 180, 200, ACK, half a second, BYE, 200, over UDP; no RTP is sent.
- **gateway** is the daemon and its media workers: admission, routing, the ports of the relay, a
  durable record and a log line for each call. **user agent** is our two legs and nothing above.
- Kamailio is a stateful proxy that stays in the dialog: one transaction where a B2BUA has two.
- What is shown is the best of the runs, which take turns."""

# What is entered with a directory and the carrier's port.
Middle = Callable[[Path, int], AbstractAsyncContextManager[Running]]


@dataclass
class Figures:
    """Of one system: the CPU time of a call in each of its runs, in µs."""

    cpu_us: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def best_us(self) -> float:
        return min(self.cpu_us)


@asynccontextmanager
async def our_user_agent(directory: Path, onward: int) -> AsyncIterator[Running]:
    """Two legs and nothing above them."""
    command = (sys.executable, "-m", "tests.bench.sip_forwarder", str(onward))
    async with ChildProcess(*command, directory=Path.cwd()) as process:
        line = await process.line(lambda line: line.startswith("ready"))
        yield Running(process.pid, int(line.split()[1]))


@asynccontextmanager
async def our_gateway(directory: Path, onward: int) -> AsyncIterator[Running]:
    async with sip_gateway(directory, onward) as gateway:
        yield Running(gateway.pid, gateway.port, gateway.recorded)


@asynccontextmanager
async def kamailio(directory: Path, onward: int) -> AsyncIterator[Running]:
    async with Kamailio(directory, onward) as process:
        yield Running(process.pid, process.port)


SYSTEMS: dict[str, Middle] = {
    "gateway": our_gateway,
    "kamailio": kamailio,
    "user agent": our_user_agent,
}


async def measure(middle: Middle, directory: Path, calls: int, rate: int, into: Figures) -> None:
    """One run. The records of all calls are waited for, so that their cost is within."""
    total = calls + WARM_UP_CALLS
    async with (
        Sipp("uas_load", directory, calls=total, is_traced=False) as carrier,
        middle(directory, carrier.port) as running,
    ):
        await _calls(directory, running, WARM_UP_CALLS, rate)
        before = cpu_ns(running.pid)
        failed = await _calls(directory, running, calls, rate)
        if running.recorded is not None:
            failed = max(failed, total - await running.recorded(total))
        into.failed += failed
        into.cpu_us.append((cpu_ns(running.pid) - before) / 1e3 / calls)


async def _calls(directory: Path, running: Running, calls: int, rate: int) -> int:
    """How many of them failed."""
    async with Sipp(
        *("uac_load", directory, running.port, calls),
        caller=CALLER,
        called=CALLED,
        pause_ms=PAUSE_MS,
        options=("-r", str(rate), "-l", "20000"),
        is_traced=False,
    ) as customer:
        return await customer.failures()


async def bench(calls: int, rate: int, repeats: int) -> dict[str, Figures]:
    figures = {name: Figures() for name in SYSTEMS}
    for _ in range(repeats):
        for name, middle in SYSTEMS.items():
            with tempfile.TemporaryDirectory(prefix="bench-sip") as directory:
                await measure(middle, Path(directory), calls, rate, figures[name])
    return figures


def table(figures: dict[str, Figures]) -> list[list[str]]:
    """The rows under COLUMNS."""
    return [
        [
            name,
            f"{found.best_us / figures['kamailio'].best_us:.2f}",
            f"{found.best_us:,.0f}",
            f"{1e6 / found.best_us:,.0f}",
            str(found.failed),
            " ".join(f"{value:,.0f}" for value in found.cpu_us),
        ]
        for name, found in figures.items()
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--write", action="store_true", help=f"write {page.PAGE.name}")
    arguments = parser.parse_args()
    at, described = datetime.now(UTC), machine.describe(ROOT)
    figures = asyncio.run(bench(arguments.calls, arguments.rate, arguments.repeats))
    rows = table(figures)
    sys.stdout.write(f"{page.text_table(COLUMNS, rows)}\n")
    if arguments.write:
        load = f"{arguments.calls} calls, {arguments.rate} a second"
        heading = page.heading(
            "python -m tests.bench.bench_sip --write", {**described, "Load": load}, at
        )
        parts = [*heading, "", *page.markdown_table(COLUMNS, rows), "", READING]
        page.write("bench-sip", "\n".join(parts))
    return int(any(found.failed for found in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
