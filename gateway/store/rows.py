"""Records as rows: which table each kind goes to, and the statements that put it there.

One statement carries many rows, because every statement lets go of the GIL and takes it again.
It comes in a few sizes only, so that each is parsed once and then found in the statement cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec.structs import astuple

from gateway.message import Message, Status
from gateway.store.interface import (
    Accepted,
    Attempt,
    AttemptOutcome,
    Cursor,
    Listener,
    Notified,
    OptOut,
    Record,
    Released,
    Replay,
    Transition,
    UnmatchedReceipt,
)

# Largest first. The small ones are complete, so that a batch of ordinary load is one statement.
ROWS_PER_STATEMENT = (128, 64, *range(32, 0, -1))

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)
_STATUS: dict[str, Status] = {status.value: status for status in Status}
_LISTENER: tuple[Listener, ...] = tuple(Listener)
_OUTCOME: tuple[AttemptOutcome, ...] = tuple(AttemptOutcome)


class Insert:
    """The INSERT of one kind of record; a record's fields are the columns unless told otherwise.

    A second write of the same fact is ignored, unless `replaces` says that the newer one counts; a
    second message with the same id is an error.
    """

    def __init__(
        self,
        kind: type[Record],
        table: str,
        columns: tuple[str, ...] = (),
        row: Callable[[Any], tuple[Any, ...]] = astuple,
        *,
        idempotent: bool = True,
        replaces: bool = False,
    ) -> None:
        self.table = table
        self.row = row
        self.columns = columns or kind.__struct_fields__
        verb = "REPLACE" if replaces else "INSERT"
        self._head = f"{verb} INTO {table} ({', '.join(self.columns)}) VALUES "
        self._values = f"({', '.join('?' * len(self.columns))})"
        self._tail = " ON CONFLICT DO NOTHING" if idempotent and not replaces else ""
        self._sql = {
            rows: self._head + ", ".join([self._values] * rows) + self._tail
            for rows in ROWS_PER_STATEMENT
        }

    def statements(self, records: list[Any]) -> Iterator[tuple[str, list[Any], int]]:
        """The statements that write the records, in order: SQL, bindings, rows."""
        row = self.row
        start = 0
        for rows in split(len(records)):
            bindings: list[Any] = []
            for record in records[start : start + rows]:
                bindings += row(record)
            yield self._sql[rows], bindings, rows
            start += rows


@cache
def split(count: int) -> tuple[int, ...]:
    """A number of rows as a sum of statement sizes, largest first."""
    if count == 0:
        return ()
    rows = next(rows for rows in ROWS_PER_STATEMENT if rows <= count)
    return (rows, *split(count - rows))


def _job(record: Accepted) -> tuple[Any, ...]:
    message = record.message
    return (
        message.id,
        message.account_sid,
        message.direction,
        message.sender,
        message.recipient,
        message.accepted_at,
        message.expires_at,
        message.send_at,
        message.segments,
        record.key + record.fingerprint if record.key else None,
        _encoder.encode(message),
    )


JOB_COLUMNS = (
    "id",
    "account_sid",
    "direction",
    "sender",
    "recipient",
    "accepted_at",
    "expires_at",
    "send_at",
    "segments",
    "key",
    "message",
)
KEY_OCTETS = 16
# What a segment takes, and what the catalogue does.
SEGMENT_INSERTS: dict[type[Record], Insert] = {
    Accepted: Insert(Accepted, "job", JOB_COLUMNS, _job, idempotent=False),
    Attempt: Insert(Attempt, "attempt"),
    Transition: Insert(Transition, "transition"),
    Notified: Insert(Notified, "notified"),
    Replay: Insert(Replay, "replay"),
    Released: Insert(Released, "released"),
    UnmatchedReceipt: Insert(UnmatchedReceipt, "unmatched_receipt"),
}
CATALOGUE_INSERTS: dict[type[Record], Insert] = {
    OptOut: Insert(OptOut, "opt_out"),
    Cursor: Insert(Cursor, "cursor", replaces=True),
}


def to_blob(message: Message) -> bytes:
    return _encoder.encode(message)


def message_of(blob: bytes) -> Message:
    return _decoder.decode(blob)


def transition_of(row: tuple[Any, ...]) -> Transition:
    """A transition from its columns, in the order of its fields."""
    message_id, number, status, at, part, code, bind, carrier_id, done, stat, err, listener = row
    return Transition(
        message_id,
        number,
        _STATUS[status],
        at,
        part,
        code,
        bind,
        carrier_id,
        done,
        stat,
        err,
        _LISTENER[listener],
    )


def attempt_of(row: tuple[Any, ...]) -> Attempt:
    """An attempt from its columns, in the order of its fields."""
    message_id, part, at, outcome, bind, command_status = row
    return Attempt(message_id, part, at, _OUTCOME[outcome], bind, command_status)


def notified_of(row: tuple[Any, ...]) -> Notified:
    """A notification from its columns, in the order of its fields."""
    message_id, number, at, outcome, round_, gave_up = row
    return Notified(message_id, number, at, outcome, round_, bool(gave_up))


def erased(message: Message) -> Message:
    """The message without what it said."""
    return msgspec.structs.replace(message, body="", octets=b"")
