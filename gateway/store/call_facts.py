"""What is noted of calls: facts, each written once however often it is told."""

from __future__ import annotations

import msgspec

from gateway.call import Call, CallEvent, CallRecord, CallStatus


class CallStarted(msgspec.Struct, frozen=True):
    """A call was let in; `number` is that of the event that said so."""

    call: Call
    number: int = 1


class CallReached(msgspec.Struct, frozen=True):
    """A call that is under way reached a status by the event of that number."""

    call_id: int
    number: int
    status: CallStatus
    at: float


class CallEnded(msgspec.Struct, frozen=True):
    """A call is over; the event of that number says so. `owed`: a customer is to be told.
    `streamed` is that event, where there are sinks: it is there if and only if the record is."""

    record: CallRecord
    number: int
    owed: bool = False
    streamed: CallEvent | None = None


class CallTold(msgspec.Struct, frozen=True):
    """The customer was told of the end, or it was given up."""

    call_id: int


class CallsAlive(msgspec.Struct, frozen=True):
    """Now there are calls under way, and we live."""

    at: float


class CallStreamed(msgspec.Struct, frozen=True):
    """An event is for the sinks of the event stream."""

    event: CallEvent


class CallCursor(msgspec.Struct, frozen=True):
    """A sink has taken all events before that number."""

    sink: str
    number: int


CallFact = CallStarted | CallReached | CallEnded | CallTold | CallsAlive | CallStreamed | CallCursor
