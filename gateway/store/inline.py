"""The embedded store for virtual time: same file, same decisions, no threads.

A commit takes as long as `latency` says, on the loop's clock, so that a seeded simulation repeats
exactly. `crash` is what kill -9 leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from gateway.store.embedded import EmbeddedStore, P, T
from gateway.store.group_commit import BATCH_MAX, Entry, StoreLimits

UNLIMITED_SPACE = StoreLimits(free_bytes_min=0)


class InlineStore(EmbeddedStore):
    """Belongs to the event loop that was running when it was made. Nothing is flushed."""

    def __init__(
        self,
        path: Path,
        latency: Callable[[], float],
        limits: StoreLimits = UNLIMITED_SPACE,
        *,
        vfs: str | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        super().__init__(path, limits, self._loop.time(), durable=False, vfs=vfs)
        self._latency = latency
        self._batch: list[Entry] = []
        self._work: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._arm_timer()

    async def close(self) -> None:
        if self._closed:
            return
        self._stop()
        now = self._loop.time()
        unwritten = self._batch + self._pending
        for start in range(0, len(unwritten), BATCH_MAX):
            self._settle(self._core.commit(unwritten[start : start + BATCH_MAX], now))
        self._settle(self._core.close(now))
        self._release()

    def crash(self, *, committed: bool = False) -> None:
        """Drop what is not committed, with its callbacks, and let another store open the files.

        `committed`: the batch in flight had reached the disk, but nobody was told.
        """
        self._stop()
        if committed and self._batch:
            self._core.commit(self._batch, self._loop.time())
        self._core.accepting = False
        self._file.close()
        self._release()

    def _wake(self) -> None:
        self._idle = False
        # A turn of the loop later, so that one turn's records share a commit.
        self._work = self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._batch = self._pending[:BATCH_MAX]
        del self._pending[: len(self._batch)]
        self._work = self._loop.call_later(self._latency(), self._finish)

    def _finish(self) -> None:
        now = self._loop.time()
        batch, self._batch = self._batch, []
        settled = self._core.commit(batch, now)
        self._core.checkpoint(now)
        if self._pending:
            self._begin()
        else:
            self._idle = True
        self._arm_timer()
        self._settle(settled)

    def _arm_timer(self) -> None:
        due = self._core.next_timer()
        if due is not None and self._timer is None:
            self._timer = self._loop.call_at(due, self._handle_timer)

    def _handle_timer(self) -> None:
        self._timer = None
        settled = self._core.handle_timer(self._loop.time())
        self._arm_timer()
        self._settle(settled)

    async def _read(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return query(*args, **kwargs)

    def _stop(self) -> None:
        self._closed = True
        for handle in (self._work, self._timer):
            if handle is not None:
                handle.cancel()

    def _release(self) -> None:
        self._reader.close()
        self._directory.release()
