"""Events of the stream, a ledger that has them, and sinks that note what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.message import Message, Status
from gateway.store.interface import (
    Accepted,
    Cursor,
    Record,
    StreamEvent,
    StreamPage,
    StreamPosition,
    Transition,
)
from gateway.streams.sink import SinkFailed
from tests.messaging.ledger import Ledger
from tests.store.builders import NOON, a_message

SOURCE = "/test"


def a_clock() -> Clock:
    """The running loop's time, at noon when that is 0."""
    return Clock(asyncio.get_running_loop().time, NOON)


def an_event(message_id: int = 1, number: int = 0, **changes: Any) -> StreamEvent:
    """Number 0 is the acceptance; `changes` are those of the transition."""
    message = a_message(message_id)
    return StreamEvent(message, a_step(message_id, number, **changes) if number else None)


def a_step(message_id: int, number: int, **changes: Any) -> Transition:
    fields: dict[str, Any] = {"status": Status.SENT, "at": NOON + number}
    return Transition(message_id, number, **(fields | changes))


def a_page(*events: StreamEvent, batch: int = 1) -> StreamPage:
    return StreamPage(events, StreamPosition(0, batch))


def name(event: StreamEvent) -> tuple[int, int]:
    """(message id, number), which is what tells events apart."""
    return event.message.id, event.transition.number if event.transition else 0


class StreamLedger(Ledger):
    """A store with a stream, that can also be down for writes. Cursors make no batch."""

    def accepts(self, message_id: int, **changes: Any) -> Message:
        message = a_message(message_id, **changes)
        self.records.append(Accepted(message))
        return message

    def becomes(self, message_id: int, number: int, **changes: Any) -> None:
        self.records.append(a_step(message_id, number, **changes))

    def append(self, record: Record, on_commit: Callable[..., None] | None = None) -> None:
        if isinstance(record, Cursor):
            self.cursors.append(record)
        else:
            super().append(record, on_commit)

    def __init__(self) -> None:
        super().__init__()
        self.cursors: list[Cursor] = []

    async def read_stream(self, position: StreamPosition, limit: int) -> StreamPage:
        self.reads += 1
        await asyncio.sleep(0)
        if not self.readable:
            raise StoreError("the files cannot be read")
        events: list[StreamEvent] = []
        batch = position.batch
        while batch < len(self.records) and len(events) < limit:
            record = self.records[batch]
            if isinstance(record, Accepted):
                events.append(StreamEvent(record.message))
            elif isinstance(record, Transition) and not record.part:
                events.append(StreamEvent(a_message(record.message_id), record))
            batch += 1
        return StreamPage(tuple(events), StreamPosition(position.segment, batch))

    def load_cursors(self) -> dict[str, StreamPosition]:
        return {each.sink: StreamPosition(each.segment, each.batch) for each in self.cursors}

    @property
    def cursor(self) -> int:
        """The batch at which the last noted cursor stands."""
        return self.cursors[-1].batch if self.cursors else 0

    def names(self) -> list[tuple[int, int]]:
        """All events, in the order of their commits."""
        found = []
        for record in self.records:
            if isinstance(record, Accepted):
                found.append((record.message.id, 0))
            elif isinstance(record, Transition) and not record.part:
                found.append((record.message_id, record.number))
        return found


class NotingSink:
    """Takes pages, unless it is told to fail; `gate` makes it wait."""

    name = "noting"

    def __init__(self) -> None:
        self.failures = 0
        self.told: list[tuple[int, int]] = []
        self.pages: list[int] = []
        self.errors: list[Exception] = []
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def take(self, page: StreamPage) -> StreamPosition | None:
        await self.gate.wait()
        if self.errors:
            error = self.errors.pop(0)
            taken = error.taken if isinstance(error, SinkFailed) else 0
            self.told += map(name, page.events[:taken])
            raise error
        if self.down:
            raise SinkFailed("down")
        self.pages.append(len(page.events))
        self.told += map(name, page.events)
        return page.then

    async def close(self) -> StreamPosition | None:
        return None


@asynccontextmanager
async def running(run: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(run)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
