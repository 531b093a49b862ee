"""Events of calls on their way to the sinks."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from random import Random

import pytest

from gateway.call import CallEvent, CallStatus
from gateway.clock import call_sid
from gateway.store.call_facts import (
    CallEnded,
    CallStreamed,
)
from gateway.store.call_file import (
    CALLS_NAME,
    CallFile,
    CallPages,
)
from gateway.streams.backoff import Backoff
from gateway.streams.call_event import encode_call
from gateway.streams.call_stream import CallStream
from gateway.streams.sink import SinkFailed
from gateway.streams.topics import Topics
from gateway.voice.call_records import CallRecords
from tests.store.call_builders import ACCOUNT, CALLED, CALLER, a_call, a_record, an_event, the_end
from tests.voice.record_world import World, a_world


class Sink:
    """Takes events, but for so many times that it fails after the first."""

    name = "test"

    def __init__(self, failures: int = 0) -> None:
        self.events: list[CallEvent] = []
        self._failures = failures
        self._heard = asyncio.Event()

    async def tell_calls(self, events: Sequence[CallEvent]) -> None:
        if self._failures:
            self._failures -= 1
            self.events.append(events[0])
            self._heard.set()
            raise SinkFailed("full", taken=1)
        self.events += events
        self._heard.set()

    async def until_told(self, count: int) -> list[CallEvent]:
        while len(self.events) < count:
            self._heard.clear()
            await self._heard.wait()
        return self.events


@asynccontextmanager
async def streaming(world: World, sink: Sink) -> AsyncIterator[CallRecords]:
    records = CallRecords(world.store, world.clock, streamed=True)
    stream = CallStream(world.store, [sink], Random(1))
    records.subscribe(stream.on_event)
    task = asyncio.create_task(stream.run())
    try:
        yield records
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


EVENTS = [an_event(), an_event(number=2, status=CallStatus.RINGING), the_end(number=3)]


async def test_each_event_is_told_in_order(tmp_path: Path) -> None:
    sink = Sink()
    async with a_world(tmp_path) as world, streaming(world, sink) as records:
        for event in EVENTS:
            records.on_event(event)
        assert await sink.until_told(3) == EVENTS


async def test_what_a_sink_has_not_taken_it_is_told_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backoff, "delay_s", lambda self: 0.0)
    sink = Sink(failures=1)
    async with a_world(tmp_path) as world:
        for event in EVENTS[:2]:
            world.store.append(CallStreamed(event))
        world.store.append(CallEnded(a_record(), 3, streamed=EVENTS[2]))
        async with streaming(world, sink):
            assert await sink.until_told(3) == EVENTS


async def test_the_next_run_goes_on_where_the_last_one_was(tmp_path: Path) -> None:
    first, second = Sink(), Sink()
    async with a_world(tmp_path) as world, streaming(world, first) as records:
        records.on_event(the_end(number=1))
        await first.until_told(1)
        # Its cursor was appended in the same step.
    async with a_world(tmp_path) as again, streaming(again, second) as records:
        records.on_event(the_end(a_record(a_call(2)), 1))
        assert [event.call.id for event in await second.until_told(1)] == [2]


async def test_without_sinks_no_event_is_kept(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(the_end(number=1))
        await world.until_told(1)
        assert await world.store.stream(0, 10) == []


async def test_events_are_forgotten_with_the_records(tmp_path: Path) -> None:
    file = CallFile(tmp_path / CALLS_NAME, durable=False)
    file.open()
    file.write([CallStreamed(event) for event in EVENTS])
    file.purge(inf, 0)
    pages = CallPages(file.path)
    assert pages.stream(0, 10) == []
    pages.close()
    file.close()


def test_an_event_is_a_cloud_event() -> None:
    event = json.loads(encode_call(an_event(number=2, status=CallStatus.RINGING), "/test"))
    assert event == {
        "specversion": "1.0",
        "id": f"{call_sid(1)}-2",
        "source": "/test",
        "type": "org.supernet.call.ringing",
        "subject": call_sid(1),
        "time": "2026-01-02T03:04:07.000Z",
        "datacontenttype": "application/json",
        "data": {
            "account_sid": ACCOUNT,
            "from": CALLER,
            "to": CALLED,
            "direction": "outbound",
            "source": "trunk/pbx",
            "status": "ringing",
            "number": 2,
            "sip_status": None,
            "trunk": "",
            "started_at": "2026-01-02T03:04:06.000Z",
            "end": None,
        },
    }


def test_the_end_tells_what_the_record_has() -> None:
    end = json.loads(encode_call(the_end(), "/test"))["data"]["end"]
    assert (end["ended_by"], end["duration_s"]) == ("caller", 15.0)
    assert [attempt["trunk"] for attempt in end["attempts"]] == ["alpha/east"]
    assert end["called_quality"]["mos"] == 4.2


def test_a_call_has_a_topic_of_its_account() -> None:
    assert Topics("edge").call(an_event()) == f"edge/accounts/{ACCOUNT}/calls/initiated"
