"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3), and the way of a response
(§18.2.2, RFC 3581 §4)."""

from __future__ import annotations

from gateway.sip.message import SipMessage, SipRequest, SipResponse
from gateway.sip.transaction import Destination, Key
from gateway.sip.via import DEFAULT_PORT, MAGIC_COOKIE


def client_key(message: SipMessage) -> Key:
    """The branch and the method: a CANCEL has the branch of what it cancels (§17.1.3)."""
    return (message.branch or "", message.cseq[1])


def server_key(request: SipRequest) -> Key:
    """An ACK is for its INVITE. The method is last: what a CANCEL cancels has all else the same.

    Where the branch is not RFC 3261's, it is no key, and the whole request is compared (§17.2.3).
    An ACK there has the To tag of the response; as it names the INVITE by all the rest, To is left
    out for both.
    """
    method = "INVITE" if request.method == "ACK" else request.method
    usual = request.usual_via
    if usual and (branch := usual[4])[:7] == MAGIC_COOKIE and branch[7:]:
        port = int(usual[3] or DEFAULT_PORT.get(usual[1], 5060))
        return (branch, usual[2].lower(), port, method)
    via = request.via
    if via.has_magic_cookie:
        port = via.port or DEFAULT_PORT.get(via.transport, 5060)
        return (request.branch or "", via.host.lower(), port, method)
    return (
        request.uri,
        request.from_tag or "",
        request.call_id,
        request.cseq.sequence,
        request.headers.get_all("Via")[0],
        method,
    )


def merge_key(request: SipRequest) -> Key:
    """The same in two requests that forking brought here on two ways (§8.2.2.2)."""
    return (request.from_tag or "", request.call_id, *request.cseq)


def response_destination(request: SipRequest, source: Destination) -> Destination:
    """The connection that the request came over; or, without one, maddr; or the source, by its
    port where the peer asked for that, else by sent-by's."""
    if source.transport != "UDP":
        return source
    if (usual := request.usual_via) and usual[5]:
        return source
    via = request.via
    parameters = via.parameters
    maddr = parameters.get("maddr")
    if maddr is None and "rport" in parameters:
        return source
    port = via.port or DEFAULT_PORT.get(via.transport, 5060)
    return Destination(source.transport, maddr or source.host, port)


def has_passed_others(response: SipResponse) -> bool:
    """It has more than our Via (§8.1.3.3)."""
    headers = response.headers
    if "," in headers.first["Via"]:
        return True
    return headers.repeats > 0 and len(headers.get_all("Via")) > 1
