"""The two requests that a transaction makes out of the one it sent: ACK for a response that is not
2xx (RFC 3261 §17.1.1.3), and CANCEL (§9.1)."""

from __future__ import annotations

from gateway.sip.headers import Field, Headers
from gateway.sip.message import MAX_FORWARDS, SipRequest, SipResponse

# A request that was let through by its credentials takes them along (§22.1).
CREDENTIALS = ("Authorization", "Proxy-Authorization")


def ack_for(invite: SipRequest, response: SipResponse) -> SipRequest:
    return _same_hop(invite, "ACK", response.required("To"))


def cancel_for(invite: SipRequest) -> SipRequest:
    return _same_hop(invite, "CANCEL", invite.required("To"))


def _same_hop(invite: SipRequest, method: str, to: str) -> SipRequest:
    headers = invite.headers
    fields: list[Field] = [
        ("Via", headers.get_all("Via")[0]),
        *(("Route", route) for route in headers.get_all("Route")),
        ("Max-Forwards", str(MAX_FORWARDS)),
        ("From", invite.required("From")),
        ("To", to),
        ("Call-ID", invite.call_id),
        ("CSeq", f"{invite.cseq.sequence} {method}"),
        *((name, value) for name in CREDENTIALS for value in headers.get_all(name)),
    ]
    return SipRequest(method, invite.uri, Headers.of(fields))
