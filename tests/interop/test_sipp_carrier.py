"""SIPp as the carrier that our own user agent calls."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from gateway.sip.leg_events import EndCause
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S
from tests.interop.sipp import CALLED, CALLER, LOOPBACK, Sipp
from tests.interop.voice_carrier import voice_carrier

pytestmark = pytest.mark.interop
PEERS = ("sipp",)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with voice_carrier() as made:
        yield made


@pytest.fixture
def caller(simulator: Simulator) -> SipCarrier:
    return simulator.sip_carriers["carrier"]


@pytest.mark.parametrize(
    ("scenario", "keys", "status", "ended"),
    [
        ("uas_call", {"talk_s": 0.5}, 200, EndCause.HUNG_UP),
        ("uas_call", {"talk_s": 0.5, "offers": False}, 200, EndCause.HUNG_UP),
        ("uas_early_media", {"talk_s": 0.5}, 200, EndCause.HUNG_UP),
        ("uas_hangs_up", {}, 200, EndCause.BYE),
        ("uas_holds", {}, 200, EndCause.BYE),
        ("uas_refused_late", {}, 404, EndCause.REJECTED),
        ("uas_ringing", {"cancel_after_s": 1.0}, 0, EndCause.HUNG_UP),
        ("uas_password", {"talk_s": 0.5}, 200, EndCause.HUNG_UP),
    ],
)
async def test_scenario_passes(
    simulator: Simulator,
    caller: SipCarrier,
    tmp_path: Path,
    scenario: str,
    keys: dict[str, Any],
    status: int,
    ended: EndCause,
) -> None:
    config = caller.config
    words = {"USERNAME": config.username, "PASSWORD": config.password}
    async with Sipp(scenario, tmp_path, words=words) as carrier:
        caller.call(CALLER, CALLED, LOOPBACK, carrier.port, **keys)
        (call,) = await caller.wait_for_calls(1, timeout_s=PATIENCE_S)
        assert (call.status, call.ended) == (status, ended)
        assert await carrier.succeeded(), carrier.errors
    assert simulator.violations == []


@pytest.mark.parametrize("status", [302, 404, 480, 486, 503, 603])
async def test_refusal_is_acknowledged(caller: SipCarrier, tmp_path: Path, status: int) -> None:
    async with Sipp("uas_refused", tmp_path, words={"STATUS": str(status)}) as carrier:
        caller.call(CALLER, CALLED, LOOPBACK, carrier.port)
        (call,) = await caller.wait_for_calls(1, timeout_s=PATIENCE_S)
        assert (call.status, call.ended) == (status, EndCause.REJECTED)
        assert await carrier.succeeded(), carrier.errors


async def test_dead_carrier_is_asked_again_and_given_up(caller: SipCarrier, tmp_path: Path) -> None:
    """Timer A: after half a second, one, two …"""
    async with Sipp("uas_black_hole", tmp_path) as carrier:
        caller.call(CALLER, CALLED, LOOPBACK, carrier.port, cancel_after_s=5.0)
        await until(carrier.count_of("INVITE"), lambda count: count >= 3)
        (call,) = await caller.wait_for_calls(1, timeout_s=PATIENCE_S)
        assert (call.status, call.ended) == (0, EndCause.HUNG_UP)


async def test_sound_comes_back_undamaged(caller: SipCarrier, tmp_path: Path) -> None:
    async with Sipp("uas_call", tmp_path, options=("-rtp_echo",)) as carrier:
        caller.call(CALLER, CALLED, LOOPBACK, carrier.port, talk_s=1.0, audio="tone")
        (call,) = await caller.wait_for_calls(1, timeout_s=PATIENCE_S)
        assert await carrier.succeeded(), carrier.errors
    assert call.tone_heard == call.packets_received > 20


async def test_calls_pass_though_datagrams_are_lost(caller: SipCarrier, tmp_path: Path) -> None:
    async with Sipp("uas_call", tmp_path, calls=10, options=("-lost", "20")) as carrier:
        for _ in range(10):
            caller.call(CALLER, CALLED, LOOPBACK, carrier.port, talk_s=1.0)
        calls = await caller.wait_for_calls(10, timeout_s=PATIENCE_S)
        assert {(call.status, call.ended) for call in calls} == {(200, EndCause.HUNG_UP)}
