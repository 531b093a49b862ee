"""What a start takes that finds much in its store: `python -m tests.bench.bench_recovery`, some
five minutes and 2 GB of disk.

The whole gateway is restored, without sockets, from stores with 1,000,000 messages of a kind, each
in a process of its own: first from segments as a kill leaves them, then from such as have their
summaries. CPU is of the whole process, all threads and the kernel's part included.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

from gateway.clock import system_clock
from gateway.daemon.assembly import Gateway
from gateway.message import Message, Status
from gateway.store.data_directory import DataDirectory
from gateway.store.interface import Accepted, Attempt, AttemptOutcome, Record, Transition
from gateway.store.limits import StoreLimits
from gateway.store.sqlite import SqliteStore
from gateway.store.store_files import StoreFiles
from tests.sim.cast import ACME, PLAN, gateway_config
from tests.sim.scenario import Scenario
from tests.store.builders import a_message

MESSAGES = 1_000_000
BATCH = 1_000
TEXT = "Your appointment is tomorrow at 10:30. Reply C to confirm or call us. Number {:012d}."
LONG_TEXT = TEXT * 2
BIND = "alpha/1"

Kind = Callable[[int, float], list[Record]]


def a_job(message_id: int, now: float, segments: int = 1) -> Message:
    number = message_id & 0xFFFFFF
    return a_message(
        message_id,
        account_sid=ACME.sid,
        sender=ACME.senders[0].address,
        recipient=f"+1415{number % 10_000_000:07d}",
        body=(LONG_TEXT if segments > 1 else TEXT).format(number, number),
        segments=segments,
        accepted_at=now,
        expires_at=now + 14_400,
    )


def waiting(message_id: int, now: float) -> list[Record]:
    return [Accepted(a_job(message_id, now))]


def written(message_id: int, now: float) -> list[Record]:
    """In flight when the process ended."""
    return [*waiting(message_id, now), Attempt(message_id, 1, now, AttemptOutcome.WRITTEN, BIND)]


def sent(message_id: int, now: float) -> list[Record]:
    carrier_id = f"{message_id:016x}"
    taken = Transition(message_id, 1, Status.SENT, now, 0, 0, BIND, carrier_id)
    return [*written(message_id, now), taken]


def sent_in_parts(message_id: int, now: float) -> list[Record]:
    """Two of them."""
    steps: list[Record] = [Accepted(a_job(message_id, now, segments=2))]
    for part in (1, 2):
        steps.append(Attempt(message_id, part, now, AttemptOutcome.WRITTEN, BIND))
        carrier_id = f"{message_id:016x}-{part}"
        steps.append(Transition(message_id, part, Status.SENT, now, part, 0, BIND, carrier_id))
    return [*steps, Transition(message_id, 3, Status.SENT, now, 0, 0, BIND)]


def delivered(message_id: int, now: float) -> list[Record]:
    carrier_id = f"{message_id:016x}"
    last = Transition(message_id, 2, Status.DELIVERED, now, 0, 0, BIND, carrier_id, "", "DELIVRD")
    return [*sent(message_id, now), last]


def sent_again(message_id: int, now: float) -> list[Record]:
    """It was lost with its bind, and delivered in the end: its first copy may be somewhere."""
    lost = Attempt(message_id, 1, now, AttemptOutcome.LOST, BIND)
    return [*written(message_id, now), lost, *delivered(message_id, now + 1)[1:]]


KINDS: dict[str, Sequence[Kind]] = {
    "waiting": (waiting,),
    "sent": (sent,),
    "sent-in-parts": (sent_in_parts,),
    "delivered": (delivered,),
    "mixed": (waiting,) * 40 + (sent,) * 30 + (sent_in_parts,) * 9 + (delivered,) * 19
    + (sent_again, written),
}  # fmt: skip


def report(what: str, **figures: float) -> None:
    shown = "  ".join(f"{name} {figure:,.2f}" for name, figure in figures.items())
    sys.stdout.write(f"{what:<32} {shown}\n")
    sys.stdout.flush()


def rss_mb() -> float:
    resident = int(Path("/proc/self/statm").read_text().split()[1])
    return resident * os.sysconf("SC_PAGE_SIZE") / 1e6


def fill(directory: Path, kinds: Sequence[Kind], messages: int) -> None:
    """The kinds in turns; as much in each segment as the daemon puts there."""
    clock = system_clock(time.monotonic)
    claimed = DataDirectory.claim(directory)
    files = StoreFiles(claimed, StoreLimits(), clock, durable=False)
    files.open()
    now = clock.now()
    first_id = int(now * 1_000) << 22
    for start in range(0, messages, BATCH):
        records: list[Record] = []
        for number in range(start, start + BATCH):
            records += kinds[number % len(kinds)](first_id + number, now)
        files.write(records)
        if files.checkpoint_due:
            files.checkpoint()
        files.roll_if_due()
    files.close()
    files.release()
    claimed.release()


async def restore(directory: Path, name: str) -> None:
    before = rss_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    store = SqliteStore(directory)
    opened_s = time.perf_counter() - wall
    clock = system_clock(asyncio.get_running_loop().time)
    unused = cast(Any, None)
    config = gateway_config(Scenario(seed=0))
    gateway = Gateway(config, PLAN, store, unused, clock, Random(1), unused)
    await gateway.restore()
    seconds = time.perf_counter() - wall
    report(
        name,
        seconds=seconds,
        of_them_opening=opened_s,
        cpu_s=time.process_time() - cpu,
        rss_mb=rss_mb(),
        before_mb=before,
        open=gateway.messages_open,
        strays=len(gateway.journal.doubts.strays),
    )
    # What a running gateway has long done: the summaries of the segments that are sealed.
    await asyncio.to_thread(store._upkeep_pass)
    await store.close()


def main() -> None:
    arguments = parser().parse_args()
    sys.setswitchinterval(0.0005)
    if arguments.step == "fill":
        fill(arguments.directory, KINDS[arguments.kind], arguments.messages)
    elif arguments.step:
        asyncio.run(restore(arguments.directory, f"{arguments.kind}, {arguments.step}"))
    else:
        for kind in [arguments.kind] if arguments.kind else KINDS:
            with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
                for name in ("fill", "killed", "summarised"):
                    command = [sys.executable, "-m", "tests.bench.bench_recovery", "--step", name]
                    options = ["--kind", kind, "--messages", str(arguments.messages)]
                    subprocess.run([*command, *options, "--directory", directory], check=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.bench.bench_recovery", description=__doc__)
    top.add_argument("--messages", type=int, default=MESSAGES)
    top.add_argument("--kind", choices=KINDS, help="one of them alone")
    top.add_argument("--directory", type=Path, help="where the store is kept, the system's default")
    top.add_argument("--step", choices=("fill", "killed", "summarised"), help="one of them alone")
    return top


if __name__ == "__main__":
    main()
