"""One end of a relayed call: what it sends goes to the other end as it is, or by a path of its own,
or nowhere.

Most packets pass as they are, and cost one look into a table: whose type is in it, or all while
something is done with each of them, goes the longer way. What the end itself is sent, by whomever,
is its `outgoing` stream.

Pure: packets and `now` come in, and what is to be sent goes out by the end's transport.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from functools import cached_property

from media import rtcp, rtp
from media.audio_stream import AudioStream
from media.codecs import PCMA, PCMU, Codec
from media.heard import Heard
from media.latch import KNOWN, Latch, Source
from media.leg_player import LegPlayer
from media.leg_reports import LegReports
from media.leg_taps import LegTaps, Tap
from media.leg_transcoding import Take, Transcoding
from media.leg_transport import LegTransport
from media.outgoing_stream import OutgoingStream
from media.packet_run import Straight
from media.payload_paths import PayloadPath, paths_between
from media.quality import mos
from media.reception import Reception
from media.repacketizer import OCTETS_PER_MS, Repacketizer, wanted_ptime
from media.rtp import HEADER_OCTETS, PACKET_OCTETS_MAX, RTCP_TYPES
from media.sdp import Address
from media.sdp_lines import Direction
from media.telephone_event import Digit, EventReader, rescaled


class Leg:
    """Relays nothing before its `peer` is set and both are described. `latch` finds out where the
    end is: a `SureLatch` where the transport knows. `ssrc` is random.

    `strays` counts packets that are no RTP or not the end's, and `unsent` those of the end that the
    system did not take: media that is late is worth nothing, so none is kept. `last_at` is when
    anything came from the end. `on_digit` is told each digit that the end has sent, and `on_source`
    each source that is believed to be the end.
    """

    def __init__(
        self,
        transport: LegTransport,
        is_ours: Callable[[Address], bool] = lambda address: False,
        latch: Latch | None = None,
        ssrc: int = 1,
        transcoding: Transcoding | None = None,
    ) -> None:
        self.peer: Leg
        self.reception = Reception()
        self.outgoing = OutgoingStream(ssrc)
        self.strays = 0
        self.unsent = 0
        self.stream: AudioStream | None = None
        self.on_digit: Callable[[Digit], object] = lambda digit: None
        self.on_source: Callable[[Source], object] = lambda source: None
        self.reports = LegReports(self, transport)
        self._send_rtp = transport.send_rtp
        self._straight: Straight | None = None
        self._fed_by: Reception | None = None
        self._is_ours = is_ours
        self._latch = latch or Latch()
        self._transcoding = transcoding
        self._source: Source | None = None
        self._target: Source | None = None
        self._rtcp_source: Source | None = None
        self._rtcp_open = False
        self._taps: LegTaps | None = None
        self._events: dict[int, EventReader] = {}
        self._event_rates: dict[int, int] = {}
        self._paths: dict[int, PayloadPath] = {}
        self._transcoded: dict[int, Take] = {}
        self._repacketizer: Repacketizer | None = None
        self._measured = False
        self._event = (b"", 0)  # The times of an event there and here, where the clocks differ.
        # Whether the end is sent something else than what its peer says.
        self.is_played_to = False
        # By the second octet of a packet: who takes it, None where it passes as it is.
        self._takers: list[Take | None] = [None] * 256
        self._takers[RTCP_TYPES.start : RTCP_TYPES.stop] = [self.reports.received] * len(RTCP_TYPES)

    @cached_property
    def player(self) -> LegPlayer:
        """Made for who is played to: few are."""
        return LegPlayer(self, self._transcoding)

    @property
    def last_at(self) -> float:
        return max(self.reception.last_at, self.reports.last_at)

    @property
    def heard(self) -> Heard:
        came, rtt_s = self.reception, self.reports.round_trip.seconds
        if not came.sources:
            return Heard(rtt_s=rtt_s)
        quality = mos(came.packets, came.lost, came.jitter_s, rtt_s)
        return Heard(came.packets, came.octets, came.lost, came.jitter_s, rtt_s, quality)

    @property
    def in_both_directions(self) -> bool:
        """Agreed, and not held: it should send."""
        return self.stream is not None and self.stream.direction is Direction.SENDRECV

    @property
    def _is_tapped(self) -> bool:
        return self._taps is not None and bool(self._taps.taps)

    @property
    def rtcp_target(self) -> Source | None:
        """Where its reports go: at its RTP where that is muxed. They go on while media is held
        (RFC 3264 §8.4), unless no address is left."""
        stream = self.stream
        if stream is None:
            return None
        return self._latch.target if stream.rtcp_mux else self._rtcp_source or stream.rtcp

    def codec(self, payload_type: int) -> Codec | None:
        """What the end sends by that number: its peer's, or its own."""
        for leg in (self.peer, self):
            if leg.stream is not None and payload_type in leg.stream.codecs.by_payload_type:
                return leg.stream.codecs.by_payload_type[payload_type]
        return None

    def describe(self, stream: AudioStream, payload_types: Collection[int]) -> None:
        """The end was agreed with anew; `payload_types` are those that it may send."""
        if self.stream is not None and self.stream.rtcp != stream.rtcp:
            self._rtcp_source = None
        self.stream = stream
        self.reception.clock_rate = stream.codecs.clock_rate
        self.outgoing.clock_rate = stream.codecs.clock_rate
        self._latch.describe(stream.rtp, payload_types)
        self._source = None
        self._rtcp_open = True
        self._aim()

    def find_paths(self) -> None:
        """Both ends are described: what this one may send, and what becomes of it."""
        peer = self.peer
        assert self.stream is not None
        assert peer.stream is not None
        found = paths_between(self.stream.codecs, peer.stream.codecs)
        if self._event_rates != found.event_rates:
            self._event_rates = found.event_rates
            self._events = {
                one: EventReader(rate, lambda digit: self.on_digit(digit))
                for one, rate in found.event_rates.items()
            }
        self._paths = found.changed
        self._transcoded = {}
        if self._transcoding is not None:
            for codec in found.unknown:
                take = self._transcoding.path(codec, peer.stream.codecs, self.deliver)
                if take is not None:
                    self._transcoded[codec.payload_type] = take
        clock_rate = peer.outgoing.clock_rate
        if self._transcoded:
            peer.outgoing.follow_another()
        elif found.clock_rates and found.clock_rates != ((clock_rate, clock_rate),):
            peer.outgoing.track()
        self._repacketizer = None
        self._measured = False
        self._choose_takers()

    def tap(self, *taps: Tap) -> None:
        """These, and no others, hear what comes from the end."""
        if self._taps is None:
            self._taps = LegTaps(self, self._transcoding)
        self._taps.taps = taps
        self._choose_takers()

    def be_played_to(self, played_to: bool) -> None:
        """Its peer is not heard while something else is sent to the end."""
        if played_to != self.is_played_to:
            self.is_played_to = played_to
            if played_to:
                self.outgoing.track()
            self.peer._choose_takers()

    def send(self, packet: bytes) -> None:
        """To the end, if it wants any; what the system does not take is lost."""
        target = self._target
        if target is not None:
            with contextlib.suppress(OSError):
                self._send_rtp(packet, target)

    def close(self) -> None:
        """The end is sent nothing more, whatever is still being made for it."""
        self._target = None
        self._end_run_to()

    def send_by(
        self, send_rtp: Callable[[bytes, Source], object], straight: Straight | None = None
    ) -> None:
        """From now on, to whatever the target is; `straight` sends there, too, what a run of the
        peer's packets is made of."""
        self._send_rtp = send_rtp
        self._straight = straight
        self._end_run_to()

    # Each packet

    def rtp_received(self, packet: bytes, source: Source, now: float) -> None:
        if source != self._source and not self._admits(packet, source, now):
            self._received_no_rtp(packet, source, now)
            return
        if not HEADER_OCTETS <= len(packet) <= PACKET_OCTETS_MAX or packet[0] & 0xC0 != 0x80:
            self._received_no_rtp(packet, source, now)
            return
        take = self._takers[packet[1]]
        if take is not None:
            take(packet, now)
            return
        peer = self.peer
        if self.reception.received(packet, now) and not peer.outgoing.begin(self.reception):
            self._choose_takers()
            packet = peer.outgoing.forward(packet, now)
        target = peer._target
        if target is not None:
            try:
                peer._send_rtp(packet, target)
            except OSError:
                self.unsent += 1
                return
            if self.reception.run.is_read and not peer.outgoing.tracked:
                self._begin_run(packet, peer._straight)

    def rtcp_received(self, packet: bytes, source: Source, now: float) -> None:
        if source != self._rtcp_source and not self._admits_rtcp(source):
            self.strays += 1
            return
        self._rtcp_open = False
        self.reports.received(packet, now)

    # The longer way

    def _take(self, packet: bytes, now: float) -> None:
        peer = self.peer
        payload_type = packet[1] & 0x7F
        reader = self._events.get(payload_type)
        if reader is None and not self._measured:
            self._measure(packet, payload_type)
        if self.reception.received(packet, now) and not peer.outgoing.begin(self.reception):
            self._choose_takers()
        path = self._paths.get(payload_type)
        if path is not None and path.into is None:
            was_tracked = peer.outgoing.tracked
            peer.outgoing.leave_out(packet)
            if not was_tracked:
                self._choose_takers()
        if reader is not None:
            reader.received(rtp.payload(packet), int.from_bytes(packet[4:8], "big"))
        elif self._taps is not None:
            self._taps.heard(packet, payload_type, now)
        if peer.is_played_to:
            return
        transcoded = self._transcoded.get(payload_type)
        if transcoded is not None:
            transcoded(packet, now)
            if self.reception.run.is_read and not self._is_tapped:
                self._begin_run(packet, self._to(transcoded))
            return
        passed = packet if path is None else path.through(packet)
        if passed is None:
            return
        if reader is not None and (self._transcoded or (path and path.clock_rates)):
            same = reader.clock_rate, reader.clock_rate
            self._pass_event(passed, (path and path.clock_rates) or same, now)
        elif self._repacketizer is not None:
            for one in self._repacketizer.repacketized(passed):
                self._send_to_peer(peer.outgoing.forward(one, now, in_turn=True))
        elif not peer.outgoing.tracked:
            self.deliver(passed, now)
        elif (
            self._send_to_peer(peer.outgoing.forward(passed, now))
            and self.reception.run.is_read
            and not self._is_tapped
            and reader is None
            and peer._straight is not None
        ):
            straight = peer.outgoing.straight(packet, self.reception.run, peer._straight)
            if straight is not None and path is not None:
                straight = path.straight(packet, straight)
            self._begin_run(packet, straight)

    def _take_by_path(self, packet: bytes, now: float) -> None:
        """By that of its type, and nothing else is done with it."""
        peer = self.peer
        path = self._paths[packet[1] & 0x7F]
        passed = path.through(packet)
        assert passed is not None
        if self.reception.received(packet, now) and not peer.outgoing.begin(self.reception):
            self._choose_takers()
        if peer.outgoing.tracked:
            self.deliver(passed, now)
        elif self._send_to_peer(passed) and self.reception.run.is_read and peer._straight:
            self._begin_run(packet, path.straight(packet, peer._straight))

    def deliver(self, packet: bytes, now: float) -> None:
        """What the end sent, as its peer takes it: made later, maybe, and not wanted any more."""
        outgoing = self.peer.outgoing
        if not self.peer.is_played_to:
            self._send_to_peer(outgoing.forward(packet, now) if outgoing.tracked else packet)

    def _send_to_peer(self, packet: bytes) -> bool:
        """Whether it went."""
        peer = self.peer
        target = peer._target
        if target is None:
            return False
        try:
            peer._send_rtp(packet, target)
        except OSError:
            self.unsent += 1
            return False
        return True

    def _pass_event(self, packet: bytes, clock_rates: tuple[int, int], now: float) -> None:
        """Its time and duration may be of another clock than what the peer is sent; and what is
        transcoded has numbers and times of its own, which the event takes its place in."""
        outgoing = self.peer.outgoing
        if clock_rates == (outgoing.clock_rate, outgoing.clock_rate) and not self._transcoded:
            self.deliver(packet, now)
            return
        stamp = packet[4:8]
        starts = stamp != self._event[0]
        if starts:
            self._event = stamp, outgoing.timestamp_at(now)
        payload = rescaled(rtp.payload(packet), *clock_rates)
        self._send_to_peer(
            outgoing.inject(packet[1] & 0x7F, payload, self._event[1], now, marker=starts)
        )

    def _measure(self, packet: bytes, payload_type: int) -> None:
        """What clock it runs at that comes, for an offer has many; and whether it is of the length
        that the peer has asked for."""
        assert self.peer.stream is not None
        self._measured = True
        others = self.peer.stream.codecs
        codec = self.codec(payload_type)
        if codec is not None:
            self.reception.clock_rate = codec.clock_rate
            if payload_type not in self._transcoded:
                self.peer.outgoing.clock_rate = codec.clock_rate
        ptime = None
        if payload_type in (PCMU, PCMA) and payload_type not in self._transcoded:
            ptime = wanted_ptime(others, len(rtp.payload(packet)) // OCTETS_PER_MS)
        if ptime is not None:
            self._repacketizer = Repacketizer(ptime)
            self.peer.outgoing.track()
        self._choose_takers()

    # Runs of packets that pass all in one way

    def _begin_run(self, packet: bytes, straight: Straight | None) -> None:
        """With what comes after this packet, which went to the peer: so its source may, too."""
        if straight is not None:
            self.peer._fed_by = self.reception
            self.reception.begin_run(packet, straight, self._count_unsent)

    def _to(self, take: Take) -> Straight:
        """A run of what is made into something else, at the time that it came."""
        run = self.reception.run
        return lambda packet: take(packet.tobytes(), run.last_at)

    def _end_run_to(self) -> None:
        """What the end is sent goes another way from now on."""
        if self._fed_by is not None:
            self._fed_by.end_run()
            self._fed_by = None

    def _count_unsent(self) -> None:
        self.unsent += 1

    # What takes what

    def _choose_takers(self) -> None:
        all_ = (
            self.peer.is_played_to
            or self.peer.outgoing.tracked
            or self._is_tapped
            or not self._measured
        )
        takers: list[Take | None] = [self._take if all_ else None] * 256
        if not all_:
            for one in (*self._events, *self._paths, *self._transcoded):
                takers[one] = takers[one | 0x80] = self._take
            for one, path in self._paths.items():
                if one not in self._events and path.into is not None:
                    takers[one] = takers[one | 0x80] = self._take_by_path
        takers[RTCP_TYPES.start : RTCP_TYPES.stop] = [self.reports.received] * len(RTCP_TYPES)
        self._takers = takers
        self.reception.end_run()

    # The first of a source

    def _admits(self, packet: bytes, source: Source, now: float) -> bool:
        header = rtp.parse(packet)
        if header is None or self._is_ours(Address(source[0], source[1])):
            return False
        if not self._latch.admits(source, header, now - self.reception.last_at):
            return False
        self._source = source
        self._aim()
        self.on_source(source)
        return True

    def _received_no_rtp(self, packet: bytes, source: Source, now: float) -> None:
        """Reports at the port of RTP (RFC 5761 §4) may be the first to come, and shorter than RTP;
        all else is a stray."""
        if self.stream is not None and self.stream.rtcp_mux and rtcp.is_rtcp(packet):
            self.rtcp_received(packet, source, now)
        else:
            self.strays += 1

    def _admits_rtcp(self, source: Source) -> bool:
        """From where it was signalled or, behind a NAT, from the host whose RTP is believed; once
        for each description."""
        if not self._rtcp_open or self.stream is None:
            return False
        locked = self._latch.locked
        # A transport that knows its end hands up nobody else's.
        signalled = source[:2] == self.stream.rtcp or source == KNOWN
        if not signalled and (locked is None or locked[0] != source[0]):
            return False
        if self._is_ours(Address(source[0], source[1])):
            return False
        self._rtcp_source = source
        return True

    def _aim(self) -> None:
        """Who does not want to receive is not sent to."""
        stream = self.stream
        wanted = stream is not None and stream.direction.receives
        self._target = self._latch.target if wanted else None
        self._end_run_to()


def join(first: Leg, second: Leg) -> None:
    first.peer, second.peer = second, first


def describe(first: Leg, second: Leg, streams: tuple[AudioStream, AudioStream]) -> None:
    """What was agreed with both. Each sends what the other has asked for, by the other's numbers;
    there are some that use their own."""
    payload_types = {**streams[0].codecs.by_payload_type, **streams[1].codecs.by_payload_type}
    first.describe(streams[0], payload_types)
    second.describe(streams[1], payload_types)
    first.find_paths()
    second.find_paths()
