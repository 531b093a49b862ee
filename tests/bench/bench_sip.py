"""The CPU time of a call: SIPp calls through what is measured to SIPp, in turns.

    python -m tests.bench.bench_sip [--calls N] [--rate N] [--repeats N]

Each system gets the same calls at the same rate: INVITE, 180, 200, ACK, half a second, BYE, 200;
signalling alone. What is shown is the best of the repeats, which take turns, since this machine has
other work. Kamailio is a stateful proxy in the route of each dialog: it reads and writes each
message once, while a B2BUA has two dialogs and twice the transactions.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.process_cpu import cpu_ns
from tests.e2e.process import ChildProcess
from tests.interop.kamailio import Kamailio
from tests.interop.sipp import Sipp

CALLS, RATE, REPEATS = 1_500, 200, 3
PAUSE_MS = 500
# A few calls first, so that nothing is measured that happens once.
WARM_UP_CALLS = 50

# What is entered with a directory and the carrier's port, and gives a pid and a port of its own.
Middle = Callable[[Path, int], AbstractAsyncContextManager[tuple[int, int]]]


@dataclass
class Figures:
    """Of one system: the CPU time of a call in each of its runs, in µs."""

    cpu_us: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def best_us(self) -> float:
        return min(self.cpu_us)


@asynccontextmanager
async def our_user_agent(directory: Path, onward: int) -> AsyncIterator[tuple[int, int]]:
    """Two legs and nothing above them."""
    command = (sys.executable, "-m", "tests.bench.sip_forwarder", str(onward))
    async with ChildProcess(*command, directory=Path.cwd()) as process:
        line = await process.line(lambda line: line.startswith("ready"))
        yield process.pid, int(line.split()[1])


@asynccontextmanager
async def kamailio(directory: Path, onward: int) -> AsyncIterator[tuple[int, int]]:
    async with Kamailio(directory, onward) as process:
        yield process.pid, process.port


SYSTEMS: dict[str, Middle] = {"user agent": our_user_agent, "kamailio": kamailio}


async def measure(middle: Middle, directory: Path, calls: int, rate: int, into: Figures) -> None:
    """One run."""
    total = calls + WARM_UP_CALLS
    async with (
        Sipp("uas_load", directory, calls=total, is_traced=False) as carrier,
        middle(directory, carrier.port) as (pid, port),
    ):
        await _calls(directory, port, WARM_UP_CALLS, rate)
        before = cpu_ns(pid)
        if not await _calls(directory, port, calls, rate):
            into.failed += 1
        into.cpu_us.append((cpu_ns(pid) - before) / 1e3 / calls)


async def _calls(directory: Path, port: int, calls: int, rate: int) -> bool:
    """Whether all of them went well."""
    options = ("-r", str(rate), "-l", "20000")
    async with Sipp(
        *("uac_load", directory, port, calls),
        pause_ms=PAUSE_MS,
        options=options,
        is_traced=False,
    ) as customer:
        return await customer.succeeded()


async def bench(calls: int, rate: int, repeats: int) -> dict[str, Figures]:
    figures = {name: Figures() for name in SYSTEMS}
    for _ in range(repeats):
        for name, middle in SYSTEMS.items():
            with tempfile.TemporaryDirectory(prefix="bench-sip") as directory:
                await measure(middle, Path(directory), calls, rate, figures[name])
    return figures


def table(figures: dict[str, Figures]) -> str:
    lines = [f"{'system':<12} {'CPU a call':>12} {'calls/s a core':>15} {'of Kamailio':>12}  runs"]
    for name, found in figures.items():
        share = found.best_us / figures["kamailio"].best_us
        runs = " ".join(f"{value:.0f}" for value in found.cpu_us)
        failed = f"  {found.failed} runs with failed calls" if found.failed else ""
        lines.append(
            f"{name:<12} {found.best_us:>9.0f} µs {1e6 / found.best_us:>15,.0f} {share:>12.2f}"
            f"  {runs}{failed}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    arguments = parser.parse_args()
    figures = asyncio.run(bench(arguments.calls, arguments.rate, arguments.repeats))
    sys.stdout.write(f"{table(figures)}\n")
    return int(any(found.failed for found in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
