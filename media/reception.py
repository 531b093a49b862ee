"""What came of one end's RTP: packets, octets, losses, jitter (RFC 3550 §6.4.1, A.1, A.3, A.8)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from media.packet_run import HEAD, NEXT_NUMBER, NOTHING, UNMARKED, WHOLE, Run, Straight

_FIELDS = struct.Struct("!xxHII")
# A sequence number so far ahead is a gap; farther, and it is a jump, unless it goes on from there.
MAX_DROPOUT = 3_000
MAX_MISORDER = 100
_CYCLE = 1 << 16
_TIMESTAMP_CYCLE = 1 << 32
_NONE = -1
# Of one packet: longer ones are of no run.
_TICKS_MAX = 1 << 16


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

    Packets of its `run` are counted there while it lasts, and here as soon as anybody asks.
    """

    __slots__ = (
        "_bad_sequence",
        "_cycles",
        "_first",
        "_jitter",
        "_last_at",
        "_lost_before",
        "_next",
        "_octets",
        "_of_source",
        "_packets",
        "_ssrc",
        "_ticks",
        "_timestamp",
        "_transit",
        "clock_rate",
        "ended",
        "run",
        "sources",
    )

    def __init__(self, clock_rate: int = 8_000) -> None:
        self.clock_rate = clock_rate
        self.run = Run()
        self.sources = 0
        self._packets = self._octets = 0
        self._last_at = 0.0
        self.ended: LastHeard | None = None
        self._ssrc = _NONE
        self._lost_before = 0
        # The extended number of the next packet is _cycles + _next.
        self._first = self._cycles = self._next = self._of_source = 0
        self._bad_sequence = self._timestamp = _NONE
        self._transit = self._jitter = 0.0
        # How much later than the one before the last packet was by its timestamp.
        self._ticks = 0

    @property
    def packets(self) -> int:
        return self._packets + self.run.packets

    @property
    def octets(self) -> int:
        return self._octets + self.run.packets * len(self.run.packet)

    @property
    def last_at(self) -> float:
        return self._last_at if self.run.expected == NOTHING else self.run.last_at

    @property
    def lost(self) -> int:
        """Never under 0, where duplicates are more than losses (A.3)."""
        self._count_run()
        expected = self._cycles + self._next - self._first
        return self._lost_before + max(0, expected - self._of_source)

    @property
    def jitter_s(self) -> float:
        """The mean deviation of the spacing of arrivals from that of the timestamps (A.8)."""
        self._count_run()
        return self._jitter / self.clock_rate

    @property
    def last(self) -> LastHeard | None:
        """Of the source that is heard now; None before the first."""
        self._count_run()
        if self._ssrc == _NONE:
            return None
        at = (self._transit + self._timestamp) / self.clock_rate
        return LastHeard(self._ssrc, (self._next - 1) & 0xFFFF, self._timestamp, at)

    @property
    def highest(self) -> int:
        """The extended number of the last packet (§6.4.1)."""
        self._count_run()
        return (self._cycles + self._next - 1) & 0xFFFF_FFFF

    @property
    def jitter(self) -> int:
        """In units of the timestamp (§6.4.1)."""
        self._count_run()
        return int(self._jitter)

    def received(self, packet: bytes, now: float) -> bool:
        """It came at `now`, of any clock that goes on evenly. Whether a source began with it."""
        if self.run.expected != NOTHING:
            self.end_run()
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
        self._packets += 1
        self._octets += len(packet)
        self._last_at = now
        if in_turn and timestamp != self._timestamp:  # Those of a tone's event all have the same.
            transit = now * self.clock_rate - timestamp
            if self._timestamp >= 0:
                change = abs(transit - self._transit)
                if change > _TIMESTAMP_CYCLE / 2:  # The timestamp has begun again at 0.
                    change = abs(change - _TIMESTAMP_CYCLE)
                self._jitter += (change - self._jitter) / 16
            self._transit = transit
            self._ticks = timestamp - self._timestamp
            self._timestamp = timestamp
        return began

    def begin_run(self, packet: bytes, send: Straight, on_unsent: Callable[[], object]) -> None:
        """With the packet after this one, which was received just now. Not where this one came out
        of turn or again, or its timestamp tells nothing of the next."""
        sequence, timestamp, _ = _FIELDS.unpack_from(packet)
        ticks, transit = self._ticks, self._last_at * self.clock_rate - timestamp
        if sequence + 1 != self._next or transit != self._transit or not 0 < ticks < _TICKS_MAX:
            return
        run = self.run
        first, run.ssrc = HEAD.unpack_from(packet)
        run.step = NEXT_NUMBER + ticks
        run.first = run.expected = (first & UNMARKED) + run.step
        run.read_octets, run.packet = len(packet) + run.overhead, WHOLE[: len(packet)]
        run.send, run.on_unsent = send, on_unsent
        run.last_at, run.spacing_s = self._last_at, ticks / self.clock_rate
        run.jitter_s = self._jitter / self.clock_rate

    def end_run(self) -> None:
        """The next packet is looked at by whoever feeds this; harmless where there is no run."""
        self._count_run()
        self.run.end()

    def _count_run(self) -> None:
        run = self.run
        packets = run.packets
        if packets:
            run.first = run.expected
            self._packets += packets
            self._octets += packets * len(run.packet)
            self._of_source += packets
            self._next += packets
            self._timestamp += packets * (run.step - NEXT_NUMBER)
            self._last_at = run.last_at
            self._jitter = run.jitter_s * self.clock_rate
            self._transit = run.last_at * self.clock_rate - self._timestamp

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
