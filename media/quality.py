"""How speech was heard, by the E-model (ITU-T G.107) with its defaults, for G.711.

Of its terms those are left that a relay can measure: delay (Id) and losses (Ie,eff).
"""

from __future__ import annotations

# Ro - Is with every default of G.107.
R_BEST = 93.2
# G.711 with concealment of losses at random (G.113, Appendix I).
IE = 0.0
BPL = 25.1
# What is not on the way: 20 ms are packed, and played after twice the jitter at the least.
PACKET_S = 0.020
JITTER_BUFFER_MIN_S = 0.040


def r_factor(delay_s: float, loss: float) -> float:
    """`delay_s` from mouth to ear; `loss` is the share of packets that were not heard."""
    delay_ms = delay_s * 1_000
    delay_impairment = 0.024 * delay_ms
    if delay_ms > 177.3:
        delay_impairment += 0.11 * (delay_ms - 177.3)
    percent = loss * 100
    equipment_impairment = IE + (95 - IE) * percent / (percent + BPL)
    return R_BEST - delay_impairment - equipment_impairment


def mos_of(r: float) -> float:
    """G.107 Annex B: from 1 to 4.5."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def mos(packets: int, lost: int, jitter_s: float, rtt_s: float) -> float:
    """Of what came from an end, 0 where nothing did. The way is taken as half the round trip."""
    if not packets:
        return 0.0
    delay_s = rtt_s / 2 + PACKET_S + max(JITTER_BUFFER_MIN_S, 2 * jitter_s)
    return mos_of(r_factor(delay_s, lost / (packets + lost)))
