"""The header of RTP (RFC 3550 §5.1), read and written; and what tells RTP from other octets."""

from __future__ import annotations

import struct
from typing import NamedTuple

HEADER_OCTETS = 12
# An Ethernet frame's worth: nobody sends audio in more.
PACKET_OCTETS_MAX = 1_500
_HEADER = struct.Struct("!BBHII")
_VERSION = 2
# The first of a packet without padding, extension and contributing sources.
PLAIN_OCTET = _VERSION << 6
_PADDING, _EXTENSION, _CSRC_COUNT = 0x20, 0x10, 0x0F
_MARKER = 0x80
_OCTETS = tuple(bytes((number,)) for number in range(256))
# The second octet of RTCP where RTP is looked for (RFC 5761 §4).
RTCP_TYPES = range(192, 224)


class RtpHeader(NamedTuple):
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    marker: bool = False

    def __bytes__(self) -> bytes:
        return _HEADER.pack(
            _VERSION << 6,
            self.payload_type | (_MARKER if self.marker else 0),
            self.sequence,
            self.timestamp,
            self.ssrc,
        )


def parse(packet: bytes) -> RtpHeader | None:
    """The header, or None for what is no RTP (§A.1: version, payload type, lengths that fit)."""
    if payload_at(packet) is None:
        return None
    _, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
    return RtpHeader(second & 0x7F, sequence, timestamp, ssrc, second >= _MARKER)


def payload(packet: bytes) -> bytes:
    """What follows the header, without padding; empty for what is no RTP."""
    at = payload_at(packet)
    if at is None:
        return b""
    if packet[0] == PLAIN_OCTET:
        return packet[at:]
    return packet[at : len(packet) - (packet[-1] if packet[0] & _PADDING else 0)]


def translated(packet: bytes, payload_type: int, table: bytes) -> bytes:
    """With each octet of the payload by the table, as that type; all else stays."""
    if len(packet) >= HEADER_OCTETS and packet[0] == PLAIN_OCTET:  # As good as all are so.
        second = _OCTETS[packet[1] & _MARKER | payload_type]
        return packet[:1] + second + packet[2:12] + packet[12:].translate(table)
    at = payload_at(packet)
    if at is None:
        return packet
    end = len(packet) - (packet[-1] if packet[0] & _PADDING else 0)
    second = bytes((packet[1] & _MARKER | payload_type,))
    return packet[:1] + second + packet[2:at] + packet[at:end].translate(table) + packet[end:]


def payload_at(packet: bytes) -> int | None:
    """Where the payload begins: after contributing sources and the extension (§5.3.1)."""
    if not HEADER_OCTETS <= len(packet) <= PACKET_OCTETS_MAX:
        return None
    first = packet[0]
    if first >> 6 != _VERSION or packet[1] in RTCP_TYPES:
        return None
    if first == PLAIN_OCTET:
        return HEADER_OCTETS
    at = HEADER_OCTETS + 4 * (first & _CSRC_COUNT)
    if first & _EXTENSION:
        if at + 4 > len(packet):
            return None
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4], "big")
    padding = packet[-1] if first & _PADDING else 0
    if at + padding > len(packet) or (first & _PADDING and not padding):
        return None
    return at
