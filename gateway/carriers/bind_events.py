"""What a bind tells whoever built it."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.smpp.pdus import AlertNotification, DataSm, DeliverSm


class BindCameUp(msgspec.Struct, frozen=True, gc=False):
    """The carrier has accepted the bind; of several sessions the first is up."""

    bind: str


class WindowChanged(msgspec.Struct, frozen=True, gc=False):
    """Of several sessions another number is up, which may have `window` unanswered together, and
    have `used`."""

    bind: str
    window: int
    used: int


class BindWentDown(msgspec.Struct, frozen=True, gc=False):
    """The bind is lost. What awaited an answer has been told as `SubmitLost` before."""

    bind: str
    reason: str


class SubmitAnswered(msgspec.Struct, frozen=True):
    """The answer to a submit_sm. `carrier_id` is the carrier's message_id, "" where it gave none;
    `late` says that `SubmitTimedOut` was told before."""

    bind: str
    reference: Any
    command_status: int
    carrier_id: str
    latency_s: float
    late: bool = False


class SubmitTimedOut(msgspec.Struct, frozen=True):
    """No answer in time: whether the carrier has the message is unknown."""

    bind: str
    reference: Any
    latency_s: float


class SubmitLost(msgspec.Struct, frozen=True):
    """The connection ended before the answer: whether the carrier has the message is unknown."""

    bind: str
    reference: Any


class Delivered(msgspec.Struct, frozen=True):
    """The carrier delivers a receipt or a message; it awaits `Link.answer`. `connection` counts
    those of one session of the bind, `session` the sessions of a pool from 0."""

    bind: str
    sequence_number: int
    pdu: DeliverSm | DataSm
    connection: int
    session: int = 0


class Alerted(msgspec.Struct, frozen=True):
    """The carrier says that a handset can be reached again (SMPP v3.4 §4.12): an
    alert_notification, to which there is no answer."""

    bind: str
    pdu: AlertNotification


BindEvent = (
    BindCameUp
    | WindowChanged
    | BindWentDown
    | SubmitAnswered
    | SubmitTimedOut
    | SubmitLost
    | Delivered
    | Alerted
)
