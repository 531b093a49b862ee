"""A call whose one end speaks Opus and whose other end G.711: transcoded both ways."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import NamedTuple

from media.audio_stream import AudioStream
from media.codecs import CLOCK_RATE
from media.leg import Leg
from media.transcoding import FromOpus, Outgoing, ToOpus
from media.transcoding_pool import TranscodingPool
from media.webrtc_codecs import LAWS, OPUS, OPUS_CLOCK_RATE


class OpusNeed(NamedTuple):
    """`opus_end` is 0 or 1; of telephone-event there may be none, or none that both have."""

    opus_end: int
    opus: int
    law: int
    events: tuple[int, int] | None

    @classmethod
    def of(cls, streams: tuple[AudioStream, AudioStream]) -> OpusNeed | None:
        """None where both have a codec in common, or it is not Opus that one lacks."""
        for end in (0, 1):
            own, other = streams[end].codecs, streams[1 - end].codecs
            opus = own.find(OPUS, OPUS_CLOCK_RATE)
            laws = [law for law in other.by_payload_type if law in LAWS]
            common = [law for law in own.by_payload_type if law in LAWS]
            if opus is None or not laws or common or opus in other.by_payload_type:
                continue
            events = (own.events(OPUS_CLOCK_RATE), other.events(CLOCK_RATE))
            both = None if events[0] is None or events[1] is None else (events[0], events[1])
            return cls(end, opus, laws[0], both)
        return None


class OpusBridge:
    """What the ends send goes through it until it is closed."""

    def __init__(
        self, need: OpusNeed, legs: tuple[Leg, Leg], pool: TranscodingPool, random: Random
    ) -> None:
        self.need = need
        self._legs = (legs[need.opus_end], legs[1 - need.opus_end])
        opus_leg, law_leg = self._legs
        down: Mapping[int, int] = {} if need.events is None else {need.events[0]: need.events[1]}
        up: Mapping[int, int] = {} if need.events is None else {need.events[1]: need.events[0]}
        from_opus = FromOpus(need.opus, need.law, down, *_beginning(random))
        to_opus = ToOpus(need.opus, up, *_beginning(random))
        self._paths = (
            pool.path(from_opus.convert, law_leg.pass_on),
            pool.path(to_opus.convert, opus_leg.pass_on),
        )
        opus_leg.sends_through(self._paths[0].put)
        law_leg.sends_through(self._paths[1].put)

    @property
    def dropped(self) -> int:
        """Packets that came faster than they were transcoded."""
        return sum([path.dropped for path in self._paths])

    def close(self) -> None:
        for leg, path in zip(self._legs, self._paths, strict=True):
            leg.sends_through(None)
            path.close()


def _beginning(random: Random) -> tuple[Outgoing, int]:
    """Numbers that nobody can guess (RFC 3550 §5.1)."""
    return Outgoing(random.getrandbits(16)), random.getrandbits(32)
