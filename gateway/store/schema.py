"""The tables of the embedded store, and whether a file has them.

Texts stay readable, so that an operator's `sqlite3 -readonly` answers questions: statuses are
Twilio's words, only the message itself is a MessagePack blob (its body is nobody's business).
Rows are only ever appended; the one UPDATE erases a body that the customer wants forgotten.
"""

from __future__ import annotations

import apsw

from gateway.errors import StoreError

SCHEMA_VERSION = 1
# Up to 3.51.2 a checkpoint that raced with another connection could lose committed frames.
SQLITE_VERSION_MIN = (3, 51, 3)

# Facts have natural keys, so writing one again after a commit of unknown outcome changes nothing.
TABLES = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    account_sid TEXT NOT NULL,
    direction TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    message BLOB NOT NULL
) STRICT;
CREATE INDEX job_of_account ON job (account_sid);

CREATE TABLE transition (
    message_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    at REAL NOT NULL,
    part INTEGER NOT NULL,
    error_code INTEGER NOT NULL,
    bind TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    done_date TEXT NOT NULL,
    carrier_status TEXT NOT NULL,
    carrier_error TEXT NOT NULL,
    listener INTEGER NOT NULL,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE notified (
    message_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (message_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE opt_out (
    id INTEGER PRIMARY KEY,
    account_sid TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    at REAL NOT NULL,
    opted_out INTEGER NOT NULL
) STRICT;

CREATE TABLE unmatched_receipt (
    carrier TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    at REAL NOT NULL,
    carrier_status TEXT NOT NULL,
    carrier_error TEXT NOT NULL,
    done_date TEXT NOT NULL,
    PRIMARY KEY (at, carrier, carrier_id, carrier_status)
) STRICT, WITHOUT ROWID;

CREATE TABLE deleted (message_id INTEGER PRIMARY KEY) STRICT;
"""


def check_library(version: str) -> None:
    """Refuse a SQLite that can lose what it has committed.

    Raises:
        StoreError: it is older than 3.51.3.
    """
    if tuple(map(int, version.split("."))) < SQLITE_VERSION_MIN:
        raise StoreError(
            f"SQLite {version} has the WAL-reset bug and can lose messages:"
            " install an apsw with SQLite 3.51.3 or newer"
        )


def ensure(connection: apsw.Connection) -> None:
    """Make the tables in a new file; accept a file that has them.

    Raises:
        StoreError: a newer program wrote it, or another program altogether.
    """
    version = connection.pragma("user_version")
    if version == SCHEMA_VERSION:
        return
    if version != 0:
        raise StoreError(
            f"it has schema {version} and this program knows {SCHEMA_VERSION}:"
            " a newer version of the gateway wrote it"
        )
    if connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise StoreError("it is a SQLite file of another program")
    with connection:
        connection.execute(TABLES)
        connection.pragma("user_version", SCHEMA_VERSION)
