"""What a session tells its owner, in the order in which it happened."""

from __future__ import annotations

import msgspec

from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import Pdu
from gateway.smpp.states import SessionState


class Request(msgspec.Struct, frozen=True, gc=False):
    """The peer asks; the owner answers with `respond`, now or later. To an outbind and to an
    alert_notification there is no answer."""

    sequence_number: int
    pdu: Pdu


class Response(msgspec.Struct, frozen=True, gc=False):
    """The peer answers a request of ours. `pdu` is None for an error and for a body that cannot
    be read. `late` says that `ResponseTimedOut` was told before."""

    sequence_number: int
    command_status: int
    pdu: Pdu | None
    late: bool = False


class ResponseTimedOut(msgspec.Struct, frozen=True, gc=False):
    """No answer within response_s: the outcome of our request is unknown."""

    sequence_number: int


class Bound(msgspec.Struct, frozen=True, gc=False):
    """The bind was accepted, by the peer or by the owner."""

    state: SessionState


class PduRefused(msgspec.Struct, frozen=True, gc=False):
    """A PDU of the peer's cannot be used; a request has been answered so. For the log, so of the
    refused requests of a minute the first hundred are told.

    ESME_RSYSERR says that its sequence_number is that of a request still in flight.
    """

    command_id: int
    sequence_number: int
    command_status: CommandStatus
    reason: str


class Closed(msgspec.Struct, frozen=True, gc=False):
    """The session is over; the connection is to be closed once `data_to_send` is written.

    `unanswered` are our requests whose outcome will stay unknown.
    """

    reason: str
    unanswered: tuple[int, ...] = ()


Event = Request | Response | ResponseTimedOut | Bound | PduRefused | Closed
