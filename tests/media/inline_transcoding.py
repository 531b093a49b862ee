"""Opus at once, where a relay has a thread for it."""

from __future__ import annotations

from media.codecs import PCMA, PCMU, Codec, Codecs
from media.leg_transcoding import Deliver, Take
from media.transcoding import FromOpus, ToOpus
from media.webrtc_codecs import OPUS, OPUS_CLOCK_RATE


class InlineTranscoding:
    """The `Transcoding` of legs; `made` is how many paths."""

    def __init__(self) -> None:
        self.made = 0

    def path(self, codec: Codec, taken: Codecs, deliver: Deliver) -> Take | None:
        opus = taken.find(OPUS, OPUS_CLOCK_RATE)
        converting: FromOpus | ToOpus
        if codec.name == OPUS and PCMU in taken.by_payload_type:
            converting = FromOpus(codec.payload_type, PCMU)
        elif codec.payload_type in (PCMU, PCMA) and opus is not None:
            converting = ToOpus(opus)
        else:
            return None
        self.made += 1

        def take(packet: bytes, now: float) -> None:
            for made in converting.convert(packet):
                deliver(made, now)

        return take
