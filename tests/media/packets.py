"""RTP and RTCP as ends send them."""

from __future__ import annotations

import struct

from media.rtp import RtpHeader

SSRC = 0x5EED


def packet(
    sequence: int = 1,
    timestamp: int | None = None,
    payload: bytes = bytes(160),
    payload_type: int = 0,
    ssrc: int = SSRC,
) -> bytes:
    """RTP whose timestamp, unless it is said, goes with its sequence number, 20 ms each."""
    if timestamp is None:
        timestamp = sequence * 160 & 0xFFFF_FFFF
    return bytes(RtpHeader(payload_type, sequence & 0xFFFF, timestamp, ssrc)) + payload


def sender_report(middle_of_ntp: int = 0x0001_8000, ssrc: int = SSRC) -> bytes:
    ntp = struct.pack("!HIH", 0, middle_of_ntp, 0)
    return struct.pack("!BBHI", 0x80, 200, 6, ssrc) + ntp + struct.pack("!III", 160, 1, 160)


def receiver_report(lsr: int = 0, dlsr_s: float = 0.0, lost: int = 0, ssrc: int = 2) -> bytes:
    block = struct.pack("!IIIIII", SSRC, lost & 0xFF_FFFF, 7, 0, lsr, round(dlsr_s * 65_536))
    return struct.pack("!BBHI", 0x81, 201, 7, ssrc) + block
