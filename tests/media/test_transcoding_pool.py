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

    path = pool.path(convert, lambda one, now: delivered.put_nowait((threading.get_ident(), one)))
    heard = []
    for number in range(50):
        path.put(b"%d" % number, 0.0)
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

    path = pool.path(convert, lambda one, now: delivered.put_nowait(one))
    path.put(b"first", 0.0)
    await asyncio.to_thread(begun.wait, WAIT_S)
    for number in range(WAITING_MAX + 3):
        path.put(b"%d" % number, 0.0)
    gate.set()
    async with asyncio.timeout(WAIT_S):
        heard = [await delivered.get() for _ in range(WAITING_MAX + 1)]
    assert heard == [b"first", *[b"%d" % n for n in range(3, WAITING_MAX + 3)]]
    assert pool.dropped == 3


async def test_each_is_delivered_with_the_time_that_it_came_at(pool: TranscodingPool) -> None:
    delivered: asyncio.Queue[float] = asyncio.Queue()
    path = pool.path(lambda packet: [packet], lambda one, now: delivered.put_nowait(now))
    path.put(b"1", 17.5)
    async with asyncio.timeout(WAIT_S):
        assert await delivered.get() == 17.5


async def test_nothing_is_delivered_after_its_end() -> None:
    delivered: list[bytes] = []
    pool = TranscodingPool()
    pool.path(lambda packet: [packet], lambda one, now: delivered.append(one)).put(b"1", 0.0)
    pool.close()
    await asyncio.sleep(0)
    assert delivered == []


async def test_one_that_fails_costs_its_packet_alone(pool: TranscodingPool) -> None:
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    delivered: asyncio.Queue[bytes] = asyncio.Queue()

    def convert(packet: bytes) -> list[bytes]:
        if packet == b"bad":
            raise ArithmeticError
        return [packet]

    path = pool.path(convert, lambda one, now: delivered.put_nowait(one))
    path.put(b"bad", 0.0)
    path.put(b"good", 0.0)
    async with asyncio.timeout(WAIT_S):
        assert await delivered.get() == b"good"
    assert [type(one["exception"]) for one in told] == [ArithmeticError]


async def test_its_threads_end_with_it() -> None:
    before = threading.active_count()
    pool = TranscodingPool(threads=2)
    assert threading.active_count() == before + 2
    pool.close()
    assert threading.active_count() == before
