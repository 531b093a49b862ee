"""The gateway as a process that can be killed: everything between its store and its sockets.

A killed process does no more: its store takes nothing, its network carries nothing, its webhooks
go nowhere. What is left of it in memory may turn in its grave; nobody hears it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from random import Random
from ssl import SSLContext
from typing import Any, TypeVar

from gateway.clock import Clock
from gateway.config import Config
from gateway.daemon.assembly import Gateway
from gateway.message import Message
from gateway.net.network import ProtocolFactory
from gateway.store.inline import InlineStore
from gateway.store.interface import OnCommit, Record
from gateway.store.limits import StoreLimits
from gateway.webhooks.request import Answer, Failure, Poster, WebhookRequest
from tests.sim.cast import PLAN
from tests.support.memory_network import MemoryListening, MemoryNetwork

T = TypeVar("T")

# Short segments, so that a message's facts lie in several; the audit reads all, so none is dropped.
SEGMENTS = StoreLimits(free_bytes_min=0, segment_s=120.0, retention_s=86_400.0 * 30, stream=True)


class Killed(Exception):
    """The process ended before it answered."""


class MortalStore(InlineStore):
    """After `crash` a record goes nowhere, and nobody is told. `appended` is set by each record.
    What a read of messages finds may be old by the time, `read_s`, that it takes."""

    appended: asyncio.Event
    read_s: Callable[[], float]

    def append(self, record: Record, on_commit: OnCommit | None = None) -> None:
        if not self._closed:
            super().append(record, on_commit)
            self.appended.set()

    async def read_messages(self, message_ids: Sequence[int]) -> Sequence[Message]:
        found = await super().read_messages(message_ids)
        await asyncio.sleep(self.read_s())
        return found


class MortalNetwork:
    """The network of one process; `sever` takes it away."""

    def __init__(self, network: MemoryNetwork) -> None:
        self._network = network
        self._listening: list[MemoryListening] = []
        self._severed = False

    async def connect(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: SSLContext | None = None,
        server_name: str = "",
    ) -> None:
        if self._severed:
            raise ConnectionRefusedError
        await self._network.connect(host, port, factory)

    async def listen(
        self,
        host: str,
        port: int,
        factory: ProtocolFactory,
        tls: SSLContext | None = None,
        proxies: Sequence[str] = (),
    ) -> MemoryListening:
        listening = await self._network.listen(host, port, factory)
        self._listening.append(listening)
        return listening

    async def sever(self, octets_lost: bool) -> None:
        """Cut every wire: each has the gateway at one end."""
        self._severed = True
        for listening in self._listening:
            await listening.close()
        for wire in list(self._network.wires.values()):
            wire.cut(octets_lost)


class GatewayProcess:
    """One run of the gateway on a directory that earlier runs may have used."""

    def __init__(
        self,
        config: Config,
        directory: Path,
        network: MemoryNetwork,
        clock: Clock,
        random: Random,
        poster: Poster,
        commit_s: Callable[[], float],
        vfs: str | None = None,
    ) -> None:
        self._poster = poster
        self._network = MortalNetwork(network)
        self._ended = asyncio.get_running_loop().create_future()
        self.store = MortalStore(directory, commit_s, SEGMENTS, clock=clock, vfs=vfs)
        self.store.appended = asyncio.Event()
        self.store.read_s = commit_s
        self.gateway = Gateway(config, PLAN, self.store, self._network, clock, random, self)
        self._traffic: asyncio.Task[None]

    @property
    def alive(self) -> bool:
        return not self._ended.done()

    async def start(self) -> None:
        await self.gateway.smpp_server.start()
        await self.gateway.restore()
        self._traffic = asyncio.create_task(self.gateway.run(), name="traffic")

    async def busy_moment(self, patience_s: float) -> None:
        """Until something has just been given to the store, and is not on the disk."""
        self.store.appended.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self.store.appended.wait()

    async def kill(self, committed: bool, octets_lost: bool) -> None:
        """kill -9. `committed`: the commit under way had reached the disk."""
        self._ended.set_result(None)
        self.store.crash(committed=committed)
        await self._network.sever(octets_lost)
        self.gateway.intake.close()
        self.gateway.dispatcher.stop()
        self.gateway.esme_delivery.close()
        await self._stop_traffic()

    async def stop(self) -> None:
        """SIGTERM."""
        await self.gateway.drain()
        self._ended.set_result(None)
        await self._stop_traffic()
        await self.gateway.close()
        await self.store.close()
        await self._network.sever(octets_lost=False)

    async def call(self, request: Coroutine[Any, Any, T]) -> T:
        """What the process answers to a request over REST.

        Raises:
            Killed: it ended before.
        """
        asking = asyncio.ensure_future(request)
        await asyncio.wait({asking, self._ended}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        asking.cancel()
        raise Killed

    async def post(self, request: WebhookRequest) -> Answer | Failure:
        """The gateway's `Poster`."""
        return await self._poster.post(request)

    async def _stop_traffic(self) -> None:
        self._traffic.cancel()
        await asyncio.gather(self._traffic, return_exceptions=True)
