"""Publishes the events, and what holds at this moment, to an MQTT broker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from random import Random

from aiomqtt import MqttError

from gateway.call import CallEvent
from gateway.clock import Clock
from gateway.store.interface import StreamPage, StreamPosition
from gateway.streams.backoff import Backoff
from gateway.streams.broker import Connect, Publisher
from gateway.streams.call_event import encode_call
from gateway.streams.cloud_event import encode
from gateway.streams.sink import SinkFailed
from gateway.streams.state_board import OFFLINE, ONLINE, State, StateBoard
from gateway.streams.topics import STATUS, Topics, state_json

log = logging.getLogger(__name__)

PUBACK_TIMEOUT_S = 30.0
NO_PUBACK = f"no PUBACK within {PUBACK_TIMEOUT_S:g} s"
FAREWELL_S = 2.0
# After so many publishes others have their turn: each takes some 40 us.
BREATH = 16
# A connection that has stood for so long was worth having: the next attempt comes soon.
STABLE_AFTER_S = 60.0


class MqttSink:
    """Connected while `run` runs; comes back by itself. Nothing is ever subscribed to."""

    name = "mqtt"

    def __init__(
        self,
        connect: Connect,
        topics: Topics,
        source: str,
        board: StateBoard,
        clock: Clock,
        random: Random,
    ) -> None:
        self.failures = 0
        self._connect = connect
        self._topics = topics
        self._source = source
        self._board = board
        self._clock = clock
        self._backoff = Backoff(random)
        self._broker: Publisher | None = None
        self._connected = asyncio.Event()
        self._changed = asyncio.Event()
        board.on_change = self._changed.set

    async def run(self) -> None:
        """Be connected until canceled, then say that we go."""
        while True:
            connected_at: float | None = None
            reason = ""
            try:
                async with self._connect() as broker:
                    connected_at = self._clock.now()
                    log.info("event broker connected")
                    await self._serve(broker)
            except MqttError as error:
                reason = str(error)
            except Exception:
                # A defect here must not take the traffic with it.
                log.exception("event broker broke")
                reason = "an error of ours"
            if connected_at is not None and self._clock.now() - connected_at >= STABLE_AFTER_S:
                self._backoff.reset()
            self.failures += 1
            delay_s = self._backoff.delay_s()
            facts = {"reason": reason, "delay_s": round(delay_s, 1)}
            if connected_at is None:
                log.warning("event broker not reached", extra=facts)
            else:
                log.warning("event broker lost", extra=facts)
            await asyncio.sleep(delay_s)

    async def take(self, page: StreamPage) -> StreamPosition | None:
        """Publish the events in their order, many of them before the first is answered. Only
        those before the first failure count as taken.
        """
        if page.events:
            await self._publish(
                (self._topics.message(event), encode(event, self._source)) for event in page.events
            )
        return page.then

    async def tell_calls(self, events: Sequence[CallEvent]) -> None:
        """The same for events of calls.

        Raises:
            SinkFailed: as by `take`.
        """
        await self._publish(
            (self._topics.call(event), encode_call(event, self._source)) for event in events
        )

    async def _publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish payloads to their topics, and wait for all answers.

        Raises:
            SinkFailed: not all were taken.
        """
        # Who is connected may be gone again by the time that we are called.
        while (broker := self._broker) is None:
            await self._connected.wait()
        now = asyncio.get_running_loop().time
        unanswered: deque[asyncio.Future[None]] = deque()
        taken = 0
        try:
            async with asyncio.timeout(PUBACK_TIMEOUT_S) as patience:
                for number, (topic, payload) in enumerate(messages, start=1):
                    unanswered.append(await broker.publish(topic, payload))
                    if number % BREATH == 0:
                        await asyncio.sleep(0)
                    while unanswered and unanswered[0].done():
                        unanswered.popleft().result()
                        taken += 1
                        patience.reschedule(now() + PUBACK_TIMEOUT_S)
                while unanswered:
                    await unanswered.popleft()
                    taken += 1
                    patience.reschedule(now() + PUBACK_TIMEOUT_S)
        except MqttError as error:
            raise SinkFailed(str(error), taken) from None
        except TimeoutError:
            broker.hang_up(NO_PUBACK)
            raise SinkFailed(NO_PUBACK, taken) from None

    async def close(self) -> StreamPosition | None:
        return None

    async def _serve(self, broker: Publisher) -> None:
        """Tell all states, then each that changes, and let events through, until it is lost.

        Raises:
            MqttError: it is lost.
        """
        broker.lost.add_done_callback(lambda _: self._changed.set())
        try:
            await self._tell_status(broker, ONLINE)
            version = await self._tell_states(broker, 0)
            self._broker = broker
            self._connected.set()
            while True:
                await self._changed.wait()
                self._changed.clear()
                if broker.lost.done():
                    broker.lost.result()
                version = await self._tell_states(broker, version)
        except asyncio.CancelledError:
            # We leave in good order, so the broker will not tell our last will.
            with contextlib.suppress(MqttError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._tell_status(broker, OFFLINE, "stopped")
            raise
        finally:
            self._connected.clear()
            self._broker = None

    async def _tell_status(self, broker: Publisher, value: str, detail: str = "") -> None:
        await self._tell([State(STATUS, value, self._clock.now(), detail, 0)], broker)

    async def _tell_states(self, broker: Publisher, version: int) -> int:
        """Tell the states that are newer than a version; the version that is told then."""
        states = self._board.changed_since(version)
        await self._tell(states, broker)
        return states[-1].version if states else version

    async def _tell(self, states: list[State], broker: Publisher) -> None:
        """Publish states, and wait for all answers.

        Raises:
            MqttError: the broker is lost, refuses one, or gives no answer.
        """
        try:
            async with asyncio.timeout(PUBACK_TIMEOUT_S):
                unanswered = [
                    await broker.publish(self._topics.state(state.topic), state_json(state), True)
                    for state in states
                ]
                for answered in unanswered:
                    await answered
        except TimeoutError:
            raise MqttError(NO_PUBACK) from None
