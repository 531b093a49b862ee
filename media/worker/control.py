"""The socket to the signalling: requests are read, answered in one write, and events are told in
batches. When it closes, nobody needs this worker any more."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any, cast

import msgspec

from media.worker.messages import (
    BATCH_MAX,
    Event,
    Fault,
    Frames,
    FrameTooLong,
    Refused,
    Reply,
    Request,
    frame,
    requests,
)
from media.worker.service import Service

# How often the signalling hears how all calls are, which it needs should this worker die.
REPORT_S = 5.0
# Told while the signalling does not read; more are not kept, since events repeat themselves.
EVENTS_MAX = 1_024
FAULTS_PER_REPORT_MAX = 10


class Control(asyncio.Protocol):
    """`closed` is set when the signalling has gone, or what it says cannot be read; the calls of
    `service` are closed then."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()
        self.service = Service(self._tell)
        self._loop = asyncio.get_running_loop()
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None
        self._told: list[Reply | Event] = []
        self._flush_wanted = False
        self._writable = True
        self._faults = 0
        self._loop.set_exception_handler(self._on_loop_fault)
        self._report_timer = self._loop.call_later(REPORT_S, self._report)

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, octets: bytes) -> None:
        try:
            for one in self._frames.feed(octets):
                for request in requests.decode(one):
                    self._handle(request)
        except (FrameTooLong, msgspec.DecodeError):
            self.closed.set()
            return
        self._flush()

    def connection_lost(self, cause: Exception | None) -> None:
        self._transport = None
        self._report_timer.cancel()
        self.service.close()
        self.closed.set()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._flush()

    # Out

    def _handle(self, request: Request) -> None:
        try:
            reply = self.service.handle(request)
        except Exception:
            self._fault(traceback.format_exc())
            reply = Refused(request.number, 500, "a fault of the media worker")
        if reply is not None:
            self._told.append(reply)

    def _tell(self, told: Reply | Event) -> None:
        if len(self._told) < EVENTS_MAX or not isinstance(told, Event):
            self._told.append(told)
            if not self._flush_wanted:
                self._flush_wanted = True
                self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_wanted = False
        transport = self._transport
        if transport is None or not self._told or not self._writable:
            return
        told, self._told = self._told, []
        for at in range(0, len(told), BATCH_MAX):
            transport.write(frame(told[at : at + BATCH_MAX]))

    def _report(self) -> None:
        self._report_timer = self._loop.call_later(REPORT_S, self._report)
        self._faults = 0
        if self._writable:
            for report in self.service.reports():
                self._tell(report)

    # Faults of ours

    def _fault(self, text: str) -> None:
        self._faults += 1
        if self._faults <= FAULTS_PER_REPORT_MAX:
            self._tell(Fault(text))

    def _on_loop_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        told = "".join(traceback.format_exception(error)) if error else context["message"]
        self._fault(told)
