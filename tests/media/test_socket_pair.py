"""The sockets of an end: one for anybody, and beside it one for the source that is believed."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import pytest

from media.latch import Source
from media.packet_run import Run
from media.socket_pair import SocketPair
from tests.media.udp_end import LOOPBACK, WAIT_S, UdpEnd


class Pair:
    """`heard` is what came, with its source."""

    def __init__(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((LOOPBACK, 0))
            port = free.getsockname()[1] & ~1
        self.pair = SocketPair(LOOPBACK, port, time.monotonic)
        self.heard: asyncio.Queue[tuple[bytes, Source]] = asyncio.Queue()
        self.pair.rtp_received = self._received

    async def hears(self) -> tuple[bytes, Source]:
        async with asyncio.timeout(WAIT_S):
            return await self.heard.get()

    def _received(self, packet: bytes, source: Source, now: float) -> None:
        self.heard.put_nowait((packet, source))


@pytest.fixture
async def ends() -> AsyncIterator[tuple[UdpEnd, UdpEnd]]:
    made = UdpEnd(), UdpEnd()
    yield made
    for one in made:
        one.close()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    yield made
    made.pair.close()


def at(end: UdpEnd) -> Source:
    return (LOOPBACK, end.port)


async def test_connected_end_and_all_others_are_heard(
    pair: Pair, ends: tuple[UdpEnd, UdpEnd]
) -> None:
    end, other = ends
    assert pair.pair.connect(at(end), Run()) is not None
    end.send(b"mine", pair.pair.port)
    assert await pair.hears() == (b"mine", at(end))
    other.send(b"another's", pair.pair.port)
    assert await pair.hears() == (b"another's", at(other))


async def test_what_is_sent_comes_from_the_port_of_the_pair(
    pair: Pair, ends: tuple[UdpEnd, UdpEnd]
) -> None:
    send = pair.pair.connect(at(ends[0]), Run())
    assert send is not None
    send(b"to the end")
    assert await ends[0].receive() == (b"to the end", pair.pair.port)
    pair.pair.send_rtp(b"to another", at(ends[1]))
    assert await ends[1].receive() == (b"to another", pair.pair.port)


async def test_end_may_be_another_later_and_nobody_after_that(
    pair: Pair, ends: tuple[UdpEnd, UdpEnd]
) -> None:
    for end in ends:
        assert pair.pair.connect(at(end), Run()) is not None
        end.send(b"mine", pair.pair.port)
        assert await pair.hears() == (b"mine", at(end))
    pair.pair.disconnect()
    for end in ends:
        end.send(b"anybody's", pair.pair.port)
        assert await pair.hears() == (b"anybody's", at(end))


async def test_nobody_else_gets_the_port_while_it_is_shared(
    pair: Pair, ends: tuple[UdpEnd, UdpEnd]
) -> None:
    pair.pair.connect(at(ends[0]), Run())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            thief.setsockopt(socket.SOL_SOCKET, option, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind((LOOPBACK, pair.pair.port))


async def test_end_whose_port_is_closed_is_heard_again_when_it_is_open(
    pair: Pair, ends: tuple[UdpEnd, UdpEnd]
) -> None:
    gone = UdpEnd()
    send = pair.pair.connect(at(gone), Run())
    assert send is not None
    gone.close()
    send(b"to nobody")
    back = UdpEnd(port=gone.port)
    back.send(b"here again", pair.pair.port)
    assert await pair.hears() == (b"here again", at(back))
    back.close()
