"""What an rtpengine plays to the sides of a call. It tells how long that is, and not that it is
over: so its end is reckoned."""

from __future__ import annotations

from functools import lru_cache

from gateway.voice.media_session import MediaRefused, Played, Side
from media import wav
from media.audio import tone
from media.errors import MediaError

# A tone with its pause is sent to the server as a file of 8,000 octets a second, in one datagram.
TONE_S_MAX = 7.5
# It knows no "until it is stopped"; so often is longer than a call.
REPEATS = 1_000_000
TONES_KEPT_MAX = 32


class RtpenginePlaying:
    """Told what has begun by its reply, and asked once a second."""

    __slots__ = ("_ends_at", "_length_s")

    def __init__(self) -> None:
        # None: until it is stopped, or nobody knows how long.
        self._length_s: dict[Side, float | None] = {}
        self._ends_at: dict[Side, float] = {}

    def __bool__(self) -> bool:
        return bool(self._length_s)

    def began(self, side: Side, length_s: float | None) -> list[Played]:
        """Instead of what was played to that side before."""
        ended = self.stopped(side)
        self._length_s[side] = length_s
        return ended

    def stopped(self, side: Side) -> list[Played]:
        if side not in self._length_s:
            return []
        del self._length_s[side]
        self._ends_at.pop(side, None)
        return [Played(side, False)]

    def look(self, now: float) -> list[Played]:
        """What has come to its end."""
        for side, length_s in self._length_s.items():
            if length_s is not None:
                self._ends_at.setdefault(side, now + length_s)
        over = [side for side, at in self._ends_at.items() if at <= now]
        for side in over:
            del self._length_s[side], self._ends_at[side]
        return [Played(side, True) for side in over]


def tone_file(hertz: tuple[float, ...], on_s: float, off_s: float) -> bytes:
    """Raises MediaRefused: 488, it cannot be played."""
    if on_s + off_s > TONE_S_MAX:
        raise MediaRefused(488, f"rtpengine is sent no tone of more than {TONE_S_MAX:g} s")
    try:
        return _tone_file(hertz, on_s, off_s)
    except MediaError as error:
        raise MediaRefused(error.status, str(error)) from error


@lru_cache(TONES_KEPT_MAX)
def _tone_file(hertz: tuple[float, ...], on_s: float, off_s: float) -> bytes:
    octets = tone(hertz, on_s, off_s).mu_law
    return wav.head(len(octets), 1) + octets
