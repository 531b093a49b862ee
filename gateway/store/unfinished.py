"""What is open and what is owed, found out across files that each know a part of it.

A message is open in the file that has it until a later file says that it is final or released; a
transition is owed until a later file says that its listener was told. So the files are gone
through in order, with what is unfinished so far in a scratch database: of a segment that has been
summarised only its summary is read, and its facts about older messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from gateway.message import FINAL, Direction, Status
from gateway.store.interface import OwedKey
from gateway.store.read_connections import Row
from gateway.store.sqlite_connection import attached, close, reading

# Rows that are read at once: no statement, and so no lock, outlives the page.
PAGE = 1_000

FINAL_STATUSES = ", ".join(f"'{status}'" for status in sorted(FINAL))
# A final state is never left, so that a message is open as long as it has not had one.
OPEN_IDS = f"""
SELECT id FROM {{file}}.job
WHERE direction <> '{Direction.INBOUND}' AND NOT EXISTS (
    SELECT 1 FROM {{file}}.transition
    WHERE message_id = job.id AND part = 0 AND status IN ({FINAL_STATUSES})
) AND NOT EXISTS (SELECT 1 FROM {{file}}.released WHERE message_id = job.id)
"""
# CROSS JOIN keeps SQLite to one pass over the transitions, in the order of their key.
OWED_KEYS = """
SELECT t.message_id, t.number, 0 AS round
FROM {file}.transition t CROSS JOIN {file}.job ON job.id = t.message_id
WHERE t.listener > 0 AND NOT EXISTS (
    SELECT 1 FROM {file}.notified n
    WHERE n.message_id = t.message_id AND n.number = t.number AND n.round = 0
)
UNION ALL
SELECT r.message_id, r.number, r.round
FROM {file}.replay r CROSS JOIN {file}.job ON job.id = r.message_id
WHERE NOT EXISTS (
    SELECT 1 FROM {file}.notified n
    WHERE n.message_id = r.message_id AND n.number = r.number AND n.round = r.round
)
"""

# How far a message that is not final has come. WAITING_DUE: it was scheduled, and was queued when
# it came due, as its one transition says.
UNTOUCHED, WAITING_DUE, TOUCHED = range(3)
_SCRATCH = """
CREATE TABLE open (id INTEGER PRIMARY KEY, state INTEGER NOT NULL);
CREATE TABLE straggler (id INTEGER PRIMARY KEY);
CREATE TABLE owed (
    message_id INTEGER, number INTEGER, round INTEGER,
    PRIMARY KEY (message_id, number, round)
) WITHOUT ROWID;
"""
_STATE = f"""
CASE WHEN EXISTS (SELECT 1 FROM file.attempt WHERE message_id = {{id}}) THEN {TOUCHED}
ELSE coalesce((
    SELECT max(CASE WHEN number = 1 AND part = 0 AND status = '{Status.QUEUED}'
               THEN {WAITING_DUE} ELSE {TOUCHED} END)
    FROM file.transition WHERE message_id = {{id}}
), {UNTOUCHED}) END
"""
_END_OPEN = f"""
DELETE FROM open WHERE id IN (
    SELECT message_id FROM file.transition
    WHERE message_id >= :first AND message_id < :end AND part = 0 AND status IN ({FINAL_STATUSES})
    UNION ALL
    SELECT message_id FROM file.released WHERE message_id >= :first AND message_id < :end
)
"""
_TOUCH_OPEN = f"""
UPDATE open SET state = max(state, {_STATE.format(id="open.id")}) WHERE id IN (
    SELECT message_id FROM file.transition WHERE message_id >= :first AND message_id < :end
    UNION ALL
    SELECT message_id FROM file.attempt WHERE message_id >= :first AND message_id < :end
)
"""
_OPEN = f"""
INSERT INTO open SELECT id, {_STATE.format(id="id")} FROM ({{source}})
WHERE id >= :first AND id < :end
"""
_OWE = """
INSERT OR IGNORE INTO owed
SELECT message_id, number, 0 FROM file.transition
WHERE message_id >= :first AND message_id < :end AND listener > 0
UNION ALL
SELECT message_id, number, round FROM file.replay
WHERE message_id >= :first AND message_id < :end
"""
_OWE_OWN = """
INSERT OR IGNORE INTO owed SELECT * FROM ({source}) WHERE message_id >= :first AND message_id < :end
"""
_END_OWED = """
DELETE FROM owed WHERE (message_id, number, round) IN (
    SELECT message_id, number, round FROM file.notified
    WHERE message_id >= :first AND message_id < :end
)
"""
_SUMMARY_OPEN = "SELECT message_id AS id FROM file.open_at_seal"
_SUMMARY_OWED = "SELECT message_id, number, round FROM file.owed_at_seal"


_OPEN_PAGE = f"""
SELECT open.id, state, account_sid, sender, segments, expires_at, send_at
FROM open CROSS JOIN file.job ON job.id = open.id
WHERE open.id >= :first AND open.id < :end ORDER BY open.id LIMIT {PAGE}
"""
_OWED_PAGE = f"""
SELECT message_id, number, round FROM owed WHERE (message_id, number, round) > (?, ?, ?)
ORDER BY message_id, number, round LIMIT {PAGE}
"""
_STRAGGLERS = """
INSERT INTO straggler SELECT id FROM open UNION SELECT message_id FROM owed
"""
_CARRIED_BEFORE = """
INSERT OR IGNORE INTO straggler SELECT id FROM carried.job WHERE id < :first AND (
    EXISTS (SELECT 1 FROM file.transition WHERE message_id = job.id)
    OR EXISTS (SELECT 1 FROM file.attempt WHERE message_id = job.id)
    OR EXISTS (SELECT 1 FROM file.notified WHERE message_id = job.id)
    OR EXISTS (SELECT 1 FROM file.replay WHERE message_id = job.id)
    OR EXISTS (SELECT 1 FROM file.released WHERE message_id = job.id)
)
"""
_STRAGGLER_PAGE = "SELECT id FROM straggler WHERE id > ? ORDER BY id LIMIT ?"


class Source(NamedTuple):
    """A file, and its own messages: those with ids from `first_id` to below `end_id`."""

    path: Path
    first_id: int
    end_id: int
    summarised: bool


class Unfinished:
    """Looks at messages with ids from `first_id` to below `end_id`. Belongs to one thread.

    Every method raises StoreError when a file cannot be read.
    """

    def __init__(
        self, sources: list[Source], first_id: int, end_id: int, vfs: str | None = None
    ) -> None:
        """`sources`: the catalogue, where carried messages matter, then segments in order."""
        self._sources = sources
        self._first_id = first_id
        self._end_id = end_id
        self._vfs = vfs
        self._scratch = apsw.Connection(
            ":memory:",
            flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI,
        )
        self._scratch.execute(_SCRATCH)

    def gather_open(self) -> None:
        """Find out which messages are open, and whether they are touched."""
        for source in self._sources:
            with self._attached(source):
                older, own = self._ranges(source)
                if older:
                    self._execute(_END_OPEN, older)
                    self._execute(_TOUCH_OPEN, older)
                if own:
                    ids = _SUMMARY_OPEN if source.summarised else OPEN_IDS.format(file="file")
                    self._execute(_OPEN.format(source=ids), own)

    def gather_owed(self) -> None:
        """Find out what is owed."""
        for source in self._sources:
            with self._attached(source):
                older, own = self._ranges(source)
                if older:
                    self._execute(_OWE, older)
                    self._execute(_END_OWED, older)
                if own:
                    keys = _SUMMARY_OWED if source.summarised else OWED_KEYS.format(file="file")
                    self._execute(_OWE_OWN.format(source=keys), own)

    def open_messages(self) -> Iterator[list[Row]]:
        """Pages of open messages in the order of their ids: id, state, and the columns that a
        place in a queue needs. Those that have been deleted are left out.
        """
        for source in self._sources:
            _, own = self._ranges(source)
            if own is None:
                continue
            with self._attached(source):
                while page := self._rows(_OPEN_PAGE, own):
                    yield page
                    own["first"] = page[-1][0] + 1

    def owed_keys(self, after: OwedKey) -> Iterator[list[OwedKey]]:
        """Pages of debts, oldest message first."""
        while page := [OwedKey(*row) for row in self._rows(_OWED_PAGE, after)]:
            yield page
            after = page[-1]

    def gather_stragglers(self, catalogue: Path) -> int:
        """Count all that are open or owed, and messages carried over earlier of which the first
        source says something.
        """
        self._scratch.execute(_STRAGGLERS)
        segment = self._sources[0]
        carried = attached(self._scratch, catalogue, self._vfs, "carried")
        with self._attached(segment), reading(catalogue), carried:
            self._execute(_CARRIED_BEFORE, {"first": segment.first_id})
        ((count,),) = self._rows("SELECT count(*) FROM straggler")
        return int(count)

    def stragglers(self, page: int) -> Iterator[list[int]]:
        """Pages of the ids that `gather_stragglers` has counted."""
        after = -1
        while ids := [row[0] for row in self._rows(_STRAGGLER_PAGE, (after, page))]:
            yield ids
            after = ids[-1]

    def close(self) -> None:
        close(self._scratch)

    def _ranges(self, source: Source) -> tuple[dict[str, int] | None, dict[str, int] | None]:
        """Of the ids that are looked at: those older than the file's own messages, and its own."""
        middle = min(max(source.first_id, self._first_id), self._end_id)
        end = min(source.end_id, self._end_id)
        older = {"first": self._first_id, "end": middle} if self._first_id < middle else None
        own = {"first": middle, "end": end} if middle < end else None
        return older, own

    def _rows(self, sql: str, bindings: Any = ()) -> list[Row]:
        return self._scratch.execute(sql, bindings).fetchall()

    def _execute(self, sql: str, bindings: dict[str, int]) -> None:
        self._scratch.execute(sql, bindings)

    @contextmanager
    def _attached(self, source: Source) -> Iterator[None]:
        with reading(source.path), attached(self._scratch, source.path, self._vfs, "file"):
            yield
