"""Reads the pages of queues from the store, a few at a time, in the order in which they are wanted.

A page that cannot be read is tried again after READ_AGAIN_S, behind those of others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from gateway.errors import StoreError
from gateway.message import Message
from gateway.messaging.lane import Lane
from gateway.messaging.queue_tail import Positions

log = logging.getLogger(__name__)

READS_MAX = 4
READ_AGAIN_S = 1.0

ReadMessages = Callable[[Sequence[int]], Awaitable[Sequence[Message]]]
NextPage = Callable[[Lane], Positions | None]
OnPage = Callable[[Lane, Positions, Sequence[Message]], None]


class Paging:
    """Each lane is wanted once at most, so that is the bound of those who wait."""

    def __init__(self, read_messages: ReadMessages) -> None:
        self._read_messages = read_messages
        self._wanted: asyncio.Queue[Lane] = asyncio.Queue()
        self._failing = False

    def want(self, lane: Lane) -> None:
        """The next page of the lane is to be read; not again before it has been."""
        self._wanted.put_nowait(lane)

    async def run(self, next_page: NextPage, on_page: OnPage) -> None:
        """Read until canceled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(READS_MAX):
                tasks.create_task(self._read(next_page, on_page), name=f"queue pages {number}")

    async def _read(self, next_page: NextPage, on_page: OnPage) -> None:
        while True:
            lane = await self._wanted.get()
            page = next_page(lane)
            if page is None:
                continue
            try:
                messages = await self._read_messages(page.ids.tolist())
            except StoreError as error:
                self._failed(lane, error)
            else:
                self._succeeded()
                on_page(lane, page, messages)

    def _failed(self, lane: Lane, error: StoreError) -> None:
        if not self._failing:
            self._failing = True
            log.error("queued messages cannot be read", extra={"cause": str(error)})
        asyncio.get_running_loop().call_later(READ_AGAIN_S, self.want, lane)

    def _succeeded(self) -> None:
        if self._failing:
            self._failing = False
            log.info("queued messages are read again")
