"""A leg that we began: its INVITE, whose answers may be of many (RFC 3261 §13.2, RFC 3262 §4)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.sip.dialog import Dialog, DialogState
from gateway.sip.errors import ValueRefused
from gateway.sip.grammar import one_line
from gateway.sip.headers import Field, Headers, own_fields
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Answered, EndCause, Provisional, Responded
from gateway.sip.leg_state import (
    CAPABILITIES,
    Credentials,
    LegState,
    LegSurroundings,
    RequestPending,
)
from gateway.sip.message import MAX_FORWARDS, SipRequest, SipResponse
from gateway.sip.message_fields import SDP
from gateway.sip.offer_answer_state import Description, OfferAnswerState, may
from gateway.sip.own_request import OwnRequest, describes
from gateway.sip.reliable_provisional import RAck, ReceivedProvisionals, is_reliable
from gateway.sip.transaction import Destination

# A forked INVITE has as many early dialogs at most; the responses of others are not heard.
FORKS_MAX = 16
WITHOUT_100REL: tuple[Field, ...] = (CAPABILITIES[0], ("Supported", "timer"))


class Invitation(msgspec.Struct, frozen=True):
    """What the first INVITE says. `from_` has no tag; `routes` lead to an outbound proxy. Unless
    `reliable`, provisional responses are not to be sent reliably."""

    uri: str
    from_: str
    to: str
    headers: tuple[Field, ...] = ()
    body: bytes = b""
    routes: tuple[str, ...] = ()
    max_forwards: int = MAX_FORWARDS
    reliable: bool = True


class OutgoingLeg(Leg):
    """`heard` tells that the peer has said anything at all, if only 100 Trying."""

    __slots__ = (
        "_cseq",
        "_dialogs",
        "_invitation",
        "_invite",
        "_rack",
        "_received",
        "heard",
    )

    def __init__(
        self,
        shared: LegSurroundings,
        invitation: Invitation,
        destination: Destination,
        now: float,
        call_id: str,
        credentials: Credentials | None = None,
    ) -> None:
        _check(invitation)
        headers = tuple(own_fields(invitation.headers))
        super().__init__(shared, call_id, shared.new_token(), destination, credentials)
        self._invitation = invitation
        self._cseq = shared.random.getrandbits(16)
        self._dialogs: dict[str, Dialog] = {}
        self._received: dict[str, ReceivedProvisionals] = {}
        self._rack: RAck | None = None
        self.heard = False
        self._invite = OwnRequest(self, None, "INVITE", headers, invitation.body)
        if invitation.body:
            self.local_description = invitation.body
        try:
            self._send(self._invite, now)
        except BaseException:
            self._end(now)
            raise

    @property
    def _owns_call_id(self) -> bool:
        return True

    # What the owner asks

    def prack(self, now: float, body: bytes = b"") -> None:
        """Acknowledge a Provisional that offers, with our answer."""
        dialog, rack = self.dialog, self._rack
        if dialog is None or rack is None or self.over:
            raise RequestPending("no provisional response awaits its PRACK")
        self._rack = None
        if body:
            self._describe(dialog, Description.ANSWER_SENT)
            self.local_description = body
        self._send_prack(dialog, rack, now, body)

    def hang_up(self, now: float, headers: Iterable[Field] = ()) -> None:
        """A call that is not answered is cancelled (§9.1)."""
        if self.over or self.state is LegState.CONFIRMED:
            super().hang_up(now, headers)
            return
        self._tell_end(EndCause.HUNG_UP, 0, None)
        self.state = LegState.LEAVING
        assert self._invite.transaction is not None
        self._shared.layer.cancel(self._invite.transaction, now)

    def acknowledge_answer(self, now: float, body: bytes = b"") -> None:
        """Send the ACK to an Answered that offers, with our answer."""
        self.acknowledge(self._invite, now, body)

    # The first INVITE

    def _send(self, own: OwnRequest, now: float) -> None:
        if own is not self._invite:
            super()._send(own, now)
            return
        self._cseq += 1
        self._dialogs.clear()
        self._received.clear()
        request = self._first_invite(own)
        transaction = self._shared.layer.send_request(request, self.destination, now)
        transaction.user = own
        own.transaction = transaction
        self._our_invite = own
        own.tries += 1
        own.sequence = self._cseq

    def _first_invite(self, own: OwnRequest) -> SipRequest:
        invitation = self._invitation
        fields: list[Field] = [
            ("Max-Forwards", str(invitation.max_forwards)),
            ("From", f"{invitation.from_};tag={self.local_tag}"),
            ("To", invitation.to),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self._cseq} INVITE"),
            ("Contact", self.contact),
            *(CAPABILITIES if invitation.reliable else WITHOUT_100REL),
            *self.session_timer.offered(),
            *own.headers,
            *own.credentials,
        ]
        if own.body:
            fields.append(("Content-Type", SDP))
        if invitation.routes:
            fields[:0] = [("Route", route) for route in invitation.routes]
        return SipRequest("INVITE", invitation.uri, Headers.of(fields), own.body)

    def _as_sent(self, own: OwnRequest) -> SipRequest:
        if own.dialog is None:
            return SipRequest(own.method, self._invitation.uri, Headers.of([]), own.body)
        return super()._as_sent(own)

    def receive_response(self, own: OwnRequest, response: SipResponse, now: float) -> None:
        if own.method == "PRACK":
            self._receive_prack_response(own, response, now)
        elif own is not self._invite:
            super().receive_response(own, response, now)
        elif response.status < 200:
            self._receive_provisional(response, now)
        elif response.status < 300:
            self._receive_2xx(response, now)
        else:
            self._our_invite = None
            if self.state is LegState.LEAVING:
                self._end(now)
            elif self.state is not LegState.ENDED and not self._try_again(own, response, now):
                self._rejected(response.status, response, now)

    def receive_failure(self, own: OwnRequest, status: int, now: float) -> None:
        if own is not self._invite:
            super().receive_failure(own, status, now)
        elif self.state is LegState.LEAVING:
            self._end(now)
        elif self.state is LegState.INVITED or self.state is LegState.EARLY:
            self._rejected(status, None, now)

    def _rejected(self, status: int, response: SipResponse | None, now: float) -> None:
        self._our_invite = None
        self._tell_end(EndCause.REJECTED, status, response)
        self._end(now)

    # Provisional responses

    def _receive_provisional(self, response: SipResponse, now: float) -> None:
        if self.state is not LegState.INVITED and self.state is not LegState.EARLY:
            return
        self.heard = True
        if response.status == 100:
            return
        self.state = LegState.EARLY
        tag = response.to_tag
        if tag is None:
            self._tell(Provisional(self, response, None, False))
            return
        dialog = self._dialogs.get(tag)
        if dialog is None:
            if len(self._dialogs) >= FORKS_MAX:
                return
            dialog = self._new_dialog(response)
        self.dialog = dialog
        self._take_allows(response)
        if not is_reliable(response):
            self._tell(Provisional(self, response, dialog, False))
            return
        rack = self._received.setdefault(tag, ReceivedProvisionals()).take(response)
        if rack is None:
            return
        offers = False
        if describes(response):
            if dialog.offer_answer is OfferAnswerState.LOCAL_OFFER:
                self._describe(dialog, Description.ANSWER_RECEIVED)
            elif not self._invite.body and may(dialog.offer_answer, Description.OFFER_RECEIVED):
                self._describe(dialog, Description.OFFER_RECEIVED)
                offers = True
        if offers:
            self._rack = rack
        else:
            self._send_prack(dialog, rack, now)
        self._tell(Provisional(self, response, dialog, offers))

    def _send_prack(self, dialog: Dialog, rack: RAck, now: float, body: bytes = b"") -> None:
        headers: list[Field] = [("RAck", str(rack))]
        if body:
            headers.append(("Content-Type", SDP))
        super()._send(OwnRequest(self, dialog, "PRACK", tuple(headers), body), now)

    def _receive_prack_response(self, own: OwnRequest, response: SipResponse, now: float) -> None:
        if self.state is LegState.ENDED or response.status < 200:
            return
        if response.status >= 300 and not self._try_again(own, response, now):
            self._tell_unless_over(own, response)

    def _tell_unless_over(self, own: OwnRequest, response: SipResponse) -> None:
        if not self.over:
            self._tell(Responded(self, own, response.status, response))

    def _new_dialog(self, response: SipResponse) -> Dialog:
        assert self._invite.transaction is not None
        dialog = Dialog.as_uac(self._invite.transaction.request, self.local_tag, response)
        if self._invite.body:
            dialog.offer_answer = OfferAnswerState.LOCAL_OFFER
        self._dialogs[dialog.remote_tag] = dialog
        self._relocate(dialog)
        return dialog

    # 2xx

    def _receive_2xx(self, response: SipResponse, now: float) -> None:
        if self._acknowledged_before(self._invite, response, now):
            return
        self._our_invite = None
        tag = response.to_tag or ""
        dialog = self._dialogs.get(tag) or self._new_dialog(response)
        dialog.confirm(response)
        if self.state is LegState.CONFIRMED or self.over:
            self._send_ack(dialog, self._invite.sequence, now, b"", self._invite.credentials)
            # Another branch has answered, or we have cancelled in vain (§13.2.2.4, §9.1).
            if self._invite.dialog is None:
                self.dialog = self._invite.dialog = dialog
            own = OwnRequest(self, dialog, "BYE", (), b"")
            super()._send(own, now)
            return
        self.dialog = dialog
        self.state = LegState.CONFIRMED
        for other in self._dialogs.values():
            if other is not dialog:
                other.state = DialogState.TERMINATED
        self._dialogs = {tag: dialog}
        self._received.clear()
        self._invite.dialog = dialog
        self._relocate(dialog)
        self._take_allows(response)
        self.session_timer.agreed_as_uac(response)
        self._start_session_timer(now)
        acknowledge = self._answered_by(self._invite, dialog, response, now)
        self._tell(Answered(self, response, acknowledge))

    def _dialog_with(self, remote_tag: str) -> Dialog | None:
        return self._dialogs.get(remote_tag)

    def _end(self, now: float) -> None:
        super()._end(now)
        if self._invite.transaction is None:
            self._invite.leg = None


def _check(invitation: Invitation) -> None:
    """That each of its values fits its line."""
    if not invitation.uri or " " in invitation.uri:
        raise ValueRefused("the URI does not fit its line")
    for value in (invitation.uri, invitation.from_, invitation.to, *invitation.routes):
        one_line(value)
