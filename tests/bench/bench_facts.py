"""What a message's facts cost below the loop: `python -m tests.bench.bench_facts [directory]`.

A commit is what a steady flow makes of it: of n messages one fact each, accepted, written, sent,
delivered, told. CPU of the writing thread, the kernel's part included, the least of many repeats:
the machine is shared. The fixed part of a commit is what is left at n = 0 on the line through the
two largest.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.clock import system_clock
from gateway.events import EventBus
from gateway.message import Direction, Encoding, Message, Origin, Receipts, Status
from gateway.messaging.journal import Journal
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.receipts import Receipts as MessageReceipts
from gateway.smpp.receipt import Receipt
from gateway.store.interface import (
    Accepted,
    Attempt,
    AttemptOutcome,
    Listener,
    Notified,
    OnCommit,
    Record,
    Transition,
)
from gateway.store.store_files import StoreFiles
from routing.events import Event
from routing.router import Router
from tests.bench.bench_store import FIRST_ID, open_files, report
from tests.messaging.ledger import Ledger
from tests.store.builders import ACCOUNT, NOON

SIZES = (1, 10, 50)
COMMITS = 400
REPEATS = 3


def a_submission(message_id: int) -> Message:
    """As an ESME's submit_sm of a short text makes it."""
    return Message(
        message_id,
        ACCOUNT,
        "SuperNet",
        f"+1501{message_id % 10_000_000:07}",
        "Your code is 123456. It is good for ten minutes.",
        Encoding.GSM_7BIT,
        1,
        Direction.OUTBOUND_API,
        Origin.SMPP,
        NOON,
        NOON + 14_400,
        receipts=Receipts.ALL,
    )


def accepted(message_id: int) -> Record:
    return Accepted(a_submission(message_id))


def written(message_id: int) -> Record:
    return Attempt(message_id, 1, NOON, AttemptOutcome.WRITTEN, "alpha/1")


def sent(message_id: int) -> Record:
    return Transition(
        message_id, 1, Status.SENT, NOON, bind="alpha/1", carrier_id=f"{message_id:016x}"
    )


def delivered(message_id: int) -> Record:
    return Transition(
        message_id,
        2,
        Status.DELIVERED,
        NOON,
        0,
        0,
        "alpha/1",
        f"{message_id:016x}",
        "2311142213",
        "DELIVRD",
        "000",
        Listener.ESME,
    )


def told(message_id: int) -> Record:
    return Notified(message_id, 2, NOON, "ESME_ROK")


FACTS: tuple[Callable[[int], Record], ...] = (accepted, written, sent, delivered, told)


def batches(facts: Sequence[Callable[[int], Record]], size: int) -> list[list[Record]]:
    """Commits of a steady flow, each message one fact further than in the one before."""
    return [
        [
            fact(message_id)
            for step, fact in enumerate(facts)
            for message_id in range(
                FIRST_ID + (commit + len(facts) - step) * size,
                FIRST_ID + (commit + len(facts) - step + 1) * size,
            )
        ]
        for commit in range(COMMITS)
    ]


def least_us(files: StoreFiles, commits: list[list[Record]], parts: int = 8) -> float:
    """CPU of one commit: the least mean of some parts, each with its checkpoints."""
    best = float("inf")
    length = len(commits) // parts
    for start in range(0, length * parts, length):
        before = time.thread_time()
        for records in commits[start : start + length]:
            files.write(records)
        best = min(best, (time.thread_time() - before) / length)
        if files.checkpoint_due:
            files.checkpoint()
    return best * 1e6


def writer(root: Path) -> None:
    """The writer thread's work, as facts are added to a message one by one."""
    for kinds in range(1, len(FACTS) + 1):
        facts = FACTS[:kinds]
        figures: dict[int, float] = {}
        for repeat in range(REPEATS):
            for size in SIZES:
                with open_files(root / f"writer-{kinds}-{size}-{repeat}") as files:
                    cost = least_us(files, batches(facts, size))
                figures[size] = min(figures.get(size, cost), cost)
        small, large = SIZES[-2:]
        slope = (figures[large] - figures[small]) / (large - small)
        report(
            f"commit of {', '.join(fact.__name__ for fact in facts)}",
            **{f"us_{size}": figures[size] for size in SIZES},
            us_message=slope,
            us_fixed=figures[small] - slope * small,
        )


class CommittingStore(Ledger):
    """Keeps nothing, and calls back at `commit`: what is left is the loop's own cost."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: list[tuple[Record, OnCommit | None]] = []

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        self.pending.append((record, on_commit))

    def commit(self) -> None:
        pending, self.pending = self.pending, []
        for _, on_commit in pending:
            if on_commit is not None:
                on_commit(None)


class DeafRouter(Router):
    """What the router learns costs elsewhere."""

    def observe(self, event: Event) -> None:
        pass


def take_no_notice(*facts: object) -> None:
    """A listener, or an answer."""


async def loop(messages: int = 20_000, batch: int = 20) -> None:
    """The loop's part of each fact: the journal, the receipts, the events."""
    store = CommittingStore()
    clock = system_clock(time.monotonic)
    bus = EventBus()
    bus.subscribe(take_no_notice)
    journal = Journal(store, clock, bus, 86_400.0)
    receipts = MessageReceipts(journal, store, DeafRouter([]), clock, 86_400.0)
    submissions = [a_submission(FIRST_ID + number) for number in range(messages)]
    told = [
        Receipt(f"{message.id:016x}", "DELIVRD", "000", "2311142213", message.recipient, "SuperNet")
        for message in submissions
    ]
    stages = dict.fromkeys(("accept", "write", "taken", "receipt"), float("inf"))
    spent: list[float] = []
    gc.collect()
    gc.freeze()
    for start in range(0, messages, batch):
        opened: list[OpenMessage | None] = []
        spent.append(time.thread_time())
        for message in submissions[start : start + batch]:
            journal.accept(message, opened.append)
        store.commit()
        spent.append(time.thread_time())
        under_way = [one for one in opened if one is not None]
        for one in under_way:
            journal.begin(one)
            one.unsent.pop()
            journal.attempt(one, 1, AttemptOutcome.WRITTEN, "alpha/1")
        store.commit()
        spent.append(time.thread_time())
        for one, receipt in zip(under_way, told[start : start + batch], strict=True):
            journal.doubts.discard(one, 1)
            one.sent += 1
            journal.advance(one, Status.SENT, bind="alpha/1", carrier_id=receipt.message_id)
            receipts.expect(one, 1, "alpha/1", receipt.message_id)
        store.commit()
        spent.append(time.thread_time())
        for receipt in told[start : start + batch]:
            receipts.on_receipt("alpha", receipt, take_no_notice)
        store.commit()
        spent.append(time.thread_time())
        for stage, before, after in zip(stages, spent[-5:], spent[-4:], strict=False):
            stages[stage] = min(stages[stage], after - before)
    assert len(journal) == 0
    assert receipts.matched == messages
    receipts.close()
    costs = {f"{stage}_us": cost / batch * 1e6 for stage, cost in stages.items()}
    report("loop, a message", **costs, all_us=sum(costs.values()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", nargs="?", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        asyncio.run(loop())
        writer(Path(directory))


if __name__ == "__main__":
    main()
