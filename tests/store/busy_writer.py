"""A process that has a store and much to do: messages are accepted, sent, told of, and forgotten.

`python -m tests.store.busy_writer DIRECTORY RETENTION_S` writes the id of each message to stdout
once the store says that it is committed. Segments are small, so that many are begun, summarised
and, where the retention is short, dropped. One message in ten is never finished.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gateway.errors import StoreError
from gateway.message import Status
from gateway.store.interface import Accepted, Cursor, Deleted, Record, Redacted
from gateway.store.limits import StoreLimits
from gateway.store.sqlite import SqliteStore
from tests.store.builders import (
    NOON,
    a_message,
    attempted,
    became,
    delivered,
    given_up,
    notified,
    replayed,
    sent,
)

IN_FLIGHT = 20
SEGMENT_BYTES = 1 << 20
# What becomes of a message in the end stands in a later segment as often as not.
LATER = 1_000


def run(path: Path, retention_s: float) -> None:
    async def write() -> None:
        limits = StoreLimits(
            free_bytes_min=0, segment_bytes=SEGMENT_BYTES, retention_s=retention_s, stream=True
        )
        store = SqliteStore(path, limits)
        next_id = store.last_id()

        def begin() -> None:
            nonlocal next_id
            next_id += 1
            message = a_message(next_id, segments=1 + next_id % 2)
            key = b"%016d" % next_id if next_id % 5 == 0 else b""
            store.append(Accepted(message, key, key), partial(on_commit, next_id))

        def on_commit(message_id: int, error: StoreError | None) -> None:
            assert error is None
            os.write(1, b"%d\n" % message_id)
            for record in (*life_of(message_id), *end_of(message_id - LATER)):
                store.append(record)
            begin()

        for _ in range(IN_FLIGHT):
            begin()
        await asyncio.Event().wait()

    asyncio.run(write())


def life_of(message_id: int) -> Iterator[Record]:
    """What becomes of it at once."""
    yield attempted(message_id)
    if message_id % 2:
        yield became(message_id, 1, Status.SENT, part=1, bind="alpha/1", carrier_id="a")
        yield became(message_id, 2, Status.SENT, part=2, bind="alpha/1", carrier_id="b")
        yield sent(message_id, 3)
        yield notified(message_id, 3)
    else:
        yield sent(message_id, 1)
        yield given_up(message_id, 1)
        yield replayed(message_id, 1)


def end_of(message_id: int) -> Iterator[Record]:
    """What becomes of it later."""
    if message_id < 1 or message_id % 10 == 0:
        return
    last = 3 if message_id % 2 else 1
    yield delivered(message_id, last + 1)
    if message_id % 3:
        yield notified(message_id, last + 1)
    if message_id % 7 == 0:
        yield Redacted(message_id)
    if message_id % 11 == 0:
        yield Deleted(message_id)
    if message_id % 100 == 1:
        yield Cursor("mqtt", 1, 1, NOON)


if __name__ == "__main__":
    run(Path(sys.argv[1]), float(sys.argv[2]))
