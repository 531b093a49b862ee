"""Reads the stream for one sink, page by page, and notes how far the sink has come.

An event is in memory only while its page is told. What waits, waits in the store: the reader knows
where, and is woken or looks again each second.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from random import Random

import msgspec

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.store.interface import Cursor, Store, StreamPage, StreamPosition
from gateway.streams.backoff import Backoff
from gateway.streams.cloud_event import time_of
from gateway.streams.sink import Sink, SinkFailed, SinkForgot

log = logging.getLogger(__name__)

# Events that are asked for at once; the last batch of a page may bring it a thousand more.
PAGE = 500
# Who has caught up lets events gather for so long, rather than read a commit at a time.
GATHER_S = 0.05
# An acceptance is told by nobody but the store.
POLL_S = 1.0
CURSOR_INTERVAL_S = 1.0

OLDEST = StreamPosition()


class StreamReader:
    """`position` is where the sink's cursor stands; a new sink begins with the oldest event."""

    def __init__(
        self, sink: Sink, store: Store, position: StreamPosition, clock: Clock, random: Random
    ) -> None:
        self.sink = sink
        self.events = 0
        self.lost = 0
        self._store = store
        self._clock = clock
        self._backoff = Backoff(random)
        self._failures = 0
        self._failing_since: float | None = None
        self._forgot = False
        self._position = position
        self._safe = position
        self._noted = position
        self._noted_at = clock.now()
        self._page: StreamPage | None = None
        self._wake = asyncio.Event()

    @property
    def failures(self) -> int:
        return self._failures + self.sink.failures

    def behind_s(self, now: float) -> float:
        """The age of the oldest event that the sink is known not to have taken, or since when
        nothing can be known; 0 where it has caught up."""
        since = [] if self._failing_since is None else [self._failing_since]
        if self._page and self._page.events:
            since.append(time_of(self._page.events[0]))
        return max(0.0, now - min(since)) if since else 0.0

    def wake(self) -> None:
        """There may be new events."""
        self._wake.set()

    async def run(self) -> None:
        """Tell the sink until canceled."""
        while True:
            self._wake.clear()
            try:
                page = await self._next_page()
                await self._tell(page)
            except (SinkFailed, StoreError) as error:
                await self._back_off(error)
            except SinkForgot as error:
                self._position, self._page = self._safe, None
                self._forgot = True
                await self._back_off(error)
            except Exception as error:
                # A defect here must not take the traffic with it.
                log.exception("event sink broke", extra={"sink": self.sink.name})
                await self._back_off(error)
            else:
                await self._rest(len(page.events))

    async def close(self) -> None:
        """Let the sink make safe what it has, and note how far that is."""
        self._advance(await self.sink.close())
        self._note()

    async def _next_page(self) -> StreamPage:
        """The page that is not taken yet, or a new one."""
        if self._page is None:
            page = await self._store.read_stream(self._position, PAGE)
            if page.lost and self._position != OLDEST:
                self.lost += 1
                log.error("events lost to a sink", extra={"sink": self.sink.name})
            self._page = page
        return self._page

    async def _tell(self, page: StreamPage) -> None:
        try:
            safe = await self.sink.take(page)
        except SinkFailed as error:
            self.events += error.taken
            self._page = msgspec.structs.replace(page, events=page.events[error.taken :])
            raise
        self.events += len(page.events)
        self._page = None
        self._position = page.then
        if self._advance(safe) or not self._forgot:
            # A sink that forgot has recovered once it is safe beyond what it forgot.
            self._forgot = False
            self._failing_since = None
            self._backoff.reset()
        if self._clock.now() >= self._noted_at + CURSOR_INTERVAL_S:
            self._note()

    async def _back_off(self, error: Exception) -> None:
        self._failures += 1
        if self._failing_since is None:
            self._failing_since = self._clock.now()
        delay_s = self._backoff.delay_s()
        facts = {"sink": self.sink.name, "reason": str(error), "delay_s": round(delay_s, 1)}
        log.warning("event sink failed", extra=facts)
        await asyncio.sleep(delay_s)

    async def _rest(self, events: int) -> None:
        """Go on at once while behind, soon while events come, later where none do."""
        if events >= PAGE:
            return
        if not events:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
        await asyncio.sleep(GATHER_S)

    def _advance(self, safe: StreamPosition | None) -> bool:
        """Whether the sink is safe further on."""
        if safe is None or safe == self._safe:
            return False
        self._safe = safe
        return True

    def _note(self) -> None:
        """Put the cursor where everything before it is safe. While the store is down it waits:
        the same events then come again, which is better than records without end."""
        if self._safe != self._noted and self._store.writable:
            now = self._clock.now()
            self._store.append(Cursor(self.sink.name, *self._safe, now))
            self._noted, self._noted_at = self._safe, now
