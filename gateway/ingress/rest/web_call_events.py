"""The events of a call as a stream (WHATWG HTML §9.2, `text/event-stream`), for as long as the call
and the listener last. Each second it says how the call sounds, which keeps the connection alive.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import msgspec
from litestar.types import Receive, Scope, Send

from gateway.clock import Clock
from gateway.ingress.rest.web_call_json import event_of, quality_resource
from gateway.voice.web_agent import WebAgent
from gateway.voice.web_call import WebCall

QUALITY_S = 1.0
HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    # A proxy that gathers would hold the answer back (nginx).
    (b"x-accel-buffering", b"no"),
]

encode = msgspec.json.Encoder().encode


class WebCallEvents:
    """An ASGI application. `last` is the number of the event that the listener has heard last."""

    def __init__(self, agent: WebAgent, call: WebCall, clock: Clock, last: int) -> None:
        self._agent = agent
        self._call = call
        self._clock = clock
        self._last = last
        self._changed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listener = self._changed.set
        self._agent.calls.listen(self._call, listener)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            gone = asyncio.ensure_future(_disconnect(receive))
            told = asyncio.ensure_future(self._tell(send, listener))
            try:
                await asyncio.wait((gone, told), return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
                told.cancel()
                await asyncio.wait((gone, told))
            if not told.cancelled():
                told.result()
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._agent.calls.leave(self._call, listener, self._clock.now())
            self._agent.flush()

    async def _tell(self, send: Send, listener: object) -> None:
        """Until the call is over and that is told, or another listens."""
        call = self._call
        while call.listener is listener:
            self._changed.clear()
            octets = b""
            for number, event in call.after(self._last):
                octets += written(*event_of(event), number)
                self._last = number
            if octets:
                await _say(send, octets)
            if call.over:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(QUALITY_S):
                    await self._changed.wait()
                continue
            await _say(send, await self._quality())

    async def _quality(self) -> bytes:
        qualities = await self._agent.qualities(self._call)
        if qualities is None:
            return b": still there\n\n"
        return written("quality", encode(quality_resource(*qualities)))


def written(name: str, data: bytes, number: int = 0) -> bytes:
    """One event. JSON has no line ends, so its data is one line."""
    head = f"id: {number}\nevent: {name}\ndata: " if number else f"event: {name}\ndata: "
    return head.encode() + data + b"\n\n"


async def _say(send: Send, octets: bytes) -> None:
    await send({"type": "http.response.body", "body": octets, "more_body": True})


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
