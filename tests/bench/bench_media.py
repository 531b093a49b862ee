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
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import comparison, machine, page
from tests.bench.child_process import ROOT
from tests.bench.json_child import JsonChild
from tests.bench.media_calls import PCMA, PCMU, Agreed, CallEnds
from tests.bench.process_cpu import cpu_ns
from tests.bench.relay_process import RelayCounts, RelayOrder
from tests.bench.rtp_load import PACKETS_PER_SECOND, SOCKETS_OF_A_SIDE, RtpOrder, RtpRound
from tests.bench.rtpengine_process import RtpengineProcess
from tests.bench.system import BenchError, end_like_ctrl_c
from tests.bench.webrtc_load import WebRtcOrder, WebRtcReply
from tests.interop.peers import PeerMissing

CALLS, ROUNDS, SECONDS = 100, 6, 2.0
MANY_CALLS, MANY_SECONDS = 500, 10.0
SETTLE_S = 5.0
WARM_UP_S = 0.5
# Of its packets may a round miss such a part, or have more of them.
WHOLE = 0.001
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
    """Between two phones, or, with a `codec`, between a browser that has it and a phone with PCMU.
    `limit` is the ratio to rtpengine that is wanted, and `calls` what part of the calls there are:
    browsers cost the generator a lot, and Opus the systems."""

    name: str
    limit: float
    payload_types: tuple[int, int] = (PCMU, PCMU)
    codec: str = ""
    calls: float = 1.0


WORKS = (
    Work("plain relay", 1.0),
    Work("PCMU ↔ PCMA", 0.6, (PCMU, PCMA)),
    Work("WebRTC, PCMU", 1.6, codec="PCMU", calls=0.3),
    Work("WebRTC, Opus ↔ PCMU", 0.7, codec="opus", calls=0.1),
)


@dataclass
class Figures:
    """Of one system at one work: its rounds, each with the CPU of a packet, in µs."""

    rounds: list[tuple[RtpRound, float]] = field(default_factory=list)

    @property
    def best(self) -> tuple[RtpRound, float]:
        """The cheapest of those whose packets all came back within it, if there are any: on a busy
        machine one round does the work of another."""
        whole = [one for one in self.rounds if is_whole(one[0])]
        return min(whole or self.rounds, key=lambda one: one[1])

    @property
    def best_us(self) -> float:
        return self.best[1]

    @property
    def calls_a_core(self) -> float:
        return 1e6 / (self.best_us * 2 * PACKETS_PER_SECOND)

    @property
    def sent(self) -> int:
        return sum(round_.sent for round_, _ in self.rounds)

    @property
    def not_back(self) -> int:
        return self.sent - sum(round_.received for round_, _ in self.rounds)

    def add(self, round_: RtpRound, cpu_us: float) -> None:
        self.rounds.append((round_, cpu_us / max(1, round_.received)))


def is_whole(round_: RtpRound) -> bool:
    return abs(round_.sent - round_.received) <= WHOLE * round_.sent


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


Run = Callable[[float], RtpRound]


class Bench:
    """Both systems and the load generators, each a process of its own, while it is entered."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        try:
            self._load = self._stack.enter_context(JsonChild("tests.bench.rtp_load"))
            self._web = self._stack.enter_context(JsonChild("tests.bench.webrtc_load"))
            self._ours = self._stack.enter_context(JsonChild("tests.bench.relay_process"))
            self._theirs = self._stack.enter_context(RtpengineProcess())
            self._bound = self._load.ask(RtpOrder(), RtpRound).bound
        except BaseException:
            self._stack.close()
            raise
        self._groups = 0
        apart((self._load.pid, self._web.pid), (self._ours.pid, self._theirs.pid))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def measured(self, work: Work, calls: int, rounds: int, seconds: float) -> Measured:
        calls = max(1, round(work.calls * calls))
        set_up = {OURS: self._set_up_ours, THEIRS: self._set_up_theirs}
        runs = {who: self._run(work, calls, set_up[who]) for who in (OURS, THEIRS)}
        pids = {OURS: self._ours.pid, THEIRS: self._theirs.pid}
        figures = {OURS: Figures(), THEIRS: Figures()}
        for run in runs.values():
            run(WARM_UP_S)  # The latches lock.
        for number in range(rounds):
            for who in (OURS, THEIRS) if number % 2 else (THEIRS, OURS):
                before = cpu_ns(pids[who])
                round_ = runs[who](seconds)
                figures[who].add(round_, (cpu_ns(pids[who]) - before) / 1e3)
        return Measured(work, figures[OURS], figures[THEIRS])

    def many(self, calls: int, seconds: float) -> Many:
        round_ = self._run(WORKS[0], calls, self._set_up_ours)(seconds)
        deadline = time.monotonic() + SETTLE_S
        counts = self._ours.ask(RelayOrder(), RelayCounts)
        while counts.packets < round_.sent and time.monotonic() < deadline:
            time.sleep(0.1)  # On a busy machine much still waits in the kernel.
            counts = self._ours.ask(RelayOrder(), RelayCounts)
        return Many(round_, counts)

    # A work's calls on one system, and a round of them

    def _set_up_ours(self, calls: tuple[CallEnds, ...]) -> tuple[Agreed, ...]:
        return self._ours.ask(RelayOrder(calls, alone=True), RelayCounts).agreed

    def _set_up_theirs(self, calls: tuple[CallEnds, ...]) -> tuple[Agreed, ...]:
        return self._theirs.set_up(calls, alone=True)

    def _run(
        self, work: Work, calls: int, set_up: Callable[[tuple[CallEnds, ...]], tuple[Agreed, ...]]
    ) -> Run:
        if work.codec:
            return self._browsers(work, calls, set_up)
        first, second = self._bound
        at = [number % SOCKETS_OF_A_SIDE for number in range(calls)]
        wanted = tuple([CallEnds((first[one], second[one]), work.payload_types) for one in at])
        ports = tuple([one.ports for one in set_up(wanted)])
        timed = work.payload_types[0] == work.payload_types[1]

        def run(seconds: float) -> RtpRound:
            order = RtpOrder(ports, work.payload_types, seconds, timed)
            return self._load.ask(order, RtpRound)

        return run

    def _browsers(
        self, work: Work, calls: int, set_up: Callable[[tuple[CallEnds, ...]], tuple[Agreed, ...]]
    ) -> Run:
        made = self._web.ask(WebRtcOrder(calls=calls, codec=work.codec), WebRtcReply)
        pairs = zip(made.offers, made.phones, strict=True)
        agreed = set_up(tuple([CallEnds((0, phone), offer=offer) for offer, phone in pairs]))
        answers = tuple([one.answer for one in agreed])
        ports = tuple([one.ports[1] for one in agreed])
        self._web.ask(WebRtcOrder(answers=answers, ports=ports), WebRtcReply)
        group, self._groups = self._groups, self._groups + 1

        def run(seconds: float) -> RtpRound:
            return self._web.ask(WebRtcOrder(group=group, seconds=seconds), WebRtcReply).round

        return run


def apart(loads: Sequence[int], systems: Sequence[int]) -> None:
    """The load on a core of its own, where there is more than one, and the systems on another."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        for core, pids in zip(cores, (systems, loads), strict=False):
            for pid in pids:
                bind(pid, core)


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
    """Of the best round; empty where it was not measured."""
    best, _ = figures.best
    return f"{best.p50_us:,.0f} / {best.p99_us:,.0f}" if best.p50_us else ""


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
