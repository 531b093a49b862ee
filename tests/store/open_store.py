"""The files of a store in the hands of a test: no threads, no loop, and time by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from gateway.clock import Clock
from gateway.store.data_directory import DataDirectory
from gateway.store.group_commit import GroupCommit
from gateway.store.interface import (
    MessageFilter,
    Owed,
    OwedKey,
    Record,
    SentMessage,
    StoredMessage,
    WaitingMessage,
)
from gateway.store.limits import StoreLimits
from gateway.store.read_connections import ReadConnections
from gateway.store.recovery import Recovery
from gateway.store.segment import Segments
from gateway.store.store_files import StoreFiles
from gateway.store.store_reader import StoreReader
from gateway.store.upkeep import Upkeep
from tests.store.builders import ACCOUNT, NOON

P = ParamSpec("P")
T = TypeVar("T")

EVERYTHING = 10_000
# A minute of a segment, then an hour until it is dropped.
LIMITS: dict[str, Any] = {"free_bytes_min": 0, "segment_s": 60.0, "retention_s": 3_600.0}


class OpenStore:
    """`path` may have been used before. Time begins at noon."""

    def __init__(
        self,
        path: Path,
        vfs: str | None = None,
        before_drop: Callable[[Path], None] | None = None,
        **limits: Any,
    ) -> None:
        self.path = path
        self.now = NOON
        self.limits = StoreLimits(**{**LIMITS, **limits})
        self.clock = Clock(lambda: self.now, NOON)
        self._vfs = vfs
        self._directory = DataDirectory.claim(path)
        self.files = StoreFiles(self._directory, self.limits, self.clock, vfs=vfs)
        self.segment_set = self.files.segment_set
        self.connections = ReadConnections(path, vfs)
        self.upkeep = Upkeep(self.files, self.limits, self.clock, before_drop, vfs)
        try:
            self.files.open()
        except BaseException:
            self.close()
            raise
        self.reader = StoreReader(self.connections, self.segments)
        self.core = GroupCommit(self.files, lambda: 0, self.limits, lambda: self.now)

    def close(self) -> None:
        self.connections.close()
        self.files.close()
        self.files.release()
        self._directory.release()

    def segments(self) -> Segments:
        return self.files.segments

    @property
    def numbers(self) -> list[int]:
        """Of the segments that are kept."""
        return [segment.number for segment in self.files.segments.kept]

    def write(self, *records: Record) -> None:
        self.files.write(records)

    def roll(self) -> None:
        """A minute later, which is a segment's time."""
        self.now += 60.0
        self.files.roll_if_due()

    def keep_up(self) -> None:
        for chore in self.upkeep.work():
            chore()

    def summarise(self) -> None:
        """Roll, and do what is to be done with the segment that is sealed now."""
        self.roll()
        self.keep_up()

    def drop_all(self) -> None:
        """So much later that what is sealed now is dropped."""
        self.summarise()
        self.now += 3_600.0
        self.keep_up()

    def ask(
        self, question: Callable[Concatenate[StoreReader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return self.reader.ask(question, *args, **kwargs)

    def fetch(self, message_id: int = 1, account_sid: str = ACCOUNT) -> StoredMessage | None:
        return self.ask(StoreReader.fetch, account_sid, message_id)

    def stored(self, message_id: int = 1) -> StoredMessage | None:
        """With its attempts."""
        found = self.ask(StoreReader.stored, [message_id])
        return found[0] if found else None

    def listed(
        self,
        where: MessageFilter | None = None,
        limit: int = EVERYTHING,
        before: int | None = None,
    ) -> list[int]:
        where = where or MessageFilter()
        found = self.ask(StoreReader.page, ACCOUNT, where, limit, before)
        return [each.message.id for each in found]

    def recovery(self) -> Recovery:
        return Recovery(self.path, self.segments, self.files.last_id, self._vfs)

    def load_open(self) -> list[WaitingMessage | SentMessage | StoredMessage]:
        return list(self.recovery().load_open())

    def open_ids(self) -> list[int]:
        return [
            each.message.id if isinstance(each, StoredMessage) else each.id
            for each in self.load_open()
        ]

    def load_owed(self) -> list[Owed]:
        return list(self.recovery().load_owed())

    def owed_keys(self) -> Sequence[OwedKey]:
        return [
            OwedKey(each.message.id, each.transition.number, each.round)
            for each in self.load_owed()
        ]
