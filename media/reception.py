"""What came of one end's RTP: packets, octets, losses, jitter (RFC 3550 §6.4.1, A.1, A.3, A.8)."""

from __future__ import annotations

import struct
from typing import NamedTuple

_FIELDS = struct.Struct("!xxHII")
# A sequence number so far ahead is a gap; farther, and it is a jump, unless it goes on from there.
MAX_DROPOUT = 3_000
MAX_MISORDER = 100
_CYCLE = 1 << 16
_TIMESTAMP_CYCLE = 1 << 32
_NONE = -1


class LastHeard(NamedTuple):
    """Of one source: its highest number, the last timestamp, and when that came first."""

    ssrc: int
    sequence: int
    timestamp: int
    at: float


class Reception:
    """Fed with each packet, which is known to be RTP. A source that is followed by another, or
    that starts anew, is counted to its end and the next from its beginning. `sources` is how many
    there were, and `ended` what was heard last of the one before.
    """

    __slots__ = (
        "_bad_sequence",
        "_cycles",
        "_first",
        "_jitter",
        "_lost_before",
        "_next",
        "_of_source",
        "_ssrc",
        "_timestamp",
        "_transit",
        "clock_rate",
        "ended",
        "last_at",
        "octets",
        "packets",
        "sources",
    )

    def __init__(self, clock_rate: int = 8_000) -> None:
        self.clock_rate = clock_rate
        self.packets = 0
        self.octets = 0
        self.last_at = 0.0
        self.sources = 0
        self.ended: LastHeard | None = None
        self._ssrc = _NONE
        self._lost_before = 0
        # The extended number of the next packet is _cycles + _next.
        self._first = self._cycles = self._next = self._of_source = 0
        self._bad_sequence = self._timestamp = _NONE
        self._transit = self._jitter = 0.0

    @property
    def lost(self) -> int:
        """Never under 0, where duplicates are more than losses (A.3)."""
        expected = self._cycles + self._next - self._first
        return self._lost_before + max(0, expected - self._of_source)

    @property
    def jitter_s(self) -> float:
        """The mean deviation of the spacing of arrivals from that of the timestamps (A.8)."""
        return self._jitter / self.clock_rate

    @property
    def last(self) -> LastHeard | None:
        """Of the source that is heard now; None before the first."""
        if self._ssrc == _NONE:
            return None
        at = (self._transit + self._timestamp) / self.clock_rate
        return LastHeard(self._ssrc, (self._next - 1) & 0xFFFF, self._timestamp, at)

    @property
    def highest(self) -> int:
        """The extended number of the last packet (§6.4.1)."""
        return (self._cycles + self._next - 1) & 0xFFFF_FFFF

    @property
    def jitter(self) -> int:
        """In units of the timestamp (§6.4.1)."""
        return int(self._jitter)

    def received(self, packet: bytes, now: float) -> bool:
        """It came at `now`, of any clock that goes on evenly. Whether a source began with it."""
        sequence, timestamp, ssrc = _FIELDS.unpack_from(packet)
        began = False
        if sequence == self._next and ssrc == self._ssrc:
            self._next = sequence + 1
            self._of_source += 1
            in_turn = True
        else:
            sources = self.sources
            in_turn = self._received_out_of_turn(sequence, ssrc)
            began = self.sources != sources
        self.packets += 1
        self.octets += len(packet)
        self.last_at = now
        if in_turn and timestamp != self._timestamp:  # Those of a tone's event all have the same.
            transit = now * self.clock_rate - timestamp
            if self._timestamp >= 0:
                change = abs(transit - self._transit)
                if change > _TIMESTAMP_CYCLE / 2:  # The timestamp has begun again at 0.
                    change = abs(change - _TIMESTAMP_CYCLE)
                self._jitter += (change - self._jitter) / 16
            self._transit = transit
            self._timestamp = timestamp
        return began

    def _received_out_of_turn(self, sequence: int, ssrc: int) -> bool:
        """Whether its time of arrival says something of the way."""
        if ssrc != self._ssrc:
            self._change_source(sequence, ssrc)
        ahead = (sequence - self._next) & 0xFFFF
        if ahead < MAX_DROPOUT:
            if sequence < self._next:
                self._cycles += _CYCLE
            self._next = sequence + 1
        elif ahead < _CYCLE - MAX_MISORDER:
            # Two in a row: the source has started anew without telling (A.1).
            if sequence != self._bad_sequence:
                self._bad_sequence = (sequence + 1) & 0xFFFF
                return False
            self._change_source(sequence, ssrc)
            self._next = sequence + 1
            ahead = 0
        self._of_source += 1
        return ahead < MAX_DROPOUT

    def _change_source(self, sequence: int, ssrc: int) -> None:
        if self._ssrc != _NONE:
            self._lost_before = self.lost
            self.ended = self.last
        self.sources += 1
        self._ssrc = ssrc
        self._first = self._next = sequence
        self._cycles = self._of_source = 0
        self._bad_sequence = self._timestamp = _NONE
