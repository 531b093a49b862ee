"""Messages that wait for a carrier that is down: put into the store as the daemon puts them there,
without the daemon, whose front door would take minutes.
"""

from __future__ import annotations

import time
from pathlib import Path

from gateway.clock import system_clock
from gateway.message import Direction, Encoding, Message, Origin
from gateway.store.data_directory import DataDirectory
from gateway.store.interface import Accepted
from gateway.store.limits import StoreLimits
from gateway.store.store_files import StoreFiles
from tests.bench import traffic
from tests.bench.http_dialects import ACCOUNT_SID

BATCH = 1_000
WAITS_S = 14_400.0


def fill(directory: Path, messages: int) -> None:
    """Accepted just now, and as a killed daemon leaves them: no segment has its summary."""
    clock = system_clock(time.monotonic)
    claimed = DataDirectory.claim(directory)
    files = StoreFiles(claimed, StoreLimits(), clock, durable=False)
    files.open()
    now = clock.now()
    first_id = int(now * 1_000) << 22
    for start in range(0, messages, BATCH):
        numbers = range(start, min(start + BATCH, messages))
        files.write([Accepted(a_message(first_id + number, number, now)) for number in numbers])
        if files.checkpoint_due:
            files.checkpoint()
        files.roll_if_due()
    files.close()
    files.release()
    claimed.release()


def a_message(message_id: int, number: int, now: float) -> Message:
    return Message(
        id=message_id,
        account_sid=ACCOUNT_SID,
        sender=traffic.WAITING_SENDERS[number % len(traffic.WAITING_SENDERS)],
        recipient=f"+447700{number % 1_000_000:06d}",
        body=traffic.text(number),
        encoding=Encoding.GSM_7BIT,
        segments=1,
        direction=Direction.OUTBOUND_API,
        origin=Origin.REST,
        accepted_at=now,
        expires_at=now + WAITS_S,
    )
