"""Foreign SIP software as customers of the daemon, and as the carrier behind it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.sip.leg_events import EndCause
from tests.e2e.call_tables import PASSWORD, USERNAME
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S, outcome
from tests.interop.baresip import Baresip
from tests.interop.kamailio import Kamailio
from tests.interop.peers import program
from tests.interop.sipp import Sipp
from tests.interop.tshark_sip import dissect_sip
from tests.interop.voice_carrier import changed
from tests.interop.voice_gateway import (
    CALLED,
    PHONE,
    TRUNK,
    VoiceGateway,
    voice_gateway,
)

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]
PEERS = ("sipp", "baresip", "kamailio", "sipsak", "tshark")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trunks_gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VoiceGateway]:
    """Customers come by a trunk."""
    async with voice_gateway(tmp_path_factory.mktemp("trunk"), TRUNK) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phones_gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VoiceGateway]:
    """Customers have phones."""
    async with voice_gateway(tmp_path_factory.mktemp("phone"), PHONE) as made:
        yield made


@pytest.fixture
def by_trunk(trunks_gateway: VoiceGateway) -> VoiceGateway:
    trunks_gateway.carrier.set_behaviour(changed({}))
    return trunks_gateway.from_now()


@pytest.fixture
def by_phone(phones_gateway: VoiceGateway) -> VoiceGateway:
    return phones_gateway.from_now()


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
    by_trunk: VoiceGateway, tmp_path: Path, scenario: str, behaviour: dict[str, Any], status: str
) -> None:
    by_trunk.carrier.set_behaviour(changed(behaviour))
    async with Sipp(
        scenario, tmp_path, by_trunk.port, called=CALLED, caller=by_trunk.caller
    ) as customer:
        assert await customer.succeeded(), customer.errors
    (ended,) = await by_trunk.ended()
    assert ended["status"] == status
    assert by_trunk.carriers.violations == []


@pytest.mark.parametrize("status", ["404", "480", "486", "603"])
async def test_customer_hears_the_carriers_refusal(
    by_trunk: VoiceGateway, tmp_path: Path, status: str
) -> None:
    by_trunk.carrier.set_behaviour(changed({"outcomes": {status: 1.0}}))
    async with Sipp(
        *("uac_refused", tmp_path, by_trunk.port),
        called=CALLED,
        caller=by_trunk.caller,
        words={"STATUS": status},
    ) as customer:
        assert await customer.succeeded(), customer.errors
    await by_trunk.ended()
    assert by_trunk.carriers.violations == []


async def test_phone_registers_calls_holds_and_hangs_up(
    by_phone: VoiceGateway, tmp_path: Path
) -> None:
    carrier = by_phone.carrier
    before = len(carrier.calls)
    async with Baresip(tmp_path, by_phone.port, USERNAME, USERNAME, PASSWORD) as phone:
        await phone.registered()
        await phone.tell_phone("dial", f"sip:{CALLED}@127.0.0.1:{by_phone.port}")
        await carrier.wait_until(lambda: len(carrier.calls) > before, PATIENCE_S)
        call = carrier.calls[-1]

        async def heard() -> int:
            return call.packets_received

        await until(heard)
        await phone.tell_phone("hold")
        await carrier.wait_until(lambda: len(call.asked) == 1, PATIENCE_S)
        await phone.tell_phone("resume")
        await carrier.wait_until(lambda: len(call.asked) == 2, PATIENCE_S)
        await phone.tell_phone("hangup")
        (ended,) = await by_phone.ended()
        await phone.leave()
    assert (call.caller, ended["status"]) == (by_phone.caller, "completed")
    assert by_phone.carriers.violations == []


async def test_carrier_reaches_the_phone_that_has_registered(
    by_phone: VoiceGateway, tmp_path: Path
) -> None:
    async with Baresip(tmp_path, by_phone.port, USERNAME, USERNAME, PASSWORD) as phone:
        await phone.registered()
        carrier = by_phone.carrier
        call = carrier.call(CALLED, by_phone.caller, "127.0.0.1", by_phone.port, talk_s=1.0)
        await carrier.wait_until(lambda: call.is_over, PATIENCE_S)
        await by_phone.ended()
        await phone.leave()
    assert (call.status, call.ended) == (200, EndCause.HUNG_UP)
    assert call.packets_received > 0
    assert by_phone.carriers.violations == []


async def test_calls_pass_to_a_carrier_behind_kamailio(tmp_path: Path) -> None:
    async with (
        Sipp("uas_call", tmp_path, calls=3) as carrier,
        Kamailio(tmp_path, carrier.port) as proxy,
        voice_gateway(tmp_path, TRUNK, onward=[proxy.port]) as gateway,
        Sipp(
            *("uac_call", tmp_path, gateway.port, 3), called=CALLED, caller=gateway.caller
        ) as customer,
    ):
        assert await customer.succeeded(), customer.errors
        assert await carrier.succeeded(), carrier.errors
        assert {event["status"] for event in await gateway.ended(3)} == {"completed"}


async def test_phone_of_sipp_registers_and_leaves(by_phone: VoiceGateway, tmp_path: Path) -> None:
    async with Sipp(
        *("uac_register", tmp_path, by_phone.port),
        caller=USERNAME,
        options=("-au", USERNAME, "-ap", PASSWORD),
    ) as phone:
        assert await phone.succeeded(), phone.errors
    challenges = phone.messages.count("SIP/2.0 401")
    assert (challenges, phone.messages.count("SIP/2.0 200")) == (2, 2)


async def test_wrong_password_registers_nobody(by_phone: VoiceGateway, tmp_path: Path) -> None:
    async with Sipp(
        *("uac_register_refused", tmp_path, by_phone.port),
        caller=USERNAME,
        options=("-au", USERNAME, "-ap", "guessed"),
    ) as phone:
        assert await phone.succeeded(), phone.errors
    assert "SIP/2.0 200" not in phone.messages


async def test_call_goes_on_to_the_next_carrier_when_the_first_is_silent(tmp_path: Path) -> None:
    async with (
        Sipp("uas_black_hole", tmp_path) as silent,
        Sipp("uas_call", tmp_path) as carrier,
        voice_gateway(tmp_path, TRUNK, onward=[silent.port, carrier.port], pings=False) as gateway,
        Sipp("uac_call", tmp_path, gateway.port, called=CALLED, caller=gateway.caller) as customer,
    ):
        assert await customer.succeeded(), customer.errors
        assert await carrier.succeeded(), carrier.errors
        (ended,) = await gateway.ended()
        assert (ended["status"], ended["trunk"]) == ("completed", "carrier2/voice")
        assert ended["attempts"] == 2
        assert "\nINVITE " in silent.messages


async def test_sipsak_is_told_that_we_are_there(by_trunk: VoiceGateway, tmp_path: Path) -> None:
    uri = f"sip:127.0.0.1:{by_trunk.port}"
    code, lines = await outcome(program("sipsak"), "-vvv", "-s", uri, directory=tmp_path)
    assert code == 0, lines
    (allow,) = [line for line in lines if line.startswith("Allow: ")]
    assert "INVITE" in allow


@pytest.mark.parametrize(
    ("caller", "called", "said"),
    [
        ("uac_call", "uas_call", ("INVITE", "180", "200", "ACK", "BYE")),
        ("uac_hung_up", "uas_hangs_up", ("BYE",)),
        ("uac_early_media", "uas_early_media", ("183",)),
        ("uac_cancel", "uas_ringing", ("CANCEL", "487")),
        ("uac_refused", "uas_refused", ("486",)),
    ],
)
async def test_tshark_finds_nothing_malformed_on_either_side(
    tmp_path: Path, caller: str, called: str, said: tuple[str, ...]
) -> None:
    words = {"STATUS": "486"}
    async with (
        Sipp(called, tmp_path, words=words) as carrier,
        voice_gateway(tmp_path, TRUNK, onward=[carrier.port], pings=False) as gateway,
        Sipp(
            *(caller, tmp_path, gateway.port),
            called=CALLED,
            caller=gateway.caller,
            words=words,
        ) as customer,
    ):
        assert await customer.succeeded(), customer.errors
        assert await carrier.succeeded(), carrier.errors
        await gateway.ended()
    for side in (customer, carrier):
        dissection = await dissect_sip(side.datagrams, tmp_path)
        assert dissection.complaints == []
        assert dissection.said.keys() >= {*said}


@pytest.mark.parametrize(
    ("scenario", "behaviour", "said"),
    [
        ("uac_hold", {}, ("INVITE", "200", "ACK")),
        ("uac_is_held", {"hold_after_s": 0.2, "hold_s": 0.2}, ("INVITE", "BYE")),
        ("uac_prack", {"early_media": 1.0, "ring_s": 0.5}, ("183", "PRACK")),
    ],
)
async def test_tshark_finds_nothing_malformed_in_what_the_customer_hears(
    by_trunk: VoiceGateway,
    tmp_path: Path,
    scenario: str,
    behaviour: dict[str, Any],
    said: tuple[str, ...],
) -> None:
    by_trunk.carrier.set_behaviour(changed(behaviour))
    async with Sipp(
        scenario, tmp_path, by_trunk.port, called=CALLED, caller=by_trunk.caller
    ) as customer:
        assert await customer.succeeded(), customer.errors
    await by_trunk.ended()
    dissection = await dissect_sip(customer.datagrams, tmp_path)
    assert dissection.complaints == []
    assert dissection.said.keys() >= {*said}
