"""The audio of a description, as one end says it: where it wants it, what it sends."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address

import msgspec

from media.codecs import Codecs
from media.errors import NotAcceptable, SdpError
from media.sdp import ADDRESSES_MAX, PORT_MAX, Address, Media, SessionDescription, ip
from media.sdp_lines import Direction, number

_BROADCAST = IPv4Address("255.255.255.255")
UNSPECIFIED = ""
# What is longer is a name.
ADDRESS_CHARACTERS_MAX = 45


class AudioStream(msgspec.Struct, frozen=True):
    """`rtp` and `rtcp` are where its owner wants to get them: None where it wants none (hold as
    RFC 2543 had it, c=0.0.0.0), or has named a host and not an address, or the transport finds its
    way by itself. `secret` is what the transport needs besides: keys, or whose they are."""

    rtp: Address | None
    rtcp: Address | None
    direction: Direction
    codecs: Codecs
    proto: str
    rtcp_mux: bool = False
    secret: object = None

    @classmethod
    def of(cls, description: SessionDescription, media: Media) -> AudioStream:
        """
        Raises:
            SdpError: no address, or one that is for more than one.
        """
        host = description.connection(media)
        if not host:
            raise SdpError("the media has no c= line")
        address = written(host)
        direction = description.direction(media)
        said = media.lines.attributes
        rtcp_mux = "rtcp-mux" in said
        rtp = rtcp = None
        if address == UNSPECIFIED:
            direction = Direction.of(direction.sends, receives=False)
        elif address is not None:
            rtp = Address(address, media.port)
            rtcp = rtp if rtcp_mux else _rtcp(said.get("rtcp"), rtp)
        return cls(rtp, rtcp, direction, Codecs.of(media), media.proto, rtcp_mux)

    def __repr__(self) -> str:
        """Without the keys."""
        return f"AudioStream({self.rtp}, {self.direction}, {self.proto})"


def written(host: str) -> str | None:
    """As it is written shortest: UNSPECIFIED for one of zeros, None for a name.

    Raises:
        NotAcceptable: it is not that of one host.
    """
    return _written(host) if len(host) <= ADDRESS_CHARACTERS_MAX else None


@lru_cache(ADDRESSES_MAX)
def _written(host: str) -> str | None:
    address = ip(host)
    if address is None:
        return None
    if address.is_multicast or address == _BROADCAST:
        raise NotAcceptable("the address is not that of one host")
    return UNSPECIFIED if address.is_unspecified else str(address)


def _rtcp(said: str | None, rtp: Address) -> Address | None:
    """At the next port, unless it is said (RFC 3605 §2.1)."""
    if said is None:
        return Address(rtp.host, rtp.port + 1) if rtp.port < PORT_MAX else None
    port_text, *network = said.split(" ")
    port = number(port_text, PORT_MAX)
    if not port:
        return None
    if len(network) != 3:
        return Address(rtp.host, port)
    address = written(network[2])
    return None if address is None or address == UNSPECIFIED else Address(address, port)
