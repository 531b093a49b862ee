"""The event stream of a call: who listens, and until when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.ingress.rest import web_call_events
from gateway.ingress.rest.web_call_events import WebCallEvents
from tests.e2e.patience import until
from tests.ingress.rest.builders import ACCOUNT_SID
from tests.ingress.rest.web_calls import Calling, told


class Listener:
    """`gone` is set when its connection is."""

    def __init__(self, calling: Calling) -> None:
        call = calling.agent.calls.find(ACCOUNT_SID, 1)
        assert call is not None
        self.call = call
        self.said = b""
        self.gone = asyncio.Event()
        events = WebCallEvents(calling.agent, call, calling.clock, 0)
        scope: Any = {}  # The path and the headers were read before it was made.
        self.task = asyncio.create_task(events(scope, self._receive, self._send))

    async def hears(self, word: bytes) -> None:
        async def heard() -> bytes:
            return self.said

        await until(heard, lambda said: word in said)

    async def _receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        self.said += message.get("body", b"")


async def a_call() -> Calling:
    calling = Calling()
    await calling.call()
    await calling.talks()
    return calling


async def test_stream_ends_with_the_call() -> None:
    calling = await a_call()
    listener = Listener(calling)
    await listener.hears(b"event: answer")
    await calling.hang_up()
    await listener.task
    assert told(listener.said.decode())[-1][1]["status"] == "completed"


async def test_listener_that_is_gone_does_not_listen_any_more() -> None:
    listener = Listener(await a_call())
    await listener.hears(b"event: answer")
    listener.gone.set()
    await listener.task
    assert listener.call.listener is None


async def test_second_listener_ends_the_stream_of_the_first() -> None:
    calling = await a_call()
    first = Listener(calling)
    await first.hears(b"event: answer")
    second = Listener(calling)
    await second.hears(b"event: answer")
    await first.task
    assert second.call.listener is not None
    second.gone.set()
    await second.task


async def test_it_is_said_again_and_again_how_the_call_sounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web_call_events, "QUALITY_S", 0.01)
    listener = Listener(await a_call())
    await listener.hears(b"event: quality\n")
    listener.gone.set()
    await listener.task
    (quality, *_) = [data for name, data in told(listener.said.decode()) if name == "quality"]
    assert quality["caller"] == {
        "packets": 90,
        "lost": 10,
        "loss": 0.1,
        "jitter_ms": 2.0,
        "rtt_ms": 50.0,
        "mos": 4.1,
        "one_way": False,
    }
    assert set(quality["called"].values()) == {0, None}
