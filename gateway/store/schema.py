"""The tables of the embedded store, and whether a file has them.

The store is a directory. `store.db`, the catalogue, says which segments there are, and keeps what
outlives them: opt-outs, cursors, and the messages that were not finished when their segment was
dropped. `segment-00000001.db` and so on are the segments: what was appended while each was the
last. A message has its job in one of them, and facts about it there and in any later one.

Texts stay readable, so that an operator's `sqlite3 -readonly` answers questions: statuses are
Twilio's words, only the message itself is a MessagePack blob (its body is nobody's business).
Rows of messages are only ever appended, but for what a customer wants changed or forgotten.
"""

from __future__ import annotations

import apsw

from gateway.errors import StoreError

# 1 was a single `store.db` with all in it, and is taken over as a catalogue of carried messages.
SCHEMA_VERSION = 2
CATALOGUE_NAME = "store.db"
SEGMENT_NAME = "segment-{:08}.db"
# Up to 3.51.2 a checkpoint that raced with another connection could lose committed frames.
SQLITE_VERSION_MIN = (3, 51, 3)

# What both kinds of file have. Facts have natural keys, so writing one again after a commit of
# unknown outcome changes nothing; an attempt that is there twice says nothing new.
MESSAGE_TABLES = """
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    account_sid TEXT NOT NULL,
    direction TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    send_at REAL NOT NULL,
    segments INTEGER NOT NULL,
    key BLOB,                      -- idempotency key, 16 octets, then fingerprint, 16 octets
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

CREATE TABLE attempt (
    message_id INTEGER NOT NULL,
    part INTEGER NOT NULL,
    at REAL NOT NULL,
    outcome INTEGER NOT NULL,
    bind TEXT NOT NULL,
    command_status INTEGER NOT NULL
) STRICT;
CREATE INDEX attempt_of_message ON attempt (message_id);
CREATE INDEX attempt_in_doubt ON attempt (message_id) WHERE outcome > 1;

CREATE TABLE notified (
    message_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    round INTEGER NOT NULL,
    at REAL NOT NULL,
    outcome TEXT NOT NULL,
    gave_up INTEGER NOT NULL,
    PRIMARY KEY (message_id, number, round)
) STRICT, WITHOUT ROWID;
CREATE INDEX given_up ON notified (message_id, number, round) WHERE gave_up;

CREATE TABLE replay (
    message_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    round INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (message_id, number, round)
) STRICT, WITHOUT ROWID;

CREATE TABLE released (message_id INTEGER PRIMARY KEY) STRICT;

CREATE TABLE unmatched_receipt (
    carrier TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    at REAL NOT NULL,
    carrier_status TEXT NOT NULL,
    carrier_error TEXT NOT NULL,
    done_date TEXT NOT NULL,
    PRIMARY KEY (at, carrier, carrier_id, carrier_status)
) STRICT, WITHOUT ROWID;
"""

# What only a segment has. `stream` holds, for each commit, the keys of its events: 12 octets each,
# the message id (8, signed) and the number (4) big-endian, number 0 for the acceptance.
# The two `…_at_seal` tables are made once the segment takes nothing more: what was open or owed of
# its own messages then, so that a start need not read the rest.
SEGMENT_TABLES = """
CREATE TABLE stream (batch INTEGER PRIMARY KEY, keys BLOB NOT NULL) STRICT;

CREATE TABLE open_at_seal (message_id INTEGER PRIMARY KEY) STRICT;

CREATE TABLE owed_at_seal (
    message_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    round INTEGER NOT NULL,
    PRIMARY KEY (message_id, number, round)
) STRICT, WITHOUT ROWID;
"""

# What only the catalogue has. Its own job, transition, … hold the messages that were carried over.
# A segment takes jobs with ids from `first_id` to below that of the next one. `state` is live,
# sealed (takes nothing more), summarised (its …_at_seal tables are there) or dropped (its file may
# still be there and is to be unlinked: an unlink that a power cut undoes must not bring it back).
CATALOGUE_TABLES = """
CREATE TABLE segment (
    number INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL,
    created_at REAL NOT NULL,
    sealed_at REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'sealed', 'summarised', 'dropped'))
) STRICT;

CREATE TABLE opt_out (
    id INTEGER PRIMARY KEY,
    account_sid TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    at REAL NOT NULL,
    opted_out INTEGER NOT NULL
) STRICT;

CREATE TABLE cursor (
    sink TEXT PRIMARY KEY,
    segment INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;
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


def version_of(connection: apsw.Connection) -> int:
    """The version of the tables in a file of ours; 0 in an empty one.

    Raises:
        StoreError: a newer program wrote it, or another program altogether.
    """
    version = int(connection.pragma("user_version"))
    if not 0 <= version <= SCHEMA_VERSION:
        raise StoreError(
            f"it has schema {version} and this program knows {SCHEMA_VERSION}:"
            " a newer version of the gateway wrote it"
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise StoreError("it is a SQLite file of another program")
    return version


def make(connection: apsw.Connection, *tables: str) -> None:
    """Give an empty file its tables, in one transaction."""
    with connection:
        for sql in tables:
            connection.execute(sql)
        connection.pragma("user_version", SCHEMA_VERSION)
