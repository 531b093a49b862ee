"""What a user agent tells its owner of its legs, in the order in which it happened."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from gateway.sip.dialog import Dialog
    from gateway.sip.incoming_leg import IncomingLeg
    from gateway.sip.leg import Leg
    from gateway.sip.message import SipMessage, SipRequest, SipResponse
    from gateway.sip.outgoing_leg import OutgoingLeg
    from gateway.sip.own_request import OwnRequest
    from gateway.sip.server_transaction import ServerTransaction


class EndCause(StrEnum):
    HUNG_UP = "we hung up"
    BYE = "the peer hung up"
    CANCELLED = "the peer cancelled"
    REFUSED = "we refused"
    REJECTED = "the peer rejected"
    NO_ACK = "no ACK came"
    NO_PRACK = "no PRACK came"
    EXPIRED = "the session was not refreshed"
    LOST = "the peer knows nothing of the dialog, or is silent"


class IncomingCall(msgspec.Struct, frozen=True, gc=False):
    """A peer calls; the owner rings, answers or refuses."""

    leg: IncomingLeg
    request: SipRequest


class OutsideDialog(msgspec.Struct, frozen=True, gc=False):
    """A request that is for no call; the owner answers it with `UserAgent.respond`."""

    transaction: ServerTransaction
    request: SipRequest


class OutsideResponse(msgspec.Struct, frozen=True, gc=False):
    """To a request of `UserAgent.send_request`. Without a response it timed out (408) or could not
    be sent (503)."""

    user: Any
    status: int
    response: SipResponse | None


class Provisional(msgspec.Struct, frozen=True, gc=False):
    """101 to 199 to our INVITE. `dialog` tells the branches of a forked call apart. If `prack` is
    set, the response offers, and the owner gives the answer by `OutgoingLeg.prack`."""

    leg: OutgoingLeg
    response: SipResponse
    dialog: Dialog | None
    prack: bool


class Answered(msgspec.Struct, frozen=True, gc=False):
    """2xx to our first INVITE. If `acknowledge` is set, the response offers, and the owner gives
    the answer by `acknowledge`; else the ACK is sent."""

    leg: OutgoingLeg
    response: SipResponse
    acknowledge: bool


class Acknowledged(msgspec.Struct, frozen=True, gc=False):
    """The ACK to a 2xx of ours has come; where that offered, with the answer."""

    leg: Leg
    request: SipRequest


class Pracked(msgspec.Struct, frozen=True, gc=False):
    """A reliable provisional of ours has arrived; where that offered, with the answer."""

    leg: Leg
    request: SipRequest


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request of the peer's within the dialog; the owner answers it with `Leg.respond`."""

    leg: Leg
    transaction: ServerTransaction
    request: SipRequest


class Withdrawn(msgspec.Struct, frozen=True, gc=False):
    """The peer cancels a re-INVITE that was told by Asked; it is answered."""

    leg: Leg
    transaction: ServerTransaction


class Responded(msgspec.Struct, frozen=True, gc=False):
    """A response to a request of ours within the dialog. Without one, it timed out (408) or could
    not be sent (503). If `acknowledge` is set, a 2xx offers, as in Answered."""

    leg: Leg
    request: OwnRequest
    status: int
    response: SipResponse | None
    acknowledge: bool = False


class Ended(msgspec.Struct, frozen=True, gc=False):
    """The call is over on this side: once for each leg, and nothing comes after it. `message` is
    what the peer said, if that ended it."""

    leg: Leg
    cause: EndCause
    status: int
    message: SipMessage | None


LegEvent = (
    IncomingCall
    | OutsideDialog
    | OutsideResponse
    | Provisional
    | Answered
    | Acknowledged
    | Pracked
    | Asked
    | Withdrawn
    | Responded
    | Ended
)
