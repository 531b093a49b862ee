"""How peers reach us: the sent-by of our Vias (RFC 3261 §18.1.1) and our Contacts (§8.1.1.8)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address

from gateway.net.sip_address import bracketed, family_of
from gateway.sip.transaction import Destination
from gateway.sip.via import DEFAULT_PORT

LOCAL_KEPT_MAX = 4_096

# RFC 7118 §5: of a URI, transport=ws stands for both.
_URI_TRANSPORT = {"UDP": "", "WSS": ";transport=ws"}


class SipOwnAddresses:
    """By `public_host`; else by the address that we listen on; where that is any, by the one from
    which the system would send to the peer. `ports` are the listeners', by transport: a connection
    that we opened has another, where nobody listens."""

    def __init__(self, host: str, public_host: str, ports: Mapping[str, int]) -> None:
        self._host = public_host.strip("[]") or ("" if _is_any(host) else host)
        self._ports = ports
        self._local: dict[str, str] = {}
        # Where the host is one for all, by transport.
        self._sent_by: dict[str, str] = {}
        self._contacts: dict[str, str] = {}

    def sent_by(self, destination: Destination) -> str:
        """Of the Via. A peer on a WebSocket has an .invalid name there, and we have our own
        (RFC 7118 §5): what it answers comes over its connection."""
        transport = destination.transport
        known = self._sent_by.get(transport)
        if known is not None:
            return known
        port = self._ports.get(transport) or DEFAULT_PORT.get(transport, 5060)
        made = f"{bracketed(self._host or self._local_host(destination.host))}:{port}"
        if self._host:
            self._sent_by[transport] = made
        return made

    def contact(self, destination: Destination) -> str:
        transport = destination.transport
        known = self._contacts.get(transport)
        if known is not None:
            return known
        parameter = _URI_TRANSPORT.get(transport, f";transport={transport.lower()}")
        made = f"<sip:{self.sent_by(destination)}{parameter}>"
        if self._host:
            self._contacts[transport] = made
        return made

    def forget(self) -> None:
        """The system's addresses and routes may have changed."""
        self._local.clear()

    def _local_host(self, peer: str) -> str:
        local = self._local.get(peer)
        if local is None:
            if len(self._local) >= LOCAL_KEPT_MAX:
                self._local.clear()
            local = self._local[peer] = _local_host_towards(peer)
        return local


def _is_any(host: str) -> bool:
    try:
        return not host or ip_address(host).is_unspecified
    except ValueError:
        return False


def _local_host_towards(peer: str) -> str:
    """Nothing is sent: a datagram socket that connects only asks for the route."""
    family = family_of(peer)
    loopback = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    if family is None:
        return loopback
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((peer, 9))
        except OSError:
            return loopback
        return str(asking.getsockname()[0])
