"""The relay on sockets of loopback, under asyncio's loop and under uvloop."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from random import Random

import pytest
import uvloop

from media import sdp
from media.errors import NoPorts, NotAcceptable
from media.relay import Relay, RelayHost
from media.tone import frames, level_of, mu_law_tone
from tests.media.packets import packet, receiver_report
from tests.media.udp_end import LOOPBACK, UdpEnd

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
# Below those that the system gives to ends.
PORTS = (20_000, 21_999)


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Callable[[Awaitable[None]], None]]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield lambda test: runner.run(_awaited(test))


async def _awaited(test: Awaitable[None]) -> None:
    await test


def host(
    address: str = LOOPBACK, ports: tuple[int, int] = PORTS, silence_s: float = 60
) -> RelayHost:
    return RelayHost(address, ports, Random(7), time.monotonic, silence_s=silence_s)


def port_of(description: bytes) -> int:
    return sdp.parse(description).media[0].port


class Call:
    """Two ends that have agreed, and where each of them sends to."""

    def __init__(self, relays: RelayHost, address: str = LOOPBACK) -> None:
        self.silences = 0
        self.relay: Relay = relays.open(self._silent)
        self.ends = (UdpEnd(address), UdpEnd(address))
        second = port_of(self.relay.offer(0, self.ends[0].description()))
        first = port_of(self.relay.answer(1, self.ends[1].description()))
        self.ports = (first, second)
        self.heard_silence = asyncio.Event()

    def send(self, end: int, octets: bytes) -> None:
        self.ends[end].send(octets, self.ports[end])

    def close(self) -> None:
        self.relay.close()
        for end in self.ends:
            end.close()

    def _silent(self) -> None:
        self.silences += 1
        self.heard_silence.set()


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
        relay = host().open(lambda: None)
        first, second = UdpEnd(), UdpEnd()
        first_rtcp, second_rtcp = UdpEnd(), UdpEnd()
        relay.offer(0, first.description(f"rtcp:{first_rtcp.port}"))
        at_first = port_of(relay.answer(1, second.description(f"rtcp:{second_rtcp.port}")))
        first_rtcp.send(receiver_report(), at_first + 1)
        octets, source = await second_rtcp.receive()
        assert octets == receiver_report()
        assert source % 2 == 1
        relay.close()
        for end in (first, second, first_rtcp, second_rtcp):
            end.close()

    run(test())


def test_silence_is_told_and_told_again(run: Callable[[Awaitable[None]], None]) -> None:
    async def test() -> None:
        call = Call(host(silence_s=0.01))
        for times in (1, 2):
            call.heard_silence.clear()
            async with asyncio.timeout(5):
                await call.heard_silence.wait()
            assert call.silences >= times
        call.close()

    run(test())


def test_a_thousand_calls_leave_nothing_behind(run: Callable[[Awaitable[None]], None]) -> None:
    async def test() -> None:
        relays = host(ports=(20_000, 26_001))
        free = len(relays.ports)
        Call(relays).close()
        await asyncio.sleep(0)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(1_000):
            Call(relays).close()
        assert len(os.listdir("/proc/self/fd")) == before
        assert len(relays.ports) == free
        assert not relays.ports.taken

    run(test())


async def test_a_closed_call_may_be_closed_again() -> None:
    relays = host()
    relay = relays.open(lambda: None)
    relay.close()
    relay.close()
    assert not relays.ports.taken


async def test_a_port_that_another_has_is_passed_over() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        port = other.getsockname()[1] & ~1
        relays = host(ports=(port - 4, port + 5))
        relay = relays.open(lambda: None)
        assert port not in relays.ports.taken
        relay.close()


async def test_no_port_left_leaves_those_that_were_taken() -> None:
    relays = host(ports=(20_000, 20_003))
    relay = relays.open(lambda: None)
    with pytest.raises(NoPorts) as refused:
        relays.open(lambda: None)
    assert refused.value.status == 503
    relay.close()
    assert len(relays.ports) == 2


async def test_half_a_call_gives_its_ports_back() -> None:
    relays = host(ports=(20_000, 20_001))
    with pytest.raises(NoPorts):
        relays.open(lambda: None)
    assert len(relays.ports) == 1


async def test_a_description_of_the_relays_own_ports_is_refused() -> None:
    relays = host()
    one, other = Call(relays), relays.open(lambda: None)
    with pytest.raises(NotAcceptable):
        other.offer(
            0, one.ends[0].description().replace(b"%d" % one.ends[0].port, b"%d" % one.ports[1])
        )
    one.close()
    other.close()
