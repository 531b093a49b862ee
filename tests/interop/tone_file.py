"""A tone as a WAV file, for those whose microphone is one, and what was recorded of one."""

from __future__ import annotations

import math
import struct
import wave
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
