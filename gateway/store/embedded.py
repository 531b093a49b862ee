"""What the embedded stores have in common: the loop's side of group commit, and the reads."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import ParamSpec, TypeVar

from gateway.errors import StoreError
from gateway.message import Message
from gateway.store.data_directory import DataDirectory
from gateway.store.group_commit import Entry, GroupCommit, Settled, StoreLimits
from gateway.store.interface import (
    Accepted,
    MessageFilter,
    OnCommit,
    OptOut,
    Record,
    StoredMessage,
    Transition,
    UnmatchedReceipt,
)
from gateway.store.sqlite_file import FILE_NAME, SqliteFile

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class EmbeddedStore(ABC):
    """A `Store` on one SQLite file; a subclass says when batches are written and reads made.

    `_pending` is shared with whoever writes: this side only appends to its end, the other side
    only takes from its front, and each is one atomic operation of the list.
    """

    def __init__(
        self, path: Path, limits: StoreLimits, now: float, *, durable: bool, vfs: str | None
    ) -> None:
        """Claim the directory and open its file.

        Raises:
            StoreError: another process holds the directory, it cannot be written, or a newer
                gateway wrote it. The text is one line for the operator.
        """
        self._directory = DataDirectory.claim(path)
        self._file = SqliteFile(self._directory.path / FILE_NAME, durable=durable, vfs=vfs)
        try:
            self._file.open()
        except StoreError:
            self._directory.release()
            raise
        self._core = GroupCommit(self._file, self._directory.free_bytes, limits, now)
        self._reader = self._file.reader()
        self._pending_max = limits.pending_max
        self._pending: list[Entry] = []
        self._uncommitted = 0
        # True while nobody will look at `_pending` unless woken.
        self._idle = True
        self._closed = False

    @property
    def accepting(self) -> bool:
        return not self._closed and self._core.accepting and self._uncommitted < self._pending_max

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        if self._closed:
            raise StoreError("the store is closed")
        if type(record) is Accepted and not (
            self._core.accepting and self._uncommitted < self._pending_max
        ):
            raise StoreError(self._why_not())
        self._uncommitted += 1
        self._pending.append((record, on_commit))
        if self._idle:
            self._wake()

    async def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        return await self._read(self._reader.fetch, account_sid, message_id)

    async def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None = None
    ) -> Sequence[StoredMessage]:
        return await self._read(self._reader.list, account_sid, where, limit, before)

    async def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        return await self._read(self._reader.unmatched_receipts, limit)

    def last_id(self) -> int:
        with closing(self._file.reader()) as reader:
            return reader.last_id()

    def load_open(self) -> Iterator[StoredMessage]:
        with closing(self._file.reader()) as reader:
            yield from reader.load_open()

    def load_unnotified(self) -> Iterator[tuple[Message, Transition]]:
        with closing(self._file.reader()) as reader:
            yield from reader.load_unnotified()

    def load_opt_outs(self) -> Iterator[OptOut]:
        with closing(self._file.reader()) as reader:
            yield from reader.load_opt_outs()

    @abstractmethod
    async def close(self) -> None:
        """Commit what is pending, then release the files."""

    @abstractmethod
    def _wake(self) -> None:
        """See to it that `_pending` is looked at; clears `_idle`."""

    @abstractmethod
    async def _read(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the reader, where that holds nobody up."""

    def _settle(self, settled: Settled) -> None:
        """Tell the callers of `append` what became of their records."""
        self._uncommitted -= settled.records
        for on_commit, error in settled.answers:
            try:
                on_commit(error)
            except Exception:
                log.exception("on_commit failed")

    def _why_not(self) -> str:
        if self._uncommitted >= self._pending_max:
            return f"{self._uncommitted} records already wait to be stored"
        return "the store does not accept messages now"
