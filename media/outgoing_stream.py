"""What one end is sent is one stream (RFC 3550 §5.1), whoever is heard in it: another source after
a transfer or a failover, a player, and the call again.

    fresh        nothing was sent yet
    transparent  one source is passed on as it is; what was sent last is what it sent last
    tracked      numbers and times are ours: each new source goes on where the last one stopped
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from media.packet_run import BUFFER, Run, Straight
from media.reception import MAX_DROPOUT, MAX_MISORDER, LastHeard, Reception
from media.rtp import HEADER_OCTETS, RtpHeader

_FIELDS = struct.Struct("!HII")
_MARKER = 0x80
_CYCLE, _TIMESTAMP_CYCLE = 1 << 16, 1 << 32
# How much later the next packet is at the least.
PACKET_S = 0.020
# Spreads the SSRC over the first timestamp (Knuth's multiplier).
_SPREAD = 2_654_435_761


class SentBy(NamedTuple):
    """What a sender report says (§6.4.1)."""

    ssrc: int
    timestamp: int
    packets: int
    octets: int


class _Before(NamedTuple):
    """The source before, whose packets may come late: `highest` is the last number it had here."""

    ssrc: int
    highest: int
    sequence_change: int
    timestamp_change: int


_NOBODY = _Before(-1, 0, 0, 0)


class OutgoingStream:
    """`ssrc` is its own if a player begins it: random, and the first numbers come of it. Once
    tracked, it counts what was sent; `source` is whose packets are passed on then, and their times
    and numbers differ by `timestamp_change` and `sequence_change`."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.clock_rate = 8_000
        self.tracked = False
        self.packets = 0
        self.payload_octets = 0
        self._feeder: Reception | None = None
        self._sequence = ssrc & 0x7FFF
        self._timestamp = ssrc * _SPREAD % _TIMESTAMP_CYCLE
        self._at: float | None = None
        self.source = -1
        self.sequence_change = self.timestamp_change = 0
        self._takes_next = False  # Whatever number comes next, it goes on from what was sent.
        self._before = _NOBODY

    def begin(self, reception: Reception) -> bool:
        """A source has begun, and one of its packets is to be passed on: whether as it is."""
        if self.tracked:
            return False
        if self._feeder is None:
            self._feeder = reception
            return True
        self._track(reception.ended if self._feeder is reception else self._feeder.last)
        return False

    def track(self) -> None:
        """From now on, since something else than the one source is to be sent."""
        if not self.tracked:
            self._track(None if self._feeder is None else self._feeder.last)

    def follow_another(self) -> None:
        """What is passed on next has numbers and times of another making, whatever its SSRC is."""
        self.track()
        self.source = -1
        self._before = _NOBODY

    def leave_out(self, packet: bytes) -> None:
        """The source's last packet is not passed on, and is not missed."""
        if not self.tracked:
            self.track()
            if int.from_bytes(packet[2:4], "big") == self._sequence:
                self._sequence = (self._sequence - 1) % _CYCLE
        self._takes_next = True

    def forward(self, packet: bytes, now: float, in_turn: bool = False) -> bytes:
        """A source's packet as the end is to have it. `in_turn` gives it the next number, where
        packets are not one for one those of the source."""
        sequence, timestamp, ssrc = _FIELDS.unpack_from(packet, 2)
        marker = 0
        mapped = (sequence + self.sequence_change) % _CYCLE
        ahead = (mapped - self._sequence) % _CYCLE
        if ssrc == self._before.ssrc and ssrc != self.source:
            late = (sequence + self._before.sequence_change) % _CYCLE
            if (self._before.highest - late) % _CYCLE < MAX_MISORDER:
                timestamp += self._before.timestamp_change
                return self._headed(packet, late, timestamp % _TIMESTAMP_CYCLE)
        if ssrc != self.source or MAX_DROPOUT <= ahead < _CYCLE - MAX_MISORDER:
            self._before = _Before(
                self.source, self._sequence, self.sequence_change, self.timestamp_change
            )
            self.source = ssrc
            self.timestamp_change = self.timestamp_at(now) - timestamp
            marker, in_turn = _MARKER, True
        elif self._takes_next:
            in_turn = True
        if in_turn:
            mapped = (self._sequence + 1) % _CYCLE
            self.sequence_change = mapped - sequence
            ahead = 1
        self._takes_next = False
        timestamp = (timestamp + self.timestamp_change) % _TIMESTAMP_CYCLE
        if 0 < ahead < MAX_DROPOUT:
            self._sequence = mapped
            self._stamp(timestamp, now)
        return self._headed(packet, mapped, timestamp, marker)

    def straight(self, forwarded: bytes, run: Run, send: Straight) -> Straight | None:
        """As `forward`, where they stand, the packets of a run after that one of the source's; None
        where it was of the source before."""
        if int.from_bytes(forwarded[8:12], "big") != self.source:
            return None
        sequence_change, timestamp_change = self.sequence_change, self.timestamp_change
        payload_octets = len(forwarded) - HEADER_OCTETS
        unpack, pack = _FIELDS.unpack_from, _FIELDS.pack_into

        def headed_and_sent(packet: memoryview) -> None:
            sequence, timestamp, _ = unpack(BUFFER, 2)
            self._sequence = (sequence + sequence_change) % _CYCLE
            self._timestamp = (timestamp + timestamp_change) % _TIMESTAMP_CYCLE
            self._at = run.last_at
            self.packets += 1
            self.payload_octets += payload_octets
            pack(BUFFER, 2, self._sequence, self._timestamp, self.ssrc)
            send(packet)

        return headed_and_sent

    def inject(
        self, payload_type: int, payload: bytes, timestamp: int, now: float, marker: bool = False
    ) -> bytes:
        """Something of ours, with the next number; `timestamp` is of `timestamp_at`."""
        self.track()
        self._sequence = (self._sequence + 1) % _CYCLE
        self._stamp(timestamp % _TIMESTAMP_CYCLE, now)
        self._takes_next = True
        self._count(len(payload))
        header = RtpHeader(payload_type, self._sequence, self._timestamp, self.ssrc, marker)
        return bytes(header) + payload

    def timestamp_at(self, now: float) -> int:
        """Of what is sent then, if it is no part of what was sent last."""
        if self._at is None:
            return self._timestamp
        samples = round(max(now - self._at, PACKET_S) * self.clock_rate)
        return (self._timestamp + samples) % _TIMESTAMP_CYCLE

    def sent_by(self, now: float) -> SentBy | None:
        """None before the first."""
        if self._feeder is not None:
            last = self._feeder.last
            if last is None:
                return None
            samples = round((now - last.at) * self.clock_rate)
            timestamp = (last.timestamp + samples) % _TIMESTAMP_CYCLE
            octets = self._feeder.octets - HEADER_OCTETS * self._feeder.packets
            return SentBy(last.ssrc, timestamp, self._feeder.packets, octets)
        if self._at is None:
            return None
        samples = round((now - self._at) * self.clock_rate)
        timestamp = (self._timestamp + samples) % _TIMESTAMP_CYCLE
        return SentBy(self.ssrc, timestamp, self.packets, self.payload_octets)

    def _track(self, last: LastHeard | None) -> None:
        self.tracked = True
        self._feeder = None
        if last is not None:
            self.ssrc, self._sequence, self._timestamp, self._at = last
            self.source = last.ssrc

    def _headed(self, packet: bytes, sequence: int, timestamp: int, marker: int = 0) -> bytes:
        self._count(len(packet) - HEADER_OCTETS)
        head = _FIELDS.pack(sequence, timestamp, self.ssrc)
        return packet[:1] + bytes((packet[1] | marker,)) + head + packet[HEADER_OCTETS:]

    def _stamp(self, timestamp: int, now: float) -> None:
        """The packets of an event all have the time of its beginning."""
        if timestamp != self._timestamp or self._at is None:
            self._timestamp, self._at = timestamp, now

    def _count(self, payload_octets: int) -> None:
        self.packets += 1
        self.payload_octets += payload_octets
