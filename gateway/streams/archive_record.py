"""A message with all that became of it, as one line of an archive. Pure."""

from __future__ import annotations

import msgspec

from gateway.clock import message_sid
from gateway.message import Direction, Encoding, Origin, Status
from gateway.store.interface import StoredMessage
from gateway.streams.timestamp import rfc_3339

_encoder = msgspec.json.Encoder()


class ArchivedTransition(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`part` is there where it is of one segment alone."""

    number: int
    status: Status
    at: str
    part: int = 0
    error_code: int = 0
    bind: str = ""
    carrier_id: str = ""
    done_date: str = ""
    carrier_status: str = ""
    carrier_error: str = ""


class ArchivedMessage(msgspec.Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """Times are RFC 3339. `octets` is base64, of what is no text."""

    sid: str
    account_sid: str
    from_: str
    to: str
    status: Status
    error_code: int | None
    body: str
    octets: bytes
    encoding: Encoding
    segments: int
    direction: Direction
    origin: Origin
    accepted_at: str
    expires_at: str
    transitions: tuple[ArchivedTransition, ...]


def archive_line(stored: StoredMessage) -> bytes:
    """A JSON object and the end of its line."""
    message, last = stored.message, stored.last
    record = ArchivedMessage(
        sid=message_sid(message.id),
        account_sid=message.account_sid,
        from_=message.sender,
        to=message.recipient,
        status=stored.status,
        error_code=(last.error_code or None) if last else None,
        body=message.body,
        octets=message.octets,
        encoding=message.encoding,
        segments=message.segments,
        direction=message.direction,
        origin=message.origin,
        accepted_at=rfc_3339(message.accepted_at),
        expires_at=rfc_3339(message.expires_at),
        transitions=tuple(
            ArchivedTransition(
                step.number,
                step.status,
                rfc_3339(step.at),
                step.part,
                step.error_code,
                step.bind,
                step.carrier_id,
                step.done_date,
                step.carrier_status,
                step.carrier_error,
            )
            for step in stored.transitions
        ),
    )
    return _encoder.encode(record) + b"\n"
