"""The event stream: every sink of the configuration, each with its own reader of the store."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from gateway.clock import Clock
from gateway.config.sections import Events, Mqtt
from gateway.events import StatusEvent
from gateway.store.interface import Store
from gateway.streams.archive_sink import ArchiveSink
from gateway.streams.archive_target import archive_target
from gateway.streams.call_stream import CallSink
from gateway.streams.segment_archive import SegmentArchive
from gateway.streams.sink import Sink
from gateway.streams.state_board import CLEARED, RAISED, StateBoard
from gateway.streams.stream_reader import OLDEST, StreamReader
from gateway.streams.tls import tls_context
from gateway.streams.topics import STATUS, Topics, last_will
from gateway.streams.webhook_sink import WebhookSink
from gateway.webhooks.client import WebhookClient

if TYPE_CHECKING:
    from gateway.streams.broker import Connect
    from gateway.streams.mqtt_sink import MqttSink

log = logging.getLogger(__name__)

TICK_S = 1.0


@dataclass(frozen=True, slots=True)
class SinkReadings:
    """How a sink does. `behind_s` is the age of the oldest event that it has not taken, `is_behind`
    whether its alarm is raised for that."""

    sink: str
    behind_s: float
    is_behind: bool
    events: int
    failures: int
    lost: int


def stream_wanted(config: Events) -> bool:
    """Whether the store must keep the stream: there is a sink for it."""
    return bool(config.mqtt.host or config.webhook.url or config.archive.target)


def segment_archive(config: Events, workshop: Path) -> SegmentArchive | None:
    """What is to be done with a segment before it is dropped, if anything.

    Raises:
        ConfigError: the target cannot be used.
    """
    if not (config.archive.target and config.archive.segments):
        return None
    return SegmentArchive(archive_target(config.archive, workshop))


class EventStreams:
    """Made on its event loop, and run by one task; nothing that goes wrong in it ends that task.

    `call_sinks` are those that take events of calls, by a `CallStream`. `node` tells gateways that
    share a broker apart. Archive files for a bucket are made in `workshop`. The board is there for
    whoever knows of binds and alarms to write on.
    """

    def __init__(
        self,
        config: Events,
        node: int,
        store: Store,
        clock: Clock,
        random: Random,
        workshop: Path,
    ) -> None:
        """Raises ConfigError where a sink cannot be made as configured."""
        self.board = StateBoard()
        self._clock = clock
        self._behind_alarm_s = config.behind_alarm_s
        self._mqtt: MqttSink | None = None
        self._client: WebhookClient | None = None
        sinks: list[Sink] = []
        call_sinks: list[CallSink] = []
        if config.mqtt.host:
            # A start without a broker is quicker without its client.
            from gateway.streams.mqtt_sink import MqttSink

            topics = Topics(config.mqtt.topic_prefix)
            connect = _connect(config.mqtt, topics, node)
            self._mqtt = MqttSink(connect, topics, config.source, self.board, clock, random)
            sinks.append(self._mqtt)
            call_sinks.append(self._mqtt)
        if config.webhook.url:
            timeout_s = config.webhook.timeout_s
            self._client = WebhookClient(allow_private=True, response_timeout_s=timeout_s)
            webhook = WebhookSink(config.webhook, config.source, self._client, clock)
            sinks.append(webhook)
            call_sinks.append(webhook)
        if config.archive.target:
            archive = config.archive
            target = archive_target(archive, workshop)
            sinks.append(ArchiveSink(store, target, clock, archive.file_s, archive.file_bytes))
        # The archive keeps messages only.
        self.call_sinks = tuple(call_sinks)
        cursors = store.load_cursors() if sinks else {}
        self._readers = [
            StreamReader(sink, store, cursors.get(sink.name, OLDEST), clock, random)
            for sink in sinks
        ]
        for reader in self._readers:
            self.board.set(_alarm_of(reader), CLEARED, clock.now())

    async def run(self) -> None:
        """Tell every sink until canceled."""
        async with contextlib.AsyncExitStack() as stack:
            if self._client:
                await stack.enter_async_context(self._client)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            if self._mqtt:
                tasks.create_task(self._mqtt.run(), name="event broker")
            for reader in self._readers:
                tasks.create_task(reader.run(), name=f"events to {reader.sink.name}")
            tasks.create_task(self._tick(), name="event alarms")

    async def close(self) -> None:
        """Let sinks keep what they have, and note how far they are; after `run`, before the store
        is closed. It takes seconds at most."""
        async with asyncio.TaskGroup() as tasks:
            for reader in self._readers:
                tasks.create_task(reader.close())

    def on_event(self, event: StatusEvent) -> None:
        """The store has something new."""
        for reader in self._readers:
            reader.wake()

    def readings(self) -> Sequence[SinkReadings]:
        now = self._clock.now()
        return [
            SinkReadings(
                reader.sink.name,
                reader.behind_s(now),
                self._is_raised(reader),
                reader.events,
                reader.failures,
                reader.lost,
            )
            for reader in self._readers
        ]

    def _is_raised(self, reader: StreamReader) -> bool:
        alarm = self.board.get(_alarm_of(reader))
        return alarm is not None and alarm.value == RAISED

    async def _tick(self) -> None:
        while True:
            for reader in self._readers:
                self._judge(reader)
            await asyncio.sleep(TICK_S)

    def _judge(self, reader: StreamReader) -> None:
        """Raise the alarm of a sink that is behind; clear it well below, so that it does not
        flicker."""
        now = self._clock.now()
        behind_s = reader.behind_s(now)
        facts = {"sink": reader.sink.name, "behind_s": round(behind_s)}
        if behind_s >= self._behind_alarm_s:
            detail = f"{reader.sink.name} is {round(behind_s)} s behind"
            if self.board.set(_alarm_of(reader), RAISED, now, detail):
                log.error("event sink is behind", extra=facts)
        elif behind_s <= self._behind_alarm_s / 2 and self.board.set(
            _alarm_of(reader), CLEARED, now
        ):
            log.info("event sink has caught up", extra=facts)


def _alarm_of(reader: StreamReader) -> str:
    return f"alarms/events_behind_{reader.sink.name}"


def _connect(config: Mqtt, topics: Topics, node: int) -> Connect:
    """How a broker is connected to.

    Raises:
        ConfigError: a file for TLS cannot be used.
    """
    from aiomqtt import Will

    from gateway.streams.broker import AT_LEAST_ONCE, Broker

    will = Will(topics.state(STATUS), last_will(), AT_LEAST_ONCE, retain=True)
    tls = tls_context(config) if config.tls else None
    # With a prefix of its own, each gateway at a broker has a client id of its own.
    client_id = config.client_id or f"{config.topic_prefix.replace('/', '-')}-{node}"
    return lambda: Broker(config, client_id, will, tls)
