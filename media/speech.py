"""Whether an end speaks: by the level of what comes from it, for those who wait for an answer or
its end (RFC 6465 counts the level in dBov: 0 is the loudest that can be, -127 nothing)."""

from __future__ import annotations

from collections.abc import Callable
from math import log10
from typing import NamedTuple

from media.codecs import CN, PCMA, PCMU
from media.g711 import A_LAW_SAMPLES, MU_LAW_SAMPLES

LEVEL_DBOV = -45.0
TALK_S, SILENCE_S = 0.1, 1.0
NOTHING_DBOV = -127.0
# Without a packet for so long, nothing is said.
PACKETS_GAP_S = 0.2
_OVERLOAD = 32_768.0**2
_ENERGY = {
    PCMU: tuple(sample * sample for sample in MU_LAW_SAMPLES),
    PCMA: tuple(sample * sample for sample in A_LAW_SAMPLES),
}


class SpeechBounds(NamedTuple):
    """Louder than `level_dbov` for `talk_s` is talk, less for `silence_s` is silence."""

    level_dbov: float = LEVEL_DBOV
    talk_s: float = TALK_S
    silence_s: float = SILENCE_S


class Speech:
    """A tap of an end. `on_change` is told that talk begins, or silence, and at what level; at
    first there is neither."""

    def __init__(self, bounds: SpeechBounds, on_change: Callable[[bool, float], object]) -> None:
        self._bounds = bounds
        self._on_change = on_change
        self._talks: bool | None = None
        self._is_loud: bool | None = None
        self._since = 0.0
        self._heard_at: float | None = None

    def heard(self, payload_type: int, payload: bytes, timestamp: int, now: float) -> None:
        if payload_type in _ENERGY or payload_type == CN:
            self._heard_at = now
            self._take(level_dbov(payload_type, payload), now)

    def tick(self, now: float) -> None:
        """An end may send nothing while it is silent."""
        if self._heard_at is None or now - self._heard_at >= PACKETS_GAP_S:
            self._take(NOTHING_DBOV, now)

    def _take(self, level: float, now: float) -> None:
        is_loud = level >= self._bounds.level_dbov
        if is_loud is not self._is_loud:
            self._is_loud, self._since = is_loud, now
        lasts_s = self._bounds.talk_s if is_loud else self._bounds.silence_s
        if is_loud is not self._talks and now - self._since >= lasts_s:
            self._talks = is_loud
            self._on_change(is_loud, level)


def level_dbov(payload_type: int, payload: bytes) -> float:
    """Of G.711; comfort noise is no talk."""
    energies = _ENERGY.get(payload_type)
    if energies is None or not payload:
        return NOTHING_DBOV
    mean = sum(map(energies.__getitem__, payload)) / len(payload)
    return max(NOTHING_DBOV, 10 * log10(mean / _OVERLOAD)) if mean else NOTHING_DBOV
