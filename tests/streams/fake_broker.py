"""A broker in memory, that can be away, slow, forgetful or unwilling."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiomqtt import MqttError


class Published(NamedTuple):
    topic: str
    payload: bytes
    retain: bool


class FakeBroker:
    """What is published is answered in the next turn of the loop, unless it is `silent`; the
    publish number `down_after` is its last."""

    def __init__(self, in_flight_max: int = 10) -> None:
        self.published: list[Published] = []
        self.connections: list[FakeConnection] = []
        self.attempts = 0
        self.up = True
        self.silent = False
        self.refused: set[str] = set()
        self.down_after = 0
        self.in_flight_max = in_flight_max

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[FakeConnection]:
        self.attempts += 1
        if not self.up:
            raise MqttError("connection refused")
        connection = FakeConnection(self)
        self.connections.append(connection)
        try:
            yield connection
        finally:
            connection.hang_up("left")

    def go_down(self) -> None:
        self.up = False
        for connection in self.connections:
            connection.hang_up("connection lost")

    def ids(self) -> list[str]:
        """The events, in the order of their arrival."""
        return [
            json.loads(each.payload)["id"] for each in self.published if "/messages/" in each.topic
        ]

    def states(self, topic: str) -> list[str]:
        return [json.loads(each.payload)["state"] for each in self.published if each.topic == topic]


class FakeConnection:
    def __init__(self, broker: FakeBroker) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unanswered: list[asyncio.Future[None]] = []
        self.unanswered_peak = 0
        self._broker = broker
        self._room = asyncio.Semaphore(broker.in_flight_max)

    async def publish(
        self, topic: str, payload: bytes, retain: bool = False
    ) -> asyncio.Future[None]:
        await self._room.acquire()
        if self.lost.done():
            self.lost.result()
        self._broker.published.append(Published(topic, payload, retain))
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unanswered.append(answered)
        self.unanswered_peak = max(self.unanswered_peak, len(self.unanswered))
        if len(self._broker.published) == self._broker.down_after:
            self._broker.go_down()
        elif not self._broker.silent:
            asyncio.get_running_loop().call_soon(self._answer, answered, topic)
        return answered

    def hang_up(self, reason: str) -> None:
        for future in (self.lost, *self.unanswered):
            if not future.done():
                future.set_exception(MqttError(reason))
                future.exception()
        self.unanswered.clear()
        for _ in range(self._broker.in_flight_max):
            self._room.release()

    def _answer(self, answered: asyncio.Future[None], topic: str) -> None:
        if answered.done():
            return
        self.unanswered.remove(answered)
        self._room.release()
        if topic in self._broker.refused:
            answered.set_exception(MqttError("Not authorized"))
            answered.exception()
        else:
            answered.set_result(None)
