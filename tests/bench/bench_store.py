"""What the embedded store costs: `python -m tests.bench.bench_store [directory]`, ten seconds.

With `--recovery`: what a start with 1,000,000 open messages takes, a minute. CPU is of the whole
process, all threads and the kernel's part included.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from statistics import quantiles

from gateway.clock import system_clock
from gateway.errors import StoreError
from gateway.store.data_directory import DataDirectory
from gateway.store.interface import Attempt, AttemptOutcome, Record
from gateway.store.limits import StoreLimits
from gateway.store.sqlite import SqliteStore
from gateway.store.store_files import StoreFiles
from tests.store.builders import NOON, accepted, delivered, notified, sent

FIRST_ID = 1_700_000_000_000 << 22
MILLION = 1_000_000


def written(message_id: int) -> Record:
    return Attempt(message_id, 1, NOON, AttemptOutcome.WRITTEN, "alpha/1")


STEPS: tuple[Callable[[int], Record], ...] = (accepted, written, sent, delivered)


def report(what: str, **figures: float) -> None:
    shown = "  ".join(f"{name} {figure:,.2f}" for name, figure in figures.items())
    sys.stdout.write(f"{what:<58} {shown}\n")


@contextmanager
def open_files(path: Path, *, durable: bool = True) -> Iterator[StoreFiles]:
    directory = DataDirectory.claim(path)
    clock = system_clock(time.monotonic)
    files = StoreFiles(directory, StoreLimits(), clock, durable=durable)
    files.open()
    yield files
    files.close()
    files.release()
    directory.release()


def lives(path: Path, batch: int, commits: int) -> None:
    """Job, attempt and two transitions of each message, a commit for each step."""
    ids = range(FIRST_ID, FIRST_ID + batch * commits)
    batches = [
        [step(message_id) for message_id in ids[start : start + batch]]
        for start in range(0, len(ids), batch)
        for step in STEPS
    ]
    pauses_ms: list[float] = []
    with open_files(path) as files:
        cpu, wall = time.process_time(), time.perf_counter()
        for records in batches:
            files.write(records)
            if files.checkpoint_due:
                before = time.perf_counter()
                files.checkpoint()
                pauses_ms.append((time.perf_counter() - before) * 1e3)
            files.roll_if_due()
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    report(
        f"message life, batches of {batch}",
        cpu_us=cpu / len(ids) * 1e6,
        wall_us=wall / len(ids) * 1e6,
        bytes=sum(file.stat().st_size for file in path.glob("segment-*.db")) / len(ids),
        checkpoint_max_ms=max(pauses_ms, default=0.0),
    )


async def appends(path: Path) -> None:
    """The loop's share: append alone, the writer kept from running by the GIL."""
    store = SqliteStore(path)
    records = [accepted(FIRST_ID + n) for n in range(10_000)]
    done = asyncio.get_running_loop().create_future()

    def on_commit(error: StoreError | None) -> None:
        pass

    def on_last(error: StoreError | None) -> None:
        done.set_result(None)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1.0)
    before = time.perf_counter()
    for record in records:
        store.append(record, on_commit)
    elapsed = time.perf_counter() - before
    sys.setswitchinterval(interval)
    store.append(accepted(FIRST_ID + len(records)), on_last)
    await done
    await store.close()
    report("append on the loop", us=elapsed / len(records) * 1e6)


async def open_loop(path: Path, rate: float, seconds: float) -> None:
    """Whole lives at a steady rate; each step follows the commit of the one before."""
    store = SqliteStore(path)
    loop = asyncio.get_running_loop()
    ids = count(FIRST_ID)
    total = int(rate * seconds)
    latencies_ms: list[float] = []
    lags_ms: list[float] = []
    finished = loop.create_future()
    left = total

    def begin(message_id: int) -> None:
        before = time.perf_counter()

        def on_accepted(error: StoreError | None) -> None:
            assert error is None
            latencies_ms.append((time.perf_counter() - before) * 1e3)
            store.append(written(message_id))
            store.append(sent(message_id), on_sent)

        def on_sent(error: StoreError | None) -> None:
            store.append(delivered(message_id), on_delivered)

        def on_delivered(error: StoreError | None) -> None:
            nonlocal left
            left -= 1
            if not left:
                finished.set_result(None)

        store.append(accepted(message_id), on_accepted)

    started = 0
    origin = time.perf_counter()
    cpu = time.process_time()
    while started < total:
        due = time.perf_counter()
        await asyncio.sleep(0.001)
        lags_ms.append((time.perf_counter() - due - 0.001) * 1e3)
        while started < min(total, (time.perf_counter() - origin) * rate):
            begin(next(ids))
            started += 1
    await finished
    cpu = time.process_time() - cpu
    await store.close()
    report(
        f"open loop, {rate:,.0f} lives/s (generator and builders included)",
        cpu_us=cpu / total * 1e6,
        accept_p50_ms=quantiles(latencies_ms, n=100)[49],
        accept_p99_ms=quantiles(latencies_ms, n=100)[98],
        loop_lag_p99_ms=quantiles(lags_ms, n=100)[98],
    )


async def page_in(path: Path, messages: int, page: int) -> None:
    """Read messages in the order of a queue that others stand between."""
    fill(path, messages, lambda ids: [accepted(message_id) for message_id in ids])
    store = SqliteStore(path)
    ids = range(FIRST_ID, FIRST_ID + messages, 7)
    pauses_ms: list[float] = []
    cpu = time.process_time()
    for start in range(0, len(ids), page):
        before = time.perf_counter()
        found = await store.read_messages(ids[start : start + page])
        pauses_ms.append((time.perf_counter() - before) * 1e3)
        assert found
    cpu = time.process_time() - cpu
    await store.close()
    report(
        f"page in, {page} of {messages:,}",
        cpu_us=cpu / len(ids) * 1e6,
        p50_ms=quantiles(pauses_ms, n=100)[49],
        max_ms=max(pauses_ms),
    )


def history(ids: Sequence[int]) -> list[Record]:
    records: list[Record] = [step(message_id) for step in STEPS for message_id in ids]
    return records + [notified(message_id, number) for message_id in ids for number in (1, 2)]


def waiting(ids: Sequence[int]) -> list[Record]:
    return [accepted(message_id) for message_id in ids]


def waiting_for_receipts(ids: Sequence[int]) -> list[Record]:
    records: list[Record] = [step(message_id) for step in STEPS[:3] for message_id in ids]
    return records + [notified(message_id, 1) for message_id in ids]


def untold(ids: Sequence[int]) -> list[Record]:
    return [step(message_id) for step in STEPS for message_id in ids]


def fill(path: Path, messages: int, records: Callable[[Sequence[int]], list[Record]]) -> None:
    """Add messages of one kind."""
    with open_files(path, durable=False) as files:
        first_id = max(FIRST_ID, files.last_id + 1)
        for start in range(first_id, first_id + messages, 1_000):
            files.write(records(range(start, start + 1_000)))
            if files.checkpoint_due:
                files.checkpoint()
            files.roll_if_due()


async def recovery(path: Path, name: str) -> None:
    """What a start reads, twice: the second finds the segments summarised."""
    for again in ("", " again"):
        before = time.perf_counter()
        store = SqliteStore(path)
        opened_s = time.perf_counter() - before
        before = time.perf_counter()
        found = sum(1 for _ in store.load_open())
        open_s = time.perf_counter() - before
        before = time.perf_counter()
        owed = sum(1 for _ in store.load_owed())
        owed_s = time.perf_counter() - before
        report(
            f"recovery{again}: {name}",
            segments=store.readings().segments,
            opened_s=opened_s,
            open=found,
            open_s=open_s,
            owed=owed,
            owed_s=owed_s,
        )
        await asyncio.to_thread(store._upkeep_pass)
        await store.close()


async def recoveries(root: Path) -> None:
    fill(root / "waiting", MILLION, waiting)
    await recovery(root / "waiting", "1,000,000 waiting")
    fill(root / "history", MILLION, history)
    await recovery(root / "history", "1,000,000 finished")
    fill(root / "history", MILLION, waiting)
    await recovery(root / "history", "1,000,000 finished, then 1,000,000 waiting")
    fill(root / "receipts", MILLION // 5, waiting_for_receipts)
    await recovery(root / "receipts", "200,000 sent, waiting for receipts")
    fill(root / "untold", MILLION // 5, untold)
    await recovery(root / "untold", "200,000 finished, 400,000 callbacks owed")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--recovery", action="store_true")
    arguments = parser.parse_args()
    sys.setswitchinterval(0.0005)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        root = Path(directory)
        if arguments.recovery:
            asyncio.run(recoveries(root))
            return
        asyncio.run(appends(root / "appends"))
        for batch, commits in ((1, 500), (5, 400), (20, 300), (100, 100)):
            lives(root / f"lives-{batch}", batch, commits)
        gc.collect()
        for rate in (500, 2_000, 5_000):
            asyncio.run(open_loop(root / f"open-{rate}", rate, 1.0))
        asyncio.run(page_in(root / "page-in", 200_000, 500))


if __name__ == "__main__":
    main()
