"""A request of ours within a call, as it was asked for: what is sent again, with another CSeq,
where the first did not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.sip.headers import Field
from gateway.sip.leg_state import LegState
from gateway.sip.multipart import session_description

if TYPE_CHECKING:
    from gateway.sip.client_transaction import ClientTransaction
    from gateway.sip.dialog import Dialog
    from gateway.sip.leg import Leg
    from gateway.sip.message import SipMessage
    from gateway.sip.transaction import Transaction

# Challenges, intervals that were too small and glares of one request.
TRIES_MAX = 5


class OwnRequest(msgspec.Struct):
    """`refresh` says that it is the session timer's. `sequence` and `transaction` are
    those of the last try. Leg, request and transaction know each other; who is over is let go, so
    that all three are freed without the collector."""

    leg: Leg | None
    dialog: Dialog | None
    method: str
    headers: tuple[Field, ...]
    body: bytes
    refresh: bool = False
    tries: int = 0
    sequence: int = 0
    credentials: tuple[Field, ...] = ()
    transaction: ClientTransaction | None = None

    @property
    def offers(self) -> bool:
        return self.method in ("INVITE", "UPDATE") and bool(self.body)

    def over(self, transaction: Transaction) -> None:
        """Nothing will come of this try any more."""
        if self.transaction is transaction:
            self.transaction = None
            if self.leg is not None and self.leg.state is LegState.ENDED:
                self.leg = None


def describes(message: SipMessage) -> bool:
    """Whether it carries a session description."""
    return bool(message.body) and bool(session_description(message))
