"""Handsets that send of their own accord: who writes what to whom, by the seed and a number."""

from __future__ import annotations

from random import Random
from typing import Annotated

import msgspec

from carriers_sim.delay import Weights, pick, require_weight

# What people send to a keyword service, right and nearly right.
KEYWORDS: Weights = {
    "STOP": 10.0,
    "stop": 5.0,
    "Stop please": 3.0,
    "stop.": 2.0,
    "HELP": 5.0,
    "start": 3.0,
    "YES": 10.0,
    "Hi": 20.0,
    "Grüße aus Köln, 5 €": 5.0,
    "👍": 10.0,
    "": 1.0,
}
HANDSETS = 10_000


class HandsetTraffic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`per_s` messages a second, evenly, from numbers that begin with `prefix`, to one of `to`."""

    per_s: Annotated[float, msgspec.Meta(gt=0, le=10_000)]
    to: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    prefix: Annotated[str, msgspec.Meta(pattern=r"^\+\d{1,10}$")] = "+1500555"
    bodies: Weights = msgspec.field(default_factory=lambda: dict(KEYWORDS))

    def __post_init__(self) -> None:
        require_weight(self.bodies, "bodies")


class HandsetMessage(msgspec.Struct, frozen=True, gc=False):
    sender: str
    recipient: str
    body: str


def handset_message(traffic: HandsetTraffic, chance: Random) -> HandsetMessage:
    """One message; `chance` is its own."""
    sender = f"{traffic.prefix}{chance.randrange(HANDSETS):04d}"
    recipient = traffic.to[chance.randrange(len(traffic.to))]
    return HandsetMessage(sender, recipient, pick(traffic.bodies, chance))
