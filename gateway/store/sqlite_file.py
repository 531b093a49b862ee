"""One SQLite file and its only write connection. No threads, no waiting, no policy.

WAL with synchronous=FULL: `write` returns when the batch is on stable storage. After a StoreError
the file is closed and opened anew; nothing is tried twice on a connection that has failed, because
after a failed fsync the kernel calls the lost pages clean (Rebello et al., USENIX ATC 2020).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import apsw

from gateway.errors import StoreError
from gateway.message import Message
from gateway.store import rows, schema
from gateway.store.interface import Deleted, Record, Redacted
from gateway.store.sqlite_reader import SqliteReader

log = logging.getLogger(__name__)

FILE_NAME = "store.db"
BUSY_TIMEOUT_MS = 5_000
STATEMENT_CACHE = 256
PAGE_CACHE_KIB = 16_384
# About 8 MB of WAL: a checkpoint then takes a few milliseconds, and pages that are written again
# and again (the right edge of each tree) are copied once.
CHECKPOINT_PAGES = 2_000
WAL_BYTES_KEPT = 64 << 20


class RecordError(StoreError):
    """A record of the batch cannot be stored, now or ever; the file itself is well."""


# What SQLite and Python say of a value, as opposed to what they say of a disk.
_RECORD_TROUBLE = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    ValueError,
    TypeError,
    OverflowError,
)
_FILE_TROUBLE = (apsw.Error, OSError, MemoryError)


class SqliteFile:
    """The tables of `gateway.store.schema` in one file.

    `durable=False` leaves out the flushes, for simulations that kill no real process. `vfs` names
    the SQLite file layer, so that a test can put a failing one below.
    """

    def __init__(self, path: Path, *, durable: bool = True, vfs: str | None = None) -> None:
        self.path = path
        self._durable = durable
        self._vfs = vfs
        self._connection: apsw.Connection | None = None
        self._pages_checkpointed = 0

    def open(self) -> None:
        """Recover what the last run left, and be ready to write.

        The whole WAL goes into the database and is flushed there before anything is added: its
        pages may be in the page cache only, although an earlier process saw its fsync fail.

        Raises:
            StoreError: the file cannot be opened, or is not one of ours.
        """
        schema.check_library(apsw.sqlite_lib_version())
        try:
            self._connection = self._connect()
            schema.ensure(self._connection)
            self._checkpoint(self._connection, apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except (*_FILE_TROUBLE, StoreError) as error:
            self.close()
            raise StoreError(f"{self.path} cannot be opened: {error}") from error

    def reader(self) -> SqliteReader:
        """A connection that sees what is committed and disturbs nothing."""
        return SqliteReader(self.path, self._vfs)

    def write(self, records: Iterable[Record]) -> None:
        """Commit the records as one transaction.

        Raises:
            RecordError: nothing was written, because one of them can never be.
            StoreError: the outcome is unknown; close the file.
        """
        with self._translated() as connection:
            kinds = _by_kind(records)
            execute = connection.cursor().execute
            execute("BEGIN IMMEDIATE")
            try:
                for kind, group in kinds.items():
                    if kind is not Redacted:
                        self._insert(connection, execute, rows.INSERTS[kind], group)
                for kind in (Redacted, Deleted):
                    for record in kinds.get(kind, ()):
                        _erase(connection, record.message_id)
                execute("COMMIT")
            except _RECORD_TROUBLE:
                execute("ROLLBACK")
                raise

    def forget(self, messages: list[Message]) -> None:
        """Take back messages whose commit failed, where it reached the disk nonetheless.

        Raises:
            StoreError: the outcome is unknown; close the file.
        """
        with self._translated() as connection, connection:
            for message in messages:
                # What cannot be stored cannot be on the disk either.
                with suppress(*_RECORD_TROUBLE):
                    _take_back(connection, message)

    @property
    def checkpoint_due(self) -> bool:
        return self._pages_written() - self._pages_checkpointed >= CHECKPOINT_PAGES

    def checkpoint(self) -> None:
        """Bring the WAL into the database, as far as no reader still needs it.

        Raises:
            StoreError: close the file.
        """
        with self._translated() as connection:
            self._checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)

    def close(self) -> None:
        """Let go of the file. Not an error after an error."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # The last connection also tries a checkpoint, which nobody relies on.
            with suppress(*_FILE_TROUBLE):
                connection.close(force=True)

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(
            str(self.path), vfs=self._vfs, statementcachesize=STATEMENT_CACHE
        )
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full" if self._durable else "off")
        connection.pragma("wal_autocheckpoint", 0)
        connection.pragma("journal_size_limit", WAL_BYTES_KEPT)
        connection.pragma("cache_size", -PAGE_CACHE_KIB)
        # What is erased is zeroed in its page, where that costs no page of its own.
        connection.pragma("secure_delete", "fast")
        return connection

    def _checkpoint(self, connection: apsw.Connection, mode: int) -> None:
        connection.wal_checkpoint(mode=mode)
        self._pages_checkpointed = self._pages_written()

    def _pages_written(self) -> int:
        """Pages that this connection has put into the WAL so far."""
        if self._connection is None:
            return 0
        return self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE)[0]

    def _insert(
        self, connection: apsw.Connection, execute: Any, insert: rows.Insert, group: list[Any]
    ) -> None:
        for sql, bindings, count in insert.statements(group):
            execute(sql, bindings)
            if connection.changes() < count:
                log.warning("record was stored before", extra={"table": insert.table})

    @contextmanager
    def _translated(self) -> Iterator[apsw.Connection]:
        """Turn the words of SQLite and the operating system into ours."""
        if self._connection is None:
            raise StoreError(f"{self.path} is not open")
        try:
            yield self._connection
        except _RECORD_TROUBLE as error:
            raise RecordError(f"a record cannot be stored: {error}") from error
        except _FILE_TROUBLE as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error


def _by_kind(records: Iterable[Record]) -> dict[type[Record], list[Any]]:
    kinds: dict[type[Record], list[Any]] = {}
    for record in records:
        kind = type(record)
        if kind in kinds:
            kinds[kind].append(record)
        else:
            kinds[kind] = [record]
    return kinds


def _take_back(connection: apsw.Connection, message: Message) -> None:
    key = (message.id,)
    connection.execute(
        "DELETE FROM job WHERE id = ? AND message = ?", (message.id, rows.to_blob(message))
    )
    if connection.changes():
        connection.execute("DELETE FROM transition WHERE message_id = ?", key)
        connection.execute("DELETE FROM notified WHERE message_id = ?", key)


def _erase(connection: apsw.Connection, message_id: int) -> None:
    """Forget what a message said. The one UPDATE, far from the hot path."""
    row = connection.execute("SELECT message FROM job WHERE id = ?", (message_id,)).fetchone()
    if row is not None:
        blob = rows.to_blob(rows.erased(rows.message_of(row[0])))
        connection.execute("UPDATE job SET message = ? WHERE id = ?", (blob, message_id))
