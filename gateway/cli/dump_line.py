"""A message as a line of `supernet store dump`: JSON, with all that is on record about it."""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, UnsetType

from gateway.clock import message_sid
from gateway.message import Direction, Encoding, Origin, Status
from gateway.store.interface import Timeline
from gateway.streams.timestamp import rfc_3339

# Enough to tell the country and to recognise a number that one knows. Short codes and
# alphanumeric senders are nobody's own.
SHOWN_FIRST, SHOWN_LAST = 5, 2
_NUMBER = re.compile(r"\+?\d{8,}")

_encoder = msgspec.json.Encoder()


class DumpedTransition(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`part` is there where it is of one part alone, `listener` where somebody was to be told."""

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
    listener: str = ""


class DumpedAttempt(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    part: int
    at: str
    outcome: str
    bind: str
    command_status: int = 0


class DumpedNotified(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """`number` is that of the transition that the listener was told of."""

    number: int
    at: str
    outcome: str
    round: int = 0
    gave_up: bool = False


class DumpedReplay(msgspec.Struct, frozen=True, gc=False):
    number: int
    round: int
    at: str


class DumpedMessage(msgspec.Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """Times are RFC 3339. `octets` is base64, of what is no text."""

    sid: str
    account_sid: str
    from_: str
    to: str
    status: Status
    error_code: int | None
    encoding: Encoding
    segments: int
    direction: Direction
    origin: Origin
    accepted_at: str
    expires_at: str
    send_at: str | UnsetType
    body: str | UnsetType
    octets: bytes | UnsetType
    transitions: tuple[DumpedTransition, ...]
    attempts: tuple[DumpedAttempt, ...]
    notified: tuple[DumpedNotified, ...]
    replays: tuple[DumpedReplay, ...]


def dump_line(timeline: Timeline, *, bodies: bool, numbers: bool) -> bytes:
    """A JSON object and the end of its line; what the message said with `bodies`, whole numbers
    with `numbers`."""
    stored = timeline.stored
    message, last = stored.message, stored.last
    shown = str if numbers else masked
    record = DumpedMessage(
        sid=message_sid(message.id),
        account_sid=message.account_sid,
        from_=shown(message.sender),
        to=shown(message.recipient),
        status=stored.status,
        error_code=(last.error_code or None) if last else None,
        encoding=message.encoding,
        segments=message.segments,
        direction=message.direction,
        origin=message.origin,
        accepted_at=rfc_3339(message.accepted_at),
        expires_at=rfc_3339(message.expires_at),
        send_at=rfc_3339(message.send_at) if message.send_at else UNSET,
        body=message.body if bodies else UNSET,
        octets=message.octets if bodies and message.octets else UNSET,
        transitions=tuple(
            DumpedTransition(
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
                step.listener.name.lower() if step.listener else "",
            )
            for step in stored.transitions
        ),
        attempts=tuple(
            DumpedAttempt(
                attempt.part,
                rfc_3339(attempt.at),
                attempt.outcome.name.lower(),
                attempt.bind,
                attempt.command_status,
            )
            for attempt in stored.attempts
        ),
        notified=tuple(
            DumpedNotified(told.number, rfc_3339(told.at), told.outcome, told.round, told.gave_up)
            for told in timeline.notified
        ),
        replays=tuple(
            DumpedReplay(replay.number, replay.round, rfc_3339(replay.at))
            for replay in timeline.replays
        ),
    )
    return _encoder.encode(record) + b"\n"


def masked(address: str) -> str:
    """A number without its middle: `+1501*****61`."""
    if not _NUMBER.fullmatch(address):
        return address
    hidden = len(address) - SHOWN_FIRST - SHOWN_LAST
    return f"{address[:SHOWN_FIRST]}{'*' * hidden}{address[-SHOWN_LAST:]}"
