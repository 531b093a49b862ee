"""A browser as a phone: SIP.js over a WebSocket, WebRTC, and a simulated carrier in G.711. Tones
prove the audio, by their frequency and level, and keys pass both ways."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from carriers_sim.call_recorder import RecordedCall
from carriers_sim.session_description import PCMU
from gateway.sip.leg_events import EndCause
from tests.e2e.call_tables import PASSWORD, USERNAME
from tests.e2e.configuration import OTHER_SID, OTHER_TOKEN
from tests.e2e.patience import until
from tests.e2e.process import PATIENCE_S
from tests.interop.chromium import Chromium, PageError
from tests.interop.peers import PeerMissing
from tests.interop.sip_js import PAGES, TONE_HZ, BrowserPhone, browser_phone, browser_with_tone
from tests.interop.voice_carrier import changed
from tests.interop.voice_gateway import (
    CALLED,
    PHONE,
    VoiceGateway,
    voice_gateway,
)
from tests.media import tone

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]
EVENTS = "telephone-event"
MILLIWATT_HZ = 1_000
# Of what is 0.5 and 0.68 where it comes from: two channels and a codec may take something of it.
LEVEL_MIN = 0.2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[VoiceGateway]:
    async with voice_gateway(tmp_path_factory.mktemp("gateway"), PHONE) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chromium]:
    try:
        made = browser_with_tone(tmp_path_factory.mktemp("browser"))
    except PeerMissing as missing:
        pytest.skip(str(missing))
    async with made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone(
    gateway: VoiceGateway, browser: Chromium, sip_js_modules: Path
) -> AsyncIterator[BrowserPhone]:
    """Registered."""
    async with browser_phone(browser, sip_js_modules) as made:
        await made.register(gateway.websocket_port, USERNAME, PASSWORD)
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
    carrier = gateway.carrier
    carrier.set_behaviour(changed({"audio": "tone"}))
    await phone.dial(CALLED, codec, EVENTS)
    call = carrier.calls[-1]
    await hear_each_other(phone, call)
    stats = await phone.stats()
    assert f"audio/{codec}" in stats
    assert stats["inbound-rtp"]["packetsLost"] == 0
    await phone.send_digits("19#")

    async def press(digit: str) -> None:
        carrier.press(call, digit)

    for digit in "2*4":
        await phone.hears_digit(press, digit)

    async def carrier_heard() -> str:
        return call.digits

    await until(carrier_heard, lambda digits: digits == "19#")
    await phone.hang_up()
    await carrier.wait_until(lambda: call.is_over, PATIENCE_S)
    assert call.ended == EndCause.BYE
    assert gateway.carriers.violations == []


async def test_browser_is_called_and_hung_up(gateway: VoiceGateway, phone: BrowserPhone) -> None:
    carrier = gateway.carrier
    call = carrier.call(CALLED, gateway.caller, "127.0.0.1", gateway.port, audio="tone")
    await phone.called()
    await hear_each_other(phone, call)
    carrier.hang_up()
    await phone.over()
    await carrier.wait_until(lambda: call.is_over, PATIENCE_S)
    assert (call.status, call.ended) == (200, EndCause.HUNG_UP)
    assert gateway.carriers.violations == []


async def test_browser_hears_that_it_is_refused(gateway: VoiceGateway, phone: BrowserPhone) -> None:
    gateway.carrier.set_behaviour(changed({"outcomes": {"486": 1.0}}))
    with pytest.raises(PageError, match="refused: 486"):
        await phone.dial(CALLED)
    assert gateway.carriers.violations == []


async def test_our_own_page_calls_and_is_heard(gateway: VoiceGateway, browser: Chromium) -> None:
    carrier = gateway.carrier
    carrier.set_behaviour(changed({"audio": "echo"}))
    page = await browser.open(f"{gateway.daemon.rest}/phone#{OTHER_SID}:{OTHER_TOKEN}")
    await page.evaluate(f"$('to').value = '{CALLED}'; $('call').click()")

    async def state() -> str:
        return str(await page.evaluate("$('state').textContent + $('trouble').textContent"))

    assert await until(state, lambda said: said not in ("Calling", "Ringing")) == "Talking"
    call = carrier.calls[-1]

    async def carrier_heard() -> float:
        return tone.level_of(bytes(call.heard), TONE_HZ)

    await until(carrier_heard, lambda level: level > LEVEL_MIN)
    ear = (PAGES / "ear.js").read_text().replace("export ", "")
    await page.evaluate(f"(() => {{ {ear}; globalThis.ear = new Ear($('audio').srcObject) }})()")

    async def page_hears() -> float:
        return float((await page.call("ear.levels", [TONE_HZ]))[0])

    await until(page_hears, lambda level: level > LEVEL_MIN)

    async def round_trip() -> str:
        row = "[...document.querySelectorAll('tr')].find(row => /^Round trip/.test(row.innerText))"
        return str(await page.evaluate(f"{row}.cells[1].innerText"))

    # Of what the gateway hears from the page: by reports of ours, since the carrier sends none.
    await until(round_trip, lambda said: said.endswith(" ms"), PATIENCE_S)
    await page.evaluate("$('keypad').children[4].click()")

    async def digits() -> str:
        return call.digits

    await until(digits, lambda heard: heard == "5")
    await page.evaluate("$('hang-up').click()")
    assert await until(state, lambda said: said != "Talking") == "Ended"
    assert page.errors == []
