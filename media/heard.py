"""What came from an end of a call: how much, and how well it is heard."""

from __future__ import annotations

from typing import NamedTuple

from media.quality import mos


class Heard(NamedTuple):
    """How what came from an end was, so far; times in seconds, MOS from 1 to 4.5, 0 unknown."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    jitter_s: float = 0.0
    rtt_s: float = 0.0
    mos: float = 0.0

    def after(self, before: Heard) -> Heard:
        """With what came from another, whose place the end has taken."""
        packets, lost = before.packets + self.packets, before.lost + self.lost
        jitter_s = self.jitter_s if self.packets else before.jitter_s
        rtt_s = self.rtt_s or before.rtt_s
        quality = mos(packets, lost, jitter_s, rtt_s)
        return Heard(packets, before.octets + self.octets, lost, jitter_s, rtt_s, quality)


NOTHING = Heard()
