"""An event of a call as a CloudEvent (CloudEvents 1.0, JSON format 1.0).

All of it comes from what the store has, so that it is the same octets whenever it is told.
"""

from __future__ import annotations

import msgspec

from gateway.call import CallAttempt, CallDirection, CallEvent, CallStatus, Quality
from gateway.clock import call_sid
from gateway.streams.cloud_event import CloudEvent
from gateway.streams.timestamp import rfc_3339

TYPE_PREFIX = "org.supernet.call."

_encoder = msgspec.json.Encoder()


class CallEnd(msgspec.Struct, frozen=True):
    """What is known once a call is over: `data.end`. `duration_s` counts from the answer."""

    ended_by: str
    duration_s: float
    attempts: tuple[CallAttempt, ...]
    caller_quality: Quality
    called_quality: Quality


class CallFacts(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """`data`: where the call stands. `number` grows with each status, from 1; `trunk` is the one
    that is tried, or was last; `sip_status` is null where there was none."""

    account_sid: str
    from_: str
    to: str
    direction: CallDirection
    source: str
    status: CallStatus
    number: int
    sip_status: int | None
    trunk: str
    started_at: str
    end: CallEnd | None


def encode_call(event: CallEvent, source: str) -> bytes:
    """The event as one JSON object."""
    call, record = event.call, event.record
    sid = call_sid(call.id)
    end: CallEnd | None = None
    if record is not None:
        end = CallEnd(
            record.ended_by.value,
            record.duration_s,
            record.attempts,
            record.caller_quality,
            record.called_quality,
        )
    return _encoder.encode(
        CloudEvent(
            specversion="1.0",
            id=f"{sid}-{event.number}",
            source=source,
            type=TYPE_PREFIX + event.status.value,
            subject=sid,
            time=rfc_3339(event.at),
            datacontenttype="application/json",
            data=CallFacts(
                account_sid=call.account_sid,
                from_=call.caller,
                to=call.called,
                direction=call.direction,
                source=call.source,
                status=event.status,
                number=event.number,
                sip_status=event.sip_status or None,
                trunk=event.trunk,
                started_at=rfc_3339(call.started_at),
                end=end,
            ),
        )
    )
