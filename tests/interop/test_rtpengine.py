"""Debian's rtpengine through our engine for it, with ends that are sockets of the test."""

from __future__ import annotations

import asyncio
import re
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aioice.ice
import pytest

from gateway.net import ng_link
from gateway.net.ng_link import NgLink
from gateway.ng.client import Reply, Unanswered
from gateway.voice.media_session import Lost, MediaEvent, MediaRefused, OneWay, Played, Side
from gateway.voice.rtpengine_engine import POLL_S, RtpengineEngine
from gateway.voice.rtpengine_playing import TONE_S_MAX
from gateway.voice.rtpengine_session import RtpengineSession
from gateway.voice.steps import Reply as VoiceReply
from media import g711, rtp, sdp
from media.profile import Profile
from tests.e2e.patience import until
from tests.interop.rtp_end import RtpEnd, talk
from tests.interop.rtpengine import LOOPBACK, Rtpengine
from tests.media import descriptions
from tests.media.descriptions import audio, spoken
from tests.media.webrtc_peer import Browser

pytestmark = pytest.mark.interop
PEERS = ("rtpengine",)
PACKETS = 20
PCMU_ONLY = ("rtpmap:0 PCMU/8000",)
PCMA_ONLY = ("rtpmap:8 PCMA/8000",)


@dataclass
class Farm:
    """An engine with its links, polled by the test."""

    engine: RtpengineEngine
    links: list[NgLink]
    events: list[MediaEvent] = field(default_factory=list)

    def open(self) -> RtpengineSession:
        return self.engine.open(self.events.append)

    async def up(self, *, up: bool = True) -> None:
        async def said() -> bool:
            return all(link.up is up for link in self.links)

        await until(said)

    async def calls(self) -> list[Any]:
        """That the first server knows."""
        said: asyncio.Future[Reply | Unanswered] = asyncio.get_running_loop().create_future()
        self.links[0].ask({"command": "list"}, said.set_result)
        reply = await said
        assert not isinstance(reply, Unanswered)
        calls = reply["calls"]
        assert isinstance(calls, list)
        return calls


@asynccontextmanager
async def farm(*servers: Rtpengine) -> AsyncIterator[Farm]:
    """With the servers, which are started, too."""
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server)
        links = [NgLink(LOOPBACK, server.port, 1, Random(1)) for server in servers]
        running = [asyncio.create_task(link.run()) for link in links]
        made = Farm(RtpengineEngine(links, Random(1)), links)
        await made.up()
        try:
            yield made
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)


async def settled(reply: VoiceReply[Any]) -> Any:
    if not reply.settled:
        done = asyncio.Event()
        reply.on_settled = done.set
        await done.wait()
    (value,) = [await reply]
    return value


def port_of(description: bytes) -> int:
    return sdp.parse(description).media[0].port


def described(port: int, *attributes: str, formats: tuple[str, ...] = ("0",)) -> bytes:
    return descriptions.sdp(audio(port, *attributes, formats=formats), host=LOOPBACK)


@dataclass
class Call:
    """Agreed; `to_caller` is where the caller sends to, and so on."""

    session: RtpengineSession
    caller: RtpEnd
    called: RtpEnd
    to_caller: int = 0
    to_called: int = 0

    async def agree(self, offer: bytes, answer: bytes, profile: Profile = Profile.PLAIN) -> None:
        offered = await settled(self.session.offer(Side.CALLER, offer, profile))
        answered = await settled(self.session.answer(Side.CALLED, answer))
        self.to_called, self.to_caller = port_of(offered), port_of(answered)

    async def talk(self, count: int = PACKETS) -> tuple[list[bytes], list[bytes]]:
        """What the caller heard, and the called."""
        await talk(self.caller, self.to_caller, self.called, self.to_called, count)
        await asyncio.sleep(0.1)
        return self.caller.received(), self.called.received()


@asynccontextmanager
async def call(farm: Farm) -> AsyncIterator[Call]:
    caller, called = RtpEnd(b"\x11" * 160), RtpEnd(b"\x22" * 160, ssrc=2)
    made = Call(farm.open(), caller, called)
    try:
        yield made
        await settled(made.session.close())
    finally:
        made.caller.close()
        made.called.close()


async def test_media_goes_both_ways_and_is_counted(tmp_path: Path) -> None:
    async with farm(Rtpengine(tmp_path)) as engines:
        async with call(engines) as one:
            offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
            await one.agree(offer, answer)
            assert await settled(one.session.flowing(Side.CALLED)) is False
            to_caller, to_called = await one.talk()
            assert {rtp.payload(octets) for octets in to_caller} == {b"\x22" * 160}
            assert {rtp.payload(octets) for octets in to_called} == {b"\x11" * 160}
            assert (len(to_caller), len(to_called)) == (PACKETS, PACKETS)
            assert await settled(one.session.flowing(Side.CALLED)) is True
            qualities = await settled(one.session.query())
        assert [each.packets for each in qualities] == [PACKETS, PACKETS]
        assert [each.octets for each in qualities] == [PACKETS * 172] * 2
        assert await engines.calls() == []


async def test_one_law_becomes_the_other(tmp_path: Path) -> None:
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer = described(one.caller.port, *PCMU_ONLY)
        answer = described(one.called.port, *PCMA_ONLY, formats=("8",))
        await one.agree(offer, answer)
        _, to_called = await one.talk()
        heard = {rtp.payload(octets) for octets in to_called if octets[1] & 0x7F == 8}
        assert (b"\x11" * 160).translate(g711.MU_LAW_TO_A_LAW) in heard


@pytest.mark.parametrize(
    ("profile", "protocol", "there", "absent"),
    [
        (Profile.PLAIN, "RTP/AVP", "rtpmap:8", "crypto|fingerprint|ice-ufrag|rtcp-mux"),
        (Profile.OSRTP, "RTP/AVP", "crypto", "fingerprint|ice-ufrag|rtcp-mux|NULL_|F8_|SHA1_32"),
        (Profile.SDES, "RTP/SAVP", "crypto", "fingerprint|ice-ufrag|rtcp-mux|NULL_|F8_|SHA1_32"),
        (Profile.WEBRTC, "UDP/TLS/RTP/SAVPF", "fingerprint", "crypto"),
    ],
)
async def test_offer_is_in_the_profile_even_after_others(
    tmp_path: Path, profile: Profile, protocol: str, there: str, absent: str
) -> None:
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer = spoken(one.caller.port, host=LOOPBACK)
        for before in Profile:
            await settled(one.session.offer(Side.CALLER, offer, before))
        text = (await settled(one.session.offer(Side.CALLER, offer, profile))).decode()
        assert f" {protocol} " in text
        assert re.search(there, text)
        assert not re.search(absent, text)
        assert "alice" not in text
        if profile is Profile.WEBRTC:
            assert re.search("opus/48000", text)
            assert re.search("candidate:.*127.0.0.1", text)


async def test_third_hears_the_caller_instead_of_the_called(tmp_path: Path) -> None:
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer = spoken(one.caller.port, host=LOOPBACK)
        await one.agree(offer, spoken(one.called.port, host=LOOPBACK))
        await one.talk()
        left, one.called = one.called, RtpEnd(b"\x33" * 160, ssrc=3)
        await one.agree(offer, spoken(one.called.port, host=LOOPBACK))
        # As the B2BUA does: who remains is offered the third's session.
        again = await settled(
            one.session.offer(Side.CALLED, spoken(one.called.port, host=LOOPBACK))
        )
        one.to_caller = port_of(again)
        await settled(one.session.answer(Side.CALLER, offer))
        to_caller, to_called = await one.talk()
        assert (len(to_caller), len(to_called)) == (PACKETS, PACKETS)
        assert left.received() == []
        assert (await settled(one.session.query())).called.packets == 2 * PACKETS
        left.close()


async def test_call_on_hold_is_described_as_such(tmp_path: Path) -> None:
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
        await one.agree(offer, answer)
        held = await settled(
            one.session.offer(Side.CALLED, spoken(one.called.port, "sendonly", host=LOOPBACK))
        )
        assert b"a=sendonly" in held
        answered = await settled(
            one.session.answer(Side.CALLER, spoken(one.caller.port, "recvonly", host=LOOPBACK))
        )
        assert b"a=recvonly" in answered


async def test_browser_that_has_opus_alone_talks_with_a_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [LOOPBACK])
    browser = Browser(codecs=("opus",))
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offered = await settled(
            one.session.offer(Side.CALLER, await browser.offer(), Profile.PLAIN)
        )
        answer = described(one.called.port, *PCMU_ONLY)
        answered = await settled(one.session.answer(Side.CALLED, answer))
        await browser.answered(answered)

        async def heard() -> tuple[int, int]:
            one.called.send(port_of(offered))
            speech = [each for each in one.called.received() if each[1] & 0x7F == 0]
            return len(browser.raw), len(speech)

        await until(heard, all)
        await browser.close()
    assert b" UDP/TLS/RTP/SAVPF " in answered
    assert b" RTP/AVP " in offered


async def test_digits_are_sent_as_events(tmp_path: Path) -> None:
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
        await one.agree(offer, answer)
        await one.talk()
        await settled(one.session.send_dtmf(Side.CALLED, "5#"))
        to_caller, to_called = await one.talk(40)
        events = [rtp.payload(each)[0] for each in to_called if each[1] & 0x7F == 101]
        assert list(dict.fromkeys(events)) == [5, 11]
        assert [each for each in to_caller if each[1] & 0x7F == 101] == []


async def test_file_is_played_to_one_side(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(b"\x10\x20" * 8_000)
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
        await one.agree(offer, answer)
        await settled(one.session.play(Side.CALLED, str(path)))
        await asyncio.sleep(0.3)
        await settled(one.session.stop(Side.CALLED))
        assert len(one.called.received()) > 5
        assert one.caller.received() == []
        with pytest.raises(MediaRefused):
            await settled(one.session.play(Side.CALLED, str(tmp_path / "none.wav")))


async def test_tone_is_played_until_it_is_stopped(tmp_path: Path) -> None:
    turn_s = 0.1
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
        await one.agree(offer, answer)
        await settled(one.session.play_tone(Side.CALLER, (425.0,), turn_s / 2, turn_s / 2))
        heard: list[bytes] = []

        async def told() -> bool:
            heard.extend(one.caller.received())
            return len(heard) > 3 * turn_s / 0.02

        await until(told)
        await settled(one.session.stop(Side.CALLER))
        spoken_parts = {rtp.payload(each)[:80] for each in heard}
        assert g711.mu_law_encoded(0).to_bytes() * 80 in spoken_parts
        assert len(spoken_parts) > 2
        assert one.called.received() == []
        assert engines.events == [Played(Side.CALLER, False)]


async def test_longest_tone_is_played(tmp_path: Path) -> None:
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
        await one.agree(offer, answer)
        await settled(one.session.play_tone(Side.CALLED, (425.0,), 1.0, TONE_S_MAX - 1.0))

        async def told() -> bool:
            return bool(one.called.received())

        await until(told)


async def test_side_of_which_nothing_comes_is_told(tmp_path: Path) -> None:
    async with farm(Rtpengine(tmp_path)) as engines, call(engines) as one:
        offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
        await one.agree(offer, answer)
        for step in range(4):
            one.caller.send(one.to_caller)
            engines.engine.poll(step * POLL_S)
            await settled(one.session.query())
        assert engines.events == [OneWay(Side.CALLED)]


async def test_server_without_ports_leaves_the_call_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    full, other = Rtpengine(tmp_path / "full", ports=4), Rtpengine(tmp_path)
    async with farm(full, other) as engines:
        sessions = [engines.open() for _ in range(6)]
        for session in sessions:
            await settled(session.offer(Side.CALLER, spoken(4_000, host=LOOPBACK), Profile.PLAIN))
        assert len([one for one in sessions if one.server is engines.links[0]]) <= 1
        for session in sessions:
            await settled(session.close())


async def test_calls_of_a_server_that_was_killed_are_lost_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ng_link, "REOPEN_S", 0.1)
    server = Rtpengine(tmp_path)
    async with farm(server) as engines, call(engines) as one:
        offer, answer = [spoken(end.port, host=LOOPBACK) for end in (one.caller, one.called)]
        await one.agree(offer, answer)
        engines.engine.poll(0.0)
        await server.kill()
        with pytest.raises(MediaRefused):
            await settled(one.session.query())
        engines.engine.poll(1.0)
        with pytest.raises(MediaRefused):
            engines.open()
        assert engines.events == []
        await server.start()
        await engines.up()
        engines.engine.poll(2.0)

        async def told() -> list[MediaEvent]:
            return engines.events

        assert await until(told) == [Lost()]
