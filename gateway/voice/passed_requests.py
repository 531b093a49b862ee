"""Requests within a call: what one side asks for is asked of the other, and what that answers is
the answer (RFC 7092 §3). What needs nobody else is answered here: OPTIONS, and an offer that
repeats what has been agreed on, as a session's refresh does (RFC 4028 §7.4).
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from gateway.sip.errors import SipError
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Asked, Responded, Withdrawn
from gateway.sip.leg_state import CAPABILITIES, LegState, RequestPending
from gateway.sip.message_fields import SDP
from gateway.sip.own_request import OwnRequest
from gateway.sip.server_transaction import ServerTransaction
from gateway.voice.call_session import description, other
from gateway.voice.dtmf_info import CONTENT, body_of, digit_of
from gateway.voice.media_session import MediaRefused, Side
from gateway.voice.passed_headers import OF_INFO, passed

if TYPE_CHECKING:
    from gateway.voice.joined_call import JoinedCall

# INFOs of one side that wait for the other's answer.
PENDING_MAX = 8
NOT_NOW = 491
UNACCEPTABLE = 488
# Said of us, or of the other leg's dialog, and so nothing to this side.
_OF_THE_LEG = frozenset({401, 407, 408, 422, 481, 487})


class Pending:
    """A request of ours, and the one that it was made for: none, if it was our own idea or the
    peer has withdrawn it."""

    __slots__ = ("leg", "own", "transaction")

    def __init__(
        self, own: OwnRequest, leg: Leg | None, transaction: ServerTransaction | None
    ) -> None:
        self.own = own
        self.leg = leg
        self.transaction = transaction

    @property
    def is_withdrawn(self) -> bool:
        """Its peer has, or is not there any more."""
        return self.transaction is None or self.transaction.answered


class PassedRequests:
    __slots__ = ("_call", "_pending")

    def __init__(self, call: JoinedCall) -> None:
        self._call = call
        self._pending: list[Pending] = []

    # From the side that asks

    async def asked(self, event: Asked, side: Side) -> None:
        now = self._call.now
        match event.request.method:
            case "INVITE" | "UPDATE" | "PRACK":
                await self._describe(event, side)
            case "INFO":
                await self._inform(event, side)
            case "OPTIONS":
                able = (*CAPABILITIES, ("Accept", SDP))
                event.leg.respond(event.transaction, 200, now, able)
            case "NOTIFY":  # Nobody here has subscribed to anything (RFC 6665 §4.1.3).
                event.leg.respond(event.transaction, 481, now)
            case _:
                event.leg.respond(event.transaction, 405, now, CAPABILITIES[:1])

    def withdrawn(self, event: Withdrawn, side: Side) -> None:
        for pending in self._pending:
            if pending.transaction is event.transaction:
                pending.leg = pending.transaction = None
                peer = self._call.leg(other(side))
                if peer is not None:
                    peer.withdraw(pending.own, self._call.now)

    async def offer_again(self, side: Side) -> bool:
        """Offer to `side` what the other has described last; False: not now."""
        call = self._call
        leg = call.leg(side)
        sdp = call.session.described(other(side))
        if leg is None or not sdp or not leg.may_offer:
            return False
        try:
            body = await call.session.offer(other(side), sdp)
            own = leg.request("INVITE", call.now, (), body)
        except (MediaRefused, SipError):
            return False
        self._pending.append(Pending(own, None, None))
        return True

    async def _describe(self, event: Asked, side: Side) -> None:
        call, leg, asked = self._call, event.leg, event.transaction
        sdp = description(event.request)
        if sdp and sdp == call.session.described(side):
            leg.respond(asked, 200, call.now, body=leg.local_description)
            return
        peer = call.leg(other(side))
        if peer is None or call.transfer is not None or self._session_is_pending():
            leg.respond(asked, NOT_NOW, call.now)
            return
        knows_update = peer.state is not LegState.CONFIRMED or "update" in peer.peer_allows
        method = "UPDATE" if event.request.method != "INVITE" and knows_update else "INVITE"
        try:
            body = await call.session.offer(side, sdp) if sdp else b""
            if asked.answered:
                return  # It was withdrawn, or the leg is over.
            own = peer.request(method, call.now, (), body)
        except MediaRefused as refused:
            self._answer(leg, asked, refused.status)
        except RequestPending:
            busy = UNACCEPTABLE if event.request.method == "PRACK" else NOT_NOW
            leg.respond(asked, busy, call.now)
        except SipError:
            leg.respond(asked, 500, call.now)
        else:
            self._pending.append(Pending(own, leg, asked))

    async def _inform(self, event: Asked, side: Side) -> None:
        """A digit goes on in the media; all else as INFO."""
        digit = digit_of(event.request)
        if digit and await self._call.session.send_digit(other(side), digit):
            self._answer(event.leg, event.transaction, 200)
        elif not event.transaction.answered:
            self._pass(event, side)

    def tell_digit(self, side: Side, digit: str, duration_ms: int) -> None:
        """To that side, by INFO; what that answers is heard by nobody."""
        leg = self._call.leg(side)
        if leg is not None:
            with suppress(SipError):  # Too many requests of ours are under way.
                leg.request("INFO", self._call.now, CONTENT, body_of(digit, duration_ms))

    def _pass(self, event: Asked, side: Side) -> None:
        request, now = event.request, self._call.now
        peer = self._call.leg(other(side))
        if peer is None or len(self._pending) >= PENDING_MAX:
            event.leg.respond(event.transaction, 503, now)
            return
        try:
            own = peer.request(request.method, now, passed(request, OF_INFO), request.body)
        except SipError:
            event.leg.respond(event.transaction, 503, now)
        else:
            self._pending.append(Pending(own, event.leg, event.transaction))

    def _session_is_pending(self) -> bool:
        return any(pending.own.method in ("INVITE", "UPDATE") for pending in self._pending)

    # From the side that was asked

    async def responded(self, event: Responded, side: Side) -> None:
        if event.status < 200:
            return
        pending = next((one for one in self._pending if one.own is event.request), None)
        if pending is None:  # The leg's own refresh of its session.
            if event.acknowledge:
                event.leg.acknowledge(event.request, self._call.now)
            return
        self._pending.remove(pending)
        try:
            await self._settle(pending, event, side)
        except MediaRefused:
            self._respond(pending, UNACCEPTABLE)

    async def _settle(self, pending: Pending, event: Responded, side: Side) -> None:
        session = self._call.session
        status = event.status
        sdp = description(event.response)
        if status >= 300:
            self._respond(pending, 500 if status in _OF_THE_LEG else status)
        elif pending.own.method not in ("INVITE", "UPDATE"):
            self._respond(pending, status)
        elif event.acknowledge:
            await self._answer_by_ack(pending, event, side, sdp)
        elif sdp:
            self._respond(pending, 200, await session.answer(side, sdp))
        else:
            self._respond(pending, UNACCEPTABLE)

    async def _answer_by_ack(
        self, pending: Pending, event: Responded, side: Side, sdp: bytes
    ) -> None:
        """The side that was asked offers; the other's answer comes with its ACK, or, if it does
        not want to know any more, is what it has said last."""
        call = self._call
        give = partial(event.leg.acknowledge, event.request)
        try:
            offer = await call.session.offer(side, sdp)
            if pending.leg is None or pending.is_withdrawn:
                last = call.session.described(other(side))
                give(call.now, await call.session.answer(other(side), last))
                return
        except MediaRefused:
            give(call.now, b"")
            raise
        call.legs.owe(pending.leg, event.leg, give)
        self._respond(pending, 200, offer)

    def _respond(self, pending: Pending, status: int, body: bytes = b"") -> None:
        if pending.leg is not None and pending.transaction is not None:
            self._answer(pending.leg, pending.transaction, status, body)

    def _answer(
        self, leg: Leg, transaction: ServerTransaction, status: int, body: bytes = b""
    ) -> None:
        """Unless it was answered meanwhile: withdrawn, say."""
        if not transaction.answered:
            leg.respond(transaction, status, self._call.now, body=body)

    # At the end

    def close(self) -> None:
        """What is still asked is answered (§15.1.2): its leg may be gone, its transaction not."""
        for pending in self._pending:
            if pending.transaction is not None and not pending.transaction.answered:
                self._call.shared.user_agent.respond(pending.transaction, 487, self._call.now)
        self._pending.clear()
