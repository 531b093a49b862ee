"""Eclipse Mosquitto as the operator's broker, and a client of it that is not ours."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import shutil
import signal
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pytest
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.e2e.patience import until
from tests.e2e.process import ChildProcess
from tests.interop.free_port import free_port

ELSEWHERE = "/usr/sbin:/usr/local/sbin"

# What is known of sessions is on disk at once, and what is published goes on at once: so whoever
# kills the broker takes nothing with it that it has acknowledged.
SETTINGS = {
    "persistence": "true",
    "autosave_interval": "1",
    "autosave_on_changes": "true",
    "max_inflight_messages": "0",
    "allow_anonymous": "true",
    "user": getpass.getuser(),
}


def mosquitto_command() -> str:
    """Where the broker is; without it there is nothing to test against."""
    path = f"{os.environ.get('PATH', '')}:{ELSEWHERE}"
    command = shutil.which("mosquitto", path=path)
    if command is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    return command


class Mosquitto(ChildProcess):
    """`async with Mosquitto(directory) as broker`: on a free port of loopback, the same one each
    time that it starts. `settings` are lines of its mosquitto.conf."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        lines = {
            "listener": f"{self.port} 127.0.0.1",
            "persistence_location": f"{directory}/",
            **SETTINGS,
            **(settings or {}),
        }
        config = directory / "mosquitto.conf"
        config.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
        super().__init__(mosquitto_command(), "-c", str(config), directory=directory)

    async def start(self) -> None:
        await super().start()
        await self.line(lambda line: line.endswith(" running"))

    async def stop(self) -> None:
        """SIGTERM, until it has ended."""
        self.send_signal(signal.SIGTERM)
        await self.ended()


class Seen(NamedTuple):
    """What arrived at a subscriber."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    content_type: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.payload)
        return found


class Subscriber:
    """Eclipse Paho, in a thread of its own: comes back by itself, and its session stays."""

    def __init__(
        self,
        port: int,
        topic: str = "#",
        version: int = 5,
        tls: ssl.SSLContext | None = None,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.seen: list[Seen] = []
        self._topic = topic
        self._port = port
        self._subscribed = threading.Event()
        self._is_5 = version == 5
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id="a-subscriber",
            clean_session=None if self._is_5 else False,
            protocol=MQTTProtocolVersion.MQTTv5 if self._is_5 else MQTTProtocolVersion.MQTTv311,
        )
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        if tls:
            self._client.tls_set_context(tls)
        if credentials:
            self._client.username_pw_set(*credentials)

    async def __aenter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port, keepalive=5, **self._session())
        self._client.loop_start()
        assert await asyncio.to_thread(self._subscribed.wait, 10)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Until what has arrived is as wanted."""

        async def as_wanted() -> bool:
            return holds()

        await until(as_wanted)

    async def arrived(self, count: int) -> list[Seen]:
        """All that has arrived, once it is so many."""
        await self.until(lambda: len(self.seen) >= count)
        return list(self.seen)

    def ids(self) -> Counter[str]:
        """How often each event has arrived."""
        return Counter(seen.json["id"] for seen in list(self.seen) if "/messages/" in seen.topic)

    def states(self, topic: str) -> list[str]:
        """What has been told of a topic, in order."""
        return [seen.json["state"] for seen in list(self.seen) if seen.topic == topic]

    def _session(self) -> dict[str, Any]:
        """What keeps an MQTT 5 session; in 3.1.1 it is clean_session."""
        if not self._is_5:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3_600
        return {"clean_start": False, "properties": properties}

    def _on_connect(
        self,
        client: Client,
        userdata: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        assert not reason.is_failure, str(reason)
        client.subscribe(self._topic, qos=1)

    def _on_subscribe(
        self,
        client: Client,
        userdata: object,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        self._subscribed.set()

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        content_type = getattr(message.properties, "ContentType", "") if self._is_5 else ""
        self.seen.append(
            Seen(message.topic, bytes(message.payload), message.qos, message.retain, content_type)
        )
