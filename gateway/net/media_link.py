"""The socket to a media worker. Each write wakes the worker, which costs more than what is asked:
so what nobody waits for goes out with what somebody does, or after a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

import msgspec

from media.worker.messages import (
    BATCH_MAX,
    Delete,
    Event,
    Frames,
    FrameTooLong,
    Reply,
    Request,
    answers,
    frame,
)

log = logging.getLogger(__name__)


# As long as the facts of calls gather for their commit.
GATHER_S = 0.02


class MediaLink(asyncio.Protocol):
    """`on_lost` is called once, when the worker has closed it or cannot be understood."""

    def __init__(
        self, on_messages: Callable[[list[Reply | Event]], None], on_lost: Callable[[], None]
    ) -> None:
        self._on_messages = on_messages
        self._on_lost = on_lost
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._asked: list[Request] = []
        self._flush_wanted = False
        self._timer: asyncio.TimerHandle | None = None

    def send(self, request: Request) -> None:
        """How many may be under way is the owner's to bound."""
        self._asked.append(request)
        if isinstance(request, Delete):
            if self._timer is None:
                self._timer = self._loop.call_later(GATHER_S, self._flush)
        elif not self._flush_wanted:
            self._flush_wanted = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_wanted = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        asked, self._asked = self._asked, []
        transport = self._transport
        if transport is None:
            return
        for at in range(0, len(asked), BATCH_MAX):
            transport.write(frame(asked[at : at + BATCH_MAX]))

    def close(self) -> None:
        """The worker ends when it sees that."""
        if self._transport is not None:
            self._transport.abort()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, octets: bytes) -> None:
        try:
            for one in self._frames.feed(octets):
                self._on_messages(answers.decode(one))
        except (FrameTooLong, msgspec.DecodeError):
            log.exception("media worker broke", extra={"cost": "worker"})
            self.close()

    def connection_lost(self, cause: Exception | None) -> None:
        self._transport = None
        self._on_lost()
