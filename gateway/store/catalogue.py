"""The catalogue: which segments there are, and what outlives them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import apsw

from gateway.store import migration, rows, schema
from gateway.store.revision import FACT_TABLES, Revision, remove, revise
from gateway.store.segment import Segment, SegmentState
from gateway.store.segment_file import LAST_ID, ByKind
from gateway.store.sqlite_connection import attached, writing
from gateway.store.sqlite_file import SqliteFile

_IN = "IN (SELECT value FROM json_each(:ids))"
_FACT_COLUMNS = {
    insert.table: ", ".join(insert.columns)
    for insert in rows.SEGMENT_INSERTS.values()
    if insert.table in FACT_TABLES
}
_JOB_COLUMNS = ", ".join(rows.JOB_COLUMNS)
# A copy that an interrupted drop has left may be older than what the segment says.
_CARRY_JOBS = f"""
INSERT OR REPLACE INTO job ({_JOB_COLUMNS})
SELECT {_JOB_COLUMNS} FROM dropping.job WHERE id {_IN}
"""
# An attempt has no key. It is carried once, though it may be tried twice.
_CARRY_FACTS = {
    table: f"""
INSERT OR IGNORE INTO {table} ({columns})
SELECT {columns} FROM dropping.{table} fact
WHERE message_id {_IN} AND EXISTS (SELECT 1 FROM job WHERE id = message_id)
"""
    for table, columns in _FACT_COLUMNS.items()
}
_CARRY_FACTS["attempt"] += """AND NOT EXISTS (
    SELECT 1 FROM attempt carried
    WHERE carried.message_id = fact.message_id AND carried.part = fact.part
        AND carried.at = fact.at AND carried.outcome = fact.outcome AND carried.bind = fact.bind
)
ORDER BY fact.rowid"""
_SEGMENTS = "SELECT number, first_id, created_at, sealed_at, state FROM segment ORDER BY number"


class Catalogue(SqliteFile):
    """The tables of `schema.MESSAGE_TABLES` and `schema.CATALOGUE_TABLES` in one file."""

    def _prepare(self, connection: apsw.Connection) -> None:
        version = schema.version_of(connection)
        if version == 0:
            schema.make(connection, schema.MESSAGE_TABLES, schema.CATALOGUE_TABLES)
        elif version < schema.SCHEMA_VERSION:
            migration.migrate(connection)

    def segments(self) -> list[Segment]:
        """All that there is a row of, dropped ones too, oldest first."""
        with writing(self.path):
            found: list[Any] = self._opened().execute(_SEGMENTS).fetchall()
        return [
            Segment(number, first_id, created_at, sealed_at, SegmentState(state))
            for number, first_id, created_at, sealed_at, state in found
        ]

    def add_segment(self, segment: Segment) -> None:
        """A new segment is live, and what was live is sealed."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE segment SET state = ?, sealed_at = ? WHERE state = ?",
                (SegmentState.SEALED, segment.created_at, SegmentState.LIVE),
            )
            connection.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?)", segment)

    def mark_summarised(self, number: int) -> None:
        self._set_state(number, SegmentState.SUMMARISED)

    def forget_segment(self, number: int) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM segment WHERE number = ?", (number,))

    def write(self, kinds: ByKind) -> None:
        """Commit records of the kinds in `rows.CATALOGUE_INSERTS`."""
        with self._transaction() as connection:
            for kind, insert in rows.CATALOGUE_INSERTS.items():
                if group := kinds.get(kind):
                    self._insert(connection, insert, group)

    def revise(self, revisions: Iterable[Revision]) -> None:
        """Change what carried messages say, or forget that or that they were."""
        with self._transaction() as connection:
            for record in revisions:
                revise(connection, record, keep_id=False)

    def carry(self, message_ids: Sequence[int], segment: Path, drop: int = 0) -> None:
        """Take over messages and what a segment says about them; `drop`: that was all, and the
        segment of this number is dropped with it.
        """
        ids = {"ids": f"[{','.join(map(str, message_ids))}]"}
        dropping = attached(self._opened(), segment, self._vfs, "dropping")
        with writing(self.path), dropping, self._transaction() as connection:
            connection.execute(_CARRY_JOBS, ids)
            for sql in _CARRY_FACTS.values():
                connection.execute(sql, ids)
            if drop:
                connection.execute(
                    "UPDATE segment SET state = ? WHERE number = ?", (SegmentState.DROPPED, drop)
                )

    def remove(self, message_ids: Sequence[int]) -> None:
        """Delete carried messages that nobody needs any more."""
        with self._transaction() as connection:
            for message_id in message_ids:
                remove(connection, message_id)

    def last_id(self) -> int:
        """The highest id that a message here has had, 0 for none."""
        with writing(self.path):
            ((last_id,),) = self._opened().execute(LAST_ID)
            return int(last_id)

    def _set_state(self, number: int, state: SegmentState) -> None:
        with self._transaction() as connection:
            connection.execute("UPDATE segment SET state = ? WHERE number = ?", (state, number))
