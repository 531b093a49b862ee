"""Writes a whole segment of the store down, before the store drops it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import msgspec

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.store.rows import message_of
from gateway.streams.archive_file import ArchiveFile, file_name
from gateway.streams.archive_target import ArchiveError, ArchiveTarget

UNFINISHED = ".segment.partial"
LINES_PER_WRITE = 1_000

# Every table of a segment that says something of messages, with the word for its records. Keys of
# the stream and lists for a start are made of these, and worth nothing without the store.
TABLES = {
    "job": "message",
    "transition": "transition",
    "attempt": "attempt",
    "notified": "notified",
    "replay": "replay",
    "released": "released",
    "unmatched_receipt": "unmatched_receipt",
}

_encoder = msgspec.json.Encoder()


class SegmentArchive:
    """Synchronous, for the store's own thread."""

    def __init__(self, target: ArchiveTarget) -> None:
        self._target = target

    def archive_segment(self, path: Path) -> None:
        """Keep the segment file at `path` as NDJSON: one record a line, table by table.

        Raises:
            StoreError: it is not kept, and must not be dropped yet.
        """
        try:
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            try:
                self._archive(connection, path)
            finally:
                connection.close()
        except (apsw.Error, msgspec.DecodeError, OSError, ArchiveError) as error:
            raise StoreError(f"the segment {path.name} cannot be archived: {error}") from error

    def _archive(self, connection: apsw.Connection, path: Path) -> None:
        first_at = connection.execute("SELECT min(accepted_at) FROM job").get
        at = path.stat().st_mtime if first_at is None else first_at
        file = ArchiveFile(self._target.workshop / UNFINISHED)
        try:
            for lines in _in_blocks(_lines(connection)):
                file.write(lines)
            file.finish()
        except BaseException:
            file.abandon()
            raise
        number = path.stem.rpartition("-")[2]
        self._target.put(file.path, file_name("segment", at, number))


def _in_blocks(lines: Iterator[bytes]) -> Iterator[bytes]:
    block: list[bytes] = []
    for line in lines:
        block.append(line)
        if len(block) == LINES_PER_WRITE:
            yield b"".join(block)
            block = []
    yield b"".join(block)


def _lines(connection: apsw.Connection) -> Iterator[bytes]:
    for table, record in TABLES.items():
        cursor = connection.execute(f"SELECT * FROM {table}")
        columns: list[str] | None = None
        for row in cursor:
            columns = columns or [name for name, *_ in cursor.get_description()]
            yield _encoder.encode({"record": record, **_facts(table, columns, row)}) + b"\n"


def _facts(table: str, columns: list[str], row: tuple[Any, ...]) -> dict[str, Any]:
    """The columns of a row. A message is its blob, read; it is known by its sid, because 64 bits
    are more than a number of JSON can be relied on for."""
    facts = dict(zip(columns, row, strict=True))
    if table == "job":
        message = msgspec.to_builtins(message_of(facts["message"]))
        return {"sid": message_sid(message.pop("id")), **message}
    if "message_id" in facts:
        return {"sid": message_sid(facts.pop("message_id")), **facts}
    return facts
