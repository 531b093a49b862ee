"""The client's side of a request (RFC 3261 §17.1, RFC 6026 §7.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from gateway.sip.hop_requests import ack_for, cancel_for
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
from gateway.sip.transaction_events import ResponseReceived, TimedOut
from gateway.sip.transaction_states import (
    INVITE_CLIENT,
    NON_INVITE_CLIENT,
    Action,
    Happening,
    TransactionState,
    response_class,
)


class ClientTransaction(Transaction):
    """What both kinds do. The first request goes out when it is built. `datagram` is where it would
    have gone by UDP, if only its length has led it to a connection (§18.1.1)."""

    BEGINS: ClassVar[TransactionState]
    AGAIN: ClassVar[Timer]
    TIMEOUT: ClassVar[Timer]

    __slots__ = ("_until", "datagram")

    def __init__(
        self,
        key: Key,
        request: SipRequest,
        octets: bytes,
        destination: Destination,
        shared: Surroundings,
        now: float,
    ) -> None:
        super().__init__(key, request, destination, shared, self.BEGINS)
        self.datagram: Destination | None = None
        self._octets = octets
        self._send(octets)
        self._until = now + shared.timeout
        if destination.transport == "UDP":
            self._send_again_after(self.AGAIN, shared.values.t1, now)
        else:
            self._wait = shared.timers.set(self.TIMEOUT, self, shared.timeout, now)

    def receive_response(self, response: SipResponse, now: float) -> None:
        self.step(response_class(response.status), now, response)

    def send_as_datagram(
        self, request: SipRequest, octets: bytes, destination: Destination, now: float
    ) -> None:
        """The peer takes no connection (§18.1.1)."""
        self.request, self.destination = request, destination
        self._octets = octets
        self._send(octets)
        self._send_again_after(self.AGAIN, self._shared.values.t1, now)

    def _send_again_after(self, timer: Timer, interval: float, now: float) -> None:
        """Its timeout is set where it comes next: nearly all are answered before the first
        repetition."""
        if self._wait is None and now + interval >= self._until:
            self._wait = self._shared.timers.set(self.TIMEOUT, self, self._until - now, now)
        else:
            super()._send_again_after(timer, interval, now)

    # Actions

    def _send_request(self, now: float, message: Message) -> None:
        self._send(self._octets)

    def _tell_response(self, now: float, message: Message) -> None:
        assert isinstance(message, SipResponse)
        self._shared.events.append(ResponseReceived(self, message))

    def _tell_timeout(self, now: float, message: Message) -> None:
        self._shared.events.append(TimedOut(self))


class InviteClientTransaction(ClientTransaction):
    BEGINS: ClassVar[TransactionState] = TransactionState.CALLING
    AGAIN: ClassVar[Timer] = Timer.A
    TIMEOUT: ClassVar[Timer] = Timer.B

    __slots__ = ("_cancel_wanted", "_on_cancel")

    def __init__(
        self,
        key: Key,
        request: SipRequest,
        octets: bytes,
        destination: Destination,
        shared: Surroundings,
        on_cancel: Callable[[SipRequest, Destination, float], None],
        now: float,
    ) -> None:
        super().__init__(key, request, octets, destination, shared, now)
        self._cancel_wanted = False
        self._on_cancel = on_cancel

    def receive_response(self, response: SipResponse, now: float) -> None:
        self.step(response_class(response.status), now, response)
        if self._cancel_wanted and self.state is TransactionState.PROCEEDING:
            self._cancel_wanted = False
            self.step(Happening.CANCEL, now)

    # Actions

    def _send_ack(self, now: float, message: Message) -> None:
        assert isinstance(message, SipResponse)
        ack = ack_for(self.request, message)
        self._shared.messages.append(Outgoing(ack.to_bytes(), self.destination, self))

    def _cancel_later(self, now: float, message: Message) -> None:
        self._cancel_wanted = True

    def _send_cancel(self, now: float, message: Message) -> None:
        if self._wait is None:  # In Proceeding nothing else is waited for than a CANCEL's effect.
            self._on_cancel(cancel_for(self.request), self.destination, now)

    def _set_a(self, now: float, message: Message) -> None:
        self._send_again_after(Timer.A, 2 * self._interval, now)

    def _set_d(self, now: float, message: Message) -> None:
        reliable = self.destination.reliable
        self._wait_for(Timer.D, 0 if reliable else self._shared.values.timer_d, now)

    def _set_m(self, now: float, message: Message) -> None:
        self._wait_for(Timer.M, self._shared.timeout, now)

    def _set_cancelled(self, now: float, message: Message) -> None:
        if self._wait is None:
            self._wait_for(Timer.CANCELLED, self._shared.timeout, now)


InviteClientTransaction.ROWS = rows(
    INVITE_CLIENT,
    {
        Action.SEND_REQUEST: InviteClientTransaction._send_request,
        Action.SEND_ACK: InviteClientTransaction._send_ack,
        Action.SEND_CANCEL: InviteClientTransaction._send_cancel,
        Action.CANCEL_LATER: InviteClientTransaction._cancel_later,
        Action.TELL_RESPONSE: InviteClientTransaction._tell_response,
        Action.TELL_TIMEOUT: InviteClientTransaction._tell_timeout,
        Action.TELL_TRANSPORT_ERROR: InviteClientTransaction._tell_transport_error,
        Action.STOP_TIMERS: InviteClientTransaction._stop_timers,
        Action.SET_A: InviteClientTransaction._set_a,
        Action.SET_D: InviteClientTransaction._set_d,
        Action.SET_M: InviteClientTransaction._set_m,
        Action.SET_CANCELLED: InviteClientTransaction._set_cancelled,
    },
)


class NonInviteClientTransaction(ClientTransaction):
    BEGINS: ClassVar[TransactionState] = TransactionState.TRYING
    AGAIN: ClassVar[Timer] = Timer.E
    TIMEOUT: ClassVar[Timer] = Timer.F

    __slots__ = ()

    # Actions

    def _set_e(self, now: float, message: Message) -> None:
        interval = min(2 * self._interval, self._shared.values.t2)
        self._send_again_after(Timer.E, interval, now)

    def _set_e_t2(self, now: float, message: Message) -> None:
        self._send_again_after(Timer.E, self._shared.values.t2, now)

    def _set_k(self, now: float, message: Message) -> None:
        reliable = self.destination.reliable
        self._wait_for(Timer.K, 0 if reliable else self._shared.values.t4, now)


_NON_INVITE_ACTS = {
    Action.SEND_REQUEST: NonInviteClientTransaction._send_request,
    Action.TELL_RESPONSE: NonInviteClientTransaction._tell_response,
    Action.TELL_TIMEOUT: NonInviteClientTransaction._tell_timeout,
    Action.TELL_TRANSPORT_ERROR: NonInviteClientTransaction._tell_transport_error,
    Action.SET_E: NonInviteClientTransaction._set_e,
    Action.SET_E_T2: NonInviteClientTransaction._set_e_t2,
    Action.SET_K: NonInviteClientTransaction._set_k,
}
NonInviteClientTransaction.ROWS = rows(NON_INVITE_CLIENT, _NON_INVITE_ACTS)


class CancelClientTransaction(NonInviteClientTransaction):
    """What comes of a CANCEL the INVITE tells, which has a final response of its own (§9.1)."""

    __slots__ = ()

    def _tell_nothing(self, now: float, message: Message) -> None:
        pass


CancelClientTransaction.ROWS = rows(
    NON_INVITE_CLIENT,
    _NON_INVITE_ACTS
    | dict.fromkeys(
        (Action.TELL_RESPONSE, Action.TELL_TIMEOUT, Action.TELL_TRANSPORT_ERROR),
        CancelClientTransaction._tell_nothing,
    ),
)
