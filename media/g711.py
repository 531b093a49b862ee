"""PCMU and PCMA (ITU-T G.711): linear samples to octets and back, and from one law to the other.

A table is built once from the recommendation's definition of each law; a frame is then translated
by `bytes.translate`, without its samples.
"""

from __future__ import annotations

_BIAS = 33  # Of the 14 bits of the mu-law.


def _mu_law_decoded(octet: int) -> int:
    """A 16-bit sample: sign, three bits of segment, four within it, all inverted (§3, table 2)."""
    octet = ~octet & 0xFF
    magnitude = (((octet & 0x0F) << 1 | 0x21) << (octet >> 4 & 7)) - _BIAS
    return (-magnitude if octet & 0x80 else magnitude) << 2


def _a_law_decoded(octet: int) -> int:
    """A 16-bit sample: sign, segment, interval; every other bit inverted (§3, table 1)."""
    octet ^= 0x55
    segment, interval = octet >> 4 & 7, octet & 0x0F
    magnitude = interval << 1 | 1
    if segment:
        magnitude = (magnitude | 0x20) << (segment - 1)
    return (magnitude if octet & 0x80 else -magnitude) << 3


MU_LAW_SAMPLES = tuple(_mu_law_decoded(octet) for octet in range(256))
A_LAW_SAMPLES = tuple(_a_law_decoded(octet) for octet in range(256))


def mu_law_encoded(sample: int) -> int:
    """The octet of a 16-bit sample."""
    sign = 0x80 if sample < 0 else 0
    sample >>= 2
    magnitude = min(-sample if sign else sample, 8_158) + _BIAS
    segment = magnitude.bit_length() - 6
    return ~(sign | segment << 4 | magnitude >> (segment + 1) & 0x0F) & 0xFF


def a_law_encoded(sample: int) -> int:
    """The octet of a 16-bit sample."""
    sign = 0x80 if sample >= 0 else 0
    magnitude = (sample if sample >= 0 else ~sample) >> 3
    if magnitude < 32:
        return (sign | magnitude >> 1) ^ 0x55
    segment = magnitude.bit_length() - 5
    return (sign | segment << 4 | magnitude >> segment & 0x0F) ^ 0x55


MU_LAW_TO_A_LAW = bytes(a_law_encoded(sample) for sample in MU_LAW_SAMPLES)
A_LAW_TO_MU_LAW = bytes(mu_law_encoded(sample) for sample in A_LAW_SAMPLES)
