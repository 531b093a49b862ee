"""What a deep queue costs: `python -m tests.bench.bench_paging`, two minutes and 1 GB of disk.

One sender, and the four hours of its rate that its queue holds: 1,440,000 segments, in a store of
the kind that the daemon has. CPU is of the whole process, all threads and the kernel's part
included; a message to accept is made and checked by nobody before.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, cast

from gateway.account import Account
from gateway.clock import IdFactory
from gateway.messaging.admission import Admission
from gateway.messaging.intake import Intake
from gateway.messaging.lane import Lane
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.opt_out import OptOuts
from gateway.store.interface import WaitingMessage
from gateway.store.sqlite import SqliteStore
from tests.messaging.traffic_world import SENDER, WALL, Traffic
from tests.store.builders import a_message

MESSAGES = 1_440_000
MPS = 100.0
TEXT = "Your appointment is tomorrow at 10:30. Reply C to confirm or call us. Number {:012d}."
# So many are measured, when the queue is empty and when it is full.
MEASURED = 20_000
# Accepted and not yet durable; the store takes some thousand at once.
PENDING_MAX = 5_000


def report(what: str, **figures: float) -> None:
    shown = "  ".join(f"{name} {figure:,.2f}" for name, figure in figures.items())
    sys.stdout.write(f"{what:<52} {shown}\n")
    sys.stdout.flush()


def rss_mb() -> float:
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    return resident * os.sysconf("SC_PAGE_SIZE") / 1e6


class Gateway:
    """Queues over a real store, and a bind that never comes up."""

    def __init__(self, directory: Path) -> None:
        self.store = SqliteStore(directory)
        self.traffic = Traffic(ledger=cast(Any, self.store), mps=MPS)
        self.traffic.down("alpha/1")
        self.lanes = self.traffic.dispatcher.lanes
        self.accounts: dict[str, Account] = {self.traffic.account.sid: self.traffic.account}
        self.ids = IdFactory(self.traffic.clock, last_id=self.store.last_id())
        self.numbers = count()
        self.intake = Intake(
            Admission(OptOuts(), lambda recipient, sender_type: True),
            self.traffic.journal,
            self.traffic.dispatcher,
            self.store.read_messages,
            self.accounts.get,
            self.traffic.clock,
            self.ids,
            Random(1),
        )

    @property
    def lane(self) -> Lane:
        return self.lanes.of(self.traffic.account, self.traffic.account.senders[0])

    async def accept(self, messages: int, wanted: int | None = None) -> None:
        """Messages of the one sender, durable when this returns. With `wanted`, its queue is kept
        at that many, so that no message is accepted into a deep one."""
        pending = asyncio.Semaphore(PENDING_MAX)

        def on_accepted(opened: OpenMessage | None) -> None:
            assert opened
            pending.release()
            self.lanes.put(self.lane, opened)
            if wanted is not None and len(self.lane.queue) > wanted:
                self.take()

        for _ in range(messages):
            await pending.acquire()
            number = next(self.numbers)
            now = self.traffic.clock.now()
            message = a_message(
                self.ids.next(),
                sender=SENDER,
                recipient=f"+1501{number % 10_000_000:07d}",
                body=TEXT.format(number),
                accepted_at=now,
                expires_at=WALL + 14_400,
            )
            assert self.lane.queue.reserve(1)
            self.traffic.journal.accept(message, on_accepted)
        for _ in range(PENDING_MAX):
            await pending.acquire()

    def take(self) -> None:
        """The head goes, and is forgotten."""
        opened = self.lane.queue.head()
        assert opened
        self.lanes.pop(self.lane)
        self.traffic.journal.set_aside(opened)

    async def stop(self) -> None:
        """Nothing is read any more but what is asked for."""
        for task in self.traffic.running:
            task.cancel()
        await asyncio.gather(*self.traffic.running, return_exceptions=True)

    async def close(self) -> None:
        await self.stop()
        await self.store.close()


@contextmanager
def cpu(what: str, messages: int) -> Iterator[None]:
    before, begun = time.process_time(), time.perf_counter()
    yield
    spent, passed = time.process_time() - before, time.perf_counter() - begun
    report(
        what,
        cpu_us=spent / messages * 1e6,
        wall_us=passed / messages * 1e6,
    )


async def fill(directory: Path, messages: int) -> None:
    gateway = Gateway(directory)
    await gateway.accept(1_000, wanted=100)
    report("RSS with an empty queue", mb=rss_mb())
    with cpu("accept, shallow queue", MEASURED):
        await gateway.accept(MEASURED, wanted=100)
    await gateway.accept(messages - 2 * MEASURED)
    with cpu(f"accept, queue of {len(gateway.lane.queue):,}", MEASURED):
        await gateway.accept(MEASURED)
    report(f"RSS with {len(gateway.lane.queue):,} queued", mb=rss_mb())
    await page_in(gateway)
    report("RSS after it", mb=rss_mb())
    await gateway.close()


async def page_in(gateway: Gateway) -> None:
    """As the dispatcher does it, one page after the other; the messages go in no time."""
    await gateway.stop()
    lane, read = gateway.lane, 0
    while lane.queue.head():
        gateway.take()
    spent = 0.0
    while read < MEASURED:
        before = time.process_time()
        page = gateway.lanes.next_page(lane)
        assert page
        messages = await gateway.store.read_messages(page.ids.tolist())
        gateway.lanes.on_page(lane, page, messages)
        spent += time.process_time() - before
        read += len(page)
        while lane.queue.head():
            gateway.take()
    report("page in", cpu_us=spent / read * 1e6)


async def restore(directory: Path) -> None:
    begun = time.perf_counter()
    gateway = Gateway(directory)
    for waiting in gateway.store.load_open():
        assert isinstance(waiting, WaitingMessage)
        gateway.intake.restore_waiting(waiting)
    report(
        f"start with {len(gateway.lane.queue):,} queued",
        s=time.perf_counter() - begun,
        rss_mb=rss_mb(),
    )
    await asyncio.sleep(1)
    report("RSS one second later", mb=rss_mb(), in_memory=len(gateway.traffic.journal))
    await gateway.close()


def main() -> None:
    arguments = parser().parse_args()
    if arguments.step == "fill":
        asyncio.run(fill(arguments.directory, arguments.messages))
        return
    if arguments.step == "restore":
        asyncio.run(restore(arguments.directory))
        return
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        for name in ("fill", "restore"):
            command = [sys.executable, "-m", "tests.bench.bench_paging", "--step", name]
            options = ["--directory", directory, "--messages", str(arguments.messages)]
            subprocess.run(command + options, check=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.bench.bench_paging", description=__doc__)
    top.add_argument("--messages", type=int, default=MESSAGES)
    top.add_argument("--directory", type=Path, help="where the store is kept, the system's default")
    top.add_argument("--step", choices=("fill", "restore"), help="one of the two alone")
    return top


if __name__ == "__main__":
    main()
