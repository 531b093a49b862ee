"""Audio that is played to ends, as PCMU at 8,000 Hz: of samples, of tones, of digits.

It is made once and cut into packets as it is: who plays it encodes nothing.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import pi, sin

from media.errors import NotAcceptable
from media.g711 import mu_law_encoded
from media.telephone_event import DIGIT_S, DIGITS, GAP_S

SAMPLES_PER_S = 8_000
AUDIO_S_MAX = 600
SILENCE = b"\xff"
# 0 dBm0 is 3.17 dB below the largest sample of the mu-law (G.711 §2).
_AMPLITUDE_0_DBM0 = 32_124 * 10 ** (-3.17 / 20)
TONE_DBM0, DIGIT_DBM0 = -16.0, -8.0
# ITU-T Q.23: a digit is the tone of its row and that of its column.
_ROWS, _COLUMNS = (697, 770, 852, 941), (1_209, 1_336, 1_477, 1_633)
_KEYS = "123A456B789C*0#D"


@dataclass(frozen=True, slots=True)
class Audio:
    """Octets of PCMU."""

    mu_law: bytes

    def __post_init__(self) -> None:
        if not self.mu_law:
            raise NotAcceptable("there is no audio")
        if len(self.mu_law) > AUDIO_S_MAX * SAMPLES_PER_S:
            raise NotAcceptable("the audio is too long")

    @property
    def seconds(self) -> float:
        return len(self.mu_law) / SAMPLES_PER_S


def audio_of(samples: array[int]) -> Audio:
    """Of 16-bit samples at 8,000 Hz."""
    encoded = _mu_law_of_samples()
    return Audio(bytes([encoded[(sample >> 2) + 8_192] for sample in samples]))


def tone(
    hertz: Sequence[float], on_s: float, off_s: float = 0.0, level_dbm0: float = TONE_DBM0
) -> Audio:
    """Each of them at that level, for a while, and then silence."""
    return Audio(_tone(hertz, on_s, level_dbm0) + SILENCE * round(off_s * SAMPLES_PER_S))


def digits(signs: str, duration_s: float = DIGIT_S) -> Audio:
    """As a telephone without events sends them (Q.23, Q.24)."""
    return Audio(
        b"".join(
            [
                _tone(_frequencies(one), duration_s, DIGIT_DBM0)
                + SILENCE * round(GAP_S * SAMPLES_PER_S)
                for one in signs.upper()
                if one in DIGITS
            ]
        )
    )


def _frequencies(sign: str) -> tuple[float, float]:
    row, column = divmod(_KEYS.index(sign), 4)
    return _ROWS[row], _COLUMNS[column]


def _tone(hertz: Sequence[float], seconds: float, level_dbm0: float) -> bytes:
    if not 0 < seconds <= AUDIO_S_MAX or not all(0 < one < SAMPLES_PER_S / 2 for one in hertz):
        raise NotAcceptable("the tone has no frequency or length that can be sent")
    amplitude = _AMPLITUDE_0_DBM0 * 10 ** (level_dbm0 / 20)
    turns = [2 * pi * one / SAMPLES_PER_S for one in hertz]
    return bytes(
        [
            mu_law_encoded(round(amplitude * sum([sin(turn * at) for turn in turns])))
            for at in range(round(seconds * SAMPLES_PER_S))
        ]
    )


@lru_cache(1)
def _mu_law_of_samples() -> bytes:
    """By the upper 14 bits of a sample."""
    return bytes([mu_law_encoded(sample << 2) for sample in range(-8_192, 8_192)])
