"""The file of the calls: those that are under way, and a record of each that is over.

A call is noted when it starts and at each status, so that its record can be made after a crash.
Whatever is written twice is there once. `CallFile` belongs to one thread, `CallPages` to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import apsw
import msgspec

from gateway.call import Call, CallEvent, CallRecord, CallStatus
from gateway.errors import StoreError
from gateway.store.call_batch import write
from gateway.store.call_facts import CallEnded, CallFact
from gateway.store.sqlite_connection import close, connect_to_read, reading, writing
from gateway.store.sqlite_file import PAGE_OCTETS, SqliteFile

CALLS_NAME = "calls.db"
CALLS_VERSION = 1

# One purge looks at so many records, the oldest, so that no commit waits long for it.
PURGE_MAX = 1_000

# `alive.at` is when we were last seen with calls under way. `owed` is 1 while the customer is still
# to be told of the end, by the event of that `number`.
_TABLES = """
CREATE TABLE under_way (
    id INTEGER PRIMARY KEY,
    call TEXT NOT NULL,
    number INTEGER NOT NULL,
    rang_at REAL NOT NULL DEFAULT 0,
    answered_at REAL NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE alive (id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL) STRICT;
CREATE TABLE record (
    id INTEGER PRIMARY KEY,
    account_sid TEXT NOT NULL,
    caller TEXT NOT NULL,
    called TEXT NOT NULL,
    status TEXT NOT NULL,
    started_at REAL NOT NULL,
    ended_at REAL NOT NULL,
    number INTEGER NOT NULL,
    owed INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE INDEX record_of_account ON record (account_sid, id);
CREATE INDEX record_of_caller ON record (account_sid, caller, id);
CREATE INDEX record_of_called ON record (account_sid, called, id);
CREATE INDEX record_owed ON record (id) WHERE owed;
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, event TEXT NOT NULL
) STRICT;
CREATE TABLE cursor (sink TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""
_OLDEST = "SELECT id, ended_at FROM record ORDER BY id LIMIT ?"
_PAGE = """
SELECT record FROM record
WHERE account_sid = :account_sid AND id < :before
    AND (:caller = '' OR caller = :caller) AND (:called = '' OR called = :called)
    AND (:status = '' OR status = :status)
    AND started_at >= :started_since AND started_at < :started_until
    AND ended_at >= :ended_since AND ended_at < :ended_until
ORDER BY id DESC LIMIT :limit
"""
_STREAM = "SELECT number, event FROM event WHERE number >= ? ORDER BY number LIMIT ?"
_OLDEST_EVENTS = "SELECT number, at FROM event ORDER BY number LIMIT ?"
_ID_MAX = (1 << 63) - 1

_decode_call = msgspec.json.Decoder(Call).decode
_decode_event = msgspec.json.Decoder(CallEvent).decode
_decode_record = msgspec.json.Decoder(CallRecord).decode


class UnderWay(msgspec.Struct, frozen=True):
    """A call of which the last run has not seen the end, though it had seen `number` events."""

    call: Call
    number: int
    rang_at: float
    answered_at: float


class CallFilter(msgspec.Struct, frozen=True):
    """Which calls are asked for; an empty text, like 0 and infinity, leaves all in. Instants are
    Unix seconds, `…_until` is not included."""

    caller: str = ""
    called: str = ""
    status: CallStatus | None = None
    started_since: float = 0.0
    started_until: float = inf
    ended_since: float = 0.0
    ended_until: float = inf


class CallFile(SqliteFile):
    """Writes."""

    def _prepare(self, connection: apsw.Connection) -> None:
        version = connection.pragma("user_version")
        if version == CALLS_VERSION:
            return
        if version or connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            raise StoreError(f"it has schema {version} and this program knows {CALLS_VERSION}")
        with connection:
            connection.execute(_TABLES)
            connection.pragma("user_version", CALLS_VERSION)

    def write(self, facts: Sequence[CallFact]) -> None:
        """Commit facts, in their order.

        Raises:
            RecordError: none was written, because one never can be.
            StoreError: close the file; it does no harm to write them again.
        """
        with self._transaction() as connection:
            write(connection, facts)

    def purge(self, ended_before: float, octets_max: int) -> bool:
        """Forget some of the oldest records: what ended before then, and what is too much for
        `octets_max` (0: no bound). Whether there may be more to forget.

        Raises:
            StoreError: close the file.
        """
        with writing(self.path):
            oldest: list[Any] = self._opened().execute(_OLDEST, (PURGE_MAX,)).fetchall()
            is_too_large = 0 < octets_max < self._octets_used()
            events: list[Any] = self._opened().execute(_OLDEST_EVENTS, (PURGE_MAX,)).fetchall()
        gone = [(id_,) for id_, at in oldest if is_too_large or at < ended_before]
        untold = [(number,) for number, at in events if is_too_large or at < ended_before]
        if gone or untold:
            with self._transaction() as connection:
                connection.executemany("DELETE FROM record WHERE id = ?", gone)
                connection.executemany("DELETE FROM event WHERE number = ?", untold)
        return PURGE_MAX in (len(gone), len(untold))

    def under_way(self) -> list[UnderWay]:
        """The calls that have no record yet."""
        with writing(self.path):
            rows = self._opened().execute(
                "SELECT call, number, rang_at, answered_at FROM under_way ORDER BY id"
            )
            return [UnderWay(_decode_call(call), *known) for call, *known in rows]

    def alive_at(self) -> float:
        """When calls were last known to be under way, 0 where they never were."""
        with writing(self.path):
            row = self._opened().execute("SELECT at FROM alive").fetchone()
        return row[0] if row else 0.0

    def owed(self, ended_since: float, limit: int) -> list[CallEnded]:
        """The newest records whose end a customer is still to be told of, oldest first."""
        with writing(self.path):
            rows = self._opened().execute(
                "SELECT record, number FROM record WHERE owed AND ended_at >= ?"
                " ORDER BY id DESC LIMIT ?",
                (ended_since, limit),
            )
            found = [CallEnded(_decode_record(record), number, True) for record, number in rows]
        return found[::-1]

    def cursors(self) -> dict[str, int]:
        """Up to which event each sink has come."""
        with writing(self.path):
            return dict(self._opened().execute("SELECT sink, number FROM cursor"))

    def last_id(self) -> int:
        """The highest id that a call has had, 0 for none."""
        with writing(self.path):
            row: Any = (
                self._opened()
                .execute(
                    "SELECT max(coalesce((SELECT max(id) FROM record), 0),"
                    " coalesce((SELECT max(id) FROM under_way), 0))"
                )
                .fetchone()
            )
        return int(row[0])

    def _octets_used(self) -> int:
        """Pages that were given back are used again before the file grows."""
        connection = self._opened()
        pages = connection.pragma("page_count") - connection.pragma("freelist_count")
        return int(pages) * PAGE_OCTETS


class CallPages:
    """Reads what is committed, beside whoever writes."""

    def __init__(self, path: Path, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._connection: apsw.Connection | None = None

    def fetch(self, account_sid: str, call_id: int) -> CallRecord | None:
        """The record of a call, None where the account has no such.

        Raises:
            StoreError: the file cannot be read.
        """
        sql = "SELECT record FROM record WHERE id = ? AND account_sid = ?"
        found = self._records(sql, (call_id, account_sid))
        return found[0] if found else None

    def page(
        self, account_sid: str, where: CallFilter, limit: int, before: int | None = None
    ) -> list[CallRecord]:
        """Records of an account, the newest first, from below the id `before`.

        Raises:
            StoreError: the file cannot be read.
        """
        bindings = msgspec.structs.asdict(where) | {
            "account_sid": account_sid,
            "status": where.status.value if where.status else "",
            "before": _ID_MAX if before is None else min(before, _ID_MAX),
            "limit": limit,
        }
        return self._records(_PAGE, bindings)

    def stream(self, number: int, limit: int) -> list[tuple[int, CallEvent]]:
        """Events from that number on, the oldest first.

        Raises:
            StoreError: the file cannot be read.
        """
        rows = self._rows(_STREAM, (number, limit))
        return [(number, _decode_event(event)) for number, event in rows]

    def close(self) -> None:
        connection, self._connection = self._connection, None
        close(connection)

    def _records(self, sql: str, bindings: Any) -> list[CallRecord]:
        return [_decode_record(row[0]) for row in self._rows(sql, bindings)]

    def _rows(self, sql: str, bindings: Any) -> list[tuple[Any, ...]]:
        with reading(self._path):
            if self._connection is None:
                self._connection = connect_to_read(self._path, self._vfs)
            try:
                return self._connection.execute(sql, bindings).fetchall()
            except apsw.Error:
                self.close()
                raise
