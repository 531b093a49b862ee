"""Session descriptions (RFC 8866): lines in their order, those that we do not know with them.

What is read is printed as it was, but for the ends of lines, which are CRLF then.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

import msgspec

from media.errors import SdpError
from media.sdp_lines import (
    NO_LINES,
    Direction,
    Line,
    Lines,
    lines_of,
    read_line,
)

SDP_OCTETS_MAX = 32_768
LINES_MAX = 1_024
MEDIA_MAX = 32
PORT_MAX = 65_535
# kind port[/count] proto format ...
_MEDIA = re.compile(
    r"([^ \r\0]+) +([0-9]{1,9})(?:/([0-9]{1,9}))? +([^ \r\0]+) +([^ \r\0][^\r\0]*)\r?"
)
# The addresses of peers are few, and dear to read.
ADDRESSES_MAX = 1_024


class Address(NamedTuple):
    """Where datagrams go: an IP address as it is written shortest, and a port."""

    host: str
    port: int


class Media(msgspec.Struct, frozen=True):
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


class SessionDescription(msgspec.Struct, frozen=True):
    """`v=0`; `o=` where it follows, apart, for no other line differs in each call; the other lines
    that hold for the session; and its media."""

    origin: Line | None
    lines: Lines
    media: tuple[Media, ...] = ()

    def __bytes__(self) -> bytes:
        head = "v=0\r\n" if self.origin is None else f"v=0\r\no={self.origin.value}\r\n"
        text = head + self.lines.printed + "".join([str(one) for one in self.media])
        return text.encode("utf-8", "surrogateescape")

    def connection(self, media: Media) -> str:
        """The address of its c= line, or of the session's (§5.7): as it is written, empty where
        there is none."""
        line = media.lines.connection or self.lines.connection
        return "" if line is None else _connection_address(line.value)

    def direction(self, media: Media) -> Direction:
        """Of the media, or else of the session, or else both ways (§6.7)."""
        return media.lines.direction or self.lines.direction or Direction.SENDRECV


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
    row, more, block = session.partition("\n")
    if row.removesuffix("\r") != "v=0":
        raise SdpError("the description does not begin with v=0")
    if len(media) > MEDIA_MAX:
        raise SdpError("the description has too many media")
    origin = None
    if block.startswith("o="):
        row, more, block = block.partition("\n")
        origin = read_line(row)
    if more and not block:
        raise SdpError("a line of the description is empty")
    return SessionDescription(origin, lines_of(block), tuple([_media(one) for one in media]))


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
    found = _MEDIA.fullmatch(row)
    if found is None:
        raise SdpError("an m= line is malformed")
    kind, port_text, count_text, proto, formats = found.groups()
    port = int(port_text)
    port_count = 1 if count_text is None else int(count_text)
    if port > PORT_MAX or not 0 < port_count <= PORT_MAX:
        raise SdpError("the port of an m= line is malformed")
    return Media(kind, port, proto, tuple(formats.split()), lines_of(block), port_count)


def _connection_address(value: str) -> str:
    """Without the TTL and the count of multicast (§5.7)."""
    parts = value.split()
    if len(parts) != 3:
        raise SdpError("a c= line is malformed")
    return parts[2].partition("/")[0]
