"""Nobody of us at either end: Chromium and SIP.js on one side of the gateway, baresip or SIPp in
G.711 on the other. Tones prove the audio, by their frequency and level, and keys pass both ways."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.call_tables import PASSWORD, USERNAME
from tests.e2e.patience import until
from tests.interop.baresip import RATE, Baresip
from tests.interop.baresip import TONE_HZ as PHONES_HZ
from tests.interop.baresip import TONE_LEVEL as PHONES_LEVEL
from tests.interop.free_port import free_udp_port
from tests.interop.sip_js import TONE_HZ as BROWSERS_HZ
from tests.interop.sip_js import TONE_LEVEL as BROWSERS_LEVEL
from tests.interop.sip_js import BrowserPhone, browser_phone, browser_with_tone
from tests.interop.sipp import Sipp
from tests.interop.tone_file import level_of
from tests.interop.voice_gateway import (
    PHONE,
    VoiceGateway,
    voice_gateway,
)
from tests.media.tone import mu_law_tone

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]
PEERS = ("chromium", "baresip", "sipp")
EVENTS = "telephone-event"
AT_BARESIP, AT_SIPP = "+12065551001", "+13035551001"
SIPPS_HZ, SIPPS_LEVEL = 1_000, 0.5
# A tone is found within a tenth of its level; what is not said may be left of by a codec.
TENTH, OTHERS_MAX = 0.1, 0.02
BY_CODEC = pytest.mark.parametrize("codec", ["PCMU", "opus"])
# Of a call that is made again where nothing was heard in it.
CALL_S = 15.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ports() -> dict[str, int]:
    """Where each number is answered."""
    return {AT_BARESIP: free_udp_port(), AT_SIPP: free_udp_port()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]
) -> AsyncIterator[VoiceGateway]:
    onward = {port: number[1:5] for number, port in ports.items()}
    directory = tmp_path_factory.mktemp("gateway")
    async with voice_gateway(directory, PHONE, onward, pings=False) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone(
    gateway: VoiceGateway, sip_js_modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[BrowserPhone]:
    """In a browser, and registered."""
    async with (
        browser_with_tone(tmp_path_factory.mktemp("browser")) as browser,
        browser_phone(browser, sip_js_modules) as made,
    ):
        await made.register(gateway.websocket_port, USERNAME, PASSWORD)
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def baresip(
    tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]
) -> AsyncIterator[Baresip]:
    directory = tmp_path_factory.mktemp("baresip")
    async with Baresip(directory, None, AT_BARESIP, port=ports[AT_BARESIP]) as made:
        yield made


async def hears_only(phone: BrowserPhone, hertz: int, level: float, other: int) -> None:
    """Once it has settled: a browser stretches and shortens the first of what comes."""

    async def levels() -> list[float]:
        return await phone.levels(hertz, other)

    expected = [pytest.approx(level, rel=TENTH), pytest.approx(0, abs=OTHERS_MAX)]
    await until(levels, lambda found: found == expected)


def loudest(samples: list[int], hertz: int) -> float:
    """In any half second, for keys take the place of a tone."""
    half = RATE // 2
    starts = range(0, len(samples) - half, half)
    return max(level_of(samples[start : start + half], hertz, RATE) for start in starts)


@BY_CODEC
async def test_browser_and_baresip_hear_each_others_tones_and_keys(
    phone: BrowserPhone, baresip: Baresip, codec: str
) -> None:
    baresip.told.clear()
    await phone.dial(AT_BARESIP, codec, EVENTS)
    await hears_only(phone, PHONES_HZ, PHONES_LEVEL, BROWSERS_HZ)
    assert f"audio/{codec}" in await phone.stats()
    await phone.send_digits("19#")
    await baresip.hears_digits("19#")
    for digit in "2*4":
        await phone.hears_digit(partial(baresip.tell_phone, "sndcode"), digit)
    await phone.hang_up()
    await baresip.hangs_up()
    assert loudest(baresip.heard, BROWSERS_HZ) == pytest.approx(BROWSERS_LEVEL, rel=TENTH)
    assert loudest(baresip.heard, PHONES_HZ) < OTHERS_MAX


@BY_CODEC
async def test_browser_hears_sipp_and_not_itself(
    phone: BrowserPhone, ports: dict[str, int], tmp_path: Path, codec: str
) -> None:
    speech = tmp_path / "tone.ul"
    speech.write_bytes(mu_law_tone(SIPPS_HZ, SIPPS_LEVEL))
    words = {"FILE": str(speech)}
    async with Sipp("uas_speaks", tmp_path, words=words, port=ports[AT_SIPP]) as carrier:
        await phone.dial(AT_SIPP, codec, EVENTS)
        await hears_only(phone, SIPPS_HZ, SIPPS_LEVEL, BROWSERS_HZ)
        await phone.hang_up()
        assert await carrier.succeeded(), carrier.errors


@BY_CODEC
async def test_what_sipp_echoes_of_a_browser_comes_back_with_its_keys(
    phone: BrowserPhone, ports: dict[str, int], tmp_path: Path, codec: str
) -> None:
    async with Sipp("uas_call", tmp_path, port=ports[AT_SIPP], options=("-rtp_echo",)) as carrier:
        await phone.dial(AT_SIPP, codec, EVENTS)
        await hears_only(phone, BROWSERS_HZ, BROWSERS_LEVEL, SIPPS_HZ)
        for digit in "19#":
            await phone.hears_digit(phone.send_digits, digit)
        await phone.hang_up()
        assert await carrier.succeeded(), carrier.errors


@BY_CODEC
async def test_browser_without_events_and_baresip_tell_each_other_keys(
    phone: BrowserPhone, baresip: Baresip, codec: str
) -> None:
    """INFO becomes events for baresip, and its events INFO for who has sent such."""
    baresip.told.clear()
    await phone.dial(AT_BARESIP, codec)
    await phone.hears(PHONES_HZ, PHONES_LEVEL / 2)
    for digit in "19#":
        await phone.inform(digit)
    await baresip.hears_digits("19#")
    for digit in "2*4":
        await baresip.tell_phone("sndcode", digit)
    await phone.informed("2*4")
    await phone.hang_up()
    await baresip.hangs_up()


@BY_CODEC
async def test_sipp_without_events_and_a_browser_tell_each_other_keys(
    phone: BrowserPhone, ports: dict[str, int], tmp_path: Path, codec: str
) -> None:
    """INFO becomes events for the browser, and its events INFO for SIPp."""
    for last in (False, False, True):
        async with Sipp("uas_informs", tmp_path, words={"KEY": "5"}, port=ports[AT_SIPP]) as sipp:
            await phone.dial(AT_SIPP, codec, EVENTS)
            try:
                await until(phone.keys, lambda keys: "5" in keys, CALL_S)
                await phone.send_digits("7")
                await until(sipp.count_of("Signal=7"), timeout_s=CALL_S)
            except AssertionError:
                # Chromium may play no key of a call in which it hears nothing else.
                if last:
                    raise
                await phone.hang_up()
            else:
                await phone.hang_up()
                assert await sipp.succeeded(), sipp.errors
                return


async def test_sipp_calls_a_browser_and_presses_keys(
    gateway: VoiceGateway, phone: BrowserPhone, ports: dict[str, int], tmp_path: Path
) -> None:
    async with Sipp(
        *("uac_presses", tmp_path, gateway.port),
        called=gateway.caller,
        caller=AT_SIPP,
        words={"DIGITS": "1#" * 8},
        port=ports[AT_SIPP],
    ) as carrier:
        await phone.called()
        # Not each of them: on a busy machine a browser skips some of what it should play.
        await until(phone.keys, lambda keys: {*keys} == {*"1#"})
        await phone.hang_up()
        assert await carrier.succeeded(), carrier.errors
