"""A carrier's day: from when until when which keys of its behaviour are others."""

from __future__ import annotations

from typing import Any

import msgspec

from carriers_sim.behaviour import Behaviour
from carriers_sim.delay import Seconds
from carriers_sim.fault import Fault


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`at_s` after the start, `for_s` long, or for ever: these keys of `behaviour` are others, and
    `fault` befalls all connections at its beginning. Of two changes the later row wins."""

    at_s: Seconds
    for_s: Seconds = 0.0
    behaviour: dict[str, Any] = {}
    fault: Fault | None = None

    def holds(self, after_s: float) -> bool:
        return self.at_s <= after_s and (not self.for_s or after_s < self.at_s + self.for_s)


def behaviour_at(usual: Behaviour, timeline: tuple[Change, ...], after_s: float) -> Behaviour:
    """What the carrier is like so long after its start."""
    for change in timeline:
        if change.holds(after_s):
            usual = changed_behaviour(usual, change.behaviour)
    return usual


def faults_at(timeline: tuple[Change, ...], after_s: float) -> list[tuple[Fault, float]]:
    """What befalls the connections at this moment, and for how long."""
    return [
        (change.fault, change.for_s)
        for change in timeline
        if change.fault is not None and change.at_s == after_s
    ]


def moments(timeline: tuple[Change, ...]) -> list[float]:
    """When something begins or ends, in seconds after the start."""
    begins = {change.at_s for change in timeline}
    return sorted(begins | {change.at_s + change.for_s for change in timeline if change.for_s})


def changed_behaviour(behaviour: Behaviour, keys: dict[str, Any]) -> Behaviour:
    """The same but for these keys. Raises msgspec.ValidationError."""
    if not keys:
        return behaviour
    current: dict[str, Any] = msgspec.to_builtins(behaviour)
    return msgspec.convert(current | keys, Behaviour)
