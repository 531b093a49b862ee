"""The statements that note facts of calls, within the transaction of whoever calls.

What happened to a call within one batch is written as one row: most calls ring at once, and short
ones are over before anything of them was written.
"""

from __future__ import annotations

from collections.abc import Iterable

import apsw
import msgspec

from gateway.call import Call, CallEvent, CallStatus
from gateway.store.call_facts import (
    CallCursor,
    CallEnded,
    CallFact,
    CallReached,
    CallsAlive,
    CallStarted,
    CallStreamed,
    CallTold,
)

# What is known of a call is never unlearned, whichever of its facts is written again.
_LEARN = """
    number = max(number, ?2),
    rang_at = CASE WHEN rang_at THEN rang_at ELSE ?3 END,
    answered_at = CASE WHEN answered_at THEN answered_at ELSE ?4 END
"""
_STARTED = f"""
INSERT INTO under_way (id, number, rang_at, answered_at, call) SELECT ?1, ?2, ?3, ?4, ?5
WHERE NOT EXISTS (SELECT 1 FROM record WHERE id = ?1)
ON CONFLICT (id) DO UPDATE SET {_LEARN}
"""
_REACHED = f"UPDATE under_way SET {_LEARN} WHERE id = ?1"
_ENDED = "INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGOTTEN = "DELETE FROM under_way WHERE id = ?"

_encode = msgspec.json.Encoder().encode


class _UnderWay:
    """What a batch says of one call that is not over. Without `call`, its start is written."""

    __slots__ = ("answered_at", "call", "number", "rang_at")

    def __init__(self) -> None:
        self.call: Call | None = None
        self.number = 0
        self.rang_at = 0.0
        self.answered_at = 0.0

    def reached(self, fact: CallReached) -> None:
        self.number = max(self.number, fact.number)
        if fact.status is CallStatus.RINGING:
            self.rang_at = self.rang_at or fact.at
        elif fact.status is CallStatus.IN_PROGRESS:
            self.answered_at = self.answered_at or fact.at


def write(connection: apsw.Connection, facts: Iterable[CallFact]) -> None:
    """In their order, as far as it can be seen."""
    under_way: dict[int, _UnderWay] = {}
    for fact in facts:
        match fact:
            case CallStarted(call, number):
                known = under_way.setdefault(call.id, _UnderWay())
                known.call, known.number = call, max(known.number, number)
            case CallReached(call_id):
                under_way.setdefault(call_id, _UnderWay()).reached(fact)
            case CallEnded(record):
                under_way.pop(record.call.id, None)
                _write_end(connection, fact)
            case CallTold(call_id):
                connection.execute("UPDATE record SET owed = 0 WHERE id = ?", (call_id,))
            case CallStreamed(event):
                _write_event(connection, event)
            case CallCursor(sink, number):
                connection.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (sink, number))
            case CallsAlive(at):
                connection.execute("INSERT OR REPLACE INTO alive VALUES (1, ?)", (at,))
    for call_id, known in under_way.items():
        row = (call_id, known.number, known.rang_at, known.answered_at)
        if known.call is None:
            connection.execute(_REACHED, row)
        else:
            connection.execute(_STARTED, (*row, _encode(known.call).decode()))


def _write_end(connection: apsw.Connection, ended: CallEnded) -> None:
    record = ended.record
    call = record.call
    row = (
        call.id,
        call.account_sid,
        call.caller,
        call.called,
        record.status.value,
        call.started_at,
        record.ended_at,
        ended.number,
        int(ended.owed),
        _encode(record).decode(),
    )
    connection.execute(_ENDED, row)
    if ended.streamed is not None and connection.changes():
        _write_event(connection, ended.streamed)
    connection.execute(_FORGOTTEN, (call.id,))


def _write_event(connection: apsw.Connection, event: CallEvent) -> None:
    connection.execute(
        "INSERT INTO event (at, event) VALUES (?, ?)", (event.at, _encode(event).decode())
    )
