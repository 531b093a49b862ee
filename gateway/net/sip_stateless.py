"""Answers without a transaction (RFC 3261 §8.2.7). Pure: a request and its answer to octets and the
way that they take."""

from __future__ import annotations

from zlib import crc32

from gateway.sip.errors import GrammarError, RequestRefused
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.transaction_matching import response_destination


def refusal_of(error: RequestRefused) -> SipResponse:
    """With the same tag for the same request, since nothing of it is kept."""
    via = error.request.headers.get("Via") or ""
    tag = f"{crc32(via.encode('utf-8', 'surrogateescape')):08x}"
    return error.request.response(error.status, error.reason, to_tag=tag)


def stateless(request: SipRequest, response: SipResponse, source: Destination) -> Outgoing:
    """By the way of §18.2.2, its Via marked as the transport does (§18.2.1, RFC 3581 §4); where the
    Via cannot be read, by the way that the request came."""
    try:
        marked = request.received_from(source.host, source.port)
        destination = response_destination(marked, source)
    except GrammarError:
        return Outgoing(response.to_bytes(), source)
    vias = [("Via", value) for value in marked.headers.get_all("Via")]
    rest = [field for field in response.headers if field[0] != "Via"]
    answer = response.with_headers(Headers.of([*vias, *rest]))
    return Outgoing(answer.to_bytes(), destination)
