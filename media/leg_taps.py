"""Who hears what comes from one end of a call beside its peer: recordings, and who waits for talk.

They hear G.711: as it comes, or as it is made of Opus beside the loop, for them alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from media import rtp
from media.codecs import CN, PCMA, PCMU, Codec, Codecs

if TYPE_CHECKING:
    from media.leg import Leg
    from media.leg_transcoding import Take, Transcoding

_HEARD_AS_THEY_ARE = (PCMU, PCMA, CN)
_PCMU_ALONE = Codecs({PCMU: Codec(PCMU, "PCMU")})


class Tap(Protocol):
    def heard(self, payload_type: int, payload: bytes, timestamp: int, now: float) -> object:
        """A packet of audio came from the end, in G.711, or comfort noise."""
        ...


class LegTaps:
    """`taps` are those that hear now. What nobody here decodes is not heard."""

    def __init__(self, leg: Leg, transcoding: Transcoding | None) -> None:
        self.taps: tuple[Tap, ...] = ()
        self._leg = leg
        self._transcoding = transcoding
        # One decoder, of what came last that needs any.
        self._codec: Codec | None = None
        self._decode: Take | None = None

    def heard(self, packet: bytes, payload_type: int, now: float) -> None:
        if not self.taps:
            return
        if payload_type in _HEARD_AS_THEY_ARE:
            self._tell(packet, now)
            return
        codec = self._leg.codec(payload_type)
        if codec != self._codec:
            self._codec, self._decode = codec, self._decoder(codec)
        if self._decode is not None:
            self._decode(packet, now)

    def _decoder(self, codec: Codec | None) -> Take | None:
        if codec is None or self._transcoding is None:
            return None
        return self._transcoding.path(codec, _PCMU_ALONE, self._tell)

    def _tell(self, packet: bytes, now: float) -> None:
        payload, timestamp = rtp.payload(packet), int.from_bytes(packet[4:8], "big")
        for tap in self.taps:
            tap.heard(packet[1] & 0x7F, payload, timestamp, now)
