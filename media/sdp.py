"""Session descriptions (RFC 8866): lines in their order, those that we do not know with them.

What is read is printed as it was, but for the ends of lines, which are CRLF then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import pairwise
from typing import NamedTuple

from media.errors import SdpError

SDP_OCTETS_MAX = 32_768
LINES_MAX = 1_024
MEDIA_MAX = 32
PORT_MAX = 65_535
# The addresses of peers are few, and dear to read.
ADDRESSES_MAX = 1_024


class Line(NamedTuple):
    """`kind=value`; `kind` is one letter."""

    kind: str
    value: str


class Address(NamedTuple):
    """Where datagrams go: an IP address as it is written shortest, and a port."""

    host: str
    port: int


class Direction(StrEnum):
    """Seen by who says it (§6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)

    @classmethod
    def of(cls, sends: bool, receives: bool) -> Direction:
        if sends:
            return cls.SENDRECV if receives else cls.SENDONLY
        return cls.RECVONLY if receives else cls.INACTIVE


@dataclass(frozen=True, slots=True)
class Media:
    """An m= line (§5.14) and the lines that follow it. `port_count` is as it stands behind the
    slash, 1 where there is none."""

    kind: str
    port: int
    proto: str
    formats: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    port_count: int = 1

    def __str__(self) -> str:
        count = f"/{self.port_count}" if self.port_count != 1 else ""
        head = f"m={self.kind} {self.port}{count} {self.proto} {' '.join(self.formats)}\r\n"
        return head + printed(self.lines)


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
        line = find(media.lines, "c") or find(self.lines, "c")
        return "" if line is None else _connection_address(line.value)

    def direction(self, media: Media) -> Direction:
        """Of the media, or else of the session, or else both ways (§6.7)."""
        for kind, value in (*reversed(media.lines), *reversed(self.lines)):
            if kind == "a" and value in DIRECTIONS:
                return DIRECTIONS[value]
        return Direction.SENDRECV


DIRECTIONS = {direction.value: direction for direction in Direction}


def parse(octets: bytes) -> SessionDescription:
    """
    Raises:
        SdpError: not lines of SDP, no `v=0` before all, or more than the bounds allow.
    """
    if len(octets) > SDP_OCTETS_MAX:
        raise SdpError("the description is too long")
    text = octets.decode("utf-8", "surrogateescape")
    rows = text.rstrip("\r\n").split("\n")
    if len(rows) > LINES_MAX:
        raise SdpError("the description has too many lines")
    lines = [_line(row) for row in rows]
    if lines[0] != ("v", "0"):
        raise SdpError("the description does not begin with v=0")
    heads = [number for number, line in enumerate(lines) if line.kind == "m"]
    if len(heads) > MEDIA_MAX:
        raise SdpError("the description has too many media")
    ends = [*heads, len(lines)]
    return SessionDescription(
        tuple(lines[: ends[0]]),
        tuple([_media(lines[head].value, lines[head + 1 : end]) for head, end in pairwise(ends)]),
    )


def printed(lines: Sequence[Line]) -> str:
    return "".join([f"{kind}={value}\r\n" for kind, value in lines])


def find(lines: Sequence[Line], kind: str) -> Line | None:
    """The first of that kind."""
    for line in lines:
        if line[0] == kind:
            return line
    return None


def attributes(lines: Sequence[Line]) -> dict[str, str]:
    """The first value of each attribute, by its name (§5.13); empty for one that has none."""
    named: dict[str, str] = {}
    for kind, value in lines:
        if kind == "a":
            name, _, said = value.partition(":")
            named.setdefault(name, said)
    return named


def number(text: str, most: int) -> int | None:
    """A decimal number up to `most`, or None for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    value = int(text)
    return value if value <= most else None


@lru_cache(ADDRESSES_MAX)
def ip(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address, or None for a name, or one that has a zone."""
    try:
        return ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def address_kind(host: str) -> str:
    return "IP6" if ":" in host else "IP4"


def _line(row: str) -> Line:
    row = row.removesuffix("\r")
    if row[1:2] != "=" or not row[0].isascii() or not row[0].isalpha():
        raise SdpError("a line of the description is malformed")
    if "\r" in row or "\0" in row:
        raise SdpError("a line of the description holds CR or NUL")
    return Line(row[0], row[2:])


def _media(value: str, lines: list[Line]) -> Media:
    parts = [part for part in value.split(" ") if part]
    if len(parts) < 4:
        raise SdpError("an m= line is malformed")
    kind, port_text, proto, *formats = parts
    port_text, slash, count_text = port_text.partition("/")
    port = number(port_text, PORT_MAX)
    port_count = number(count_text, PORT_MAX) if slash else 1
    if port is None or not port_count:
        raise SdpError("the port of an m= line is malformed")
    return Media(kind, port, proto, tuple(formats), tuple(lines), port_count)


def _connection_address(value: str) -> str:
    """Without the TTL and the count of multicast (§5.7)."""
    parts = value.split()
    if len(parts) != 3:
        raise SdpError("a c= line is malformed")
    return parts[2].partition("/")[0]
