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
    Deleted,
    Listener,
    Notified,
    OptOut,
    Record,
    Transition,
    UnmatchedReceipt,
)

# Largest first. The small ones are complete, so that a batch of ordinary load is one statement.
ROWS_PER_STATEMENT = (128, 64, 32, *range(16, 0, -1))

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Message)
_STATUS: dict[str, Status] = {status.value: status for status in Status}
_LISTENER: tuple[Listener, ...] = tuple(Listener)


class Insert:
    """The INSERT of one kind of record; a record's fields are the columns unless told otherwise.

    A second write of the same fact is ignored; a second message with the same id is an error.
    """

    def __init__(
        self,
        kind: type[Record],
        table: str,
        columns: tuple[str, ...] = (),
        row: Callable[[Any], tuple[Any, ...]] = astuple,
        *,
        idempotent: bool = True,
    ) -> None:
        self.table = table
        self.row = row
        self.columns = columns or kind.__struct_fields__
        self._head = f"INSERT INTO {table} ({', '.join(self.columns)}) VALUES "
        self._values = f"({', '.join('?' * len(self.columns))})"
        self._tail = " ON CONFLICT DO NOTHING" if idempotent else ""
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
        _encoder.encode(message),
    )


JOB_COLUMNS = ("id", "account_sid", "direction", "sender", "recipient", "accepted_at", "message")
INSERTS: dict[type[Record], Insert] = {
    Accepted: Insert(Accepted, "job", JOB_COLUMNS, _job, idempotent=False),
    Transition: Insert(Transition, "transition"),
    Notified: Insert(Notified, "notified"),
    OptOut: Insert(OptOut, "opt_out"),
    UnmatchedReceipt: Insert(UnmatchedReceipt, "unmatched_receipt"),
    Deleted: Insert(Deleted, "deleted"),
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


def erased(message: Message) -> Message:
    """The message without what it said."""
    return msgspec.structs.replace(message, body="", octets=b"")
