"""µs of CPU a relayed packet and calls a core: our media beside rtpengine in userspace, in turns.

    python -m tests.bench.bench_media [--calls N] [--rounds N] [--seconds S] [--only NAME] [--write]

Each work has the same calls on both systems; a round of load goes to the one, the next to the
other, and what is shown is the best round of each, since a machine has other work too. CPU is that
of the process and all its threads, over the packets that came back to the load generator. Less than
five minutes in all.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import comparison, machine, page
from tests.bench.child_process import ROOT
from tests.bench.json_child import JsonChild
from tests.bench.media_calls import PCMA, PCMU, CallEnds
from tests.bench.process_cpu import cpu_ns
from tests.bench.relay_process import RelayCounts, RelayOrder
from tests.bench.rtp_load import PACKETS_PER_SECOND, SOCKETS_OF_A_SIDE, RtpOrder, RtpRound
from tests.bench.rtpengine_process import RtpengineProcess
from tests.bench.system import BenchError, end_like_ctrl_c
from tests.interop.peers import PeerMissing

CALLS, ROUNDS, SECONDS = 100, 6, 2.0
MANY_CALLS, MANY_SECONDS = 500, 10.0
SETTLE_S = 5.0
OURS, THEIRS = "ours", "rtpengine"
COLUMNS = (
    "work",
    "ours : rtpengine",
    "ours, µs a packet",
    "its",
    "ours, calls a core",
    "its",
    "ours, delay µs p50 / p99",
    "its",
    "ours, not back",
    "its",
)
TARGET_COLUMNS = ("target", "measured", "")
READING = f"""\
- A packet is 172 octets; each end of a call sends {PACKETS_PER_SECOND} a second. A call is two \
directions: **calls a core** is what one core carries if it does nothing else.
- rtpengine is Debian's, in userspace (`--table=-1`), one thread for packets; its kernel module \
would forward in another class.
- **Delay** is from the generator and back to it, its own wake-up in it.
- **Not back** is of the load of all rounds, in the generator's counters."""


@dataclass(frozen=True, slots=True)
class Work:
    """`limit` is the ratio to rtpengine that is wanted."""

    name: str
    payload_types: tuple[int, int]
    limit: float


WORKS = (
    Work("plain relay", (PCMU, PCMU), 1.0),
    Work("PCMU ↔ PCMA", (PCMU, PCMA), 0.6),
)


@dataclass
class Figures:
    """Of one system at one work: each round's CPU of a packet, in µs, and way, in µs."""

    cpu_us: list[float] = field(default_factory=list)
    p50_us: list[float] = field(default_factory=list)
    p99_us: list[float] = field(default_factory=list)
    sent: int = 0
    received: int = 0

    @property
    def best_us(self) -> float:
        return min(self.cpu_us)

    @property
    def calls_a_core(self) -> float:
        return 1e6 / (self.best_us * 2 * PACKETS_PER_SECOND)

    @property
    def not_back(self) -> int:
        return self.sent - self.received

    def add(self, round_: RtpRound, cpu_us: float) -> None:
        self.sent += round_.sent
        self.received += round_.received
        self.cpu_us.append(cpu_us / max(1, round_.received))
        self.p50_us.append(round_.p50_us)
        self.p99_us.append(round_.p99_us)


@dataclass(frozen=True)
class Measured:
    work: Work
    ours: Figures
    theirs: Figures

    @property
    def ratio(self) -> float:
        return self.ours.best_us / self.theirs.best_us


@dataclass(frozen=True)
class Many:
    """So many calls at once through ours: what the generator missed, and our own counters."""

    round: RtpRound
    counts: RelayCounts


class Bench:
    """Both systems and the load generator, each a process of its own, while it is entered."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        try:
            self._load = self._stack.enter_context(JsonChild("tests.bench.rtp_load"))
            self._ours = self._stack.enter_context(JsonChild("tests.bench.relay_process"))
            self._theirs = self._stack.enter_context(RtpengineProcess())
            self._bound = self._load.ask(RtpOrder(), RtpRound).bound
        except BaseException:
            self._stack.close()
            raise
        apart(self._load.pid, self._ours.pid, self._theirs.pid)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measured(self, work: Work, calls: int, rounds: int, seconds: float) -> Measured:
        wanted = self._calls(work, calls)
        ports = {
            OURS: self._ours.ask(RelayOrder(wanted), RelayCounts).ports,
            THEIRS: self._theirs.set_up(wanted),
        }
        pids = {OURS: self._ours.pid, THEIRS: self._theirs.pid}
        figures = {OURS: Figures(), THEIRS: Figures()}
        for who in ports:
            self._round(work, ports[who], 0.5)  # The latches lock, and all is warm.
        for number in range(rounds):
            for who in (OURS, THEIRS) if number % 2 else (THEIRS, OURS):
                before = cpu_ns(pids[who])
                round_ = self._round(work, ports[who], seconds)
                figures[who].add(round_, (cpu_ns(pids[who]) - before) / 1e3)
        return Measured(work, figures[OURS], figures[THEIRS])

    def many(self, calls: int, seconds: float) -> Many:
        wanted = self._calls(WORKS[0], calls)
        ports = self._ours.ask(RelayOrder(wanted), RelayCounts).ports
        round_ = self._round(WORKS[0], ports, seconds)
        deadline = time.monotonic() + SETTLE_S
        counts = self._ours.ask(RelayOrder(), RelayCounts)
        while counts.packets < round_.sent and time.monotonic() < deadline:
            time.sleep(0.1)  # On a busy machine much still waits in the kernel.
            counts = self._ours.ask(RelayOrder(), RelayCounts)
        return Many(round_, counts)

    def _calls(self, work: Work, calls: int) -> tuple[CallEnds, ...]:
        first, second = self._bound
        at = [number % SOCKETS_OF_A_SIDE for number in range(calls)]
        return tuple([CallEnds((first[one], second[one]), work.payload_types) for one in at])

    def _round(self, work: Work, ports: tuple[tuple[int, int], ...], seconds: float) -> RtpRound:
        first, second = work.payload_types
        order = RtpOrder(ports, work.payload_types, seconds, timed=first == second)
        return self._load.ask(order, RtpRound)


def apart(load: int, *systems: int) -> None:
    """The load on a core of its own, where there is more than one, and the systems on another."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        for pid in systems:
            bind(pid, cores[0])
        bind(load, cores[1])


def bind(pid: int, core: int) -> None:
    """With the threads that it has already; those to come are bound by that."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of a round")
    parser.add_argument("--only", default="", help="works whose name begins so")
    parser.add_argument("--write", action="store_true", help=f"write {page.PAGE.name}")
    arguments = parser.parse_args()
    end_like_ctrl_c()
    at, described = datetime.now(UTC), machine.describe(ROOT)
    works = [work for work in WORKS if work.name.startswith(arguments.only)]
    try:
        with Bench() as bench:
            measured = [
                bench.measured(work, arguments.calls, arguments.rounds, arguments.seconds)
                for work in works
            ]
            many = None if arguments.only else bench.many(MANY_CALLS, MANY_SECONDS)
    except (BenchError, PeerMissing) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    rows, targets = table(measured), targets_table(measured, many)
    sys.stdout.write(f"{page.text_table(COLUMNS, rows)}\n\n")
    sys.stdout.write(f"{page.text_table(TARGET_COLUMNS, targets)}\n")
    if arguments.write and many is not None:
        page.write(
            "bench-media",
            "\n".join(
                [
                    *page.heading("python -m tests.bench.bench_media --write", described, at),
                    "",
                    *page.markdown_table(COLUMNS, rows),
                    "",
                    *page.markdown_table(TARGET_COLUMNS, targets),
                    "",
                    READING,
                ]
            ),
        )
    return 0


def table(measured: Sequence[Measured]) -> list[list[str]]:
    """The rows under COLUMNS."""
    return [
        [
            one.work.name,
            f"{one.ratio:.2f}",
            *[f"{figures.best_us:.2f}" for figures in (one.ours, one.theirs)],
            *[f"{figures.calls_a_core:,.0f}" for figures in (one.ours, one.theirs)],
            *[way(figures) for figures in (one.ours, one.theirs)],
            *[f"{figures.not_back} of {figures.sent:,}" for figures in (one.ours, one.theirs)],
        ]
        for one in measured
    ]


def way(figures: Figures) -> str:
    """Of the round with the least; empty where it was not measured."""
    if not any(figures.p50_us):
        return ""
    return f"{min(figures.p50_us):,.0f} / {min(figures.p99_us):,.0f}"


def targets_table(measured: Sequence[Measured], many: Many | None) -> list[list[str]]:
    """The rows under TARGET_COLUMNS."""
    rows = [
        [
            f"{one.work.name}, CPU of a packet against rtpengine's: ≤ {one.work.limit}",
            f"{one.ratio:.2f}",
            comparison.verdict(one.ratio, one.work.limit),
        ]
        for one in measured
    ]
    if many is not None:
        counts, sent = many.counts, many.round.sent
        lost = sent - counts.packets + counts.unsent + counts.strays
        rows.append(
            [
                f"{MANY_CALLS} plain calls at once: none of their packets lost by our counters",
                f"{lost} of {sent:,} ({counts.lost} gaps, {counts.unsent} unsent, "
                f"{counts.strays} strays; {sent - many.round.received} not back at the generator, "
                f"which was up to {many.round.late_ms:.0f} ms late)",
                "reached" if lost == 0 else "missed",
            ]
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
