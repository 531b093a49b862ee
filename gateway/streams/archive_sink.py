"""Writes down the messages that did not get through, file by file.

The cursor stands where the last kept file ends. What a file holds that is not kept yet is lost with
a crash, and comes again: the file is then written anew, under the same name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from gateway.clock import Clock, message_sid
from gateway.message import Status
from gateway.store.interface import Store, StoredMessage, StreamEvent, StreamPage, StreamPosition
from gateway.streams.archive_file import ArchiveFile, file_name
from gateway.streams.archive_record import archive_line
from gateway.streams.archive_target import ArchiveError, ArchiveTarget
from gateway.streams.cloud_event import time_of
from gateway.streams.sink import SinkFailed, SinkForgot

log = logging.getLogger(__name__)

T = TypeVar("T")

# What expired is failed, with the error code that says so.
NOT_DELIVERED = frozenset({Status.FAILED, Status.UNDELIVERED})
UNFINISHED = ".messages.partial"
CLOSE_TIMEOUT_S = 10.0


class _OpenFile(NamedTuple):
    file: ArchiveFile
    name: str
    opened_at: float


class ArchiveSink:
    """One file at a time, closed after `file_s` seconds or `file_bytes` octets. A file that the
    target does not take stays where it was made, and nothing more is taken until it does.
    """

    name = "archive"
    failures = 0

    def __init__(
        self, store: Store, target: ArchiveTarget, clock: Clock, file_s: float, file_bytes: int
    ) -> None:
        self._store = store
        self._target = target
        self._clock = clock
        self._file_s = file_s
        self._file_bytes = file_bytes
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._open: _OpenFile | None = None
        self._finished: _OpenFile | None = None
        self._taken: StreamPosition | None = None
        self._safe: StreamPosition | None = None

    async def take(self, page: StreamPage) -> StreamPosition | None:
        await self._keep_finished()
        found = [event for event in page.events if _not_delivered(event)]
        messages = await self._read(found)
        self._taken = page.then
        size = await self._write(found[0], messages) if messages else 0
        opened = self._open
        if opened and (
            size >= self._file_bytes or self._clock.now() >= opened.opened_at + self._file_s
        ):
            await self._finish(opened)
        elif not opened:
            self._safe = page.then
        return self._safe

    async def close(self) -> StreamPosition | None:
        """Keep the file that is open, if that can be done soon."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if self._open:
                    await self._finish(self._open)
                await self._keep_finished()
        except (SinkFailed, SinkForgot, TimeoutError) as error:
            log.warning("archive file not kept", extra={"reason": str(error)})
        self._thread.shutdown(wait=False)
        return self._safe

    async def _read(self, events: list[StreamEvent]) -> list[StoredMessage]:
        """The messages with their history; what a customer has had deleted is not written down."""
        found = [
            await self._store.fetch(event.message.account_sid, event.message.id) for event in events
        ]
        return [stored for stored in found if stored is not None]

    async def _write(self, first: StreamEvent, messages: list[StoredMessage]) -> int:
        """Add messages to the open file, or to a new one; how long it is now."""
        try:
            if self._open is None:
                file = await self._blocking(
                    partial(ArchiveFile, self._target.workshop / UNFINISHED)
                )
                name = file_name("messages", time_of(first), message_sid(first.message.id))
                self._open = _OpenFile(file, name, self._clock.now())
            return await self._blocking(partial(_add, self._open.file, messages))
        except OSError as error:
            self._forget()
            raise SinkForgot(str(error)) from None

    async def _finish(self, opened: _OpenFile) -> None:
        try:
            await self._blocking(opened.file.finish)
        except OSError as error:
            self._forget()
            raise SinkForgot(str(error)) from None
        self._open, self._finished = None, opened

    async def _keep_finished(self) -> None:
        if self._finished is None:
            return
        file, name, _ = self._finished
        try:
            await self._blocking(partial(self._target.put, file.path, name))
        except ArchiveError as error:
            raise SinkFailed(str(error)) from None
        log.info("archive file kept", extra={"file": name})
        self._finished, self._safe = None, self._taken

    def _forget(self) -> None:
        """The open file is of no use, and so is what it has taken."""
        if self._open:
            self._open.file.abandon()
            self._open = None

    async def _blocking(self, call: Callable[[], T]) -> T:
        """Have the thread do it. What was begun is done, even if nobody waits for it any more: the
        next call comes after it."""
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, call))


def _add(file: ArchiveFile, messages: list[StoredMessage]) -> int:
    return file.write(b"".join(map(archive_line, messages)))


def _not_delivered(event: StreamEvent) -> bool:
    return event.transition is not None and event.transition.status in NOT_DELIVERED
