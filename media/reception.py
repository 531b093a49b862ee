"""What came of one end's RTP: packets, octets, losses, jitter (RFC 3550 §6.4.1, A.1, A.3, A.8)."""

from __future__ import annotations

import struct

_FIELDS = struct.Struct("!xxHII")
# A sequence number so far ahead is a gap; farther, and it is a jump, unless it goes on from there.
MAX_DROPOUT = 3_000
MAX_MISORDER = 100
_CYCLE = 1 << 16
_TIMESTAMP_CYCLE = 1 << 32
_NONE = -1


class Reception:
    """Fed with each packet, which is known to be RTP. A source that is followed by another, or
    that starts anew, is counted to its end and the next from its beginning.

    `received` takes about a microsecond, so it is one piece.
    """

    __slots__ = (
        "_bad_sequence",
        "_base",
        "_cycles",
        "_highest",
        "_jitter",
        "_lost_before",
        "_of_source",
        "_ssrc",
        "_timestamp",
        "_transit",
        "clock_rate",
        "last_at",
        "octets",
        "packets",
    )

    def __init__(self, clock_rate: int = 8_000) -> None:
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.last_at = 0.0
        self._ssrc = _NONE
        self._lost_before = 0
        self._jitter = 0.0
        self._base = self._highest = self._cycles = self._of_source = 0
        self._bad_sequence = self._timestamp = _NONE
        self._transit = 0.0

    @property
    def lost(self) -> int:
        """Never under 0, where duplicates are more than losses (A.3)."""
        return self._lost_before + max(0, self._expected - self._of_source)

    @property
    def jitter_s(self) -> float:
        """The mean deviation of the spacing of arrivals from that of the timestamps (A.8)."""
        return self._jitter / self.clock_rate

    def received(self, packet: bytes, now: float) -> None:
        """It came at `now`, of any clock that goes on evenly."""
        self.packets += 1
        self.octets += len(packet)
        self.last_at = now
        sequence, timestamp, ssrc = _FIELDS.unpack_from(packet)
        if ssrc != self._ssrc:
            self._change_source(sequence, ssrc)
        ahead = (sequence - self._highest) & 0xFFFF
        if ahead < MAX_DROPOUT:
            if sequence < self._highest:
                self._cycles += _CYCLE
            self._highest = sequence
        elif ahead <= _CYCLE - MAX_MISORDER:
            # Two in a row: the source has started anew without telling (A.1).
            if sequence != self._bad_sequence:
                self._bad_sequence = (sequence + 1) & 0xFFFF
                return
            self._change_source(sequence, ssrc)
        self._of_source += 1
        if timestamp != self._timestamp:  # Those of a tone's event all have the same.
            transit = now * self.clock_rate - timestamp
            if self._timestamp >= 0 and ahead < MAX_DROPOUT:
                change = transit - self._transit
                if change > _TIMESTAMP_CYCLE / 2:  # The timestamp has begun again at 0.
                    change -= _TIMESTAMP_CYCLE
                elif change < -_TIMESTAMP_CYCLE / 2:
                    change += _TIMESTAMP_CYCLE
                self._jitter += (abs(change) - self._jitter) / 16
            self._transit = transit
            self._timestamp = timestamp

    @property
    def _expected(self) -> int:
        return self._cycles + self._highest - self._base + 1

    def _change_source(self, sequence: int, ssrc: int) -> None:
        if self._ssrc != _NONE:
            self._lost_before = self.lost
        self._ssrc = ssrc
        self._base = self._highest = sequence
        self._cycles = self._of_source = 0
        self._bad_sequence = self._timestamp = _NONE
