"""The audio of a description, as one end says it: where it wants it, what it sends."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from media.errors import NotAcceptable, SdpError
from media.sdp import (
    PORT_MAX,
    Address,
    Direction,
    Media,
    SessionDescription,
    attributes,
    ip,
    number,
)

# RTP without SRTP (RFC 3551, RFC 4585).
PLAIN = ("RTP/AVP", "RTP/AVPF")
_PAYLOAD_TYPES = {str(number): number for number in range(128)}
CLOCK_RATE = 8_000
CLOCK_RATE_MAX = 192_000
_BROADCAST = IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class AudioStream:
    """`rtp` and `rtcp` are where its owner wants to get them: None where it wants none (hold as
    RFC 2543 had it, c=0.0.0.0), or has named a host and not an address. `clock_rate` is that of
    the first format."""

    rtp: Address | None
    rtcp: Address | None
    direction: Direction
    payload_types: frozenset[int]
    clock_rate: int = CLOCK_RATE
    rtcp_mux: bool = False

    @classmethod
    def of(cls, description: SessionDescription, media: Media) -> AudioStream:
        """
        Raises:
            SdpError: no address, or one that is for more than one.
        """
        host = description.connection(media)
        if not host:
            raise SdpError("the media has no c= line")
        address = ip(host)
        direction = description.direction(media)
        said = attributes(media.lines)
        rtcp_mux = "rtcp-mux" in said
        rtp = rtcp = None
        if address is not None and address.is_unspecified:
            direction = Direction.of(direction.sends, receives=False)
        elif address is not None:
            rtp = _unicast(address, media.port)
            rtcp = rtp if rtcp_mux else _rtcp(said.get("rtcp"), rtp)
        return cls(
            rtp,
            rtcp,
            direction,
            frozenset([_PAYLOAD_TYPES[text] for text in media.formats if text in _PAYLOAD_TYPES]),
            _clock_rate(media),
            rtcp_mux,
        )


def is_plain_audio(media: Media) -> bool:
    return media.kind == "audio" and media.port != 0 and media.proto in PLAIN


def find_audio(description: SessionDescription, preferred: int) -> int:
    """Which m= line is served: the one that was, or else the first that can be.

    Raises:
        NotAcceptable: there is none.
    """
    media = description.media
    if preferred < len(media) and is_plain_audio(media[preferred]):
        return preferred
    for index, one in enumerate(media):
        if is_plain_audio(one):
            return index
    raise NotAcceptable("no audio over plain RTP is offered")


def _unicast(address: IPv4Address | IPv6Address, port: int) -> Address:
    if address.is_multicast or address == _BROADCAST:
        raise NotAcceptable("the address is not that of one host")
    return Address(str(address), port)


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
    address = ip(network[2])
    return None if address is None or address.is_unspecified else _unicast(address, port)


def _clock_rate(media: Media) -> int:
    """Of the first format, by its rtpmap (§6.6); those that have none run at 8,000 Hz, as good as
    all (RFC 3551 §6)."""
    rtpmap = f"rtpmap:{media.formats[0]} "
    for _, value in media.lines:
        if value.startswith(rtpmap):
            _, rate, *_ = f"{value}/".split("/")
            return number(rate, CLOCK_RATE_MAX) or CLOCK_RATE
    return CLOCK_RATE
