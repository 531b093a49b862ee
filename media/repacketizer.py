"""G.711 in packets of another length, for an end that asks for it (ptime, maxptime: RFC 8866 §6.4).

An octet is a sample, so what comes is cut anew; numbers are whoever's that sends the packets on.
"""

from __future__ import annotations

import struct

from media import rtp
from media.codecs import PCMA, PCMU, Codecs

OCTETS_PER_MS = 8
# Of packets that can be cut anew; a rest that is left longer than this is no use.
PTIME_MIN, PTIME_MAX = 10, 120
_STAMP = struct.Struct("!HII")


def wanted_ptime(receiver: Codecs, comes_ms: int) -> int | None:
    """What an end is to be sent that gets `comes_ms` in a packet; None where that is right."""
    ptime, maxptime = receiver.ptime, receiver.maxptime
    if maxptime is not None and (ptime is None or ptime > maxptime):
        ptime = maxptime if comes_ms > maxptime else None
    if ptime is None or ptime == comes_ms or not PTIME_MIN <= ptime <= PTIME_MAX:
        return None
    return ptime


class Repacketizer:
    """`ptime` in ms. What does not follow on what is held sends that first, as it is."""

    def __init__(self, ptime: int) -> None:
        self.octets = ptime * OCTETS_PER_MS
        self._held = b""
        self._head = b""  # Flags and type of the packet that the first octet came in.
        self._timestamp = 0
        self._ssrc = 0

    def repacketized(self, packet: bytes) -> list[bytes]:
        """What is complete now."""
        _, timestamp, ssrc = _STAMP.unpack_from(packet, 2)
        payload = rtp.payload(packet)
        audio = packet[1] & 0x7F in (PCMU, PCMA)
        follows = (
            audio
            and ssrc == self._ssrc
            and packet[1] == self._head[1:2][0]
            and timestamp == (self._timestamp + len(self._held)) & 0xFFFF_FFFF
            if self._held
            else False
        )
        ready: list[bytes] = []
        if not follows:
            ready.extend(self._flushed())
            if not audio:
                return [*ready, packet]
            self._head, self._timestamp, self._ssrc = bytes((0x80, packet[1])), timestamp, ssrc
        self._held += payload
        while len(self._held) >= self.octets:
            ready.append(self._cut(self.octets))
        return ready

    def _flushed(self) -> list[bytes]:
        return [self._cut(len(self._held))] if self._held else []

    def _cut(self, octets: int) -> bytes:
        payload, self._held = self._held[:octets], self._held[octets:]
        packet = self._head + _STAMP.pack(0, self._timestamp, self._ssrc) + payload
        self._timestamp = (self._timestamp + octets) & 0xFFFF_FFFF
        self._head = bytes((0x80, self._head[1] & 0x7F))
        return packet
