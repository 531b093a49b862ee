"""What the embedded stores have in common: the loop's side of group commit, and the reads."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.message import Message
from gateway.store.data_directory import DataDirectory
from gateway.store.group_commit import Entry, GroupCommit, Settled, abandoned
from gateway.store.interface import (
    Accepted,
    CarrierId,
    GivenUp,
    MessageFilter,
    OnCommit,
    OptOut,
    Owed,
    OwedKey,
    Record,
    SeenKey,
    SentMessage,
    StoredMessage,
    StoreReadings,
    StreamPage,
    StreamPosition,
    Timeline,
    UnmatchedReceipt,
    WaitingMessage,
)
from gateway.store.limits import StoreLimits
from gateway.store.loose_ends import LooseEnds
from gateway.store.read_connections import ReadConnections
from gateway.store.recovery import Recovery
from gateway.store.segment import ID_MAX, Segments
from gateway.store.store_files import StoreFiles
from gateway.store.store_reader import StoreReader
from gateway.store.stream_reader import stream_page
from gateway.store.upkeep import Upkeep

log = logging.getLogger(__name__)

# A disk that hangs returns no error. So many times `pending_max` may wait for it, then it counts as
# one that has failed.
STALLED_FACTOR = 2

P = ParamSpec("P")
T = TypeVar("T")


class EmbeddedStore(ABC):
    """A `Store` on SQLite files; a subclass says when batches are written and reads made.

    `_pending` is shared with whoever writes: this side only appends to its end, the other side
    only takes from its front, and each is one atomic operation of the list.
    """

    def __init__(
        self,
        path: Path,
        limits: StoreLimits,
        time: Callable[[], float],
        clock: Clock,
        before_drop: Callable[[Path], None] | None,
        *,
        durable: bool,
        vfs: str | None,
    ) -> None:
        """Claim the directory and open its files. `time` is a monotonic clock's.

        Raises:
            StoreError: another process holds the directory, it cannot be written, a newer gateway
                wrote it, or a file is missing. The text is one line for the operator.
        """
        self._directory = DataDirectory.claim(path)
        self._files = StoreFiles(self._directory, limits, clock, durable=durable, vfs=vfs)
        try:
            self._files.open()
        except StoreError:
            self._files.release()
            self._directory.release()
            raise
        self._core = GroupCommit(self._files, self._directory.free_bytes, limits, time)
        self._upkeep = Upkeep(self._files, limits, clock, before_drop, vfs)
        self._connections = ReadConnections(path, vfs)
        self._reader = StoreReader(self._connections, self._segments)
        self._vfs = vfs
        self._pending_max = limits.pending_max
        self._pending: list[Entry] = []
        self._uncommitted = 0
        # True while nobody will look at `_pending` unless woken.
        self._idle = True
        self._closed = False
        # Nothing will be written any more, by a fault of ours.
        self._fault: StoreError | None = None

    @property
    def accepting(self) -> bool:
        return not self._closed and self._core.accepting and self._uncommitted < self._pending_max

    @property
    def writable(self) -> bool:
        stalled = self._uncommitted >= STALLED_FACTOR * self._pending_max
        return not self._closed and self._core.writable and not stalled

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        if self._closed:
            raise StoreError("the store is closed")
        if self._fault:
            self._refuse(record, on_commit, self._fault)
            return
        if type(record) is Accepted and not (
            self._core.accepting and self._uncommitted < self._pending_max
        ):
            raise StoreError(self._why_not())
        self._uncommitted += 1
        self._pending.append((record, on_commit))
        if self._idle:
            self._wake()

    async def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        return await self._ask(StoreReader.fetch, account_sid, message_id)

    async def timeline(self, message_id: int) -> Timeline | None:
        return await self._ask(StoreReader.timeline, message_id)

    async def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None = None
    ) -> Sequence[StoredMessage]:
        return await self._ask(StoreReader.page, account_sid, where, limit, before)

    async def read_messages(self, message_ids: Sequence[int]) -> Sequence[Message]:
        return await self._ask(StoreReader.messages, message_ids)

    async def read_owed(self, keys: Sequence[OwedKey]) -> Sequence[Owed]:
        return await self._ask(StoreReader.owed, keys)

    async def find_key(self, key: bytes) -> SeenKey | None:
        return await self._read(self._find_key, key)

    async def read_stream(self, position: StreamPosition, limit: int) -> StreamPage:
        return await self._ask(stream_page, position, self._files.stream_end, limit)

    async def given_up(
        self, account_sid: str, limit: int, before: int | None = None
    ) -> Sequence[GivenUp]:
        after: OwedKey | None = OwedKey(ID_MAX if before is None else before, 0)
        found: Sequence[GivenUp] = []
        # Page by page, so that nobody else's questions wait for an account that has few.
        while after is not None and len(found) < limit:
            more, after = await self._ask(StoreReader.given_up, account_sid, after)
            found = [*found, *more]
        return found[:limit]

    async def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        return await self._ask(StoreReader.unmatched_receipts, limit)

    def last_id(self) -> int:
        return self._files.last_id

    def load_open(self) -> Iterator[WaitingMessage | SentMessage | StoredMessage]:
        return self._recovery().load_open()

    def load_unanswered(self, since: float) -> Iterator[StoredMessage]:
        return self._loose_ends().load_unanswered(since)

    def load_past_ids(self) -> Iterator[CarrierId]:
        return self._loose_ends().load_past_ids()

    def load_owed(self) -> Iterator[Owed]:
        return self._recovery().load_owed()

    def load_opt_outs(self) -> Iterator[OptOut]:
        return self._recovery().load_opt_outs()

    def load_cursors(self) -> dict[str, StreamPosition]:
        return self._recovery().load_cursors()

    def readings(self) -> StoreReadings:
        files, core = self._files, self._core
        return StoreReadings(
            segments=len(files.segments.kept),
            octets=self._upkeep.octets_sealed + files.live_octets,
            free_octets=self._directory.free_bytes(),
            oldest_at=files.segments.kept[0].created_at,
            uncommitted=self._uncommitted,
            commits=core.commits,
            records=core.records,
            failures=core.failures,
        )

    @abstractmethod
    async def close(self) -> None:
        """Commit what is pending, then release the files."""

    @abstractmethod
    def _wake(self) -> None:
        """See to it that `_pending` is looked at; clears `_idle`."""

    @abstractmethod
    async def _read(self, query: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the reader, where that holds nobody up."""

    async def _ask(
        self, question: Callable[Concatenate[StoreReader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self._read(lambda: self._reader.ask(question, *args, **kwargs))

    def _find_key(self, key: bytes) -> SeenKey | None:
        seen = self._files.find_key(key)
        if seen and self._reader.ask(StoreReader.knows, seen.message_id, key):
            return seen
        return None

    def _recovery(self) -> Recovery:
        return Recovery(self._directory.path, self._segments, self._files.last_id, self._vfs)

    def _loose_ends(self) -> LooseEnds:
        return LooseEnds(self._directory.path, self._segments, self._vfs)

    def _segments(self) -> Segments:
        return self._files.segments

    def _settle(self, settled: Settled) -> None:
        """Tell the callers of `append` what became of their records."""
        self._uncommitted -= settled.records
        for on_commit, error in settled.answers:
            try:
                on_commit(error)
            except Exception:
                log.exception("on_commit failed")

    def _refuse(self, record: Record, on_commit: OnCommit | None, fault: StoreError) -> None:
        """The answer to a record that comes after a fault."""
        if type(record) is Accepted:
            raise fault
        if on_commit is not None:
            asyncio.get_running_loop().call_soon(on_commit, fault)

    def _abandon(self, batch: Sequence[Entry]) -> Settled:
        """After a fault: the answers to `batch` and to all that is kept and pending."""
        fault = self._fault = StoreError("the store has stopped by a fault of ours")
        kept = self._core.abandon(fault)
        lost = abandoned([*batch, *self._pending], fault)
        self._pending.clear()
        return Settled(kept.answers + lost.answers, kept.records + lost.records)

    def _why_not(self) -> str:
        if self._uncommitted >= self._pending_max:
            return f"{self._uncommitted} records already wait to be stored"
        return "the store does not accept messages now"
