"""What a seed makes of the world: which kinds of trouble there are, and how much of each.

A seed draws some kinds and leaves others out (swarm testing), because a trouble that is always
there can hide what another one would show.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

PRESENCE = 0.6


@dataclass(frozen=True, slots=True)
class Scenario:
    """Counts are of events over `duration_s`; shares are from 0 to 1."""

    seed: int
    duration_s: float = 1_800.0
    crashes: int = 0
    """kill -9 of the gateway."""
    restarts: int = 0
    """SIGTERM and a new start."""
    cuts: int = 0
    """Connections cut, to carriers and to ESMEs."""
    freezes: int = 0
    """Connections that carry nothing any more and tell nobody."""
    outages: int = 0
    """Carriers that close their port for a while, one or all, or refuse the bind."""
    disk_failures: int = 0
    """Times in which the store can write nothing."""
    jitter: bool = False
    """Octets travel for a while, and arrive in pieces."""
    slow_disk: bool = False
    refusals: bool = False
    throttling: bool = False
    lost_answers: bool = False
    """Carriers that take a message and answer never, or much too late, or hang up."""
    strange_receipts: bool = False
    """Receipts too early, twice, never, in contradiction, much too late."""
    bad_webhooks: bool = False
    bad_esmes: bool = False
    inbound: bool = True
    silent_carrier: bool = False
    """One bind asks for no receipts."""
    payload_carrier: bool = False
    """One bind takes long texts whole, in message_payload."""
    short_heads: bool = False
    """Of each queue memory holds so little that most messages wait in the store."""
    changes: bool = False
    """Customers take messages back, and replace them."""

    @classmethod
    def drawn(cls, seed: int) -> Scenario:
        random = Random(f"{seed}/scenario")
        return cls(
            seed=seed,
            crashes=_some(random, 4),
            restarts=_some(random, 3),
            cuts=_some(random, 25),
            freezes=_some(random, 4),
            outages=_some(random, 4),
            disk_failures=_some(random, 3),
            **{
                kind.name: random.random() < PRESENCE for kind in fields(cls) if kind.type == "bool"
            },
        )


def _some(random: Random, most: int) -> int:
    return random.randint(1, most) if random.random() < PRESENCE else 0
