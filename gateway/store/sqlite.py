"""The daemon's embedded store: SQLite, one writer thread and one reader thread.

The loop appends to a list. The writer thread takes the whole list, commits it, and hands all
callbacks back in one call; what arrives meanwhile is the next batch, so that the batches grow with
the load and with the time that the disk takes. The event loop never touches the disk.

A commit costs the same 0.1 ms of CPU for one record as for twenty. On a disk that is too fast to
gather twenty, a pause between commits does: `commit_interval_s`. After a lull nothing waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from gateway.errors import StoreError
from gateway.store.embedded import EmbeddedStore, P, T
from gateway.store.group_commit import BATCH_MAX, Settled, StoreLimits

log = logging.getLogger(__name__)

READS_MAX = 1_000


class SqliteStore(EmbeddedStore):
    """Belongs to the event loop that was running when it was made."""

    def __init__(
        self, path: Path, limits: StoreLimits | None = None, *, vfs: str | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        limits = limits or StoreLimits()
        super().__init__(path, limits, time.monotonic(), durable=True, vfs=vfs)
        self._commit_interval_s = limits.commit_interval_s
        self._commit_at = 0.0
        self._reads = 0
        self._reader_thread = ThreadPoolExecutor(1, "store-reader")
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._writer_thread = Thread(target=self._work, name="store-writer", daemon=True)
        self._writer_thread.start()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._bell.put(None)
        # The writer's last callbacks are on the loop before this thread's answer is.
        await self._loop.run_in_executor(self._reader_thread, self._writer_thread.join)
        await self._loop.run_in_executor(self._reader_thread, self._reader.close)
        self._reader_thread.shutdown()
        self._directory.release()

    def _wake(self) -> None:
        self._idle = False
        self._bell.put(None)

    async def _read(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed or self._reads >= READS_MAX:
            raise StoreError("the store is closed" if self._closed else "too many reads wait")
        self._reads += 1
        try:
            return await self._loop.run_in_executor(
                self._reader_thread, lambda: query(*args, **kwargs)
            )
        finally:
            self._reads -= 1

    def _work(self) -> None:
        """The writer thread."""
        try:
            while self._pending or not self._closed:
                self._work_once()
            self._hand_up(self._core.close(time.monotonic()))
        except Exception:
            self._core.accepting = False
            log.exception("store writer stopped")
            self._file.close()

    def _work_once(self) -> None:
        core, pending = self._core, self._pending
        now = time.monotonic()
        due = core.next_timer()
        if due is not None and now >= due:
            self._hand_up(core.handle_timer(now))
        elif pending:
            early_s = self._commit_at - now
            if early_s > 0:
                time.sleep(early_s)
                now += early_s
            self._commit_at = now + self._commit_interval_s
            batch = pending[:BATCH_MAX]
            del pending[: len(batch)]
            self._hand_up(core.commit(batch, now))
            core.checkpoint(now)
        else:
            self._sleep(None if due is None else due - now)

    def _sleep(self, seconds: float | None) -> None:
        """Until the bell rings. What was appended just before `_idle` was set did not ring it."""
        self._idle = True
        if not self._pending and not self._closed:
            with suppress(Empty):
                self._bell.get(timeout=seconds)
        self._idle = False

    def _hand_up(self, settled: Settled) -> None:
        if settled.records:
            self._loop.call_soon_threadsafe(self._settle, settled)
