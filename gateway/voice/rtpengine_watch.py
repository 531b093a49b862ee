"""Whether both sides of a call in an rtpengine are heard, by what it counts when it is asked."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.voice.media_session import OneWay, Side, Silence
from gateway.voice.rtpengine_replies import Heard

# As long without media from an end that should send; told again after as long.
SILENCE_S = 60.0
# As long without it from one end, while it comes from the other.
ONE_WAY_S = 10.0


class RtpengineWatch:
    """`one_way` is how often one-way audio was told."""

    __slots__ = ("_missing", "_signs", "_sound", "one_way")

    def __init__(self) -> None:
        # What comes as signs of life, and as sound.
        self._signs, self._sound = _Growth(), _Growth()
        self._missing: set[Side] = set()
        self.one_way = 0

    def begin(self) -> None:
        """Something else was agreed: what is missing is missed from when it is looked at next."""
        self._sound = _Growth()

    def look(self, heard: Mapping[Side, Heard], now: float) -> list[Silence | OneWay]:
        for side, one in heard.items():
            self._sound.is_now(side, one.quality.packets, now)
            self._signs.is_now(side, one.quality.packets + one.reports, now)
        if not all(one.active for one in heard.values()):
            self._sound.begin(now)  # What is held is not missed.
            self._signs.begin(now)
            return []
        told: list[Silence | OneWay] = [*self._one_way(now)]
        if max(self._signs.stands_s(side, now) for side in Side) >= SILENCE_S:
            self._signs.begin(now)
            told.append(Silence())
        return told

    def _one_way(self, now: float) -> list[OneWay]:
        """Once, until it has been heard again."""
        silent = {side for side in Side if self._sound.stands_s(side, now) >= ONE_WAY_S}
        self._missing &= silent
        if len(silent) != 1 or silent == self._missing:
            return []
        self._missing = silent
        self.one_way += 1
        return [OneWay(*silent)]


class _Growth:
    """Of what comes from each side: how much there was, and since when it has not grown."""

    __slots__ = ("_came", "_since")

    def __init__(self) -> None:
        self._came: dict[Side, int] = {}
        self._since: dict[Side, float] = {}

    def is_now(self, side: Side, came: int, now: float) -> None:
        if self._came.get(side) != came:
            self._came[side] = came
            self._since[side] = now

    def begin(self, now: float) -> None:
        """It is missed from now on."""
        self._since = dict.fromkeys(Side, now)

    def stands_s(self, side: Side, now: float) -> float:
        return now - self._since[side]
