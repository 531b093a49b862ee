"""What customers want changed or forgotten: the one place where rows of messages change."""

from __future__ import annotations

import apsw

from gateway.store import rows
from gateway.store.interface import Deleted, Redacted, Replaced

# Everything that says something about a message, by its id.
FACT_TABLES = ("transition", "attempt", "notified", "replay", "released")

Revision = Replaced | Redacted | Deleted

_REPLACE = """
UPDATE job SET expires_at = ?, send_at = ?, segments = ?, message = ? WHERE id = ?
"""


def message_id_of(record: Revision) -> int:
    return record.message.id if isinstance(record, Replaced) else record.message_id


def revise(connection: apsw.Connection, record: Revision, *, keep_id: bool) -> None:
    """Change what a message says, or forget that or the whole message, if this file has it. Done
    again, it changes nothing.

    `keep_id`: a deleted message stays among the released ones, so that its id is never given again
    and its idempotency key still counts.
    """
    if isinstance(record, Replaced):
        message = record.message
        said = (message.expires_at, message.send_at, message.segments, rows.to_blob(message))
        connection.execute(_REPLACE, (*said, message.id))
        return
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
