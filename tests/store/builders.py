"""Messages and records with everything filled in that a test does not care about."""

from typing import Any

from gateway.message import Direction, Encoding, Message, Origin, Status
from gateway.store.interface import (
    Accepted,
    Attempt,
    AttemptOutcome,
    Listener,
    Notified,
    Replay,
    SentMessage,
    SentPart,
    Transition,
    WaitingMessage,
)

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT = "ACfedcba9876543210fedcba9876543210"
NOON = 1_700_000_000.0


def a_message(message_id: int = 1, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "sender": "+15005550006",
        "recipient": "+15017122661",
        "body": "Your code is 123456.",
        "encoding": Encoding.GSM_7BIT,
        "segments": 1,
        "direction": Direction.OUTBOUND_API,
        "origin": Origin.REST,
        "accepted_at": NOON + message_id,
        "expires_at": NOON + message_id + 14_400,
    }
    return Message(id=message_id, **{**fields, **changes})


def accepted(message_id: int = 1, **changes: Any) -> Accepted:
    return Accepted(a_message(message_id, **changes))


def became(message_id: int, number: int, status: Status, **changes: Any) -> Transition:
    return Transition(message_id, number, status, NOON + message_id + number, **changes)


def sent(message_id: int = 1, number: int = 1) -> Transition:
    return became(
        message_id,
        number,
        Status.SENT,
        bind="alpha/1",
        carrier_id=f"{message_id:016x}",
        listener=Listener.WEBHOOK,
    )


def delivered(message_id: int = 1, number: int = 2) -> Transition:
    return became(
        message_id,
        number,
        Status.DELIVERED,
        bind="alpha/1",
        done_date="2311142213",
        carrier_status="DELIVRD",
        carrier_error="000",
        listener=Listener.WEBHOOK,
    )


def notified(message_id: int = 1, number: int = 1) -> Notified:
    return Notified(message_id, number, NOON + message_id + number, "ok")


def attempted(
    message_id: int = 1, outcome: AttemptOutcome = AttemptOutcome.WRITTEN, part: int = 1
) -> Attempt:
    return Attempt(message_id, part, NOON + message_id, outcome, "alpha/1")


def given_up(message_id: int = 1, number: int = 1, round: int = 0) -> Notified:
    at = NOON + message_id + number
    return Notified(message_id, number, at, "gave up: 503", round, gave_up=True)


def replayed(message_id: int = 1, number: int = 1, round: int = 1) -> Replay:
    return Replay(message_id, number, round, NOON + message_id + number + round)


def finished(message_id: int = 1) -> list[Accepted | Transition | Notified]:
    """Everything about a message that is delivered, and of which the customer was told."""
    return [
        accepted(message_id),
        sent(message_id),
        notified(message_id, 1),
        delivered(message_id),
        notified(message_id, 2),
    ]


def waiting(message_id: int = 1, *, scheduled: bool = False) -> WaitingMessage:
    message = a_message(message_id)
    return WaitingMessage(
        message_id,
        message.account_sid,
        message.sender,
        message.segments,
        message.expires_at,
        scheduled,
    )


def waiting_for_receipts(message_id: int = 1) -> SentMessage:
    """What `accepted` and `sent` make."""
    step = sent(message_id)
    part = SentPart(1, step.bind, step.carrier_id, step.at)
    return SentMessage(message_id, ACCOUNT, (part,))
