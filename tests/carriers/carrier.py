"""A carrier in memory that does what a test says, and a bind to it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

from gateway.carriers.bind_events import BindEvent
from gateway.carriers.bind_pool import BindPool
from gateway.carriers.link import Link
from gateway.carriers.smpp_bind import SmppBind
from gateway.clock import Clock
from gateway.config.carrier import CarrierBind
from gateway.net.network import Listening
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus
from gateway.smpp.events import Bound, Closed, Event, Request, Response
from gateway.smpp.pdus import BIND_RESP, BindFields, SubmitSm, SubmitSmResp
from gateway.smpp.session import Timers
from gateway.smpp.states import Role
from tests.support.memory_network import MemoryNetwork

WALL = 1_700_000_000.0
HOST = "smsc.example.com"
PORT = 2775


class Middle(Random):
    """Chance that always falls in the middle: the waits are 1, 2, 4 … seconds."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class Carrier:
    """`bind_status` answers binds, None leaves them unanswered, and beyond `binds_max` they are
    refused; `answers` is whether submit_sm are
    answered at once. What came is in `binds` and `submitted`, with the connection that it came on.
    """

    def __init__(
        self, network: MemoryNetwork, clock: Clock, host: str = HOST, port: int = PORT
    ) -> None:
        self._network = network
        self._clock = clock
        self._address = host, port
        self._listening: Listening
        self.bind_status: int | None = 0
        self.answers = True
        self.connections: list[SmppConnection] = []
        self.bound: list[SmppConnection] = []
        self.binds: list[BindFields] = []
        self.bound_at: list[float] = []
        self.submitted: list[tuple[int, SubmitSm]] = []
        self.submitted_on: list[SmppConnection] = []
        self.binds_max = 1_000
        self.responses: list[Response] = []
        self.closed: list[str] = []

    async def open(self) -> None:
        self._listening = await self._network.listen(*self._address, self.accept)

    async def close(self) -> None:
        await self._listening.close()

    @property
    def connection(self) -> SmppConnection:
        """The newest one."""
        return self.connections[-1]

    def answer(self, command_status: int = 0, message_id: str = "77", index: int = -1) -> None:
        """Answer a submit_sm, the newest as it is."""
        sequence_number, _ = self.submitted[index]
        connection = self.submitted_on[index]
        if connection.session.closed:
            connection = self.connection
        connection.respond(sequence_number, SubmitSmResp(message_id), command_status)

    def accept(self) -> SmppConnection:
        connection = SmppConnection(Role.SMSC, self._clock, Timers(), self._on_event, window=100)
        self.connections.append(connection)
        return connection

    def _on_event(self, connection: SmppConnection, event: Event) -> None:
        match event:
            case Request(sequence_number, BindFields() as pdu):
                self.binds.append(pdu)
                self.bound_at.append(self._clock.now() - WALL)
                if self.bind_status is not None:
                    answer = BIND_RESP[pdu.command_id](system_id="SMSC")
                    full = len(self.binds) > self.binds_max
                    status = CommandStatus.ESME_RBINDFAIL if full else self.bind_status
                    connection.respond(sequence_number, answer, status)
            case Request(sequence_number, SubmitSm() as pdu):
                self.submitted.append((sequence_number, pdu))
                self.submitted_on.append(connection)
                if self.answers:
                    connection.respond(sequence_number, SubmitSmResp("77"))
            case Response():
                self.responses.append(event)
            case Bound():
                self.bound.append(connection)
            case Closed(reason):
                self.closed.append(reason)
            case _:
                pass


class Site:
    """A bind and its carrier, on one network and clock. `events` is what the bind told."""

    def __init__(self, **config: Any) -> None:
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.network = MemoryNetwork()
        self.carrier = Carrier(self.network, self.clock)
        self.events: list[BindEvent] = []
        values: dict[str, Any] = {
            "id": "1",
            "host": HOST,
            "port": PORT,
            "system_id": "supernet",
            "password": "secret",
        }
        bind = CarrierBind(**(values | config))
        self.bind: Link = (BindPool if bind.sessions > 1 else SmppBind)(
            "alpha/1",
            bind,
            self.network,
            self.clock,
            Middle(),
            self.events.append,
        )
        self._task: asyncio.Task[None]

    async def start(self) -> None:
        """Have the carrier listen, and the bind come up."""
        await self.carrier.open()
        self.run()
        await asyncio.sleep(0.1)

    def run(self, coroutine: Coroutine[Any, Any, None] | None = None) -> None:
        self._task = asyncio.get_running_loop().create_task(coroutine or self.bind.run())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def ended(self) -> bool:
        return self._task.done()

    def told(self, kind: type[BindEvent]) -> list[BindEvent]:
        return [event for event in self.events if isinstance(event, kind)]
