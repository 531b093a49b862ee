"""Addresses as sockets and as SIP write them (RFC 3261 §19.1.1, RFC 5118 §4.1)."""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import ip_address

FAMILIES_KEPT_MAX = 8_192


@lru_cache(maxsize=FAMILIES_KEPT_MAX)
def family_of(host: str) -> int | None:
    """AF_INET or AF_INET6; None for what nothing is sent to: a name, which would have to be looked
    up first, and a multicast address."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if address.is_multicast:
        return None
    return int(socket.AF_INET if address.version == 4 else socket.AF_INET6)


def bracketed(host: str) -> str:
    """As it stands in a URI or a Via: an IPv6 address in brackets and without its zone."""
    return f"[{host.partition('%')[0]}]" if ":" in host else host
