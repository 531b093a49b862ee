"""Calls of a browser (aiortc's peer connection) through a relay, on loopback; audio is proved by
its content."""

from __future__ import annotations

import asyncio
import random
import re
import struct
import time
from pathlib import Path

import pytest

from media import rtp
from media.audio import tone
from media.events import EndGone
from media.relay import RelayHost
from media.rtp import RtpHeader
from media.sdp import parse
from media.wav import HEAD_OCTETS
from media.webrtc_description import WebRtcSaid
from media.webrtc_host import WebRtcHost
from media.webrtc_parameters import LocalParameters
from media.webrtc_transport import TransportState, WebRtcTransport
from tests.media.descriptions import audio, sdp
from tests.media.packets import packet
from tests.media.tone import level_of
from tests.media.udp_end import LOOPBACK
from tests.media.webrtc_descriptions import browser as described_browser
from tests.media.webrtc_peer import WAIT_S, Browser, level_of_frames
from tests.media.webrtc_site import Site, loopback

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("loopback")]
__all__ = ["loopback"]

BROWSER_HERTZ, PHONE_HERTZ, PLAYED_HERTZ = 1_000, 440, 700
# What settles is not measured: the jitter buffer, and the first frames of a codec.
SETTLED, HEARD = 10, 40
EVENT = struct.Struct("!BBH")


async def heard_both_ways(site: Site, browser: Browser) -> tuple[float, float, float, float]:
    """The level of its tone that each end hears of the other, and that of its own."""
    hearing = asyncio.create_task(browser.hear(HEARD))
    await site.speak(PHONE_HERTZ, lambda: hearing.done() and len(site.phone_heard) >= HEARD)
    frames = (await hearing)[SETTLED:]
    octets = b"".join([rtp.payload(one) for one in site.phone_heard[SETTLED:HEARD]])
    return (
        level_of_frames(frames, PHONE_HERTZ),
        level_of(octets, BROWSER_HERTZ),
        level_of_frames(frames, BROWSER_HERTZ),
        level_of(octets, PHONE_HERTZ),
    )


async def test_a_browser_calls_a_phone_by_pcmu() -> None:
    browser = Browser(BROWSER_HERTZ, ("PCMU", "opus"))
    async with Site() as site:
        await browser.answered(await site.from_browser(browser))
        levels = await heard_both_ways(site, browser)
        await browser.close()
        assert levels[:2] == pytest.approx((0.5, 0.5), rel=0.05)
        assert max(levels[2:]) < 0.01
        assert {one[1] & 0x7F for one in site.phone_heard} == {0}


async def test_the_round_trip_to_a_browser_is_known_though_the_phone_sends_no_reports() -> None:
    browser = Browser(BROWSER_HERTZ)
    async with Site() as site:
        await browser.answered(await site.from_browser(browser))
        await site.speak(PHONE_HERTZ, lambda: site.relay.heard(0).rtt_s > 0)
        await browser.close()
        assert site.relay.leg(0).strays == 0


async def test_a_phone_calls_a_browser_by_pcmu() -> None:
    browser = Browser(BROWSER_HERTZ)
    async with Site() as site:
        await site.to_browser(browser)
        levels = await heard_both_ways(site, browser)
        await browser.close()
        assert levels[:2] == pytest.approx((0.5, 0.5), rel=0.05)
        assert max(levels[2:]) < 0.01


async def test_a_browser_that_has_opus_alone_is_understood_by_a_phone() -> None:
    browser = Browser(BROWSER_HERTZ, ("opus",))
    async with Site() as site:
        await browser.answered(await site.from_browser(browser))
        levels = await heard_both_ways(site, browser)
        await browser.close()
        # FFmpeg, which encodes for aiortc, takes 3 dB off one channel that becomes two.
        assert levels[:2] == pytest.approx((0.5, 0.5 / 2**0.5), rel=0.1)
        assert max(levels[2:]) < 0.02
        headers = [rtp.parse(one) for one in site.phone_heard]
        assert {one.payload_type for one in headers if one} == {0}


async def test_a_browser_that_has_opus_alone_is_played_to_and_recorded(tmp_path: Path) -> None:
    browser = Browser(BROWSER_HERTZ, ("opus",))
    async with Site() as site:
        await browser.answered(await site.from_browser(browser))
        await site.becomes(TransportState.CONNECTED)
        site.relay.services.play(0, tone((PLAYED_HERTZ,), 1.0, level_dbm0=-3), repeats=0)
        site.relay.services.record(tmp_path / "call.wav", (0,))
        hearing = asyncio.create_task(browser.hear(HEARD))
        await site.speak(PHONE_HERTZ, hearing.done)
        site.relay.services.stop_recording()
        site.host.disk.shutdown()
        await browser.close()
        frames = (await hearing)[SETTLED:]
        assert level_of_frames(frames, PLAYED_HERTZ) == pytest.approx(0.49, rel=0.1)
        assert level_of_frames(frames, PHONE_HERTZ) < 0.02
        said = (tmp_path / "call.wav").read_bytes()[HEAD_OCTETS:]
        # On a busy machine there are pauses in it.
        levels = [level_of(said[at : at + 800], BROWSER_HERTZ) for at in range(0, len(said), 800)]
        assert max(levels) == pytest.approx(0.5 / 2**0.5, rel=0.1)


@pytest.mark.parametrize(
    ("codec", "web_type", "rate", "phone_type", "duration"),
    [("PCMU", 126, 8_000, 126, 800), ("opus", 110, 48_000, 97, 4_800)],
)
async def test_digits_pass_both_ways_by_each_ends_clock(
    codec: str, web_type: int, rate: int, phone_type: int, duration: int
) -> None:
    browser = Browser(BROWSER_HERTZ, (codec,))
    async with Site() as site:
        await site.open(we_offer=False)
        offer = with_events(await browser.offer(), web_type, rate)
        await browser.answered(site.negotiate(offer, with_digits(site.phone.port, phone_type)))
        await site.becomes(TransportState.CONNECTED)
        site.send(bytes(RtpHeader(phone_type, 1, 0, 6)) + EVENT.pack(3, 0x8A, 800))
        await browser.send(bytes(RtpHeader(web_type, 1, 0, 5)) + EVENT.pack(7, 0x8A, duration))

        def heard() -> list[list[bytes]]:
            by_phone = [rtp.payload(one) for one in site.phone_heard if one[1] & 0x7F == phone_type]
            by_browser = [rtp.payload(one) for one in browser.raw if one[1] & 0x7F == web_type]
            return [by_phone, by_browser]

        await site.speak(PHONE_HERTZ, lambda: all(heard()))
        await browser.close()
        by_phone, by_browser = heard()
        assert [EVENT.unpack(one) for one in by_phone] == [(7, 0x8A, 800)]
        assert [EVENT.unpack(one) for one in by_browser] == [(3, 0x8A, duration)]


async def test_a_certificate_that_is_not_that_of_the_fingerprint_is_refused() -> None:
    browser = Browser(BROWSER_HERTZ)
    async with Site() as site:
        await site.open(we_offer=False)
        offer = re.sub(rb"(fingerprint:sha-\d+) ..:..", rb"\1 00:00", await browser.offer())
        await browser.answered(site.negotiate(offer, site.phone.description()))
        async with asyncio.timeout(WAIT_S):
            assert await site.events.get() == EndGone(0)
        site.send(bytes(RtpHeader(0, 1, 160, 6)) + bytes(160))
        await browser.close()
        assert site.relay.heard(0).packets == 0
        assert browser.raw == []


async def test_a_browser_that_goes_is_told_at_once() -> None:
    browser = Browser(BROWSER_HERTZ)
    async with Site() as site:
        await browser.answered(await site.from_browser(browser))
        await site.becomes(TransportState.CONNECTED)
        await browser.close()
        async with asyncio.timeout(WAIT_S):
            assert await site.events.get() == EndGone(0)


async def test_ice_begins_anew_in_a_call() -> None:
    async with Site() as site:
        await site.open(we_offer=False)
        other = RelayHost(LOOPBACK, (33_000, 33_999), random.Random(2), time.monotonic)
        host = WebRtcHost(other, time.monotonic)
        connected = asyncio.Event()

        def state_changed(state: TransportState) -> None:
            if state is TransportState.CONNECTED:
                connected.set()

        peer = WebRtcTransport(host, True, state_changed)
        ufrags = set()
        for sequence in (1, 2):
            offer = described_browser(formats=("0",), transport=said_of(await peer.gather()))
            answer = parse(site.negotiate(offer, site.phone.description()))
            said = WebRtcSaid.of(answer, answer.media[0])
            ufrags.add(said.remote.ufrag)
            peer.connect(said.remote, is_client=False)
            await site.becomes(TransportState.CONNECTED)
            await connected.wait()
            peer.send_rtp(packet(sequence))
            assert (await site.phone.receive())[0] == packet(sequence)
        await peer.close()
        other.close()
        assert len(ufrags) == 2


def said_of(local: LocalParameters) -> tuple[str, ...]:
    return (
        f"ice-ufrag:{local.ufrag}",
        f"ice-pwd:{local.pwd}",
        f"fingerprint:{local.fingerprint.hash} {local.fingerprint.octets}",
        "setup:actpass",
        "rtcp-mux",
        *[f"candidate:{one}" for one in local.candidates],
    )


def with_events(offer: bytes, payload_type: int, rate: int) -> bytes:
    """aiortc has no telephone-event; browsers do."""
    head, _, rest = offer.decode().partition("UDP/TLS/RTP/SAVPF ")
    formats, _, lines = rest.partition("\r\n")
    said = f"a=rtpmap:{payload_type} telephone-event/{rate}\r\n"
    return f"{head}UDP/TLS/RTP/SAVPF {formats} {payload_type}\r\n{lines}{said}".encode()


def with_digits(port: int, payload_type: int) -> bytes:
    said = f"rtpmap:{payload_type} telephone-event/8000"
    return sdp(audio(port, said, formats=("0", str(payload_type))), host=LOOPBACK)
