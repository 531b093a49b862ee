"""What customers want forgotten: the one place where rows of messages change."""

from __future__ import annotations

import apsw

from gateway.store import rows
from gateway.store.interface import Deleted, Redacted

# Everything that says something about a message, by its id.
FACT_TABLES = ("transition", "attempt", "notified", "replay", "released")

Erasure = Redacted | Deleted


def erase(connection: apsw.Connection, record: Erasure, *, keep_id: bool) -> None:
    """Forget what a message said, or that it was, if this file has it.

    `keep_id`: a deleted message stays among the released ones, so that its id is never given again
    and its idempotency key still counts.
    """
    message_id = record.message_id
    row = connection.execute("SELECT message FROM job WHERE id = ?", (message_id,)).fetchone()
    if row is None:
        return
    if isinstance(record, Redacted):
        blob = rows.to_blob(rows.erased(rows.message_of(row[0])))
        connection.execute("UPDATE job SET message = ? WHERE id = ?", (blob, message_id))
        return
    remove(connection, message_id)
    if keep_id:
        connection.execute("INSERT INTO released VALUES (?)", (message_id,))


def remove(connection: apsw.Connection, message_id: int) -> None:
    """Delete a message with everything that this file says of it."""
    connection.execute("DELETE FROM job WHERE id = ?", (message_id,))
    for table in FACT_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE message_id = ?", (message_id,))
