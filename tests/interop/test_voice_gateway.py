"""Foreign SIP software as customers of the daemon, and as the carrier behind it."""

from pathlib import Path
from typing import Any

import pytest

from gateway.sip.leg_events import EndCause
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S
from tests.interop.baresip import Baresip
from tests.interop.kamailio import Kamailio
from tests.interop.sipp import Sipp
from tests.interop.voice_carrier import changed
from tests.interop.voice_gateway import (
    CALLED,
    PASSWORD,
    PHONE,
    TRUNK,
    USERNAME,
    voice_gateway,
)

pytestmark = pytest.mark.interop
PEERS = ("sipp", "baresip", "kamailio")


@pytest.mark.parametrize(
    ("scenario", "behaviour", "status"),
    [
        ("uac_call", {}, "completed"),
        ("uac_hung_up", {"talk_s": 0.3}, "completed"),
        ("uac_early_media", {"early_media": 1.0, "ring_s": 0.5}, "completed"),
        ("uac_hold", {}, "completed"),
        ("uac_is_held", {"hold_after_s": 0.2, "hold_s": 0.2}, "completed"),
        ("uac_late_offer", {}, "completed"),
        ("uac_prack", {"early_media": 1.0, "ring_s": 0.5}, "completed"),
        ("uac_cancel", {"ring_s": 30.0}, "canceled"),
    ],
)
async def test_customers_scenario_passes(
    tmp_path: Path, scenario: str, behaviour: dict[str, Any], status: str
) -> None:
    async with voice_gateway(tmp_path, TRUNK) as gateway:
        gateway.carrier.set_behaviour(changed(behaviour))
        async with Sipp(
            scenario, tmp_path, gateway.port, called=CALLED, caller=gateway.caller
        ) as customer:
            assert await customer.succeeded(), customer.errors
        (ended,) = await gateway.ended()
        assert ended["status"] == status
        assert gateway.carriers.violations == []


@pytest.mark.parametrize("status", ["404", "480", "486", "603"])
async def test_customer_hears_the_carriers_refusal(tmp_path: Path, status: str) -> None:
    async with voice_gateway(tmp_path, TRUNK) as gateway:
        gateway.carrier.set_behaviour(changed({"outcomes": {status: 1.0}}))
        async with Sipp(
            *("uac_refused", tmp_path, gateway.port),
            called=CALLED,
            caller=gateway.caller,
            words={"STATUS": status},
        ) as customer:
            assert await customer.succeeded(), customer.errors
        assert gateway.carriers.violations == []


async def test_phone_registers_calls_holds_and_hangs_up(tmp_path: Path) -> None:
    async with (
        voice_gateway(tmp_path, PHONE) as gateway,
        Baresip(tmp_path, gateway.port, USERNAME, USERNAME, PASSWORD) as phone,
    ):
        carrier = gateway.carrier
        await phone.line(lambda line: "1 binding" in line)
        await phone.tell_phone("dial", f"sip:{CALLED}@127.0.0.1:{gateway.port}")
        await carrier.wait_until(lambda: bool(carrier.calls), PATIENCE_S)
        (call,) = carrier.calls

        async def heard() -> int:
            return call.packets_received

        await until(heard)
        await phone.tell_phone("hold")
        await carrier.wait_until(lambda: len(call.asked) == 1, PATIENCE_S)
        await phone.tell_phone("resume")
        await carrier.wait_until(lambda: len(call.asked) == 2, PATIENCE_S)
        await phone.tell_phone("hangup")
        await carrier.wait_for_calls(1, timeout_s=PATIENCE_S)
        (ended,) = await gateway.ended()
        assert (call.caller, ended["status"]) == (gateway.caller, "completed")
        assert gateway.carriers.violations == []


async def test_carrier_reaches_the_phone_that_has_registered(tmp_path: Path) -> None:
    async with (
        voice_gateway(tmp_path, PHONE) as gateway,
        Baresip(tmp_path, gateway.port, USERNAME, USERNAME, PASSWORD) as phone,
    ):
        await phone.line(lambda line: "1 binding" in line)
        carrier = gateway.carrier
        carrier.call(CALLED, gateway.caller, "127.0.0.1", gateway.port, talk_s=1.0)
        (call,) = await carrier.wait_for_calls(1, timeout_s=PATIENCE_S)
        assert (call.status, call.ended) == (200, EndCause.HUNG_UP)
        assert call.packets_received > 0
        assert gateway.carriers.violations == []


async def test_calls_pass_to_a_carrier_behind_kamailio(tmp_path: Path) -> None:
    async with (
        Sipp("uas_call", tmp_path, calls=3) as carrier,
        Kamailio(tmp_path, carrier.port) as proxy,
        voice_gateway(tmp_path, TRUNK, onward=proxy.port) as gateway,
        Sipp(
            *("uac_call", tmp_path, gateway.port, 3), called=CALLED, caller=gateway.caller
        ) as customer,
    ):
        assert await customer.succeeded(), customer.errors
        assert await carrier.succeeded(), carrier.errors
        assert {event["status"] for event in await gateway.ended(3)} == {"completed"}
