"""One end of a relayed call: what it sends goes to the other end as it is, or nowhere. G.711 alone
becomes the other law where the other end has but that one.

Pure: packets and `now` come in, and what is to be sent goes out by the end's transport.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from media import rtcp, rtp
from media.audio_stream import AudioStream
from media.g711 import Translation, translation_for
from media.latch import Latch, Source
from media.leg_transport import LegTransport
from media.quality import mos
from media.reception import Reception
from media.rtp import HEADER_OCTETS, PACKET_OCTETS_MAX
from media.sdp import Address
from media.sdp_lines import Direction


class Heard(NamedTuple):
    """How what came from an end was, so far; times in seconds, MOS from 1 to 4.5, 0 unknown."""

    packets: int
    octets: int
    lost: int
    jitter_s: float
    rtt_s: float
    mos: float


class Leg:
    """Relays nothing before its `peer` is set and both are described. `latch` finds out where the
    end is: a `SureLatch` where the transport knows.

    `strays` counts packets that are no RTP or not the end's, and `unsent` those of the end that the
    system did not take: media that is late is worth nothing, so none is kept. `last_at` is when
    anything came from the end.
    """

    def __init__(
        self,
        transport: LegTransport,
        is_ours: Callable[[Address], bool] = lambda address: False,
        latch: Latch | None = None,
    ) -> None:
        self.peer: Leg
        self.reception = Reception()
        self.strays = 0
        self.unsent = 0
        self.stream: AudioStream | None = None
        self._transport = transport
        self._send_rtp = transport.send_rtp
        self._is_ours = is_ours
        self._translation: Translation | None = None
        self._through: Callable[[bytes], object] | None = None
        self._latch = latch or Latch()
        self._round_trip = rtcp.RoundTrip()
        self._source: Source | None = None
        self._target: Source | None = None
        self._rtcp_source: Source | None = None
        self._rtcp_open = False
        self._rtcp_last_at = 0.0

    @property
    def last_at(self) -> float:
        return max(self.reception.last_at, self._rtcp_last_at)

    @property
    def heard(self) -> Heard:
        came, rtt_s = self.reception, self._round_trip.seconds
        quality = mos(came.packets, came.lost, came.jitter_s, rtt_s)
        return Heard(came.packets, came.octets, came.lost, came.jitter_s, rtt_s, quality)

    def describe(self, stream: AudioStream, payload_types: Collection[int]) -> None:
        """The end was agreed with anew; `payload_types` are those that it may send."""
        if self.stream is not None and self.stream.rtcp != stream.rtcp:
            self._rtcp_source = None
        self.stream = stream
        self._translation = translation_for(stream.codecs.by_payload_type)
        self.reception.clock_rate = stream.codecs.clock_rate
        self._latch.describe(stream.rtp, payload_types)
        self._source = None
        self._rtcp_open = True
        self._aim()

    @property
    def in_both_directions(self) -> bool:
        """Agreed, and not held: it should send."""
        return self.stream is not None and self.stream.direction is Direction.SENDRECV

    def sends_through(self, through: Callable[[bytes], object] | None) -> None:
        """What makes other packets of the end's, and has its peer `send` them; None for nothing."""
        self._through = through

    # Each packet

    def send(self, packet: bytes) -> None:
        """To the end, what was made of its peer's packets."""
        target = self._target
        if target is not None:
            try:
                self._send_rtp(packet, target)
            except OSError:
                self.peer.unsent += 1

    def rtp_received(self, packet: bytes, source: Source, now: float) -> None:
        if source != self._source and not self._admits(packet, source, now):
            self.strays += 1
            return
        if not HEADER_OCTETS <= len(packet) <= PACKET_OCTETS_MAX or packet[0] & 0xC0 != 0x80:
            self.strays += 1
            return
        if 192 <= packet[1] < 224:  # RFC 5761 §4
            self._relay_rtcp(packet, now)
            return
        self.reception.received(packet, now)
        peer = self.peer
        target = peer._target
        if target is not None:
            if self._through is not None:
                self._through(packet)
                return
            translation = peer._translation
            if translation is not None and packet[1] & 0x7F == translation.payload_type:
                packet = rtp.translated(packet, translation.into, translation.table)
            try:
                peer._send_rtp(packet, target)
            except OSError:
                self.unsent += 1

    def rtcp_received(self, packet: bytes, source: Source, now: float) -> None:
        if source != self._rtcp_source and not self._admits_rtcp(source):
            self.strays += 1
            return
        self._rtcp_open = False
        self._relay_rtcp(packet, now)

    # The first of a source, and reports

    def _admits(self, packet: bytes, source: Source, now: float) -> bool:
        header = rtp.parse(packet)
        if header is None or self._is_ours(Address(source[0], source[1])):
            return False
        if not self._latch.admits(source, header, now - self.reception.last_at):
            return False
        self._source = source
        self._aim()
        return True

    def _admits_rtcp(self, source: Source) -> bool:
        """From where it was signalled or, behind a NAT, from the host whose RTP is believed; once
        for each description."""
        if not self._rtcp_open or self.stream is None:
            return False
        locked = self._latch.locked
        signalled = source[:2] == self.stream.rtcp
        if not signalled and (locked is None or locked[0] != source[0]):
            return False
        if self._is_ours(Address(source[0], source[1])):
            return False
        self._rtcp_source = source
        return True

    def _relay_rtcp(self, packet: bytes, now: float) -> None:
        if not rtcp.is_rtcp(packet) or len(packet) > PACKET_OCTETS_MAX:
            self.strays += 1
            return
        self._rtcp_last_at = now
        peer = self.peer
        for report in rtcp.reports(packet):
            self._round_trip.received(report, now)
            peer._round_trip.passed(report, now)
        try:
            peer._take_rtcp(packet)
        except OSError:
            self.unsent += 1

    def _take_rtcp(self, packet: bytes) -> None:
        """Reports go on while media is held (RFC 3264 §8.4), unless no address is left."""
        stream = self.stream
        assert stream is not None, "one end was described without the other"
        if stream.rtcp_mux:
            target = self._latch.target
            if target is not None:
                self._transport.send_muxed_rtcp(packet, target)
        elif (target := self._rtcp_source or stream.rtcp) is not None:
            self._transport.send_rtcp(packet, target)

    def _aim(self) -> None:
        """Who does not want to receive is not sent to."""
        stream = self.stream
        wanted = stream is not None and stream.direction.receives
        self._target = self._latch.target if wanted else None


def join(first: Leg, second: Leg) -> None:
    first.peer, second.peer = second, first


def describe(first: Leg, second: Leg, streams: tuple[AudioStream, AudioStream]) -> None:
    """What was agreed with both. Each sends what the other has asked for, by the other's numbers;
    there are some that use their own."""
    payload_types = {**streams[0].codecs.by_payload_type, **streams[1].codecs.by_payload_type}
    first.describe(streams[0], payload_types)
    second.describe(streams[1], payload_types)
