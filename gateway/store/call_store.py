"""The durable store of calls: a list, a thread that commits it, and a thread that reads.

The loop appends facts; the writer takes all that wait, commits them as one transaction and hands
their callbacks back. Facts that wait for a file that is down are kept: what they tell has happened.
So only new calls are refused then, by who asks `accepting` first.

A crash loses what was not committed, some milliseconds of it: a call whose start was not is not
known any more; of one whose end was not the start is, so that it has a record nonetheless.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import ParamSpec, TypeVar

from gateway.call import CallEvent, CallRecord
from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store.call_facts import (
    CallEnded,
    CallFact,
)
from gateway.store.call_file import (
    CALLS_NAME,
    CallFile,
    CallFilter,
    CallPages,
    UnderWay,
)
from gateway.store.limits import DAY_S
from gateway.store.sqlite_connection import RecordError

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

BATCH_MAX = 1_000
# A commit costs the same for one fact as for many, and nobody waits for a call's: they begin at
# this distance, the first after a pause at once.
COMMIT_DISTANCE_S = 0.02
READS_MAX = 1_000
PURGE_S = 60.0
REOPEN_FIRST_S = 0.1
REOPEN_MAX_S = 5.0
# Customers are told of an end for four hours; what is older is not taken up again after a restart.
OWED_S = 14_400.0
OWED_MAX = 10_000

OnCommit = Callable[[StoreError | None], None]
Entry = tuple[CallFact, OnCommit | None]
Answers = list[tuple[OnCommit, StoreError | None]]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Records are kept for `retention_s`, and the oldest are forgotten earlier once all exceed
    `octets_max` (0: no bound). While `pending_max` facts wait no new call is taken; those that are
    under way may add some each."""

    retention_s: float = 90 * DAY_S
    octets_max: int = 0
    pending_max: int = 20_000


class CallStore:
    """Belongs to the event loop that was running when it was made, and to one process: who makes it
    holds the directory's lock. `under_way`, `alive_at` and `owed` are what the last run has left.
    `on_fault` is called on the loop when nothing will be written any more, by a fault of ours.
    """

    def __init__(
        self,
        directory: Path,
        limits: CallLimits,
        clock: Clock,
        *,
        on_fault: Callable[[], None] = lambda: None,
        vfs: str | None = None,
    ) -> None:
        """
        Raises:
            StoreError: the file cannot be opened, or is not one of ours.
        """
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._clock = clock
        self._on_fault = on_fault
        self._file = CallFile(directory / CALLS_NAME, vfs=vfs)
        self._pages = CallPages(directory / CALLS_NAME, vfs)
        self._file.open()
        self.under_way: Sequence[UnderWay] = self._file.under_way()
        self.alive_at = self._file.alive_at()
        self.owed: Sequence[CallEnded] = self._file.owed(clock.now() - OWED_S, OWED_MAX)
        self.last_id = self._file.last_id()
        self.cursors = self._file.cursors()
        self.writable = True
        self.failures = 0
        self._pending: list[Entry] = []
        self._closed = False
        self._stopped = False
        self._bell = Event()
        self._closing = Event()
        self._commit_at = 0.0
        self._reopen_at = 0.0
        self._reopen_wait_s = REOPEN_FIRST_S
        self._purge_at = 0.0
        self._reads = 0
        self._reader = ThreadPoolExecutor(1, "call-reader")
        self._writer = Thread(target=self._work, name="call-writer", daemon=True)
        self._writer.start()

    @property
    def uncommitted(self) -> int:
        return len(self._pending)

    @property
    def accepting(self) -> bool:
        """Whether a new call may begin: its record can be written."""
        return self.writable and len(self._pending) < self._limits.pending_max

    def append(self, fact: CallFact, on_commit: OnCommit | None = None) -> None:
        """Have a fact committed, after all that were appended before it; `on_commit` is called on
        the loop with None, or with why it never will be."""
        if self._closed or self._stopped:
            if on_commit:
                self._loop.call_soon(on_commit, StoreError("the store is closed"))
            return
        self._pending.append((fact, on_commit))
        # The writer looks at what waits after it has muted the bell.
        if not self._bell.is_set():
            self._bell.set()

    async def fetch(self, account_sid: str, call_id: int) -> CallRecord | None:
        """Raises StoreError where it cannot be read."""
        return await self._read(self._pages.fetch, account_sid, call_id)

    async def page(
        self, account_sid: str, where: CallFilter, limit: int, before: int | None = None
    ) -> list[CallRecord]:
        """Raises StoreError where it cannot be read."""
        return await self._read(self._pages.page, account_sid, where, limit, before)

    async def stream(self, number: int, limit: int) -> list[tuple[int, CallEvent]]:
        """Raises StoreError where it cannot be read."""
        return await self._read(self._pages.stream, number, limit)

    async def close(self) -> None:
        """Commit what waits, once more if the file is down, and let go."""
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        self._bell.set()
        await self._loop.run_in_executor(self._reader, self._join)
        self._reader.shutdown()

    def _join(self) -> None:
        self._writer.join()
        self._pages.close()

    async def _read(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._closed or self._reads >= READS_MAX:
            raise StoreError("the store is closed" if self._closed else "too many reads wait")
        self._reads += 1
        try:
            return await self._loop.run_in_executor(self._reader, partial(query, *args, **kwargs))
        finally:
            self._reads -= 1

    # The writer thread

    def _work(self) -> None:
        try:
            while not self._closed:
                self._work_once()
            self._finish()
        except Exception:
            log.exception("call writer stopped")
            self._abandon("the store of calls has stopped by a fault of ours")
            self._loop.call_soon_threadsafe(self._on_fault)
        finally:
            self._file.close()

    def _work_once(self) -> None:
        now = time.monotonic()
        if not self.writable:
            if now >= self._reopen_at:
                self._reopen()
            else:
                self._wait(self._reopen_at - now)
        elif self._pending and (now >= self._commit_at or len(self._pending) >= BATCH_MAX):
            self._commit_at = now + COMMIT_DISTANCE_S
            self._commit()
        elif self._pending:
            self._closing.wait(self._commit_at - now)
        elif now >= self._purge_at:
            self._purge(now)
        else:
            self._wait(self._purge_at - now)

    def _wait(self, seconds: float) -> None:
        self._bell.wait(seconds)
        self._bell.clear()

    def _commit(self) -> None:
        batch = self._pending[:BATCH_MAX]
        try:
            answers = self._write(batch)
            if self._file.checkpoint_due:
                self._file.checkpoint()
        except StoreError as error:
            self._go_down(error)
            return
        del self._pending[: len(batch)]
        self._hand_up(answers)

    def _write(self, batch: list[Entry]) -> Answers:
        try:
            self._file.write([fact for fact, _ in batch])
        except RecordError:
            return [answer for entry in batch for answer in self._write_one(*entry)]
        return [(on_commit, None) for _, on_commit in batch if on_commit]

    def _write_one(self, fact: CallFact, on_commit: OnCommit | None) -> Answers:
        """Alone, so that a fact that cannot be stored spoils no other."""
        refusal: StoreError | None = None
        try:
            self._file.write([fact])
        except RecordError as error:
            kind = type(fact).__name__
            log.error("record cannot be stored", extra={"record": kind, "reason": str(error)})
            refusal = error
        return [(on_commit, refusal)] if on_commit else []

    def _purge(self, now: float) -> None:
        before = self._clock.now() - self._limits.retention_s
        try:
            has_more = self._file.purge(before, self._limits.octets_max)
        except StoreError as error:
            self._go_down(error)
            return
        self._purge_at = now if has_more else now + PURGE_S

    def _go_down(self, error: StoreError) -> None:
        log.error("store of calls failed", extra={"reason": str(error)})
        self.failures += 1
        self.writable = False
        self._file.close()
        self._reopen_at = time.monotonic() + self._reopen_wait_s
        self._reopen_wait_s = min(self._reopen_wait_s * 2, REOPEN_MAX_S)

    def _reopen(self) -> None:
        try:
            self._file.open(alone=False)
        except StoreError as error:
            self._go_down(error)
            return
        self.writable = True
        self._reopen_wait_s = REOPEN_FIRST_S
        log.info("store of calls recovered", extra={"records": len(self._pending)})

    def _finish(self) -> None:
        """Commit all that waits, and give up once that fails."""
        if self._pending and not self.writable:
            self._reopen()
        while self._pending and self.writable:
            self._commit()
        if self._pending:
            log.error("records lost at close", extra={"records": len(self._pending)})
        self._abandon("the store was closed before it recovered")

    def _abandon(self, reason: str) -> None:
        self.writable, self._stopped = False, True
        abandoned, self._pending = self._pending, []
        error = StoreError(reason)
        self._hand_up([(on_commit, error) for _, on_commit in abandoned if on_commit])

    def _hand_up(self, answers: Answers) -> None:
        if answers:
            self._loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Answers) -> None:
    for on_commit, error in answers:
        try:
            on_commit(error)
        except Exception:
            log.exception("callback of the store of calls failed")
