"""One connection to Mosquitto, or to what only listens: how it is left, lost and not had."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiomqtt import MqttError, Will

from gateway.config.sections import Mqtt
from gateway.streams.broker import Broker
from tests.e2e.process import PATIENCE_S
from tests.interop.free_port import free_port
from tests.interop.mosquitto import Mosquitto

pytestmark = pytest.mark.interop


def a_connection(port: int) -> Broker:
    return Broker(Mqtt("127.0.0.1", port), "a-gateway", Will("status"), None)


@contextmanager
def a_silent_server() -> Iterator[int]:
    """The system accepts connections for it, and nobody says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_broker_that_is_not_there_is_an_error() -> None:
    with pytest.raises(MqttError, match="refused"):
        await a_connection(free_port()).__aenter__()


async def test_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.streams.broker.CONNACK_TIMEOUT_S", 0.1)
    with a_silent_server() as port, pytest.raises(MqttError, match="timed out"):
        await a_connection(port).__aenter__()


@pytest.mark.parametrize("after_s", [0.0, 0.2], ids=["dialing", "waiting"])
async def test_connecting_can_be_canceled(after_s: float) -> None:
    with a_silent_server() as port:
        entering = asyncio.create_task(a_connection(port).__aenter__())
        await asyncio.sleep(after_s)
        entering.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(entering, return_exceptions=True)
        assert entering.cancelled()


async def test_what_is_published_over_a_lost_connection_is_an_error(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as server, a_connection(server.port) as broker:
        await server.kill()
        with pytest.raises(MqttError):
            await broker.lost
        with pytest.raises(MqttError):
            await broker.publish("topic", b"")


async def test_loss_that_is_not_known_yet_is_an_error(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as server, a_connection(server.port) as broker:
        broker._client._sock_close()
        with pytest.raises(MqttError, match="not currently connected"):
            await broker.publish("topic", b"")


async def test_what_is_unanswered_at_the_loss_is_an_error(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as server, a_connection(server.port) as broker:
        answered = await broker.publish("topic", b"")
        broker.hang_up("a test")
        with pytest.raises(MqttError, match="a test"):
            await answered
