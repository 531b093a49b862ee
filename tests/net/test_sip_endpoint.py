"""Endpoints that call each other over loopback."""

import pytest

from gateway.sip.leg import LegState
from gateway.sip.leg_events import Acknowledged, EndCause, Ended, Provisional
from tests.net.sip_endpoints import hang_up, party, talk

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_call_is_rung_for_answered_and_ended(transport: str) -> None:
    async with party() as alice, party() as bob:
        a_leg, b_leg = await talk(alice, bob, bob.at(transport))
        assert (await alice.event(Provisional)).response.status == 180
        await bob.event(Acknowledged)
        assert a_leg.state is b_leg.state is LegState.CONFIRMED
        b_leg.hang_up(bob.clock.now())
        bob.endpoint.flush()
        assert (await alice.event(Ended)).cause is EndCause.BYE
        assert (await bob.event(Ended)).cause is EndCause.HUNG_UP


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
async def test_caller_may_hang_up_too(transport: str) -> None:
    async with party() as alice, party() as bob:
        a_leg, _ = await talk(alice, bob, bob.at(transport))
        await bob.event(Acknowledged)
        await hang_up(alice, a_leg, bob)
        await alice.endpoint.drain()
        assert alice.endpoint.user_agent.legs == bob.endpoint.user_agent.legs == 0
