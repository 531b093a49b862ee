"""A store's files, made by hand: whole, and to be damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from gateway.message import Direction, Status
from gateway.store import schema
from gateway.store.interface import (
    Accepted,
    Attempt,
    AttemptOutcome,
    Cursor,
    Notified,
    OptOut,
    Record,
    Replay,
)
from gateway.store.rows import CATALOGUE_INSERTS, SEGMENT_INSERTS
from tests.store.builders import (
    ACCOUNT,
    NOON,
    OTHER_ACCOUNT,
    a_message,
    accepted,
    became,
    delivered,
    notified,
    sent,
)

KEY, FINGERPRINT = b"k" * 16, b"f" * 16
CATALOGUE = 0


class HandmadeStore:
    """Number 0 is the catalogue, the others are segments."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        with self.opened(CATALOGUE) as catalogue:
            schema.make(catalogue, schema.MESSAGE_TABLES, schema.CATALOGUE_TABLES)

    def path(self, number: int) -> Path:
        name = schema.SEGMENT_NAME.format(number) if number else schema.CATALOGUE_NAME
        return self.directory / name

    @contextmanager
    def opened(self, number: int) -> Iterator[apsw.Connection]:
        """A connection that writes, in WAL mode as the store's own."""
        connection = apsw.Connection(str(self.path(number)))
        try:
            connection.pragma("journal_mode", "wal")
            yield connection
        finally:
            connection.close()

    def segment(self, number: int, first_id: int, state: str, *records: Record) -> None:
        """List a segment, and make its file unless it is dropped."""
        self.sql(
            CATALOGUE,
            "INSERT INTO segment VALUES (?, ?, ?, ?, ?)",
            (number, first_id, NOON, 0.0 if state == "live" else NOON + 1, state),
        )
        if state != "dropped":
            with self.opened(number) as connection:
                schema.make(connection, schema.MESSAGE_TABLES, schema.SEGMENT_TABLES)
            self.put(number, *records)

    def put(self, number: int, *records: Record) -> None:
        inserts = SEGMENT_INSERTS | CATALOGUE_INSERTS
        with self.opened(number) as connection, connection:
            for record in records:
                for sql, bindings, _ in inserts[type(record)].statements([record]):
                    connection.execute(sql, bindings)

    def sql(self, number: int, sql: str, bindings: tuple[Any, ...] = ()) -> None:
        with self.opened(number) as connection:
            connection.execute(sql, bindings)

    def ask(self, number: int, sql: str) -> Any:
        with self.opened(number) as connection:
            return connection.execute(sql).get


def whole_store(directory: Path) -> HandmadeStore:
    """A dropped segment, a summarised one, a sealed one and a live one, with something of
    everything: 11 messages, of which 4 are open, and 2 debts.

    1 was carried over and is open, 2 too and owes what is to be told again. 10 is final and told;
    11 was open when its segment was sealed, and owes its receipt since; 12 has two parts, of which
    one got its receipt when the message was final; 13 is inbound, 14 was deleted. 20 is of another
    account and has a key, 21 was scheduled and canceled, 22 is sent. 30 and 31 are new.
    """
    files = HandmadeStore(directory)
    files.put(
        CATALOGUE,
        accepted(1),
        sent(1),
        notified(1),
        accepted(2),
        sent(2),
        delivered(2),
        notified(2),
        Notified(2, 2, NOON + 60, "gave up: 500", gave_up=True),
        Replay(2, 2, 1, NOON + 90),
        OptOut(ACCOUNT, "55501", "+15017122661", NOON, True),
        Cursor("mqtt", 4, 2, NOON),
    )
    files.segment(1, 1, "dropped")
    files.segment(
        2,
        10,
        "summarised",
        accepted(10),
        Attempt(10, 1, NOON + 10, AttemptOutcome.WRITTEN, "alpha/1"),
        sent(10),
        delivered(10),
        notified(10, 1),
        notified(10, 2),
        accepted(11),
        sent(11),
        accepted(12, segments=2),
        became(12, 1, Status.SENT, part=1, bind="alpha/1", carrier_id="a"),
        became(12, 2, Status.SENT, part=2, bind="alpha/1", carrier_id="b"),
        became(12, 3, Status.SENT),
        became(12, 4, Status.UNDELIVERED, part=1, error_code=30_003),
        became(12, 5, Status.UNDELIVERED, error_code=30_003),
        accepted(13, direction=Direction.INBOUND),
        became(13, 1, Status.RECEIVED),
    )
    files.sql(2, "INSERT INTO released VALUES (14)")
    files.sql(2, "INSERT INTO open_at_seal VALUES (11)")
    files.sql(2, "INSERT INTO owed_at_seal VALUES (11, 1, 0)")
    files.segment(
        3,
        20,
        "sealed",
        notified(2, 1),
        notified(11, 1),
        delivered(11),
        became(12, 6, Status.DELIVERED, part=2),
        became(14, 2, Status.DELIVERED),
        Accepted(a_message(20, account_sid=OTHER_ACCOUNT), KEY, FINGERPRINT),
        became(20, 1, Status.FAILED, error_code=30_001),
        accepted(21, send_at=NOON + 9_000),
        accepted(22, status_callback="https://customer.example/status"),
        became(22, 1, Status.SENDING),
    )
    files.segment(
        4,
        30,
        "live",
        became(5, 3, Status.DELIVERED, part=2),
        became(22, 2, Status.SENT),
        became(21, 1, Status.CANCELED),
        accepted(30),
        accepted(31, body="seen by nobody"),
        became(31, 1, Status.SENT),
        Notified(31, 1, NOON, "ok"),
    )
    files.sql(4, "INSERT INTO stream (keys) VALUES (?)", (bytes(11) + b"\x01",))
    return files
