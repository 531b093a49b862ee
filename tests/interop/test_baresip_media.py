"""What is said passes between baresip and a simulated carrier: tones by their frequency and level,
and keys."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from carriers_sim.call_recorder import RecordedCall
from carriers_sim.session_description import PCMU
from tests.e2e.call_tables import PASSWORD, USERNAME
from tests.e2e.patience import until
from tests.interop.baresip import RATE, TONE_HZ, TONE_LEVEL, Baresip
from tests.interop.tone_file import level_of
from tests.interop.voice_carrier import changed
from tests.interop.voice_gateway import (
    CALLED,
    PHONE,
    VoiceGateway,
    voice_gateway,
)
from tests.media import tone

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]
PEERS = ("baresip",)
# The carrier's milliwatt: 3.17 dB below the largest sine of the mu-law (ITU-T G.711).
MILLIWATT_HZ, MILLIWATT_LEVEL = 1_000, 0.68
# One second of it, before keys take its place.
PACKETS = 50


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VoiceGateway]:
    async with voice_gateway(tmp_path_factory.mktemp("gateway"), PHONE) as made:
        yield made


@pytest.fixture
def gateway(shared: VoiceGateway) -> VoiceGateway:
    return shared.from_now()


async def dialed(phone: Baresip, gateway: VoiceGateway) -> RecordedCall:
    gateway.carrier.set_behaviour(changed({"audio": "tone"}))
    await phone.registered()
    before = len(gateway.carrier.calls)
    await phone.tell_phone("dial", f"sip:{CALLED}@127.0.0.1:{gateway.port}")

    async def calls() -> list[RecordedCall]:
        assert "CALL_CLOSED" not in [told.get("type") for told in phone.told], phone.said
        return gateway.carrier.calls[before:]

    return (await until(calls))[0]


@pytest.mark.parametrize("encryption", ["", "srtp", "srtp-mand"])
async def test_phone_and_carrier_hear_each_other(
    gateway: VoiceGateway, tmp_path: Path, encryption: str
) -> None:
    async with Baresip(tmp_path, gateway.port, USERNAME, USERNAME, PASSWORD, encryption) as phone:
        call = await dialed(phone, gateway)

        async def carrier_heard() -> float:
            return tone.level_of(bytes(call.heard), TONE_HZ) if call.packets_sent > PACKETS else 0.0

        await until(carrier_heard, lambda level: level == pytest.approx(TONE_LEVEL, rel=0.1))
        assert call.heard_type == int(PCMU)
        assert any("SRTP is Enabled" in line for line in phone.said) == bool(encryption)
        assert tone.level_of(bytes(call.heard), MILLIWATT_HZ) < 0.01
        await phone.tell_phone("hangup")
        (ended,) = await gateway.ended()
        heard = phone.heard[-RATE // 2 :]
        assert level_of(heard, MILLIWATT_HZ, RATE) == pytest.approx(MILLIWATT_LEVEL, rel=0.1)
        assert level_of(heard, TONE_HZ, RATE) < 0.01
        assert ended["status"] == "completed"
        assert gateway.carriers.violations == []


@pytest.mark.parametrize("encryption", ["", "srtp-mand"])
async def test_keys_pass_both_ways(gateway: VoiceGateway, tmp_path: Path, encryption: str) -> None:
    async with Baresip(tmp_path, gateway.port, USERNAME, USERNAME, PASSWORD, encryption) as phone:
        call = await dialed(phone, gateway)

        async def carrier_heard() -> str:
            return call.digits

        await until(lambda: packets_of(call))
        await phone.tell_phone("sndcode", "19#")
        gateway.carrier.press(call, "2*4")
        await phone.hears_digits("2*4")
        await until(carrier_heard, lambda digits: digits == "19#")
        await phone.tell_phone("hangup")
        await gateway.ended()


async def packets_of(call: RecordedCall) -> int:
    return call.packets_received
