"""A process that is meant to be killed: accepts messages without end, and says which it has.

`python -m tests.store.killed_writer DIRECTORY` writes the id of each message to stdout when, and
only when, the store says that it is committed.
"""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

from gateway.errors import StoreError
from gateway.store.limits import StoreLimits
from gateway.store.sqlite import SqliteStore
from tests.store.builders import accepted, sent

IN_FLIGHT = 50
# Segments come and go while it writes.
LIMITS = StoreLimits(
    free_bytes_min=0, commit_interval_s=0.0, segment_bytes=400_000, retention_s=1.0, stream=True
)


def run(path: Path) -> None:
    async def write() -> None:
        store = SqliteStore(path, LIMITS)
        next_id = store.last_id()

        def begin() -> None:
            nonlocal next_id
            next_id += 1
            store.append(accepted(next_id), partial(on_commit, next_id))
            store.append(sent(next_id))

        def on_commit(message_id: int, error: StoreError | None) -> None:
            assert error is None
            os.write(1, b"%d\n" % message_id)
            begin()

        for _ in range(IN_FLIGHT):
            begin()
        await asyncio.Event().wait()

    asyncio.run(write())


if __name__ == "__main__":
    run(Path(sys.argv[1]))
