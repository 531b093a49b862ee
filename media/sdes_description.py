"""The transport of an end whose keys stand in its description (RFC 4568): ports as of a plain end,
and crypto attributes.

An end that must have SRTP (SDES) is offered RTP/SAVP, and refused where it says anything else. One
that may have it (OSRTP) is offered RTP/AVP with crypto attributes, as RFC 8643 has it: who does not
know them ignores them and answers without. Two m= lines, one for each, as some offer them, ring
badly with ends that take both, and a lone RTP/SAVP leaves a plain end nothing to answer.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from media.audio_stream import AudioStream
from media.errors import NotAcceptable
from media.profile import PLAIN, SECURE, Profile
from media.sdes import OurKeys, SrtpKeys, cryptos
from media.sdp import Address, Media, SessionDescription
from media.transport_description import PlainDescription, TransportSaid


class SdesDescription:
    """`octets` makes keys: as many as it is asked for, which nobody can guess. The `secret` of a
    stream is its SrtpKeys, None where it is plain."""

    def __init__(
        self,
        profile: Profile,
        local: Address,
        octets: Callable[[int], bytes],
        is_ours: Callable[[Address], bool] = lambda address: False,
    ) -> None:
        self.profile = profile
        self.host, self._port = local
        self._plain = PlainDescription(local, is_ours)
        self._keys = OurKeys(octets)

    def serves(self, media: Media) -> bool:
        if media.proto in SECURE:
            return bool(cryptos(media.lines))
        return media.proto in PLAIN and self.profile is Profile.OSRTP

    def offered(self, description: SessionDescription, media: Media) -> AudioStream:
        return self._read(description, media, self._keys.for_offer(cryptos(media.lines)))

    def answered(self, description: SessionDescription, media: Media) -> AudioStream:
        return self._read(description, media, self._keys.for_answer(cryptos(media.lines)))

    def offer(self, like: AudioStream) -> TransportSaid:
        protos = SECURE if self.profile is Profile.SDES else PLAIN
        proto = protos[like.proto in ("RTP/AVPF", "RTP/SAVPF")]
        lines = tuple([one.line for one in self._keys.offered()])
        mux_lines = self._plain.mux_lines(self._plain.offers_mux(like))
        return TransportSaid(self._port, proto, (*lines, *mux_lines))

    def answer(self, to: AudioStream) -> TransportSaid:
        lines = self._plain.mux_lines(to.rtcp_mux)
        if isinstance(to.secret, SrtpKeys):
            lines = (to.secret.ours.line, *lines)
        return TransportSaid(self._port, to.proto, lines)

    def agreed(self, stream: AudioStream) -> None:
        self._plain.agreed(stream)
        self._keys.agreed(stream.secret if isinstance(stream.secret, SrtpKeys) else None)

    def _read(
        self, description: SessionDescription, media: Media, keys: SrtpKeys | None
    ) -> AudioStream:
        if keys is None and media.proto in SECURE:
            raise NotAcceptable("there is no crypto attribute that can be had")
        stream = AudioStream.of(description, media)
        return self._plain.checked(stream if keys is None else replace(stream, secret=keys))
