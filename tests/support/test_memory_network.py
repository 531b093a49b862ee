"""The network in memory keeps the promises of TCP, and breaks them when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import cycle

import pytest

from tests.support.memory_network import MemoryNetwork, Wire
from tests.support.virtual_time import virtual_time


class End(asyncio.Protocol):
    """Keeps what arrives, with its time, and "" for the end of the connection."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.seen: list[tuple[float, str]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, octets: bytes) -> None:
        self.seen.append((self._now, octets.decode()))

    def connection_lost(self, cause: Exception | None) -> None:
        self.seen.append((self._now, ""))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.seen]

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def connected(
    delay_s: Callable[[], float] = lambda: 0.0,
    pieces: Callable[[bytes], Sequence[bytes]] = lambda octets: (octets,),
) -> tuple[End, End, Wire]:
    """A client, a server and the wire between them."""
    network = MemoryNetwork(delay_s=delay_s, pieces=pieces)
    client, server = End(), End()
    await network.listen("alpha", 2775, lambda: server)
    await network.connect("alpha", 2775, lambda: client)
    (wire,) = network.wires.values()
    return client, server, wire


@virtual_time
async def test_octets_stay_in_order_whatever_their_delays() -> None:
    delays = cycle((0.0, 5.0, 1.0, 0.0))
    client, server, _ = await connected(lambda: next(delays))
    for text in ("one", "two", "three", "four"):
        client.transport.write(text.encode())
    await asyncio.sleep(10)
    assert server.texts == ["one", "two", "three", "four"]


@virtual_time
async def test_octets_may_come_in_pieces() -> None:
    client, server, _ = await connected(pieces=lambda octets: (octets[:1], octets[1:]))
    client.transport.write(b"hello")
    await asyncio.sleep(1)
    assert server.texts == ["h", "ello"]


@virtual_time
async def test_what_was_written_before_a_close_arrives_before_the_end() -> None:
    client, server, _ = await connected(lambda: 1.0)
    client.transport.write(b"bye")
    client.transport.close()
    await asyncio.sleep(10)
    assert (server.texts, client.texts) == (["bye", ""], [""])


@virtual_time
async def test_what_an_abort_overtakes_is_lost() -> None:
    client, server, _ = await connected(lambda: 1.0)
    client.transport.write(b"bye")
    client.transport.abort()
    await asyncio.sleep(10)
    assert server.texts == [""]


@pytest.mark.parametrize(("octets_lost", "seen"), [(True, [""]), (False, ["hello", ""])])
def test_a_cut_wire_is_told_at_both_ends(octets_lost: bool, seen: list[str]) -> None:
    @virtual_time
    async def cut() -> None:
        client, server, wire = await connected(lambda: 1.0)
        client.transport.write(b"hello")
        wire.cut(octets_lost)
        await asyncio.sleep(10)
        assert (server.texts, client.texts) == (seen, [""])

    cut()


@virtual_time
async def test_a_frozen_wire_tells_nobody() -> None:
    client, server, wire = await connected()
    wire.freeze()
    client.transport.write(b"hello")
    client.transport.close()
    await asyncio.sleep(10)
    assert (server.texts, client.texts) == ([], [""])


@virtual_time
async def test_who_does_not_read_finds_it_later() -> None:
    client, server, _ = await connected()
    server.transport.pause_reading()
    client.transport.write(b"hello")
    await asyncio.sleep(5)
    server.transport.resume_reading()
    await asyncio.sleep(5)
    assert server.seen == [(5, "hello")]


@virtual_time
async def test_a_wire_is_forgotten_once_both_ends_know() -> None:
    client, _, wire = await connected()
    client.transport.close()
    await asyncio.sleep(1)
    assert wire.network.wires == {}


@virtual_time
async def test_nobody_answers_where_nobody_listens() -> None:
    with pytest.raises(ConnectionRefusedError):
        await MemoryNetwork().connect("alpha", 2775, End)
