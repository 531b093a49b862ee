"""The daemon's embedded store: SQLite, and a thread each for writing, reading and the upkeep.

The loop appends to a list. The writer thread takes the whole list, commits it, and hands all
callbacks back in one call; what arrives meanwhile is the next batch, so that the batches grow with
the load and with the time that the disk takes. The event loop never touches the disk.

A disk that is fast gathers few, so `Gathering` puts pauses between commits.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from gateway.clock import Clock, system_clock
from gateway.errors import StoreError
from gateway.store.embedded import EmbeddedStore, P, T
from gateway.store.gathering import Gathering
from gateway.store.group_commit import BATCH_MAX, Entry, Settled
from gateway.store.limits import StoreLimits
from gateway.store.upkeep import Chore

log = logging.getLogger(__name__)

READS_MAX = 1_000
# The upkeep looks for work so often, and whenever a segment is begun.
UPKEEP_S = 60.0


class SqliteStore(EmbeddedStore):
    """Belongs to the event loop that was running when it was made.

    `on_fault` is called on the loop when nothing will be written any more, by a fault of ours or
    because the files have been down for too long: the process must end, and its next run reads
    what is true. `before_drop`: see `Upkeep`; it is called in the upkeep's thread.
    """

    def __init__(
        self,
        path: Path,
        limits: StoreLimits | None = None,
        *,
        on_fault: Callable[[], None] = lambda: None,
        before_drop: Callable[[Path], None] | None = None,
        clock: Clock | None = None,
        vfs: str | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        limits = limits or StoreLimits()
        clock = clock or system_clock(time.monotonic)
        super().__init__(path, limits, time.monotonic, clock, before_drop, durable=True, vfs=vfs)
        self._clock = clock
        self._on_fault = on_fault
        self._gathering = Gathering(limits.commit_interval_s, BATCH_MAX)
        self._batch: list[Entry] = []
        self._writer_ended = False
        self._chores: deque[tuple[Chore, Future[None]]] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._upkeep_bell = Event()
        self._reads = 0
        self._reader_thread = ThreadPoolExecutor(1, "store-reader")
        self._writer_thread = Thread(target=self._work, name="store-writer", daemon=True)
        self._writer_thread.start()
        self._upkeep_thread = Thread(target=self._keep_up, name="store-upkeep", daemon=True)
        self._upkeep_thread.start()

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._bell.put(None)
        self._upkeep_bell.set()
        # The writer's last callbacks are on the loop before this thread's answer is.
        await self._loop.run_in_executor(self._reader_thread, self._join)
        self._reader_thread.shutdown()
        self._files.release()
        self._directory.release()

    def _join(self) -> None:
        self._writer_thread.join()
        self._upkeep_thread.join()
        self._connections.close()

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

    # The writer thread

    def _work(self) -> None:
        try:
            while self._pending or not self._closed:
                self._work_once()
            self._hand_up(self._core.close())
        except Exception:
            log.exception("store writer stopped")
            self._core.accepting = self._core.writable = False
            self._files.close()
            self._loop.call_soon_threadsafe(self._give_up)
        finally:
            self._writer_ended = True
            self._refuse_chores()

    def _work_once(self) -> None:
        core, pending = self._core, self._pending
        now = time.monotonic()
        due = core.next_timer()
        if due is not None and now >= due:
            self._hand_up(core.handle_timer())
        elif pending:
            wait_s = 0.0 if self._closed else self._gathering.wait_s(len(pending), now)
            if wait_s:
                time.sleep(wait_s)
            else:
                self._commit()
        elif not self._chores:
            self._sleep(None if due is None else due - now)
        # One between two commits at most.
        if self._chores:
            self._do_chore()

    def _commit(self) -> None:
        self._batch = self._pending[:BATCH_MAX]
        del self._pending[: len(self._batch)]
        settled = self._core.commit(self._batch)
        self._batch = []
        self._hand_up(settled)
        self._tidy()

    def _give_up(self) -> None:
        """On the loop: the writer thread has ended, and not because it was told to."""
        self._settle(self._abandon(self._batch))
        self._on_fault()

    def _tidy(self) -> None:
        segments = self._files.segments
        self._core.tidy()
        if self._files.segments is not segments:
            self._upkeep_bell.set()

    def _sleep(self, seconds: float | None) -> None:
        """Until the bell rings. What was appended just before `_idle` was set did not ring it."""
        self._idle = True
        if not self._pending and not self._closed and not self._chores:
            with suppress(Empty):
                self._bell.get(timeout=seconds)
        self._idle = False

    def _hand_up(self, settled: Settled) -> None:
        if settled.records:
            self._loop.call_soon_threadsafe(self._settle, settled)

    def _do_chore(self) -> None:
        chore, done = self._chores.popleft()
        try:
            self._core.do(chore)
        except StoreError as error:
            done.set_exception(error)
        except BaseException:
            done.set_exception(StoreError("the store has stopped by a fault of ours"))
            raise
        else:
            done.set_result(None)

    def _refuse_chores(self) -> None:
        with suppress(IndexError):
            while True:
                self._chores.popleft()[1].set_exception(StoreError("the store is closed"))

    # The upkeep's thread

    def _keep_up(self) -> None:
        while not self._closed:
            self._upkeep_bell.clear()
            self._upkeep_pass()
            idle_s = self._upkeep.next_at() - self._clock.now()
            self._upkeep_bell.wait(min(max(idle_s, 0.0), UPKEEP_S))

    def _upkeep_pass(self) -> None:
        try:
            with closing(self._upkeep.work()) as chores:
                for chore in chores:
                    self._order(chore)
        except StoreError as error:
            if not self._closed:
                log.warning("store upkeep put off", extra={"reason": str(error)})
            self._upkeep.put_off()
        except Exception:
            log.exception("store upkeep failed")
            self._upkeep.put_off()
        # Nobody may be asking, while files that are no more take up the disk.
        with suppress(RuntimeError):
            self._reader_thread.submit(self._reader.let_go)

    def _order(self, chore: Chore) -> None:
        """Have the writer thread make a write.

        Raises:
            StoreError: it was not made, or its outcome is unknown.
        """
        done: Future[None] = Future()
        self._chores.append((chore, done))
        self._bell.put(None)
        if self._writer_ended:
            self._refuse_chores()
        done.result()
