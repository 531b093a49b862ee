"""A blind transfer (RFC 3515, RFC 5589 §6.1): one side of a call refers the other to a third; it is
told by NOTIFY what came of that, in a piece of a SIP message (RFC 3420)."""

from __future__ import annotations

from contextlib import suppress

from gateway.sip.address import Address
from gateway.sip.errors import GrammarError, SipError
from gateway.sip.leg import Leg
from gateway.sip.message import SipRequest
from gateway.sip.reasons import reason_of
from gateway.sip.tel_uri import TelUri
from gateway.sip.uri import SipUri, Uri
from gateway.voice.media_session import Side

# As long as the target may ring at most, and some more.
SUBSCRIPTION_S = 300


class Transfer:
    """`referrer` is the leg that asked, of `side`, until it hangs up."""

    __slots__ = ("_id", "referrer", "side")

    def __init__(self, referrer: Leg, side: Side, refer: SipRequest) -> None:
        self.referrer: Leg | None = referrer
        self.side = side
        self._id = refer.cseq.sequence

    def notify(self, status: int, now: float) -> None:
        """How it goes; a final status ends the subscription that REFER has made (§2.4.4)."""
        if self.referrer is None or self.referrer.over:
            return
        state = (
            f"active;expires={SUBSCRIPTION_S}" if status < 200 else "terminated;reason=noresource"
        )
        headers = [
            ("Event", f"refer;id={self._id}"),
            ("Subscription-State", state),
            ("Content-Type", "message/sipfrag;version=2.0"),
        ]
        body = f"SIP/2.0 {status} {reason_of(status)}\r\n".encode()
        with suppress(SipError):  # Too many requests of ours are under way: it will see the BYE.
            self.referrer.request("NOTIFY", now, headers, body)


def refer_to(refer: SipRequest) -> Uri | None:
    """Whom to call; None for what is not a blind transfer to a number or a SIP address.

    Raises:
        GrammarError: there is no Refer-To, or more than one (§2.4.2).
    """
    values = refer.headers.elements("Refer-To")
    if len(values) != 1:
        raise GrammarError("there must be one Refer-To")
    uri = Address.parse(values[0]).uri
    if isinstance(uri, SipUri) and (uri.headers or "method" in uri.parameters):
        return None  # Replaces, for one: an attended transfer.
    return uri if isinstance(uri, SipUri | TelUri) else None
