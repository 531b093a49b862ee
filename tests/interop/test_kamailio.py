"""Kamailio between two of our user agents: its routes, its Vias and its passwords."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from carriers_sim.simulator import Simulator
from gateway.sip.leg_events import EndCause
from tests.e2e.process import PATIENCE_S
from tests.interop.kamailio import Kamailio
from tests.interop.sipp import CALLED, CALLER, LOOPBACK, Sipp
from tests.interop.voice_carrier import changed, two_voice_carriers

pytestmark = pytest.mark.interop
PEERS = ("kamailio", "sipp")


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with two_voice_carriers() as made:
        yield made


@pytest.fixture
async def proxy(simulator: Simulator, tmp_path: Path) -> AsyncIterator[Kamailio]:
    async with Kamailio(tmp_path, simulator.sip_carriers["carrier"].port) as made:
        yield made


@pytest.mark.parametrize(
    ("behaviour", "keys", "status", "ended"),
    [
        ({}, {"talk_s": 0.5}, 200, EndCause.HUNG_UP),
        ({"talk_s": 0.3}, {}, 200, EndCause.BYE),
        ({"early_media": 1.0, "ring_s": 0.5}, {"talk_s": 0.3}, 200, EndCause.HUNG_UP),
        ({"early_media": 1.0, "ring_s": 0.5, "reliable": True}, {"talk_s": 0.3}, 200, "we hung up"),
        ({"hold_after_s": 0.2, "hold_s": 0.2, "talk_s": 1.0}, {}, 200, EndCause.BYE),
        ({}, {"hold_after_s": 0.2, "hold_s": 0.2, "talk_s": 1.0}, 200, EndCause.HUNG_UP),
        ({}, {"offers": False, "talk_s": 0.3}, 200, EndCause.HUNG_UP),
        ({"outcomes": {"486": 1.0}}, {}, 486, EndCause.REJECTED),
        ({"ring_s": 30.0}, {"cancel_after_s": 0.5}, 0, EndCause.HUNG_UP),
    ],
)
async def test_call_passes(
    simulator: Simulator,
    proxy: Kamailio,
    behaviour: dict[str, Any],
    keys: dict[str, Any],
    status: int,
    ended: str,
) -> None:
    caller, carrier = simulator.sip_carriers["caller"], simulator.sip_carriers["carrier"]
    carrier.set_behaviour(changed(behaviour))
    caller.call(CALLER, CALLED, LOOPBACK, proxy.port, **keys)
    (call,) = await caller.wait_for_calls(1, timeout_s=PATIENCE_S)
    (heard,) = await carrier.wait_for_calls(1, timeout_s=PATIENCE_S)
    assert (call.status, call.ended) == (status, ended)
    assert heard.called == CALLED
    assert simulator.violations == []


async def test_password_is_given_where_it_is_asked_for(
    simulator: Simulator, tmp_path: Path
) -> None:
    caller, carrier = simulator.sip_carriers["caller"], simulator.sip_carriers["carrier"]
    password = caller.config.password
    async with Kamailio(tmp_path, carrier.port, password) as proxy:
        caller.call(CALLER, CALLED, LOOPBACK, proxy.port, talk_s=0.3)
        (call,) = await caller.wait_for_calls(1, timeout_s=PATIENCE_S)
        assert (call.status, call.ended) == (200, EndCause.HUNG_UP)
    assert simulator.violations == []


async def test_customer_behind_it_is_served(
    simulator: Simulator, proxy: Kamailio, tmp_path: Path
) -> None:
    async with Sipp("uac_call", tmp_path, proxy.port, calls=5) as customer:
        assert await customer.succeeded(), customer.errors
    assert {call.status for call in simulator.sip_carriers["carrier"].calls} == {200}
    assert simulator.violations == []
