"""What the embedded store costs: `python -m tests.bench.bench_store [directory]`, ten seconds.

CPU is of the whole process, both threads and the kernel's part included.
"""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from statistics import quantiles

from gateway.errors import StoreError
from gateway.store.interface import Record
from gateway.store.sqlite import SqliteStore
from gateway.store.sqlite_file import FILE_NAME, SqliteFile
from tests.store.builders import accepted, delivered, notified, sent

FIRST_ID = 1_700_000_000_000 << 22
STEPS: tuple[Callable[[int], Record], ...] = (accepted, sent, delivered, notified)


def report(what: str, **figures: float) -> None:
    shown = "  ".join(f"{name} {figure:,.2f}" for name, figure in figures.items())
    sys.stdout.write(f"{what:<58} {shown}\n")


def lives(path: Path, batch: int, commits: int) -> None:
    """Job, two transitions and a notification of each message, a commit for each step."""
    file = SqliteFile(path / FILE_NAME)
    path.mkdir()
    file.open()
    ids = range(FIRST_ID, FIRST_ID + batch * commits)
    batches = [
        [step(message_id) for message_id in ids[start : start + batch]]
        for start in range(0, len(ids), batch)
        for step in STEPS
    ]
    pauses_ms: list[float] = []
    cpu, wall = time.process_time(), time.perf_counter()
    for records in batches:
        file.write(records)
        if file.checkpoint_due:
            before = time.perf_counter()
            file.checkpoint()
            pauses_ms.append((time.perf_counter() - before) * 1e3)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    file.close()
    report(
        f"message life, batches of {batch}",
        cpu_us=cpu / len(ids) * 1e6,
        wall_us=wall / len(ids) * 1e6,
        bytes=(path / FILE_NAME).stat().st_size / len(ids),
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
            store.append(sent(message_id), on_sent)

        def on_sent(error: StoreError | None) -> None:
            store.append(delivered(message_id), on_delivered)

        def on_delivered(error: StoreError | None) -> None:
            store.append(notified(message_id), on_notified)

        def on_notified(error: StoreError | None) -> None:
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


def recovery(path: Path, messages: int) -> None:
    """Start-up with a fifth of the messages open and as many callbacks owed."""
    path.mkdir()
    file = SqliteFile(path / FILE_NAME, durable=False)
    file.open()
    for start in range(FIRST_ID, FIRST_ID + messages, 1_000):
        ids = range(start, start + 1_000)
        finals = [message_id for message_id in ids if message_id % 5]
        records: list[Record] = [accepted(message_id) for message_id in ids]
        records += [sent(message_id) for message_id in ids]
        records += [delivered(message_id) for message_id in finals]
        records += [notified(message_id, 1) for message_id in ids]
        records += [notified(message_id, 2) for message_id in finals if message_id % 5 > 1]
        file.write(records)
    file.close()
    before = time.perf_counter()
    file.open()
    report(f"recovery of {messages:,}: open", s=time.perf_counter() - before)
    with closing(file.reader()) as reader:
        for name, load in (
            ("load_open", reader.load_open),
            ("load_unnotified", reader.load_unnotified),
        ):
            before = time.perf_counter()
            found = sum(1 for _ in load())
            report(f"recovery: {name}", s=time.perf_counter() - before, found=found)
        before = time.perf_counter()
    file.close()


def main() -> None:
    parent = sys.argv[1] if len(sys.argv) > 1 else None
    sys.setswitchinterval(0.0005)
    with tempfile.TemporaryDirectory(dir=parent) as directory:
        root = Path(directory)
        asyncio.run(appends(root / "appends"))
        for batch, commits in ((1, 500), (5, 400), (20, 300), (100, 100)):
            lives(root / f"lives-{batch}", batch, commits)
        gc.collect()
        for rate in (500, 2_000, 5_000):
            asyncio.run(open_loop(root / f"open-{rate}", rate, 1.0))
        recovery(root / "recovery", 200_000)


if __name__ == "__main__":
    main()
