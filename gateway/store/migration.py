"""Version 1 of the store, a single `store.db`, becomes the catalogue of version 2, in place.

Its messages are then carried ones: read, finished and in time deleted like those of a segment that
was dropped. One transaction does it all, so that a power cut leaves the one version or the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import apsw

from gateway.message import Status
from gateway.store import rows, schema
from gateway.store.interface import AttemptOutcome

log = logging.getLogger(__name__)

_TABLES = ("job", "transition", "notified", "opt_out", "unmatched_receipt", "deleted")
# What only the message itself told in version 1.
_FIELDS = ("expires_at", "send_at", "segments")

# A part that was written to a carrier without an answer was noted as a transition to `sending`.
_COPY = f"""
INSERT INTO job SELECT
    id, account_sid, direction, sender, recipient, accepted_at,
    expires_at_of(message), send_at_of(message), segments_of(message), NULL, message
FROM v1_job WHERE id NOT IN (SELECT message_id FROM v1_deleted);

INSERT INTO transition SELECT * FROM v1_transition
WHERE message_id NOT IN (SELECT message_id FROM v1_deleted)
    AND NOT (part > 0 AND status = '{Status.SENDING}');

INSERT INTO attempt SELECT message_id, part, at, {AttemptOutcome.UNANSWERED:d}, bind, 0
FROM v1_transition
WHERE message_id NOT IN (SELECT message_id FROM v1_deleted)
    AND part > 0 AND status = '{Status.SENDING}';

INSERT INTO notified SELECT message_id, number, 0, at, outcome, outcome LIKE 'gave up%'
FROM v1_notified WHERE message_id NOT IN (SELECT message_id FROM v1_deleted);

-- Their ids stay taken.
INSERT INTO released SELECT message_id FROM v1_deleted;

INSERT INTO opt_out SELECT * FROM v1_opt_out;
INSERT INTO unmatched_receipt SELECT * FROM v1_unmatched_receipt;
"""


def migrate(connection: apsw.Connection) -> None:
    """Bring the tables of version 1 to those of the catalogue."""
    for field in _FIELDS:
        connection.create_scalar_function(f"{field}_of", _reader_of(field), 1)
    with connection:
        connection.execute("DROP INDEX job_of_account")
        for table in _TABLES:
            connection.execute(f"ALTER TABLE {table} RENAME TO v1_{table}")
        connection.execute(schema.MESSAGE_TABLES)
        connection.execute(schema.CATALOGUE_TABLES)
        connection.execute(_COPY)
        for table in _TABLES:
            connection.execute(f"DROP TABLE v1_{table}")
        connection.pragma("user_version", schema.SCHEMA_VERSION)
    for field in _FIELDS:
        connection.create_scalar_function(f"{field}_of", None, 1)
    ((messages,),) = connection.execute("SELECT count(*) FROM job")
    log.info("store migrated", extra={"version": schema.SCHEMA_VERSION, "messages": messages})


def _reader_of(field: str) -> Callable[..., Any]:
    """A function of SQL that answers a field of a message."""
    of = attrgetter(field)
    return lambda blob: of(rows.message_of(blob))
