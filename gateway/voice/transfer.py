"""A blind transfer (RFC 3515, RFC 5589 §6.1): one side of a call refers the other to a third, who
is hunted for and takes its place. It is told by NOTIFY what came of that, in a piece of a SIP
message (RFC 3420)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gateway.call import Call, CallDirection, EndedBy
from gateway.sip.address import Address
from gateway.sip.errors import GrammarError, SipError
from gateway.sip.leg import Leg
from gateway.sip.leg_events import Asked
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.reasons import reason_of
from gateway.sip.sanity import Refusal
from gateway.sip.tel_uri import TelUri
from gateway.sip.uri import SipUri, Uri
from gateway.voice.call_attempt import ANSWERED
from gateway.voice.call_session import description, other
from gateway.voice.call_timers import CallTimer
from gateway.voice.hunt import Hunt
from gateway.voice.media_session import MediaRefused, Side
from gateway.voice.passed_headers import TEMPORARY_FAILURE, hops_left
from gateway.voice.passed_requests import NOT_NOW

if TYPE_CHECKING:
    from gateway.voice.joined_call import JoinedCall

ACCEPTED = 202
DECLINED = 603
NOT_ACCEPTABLE = 488
# As long as the target may ring at most, and some more.
SUBSCRIPTION_S = 300


class Transfer:
    """`referrer` is the leg that asked, of `side`, until it hangs up."""

    __slots__ = ("_call", "_id", "referrer", "side")

    def __init__(self, call: JoinedCall, referrer: Leg, side: Side, refer: SipRequest) -> None:
        self._call = call
        self.referrer: Leg | None = referrer
        self.side = side
        self._id = refer.cseq.sequence

    @classmethod
    def asked(cls, call: JoinedCall, event: Asked, side: Side) -> Transfer | None:
        """A REFER has come; it is answered, and refused unless it leads to a Transfer. Only who is
        a customer of ours may send the other elsewhere, at its own cost."""
        leg, refer, now = event.leg, event.request, call.now
        if not call.talks or call.hunt is not None:
            leg.respond(event.transaction, NOT_NOW, now)
            return None
        try:
            target = refer_to(refer)
        except GrammarError:
            leg.respond(event.transaction, 400, now)
            return None
        admitted = None
        if target is not None and side is customer_side(call.history.call):
            admitted = call.shared.admission.check_transfer(call.history.call, target, now)
        if admitted is None or isinstance(admitted, Refusal):
            leg.respond(event.transaction, DECLINED, now)
            return None
        call.admitted.append(admitted)
        leg.respond(event.transaction, ACCEPTED, now)
        return cls(call, leg, side, refer)

    async def begin(self, refer: SipRequest) -> None:
        """Hunt for the third, who is offered what the remaining side has described last."""
        call = self._call
        self.notify(100)
        admitted = call.admitted[-1]
        onward = replace(call.history.call, caller=admitted.caller, called=admitted.called)
        remaining = other(self.side)
        ways = call.shared.ways(onward, admitted)
        sdp = call.session.described(remaining)
        call.hunt = Hunt(call.shared, call, ways, remaining, sdp, (), hops_left(refer))
        no_answer_s = call.shared.bounds.no_answer_s
        call.shared.timers.set(CallTimer.UNANSWERED, call, no_answer_s, call.now)
        await call.setup.dial(call.hunt)

    async def answered(self, hunt: Hunt, response: SipResponse) -> None:
        """The third takes the place of who referred to it, unless its session is none that the
        remaining side can be joined with. Who remains is offered the session of the third."""
        call, side = self._call, self.side
        assert hunt.attempt is not None
        sdp = description(response)
        qualities = await call.session.qualities()
        try:
            if not sdp:
                raise MediaRefused(NOT_ACCEPTABLE, "there is no answer")
            await call.session.answer(side, sdp)
        except MediaRefused:
            call.legs.part(hunt.attempt.leg, TEMPORARY_FAILURE, call.now)
            hunt.rejected(NOT_ACCEPTABLE, None, call.now)
            await self.failed(NOT_ACCEPTABLE)
            return
        self.notify(ANSWERED)
        call.legs.free(side, qualities.of(side), call.now)
        call.legs.place(side, hunt.answered(call.now))
        if self.referrer is not None:
            call.legs.part(self.referrer, (), call.now)
        self._leave()
        call.offer_again_to = other(side)

    async def failed(self, status: int) -> None:
        """Both go on to talk; unless the one who referred has left."""
        self.notify(status)
        self._leave()
        if self.referrer is None:
            await self._call.end.talk(None, EndedBy.GATEWAY, TEMPORARY_FAILURE)

    def _leave(self) -> None:
        call = self._call
        call.transfer = None
        call.hunt = None
        call.shared.timers.stop(CallTimer.UNANSWERED, call)

    def notify(self, status: int) -> None:
        """How it goes; a final status ends the subscription that REFER has made (§2.4.4)."""
        if self.referrer is None or self.referrer.over:
            return
        state = "terminated;reason=noresource"
        if status < 200:
            state = f"active;expires={SUBSCRIPTION_S}"
        headers = [
            ("Event", f"refer;id={self._id}"),
            ("Subscription-State", state),
            ("Content-Type", "message/sipfrag;version=2.0"),
        ]
        body = f"SIP/2.0 {status} {reason_of(status)}\r\n".encode()
        with suppress(SipError):  # Too many requests of ours are under way: it will see the BYE.
            self.referrer.request("NOTIFY", self._call.now, headers, body)


def refer_to(refer: SipRequest) -> Uri | None:
    """Whom to call; None for what is not a blind transfer to a number or a SIP address.

    Raises:
        GrammarError: there is no Refer-To, or more than one (§2.4.2).
    """
    values = refer.headers.elements("Refer-To")
    if len(values) != 1:
        raise GrammarError("there must be one Refer-To")
    hops_left(refer)  # Raised now, not when the call is under way.
    uri = Address.parse(values[0]).uri
    if isinstance(uri, SipUri) and (uri.headers or "method" in uri.parameters):
        return None  # Replaces, for one: an attended transfer.
    return uri if isinstance(uri, SipUri | TelUri) else None


def customer_side(call: Call) -> Side:
    """Whose account the call is of."""
    return Side.CALLER if call.direction is CallDirection.OUTBOUND else Side.CALLED
