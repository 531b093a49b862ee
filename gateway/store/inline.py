"""The embedded store for virtual time: same files, same decisions, no threads.

A commit takes as long as `latency` says, on the loop's clock, so that a seeded simulation repeats
exactly; upkeep takes no time. `crash` is what kill -9 leaves.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store.embedded import EmbeddedStore, P, T
from gateway.store.group_commit import BATCH_MAX, Entry
from gateway.store.limits import StoreLimits

log = logging.getLogger(__name__)

# Upkeep comes this much late, so that rounding never makes it come too early, again and again.
TIMER_GRAIN_S = 0.001
UNLIMITED_SPACE = StoreLimits(free_bytes_min=0)


class InlineStore(EmbeddedStore):
    """Belongs to the event loop that was running when it was made. Nothing is flushed.

    `clock` tells the time of segments and keys; without one it is the loop's.
    """

    def __init__(
        self,
        path: Path,
        latency: Callable[[], float],
        limits: StoreLimits = UNLIMITED_SPACE,
        *,
        before_drop: Callable[[Path], None] | None = None,
        clock: Clock | None = None,
        durable: bool = False,
        vfs: str | None = None,
    ) -> None:
        loop = self._loop = asyncio.get_running_loop()
        clock = clock or Clock(loop.time, loop.time())
        super().__init__(path, limits, loop.time, clock, before_drop, durable=durable, vfs=vfs)
        self._clock = clock
        self._latency = latency
        self._batch: list[Entry] = []
        self._work: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._arm_timer()

    async def close(self) -> None:
        if self._closed:
            return
        self._stop()
        unwritten = self._batch + self._pending
        for start in range(0, len(unwritten), BATCH_MAX):
            self._settle(self._core.commit(unwritten[start : start + BATCH_MAX]))
        self._settle(self._core.close())
        self._release()

    def crash(self, *, committed: bool = False) -> None:
        """Drop what is not committed, with its callbacks, and let another store open the files.

        `committed`: the batch in flight had reached the disk, but nobody was told.
        """
        self._stop()
        if committed and self._batch:
            self._core.commit(self._batch)
        self._core.accepting = self._core.writable = False
        self._files.close()
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
        batch, self._batch = self._batch, []
        settled = self._core.commit(batch)
        self._core.tidy()
        if self._pending:
            self._begin()
        else:
            self._idle = True
        self._arm_timer()
        self._settle(settled)

    def _arm_timer(self) -> None:
        """Wake for the first of what is to be done at a time."""
        due = self._clock.to_monotonic(self._upkeep.next_at()) + TIMER_GRAIN_S
        core_due = self._core.next_timer()
        if core_due is not None and core_due < due:
            due = core_due
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._handle_timer)

    def _handle_timer(self) -> None:
        settled = self._core.handle_timer()
        if self._clock.now() >= self._upkeep.next_at():
            self._keep_up()
        self._arm_timer()
        self._settle(settled)

    def _keep_up(self) -> None:
        try:
            with closing(self._upkeep.work()) as chores:
                for chore in chores:
                    self._core.do(chore)
        except StoreError as error:
            log.warning("store upkeep put off", extra={"reason": str(error)})
            self._upkeep.put_off()

    async def _read(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return query(*args, **kwargs)

    def _stop(self) -> None:
        self._closed = True
        for handle in (self._work, self._timer):
            if handle is not None:
                handle.cancel()

    def _release(self) -> None:
        self._connections.close()
        self._files.release()
        self._directory.release()
