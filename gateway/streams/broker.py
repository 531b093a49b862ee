"""A connection to an MQTT broker, through aiomqtt: made once, then left or lost.

aiomqtt takes every PUBACK for a yes, spends a task on each publish, and lets those that are under
way wait for their time-out when the connection is lost. So what is published, and what is answered,
goes past it here; the connection itself, TLS and the keep-alive are its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol, Self

import aiomqtt
from aiomqtt import MqttCodeError, MqttError, ProtocolVersion, Will
from paho.mqtt.client import MQTT_ERR_SUCCESS, ConnectFlags
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gateway.config.sections import Mqtt
from gateway.streams.cloud_event import CONTENT_TYPE

AT_LEAST_ONCE = 1
CONNACK_TIMEOUT_S = 5.0

# Its errors reach us as exceptions, and are told by whoever they stop.
_library_log = logging.getLogger(f"{__name__}.library")
_library_log.setLevel(logging.CRITICAL)


class Publisher(Protocol):
    """A connection that stands. `lost` has an MqttError once it does no more."""

    lost: asyncio.Future[None]

    async def publish(
        self, topic: str, payload: bytes, retain: bool = False
    ) -> asyncio.Future[None]:
        """Send it, as soon as there is room among the unanswered. The future is done once the
        broker has it, and has an MqttError where it refused it or the connection was lost.

        Raises:
            MqttError: the connection is lost.
        """
        ...

    def hang_up(self, reason: str) -> None:
        """Give the connection up as lost."""
        ...


Connect = Callable[[], AbstractAsyncContextManager[Publisher]]


class Broker(aiomqtt.Client):
    """Enter it once. At most `in_flight_max` publishes are unanswered, or as many as the broker
    allows (MQTT 5.0 §3.2.2.3.3).

    The session is clean: we subscribe to nothing, and what is not answered comes again from the
    store. The client id is the same each time, so that the broker ends what it takes for our
    earlier connection, and the last will of that cannot come after what we say in the new one.
    """

    def __init__(
        self, config: Mqtt, client_id: str, will: Will, tls: ssl.SSLContext | None
    ) -> None:
        is_5 = config.version == 5
        super().__init__(
            config.host,
            config.port,
            username=config.username or None,
            password=config.password or None,
            logger=_library_log,
            identifier=client_id,
            protocol=ProtocolVersion.V5 if is_5 else ProtocolVersion.V311,
            will=will,
            clean_session=None if is_5 else True,
            timeout=CONNACK_TIMEOUT_S,
            keepalive=config.keepalive_s,
            max_inflight_messages=config.in_flight_max,
            tls_context=tls,
        )
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight_max = config.in_flight_max
        self._room = asyncio.Semaphore(config.in_flight_max)
        self._dialed = asyncio.Event()
        self._unanswered: dict[int, asyncio.Future[None]] = {}
        self._properties_5 = _properties() if is_5 else None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            MqttError: the broker cannot be reached, or does not want us.
        """
        entering = asyncio.ensure_future(super().__aenter__())
        entering.add_done_callback(lambda _: self._dialed.set())
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            # The thread that connects cannot be told to stop; it has seconds, so see its end.
            await self._dialed.wait()
            entering.cancel()
            self.hang_up("canceled")
            raise
        except BaseException as error:
            self.hang_up(str(error))
            raise
        finally:
            del entering  # It holds the error, and so would hold itself.
        self._disconnected.add_done_callback(self._on_disconnected)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with contextlib.suppress(MqttError):
                await super().__aexit__(kind, error, traceback)
        finally:
            self.hang_up("the connection was left")

    async def publish(  # type: ignore[override]
        self, topic: str, payload: bytes, retain: bool = False
    ) -> asyncio.Future[None]:
        await self._room.acquire()
        if self.lost.done():
            self._room.release()  # For the next who waits, to learn the same.
            self.lost.result()
        sent = self._client.publish(topic, payload, AT_LEAST_ONCE, retain, self._properties_5)
        if sent.rc != MQTT_ERR_SUCCESS:
            self._room.release()
            raise MqttCodeError(sent.rc, "could not publish")
        answered = self._unanswered[sent.mid] = asyncio.get_running_loop().create_future()
        return answered

    def hang_up(self, reason: str) -> None:
        _fail(self.lost, MqttError(reason))
        unanswered, self._unanswered = self._unanswered, {}
        for answered in unanswered.values():
            self._room.release()
            _fail(answered, MqttError(reason))
        # After some failures paho keeps the socket, and the loop would be told of it without end.
        self._client._sock_close()

    def _client_connect(self) -> None:
        """In a thread: the name, the connection, TLS."""
        try:
            super()._client_connect()
        finally:
            self._loop.call_soon_threadsafe(self._dialed.set)

    # What aiomqtt has paho call

    def _on_connect(
        self,
        client: PahoClient,
        userdata: Any,
        flags: ConnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        allowed = getattr(properties, "ReceiveMaximum", self._in_flight_max)
        self._room = asyncio.Semaphore(min(self._in_flight_max, allowed))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_publish(
        self,
        client: PahoClient,
        userdata: Any,
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,
    ) -> None:
        answered = self._unanswered.pop(mid)
        self._room.release()
        if reason_code.is_failure:
            _fail(answered, MqttCodeError(reason_code, "the broker refused it"))
        elif not answered.done():
            answered.set_result(None)

    def _on_disconnected(self, disconnected: asyncio.Future[None]) -> None:
        self.hang_up(str(disconnected.exception() or "the broker ended the connection"))


def _properties() -> Properties:
    """Those of each publish (MQTT 5.0 §3.3.2.3): UTF-8, and what it is."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.PayloadFormatIndicator = 1
    properties.ContentType = CONTENT_TYPE
    return properties


def _fail(future: asyncio.Future[None], error: MqttError) -> None:
    """End it with an error, which nobody need be there to hear."""
    if not future.done():
        future.set_exception(error)
        future.exception()
