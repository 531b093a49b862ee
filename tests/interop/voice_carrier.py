"""Our own user agent for foreign programs to speak with: a simulated carrier in this loop."""

from __future__ import annotations

from typing import Any

import msgspec

from carriers_sim.call_behaviour import CallBehaviour
from carriers_sim.config import SimulatorConfig
from carriers_sim.simulator import Simulator


def voice_carrier(**keys: Any) -> Simulator:
    """`keys` are those of a [[sip_carrier]] table; it is called `carrier`."""
    return Simulator(
        msgspec.convert({"sip_carrier": [{"name": "carrier"} | keys]}, SimulatorConfig)
    )


def two_voice_carriers() -> Simulator:
    """`caller` calls through somebody else, and `carrier` answers."""
    carriers = [{"name": "caller"}, {"name": "carrier"}]
    return Simulator(msgspec.convert({"sip_carrier": carriers}, SimulatorConfig))


def changed(behaviour: dict[str, Any]) -> CallBehaviour:
    return msgspec.convert(behaviour, CallBehaviour)
