"""The server's side of a request (RFC 3261 §17.2, RFC 6026 §7.1)."""

from __future__ import annotations

from typing import ClassVar

from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.timers import Timer
from gateway.sip.transaction import (
    Destination,
    Key,
    Message,
    Outgoing,
    Surroundings,
    Transaction,
    rows,
)
from gateway.sip.transaction_events import AckReceived, NoAck
from gateway.sip.transaction_states import (
    INVITE_SERVER,
    NON_INVITE_SERVER,
    Action,
    TransactionState,
    response_class,
)

_UNANSWERED = frozenset({TransactionState.TRYING, TransactionState.PROCEEDING})


class ServerTransaction(Transaction):
    """What both kinds do.

    `to_tag` is for every response to this request that has a tag, of whoever makes it: where the
    request has none it is new, and becomes the dialog's local tag (§8.2.6.2, §9.2).
    """

    BEGINS: ClassVar[TransactionState]

    __slots__ = ("merge_key", "source", "to_tag")

    def __init__(
        self,
        key: Key,
        request: SipRequest,
        source: Destination,
        destination: Destination,
        to_tag: str,
        shared: Surroundings,
        now: float,
    ) -> None:
        super().__init__(key, request, destination, shared, self.BEGINS)
        self.source = source
        self.to_tag = to_tag
        self.merge_key: Key | None = None
        self._set_first(now)

    def _set_first(self, now: float) -> None:
        """Its first timer."""
        raise AssertionError

    @property
    def answered(self) -> bool:
        """A final response has been sent."""
        return self.state not in _UNANSWERED

    def respond(self, response: SipResponse, now: float) -> None:
        self.step(response_class(response.status), now, response)

    # Actions

    def _send_response(self, now: float, message: Message) -> None:
        """A new one of the user's; or, as the peer repeats its request, the last once more."""
        if message is not None:
            self._octets = message.to_bytes()
        if self._octets:
            self._shared.messages.append(Outgoing(self._octets, self.destination, self))


class InviteServerTransaction(ServerTransaction):
    BEGINS: ClassVar[TransactionState] = TransactionState.PROCEEDING

    __slots__ = ()

    def _set_first(self, now: float) -> None:
        self._wait_for(Timer.TRYING, self._shared.values.trying_s, now)

    # Actions

    def _send_trying(self, now: float, message: Message) -> None:
        self._send_response(now, self.request.response(100))

    def _tell_ack(self, now: float, message: Message) -> None:
        assert isinstance(message, SipRequest)
        self._shared.events.append(AckReceived(message))

    def _tell_no_ack(self, now: float, message: Message) -> None:
        self._shared.events.append(NoAck(self))

    def _set_g(self, now: float, message: Message) -> None:
        values = self._shared.values
        interval = min(2 * self._interval, values.t2) if self._interval else values.t1
        self._send_again_after(Timer.G, interval, now)

    def _set_h(self, now: float, message: Message) -> None:
        self._wait_for(Timer.H, self._shared.timeout, now)

    def _set_i(self, now: float, message: Message) -> None:
        reliable = self.destination.reliable
        self._wait_for(Timer.I, 0 if reliable else self._shared.values.t4, now)

    def _set_l(self, now: float, message: Message) -> None:
        self._wait_for(Timer.L, self._shared.timeout, now)


InviteServerTransaction.ROWS = rows(
    INVITE_SERVER,
    {
        Action.SEND_RESPONSE: InviteServerTransaction._send_response,
        Action.SEND_TRYING: InviteServerTransaction._send_trying,
        Action.TELL_ACK: InviteServerTransaction._tell_ack,
        Action.TELL_NO_ACK: InviteServerTransaction._tell_no_ack,
        Action.TELL_TRANSPORT_ERROR: InviteServerTransaction._tell_transport_error,
        Action.STOP_TIMERS: InviteServerTransaction._stop_timers,
        Action.SET_G: InviteServerTransaction._set_g,
        Action.SET_H: InviteServerTransaction._set_h,
        Action.SET_I: InviteServerTransaction._set_i,
        Action.SET_L: InviteServerTransaction._set_l,
    },
)


class NonInviteServerTransaction(ServerTransaction):
    BEGINS: ClassVar[TransactionState] = TransactionState.TRYING

    __slots__ = ()

    def _set_first(self, now: float) -> None:
        self._wait_for(Timer.F, self._shared.timeout, now)

    # Actions

    def _set_j(self, now: float, message: Message) -> None:
        reliable = self.destination.reliable
        self._wait_for(Timer.J, 0 if reliable else self._shared.timeout, now)


NonInviteServerTransaction.ROWS = rows(
    NON_INVITE_SERVER,
    {
        Action.SEND_RESPONSE: NonInviteServerTransaction._send_response,
        Action.TELL_TRANSPORT_ERROR: NonInviteServerTransaction._tell_transport_error,
        Action.SET_J: NonInviteServerTransaction._set_j,
    },
)
