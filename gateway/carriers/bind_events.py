"""What a bind tells whoever built it."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.smpp.pdus import DataSm, DeliverSm


class BindCameUp(msgspec.Struct, frozen=True, gc=False):
    """The carrier has accepted the bind."""

    bind: str


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
    """The carrier delivers a receipt or a message; it awaits `SmppBind.answer`."""

    bind: str
    sequence_number: int
    pdu: DeliverSm | DataSm
    session: int


BindEvent = BindCameUp | BindWentDown | SubmitAnswered | SubmitTimedOut | SubmitLost | Delivered
