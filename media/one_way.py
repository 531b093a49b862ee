"""Audio that goes one way alone: an end that should send is not heard while the other is."""

from __future__ import annotations

from media.leg import Leg

ONE_WAY_S = 10.0


class OneWayWatch:
    def __init__(self, legs: tuple[Leg, Leg]) -> None:
        self._legs = legs
        self._since = 0.0
        self._told: set[int] = set()

    def begin(self, now: float) -> None:
        """Something else was agreed: what is missing is missed from now on."""
        self._since = now

    def look(self, now: float) -> int | None:
        """The end that is missing, once; it may be again when it has been heard."""
        silent = [now - max(self._since, leg.reception.last_at) >= ONE_WAY_S for leg in self._legs]
        self._told = {end for end in self._told if silent[end]}
        if silent[0] == silent[1]:
            return None
        end = silent.index(True)
        other = self._legs[1 - end].reception
        if end in self._told or now - other.last_at >= ONE_WAY_S or not other.packets:
            return None
        self._told.add(end)
        return end
