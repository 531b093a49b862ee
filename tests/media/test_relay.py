"""The relay on sockets of loopback, under asyncio's loop and under uvloop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest
import uvloop
from pylibsrtp import Policy, Session

from media import rtcp, sdp
from media.audio import tone
from media.errors import NoPorts, NotAcceptable
from media.events import (
    DigitReceived,
    MediaEvent,
    MediaTimeout,
    OneWay,
    Played,
    Recorded,
    RecordingEnd,
    Silent,
    Talking,
)
from media.port_range import REST_S
from media.profile import Profile
from media.relay import BIND_ATTEMPTS_MAX, SILENCE_S, Relay, RelayHost
from media.sdes import KEY_OCTETS, Crypto, Suite, cryptos
from media.sdp import Media
from media.speech import SpeechBounds
from media.srtp import policy
from media.ticker import TICK_S
from media.wav import HEAD_OCTETS
from tests.interop.free_port import free_udp_block
from tests.media.descriptions import audio, spoken
from tests.media.descriptions import sdp as description
from tests.media.packets import packet, receiver_report, sender_report
from tests.media.tone import frames, level_of, mu_law_tone
from tests.media.udp_end import LOOPBACK, UdpEnd
from tests.support.virtual_time import virtual_time

NO_EVENTS = description(audio(5_000, formats=("0",)), host=LOOPBACK)
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
# Below those that the system gives to ends.
PORTS = (20_000, 21_999)


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[Awaitable[None]], None]]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield lambda test: runner.run(_awaited(test))


async def _awaited(test: Awaitable[None]) -> None:
    await test


def host(address: str = LOOPBACK, ports: tuple[int, int] = PORTS) -> RelayHost:
    return RelayHost(address, ports, Random(7), time.monotonic)


def port_of(description: bytes) -> int:
    return sdp.parse(description).media[0].port


class Call:
    """Two ends that have agreed, and where each of them sends to."""

    def __init__(self, relays: RelayHost, address: str = LOOPBACK, called: bytes = b"") -> None:
        self.silences = 0
        self.events: list[MediaEvent] = []
        self.relays = relays
        self.relay: Relay = relays.open(self._on_event)
        self.ends = (UdpEnd(address), UdpEnd(address))
        second = port_of(self.relay.offer(0, self.ends[0].description()))
        answer = called.replace(b" 5000 ", b" %d " % self.ends[1].port)
        first = port_of(self.relay.answer(1, answer or self.ends[1].description()))
        self.ports = (first, second)

    def send(self, end: int, octets: bytes) -> None:
        self.ends[end].send(octets, self.ports[end])

    def close(self) -> None:
        self.relay.close()
        self.relays.close()
        for end in self.ends:
            end.close()

    def _on_event(self, event: MediaEvent) -> None:
        self.silences += isinstance(event, MediaTimeout)
        self.events.append(event)


@pytest.mark.parametrize("address", [LOOPBACK, "::1"])
def test_packets_go_both_ways_as_they_are(
    run: Callable[[Awaitable[None]], None], address: str
) -> None:
    async def test() -> None:
        call = Call(host(address), address)
        for end in (0, 1):
            call.send(end, packet(7 + end))
            assert await call.ends[1 - end].receive() == (packet(7 + end), call.ports[1 - end])
        call.close()

    run(test())


def test_a_tone_on_one_side_is_heard_on_the_other(run: Callable[[Awaitable[None]], None]) -> None:
    async def test() -> None:
        call = Call(host())
        heard = b""
        for sequence, frame in zip(range(50), frames(mu_law_tone(425)), strict=False):
            call.send(0, packet(sequence, payload=frame))
            heard += (await call.ends[1].receive())[0][12:]
        assert level_of(heard, 425) == pytest.approx(0.5, abs=0.01)
        assert level_of(heard, 1_000) < 0.01
        assert call.relay.heard(0).packets == 50
        assert call.relay.heard(0).lost == 0
        call.close()

    run(test())


def test_rtcp_goes_from_the_odd_port_to_the_odd_port(
    run: Callable[[Awaitable[None]], None],
) -> None:
    async def test() -> None:
        relays = host()
        relay = relays.open(lambda event: None)
        first, second = UdpEnd(), UdpEnd()
        first_rtcp, second_rtcp = UdpEnd(), UdpEnd()
        relay.offer(0, first.description(f"rtcp:{first_rtcp.port}"))
        at_first = port_of(relay.answer(1, second.description(f"rtcp:{second_rtcp.port}")))
        first_rtcp.send(receiver_report(), at_first + 1)
        octets, source = await second_rtcp.receive()
        assert octets == receiver_report()
        assert source % 2 == 1
        relay.close()
        relays.close()
        for end in (first, second, first_rtcp, second_rtcp):
            end.close()

    run(test())


def test_a_thousand_calls_leave_nothing_behind(run: Callable[[Awaitable[None]], None]) -> None:
    async def test() -> None:
        relays = host(ports=(20_000, 26_001))
        free = len(relays.ports)
        Call(relays).close()
        gc.collect()
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(1_000):
            Call(relays).close()
        assert len(os.listdir("/proc/self/fd")) == before
        assert len(relays.ports) == free
        assert not relays.ports.taken

    run(test())


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "media.example.com", ""])
def test_a_host_that_is_not_one_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="one address"):
        host(address)


async def test_a_call_without_sockets_is_refused() -> None:
    relays = host("192.0.2.1")
    with pytest.raises(NoPorts, match="no socket"):
        relays.open(lambda event: None)
    assert not relays.ports.taken


def timed() -> RelayHost:
    """On the loop's clock."""
    return RelayHost(LOOPBACK, PORTS, Random(7), asyncio.get_running_loop().time)


@virtual_time
async def test_silence_is_told_and_told_again() -> None:
    call = Call(timed())
    await asyncio.sleep(SILENCE_S - 1)
    assert call.silences == 0
    await asyncio.sleep(SILENCE_S + 2)
    assert call.silences == 2
    call.close()


@virtual_time
async def test_a_call_with_one_silent_end_is_silent() -> None:
    call = Call(timed())
    for sequence in range(round(SILENCE_S) - 1):
        call.send(0, packet(sequence))
        await asyncio.sleep(1)
    assert call.silences == 0
    await asyncio.sleep(2)
    assert call.silences == 1
    assert call.relay.heard(0).packets > 0
    assert call.relay.heard(1).packets == 0
    call.close()


@virtual_time
async def test_a_call_with_media_is_not_silent() -> None:
    call = Call(timed())
    for sequence in range(round(3 * SILENCE_S)):
        for end in (0, 1):
            call.send(end, packet(sequence))
        await asyncio.sleep(1)
    assert call.silences == 0
    call.close()


@virtual_time
async def test_a_held_call_may_be_silent() -> None:
    call = Call(timed())
    call.relay.offer(0, call.ends[0].description("sendonly"))
    call.relay.answer(1, call.ends[1].description("recvonly"))
    await asyncio.sleep(3_600)
    assert call.silences == 0
    call.relay.offer(0, call.ends[0].description())
    call.relay.answer(1, call.ends[1].description())
    await asyncio.sleep(SILENCE_S + 1)
    assert call.silences == 1
    call.close()


@virtual_time
async def test_a_call_closed_by_its_silence_stays_closed() -> None:
    relays = timed()
    relay = relays.open(lambda event: relay.close())
    first, second = UdpEnd(), UdpEnd()
    relay.offer(0, first.description())
    relay.answer(1, second.description())
    await asyncio.sleep(10 * SILENCE_S)
    assert not relays.ports.taken
    relays.close()
    for end in (first, second):
        end.close()


async def test_a_port_that_everybody_has_refuses_the_call() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        port = other.getsockname()[1] & ~1
        with pytest.raises(NoPorts):
            host(ports=(port, port + 1)).open(lambda event: None)


async def test_where_browsers_are_not_served_they_are_refused_and_no_port_is_kept() -> None:
    relays = host()
    with pytest.raises(NotAcceptable):
        relays.open(lambda event: None, (Profile.PLAIN, Profile.WEBRTC))
    assert not relays.ports.taken
    relays.close()


async def test_a_call_that_waits_for_servers_leaves_no_port_where_there_are_too_few() -> None:
    least = free_udp_block(2)
    relays = host(ports=(least, least + 1))
    with pytest.raises(NoPorts):
        await relays.opened(lambda event: None, (Profile.PLAIN, Profile.PLAIN))
    assert not relays.ports.taken
    relays.close()


async def test_somebody_else_who_cannot_be_offered_anything_gives_his_ports_back() -> None:
    call = Call(host())
    before = set(call.relays.ports.taken)
    with pytest.raises(NotAcceptable):
        call.relay.offer(0, spoken(0), call.relays.end(Profile.SDES))
    assert call.relays.ports.taken == before
    call.close()


async def test_a_closed_call_may_be_closed_again() -> None:
    relays = host()
    relay = relays.open(lambda event: None)
    relay.close()
    relay.close()
    relays.close()
    assert not relays.ports.taken


async def test_a_closed_call_is_not_described_any_more() -> None:
    call = Call(host())
    description = call.ends[0].description()
    call.close()
    with pytest.raises(NotAcceptable):
        call.relay.offer(0, description)
    with pytest.raises(NotAcceptable):
        call.relay.answer(1, description)


async def test_a_port_that_another_has_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        port = other.getsockname()[1] & ~1
        relays = host(ports=(port - 4, port + 5))
        relay = relays.open(lambda event: None)
        assert port not in relays.ports.taken
        relay.close()
        relays.close()


async def test_ports_are_tried_so_often_and_no_more() -> None:
    least, pairs = 28_000, BIND_ATTEMPTS_MAX + 1
    with ExitStack() as others:
        for port in range(least, least + 2 * pairs, 2):
            other = others.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with contextlib.suppress(OSError):  # Somebody has it, and that will do.
                other.bind((LOOPBACK, port))
        relays = host(ports=(least, least + 2 * pairs - 1))
        with pytest.raises(NoPorts, match="others"):
            relays.open(lambda event: None)
        assert len(relays.ports) == pairs


async def test_no_port_left_leaves_those_that_were_taken() -> None:
    relays = host(ports=(20_000, 20_003))
    relay = relays.open(lambda event: None)
    with pytest.raises(NoPorts) as refused:
        relays.open(lambda event: None)
    assert refused.value.status == 503
    relay.close()
    assert len(relays.ports) == 2
    relays.close()


async def test_half_a_call_gives_its_ports_back() -> None:
    relays = host(ports=(20_000, 20_001))
    with pytest.raises(NoPorts):
        relays.open(lambda event: None)
    assert len(relays.ports) == 1
    relays.close()


async def test_a_description_of_the_relays_own_ports_is_refused() -> None:
    relays = host()
    one, other = Call(relays), relays.open(lambda event: None)
    with pytest.raises(NotAcceptable):
        other.offer(
            0, one.ends[0].description().replace(b"%d" % one.ends[0].port, b"%d" % one.ports[1])
        )
    other.close()
    one.close()


async def test_the_sockets_of_a_call_are_the_next_ones_when_they_have_rested() -> None:
    now = 100.0
    relays = RelayHost(LOOPBACK, PORTS, Random(7), lambda: now)
    relays.open(lambda event: None).close()
    before = sockets()
    now += REST_S
    relay = relays.open(lambda event: None)
    assert sockets() == before
    relay.close()
    relays.close()
    assert len(sockets()) == len(before) - 4


async def test_what_comes_late_for_a_call_that_is_over_is_not_the_next_ones() -> None:
    now = 100.0
    relays = RelayHost(LOOPBACK, PORTS, Random(7), lambda: now)
    over = Call(relays)
    over.relay.close()
    over.send(0, packet())
    for _ in range(2):  # The loop looks at its sockets in between.
        await asyncio.sleep(0)
    now += REST_S
    relay = relays.open(lambda event: None)
    assert port_of(relay.offer(1, over.ends[0].description())) in over.ports
    for _ in range(2):
        await asyncio.sleep(0)
    assert [relay.leg(end).strays for end in (0, 1)] == [0, 0]
    relay.close()
    over.close()


async def test_so_many_pairs_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("media.relay.KEPT_PAIRS_MAX", 3)
    relays = host()
    before = sockets()
    calls = [relays.open(lambda event: None) for _ in range(4)]
    for relay in calls:
        relay.close()
    assert len(sockets() - before) == 2 * 3
    relays.close()
    assert sockets() == before


def sockets() -> set[str]:
    """Of this process, by their inodes."""
    links = set()
    for one in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            links.add(os.readlink(f"/proc/self/fd/{one}"))
    return {link for link in links if link.startswith("socket:")}


@pytest.mark.parametrize("suite", Suite)
async def test_a_tone_goes_from_a_plain_end_to_an_encrypted_one_and_back(suite: Suite) -> None:
    relays = host()
    relay = relays.open(lambda event: None, (Profile.PLAIN, Profile.SDES))
    plain, secure = UdpEnd(), SrtpUdpEnd(suite)
    at_secure = sdp.parse(relay.offer(0, plain.description())).media[0]
    secure.hears_by(at_secure)
    at_plain = port_of(relay.answer(1, secure.description()))
    heard: tuple[bytearray, bytearray] = bytearray(), bytearray()
    for sequence, frame in zip(range(50), frames(mu_law_tone(425)), strict=False):
        plain.send(packet(sequence, payload=frame), at_plain)
        octets = (await secure.receive())[0]
        assert frame not in octets
        heard[0].extend(secure.into.unprotect(octets)[12:])
        secure.send(secure.out.protect(packet(sequence, payload=frame, ssrc=9)), at_secure.port)
        heard[1].extend((await plain.receive())[0][12:])
    assert [level_of(bytes(one), 425) for one in heard] == pytest.approx([0.5, 0.5], abs=0.01)
    secure.send(packet(99), at_secure.port)  # Not deciphered: a stranger's.
    secure.send(secure.out.protect_rtcp(receiver_report()), at_secure.port)
    secure.send(secure.out.protect(packet(100, ssrc=9)), at_secure.port)
    await plain.receive()
    assert relay.leg(1).strays == 1
    relay.close()
    relays.close()
    plain.close()
    secure.close()


class SrtpUdpEnd(UdpEnd):
    """Answers by one suite, and its own key."""

    def __init__(self, suite: Suite) -> None:
        super().__init__()
        self._suite = suite
        self._key = Crypto(1 + list(Suite).index(suite), suite, b"\5" * KEY_OCTETS[suite])
        self.out = Session(policy(self._key, Policy.SSRC_ANY_OUTBOUND))

    def hears_by(self, offered: Media) -> None:
        [key] = [one for one in cryptos(offered.lines) if one.suite is self._suite]
        self.into = Session(policy(key, Policy.SSRC_ANY_INBOUND))

    def description(self, *attributes: str) -> bytes:
        said = super().description(self._key.line.value, *attributes)
        return said.replace(b"RTP/AVP", b"RTP/SAVP")


# What is played, heard and recorded


async def ticked(seconds: float) -> None:
    for _ in range(round(seconds / TICK_S)):
        await asyncio.sleep(TICK_S)


@virtual_time
async def test_what_is_played_is_heard_by_one_end_and_its_end_is_told() -> None:
    call = Call(timed())
    call.relay.services.play(0, tone((425,), 1.0, level_dbm0=-3))
    await ticked(1.5)
    heard = b"".join([octets[12:] for octets in call.ends[0].received()])
    assert len(heard) == 8_000
    assert level_of(heard, 425) == pytest.approx(0.49, abs=0.01)
    assert call.ends[1].received() == []
    assert call.events == [Played(0, True)]
    call.close()


@virtual_time
async def test_what_is_played_is_stopped() -> None:
    call = Call(timed())
    call.relay.services.play(1, tone((425,), 1.0), repeats=0)
    await ticked(2)
    call.relay.services.stop(1)
    await ticked(1)
    assert len(call.ends[1].received()) == pytest.approx(100, abs=1)
    assert call.events == [Played(1, False)]
    call.close()


@virtual_time
async def test_digits_are_sent_to_an_end_and_told_when_they_come_from_it() -> None:
    call = Call(timed())
    assert call.relay.services.send_digits(0, "7") == 1
    await ticked(0.5)
    for octets in call.ends[0].received():
        call.send(0, octets)
    await ticked(0.1)
    assert call.events == [DigitReceived(0, "7", 0.1, passed=True)]
    assert len(call.ends[1].received()) == 7
    call.close()


@virtual_time
@pytest.mark.parametrize("by_signalling", [True, False])
async def test_digits_for_an_end_without_events_are_tones_or_the_signallings(
    by_signalling: bool,
) -> None:
    call = Call(timed(), called=NO_EVENTS)
    call.relay.services.tell_digits(1, by_signalling)
    for sequence in range(3):
        call.send(0, packet(sequence, 800, bytes.fromhex("058a0320"), 101))
    await ticked(0.5)
    heard = b"".join([octets[12:] for octets in call.ends[1].received()])
    assert (level_of(heard[:800], 770) > 0.2) is not by_signalling
    assert DigitReceived(0, "5", 0.1, passed=not by_signalling) in call.events
    call.close()


@virtual_time
async def test_talk_and_silence_of_an_end_are_told() -> None:
    call = Call(timed())
    call.relay.services.listen(0, SpeechBounds())
    for sequence, frame in zip(range(50), frames(mu_law_tone(425)), strict=False):
        call.send(0, packet(sequence, payload=frame))
        await ticked(0.02)
    await ticked(2)
    assert [type(event) for event in call.events] == [Talking, Silent]
    call.relay.services.listen(0, None)
    call.send(0, packet(51))
    await ticked(2)
    assert len(call.events) == 2
    call.close()


async def test_both_ends_are_recorded_side_by_side(tmp_path: Path) -> None:
    now = 100.0
    relays = RelayHost(LOOPBACK, PORTS, Random(7), lambda: now)
    call = Call(relays)
    path = tmp_path / "call.wav"
    call.relay.services.record(path, (0, 1))
    with pytest.raises(NotAcceptable):
        call.relay.services.record(path, (0, 1))
    both = zip(range(100), frames(mu_law_tone(425)), frames(mu_law_tone(1_000)), strict=False)
    for sequence, first, second in both:
        now += 0.02
        for end, frame in enumerate((first, second)):
            call.send(end, packet(sequence, payload=frame))
            await call.ends[1 - end].receive()
    call.relay.services.stop_recording()
    relays.disk.shutdown()
    [ended] = call.events
    assert isinstance(ended, Recorded)
    assert ended._replace(seconds=round(ended.seconds, 3)) == (str(path), 2.0, RecordingEnd.ASKED)
    sides = path.read_bytes()[HEAD_OCTETS:]
    for side, (hertz, other) in enumerate(((425, 1_000), (1_000, 425))):
        assert level_of(sides[side::2][800:-800], hertz) == pytest.approx(0.5, abs=0.02)
        assert level_of(sides[side::2][800:-800], other) < 0.02
    call.close()


@virtual_time
async def test_a_recording_ends_when_it_is_full(tmp_path: Path) -> None:
    call = Call(timed())
    path = tmp_path / "call.wav"
    call.relay.services.record(path, (1,), octets_max=16_000)
    await ticked(5)
    call.relays.disk.shutdown()
    assert call.events == [Recorded(str(path), 2.0, RecordingEnd.FULL)]
    assert len(path.read_bytes()) == HEAD_OCTETS + 16_000
    call.close()


async def test_a_recording_that_the_disk_does_not_take_has_failed(tmp_path: Path) -> None:
    call = Call(host())
    (tmp_path / "call.wav").write_bytes(b"somebody else's")
    call.relay.services.record(tmp_path / "call.wav", (0,))
    call.relays.disk.shutdown()
    await ticked(10 * TICK_S)
    assert isinstance(call.events[0], Recorded)
    assert call.events[0].reason is RecordingEnd.FAILED
    assert (tmp_path / "call.wav").read_bytes() == b"somebody else's"
    call.close()


@virtual_time
async def test_a_closed_call_ends_its_recording_and_its_player(tmp_path: Path) -> None:
    call = Call(timed())
    call.relay.services.record(tmp_path / "call.wav", (0,))
    call.relay.services.play(0, tone((425,), 1.0), repeats=0)
    await ticked(1)
    call.close()
    assert [type(event) for event in call.events] == [Recorded]
    with pytest.raises(NotAcceptable):
        call.relay.services.play(0, tone((425,), 1.0))


@virtual_time
async def test_audio_that_goes_one_way_is_told_once() -> None:
    call = Call(timed())
    for sequence in range(40):
        call.send(0, packet(sequence))
        await asyncio.sleep(1)
    assert call.events == [OneWay(1)]
    call.send(1, packet(1))
    for sequence in range(40, 70):
        call.send(0, packet(sequence))
        await asyncio.sleep(1)
    assert call.events == [OneWay(1), OneWay(1)]
    call.close()


@virtual_time
async def test_an_end_gets_reports_of_ours_where_its_peer_sends_none() -> None:
    relays = timed()
    relay = relays.open(lambda event: None)
    first, second, reports = UdpEnd(), UdpEnd(), UdpEnd()
    relay.offer(0, first.description(f"rtcp:{reports.port}"))
    at_first = port_of(relay.answer(1, second.description()))
    for sequence in range(300):
        first.send(packet(sequence), at_first)
        await asyncio.sleep(0.1)
    [report] = rtcp.reports(reports.received()[-1])
    assert [block.highest_sequence for block in report.blocks] == [pytest.approx(299, abs=60)]
    relay.close()
    relays.close()
    for end in (first, second, reports):
        end.close()


@virtual_time
async def test_the_round_trip_to_an_end_is_known_by_its_first_report() -> None:
    call, reports = Call(timed()), UdpEnd()
    said = call.ends[1].description(f"rtcp:{reports.port}")
    call.relay.offer(0, call.ends[0].description())
    call.relay.answer(1, said)
    for sequence in range(15):
        call.send(0, packet(sequence))
        await asyncio.sleep(0.1)
    [ours] = rtcp.reports(reports.received()[0])
    assert ours.lsr is not None
    reports.send(receiver_report(ours.lsr, dlsr_s=0.3), call.ports[1] + 1)
    await asyncio.sleep(0.1)
    assert call.relay.heard(1).rtt_s == pytest.approx(0.2, abs=0.11)
    call.close()
    reports.close()


@virtual_time
async def test_reports_begin_soon_and_then_take_their_time() -> None:
    call, reports = Call(timed()), UdpEnd()
    call.relay.offer(0, call.ends[0].description(f"rtcp:{reports.port}"))
    call.relay.answer(1, call.ends[1].description())
    for sequence in range(95):
        call.send(0, packet(sequence))
        await asyncio.sleep(0.1)
    assert len(reports.received()) == 2
    call.close()
    reports.close()


@pytest.mark.parametrize("muxed", [True, False])
async def test_reports_of_an_encrypted_end_are_encrypted(muxed: bool) -> None:
    relays = host()
    relay = relays.open(lambda event: None, (Profile.PLAIN, Profile.SDES))
    plain, plain_reports = UdpEnd(), UdpEnd()
    secure, reports = SrtpUdpEnd(Suite.AEAD_AES_128_GCM), UdpEnd()
    said = ("rtcp-mux",) if muxed else (f"rtcp:{reports.port}",)
    offered = relay.offer(0, plain.description(f"rtcp:{plain_reports.port}"))
    secure.hears_by(sdp.parse(offered).media[0])
    at_plain = port_of(relay.answer(1, secure.description(*said)))
    secure.send(secure.out.protect(packet(1)), port_of(offered))
    assert (await plain.receive())[0] == packet(1)
    plain_reports.send(sender_report(), at_plain + 1)
    octets, source = await (secure if muxed else reports).receive()
    assert secure.into.unprotect_rtcp(octets) == sender_report()
    (secure if muxed else reports).send(secure.out.protect_rtcp(receiver_report()), source)
    assert (await plain_reports.receive())[0] == receiver_report()
    reports.send(receiver_report(), source)
    (secure if muxed else reports).send(secure.out.protect_rtcp(receiver_report(1)), source)
    assert (await plain_reports.receive())[0] == receiver_report(1)
    assert relay.leg(1).strays == 1
    relay.close()
    relays.close()
    for end in (plain, plain_reports, secure, reports):
        end.close()


async def test_who_may_encrypt_and_does_not_is_relayed_as_it_is() -> None:
    relays = host()
    relay = relays.open(lambda event: None, (Profile.PLAIN, Profile.OSRTP))
    first, second = UdpEnd(), UdpEnd()
    at_second = port_of(relay.offer(0, first.description()))
    at_first = port_of(relay.answer(1, second.description("rtcp-mux")))
    first.send(packet(1), at_first)
    assert (await second.receive())[0] == packet(1)
    second.send(packet(2), at_second)
    assert (await first.receive())[0] == packet(2)
    first.send(receiver_report(), at_first)
    assert (await second.receive())[0] == receiver_report()
    relay.close()
    relays.close()
    for end in (first, second):
        end.close()
