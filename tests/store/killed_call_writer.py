"""A process that is meant to be killed: begins and ends calls without end, and says which it has.

`python -m tests.store.killed_call_writer DIRECTORY` writes `start ID` and `end ID` to stdout when,
and only when, the store says that they are committed. Every other call stays under way.
"""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

from gateway.clock import system_clock
from gateway.errors import StoreError
from gateway.store.call_facts import (
    CallEnded,
    CallStarted,
)
from gateway.store.call_store import CallLimits, CallStore
from tests.store.call_builders import a_call, a_record

IN_FLIGHT = 50


def run(path: Path) -> None:
    async def write() -> None:
        store = CallStore(
            path, CallLimits(retention_s=1e10), system_clock(asyncio.get_running_loop().time)
        )
        last_id = store.last_id

        def begin() -> None:
            nonlocal last_id
            last_id += 1
            store.append(CallStarted(a_call(last_id)), partial(on_start, last_id))

        def on_start(call_id: int, error: StoreError | None) -> None:
            assert error is None
            os.write(1, b"start %d\n" % call_id)
            if call_id % 2:
                begin()
            else:
                store.append(CallEnded(a_record(a_call(call_id)), 2), partial(on_end, call_id))

        def on_end(call_id: int, error: StoreError | None) -> None:
            assert error is None
            os.write(1, b"end %d\n" % call_id)
            begin()

        for _ in range(IN_FLIGHT):
            begin()
        await asyncio.Event().wait()

    asyncio.run(write())


if __name__ == "__main__":
    run(Path(sys.argv[1]))
