"""baresip, a phone that none of us wrote, at our user agent: registered, calling and called."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from carriers_sim.call_recorder import RecordedCall
from carriers_sim.simulator import Simulator
from carriers_sim.sip_carrier import SipCarrier
from gateway.sip.leg_events import EndCause
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S
from tests.interop.baresip import Baresip
from tests.interop.sipp import CALLED, CALLER, LOOPBACK
from tests.interop.voice_carrier import changed, voice_carrier

pytestmark = pytest.mark.interop
PEERS = ("baresip",)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with voice_carrier(behaviour={"challenge": True}, algorithms=["MD5"]) as made:
        yield made


@pytest.fixture
def carrier(simulator: Simulator) -> SipCarrier:
    return simulator.sip_carriers["carrier"]


@pytest.fixture
async def phone(carrier: SipCarrier, tmp_path: Path) -> AsyncIterator[Baresip]:
    """Registered, with its password."""
    config = carrier.config
    async with Baresip(tmp_path, carrier.port, CALLER, config.username, config.password) as made:
        await carrier.wait_until(lambda: CALLER in carrier.bindings, PATIENCE_S)
        yield made


def packets_of(call: RecordedCall) -> Callable[[], Awaitable[int]]:
    async def packets() -> int:
        return call.packets_received

    return packets


async def test_phone_calls_holds_and_hangs_up(
    simulator: Simulator, carrier: SipCarrier, phone: Baresip
) -> None:
    await phone.tell_phone("dial", f"sip:{CALLED}@{LOOPBACK}:{carrier.port}")
    await carrier.wait_until(lambda: bool(carrier.calls), PATIENCE_S)
    (call,) = carrier.calls
    await carrier.wait_until(lambda: call.answered_at is not None, PATIENCE_S)
    await until(packets_of(call))
    await phone.tell_phone("hold")
    await carrier.wait_until(lambda: len(call.asked) == 1, PATIENCE_S)
    await phone.tell_phone("resume")
    await carrier.wait_until(lambda: len(call.asked) == 2, PATIENCE_S)
    await phone.tell_phone("hangup")
    await carrier.wait_for_calls(1, timeout_s=PATIENCE_S)
    assert (call.called, call.ended, call.asked) == (CALLED, EndCause.BYE, ["INVITE", "INVITE"])
    assert call.packets_sent > 0
    assert simulator.violations == []


async def test_phone_is_called_where_it_has_registered(
    simulator: Simulator, carrier: SipCarrier, phone: Baresip
) -> None:
    carrier.call(CALLED, CALLER, LOOPBACK, phone.port, talk_s=1.0, hold_after_s=0.3, hold_s=0.2)
    (call,) = await carrier.wait_for_calls(1, timeout_s=PATIENCE_S)
    assert (call.status, call.ended) == (200, EndCause.HUNG_UP)
    assert call.packets_received > 0
    assert simulator.violations == []


async def test_phone_hears_that_it_is_refused(
    simulator: Simulator, carrier: SipCarrier, phone: Baresip
) -> None:
    carrier.set_behaviour(changed({"outcomes": {"486": 1.0}}))
    await phone.tell_phone("dial", f"sip:{CALLED}@{LOOPBACK}:{carrier.port}")
    await carrier.wait_for_calls(1, timeout_s=PATIENCE_S)
    await phone.line(lambda line: "486" in line)
    assert simulator.violations == []


async def test_phone_that_leaves_is_no_longer_bound(carrier: SipCarrier, phone: Baresip) -> None:
    await phone.leave()
    await carrier.wait_until(lambda: not carrier.bindings, PATIENCE_S)
