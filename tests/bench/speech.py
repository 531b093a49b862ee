"""Something like speech for codecs to work on: syllables of a voice with its harmonics, and breath
between them. The same in each run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from random import Random

import av

from media import g711

FRAME_S = 0.02
SECONDS = 4
SYLLABLE_S = 0.22
HARMONICS = 12
LEVEL = 6_000.0
BREATH = 120.0
OPUS_RATE, OPUS_BITS = 48_000, 32_000


def samples(rate: int) -> list[int]:
    """16 bits each."""
    random = Random(7)
    made: list[int] = []
    phase = 0.0
    for number in range(SECONDS * rate):
        at = number / rate
        syllable, within = divmod(at, SYLLABLE_S)
        pitch = 110 + 30 * math.sin(syllable)
        phase += 2 * math.pi * pitch / rate
        loudness = math.sin(math.pi * within / SYLLABLE_S) ** 2 if int(syllable) % 4 else 0.0
        voice = sum([math.sin(phase * one) / one for one in range(1, HARMONICS)])
        made.append(int(LEVEL * loudness * voice / 2 + random.gauss(0.0, BREATH)))
    return made


def pcmu_frames() -> list[bytes]:
    """Of 20 ms."""
    encoded = bytes([g711.mu_law_encoded(each) for each in samples(8_000)])
    return [encoded[at : at + 160] for at in range(0, len(encoded), 160)]


def opus_frames() -> list[bytes]:
    """Of 20 ms, as a browser's encoder makes them: 48 kHz, one channel."""
    codec = av.CodecContext.create("libopus", "w")
    codec.bit_rate = OPUS_BITS
    codec.sample_rate = OPUS_RATE
    codec.format = "s16"
    codec.layout = "mono"
    codec.options = {"application": "voip", "frame_duration": "20"}
    return [bytes(packet) for frame in _frames() for packet in codec.encode(frame)]


def _frames() -> Iterator[av.AudioFrame]:
    size = int(OPUS_RATE * FRAME_S)
    whole = samples(OPUS_RATE)
    for at in range(0, len(whole), size):
        frame = av.AudioFrame(format="s16", layout="mono", samples=size)
        octets = b"".join(
            [each.to_bytes(2, "little", signed=True) for each in whole[at : at + size]]
        )
        frame.planes[0].update(octets)
        frame.sample_rate, frame.pts = OPUS_RATE, at
        frame.time_base = Fraction(1, OPUS_RATE)
        yield frame
