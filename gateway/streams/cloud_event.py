"""An event of the stream as a CloudEvent (CloudEvents 1.0, JSON format 1.0).

All of it comes from what the store has, so that the same event is the same octets whenever it is
told. The text of a message is never in it: whom a broker hands its messages to, and how long it
keeps them, is not in our hands, and a customer's wish to forget a text could not follow it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from gateway.clock import message_sid
from gateway.message import Direction
from gateway.store.interface import StreamEvent
from gateway.streams.timestamp import rfc_3339

CONTENT_TYPE = "application/cloudevents+json"
BATCH_CONTENT_TYPE = "application/cloudevents-batch+json"
TYPE_PREFIX = "org.supernet.message."
# The word for an acceptance, which is no transition and so has no status of its own.
ACCEPTED = "accepted"

Facts = TypeVar("Facts")

_encoder = msgspec.json.Encoder()


class MessageFacts(msgspec.Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """`data`: what became of the message. `number` is 0 for the acceptance, and grows with each
    transition; `error_code` is Twilio's, null where there is none.
    """

    account_sid: str
    from_: str
    to: str
    direction: Direction
    status: str
    number: int
    error_code: int | None
    segments: int
    bind: str
    carrier_status: str
    carrier_error: str
    accepted_at: str


class CloudEvent(msgspec.Struct, Generic[Facts], frozen=True, gc=False):
    """The attributes of CloudEvents 1.0 §3.1. `source` and `id` together name the event for ever;
    `subject` is the sid of the message, or of the call."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    data: Facts


def status_of(event: StreamEvent) -> str:
    """Which status was reached: one of Twilio's words, `accepted` among them."""
    return event.transition.status.value if event.transition else ACCEPTED


def time_of(event: StreamEvent) -> float:
    """When it happened, in Unix seconds."""
    return event.transition.at if event.transition else event.message.accepted_at


def encode(event: StreamEvent, source: str) -> bytes:
    """The event as one JSON object."""
    message, step = event.message, event.transition
    sid = message_sid(message.id)
    status = status_of(event)
    number = step.number if step else 0
    return _encoder.encode(
        CloudEvent(
            specversion="1.0",
            id=f"{sid}-{number}",
            source=source,
            type=TYPE_PREFIX + status,
            subject=sid,
            time=rfc_3339(time_of(event)),
            datacontenttype="application/json",
            data=MessageFacts(
                account_sid=message.account_sid,
                from_=message.sender,
                to=message.recipient,
                direction=message.direction,
                status=status,
                number=number,
                error_code=(step.error_code or None) if step else None,
                segments=message.segments,
                bind=step.bind if step else "",
                carrier_status=step.carrier_status if step else "",
                carrier_error=step.carrier_error if step else "",
                accepted_at=rfc_3339(message.accepted_at),
            ),
        )
    )


def encode_batch(events: Sequence[StreamEvent], source: str) -> bytes:
    """The events as one JSON array (JSON format §4)."""
    return b"[" + b",".join(encode(event, source) for event in events) + b"]"
