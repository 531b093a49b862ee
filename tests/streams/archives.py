"""What is archived, a target for it that can fail, and how archives are read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import apsw
import zstandard

from gateway.store.rows import to_blob
from gateway.store.schema import MESSAGE_TABLES, SEGMENT_TABLES
from gateway.streams.archive_target import ArchiveError
from tests.store.builders import NOON, a_message


def lines_of(octets: bytes) -> list[dict[str, Any]]:
    """The records of an archive file."""
    with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(octets)) as reader:
        return [json.loads(line) for line in reader.read().splitlines()]


class MemoryTarget:
    """Keeps files in memory, unless it is `down`."""

    def __init__(self, workshop: Path) -> None:
        self.workshop = workshop
        self.files: dict[str, bytes] = {}
        self.down = False
        self.attempts = 0

    def put(self, path: Path, name: str) -> None:
        self.attempts += 1
        if self.down:
            raise ArchiveError("the bucket is away")
        self.files[name] = path.read_bytes()
        path.unlink()

    @property
    def sids(self) -> list[str]:
        """The messages of all files, in the order in which these were kept."""
        return [line["sid"] for octets in self.files.values() for line in lines_of(octets)]


def a_segment(directory: Path, *message_ids: int) -> Path:
    """A segment file with some messages, each with one transition."""
    path = directory / "segment-00000003.db"
    connection = apsw.Connection(str(path))
    connection.execute(MESSAGE_TABLES + SEGMENT_TABLES)
    with connection:
        for message_id in message_ids:
            _insert(connection, message_id)
    connection.close()
    return path


def _insert(connection: apsw.Connection, message_id: int) -> None:
    message = a_message(message_id)
    connection.execute(
        "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.id,
            message.account_sid,
            message.direction.value,
            message.sender,
            message.recipient,
            message.accepted_at,
            message.expires_at,
            message.send_at,
            message.segments,
            b"k" * 32,
            to_blob(message),
        ),
    )
    connection.execute(
        "INSERT INTO transition VALUES (?, 1, 'sent', ?, 0, 0, 'alpha/1', 'ff', '', '', '', 0)",
        (message_id, NOON),
    )
