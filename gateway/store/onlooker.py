"""The files of a store as another process sees them: read-only, while the daemon may write.

Nothing is locked and nobody is held up: SQLite shows each query what is committed by then. A
segment that is dropped meanwhile is missing all of a sudden; `state_now` tells that from a loss.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import apsw

from gateway.errors import StoreError
from gateway.store.call_file import (
    CALLS_NAME,
)
from gateway.store.schema import CATALOGUE_NAME, SCHEMA_VERSION, SEGMENT_NAME, version_of
from gateway.store.segment import ID_MAX, Segment, SegmentState
from gateway.store.sqlite_connection import close, connect_to_read, reading

# Three file descriptors and 1 MiB of pages each.
OPEN_FILES_MAX = 64

SEGMENTS = "SELECT number, first_id, created_at, sealed_at, state FROM segment ORDER BY number"
HAS_MESSAGES = "SELECT EXISTS (SELECT 1 FROM job) OR EXISTS (SELECT 1 FROM transition)"
STATE = "SELECT state FROM segment WHERE number = ?"


class StoreFile(NamedTuple):
    """A file of messages: those with ids from `first_id` to below `end_id`. The catalogue is number
    0 and has no ids of its own: what it has was carried over."""

    name: str
    number: int = 0
    first_id: int = 0
    end_id: int = 0
    state: SegmentState | None = None


CATALOGUE = StoreFile(CATALOGUE_NAME)
# Beside the files of messages, and none of them; not there where no call was ever taken.
CALLS = StoreFile(CALLS_NAME)


class Onlooker:
    """`segments` are all that the catalogue lists, `files` the catalogue and those of them that
    are not dropped, oldest first; both as they were when it was made.

    Every method raises StoreError where a file cannot be read.
    """

    def __init__(self, directory: Path) -> None:
        """Read the catalogue.

        Raises:
            StoreError: there is no store, or one of another version.
        """
        self.directory = directory
        path = directory / CATALOGUE_NAME
        if not path.is_file():
            raise StoreError(f"there is no store in {directory}: it has no {CATALOGUE_NAME}")
        self._open: OrderedDict[str, apsw.Connection] = OrderedDict()
        with reading(path):
            self._catalogue = connect_to_read(path, None)
            try:
                self.segments = read_segments(self._catalogue)
            except (apsw.Error, StoreError) as error:
                close(self._catalogue)
                raise StoreError(f"{path} cannot be read: {error}") from error
        self.files = (CATALOGUE, *kept_files(self.segments))
        self.has_calls = self.path(CALLS).exists()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for connection in (*self._open.values(), self._catalogue):
            close(connection)

    def path(self, file: StoreFile) -> Path:
        return self.directory / file.name

    def rows(
        self, file: StoreFile, sql: str, bindings: tuple[Any, ...] | dict[str, Any] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they are read. No other file may be asked before the last."""
        with reading(self.path(file)):
            yield from self._connection(file).execute(sql, bindings)

    def forget(self, file: StoreFile) -> None:
        """Leave a segment out from here on."""
        self.files = tuple(each for each in self.files if each is not file)

    def home(self, message_id: int) -> StoreFile:
        """The file that has the message's job, if any has: the catalogue for those of segments
        that are no more."""
        place = bisect_right(self.files, message_id, key=lambda file: file.first_id) - 1
        file = self.files[max(place, 0)]
        return file if message_id < file.end_id else CATALOGUE

    def state_now(self, number: int) -> SegmentState | None:
        """What the catalogue says of a segment by now; None where it does not list it."""
        path = self.path(CATALOGUE)
        with reading(path):
            connection = connect_to_read(path, None)
            try:
                state = connection.execute(STATE, (number,)).get
            finally:
                close(connection)
        return None if state is None else SegmentState(state)

    def is_gone(self, file: StoreFile) -> bool:
        """Whether the segment has been dropped since."""
        if self.path(file).exists():
            return False
        return self.state_now(file.number) in (SegmentState.DROPPED, None)

    def has_messages(self, path: Path) -> bool:
        """Whether a file that is not listed was more than begun."""
        connection = connect_to_read(path, None)
        try:
            return bool(connection.execute(HAS_MESSAGES).get)
        except apsw.Error:
            return False  # Not even its tables were made.
        finally:
            close(connection)

    def _connection(self, file: StoreFile) -> apsw.Connection:
        """That of the file, opened anew if it has been closed to open others."""
        if file is CATALOGUE:
            return self._catalogue
        connection = self._open.get(file.name)
        if connection is None:
            if len(self._open) >= OPEN_FILES_MAX:
                close(self._open.popitem(last=False)[1])
            connection = self._open[file.name] = connect_to_read(self.path(file), None)
        self._open.move_to_end(file.name)
        return connection


def read_segments(catalogue: apsw.Connection) -> tuple[Segment, ...]:
    """All that the catalogue lists.

    Raises:
        StoreError: it is of another version, or damaged.
    """
    version = version_of(catalogue)
    if version != SCHEMA_VERSION:
        raise StoreError(f"it has schema {version}; the gateway takes it over when it starts")
    try:
        return tuple(
            Segment(number, first_id, created_at, sealed_at, SegmentState(state))
            for number, first_id, created_at, sealed_at, state in catalogue.execute(SEGMENTS)
        )
    except ValueError as error:
        raise StoreError(f"its list of segments is damaged: {error}") from error


def kept_files(segments: tuple[Segment, ...]) -> Iterator[StoreFile]:
    """Those that are not dropped. The ids of each end where those of the next one begin."""
    ends = [*(segment.first_id for segment in segments[1:]), ID_MAX]
    for segment, end_id in zip(segments, ends, strict=False):
        if segment.state is not SegmentState.DROPPED:
            yield StoreFile(
                SEGMENT_NAME.format(segment.number),
                segment.number,
                segment.first_id,
                end_id,
                segment.state,
            )
