"""Keys that are pressed within a call, as events in its RTP (RFC 4733 §2.3, §2.5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

DIGITS = "0123456789*#ABCD"
# That are remembered of a call, and that wait to be pressed.
DIGITS_MAX = 100

_EVENT = struct.Struct(">BBH")
_END, _VOLUME = 0x80, 10
# A key is held down for so many packets, and its end is said so often (§2.5.1.4).
UPDATES, ENDS = 8, 3
# Of silence behind each, in packets.
GAP = 7
EVENT_STEPS_MAX = DIGITS_MAX * (UPDATES + ENDS + GAP)


def steps_of(digits: str, samples: int) -> Iterator[bytes]:
    """What is said in each packet's time, of so many samples; empty is silence.

    Raises:
        ValueError: there is no such key.
    """
    for digit in digits:
        code = DIGITS.index(digit)
        for number in range(1, UPDATES + 1):
            yield _EVENT.pack(code, _VOLUME, number * samples)
        for _ in range(ENDS):
            yield _EVENT.pack(code, _END | _VOLUME, UPDATES * samples)
        for _ in range(GAP):
            yield b""


def digit_of(payload: bytes) -> str:
    """Empty where it is no key."""
    is_key = len(payload) >= _EVENT.size and payload[0] < len(DIGITS)
    return DIGITS[payload[0]] if is_key else ""
