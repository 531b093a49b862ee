"""One end of a relayed call with all that it needs: what is said of its transport, and the leg."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from media.audio_stream import AudioStream
from media.latch import Source
from media.leg import Leg
from media.leg_transcoding import Transcoding
from media.profile import Profile
from media.sdes import SrtpKeys
from media.sdes_description import SdesDescription
from media.sdp import Address
from media.socket_pair import SocketPair
from media.srtp import Srtp
from media.transport_description import PlainDescription, TransportDescription


class RelayEnd(Protocol):
    """`leg` sends by a transport, and is handed up what came by it; `description` speaks of that
    transport to the end. `on_gone` is called when the transport is there no longer."""

    on_gone: Callable[[], object]

    @property
    def leg(self) -> Leg: ...

    @property
    def description(self) -> TransportDescription: ...

    def agreed(self, stream: AudioStream) -> None:
        """The end has been agreed with, at first or anew: what it said of its transport is in
        `stream.secret`. The leg is told by the relay."""
        ...

    def close(self) -> None:
        """Give all back, without a wait; called once."""
        ...


def never() -> None:
    """A socket of ours does not go."""


class EndPorts(NamedTuple):
    """Where an end is: `local` is what it is told. `transcoding` is for the other end, where that
    has not the codecs of this one, and `ssrc` is the leg's."""

    pair: SocketPair
    local: Address
    is_ours: Callable[[Address], bool]
    give_back: Callable[[SocketPair], None]
    transcoding: Transcoding | None = None
    ssrc: int = 1


class PlainEnd:
    """RTP as it is, at a pair of our ports."""

    def __init__(self, ports: EndPorts) -> None:
        self.description = PlainDescription(ports.local, ports.is_ours)
        self.leg = Leg(ports.pair, ports.is_ours, ssrc=ports.ssrc, transcoding=ports.transcoding)
        self.on_gone: Callable[[], object] = never
        self._ports = ports
        ports.pair.rtp_received = self.leg.rtp_received
        ports.pair.rtcp_received = self.leg.rtcp_received
        self.leg.on_source = self._connect

    def agreed(self, stream: AudioStream) -> None:
        """Its target may be another now; its next packet tells."""
        self.leg.send_by(self._ports.pair.send_rtp)
        self._ports.pair.disconnect()

    def close(self) -> None:
        self._ports.give_back(self._ports.pair)

    def _connect(self, source: Source) -> None:
        """What is sent goes where it comes from: both by a socket of its own."""
        send = self._ports.pair.connect(source, self.leg.reception.run)
        if send is not None:
            self.leg.send_by(lambda packet, target: send(packet), send)
        else:
            self.leg.send_by(self._ports.pair.send_rtp)


class SrtpEnd:
    """At a pair of our ports, with SRTP by the keys of the description: or without, where the
    profile leaves it to the end and the end has none.

    What comes is deciphered first: only who has the key can move the latch.
    """

    def __init__(self, ports: EndPorts, profile: Profile, octets: Callable[[int], bytes]) -> None:
        self.description = SdesDescription(profile, ports.local, octets, ports.is_ours)
        self.leg = Leg(self, ports.is_ours, ssrc=ports.ssrc, transcoding=ports.transcoding)
        self.on_gone: Callable[[], object] = never
        self._ports = ports
        self._pair = ports.pair
        self._srtp: Srtp | None = None
        self.leg.on_source = self._connect

    def agreed(self, stream: AudioStream) -> None:
        self.leg.send_by(self.send_rtp)
        self._pair.disconnect()
        if isinstance(stream.secret, SrtpKeys):
            if self._srtp is None:
                self._srtp = Srtp()
            self._srtp.agreed(stream.secret)
            self._pair.rtp_received = self._rtp_received
            self._pair.rtcp_received = self._rtcp_received
        else:
            self._srtp = None
            self.leg.reception.run.overhead = 0
            self._pair.rtp_received = self.leg.rtp_received
            self._pair.rtcp_received = self.leg.rtcp_received

    def close(self) -> None:
        self._ports.give_back(self._ports.pair)

    def send_rtp(self, packet: bytes, target: Source) -> None:
        if self._srtp is None:
            self._pair.send_rtp(packet, target)
        elif protected := self._srtp.protected(packet):
            self._pair.send_rtp(protected, target)

    def send_rtcp(self, packet: bytes, target: Source) -> None:
        if self._srtp is None:
            self._pair.send_rtcp(packet, target)
        elif protected := self._srtp.protected_rtcp(packet):
            self._pair.send_rtcp(protected, target)

    def send_muxed_rtcp(self, packet: bytes, target: Source) -> None:
        if self._srtp is None:
            self._pair.send_rtp(packet, target)
        elif protected := self._srtp.protected_rtcp(packet):
            self._pair.send_rtp(protected, target)

    def _connect(self, source: Source) -> None:
        """As a plain end; where each packet names its key, it is read as before."""
        run, srtp = self.leg.reception.run, self._srtp
        if srtp is None:
            if send := self._pair.connect(source, run):
                self.leg.send_by(self.send_rtp, send)
        elif (opened := srtp.opener(self._count_stray)) and (
            send := self._pair.connect(source, run, opened)
        ):
            self.leg.send_by(self.send_rtp, srtp.protector(send))

    def _count_stray(self) -> None:
        self.leg.strays += 1

    def _rtp_received(self, packet: bytes, source: Source, now: float) -> None:
        assert self._srtp is not None
        plain = self._srtp.plain(packet)
        if plain is None:
            self.leg.strays += 1
        else:
            self.leg.reception.run.overhead = len(packet) - len(plain)
            self.leg.rtp_received(plain, source, now)

    def _rtcp_received(self, packet: bytes, source: Source, now: float) -> None:
        assert self._srtp is not None
        plain = self._srtp.plain(packet)
        if plain is None:
            self.leg.strays += 1
        else:
            self.leg.rtcp_received(plain, source, now)
