"""A browser as a phone: SIP.js over a WebSocket, WebRTC, and a simulated carrier in G.711. Tones
prove the audio, by their frequency and level, and keys pass both ways."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from carriers_sim.call_recorder import RecordedCall
from carriers_sim.session_description import PCMU
from gateway.sip.leg_events import EndCause
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S
from tests.interop.sip_js import TONE_HZ, BrowserPhone, browser_phone
from tests.interop.voice_carrier import changed
from tests.interop.voice_gateway import (
    CALLED,
    PASSWORD,
    PHONE,
    USERNAME,
    VoiceGateway,
    voice_gateway,
)
from tests.media import tone

pytestmark = pytest.mark.interop
PEERS = ("chromium",)
EVENTS = "telephone-event"
MILLIWATT_HZ = 1_000
# Of what is 0.5 and 0.68 where it comes from: two channels and a codec may take something of it.
LEVEL_MIN = 0.2


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[VoiceGateway]:
    async with voice_gateway(tmp_path / "gateway", PHONE) as made:
        made.carrier.set_behaviour(changed({"audio": "tone"}))
        yield made


@pytest.fixture
async def phone(tmp_path: Path, sip_js_modules: Path) -> AsyncIterator[BrowserPhone]:
    async with browser_phone(tmp_path, sip_js_modules) as made:
        yield made


async def hear_each_other(phone: BrowserPhone, call: RecordedCall) -> None:
    _, own = await phone.hears(MILLIWATT_HZ, LEVEL_MIN, TONE_HZ)
    assert own < 0.02

    async def carrier_heard() -> float:
        return tone.level_of(bytes(call.heard), TONE_HZ)

    await until(carrier_heard, lambda level: level > LEVEL_MIN)
    assert tone.level_of(bytes(call.heard), MILLIWATT_HZ) < 0.02
    assert call.heard_type == int(PCMU)


@pytest.mark.parametrize("codec", ["PCMU", "opus"])
async def test_browser_calls_and_both_hear_tones_and_keys(
    gateway: VoiceGateway, phone: BrowserPhone, codec: str
) -> None:
    await phone.register(gateway.websocket_port, USERNAME, PASSWORD, [codec, EVENTS])
    await phone.dial(CALLED)
    (call,) = gateway.carrier.calls
    await hear_each_other(phone, call)
    await phone.send_digits("19#")
    await phone.hears_digits("2*4", lambda: gateway.carrier.press(call, "2*4"))

    async def carrier_heard() -> str:
        return call.digits

    await until(carrier_heard, lambda digits: digits == "19#")
    stats = await phone.stats()
    assert f"audio/{codec}" in stats
    assert stats["inbound-rtp"]["packetsLost"] == 0
    await phone.hang_up()
    (ended,) = await gateway.ended()
    assert (ended["status"], call.ended) == ("completed", EndCause.BYE)
    assert gateway.carriers.violations == []


async def test_browser_is_called_and_hung_up(gateway: VoiceGateway, phone: BrowserPhone) -> None:
    await phone.register(gateway.websocket_port, USERNAME, PASSWORD)
    carrier = gateway.carrier
    call = carrier.call(CALLED, gateway.caller, "127.0.0.1", gateway.port, audio="tone")
    await phone.called()
    await hear_each_other(phone, call)
    carrier.hang_up()
    await phone.over()
    await carrier.wait_for_calls(1, timeout_s=PATIENCE_S)
    assert (call.status, call.ended) == (200, EndCause.HUNG_UP)
    assert gateway.carriers.violations == []
