"""Opus for legs whose peer speaks G.711, and the other way round: made beside the loop."""

from __future__ import annotations

from collections.abc import Callable

from media import opus
from media.codecs import PCMA, PCMU, Codec, Codecs
from media.leg_transcoding import Deliver, Take
from media.transcoding import FromOpus, ToOpus
from media.transcoding_pool import TranscodingPath, TranscodingPool
from media.webrtc_codecs import LAWS, OPUS, OPUS_CLOCK_RATE


class OpusTranscoding:
    """The `Transcoding` of legs. Threads and codecs begin with the first packet that needs them."""

    def __init__(self) -> None:
        self._pool: TranscodingPool | None = None

    @property
    def dropped(self) -> int:
        """Packets that came faster than they were transcoded."""
        return 0 if self._pool is None else self._pool.dropped

    def path(self, codec: Codec, taken: Codecs, deliver: Deliver) -> Take | None:
        if not opus.is_there():
            return None
        if (codec.name, codec.clock_rate) == (OPUS, OPUS_CLOCK_RATE):
            into = next((one for one in taken.by_payload_type if one in LAWS), None)
            if into is not None:
                return _Path(self.pool, lambda: FromOpus(codec.payload_type, into), deliver).take
        number = taken.find(OPUS, OPUS_CLOCK_RATE)
        if codec.payload_type in (PCMU, PCMA) and number is not None:
            return _Path(self.pool, lambda: ToOpus(number), deliver).take
        return None

    def pool(self) -> TranscodingPool:
        if self._pool is None:
            self._pool = TranscodingPool()
        return self._pool

    def close(self) -> None:
        """What waits is not delivered any more."""
        if self._pool is not None:
            self._pool.close()


class _Path:
    def __init__(
        self,
        pool: Callable[[], TranscodingPool],
        made: Callable[[], FromOpus | ToOpus],
        deliver: Deliver,
    ) -> None:
        self._pool, self._made, self._deliver = pool, made, deliver
        self._path: TranscodingPath | None = None

    def take(self, packet: bytes, now: float) -> None:
        if self._path is None:
            self._path = self._pool().path(self._made().convert, self._deliver)
        self._path.put(packet, now)
