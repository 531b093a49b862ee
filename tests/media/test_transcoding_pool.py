"""Codecs beside the loop: order, bounds, and the end of it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from media.transcoding_pool import WAITING_MAX, TranscodingPool

WAIT_S = 5.0


@pytest.fixture
async def pool() -> AsyncIterator[TranscodingPool]:
    pool = TranscodingPool()
    yield pool
    pool.close()


async def test_packets_are_delivered_on_the_loop_in_their_order(pool: TranscodingPool) -> None:
    delivered: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    converted_by: set[int] = set()

    def convert(packet: bytes) -> list[bytes]:
        converted_by.add(threading.get_ident())
        return [packet, packet + b"'"]

    path = pool.path(convert, lambda one: delivered.put_nowait((threading.get_ident(), one)))
    heard = []
    for number in range(50):
        path.put(b"%d" % number)
        async with asyncio.timeout(WAIT_S):
            heard += [await delivered.get(), await delivered.get()]
    assert [one for _, one in heard] == [
        b"%d%b" % (n, end) for n in range(50) for end in (b"", b"'")
    ]
    assert {one for one, _ in heard} == {threading.get_ident()}
    assert threading.get_ident() not in converted_by


async def test_where_too_many_wait_the_oldest_is_dropped_and_counted(
    pool: TranscodingPool,
) -> None:
    delivered: asyncio.Queue[bytes] = asyncio.Queue()
    gate = threading.Event()
    begun = threading.Event()

    def convert(packet: bytes) -> list[bytes]:
        begun.set()
        gate.wait(WAIT_S)
        return [packet]

    path = pool.path(convert, delivered.put_nowait)
    path.put(b"first")
    await asyncio.to_thread(begun.wait, WAIT_S)
    for number in range(WAITING_MAX + 3):
        path.put(b"%d" % number)
    gate.set()
    async with asyncio.timeout(WAIT_S):
        heard = [await delivered.get() for _ in range(WAITING_MAX + 1)]
    assert heard == [b"first", *[b"%d" % n for n in range(3, WAITING_MAX + 3)]]
    assert path.dropped == 3


async def test_nothing_is_delivered_of_a_path_that_is_closed(pool: TranscodingPool) -> None:
    delivered: list[bytes] = []
    done = threading.Event()
    path = pool.path(lambda packet: [packet], delivered.append)
    other = pool.path(lambda packet: [packet], lambda packet: done.set())
    path.put(b"1")
    path.close()
    other.put(b"2")
    async with asyncio.timeout(WAIT_S):
        while not done.is_set():  # noqa: ASYNC110 - it is set on this loop
            await asyncio.sleep(0)
    assert delivered == []


async def test_one_that_fails_costs_its_packet_alone(
    pool: TranscodingPool, caplog: pytest.LogCaptureFixture
) -> None:
    delivered: asyncio.Queue[bytes] = asyncio.Queue()

    def convert(packet: bytes) -> list[bytes]:
        if packet == b"bad":
            raise ArithmeticError
        return [packet]

    path = pool.path(convert, delivered.put_nowait)
    path.put(b"bad")
    path.put(b"good")
    async with asyncio.timeout(WAIT_S):
        assert await delivered.get() == b"good"
    assert "transcoding failed" in caplog.text


async def test_its_threads_end_with_it() -> None:
    before = threading.active_count()
    pool = TranscodingPool(threads=2)
    assert threading.active_count() == before + 2
    pool.close()
    assert threading.active_count() == before
