"""What one end and we say to each other of how media goes between us: ports, keys, candidates.

It ends at us. `Negotiation` passes the rest on (codecs, direction, packet times) and asks the
description of each end's transport what to say instead, by the end's profile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from media.audio_stream import AudioStream
from media.errors import NotAcceptable
from media.profile import DTLS, PLAIN, Profile
from media.sdp import Address, Media, SessionDescription
from media.sdp_lines import Line

RTCP_MUX = Line("a", "rtcp-mux")


class TransportSaid(NamedTuple):
    """Of one m= line: `lines` stand with it, `session_lines` before all media."""

    port: int
    proto: str
    lines: tuple[Line, ...] = ()
    session_lines: tuple[Line, ...] = ()


class TransportDescription(Protocol):
    """Of one end, for as long as the call. Nothing that is read holds before `agreed`, so that an
    offer which fails leaves all as it was."""

    @property
    def profile(self) -> Profile: ...

    @property
    def host(self) -> str:
        """What stands in our o= and c= lines."""
        ...

    def serves(self, media: Media) -> bool:
        """Whether it can be this m= line of audio, which is not refused."""
        ...

    def offered(self, description: SessionDescription, media: Media) -> AudioStream:
        """Read from the end's offer.

        Raises:
            MediaError: it cannot be served.
        """
        ...

    def answered(self, description: SessionDescription, media: Media) -> AudioStream:
        """Read from the end's answer to what `offer` said last.

        Raises:
            MediaError: it is no answer to that.
        """
        ...

    def offer(self, like: AudioStream) -> TransportSaid:
        """What we offer the end; `like` is what the other end offered."""
        ...

    def answer(self, to: AudioStream) -> TransportSaid:
        """What we answer the end that offered `to`."""
        ...

    def agreed(self, stream: AudioStream) -> None:
        """One of those that were read holds from now on."""
        ...


class PlainDescription:
    """RTP at a port of ours and RTCP at the next, or at the same if the end wants it (RFC 5761).
    `is_ours` tells the addresses of this relay, to which nothing may be sent."""

    profile = Profile.PLAIN

    def __init__(
        self, local: Address, is_ours: Callable[[Address], bool] = lambda address: False
    ) -> None:
        self.host, self._port = local
        self._is_ip6 = ":" in self.host
        self._is_ours = is_ours
        self._rtcp_mux = False

    def serves(self, media: Media) -> bool:
        return media.proto in PLAIN

    def offered(self, description: SessionDescription, media: Media) -> AudioStream:
        return self.checked(AudioStream.of(description, media))

    answered = offered

    def offer(self, like: AudioStream) -> TransportSaid:
        proto = like.proto if like.proto in PLAIN else PLAIN[0]
        return TransportSaid(self._port, proto, self.mux_lines(self.offers_mux(like)))

    def answer(self, to: AudioStream) -> TransportSaid:
        return TransportSaid(self._port, to.proto, self.mux_lines(to.rtcp_mux))

    def agreed(self, stream: AudioStream) -> None:
        self._rtcp_mux = stream.rtcp_mux

    def offers_mux(self, like: AudioStream) -> bool:
        """To an end that has agreed to it, and where the other end has proposed it: but a browser
        always does, and its wishes say nothing of the network on the other side."""
        return self._rtcp_mux or (like.rtcp_mux and like.proto not in DTLS)

    @staticmethod
    def mux_lines(rtcp_mux: bool) -> tuple[Line, ...]:
        return (RTCP_MUX,) if rtcp_mux else ()

    def checked(self, stream: AudioStream) -> AudioStream:
        """It, without an address for RTCP that cannot be sent to: media is worth more."""
        rtp, rtcp = stream.rtp, stream.rtcp
        if rtp is not None:
            if (":" in rtp.host) is not self._is_ip6:
                raise NotAcceptable("the address is of another family than the relay's")
            if self._is_ours(rtp):
                raise NotAcceptable("the address is the relay's own")
        if rtcp is None or ((":" in rtcp.host) is self._is_ip6 and not self._is_ours(rtcp)):
            return stream
        return replace(stream, rtcp=None)
