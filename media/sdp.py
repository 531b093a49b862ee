"""Session descriptions (RFC 8866): lines in their order, those that we do not know with them.

What is read is printed as it was, but for the ends of lines, which are CRLF then.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from media.errors import SdpError
from media.sdp_lines import (
    NO_LINES,
    Direction,
    Line,
    Lines,
    direction_of,
    find,
    line_of,
    lines_of,
    number,
    printed,
)

SDP_OCTETS_MAX = 32_768
LINES_MAX = 1_024
MEDIA_MAX = 32
PORT_MAX = 65_535
# The addresses of peers are few, and dear to read.
ADDRESSES_MAX = 1_024


class Address(NamedTuple):
    """Where datagrams go: an IP address as it is written shortest, and a port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Media:
    """An m= line (§5.14) and the lines that follow it. `port_count` is as it stands behind the
    slash, 1 where there is none."""

    kind: str
    port: int
    proto: str
    formats: tuple[str, ...]
    lines: Lines = NO_LINES
    port_count: int = 1

    def __str__(self) -> str:
        count = f"/{self.port_count}" if self.port_count != 1 else ""
        head = f"m={self.kind} {self.port}{count} {self.proto} {' '.join(self.formats)}\r\n"
        return head + self.lines.printed


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """The lines that hold for the session, `v=` first, and its media."""

    lines: tuple[Line, ...]
    media: tuple[Media, ...] = ()

    def __bytes__(self) -> bytes:
        text = printed(self.lines) + "".join([str(one) for one in self.media])
        return text.encode("utf-8", "surrogateescape")

    def connection(self, media: Media) -> str:
        """The address of its c= line, or of the session's (§5.7): as it is written, empty where
        there is none."""
        line = media.lines.connection or find(self.lines, "c")
        return "" if line is None else _connection_address(line.value)

    def direction(self, media: Media) -> Direction:
        """Of the media, or else of the session, or else both ways (§6.7)."""
        said = media.lines.direction
        if said is not None:
            return said
        return direction_of(self.lines) or Direction.SENDRECV


def parse(octets: bytes) -> SessionDescription:
    """
    Raises:
        SdpError: not lines of SDP, no `v=0` before all, or more than the bounds allow.
    """
    if len(octets) > SDP_OCTETS_MAX:
        raise SdpError("the description is too long")
    text = octets.decode("utf-8", "surrogateescape").rstrip("\r\n")
    if text.count("\n") >= LINES_MAX:
        raise SdpError("the description has too many lines")
    session, *media = text.split("\nm=")
    lines = tuple([line_of(row) for row in session.split("\n")])
    if lines[0] != ("v", "0"):
        raise SdpError("the description does not begin with v=0")
    if len(media) > MEDIA_MAX:
        raise SdpError("the description has too many media")
    return SessionDescription(lines, tuple([_media(one) for one in media]))


@lru_cache(ADDRESSES_MAX)
def ip(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address, or None for a name, or one that has a zone."""
    try:
        return ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def address_kind(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


def _media(text: str) -> Media:
    """What follows `m=`, to the next of its kind."""
    row, more, block = text.partition("\n")
    if more and not block:
        raise SdpError("a line of the description is empty")
    value = line_of(f"m={row}").value
    parts = [part for part in value.split(" ") if part]
    if len(parts) < 4:
        raise SdpError("an m= line is malformed")
    kind, port_text, proto, *formats = parts
    port_text, slash, count_text = port_text.partition("/")
    port = number(port_text, PORT_MAX)
    port_count = number(count_text, PORT_MAX) if slash else 1
    if port is None or not port_count:
        raise SdpError("the port of an m= line is malformed")
    return Media(kind, port, proto, tuple(formats), lines_of(block), port_count)


def _connection_address(value: str) -> str:
    """Without the TTL and the count of multicast (§5.7)."""
    parts = value.split()
    if len(parts) != 3:
        raise SdpError("a c= line is malformed")
    return parts[2].partition("/")[0]
