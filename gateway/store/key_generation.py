"""One file of idempotency keys: those that were accepted within a quarter of the window.

WAL with synchronous=NORMAL: a commit is not flushed. A process that is killed loses nothing of it,
a power cut its last commits, and `last_id` goes back with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import apsw

from gateway.errors import StoreError
from gateway.store.interface import SeenKey
from gateway.store.rows import ROWS_PER_STATEMENT, split

# Keys are hashes: each goes to a page of its own. A checkpoint of so few takes 8 ms at most with a
# million keys (tests/bench/bench_keys.py), which those wait for who are being accepted.
CHECKPOINT_PAGES = 250
PAGE_CACHE_KIB = 16_384
BUSY_TIMEOUT_MS = 5_000

TABLES = """
CREATE TABLE IF NOT EXISTS seen (
    key BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    message_id INTEGER NOT NULL,
    accepted_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the highest message id, and the times of the first and the last message.
CREATE TABLE IF NOT EXISTS noted (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_id INTEGER NOT NULL,
    first_at REAL NOT NULL,
    last_at REAL NOT NULL
) STRICT;
"""
# Where a key is there already its time was over, or the same entry is replayed.
INSERT = {
    rows: f"INSERT OR REPLACE INTO seen VALUES {', '.join(['(?, ?, ?, ?)'] * rows)}"
    for rows in ROWS_PER_STATEMENT
}
NOTE = "INSERT OR REPLACE INTO noted VALUES (1, ?, ?, ?)"
FORGET = "DELETE FROM seen WHERE message_id IN (SELECT value FROM json_each(?))"
FIND = "SELECT message_id, fingerprint FROM seen WHERE key = ? AND accepted_at > ?"

# What SQLite says of a file that is none of its own, or no longer what it wrote.
_DAMAGE = (apsw.CorruptError, apsw.NotADBError)
_TROUBLE = (apsw.Error, OSError, MemoryError)


class KeyEntry(NamedTuple):
    """A message that was accepted with an idempotency key."""

    key: bytes
    fingerprint: bytes
    message_id: int
    accepted_at: float


class DamagedError(StoreError):
    """The file is to be thrown away. What was in it can be had from the jobs."""


class KeyGeneration:
    """A file, a connection that writes, and one that reads: each belongs to a thread at a time."""

    def __init__(self, path: Path, *, durable: bool, vfs: str | None) -> None:
        self.path = path
        self.last_id = 0
        self.first_at = float("inf")
        self.last_at = float("-inf")
        self._durable = durable
        self._vfs = vfs
        self._writer: apsw.Connection | None = None
        self._reader: apsw.Connection | None = None

    def open(self) -> None:
        """Go on with the file where it is there, else begin it.

        Raises:
            DamagedError: it is none of ours, or no longer whole.
            StoreError: it cannot be opened.
        """
        with self._translated():
            if self._mark.exists():
                raise DamagedError("damage was found in it before")
            self._writer = self._connect()
            self._writer.execute(TABLES)
            row = self._writer.execute("SELECT last_id, first_at, last_at FROM noted").get
            if row is not None:
                self.last_id, self.first_at, self.last_at = row

    def add(self, entries: Sequence[KeyEntry]) -> None:
        """Put the entries in, one or more, and note how far that goes, as one transaction.

        Raises:
            StoreError: the outcome is unknown; close the file.
        """
        last_id = max(self.last_id, max(entry.message_id for entry in entries))
        first_at = min(self.first_at, min(entry.accepted_at for entry in entries))
        last_at = max(self.last_at, max(entry.accepted_at for entry in entries))
        rows = sorted(entries)  # Neighbours share their pages.
        with self._translated():
            assert self._writer is not None, "closed"
            execute = self._writer.execute
            execute("BEGIN IMMEDIATE")
            start = 0
            for count in split(len(rows)):
                chunk = rows[start : start + count]
                execute(INSERT[count], [value for row in chunk for value in row])
                start += count
            execute(NOTE, (last_id, first_at, last_at))
            execute("COMMIT")
        self.last_id, self.first_at, self.last_at = last_id, first_at, last_at

    def forget(self, message_ids: Iterable[int]) -> None:
        """Take out what was added for these messages. Reads the whole file.

        Raises:
            StoreError: the outcome is unknown; close the file.
        """
        with self._translated():
            assert self._writer is not None, "closed"
            self._writer.execute(FORGET, (json.dumps([*message_ids]),))

    def find(self, key: bytes, after: float) -> SeenKey | None:
        """The message with this key, if it was accepted later than `after`.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._translated():
            if self._reader is None:
                self._reader = apsw.Connection(
                    str(self.path), flags=apsw.SQLITE_OPEN_READONLY, vfs=self._vfs
                )
                self._reader.set_busy_timeout(BUSY_TIMEOUT_MS)
            row = self._reader.execute(FIND, (key, after)).get
        return SeenKey(*row) if row else None

    def seal(self) -> None:
        """Bring all that was added onto stable storage, and add no more.

        Raises:
            StoreError: the outcome is unknown.
        """
        with self._translated():
            assert self._writer is not None, "closed"
            self._writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._writer.close()
            self._writer = None

    def close(self) -> None:
        """Let go of the file. Not an error after an error."""
        for connection in (self._writer, self._reader):
            if connection is not None:
                with suppress(*_TROUBLE):
                    connection.close(force=True)
        self._writer = self._reader = None

    def unlink(self) -> None:
        """Remove the file, and the mark of its damage last.

        Raises:
            StoreError: the directory does not let it go.
        """
        self.close()
        with self._translated():
            for path in (
                self.path,
                Path(f"{self.path}-wal"),
                Path(f"{self.path}-shm"),
                self._mark,
            ):
                path.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        """Stands beside a file in which damage was found: not every look at it would find it."""
        return Path(f"{self.path}-damaged")

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(str(self.path), vfs=self._vfs)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "normal" if self._durable else "off")
        connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        connection.pragma("cache_size", -PAGE_CACHE_KIB)
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the words of SQLite and the operating system into ours."""
        try:
            yield
        except _DAMAGE as error:
            with suppress(OSError):
                self._mark.touch()
            raise DamagedError(f"{self.path} is damaged: {error}") from error
        except _TROUBLE as error:
            raise StoreError(f"{self.path} cannot be used: {error}") from error
