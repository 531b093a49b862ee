"""One SQLite file and its only write connection. No threads, no waiting, no policy.

A transaction that has ended well is on stable storage. After a StoreError the file is closed and
opened anew; nothing is tried twice on a connection that has failed, because after a failed fsync
the kernel calls the lost pages clean (Rebello et al., USENIX ATC 2020).
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any

import apsw

from gateway.errors import StoreError
from gateway.store import rows, schema
from gateway.store.sqlite_connection import (
    FILE_TROUBLE,
    RECORD_TROUBLE,
    RecordError,
    close,
    connect,
    unwritable,
    writing,
)

log = logging.getLogger(__name__)

# About 8 MB of WAL: a checkpoint then takes a few milliseconds, and pages that are written again
# and again (the right edge of each tree) are copied once.
CHECKPOINT_PAGES = 2_000
PAGE_OCTETS = 4_096


class Transaction:
    """What is written within is durable at the end, or not written at all.

    Raises:
        RecordError: nothing was written, because a value never can be.
        StoreError: the outcome is unknown; close the file.
    """

    # Not a generator: each commit would pay for two of them.
    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self._path = path
        self._connection = connection

    def __enter__(self) -> apsw.Connection:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except FILE_TROUBLE as error:
            raise unwritable(self._path, error) from error
        return self._connection

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._connection.execute("COMMIT")
                return
            if isinstance(error, RECORD_TROUBLE):
                self._connection.execute("ROLLBACK")
        except FILE_TROUBLE as failure:
            raise unwritable(self._path, failure) from failure
        if isinstance(error, RECORD_TROUBLE):
            raise RecordError(f"a record cannot be stored: {error}") from error
        if isinstance(error, FILE_TROUBLE):
            raise unwritable(self._path, error) from error


class SqliteFile(ABC):
    """A file of the store. A subclass knows its tables.

    `durable=False` leaves out the flushes, for simulations that kill no real process. `vfs` names
    the SQLite file layer, so that a test can put a failing one below.
    """

    def __init__(self, path: Path, *, durable: bool = True, vfs: str | None = None) -> None:
        self.path = path
        self._durable = durable
        self._vfs = vfs
        self._connection: apsw.Connection | None = None
        # Its size when it was last measured.
        self.octets = 0
        self._pages_measured = 0
        self._pages_checkpointed = 0

    @abstractmethod
    def _prepare(self, connection: apsw.Connection) -> None:
        """Make the tables in a new file; accept one that has them.

        Raises:
            StoreError: it is not one of ours.
        """

    def open(self, *, alone: bool = True) -> None:
        """Recover what the last run left, and be ready to write.

        The whole WAL goes into the database and is flushed there before anything is added: its
        pages may be in the page cache only, although an earlier process saw its fsync fail. Not
        `alone`: somebody may be reading for long, who is not waited for.

        Raises:
            StoreError: the file cannot be opened, or is not one of ours.
        """
        schema.check_library(apsw.sqlite_lib_version())
        try:
            self._connection = connect(self.path, self._vfs, durable=self._durable)
            self._prepare(self._connection)
            try:
                self._checkpoint(self._connection, apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                if alone:
                    raise
        except (*FILE_TROUBLE, StoreError) as error:
            self.close()
            raise StoreError(f"{self.path} cannot be opened: {error}") from error

    def reaches(self, octets: int) -> bool:
        """Whether the file is that large, or will be once its WAL is in it.

        Raises:
            StoreError: close the file.
        """
        # A page that is new is written once at least: only then is it worth a question.
        written = self._pages_written() - self._pages_measured
        if self.octets + written * PAGE_OCTETS < octets:
            return False
        with writing(self.path):
            self._measure(self._opened())
        return self.octets >= octets

    @property
    def checkpoint_due(self) -> bool:
        return self._pages_written() - self._pages_checkpointed >= CHECKPOINT_PAGES

    def checkpoint(self, *, whole: bool = False) -> None:
        """Bring the WAL into the database, as far as no reader still needs it; `whole`: wait for
        the readers, and empty the WAL.

        Raises:
            StoreError: close the file.
        """
        mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if whole else apsw.SQLITE_CHECKPOINT_PASSIVE
        with writing(self.path):
            self._checkpoint(self._opened(), mode)

    def close(self) -> None:
        """Let go of the file. Not an error after an error."""
        connection, self._connection = self._connection, None
        close(connection)

    def _transaction(self) -> Transaction:
        return Transaction(self.path, self._opened())

    def _insert(self, connection: apsw.Connection, insert: rows.Insert, group: list[Any]) -> None:
        for sql, bindings, count in insert.statements(group):
            connection.execute(sql, bindings)
            if connection.changes() < count:
                log.warning("record was stored before", extra={"table": insert.table})

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            raise StoreError(f"{self.path} is not open")
        return self._connection

    def _checkpoint(self, connection: apsw.Connection, mode: int) -> None:
        connection.wal_checkpoint(mode=mode)
        self._pages_checkpointed = self._pages_written()
        self._measure(connection)

    def _measure(self, connection: apsw.Connection) -> None:
        self.octets = connection.pragma("page_count") * PAGE_OCTETS
        self._pages_measured = self._pages_written()

    def _pages_written(self) -> int:
        """Pages that this connection has put into the WAL so far."""
        if self._connection is None:
            return 0
        return self._connection.status(apsw.SQLITE_DBSTATUS_CACHE_WRITE)[0]
