"""Where a request within a dialog goes, as far as no name has to be looked up (RFC 3261 §12.2.1.1,
RFC 3263 §4)."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from gateway.sip.transaction import Destination
from gateway.sip.uri import SipUri, parse_uri
from gateway.sip.via import DEFAULT_PORT

LOCATED_KEPT_MAX = 4_096


@lru_cache(maxsize=LOCATED_KEPT_MAX)
def locate(uri: str, known: Destination) -> Destination:
    """The address in the URI. Where it has a name, where its address cannot be reached from where
    the peer is `known` to be (it is private and the peer is not: a NAT stands between), and where
    the way is a connection, it is `known` still: there the peer has been heard."""
    parsed = parse_uri(uri)
    if not isinstance(parsed, SipUri) or known.connection:
        return known
    try:
        address = ip_address(parsed.host.strip("[]"))
        if address.is_private and not ip_address(known.host).is_private:
            return known
    except ValueError:
        return known
    transport = "TLS" if parsed.scheme == "sips" else (parsed.transport or "UDP").upper()
    port = parsed.port or DEFAULT_PORT.get(transport, 5060)
    return Destination(transport, str(address), port)
