"""SIPp as the customer of our own user agent, which answers as a simulated carrier."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S
from tests.interop.sipp import CALLED, CALLER, Sipp
from tests.interop.voice_carrier import changed, voice_carrier

pytestmark = pytest.mark.interop
PEERS = ("sipp",)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    # SIPp speaks MD5 alone, and reads no challenge but the first.
    async with voice_carrier(algorithms=["MD5"]) as made:
        yield made


@pytest.fixture
def carrier(simulator: Simulator) -> SipCarrier:
    return simulator.sip_carriers["carrier"]


@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_calls_are_rung_for_answered_and_ended(
    simulator: Simulator, carrier: SipCarrier, tmp_path: Path, transport: str
) -> None:
    async with Sipp("uac_call", tmp_path, carrier.port, calls=10, transport=transport) as customer:
        assert await customer.succeeded()
    calls = await carrier.wait_for_calls(10)
    assert {(call.caller, call.called, call.status) for call in calls} == {(CALLER, CALLED, 200)}
    assert simulator.violations == []


@pytest.mark.parametrize(
    ("scenario", "behaviour"),
    [
        ("uac_hung_up", {"talk_s": 0.2}),
        ("uac_cancel", {"ring_s": 30.0}),
        ("uac_early_media", {"early_media": 1.0, "ring_s": 0.5}),
        ("uac_prack", {"early_media": 1.0, "ring_s": 0.5}),
        ("uac_hold", {}),
        ("uac_is_held", {"hold_after_s": 0.2, "hold_s": 0.2}),
        ("uac_late_offer", {}),
        ("uac_password", {"challenge": True}),
        ("uac_register", {"challenge": True}),
        ("uac_options", {}),
    ],
)
async def test_scenario_passes(
    simulator: Simulator,
    carrier: SipCarrier,
    tmp_path: Path,
    scenario: str,
    behaviour: dict[str, Any],
) -> None:
    carrier.set_behaviour(changed(behaviour))
    password = ("-au", carrier.config.username, "-ap", carrier.config.password)
    async with Sipp(scenario, tmp_path, carrier.port, options=password) as customer:
        assert await customer.succeeded(), customer.errors
    assert simulator.violations == []


@pytest.mark.parametrize("status", ["302", "404", "480", "486", "503", "603"])
async def test_refusal_is_acknowledged(
    simulator: Simulator, carrier: SipCarrier, tmp_path: Path, status: str
) -> None:
    carrier.set_behaviour(changed({"outcomes": {status: 1.0}}))
    words = {"STATUS": status}
    async with Sipp("uac_refused", tmp_path, carrier.port, words=words) as customer:
        assert await customer.succeeded(), customer.errors
    assert simulator.violations == []


async def test_wrong_password_is_asked_for_again(carrier: SipCarrier, tmp_path: Path) -> None:
    carrier.set_behaviour(changed({"challenge": True}))
    wrong = ("-au", carrier.config.username, "-ap", "wrong")
    async with Sipp("uac_wrong_password", tmp_path, carrier.port, options=wrong) as customer:
        assert await customer.succeeded(), customer.errors
    assert carrier.calls == []


async def test_calls_pass_though_datagrams_are_lost(
    simulator: Simulator, carrier: SipCarrier, tmp_path: Path
) -> None:
    """SIPp loses one in five of what it says and hears; both repeat. It takes a 200 that comes
    again for the answer to its BYE, so that is said late, and may not be heard at all: then the
    call ends for want of its ACK."""
    lossy = ("-lost", "20")
    async with Sipp(
        "uac_call", tmp_path, carrier.port, calls=10, pause_ms=3_000, options=lossy
    ) as customer:
        assert await customer.succeeded(), customer.errors
    calls = await carrier.wait_for_calls(10, timeout_s=PATIENCE_S)
    assert {call.status for call in calls} == {200}


async def test_silence_is_asked_again_and_again(
    simulator: Simulator, carrier: SipCarrier, tmp_path: Path
) -> None:
    carrier.set_behaviour(changed({"outcomes": {"silence": 1.0}}))
    async with Sipp("uac_call", tmp_path, carrier.port) as customer:
        await until(customer.count_of("INVITE"), lambda count: count >= 3)
        assert "UDP message received" not in customer.messages
    assert simulator.violations == []
