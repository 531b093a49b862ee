"""A tone as PCMU, and how much of one is in what was heard: proof that audio came through."""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi, sin, sqrt

from media.g711 import MU_LAW_SAMPLES, mu_law_encoded

SAMPLES_PER_S = 8_000
FRAME_SAMPLES = 160  # 20 ms
_FULL_SCALE = 32_124.0  # The largest sample of the mu-law.


def mu_law_tone(hertz: int, level: float = 0.5) -> bytes:
    """One second of a sine, which can be repeated without a click; `level` is its share of the
    largest amplitude."""
    turn = 2 * pi * hertz / SAMPLES_PER_S
    samples = (round(level * _FULL_SCALE * sin(turn * n)) for n in range(SAMPLES_PER_S))
    return bytes(map(mu_law_encoded, samples))


def frames(second: bytes) -> Iterator[bytes]:
    """It, frame after frame, without end."""
    while True:
        for at in range(0, len(second), FRAME_SAMPLES):
            yield second[at : at + FRAME_SAMPLES]


def level_of(octets: bytes, hertz: int) -> float:
    """The amplitude of that tone in PCMU, as a share of the largest (Goertzel's algorithm)."""
    if not octets:
        return 0.0
    coefficient = 2 * cos(2 * pi * hertz / SAMPLES_PER_S)
    before = last = 0.0
    for octet in octets:
        before, last = last, MU_LAW_SAMPLES[octet] + coefficient * last - before
    power = last * last + before * before - coefficient * last * before
    return 2 * sqrt(max(0.0, power)) / len(octets) / _FULL_SCALE
