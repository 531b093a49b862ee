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
from random import Random

import pytest
import uvloop
from pylibsrtp import Policy, Session

from media import sdp
from media.errors import NoPorts, NotAcceptable
from media.events import MediaEvent, MediaTimeout
from media.port_range import REST_S
from media.profile import Profile
from media.relay import BIND_ATTEMPTS_MAX, KEPT_PAIRS_MAX, SILENCE_S, Relay, RelayHost
from media.sdes import KEY_OCTETS, Crypto, Suite, cryptos
from media.sdp import Media
from media.srtp import policy
from tests.media.packets import packet, receiver_report
from tests.media.tone import frames, level_of, mu_law_tone
from tests.media.udp_end import LOOPBACK, UdpEnd
from tests.support.virtual_time import virtual_time

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

    def __init__(self, relays: RelayHost, address: str = LOOPBACK) -> None:
        self.silences = 0
        self.events: list[MediaEvent] = []
        self.relays = relays
        self.relay: Relay = relays.open(self._on_event)
        self.ends = (UdpEnd(address), UdpEnd(address))
        second = port_of(self.relay.offer(0, self.ends[0].description()))
        first = port_of(self.relay.answer(1, self.ends[1].description()))
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
    relays = RelayHost(LOOPBACK, (20_000, 20_003), Random(7), lambda: now)
    relays.open(lambda event: None).close()
    late = UdpEnd()
    late.send(packet(), 20_000)
    for _ in range(2):  # The loop looks at its sockets in between.
        await asyncio.sleep(0)
    now += REST_S
    relay = relays.open(lambda event: None)
    for _ in range(2):
        await asyncio.sleep(0)
    assert [relay.leg(end).strays for end in (0, 1)] == [0, 0]
    relay.close()
    relays.close()
    late.close()


def test_so_many_pairs_are_kept_and_no_more(run: Callable[[Awaitable[None]], None]) -> None:
    async def test() -> None:
        relays = host(ports=(20_000, 26_001))
        before = sockets()
        calls = [relays.open(lambda event: None) for _ in range(KEPT_PAIRS_MAX // 2 + 3)]
        for relay in calls:
            relay.close()
        assert len(sockets() - before) == 2 * KEPT_PAIRS_MAX
        relays.close()
        assert sockets() == before

    run(test())


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
