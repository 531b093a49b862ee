"""Group commit: what becomes of a batch, and what follows a failure.

No threads and no waiting: a driver brings batches and the time, and calls the answers it is given.
Nothing is appended to a file that has failed. Its messages are refused, because nobody was told
that they were accepted; everything else has already happened outside, so it is kept and written
once the file has been opened again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from gateway.errors import StoreError
from gateway.message import Message
from gateway.store.interface import (
    Accepted,
    Deleted,
    Notified,
    OnCommit,
    Record,
    Redacted,
    Transition,
)
from gateway.store.sqlite_file import RecordError, SqliteFile

log = logging.getLogger(__name__)

# A thousand messages commit in a few milliseconds; more would delay those that come after.
BATCH_MAX = 1_000
REOPEN_FIRST_S = 0.1
REOPEN_MAX_S = 5.0
SPACE_CHECK_S = 1.0

Entry = tuple[Record, OnCommit | None]
Answer = tuple[OnCommit, StoreError | None]


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """`pending_max` records may wait for their commit; below `free_bytes_min` nothing is accepted.

    The floor leaves room for what must still be written about messages already accepted. Commits
    begin `commit_interval_s` apart or more: 2 ms halves the CPU per message of 0 at 5,000 messages
    a second, and adds 0.6 ms to the median accept (tests/bench/bench_store.py).
    """

    pending_max: int = 20_000
    free_bytes_min: int = 256 << 20
    commit_interval_s: float = 0.002


class Settled(NamedTuple):
    """`records` need the store no longer; these of their callbacks are to be called, in order."""

    answers: list[Answer]
    records: int


NOTHING = Settled([], 0)


class GroupCommit:
    """Decides over one SqliteFile, which its owner has opened."""

    def __init__(
        self, file: SqliteFile, free_bytes: Callable[[], int], limits: StoreLimits, now: float
    ) -> None:
        self.accepting = True
        self._file = file
        self._free_bytes = free_bytes
        self._free_bytes_min = limits.free_bytes_min
        self._has_space = True
        self._reopen_at: float | None = None
        self._reopen_wait_s = REOPEN_FIRST_S
        self._kept: list[Entry] = []
        # Refused messages whose commit may have reached the disk after all, and all refused ids.
        self._doubtful: list[Message] = []
        self._refused: set[int] = set()
        self._space_check_at: float | None = None
        if self._free_bytes_min:
            self._check_space(now)

    def commit(self, batch: list[Entry], now: float) -> Settled:
        """Write at most BATCH_MAX records as one transaction."""
        if self._reopen_at is not None:
            return self._refuse(batch)
        try:
            answers = self._write(batch)
        except StoreError as error:
            self._doubtful = [entry[0].message for entry in batch if type(entry[0]) is Accepted]
            self._go_down(error, now)
            return self._refuse(batch)
        return Settled(answers, len(batch))

    def checkpoint(self, now: float) -> None:
        """Move the write-ahead log on, where it is time; after the batch has been answered."""
        if self._reopen_at is None and self._file.checkpoint_due:
            try:
                self._file.checkpoint()
            except StoreError as error:
                self._go_down(error, now)

    def next_timer(self) -> float | None:
        """When `handle_timer` has something to do."""
        if self._reopen_at is None:
            return self._space_check_at
        if self._space_check_at is None:
            return self._reopen_at
        return min(self._reopen_at, self._space_check_at)

    def handle_timer(self, now: float) -> Settled:
        """Look at the disk space, and open a failed file again."""
        if self._space_check_at is not None and now >= self._space_check_at:
            self._check_space(now)
        if self._reopen_at is not None and now >= self._reopen_at:
            return self._recover(now)
        return NOTHING

    def close(self, now: float) -> Settled:
        """Give what was kept a last chance, and let go of the file."""
        settled = NOTHING if self._reopen_at is None else self._recover(now)
        self.accepting = False
        self._file.close()
        if not self._kept:
            return settled
        log.error("records lost at close", extra={"records": len(self._kept)})
        error = StoreError("the store was closed before it recovered")
        lost: list[Answer] = [
            (on_commit, error) for _, on_commit in self._kept if on_commit is not None
        ]
        count = len(self._kept)
        self._kept.clear()
        return Settled(settled.answers + lost, settled.records + count)

    def _write(self, batch: list[Entry]) -> list[Answer]:
        try:
            self._file.write([record for record, _ in batch])
        except RecordError:
            return self._write_singly(batch)
        return [(on_commit, None) for _, on_commit in batch if on_commit is not None]

    def _write_singly(self, batch: list[Entry]) -> list[Answer]:
        """Find the record that spoils the batch, so that it refuses nobody else's."""
        answers: list[Answer] = []
        for record, on_commit in batch:
            refusal: StoreError | None = None
            try:
                self._file.write([record])
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
        kept_before = len(self._kept)
        for entry in batch:
            record, on_commit = entry
            if isinstance(record, Accepted):
                self._refused.add(record.message.id)
            elif _message_id(record) not in self._refused:
                self._kept.append(entry)
                continue
            if on_commit is not None:
                answers.append((on_commit, error))
        return Settled(answers, len(batch) - (len(self._kept) - kept_before))

    def _go_down(self, error: StoreError, now: float) -> None:
        log.error("store failed", extra={"reason": str(error)})
        self._file.close()
        self._reopen_at = now + self._reopen_wait_s
        self.accepting = False

    def _recover(self, now: float) -> Settled:
        answers: list[Answer] = []
        written = 0
        try:
            self._file.open()
            self._file.forget(self._doubtful)
            while self._kept:
                batch = self._kept[:BATCH_MAX]
                answers += self._write(batch)
                del self._kept[: len(batch)]
                written += len(batch)
        except StoreError as error:
            self._reopen_wait_s = min(self._reopen_wait_s * 2, REOPEN_MAX_S)
            self._go_down(error, now)
            return Settled(answers, written)
        self._doubtful = []
        self._refused.clear()
        self._reopen_at = None
        self._reopen_wait_s = REOPEN_FIRST_S
        self.accepting = self._has_space
        log.info("store recovered", extra={"records": written})
        return Settled(answers, written)

    def _check_space(self, now: float) -> None:
        self._space_check_at = now + SPACE_CHECK_S
        free_bytes = self._free_bytes()
        has_space = free_bytes >= self._free_bytes_min
        if has_space != self._has_space:
            self._has_space = has_space
            event = "disk has space again" if has_space else "disk is nearly full"
            log.warning(event, extra={"free_bytes": free_bytes})
        self.accepting = has_space and self._reopen_at is None


def _message_id(record: Record) -> int | None:
    """The message that a record is about, where it is about one."""
    if isinstance(record, Transition | Notified | Redacted | Deleted):
        return record.message_id
    return None
