"""What the transaction layer tells its user, in the order in which it happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from gateway.sip.client_transaction import ClientTransaction
    from gateway.sip.message import SipRequest, SipResponse
    from gateway.sip.server_transaction import ServerTransaction
    from gateway.sip.transaction import Transaction


class RequestReceived(msgspec.Struct, frozen=True, gc=False):
    """A request that is new to us; it is answered with `respond`, now or later."""

    transaction: ServerTransaction
    request: SipRequest


class AckReceived(msgspec.Struct, frozen=True, gc=False):
    """An ACK for a 2xx, or one that acknowledges nothing of ours; it is never answered (§17.1)."""

    request: SipRequest


class Cancelled(msgspec.Struct, frozen=True, gc=False):
    """The peer cancels its INVITE, which has no final response yet; the CANCEL is answered. The
    user answers the INVITE, with 487 (§9.2)."""

    transaction: ServerTransaction
    request: SipRequest


class ResponseReceived(msgspec.Struct, frozen=True, gc=False):
    """Of 2xx to an INVITE there may be many, by retransmission and by forking."""

    transaction: ClientTransaction
    response: SipResponse


class TimedOut(msgspec.Struct, frozen=True, gc=False):
    """No final response in time: to be taken for a 408 (§8.1.3.1)."""

    transaction: ClientTransaction


class NoAck(msgspec.Struct, frozen=True, gc=False):
    """A response of 300-699 to an INVITE was never acknowledged (timer H)."""

    transaction: ServerTransaction


class TransportFailed(msgspec.Struct, frozen=True, gc=False):
    """The message could not be sent: of a request of ours, to be taken for a 503 (§8.1.3.1)."""

    transaction: Transaction


TransactionEvent = (
    RequestReceived
    | AckReceived
    | Cancelled
    | ResponseReceived
    | TimedOut
    | NoAck
    | TransportFailed
)
