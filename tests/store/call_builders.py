"""Calls and their records with everything filled in that a test does not care about."""

from typing import Any

from gateway.call import (
    Call,
    CallAttempt,
    CallDirection,
    CallEvent,
    CallRecord,
    CallStatus,
    EndedBy,
    Quality,
)

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT = "ACfedcba9876543210fedcba9876543210"
NOON = 1_767_323_045.0  # Fri, 02 Jan 2026 03:04:05 +0000
CALLER = "+15005550006"
CALLED = "+15005550009"


def a_call(call_id: int = 1, **changes: Any) -> Call:
    fields: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "direction": CallDirection.OUTBOUND,
        "caller": CALLER,
        "called": CALLED,
        "source": "trunk/pbx",
        "started_at": NOON + call_id,
    }
    return Call(call_id, **(fields | changes))


def a_record(call: Call | None = None, **changes: Any) -> CallRecord:
    """Of a call that rang for 4 s and was talked on for 15 s."""
    call = call or a_call()
    at = call.started_at
    fields: dict[str, Any] = {
        "status": CallStatus.COMPLETED,
        "ended_at": at + 20,
        "sip_status": 200,
        "ended_by": EndedBy.CALLER,
        "answered_at": at + 5,
        "rang_at": at + 1,
        "attempts": (CallAttempt("alpha/east", 200, "OK", at, at + 1, at + 20),),
        "caller_quality": Quality(packets=750, mos=4.4),
        "called_quality": Quality(packets=750, mos=4.2),
    }
    return CallRecord(call, **(fields | changes))


def an_event(
    call: Call | None = None,
    number: int = 1,
    status: CallStatus = CallStatus.INITIATED,
    **changes: Any,
) -> CallEvent:
    call = call or a_call()
    return CallEvent(call, number, status, **({"at": call.started_at + number - 1} | changes))


def the_end(record: CallRecord | None = None, number: int = 4) -> CallEvent:
    record = record or a_record()
    return an_event(
        record.call,
        number,
        record.status,
        at=record.ended_at,
        sip_status=record.sip_status,
        trunk=record.attempts[-1].trunk if record.attempts else "",
        record=record,
    )
