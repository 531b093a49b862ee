"""Questions to the SQLite file, on a read-only connection of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import apsw

from gateway.errors import StoreError
from gateway.message import FINAL, Direction, Message
from gateway.store.interface import (
    MessageFilter,
    OptOut,
    StoredMessage,
    Transition,
    UnmatchedReceipt,
)
from gateway.store.rows import message_of, transition_of

BUSY_TIMEOUT_MS = 5_000

_STEP = ", ".join(f"t.{column}" for column in Transition.__struct_fields__)
_FINAL = ", ".join(f"'{status}'" for status in sorted(FINAL))
_KEPT = "NOT EXISTS (SELECT 1 FROM deleted WHERE message_id = job.id)"

FETCH = f"""
SELECT job.id, job.message, {_STEP}
FROM job LEFT JOIN transition t ON t.message_id = job.id
WHERE job.id = ? AND job.account_sid = ? AND {_KEPT}
ORDER BY t.number
"""
LIST = f"""
SELECT page.id, page.message, {_STEP}
FROM (
    SELECT id, message FROM job
    WHERE account_sid = :account_sid AND id < :before
        AND (:sender = '' OR sender = :sender)
        AND (:recipient = '' OR recipient = :recipient)
        AND accepted_at >= :since AND accepted_at < :until AND {_KEPT}
    ORDER BY id DESC LIMIT :limit
) page LEFT JOIN transition t ON t.message_id = page.id
ORDER BY page.id DESC, t.number
"""
UNMATCHED_RECEIPTS = """
SELECT carrier, carrier_id, at, carrier_status, carrier_error, done_date
FROM unmatched_receipt ORDER BY at DESC, carrier DESC, carrier_id DESC LIMIT ?
"""
# A final state is never left, so that a message is open as long as it has not had one.
LOAD_OPEN = f"""
SELECT job.id, job.message, {_STEP}
FROM job LEFT JOIN transition t ON t.message_id = job.id
WHERE job.direction <> '{Direction.INBOUND}' AND {_KEPT} AND NOT EXISTS (
    SELECT 1 FROM transition f WHERE f.message_id = job.id AND f.part = 0 AND f.status IN ({_FINAL})
)
ORDER BY job.id, t.number
"""
# CROSS JOIN keeps SQLite to one pass over the transitions, in the order of their key.
LOAD_UNNOTIFIED = f"""
SELECT job.message, {_STEP}
FROM transition t CROSS JOIN job ON job.id = t.message_id
WHERE t.listener > 0 AND {_KEPT} AND NOT EXISTS (
    SELECT 1 FROM notified n WHERE n.message_id = t.message_id AND n.number = t.number
)
ORDER BY t.message_id, t.number
"""
LOAD_OPT_OUTS = """
SELECT account_sid, sender, recipient, at, opted_out FROM opt_out
WHERE id IN (SELECT max(id) FROM opt_out GROUP BY account_sid, sender, recipient)
ORDER BY id
"""
ID_MAX = (1 << 63) - 1


class SqliteReader:
    """Connects at the first question, and anew at the first one after an error.

    It belongs to one thread at a time. Every method raises StoreError when the file cannot be
    read.
    """

    def __init__(self, path: Path, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._connection: apsw.Connection | None = None

    def fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        return next(_stored(list(self._rows(FETCH, (message_id, account_sid)))), None)

    def list(
        self, account_sid: str, where: MessageFilter, limit: int, before: int | None
    ) -> Sequence[StoredMessage]:
        bindings = {
            "account_sid": account_sid,
            "before": ID_MAX if before is None else before,
            "sender": where.sender,
            "recipient": where.recipient,
            "since": where.since,
            "until": where.until,
            "limit": limit,
        }
        return [*_stored(self._rows(LIST, bindings))]

    def unmatched_receipts(self, limit: int) -> Sequence[UnmatchedReceipt]:
        return [UnmatchedReceipt(*row) for row in self._rows(UNMATCHED_RECEIPTS, (limit,))]

    def last_id(self) -> int:
        ((last_id,),) = self._rows("SELECT coalesce(max(id), 0) FROM job")
        return int(last_id)

    def load_open(self) -> Iterator[StoredMessage]:
        return _stored(self._rows(LOAD_OPEN))

    def load_unnotified(self) -> Iterator[tuple[Message, Transition]]:
        for blob, *step in self._rows(LOAD_UNNOTIFIED):
            yield message_of(blob), transition_of(tuple(step))

    def load_opt_outs(self) -> Iterator[OptOut]:
        for account_sid, sender, recipient, at, opted_out in self._rows(LOAD_OPT_OUTS):
            yield OptOut(account_sid, sender, recipient, at, bool(opted_out))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Being the last one it would checkpoint, and being read-only it cannot.
            with suppress(apsw.Error):
                connection.close(force=True)

    def _rows(self, sql: str, bindings: Any = ()) -> Iterator[tuple[Any, ...]]:
        try:
            if self._connection is None:
                self._connection = self._connect()
            yield from self._connection.execute(sql, bindings)
        except (apsw.Error, OSError) as error:
            self.close()
            raise StoreError(f"{self._path} cannot be read: {error}") from error

    def _connect(self) -> apsw.Connection:
        connection = apsw.Connection(
            str(self._path), flags=apsw.SQLITE_OPEN_READONLY, vfs=self._vfs
        )
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        return connection


def _stored(rows: Iterable[tuple[Any, ...]]) -> Iterator[StoredMessage]:
    """Rows of (id, message, transition or NULLs), sorted by message, as one value a message."""
    for _, group in groupby(rows, itemgetter(0)):
        of_message = list(group)
        steps = tuple(transition_of(row[2:]) for row in of_message if row[2] is not None)
        yield StoredMessage(message_of(of_message[0][1]), steps)
