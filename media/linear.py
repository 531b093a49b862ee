"""Linear samples of 16 bits, as the machine orders them, to G.711 and back: what other codecs are
fed with and give."""

from __future__ import annotations

import struct
import sys
from functools import lru_cache
from operator import itemgetter

from media.codecs import PCMA, PCMU
from media.g711 import A_LAW_SAMPLES, MU_LAW_SAMPLES, a_law_encoded, mu_law_encoded

SAMPLE_OCTETS = 2
_HIGH_FIRST = sys.byteorder == "big"


class Law:
    """PCMU or PCMA. The octet of each sample there is stands in a table, and a packet's are taken
    from it in one call: a third of what a loop costs."""

    def __init__(self, payload_type: int) -> None:
        samples, encoded = {
            PCMU: (MU_LAW_SAMPLES, mu_law_encoded),
            PCMA: (A_LAW_SAMPLES, a_law_encoded),
        }[payload_type]
        self._octets = bytes([encoded(_signed(number)) for number in range(1 << 16)])
        self._low = bytes([sample & 0xFF for sample in samples])
        self._high = bytes([sample >> 8 & 0xFF for sample in samples])

    def linear(self, payload: bytes) -> bytes:
        samples = bytearray(SAMPLE_OCTETS * len(payload))
        samples[_HIGH_FIRST::2] = payload.translate(self._low)
        samples[not _HIGH_FIRST :: 2] = payload.translate(self._high)
        return bytes(samples)

    def encoded(self, samples: bytes) -> bytes:
        """Of two samples or more."""
        numbers = struct.unpack(f"={len(samples) // SAMPLE_OCTETS}H", samples)
        return bytes(itemgetter(*numbers)(self._octets))


@lru_cache(2)
def law(payload_type: int) -> Law:
    return Law(payload_type)


def _signed(number: int) -> int:
    return number - 0x1_0000 if number & 0x8000 else number
