"""A segment: the file that messages and what becomes of them are appended to, while it is live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from struct import Struct
from typing import Any

import apsw

from gateway.message import Message
from gateway.store import rows, schema, unfinished
from gateway.store.interface import Accepted, Record, Transition
from gateway.store.revision import FACT_TABLES, Revision, remove, revise
from gateway.store.sqlite_connection import RECORD_TROUBLE, writing
from gateway.store.sqlite_file import SqliteFile

# A message id and a transition's number, 0 for the acceptance.
STREAM_KEY = Struct(">qI")
ByKind = dict[type[Record], list[Any]]

_EMPTY = "SELECT " + " AND ".join(
    f"NOT EXISTS (SELECT 1 FROM {table})" for table in ("job", *FACT_TABLES, "unmatched_receipt")
)
LAST_ID = """
SELECT max(coalesce((SELECT max(id) FROM job), 0),
           coalesce((SELECT max(message_id) FROM released), 0))
"""


class SegmentFile(SqliteFile):
    """The tables of `schema.MESSAGE_TABLES` and `schema.SEGMENT_TABLES` in one file."""

    def _prepare(self, connection: apsw.Connection) -> None:
        if schema.version_of(connection) == 0:
            schema.make(connection, schema.MESSAGE_TABLES, schema.SEGMENT_TABLES)

    def write(self, kinds: ByKind, revisions: Iterable[Revision], *, stream: bool) -> int:
        """Commit records of the kinds in `rows.SEGMENT_INSERTS`, then revise, as one transaction.

        `stream`: its events are a batch of the stream, whose number is answered; else 0.

        Raises:
            RecordError: nothing was written, because one of them can never be.
            StoreError: the outcome is unknown; close the file.
        """
        batch = 0
        with self._transaction() as connection:
            for kind, insert in rows.SEGMENT_INSERTS.items():
                if group := kinds.get(kind):
                    self._insert(connection, insert, group)
            if stream and (keys := _stream_keys(kinds)):
                connection.execute("INSERT INTO stream (keys) VALUES (?)", (keys,))
                batch = connection.last_insert_rowid()
            for record in revisions:
                revise(connection, record, keep_id=True)
        return batch

    def revise(self, revisions: Iterable[Revision]) -> None:
        """Change what messages say, or forget that or that they were.

        Raises:
            StoreError: the outcome is unknown; close the file.
        """
        with self._transaction() as connection:
            for record in revisions:
                revise(connection, record, keep_id=True)

    def forget(self, messages: Sequence[Message]) -> None:
        """Take back messages whose commit failed, where it reached the disk nonetheless.

        Raises:
            StoreError: the outcome is unknown; close the file.
        """
        if not messages:
            return
        with self._transaction() as connection:
            # Writes in any case, and so flushes: what is not seen of a commit that failed may still
            # be on the disk, and come back with the log that a power cut brings back.
            connection.pragma("user_version", schema.SCHEMA_VERSION)
            for message in messages:
                # What cannot be stored cannot be on the disk either.
                with suppress(*RECORD_TROUBLE):
                    _take_back(connection, message)

    def find_unfinished(self) -> None:
        """Ask what is open and owed of the segment's own messages, for `summarise`.

        The answers are kept in memory, so that nobody who revises here waits for the questions.

        Raises:
            StoreError: close the file.
        """
        with writing(self.path):
            connection = self._opened()
            connection.pragma("temp_store", "memory")
            for table, sql in (("opened", unfinished.OPEN_IDS), ("owing", unfinished.OWED_KEYS)):
                connection.execute(f"CREATE TEMP TABLE {table} AS {sql.format(file='main')}")

    def summarise(self) -> None:
        """Note what `find_unfinished` has found, and empty the WAL.

        Raises:
            StoreError: the outcome is unknown; close the file.
        """
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO open_at_seal SELECT * FROM temp.opened")
            connection.execute("INSERT OR IGNORE INTO owed_at_seal SELECT * FROM temp.owing")
        self.checkpoint(whole=True)

    def is_empty(self) -> bool:
        """Whether nothing was ever written to it."""
        with writing(self.path):
            ((empty,),) = self._opened().execute(_EMPTY)
            return bool(empty)

    def last_id(self) -> int:
        """The highest id that a message here has had, 0 for none."""
        with writing(self.path):
            ((last_id,),) = self._opened().execute(LAST_ID)
            return int(last_id)

    def stream_end(self) -> int:
        """The number that the next batch of the stream gets."""
        with writing(self.path):
            ((batch,),) = self._opened().execute("SELECT coalesce(max(batch), 0) FROM stream")
            return int(batch) + 1


def _take_back(connection: apsw.Connection, message: Message) -> None:
    connection.execute(
        "DELETE FROM job WHERE id = ? AND message = ?", (message.id, rows.to_blob(message))
    )
    if connection.changes():
        remove(connection, message.id)


def _stream_keys(kinds: ByKind) -> bytes:
    pack = STREAM_KEY.pack
    keys = [pack(accepted.message.id, 0) for accepted in kinds.get(Accepted, ())]
    keys += [
        pack(step.message_id, step.number) for step in kinds.get(Transition, ()) if not step.part
    ]
    return b"".join(keys)
