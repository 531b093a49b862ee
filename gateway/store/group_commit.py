"""Group commit: what becomes of a batch, and what follows a failure.

No threads and no waiting: a driver brings batches, and calls the answers it is given.
Nothing is appended to files that have failed. Their messages are refused, because nobody was told
that they were accepted; everything else has already happened outside, so it is kept and written
once the files have been opened again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.errors import StoreError
from gateway.message import Message
from gateway.store.interface import (
    Accepted,
    Attempt,
    Deleted,
    Notified,
    OnCommit,
    Record,
    Redacted,
    Released,
    Replaced,
    Replay,
    Transition,
)
from gateway.store.limits import StoreLimits
from gateway.store.sqlite_connection import RecordError
from gateway.store.store_files import StoreFiles

log = logging.getLogger(__name__)

# A thousand messages commit in a few milliseconds; more would delay those that come after.
BATCH_MAX = 1_000
# Facts that wait for files that are down: 150 MB or so. A restart reads the truth instead.
KEPT_MAX = 500_000
REOPEN_FIRST_S = 0.1
REOPEN_MAX_S = 5.0
SPACE_CHECK_S = 1.0

Entry = tuple[Record, OnCommit | None]
Answer = tuple[OnCommit, StoreError | None]


class Settled(NamedTuple):
    """`records` need the store no longer; these of their callbacks are to be called, in order."""

    answers: list[Answer]
    records: int


NOTHING = Settled([], 0)


class TooMuchKept(Exception):
    """The files have been down for too long: no more can be kept, and nothing can be dropped."""


class GroupCommit:
    """Decides over StoreFiles, which its owner has opened. `time` is a monotonic clock's."""

    def __init__(
        self,
        files: StoreFiles,
        free_bytes: Callable[[], int],
        limits: StoreLimits,
        time: Callable[[], float],
    ) -> None:
        self.accepting = True
        self.writable = True
        self.commits = 0
        self.records = 0
        self.failures = 0
        self._files = files
        self._free_bytes = free_bytes
        self._free_bytes_min = limits.free_bytes_min
        self._time = time
        self._has_space = True
        self._reopen_at: float | None = None
        self._reopen_wait_s = REOPEN_FIRST_S
        # As they were to be committed, without what was refused.
        self._kept: list[list[Entry]] = []
        self._kept_records = 0
        # Refused messages whose commit may have reached the disk after all, and all refused ids.
        self._doubtful: list[Message] = []
        self._refused: set[int] = set()
        self._space_check_at: float | None = None
        if self._free_bytes_min:
            self._check_space()

    def commit(self, batch: list[Entry]) -> Settled:
        """Write at most BATCH_MAX records as one transaction.

        Raises:
            TooMuchKept: the files are down, and the bound of what can be kept is met.
        """
        if not self.writable:
            if self._kept_records > KEPT_MAX:
                raise TooMuchKept(f"{self._kept_records} records wait for files that are down")
            return self._refuse(batch)
        try:
            answers = self._write(batch)
        except StoreError as error:
            self._doubtful = [entry[0].message for entry in batch if type(entry[0]) is Accepted]
            self._go_down(error)
            return self._refuse(batch)
        return Settled(answers, len(batch))

    def tidy(self) -> None:
        """Move the write-ahead log on and begin a new segment, where it is time; after the batch
        has been answered.
        """
        if self.writable:
            try:
                if self._files.checkpoint_due:
                    self._files.checkpoint()
                self._files.roll_if_due()
            except StoreError as error:
                self._go_down(error)

    def do(self, chore: Callable[[], None]) -> None:
        """Make a write of the upkeep, between two batches.

        Raises:
            StoreError: it was not made, or its outcome is unknown.
        """
        if not self.writable:
            raise StoreError("the store has failed and is being recovered")
        try:
            chore()
        except StoreError as error:
            self._go_down(error)
            raise

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        if self._reopen_at is None:
            return self._space_check_at
        if self._space_check_at is None:
            return self._reopen_at
        return min(self._reopen_at, self._space_check_at)

    def handle_timer(self) -> Settled:
        """Look at the disk space, and open failed files again."""
        now = self._time()
        if self._space_check_at is not None and now >= self._space_check_at:
            self._check_space()
        if self._reopen_at is not None and now >= self._reopen_at:
            return self._recover()
        return NOTHING

    def close(self) -> Settled:
        """Give what was kept a last chance, and let go of the files."""
        settled = NOTHING if self.writable else self._recover()
        self.accepting = self.writable = False
        self._files.close()
        if not self._kept:
            return settled
        log.error("records lost at close", extra={"records": self._kept_records})
        lost = self.abandon(StoreError("the store was closed before it recovered"))
        return Settled(settled.answers + lost.answers, settled.records + lost.records)

    def abandon(self, error: StoreError) -> Settled:
        """The answers to all that was kept: it will not be written."""
        self.accepting = self.writable = False
        kept = [entry for batch in self._kept for entry in batch]
        self._kept.clear()
        self._kept_records = 0
        return abandoned(kept, error)

    def _write(self, batch: list[Entry]) -> list[Answer]:
        try:
            self._files.write([record for record, _ in batch])
        except RecordError:
            return self._write_singly(batch)
        self.commits += 1
        self.records += len(batch)
        return [(on_commit, None) for _, on_commit in batch if on_commit is not None]

    def _write_singly(self, batch: list[Entry]) -> list[Answer]:
        """Find the record that spoils the batch, so that it refuses nobody else's."""
        answers: list[Answer] = []
        for record, on_commit in batch:
            refusal: StoreError | None = None
            try:
                self._files.write([record])
                self.commits += 1
                self.records += 1
            except RecordError as error:
                kind = type(record).__name__
                log.error("record cannot be stored", extra={"record": kind, "reason": str(error)})
                refusal = error
            if on_commit is not None:
                answers.append((on_commit, refusal))
        return answers

    def _refuse(self, batch: list[Entry]) -> Settled:
        """Give back the messages of a batch and what is about them; keep the rest."""
        error = StoreError("the store has failed and is being recovered")
        answers: list[Answer] = []
        kept: list[Entry] = []
        for entry in batch:
            record, on_commit = entry
            if isinstance(record, Accepted):
                self._refused.add(record.message.id)
            elif _message_id(record) not in self._refused:
                kept.append(entry)
                continue
            if on_commit is not None:
                answers.append((on_commit, error))
        if kept:
            self._kept.append(kept)
            self._kept_records += len(kept)
        return Settled(answers, len(batch) - len(kept))

    def _go_down(self, error: StoreError) -> None:
        log.error("store failed", extra={"reason": str(error)})
        self.failures += 1
        self._files.close()
        self._reopen_at = self._time() + self._reopen_wait_s
        self.accepting = self.writable = False

    def _recover(self) -> Settled:
        answers: list[Answer] = []
        written = 0
        try:
            self._files.open(self._doubtful)
            while self._kept:
                batch = self._kept[0]
                answers += self._write(batch)
                del self._kept[0]
                self._kept_records -= len(batch)
                written += len(batch)
        except StoreError as error:
            self._reopen_wait_s = min(self._reopen_wait_s * 2, REOPEN_MAX_S)
            self._go_down(error)
            return Settled(answers, written)
        self._doubtful = []
        self._refused.clear()
        self._reopen_at = None
        self._reopen_wait_s = REOPEN_FIRST_S
        self.writable = True
        self.accepting = self._has_space
        log.info("store recovered", extra={"records": written})
        return Settled(answers, written)

    def _check_space(self) -> None:
        self._space_check_at = self._time() + SPACE_CHECK_S
        free_bytes = self._free_bytes()
        has_space = free_bytes >= self._free_bytes_min
        if has_space != self._has_space:
            self._has_space = has_space
            event = "disk has space again" if has_space else "disk is nearly full"
            log.warning(event, extra={"free_bytes": free_bytes})
        self.accepting = has_space and self.writable


def abandoned(entries: Sequence[Entry], error: StoreError) -> Settled:
    """The answers to records that nobody will write."""
    answers: list[Answer] = [
        (on_commit, error) for _, on_commit in entries if on_commit is not None
    ]
    return Settled(answers, len(entries))


def _message_id(record: Record) -> int | None:
    """The message that a record is about, where it is about one."""
    if isinstance(record, Replaced):
        return record.message.id
    if isinstance(record, Attempt | Transition | Notified | Replay | Released | Redacted | Deleted):
        return record.message_id
    return None
