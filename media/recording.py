"""What the ends of a call say, side by side in time: a channel for each that is recorded.

Pure: packets come in, and octets of PCMU that are complete go out, channel after channel.
"""

from __future__ import annotations

from media.audio import SAMPLES_PER_S, SILENCE
from media.codecs import PCMA, PCMU
from media.g711 import A_LAW_TO_MU_LAW

# So much is held for what comes late, or of one end later than of the other.
HELD_S = 0.5
# A timestamp that is off by more than this is that of another source: it stands where it came.
DRIFT_S = 0.4
_CYCLE = 1 << 32


class Channel:
    """A tap of one end; the other's silence while it was not recorded is no gap of its own."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._octets = bytearray()
        self._taken = 0  # Octets that went out before those that are held.
        self._start: int | None = None  # The timestamp of the recording's begin.

    def heard(self, payload_type: int, payload: bytes, timestamp: int, now: float) -> None:
        if payload_type == PCMA:
            payload = payload.translate(A_LAW_TO_MU_LAW)
        elif payload_type != PCMU:
            return
        came = round((now - self._began) * SAMPLES_PER_S) - len(payload)
        at = came
        if self._start is not None:
            at = (timestamp - self._start) % _CYCLE
        if self._start is None or abs(at - came) > DRIFT_S * SAMPLES_PER_S:
            self._start, at = (timestamp - came) % _CYCLE, came
        at -= self._taken
        if at < 0:  # Too late: what is left of it.
            payload, at = payload[-at:], 0
        missing = at - len(self._octets)
        if missing > 0:
            self._octets += SILENCE * missing
        self._octets[at : at + len(payload)] = payload

    def take(self, until: int) -> bytes:
        """To that octet of the recording."""
        count = until - self._taken
        ready = bytes(self._octets[:count]).ljust(count, SILENCE)
        del self._octets[:count]
        self._taken = until
        return ready


class Recording:
    """Of one or two channels; `octets_max` are those of the audio in all."""

    def __init__(self, channels: int, began: float, octets_max: int) -> None:
        self.channels = tuple([Channel(began) for _ in range(channels)])
        self.octets = 0
        self._began = began
        self._samples_max = octets_max // channels

    @property
    def is_full(self) -> bool:
        return self.octets >= self._samples_max * len(self.channels)

    def take(self, now: float, ended: bool = False) -> bytes:
        """What is complete; all when it has `ended`."""
        samples = round((now - self._began - (0.0 if ended else HELD_S)) * SAMPLES_PER_S)
        samples = min(samples, self._samples_max)
        if samples * len(self.channels) <= self.octets:
            return b""
        taken = [channel.take(samples) for channel in self.channels]
        mixed = bytearray(len(taken[0]) * len(taken))
        for at, octets in enumerate(taken):
            mixed[at :: len(taken)] = octets
        self.octets += len(mixed)
        return bytes(mixed)
