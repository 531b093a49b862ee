"""Tells the events of calls to the sinks, at least once and in their order, each at its own pace.

The events wait in the store, and so does how far each sink has come; in memory is one page.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from random import Random
from typing import Protocol

from gateway.call import CallEvent
from gateway.errors import StoreError
from gateway.store.call_facts import (
    CallCursor,
)
from gateway.store.call_store import CallStore
from gateway.streams.backoff import Backoff
from gateway.streams.sink import SinkFailed

log = logging.getLogger(__name__)

PAGE = 200
# An event is told by `on_event` before it is committed, so it may be missed then.
POLL_S = 1.0


class CallSink(Protocol):
    """What takes the events. `name` is that of its cursor."""

    name: str

    async def tell_calls(self, events: Sequence[CallEvent]) -> None:
        """
        Raises:
            SinkFailed: it is to be told the rest again.
        """
        ...


class CallStream:
    """Subscribe `on_event` to the records, which keep the events (`streamed`) if there are sinks;
    run by one task. What is older than the records that are kept is lost to a sink."""

    def __init__(self, store: CallStore, sinks: Sequence[CallSink], random: Random) -> None:
        self._readers = [_Reader(store, sink, random) for sink in sinks]

    @property
    def events(self) -> int:
        """Taken by sinks, one event by each."""
        return sum(reader.events for reader in self._readers)

    def on_event(self, event: CallEvent) -> None:
        """There is, or will be in a moment, something new."""
        for reader in self._readers:
            reader.wake.set()

    async def run(self) -> None:
        """Tell every sink until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for reader in self._readers:
                tasks.create_task(reader.run(), name=f"calls to {reader.sink.name}")


class _Reader:
    def __init__(self, store: CallStore, sink: CallSink, random: Random) -> None:
        self.sink = sink
        self.events = 0
        self.wake = asyncio.Event()
        self._store = store
        self._backoff = Backoff(random)
        # The number of the next event; 0 is the oldest there is.
        self._position = store.cursors.get(sink.name, 0)

    async def run(self) -> None:
        while True:
            self.wake.clear()
            try:
                has_more = await self._tell()
            except (SinkFailed, StoreError) as error:
                await self._back_off(str(error))
            except Exception:
                # A defect here must not take the traffic with it.
                log.exception("event sink broke", extra={"sink": self.sink.name})
                await self._back_off("an error of ours")
            else:
                self._backoff.reset()
                if not has_more:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_S):
                            await self.wake.wait()

    async def _tell(self) -> bool:
        """Tell a page; whether there may be more."""
        rows = await self._store.stream(self._position, PAGE)
        if not rows:
            return False
        if 0 < self._position < rows[0][0]:
            log.error("events lost to a sink", extra={"sink": self.sink.name})
        try:
            await self.sink.tell_calls([event for _, event in rows])
        except SinkFailed as error:
            if error.taken:
                self._advance(rows[error.taken - 1][0] + 1, error.taken)
            raise
        self._advance(rows[-1][0] + 1, len(rows))
        return len(rows) == PAGE

    def _advance(self, position: int, taken: int) -> None:
        self._position = position
        self.events += taken
        self._store.append(CallCursor(self.sink.name, position))

    async def _back_off(self, reason: str) -> None:
        delay_s = self._backoff.delay_s()
        facts = {"sink": self.sink.name, "reason": reason, "delay_s": round(delay_s, 1)}
        log.warning("event sink failed", extra=facts)
        await asyncio.sleep(delay_s)
