"""A tone as a WAV file, for those whose microphone is one, and what was recorded of one."""

from __future__ import annotations

import math
import struct
import wave
from collections.abc import Sequence
from pathlib import Path

FULL_SCALE = 32_767


def write_tone(
    path: Path, hertz: int, seconds: int, rate: int = 48_000, level: float = 0.3
) -> None:
    """`level` is its share of the largest amplitude."""
    turn = 2 * math.pi * hertz / rate
    one = [round(level * FULL_SCALE * math.sin(turn * number)) for number in range(rate)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{rate}h", *one) * seconds)


def read_samples(path: Path) -> list[int]:
    """Of one channel of 16 bits."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        octets = file.readframes(file.getnframes())
    return list(struct.unpack(f"<{len(octets) // 2}h", octets))


def level_of(samples: Sequence[int], hertz: int, rate: int) -> float:
    """The amplitude of that tone, as a share of the largest (Goertzel's algorithm)."""
    coefficient = 2 * math.cos(2 * math.pi * hertz / rate)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = last * last + before * before - coefficient * last * before
    return 2 * math.sqrt(max(0.0, power)) / len(samples) / FULL_SCALE
