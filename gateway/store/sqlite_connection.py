"""Connections to SQLite files, and its words for trouble as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import apsw

from gateway.errors import StoreError

BUSY_TIMEOUT_MS = 5_000
STATEMENT_CACHE = 256
WRITE_CACHE_KIB = 16_384
# There may be one for each of many segments.
READ_CACHE_KIB = 1_024
WAL_BYTES_KEPT = 64 << 20

_WRITE_FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI


class RecordError(StoreError):
    """A record of the batch cannot be stored, now or ever; the file itself is well."""


# What SQLite and Python say of a value, as opposed to what they say of a disk.
RECORD_TROUBLE = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    ValueError,
    TypeError,
    OverflowError,
)
FILE_TROUBLE = (apsw.Error, OSError, MemoryError)


def connect(path: Path, vfs: str | None, *, durable: bool) -> apsw.Connection:
    """A connection that writes: WAL with synchronous=FULL, so that a commit is on the disk.

    `durable=False` leaves out the flushes. What is erased is overwritten.
    """
    connection = apsw.Connection(
        str(path), flags=_WRITE_FLAGS, vfs=vfs, statementcachesize=STATEMENT_CACHE
    )
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    try:
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full" if durable else "off")
        connection.pragma("wal_autocheckpoint", 0)
        connection.pragma("journal_size_limit", WAL_BYTES_KEPT)
        connection.pragma("cache_size", -WRITE_CACHE_KIB)
        connection.pragma("secure_delete", True)
    except FILE_TROUBLE:
        close(connection)
        raise
    return connection


def connect_to_read(path: Path, vfs: str | None) -> apsw.Connection:
    """A connection that sees what is committed and disturbs nothing."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    try:
        connection.pragma("cache_size", -READ_CACHE_KIB)
    except FILE_TROUBLE:
        close(connection)
        raise
    return connection


def close(connection: apsw.Connection | None) -> None:
    """Let go of a file. Not an error after an error."""
    if connection is not None:
        # The last connection also tries a checkpoint, which nobody relies on, and which one that
        # only reads cannot make.
        with suppress(*FILE_TROUBLE):
            connection.close(force=True)


@contextmanager
def attached(connection: apsw.Connection, path: Path, vfs: str | None, name: str) -> Iterator[None]:
    """See the tables of another file under `name`, for reading."""
    uri = f"file:{quote(str(path))}?mode=ro" + (f"&vfs={quote(vfs)}" if vfs else "")
    connection.execute(f"ATTACH ? AS {name}", (uri,))
    try:
        yield
    finally:
        # As for `close`; detached it is nonetheless.
        with suppress(*FILE_TROUBLE):
            connection.execute(f"DETACH {name}")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise trouble with a file that is read as a StoreError."""
    try:
        yield
    except (apsw.Error, OSError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise trouble with a file that is written as a StoreError."""
    try:
        yield
    except FILE_TROUBLE as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} cannot be written: {error}")
