"""Builders of SIP octets for the tests of this layer."""

from __future__ import annotations

from gateway.sip.message import SipRequest
from gateway.sip.parser import parse


def octets(
    *lines: str, start: str = "OPTIONS sip:bob@biloxi.com SIP/2.0", body: bytes = b""
) -> bytes:
    """A message of these header lines alone."""
    return "\r\n".join([start, *lines, "", ""]).encode() + body


def request_octets(
    *more: str, method: str = "OPTIONS", uri: str = "sip:bob@biloxi.com", body: bytes = b""
) -> bytes:
    """A request that has all it must, and `more` header lines."""
    return octets(
        "Via: SIP/2.0/TCP pc33.atlanta.com;branch=z9hG4bK776asdhds",
        "Max-Forwards: 70",
        "From: Alice <sip:alice@atlanta.com>;tag=1928301774",
        "To: Bob <sip:bob@biloxi.com>",
        "Call-ID: a84b4c76e66710@pc33.atlanta.com",
        f"CSeq: 314159 {method}",
        *more,
        f"Content-Length: {len(body)}",
        start=f"{method} {uri} SIP/2.0",
        body=body,
    )


def request(
    *more: str, method: str = "OPTIONS", uri: str = "sip:bob@biloxi.com", body: bytes = b""
) -> SipRequest:
    read = parse(request_octets(*more, method=method, uri=uri, body=body))
    assert isinstance(read, SipRequest)
    return read
