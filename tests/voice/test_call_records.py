"""What is known of calls, and what is told on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.call import CallStatus, EndedBy
from gateway.store.call_file import (
    CallFilter,
)
from gateway.voice.call_records import HEARTBEAT_S, StandingCall
from tests.store.call_builders import (
    ACCOUNT,
    CALLED,
    NOON,
    OTHER_ACCOUNT,
    a_call,
    a_record,
    an_event,
    the_end,
)
from tests.voice.record_world import a_world

RINGING, IN_PROGRESS = CallStatus.RINGING, CallStatus.IN_PROGRESS


async def test_each_status_is_told_at_once_and_the_end_once_it_is_durable(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        events = [an_event(), an_event(number=2, status=RINGING), the_end()]
        for event in events:
            world.records.on_event(event)
        assert world.told == events[:2]
        await world.until_told(3)
        assert world.told == events
        assert await world.store.fetch(ACCOUNT, 1) == a_record()
        assert world.records.standing == 0


async def test_a_call_stands_until_its_record_is_durable(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        for number, status in enumerate((CallStatus.INITIATED, RINGING, IN_PROGRESS), start=1):
            world.records.on_event(an_event(number=number, status=status))
        at = a_call().started_at
        standing = StandingCall(a_call(), IN_PROGRESS, at + 2, at + 1, at + 2)
        assert await world.records.fetch(ACCOUNT, 1) == standing
        world.records.on_event(the_end())
        assert await world.records.page(ACCOUNT, CallFilter(), 10)
        await world.until_told(4)
        assert await world.records.fetch(ACCOUNT, 1) == a_record()


async def test_an_end_is_told_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        for event in (an_event(), the_end(), the_end(), an_event(number=2, status=RINGING)):
            world.records.on_event(event)
        await world.until_told(2)
        await world.store.close()
        assert [event.status for event in world.told] == ["initiated", "completed"]


async def test_a_call_that_was_refused_at_once_has_a_record(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        record = a_record(status=CallStatus.FAILED, answered_at=0.0, attempts=())
        world.records.on_event(the_end(record, 1))
        await world.until_told(1)
        assert await world.records.fetch(ACCOUNT, 1) == record


async def test_calls_of_others_are_not_found(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(an_event())
        assert await world.records.fetch(OTHER_ACCOUNT, 1) is None
        assert await world.records.page(OTHER_ACCOUNT, CallFilter(), 10) == []


async def test_standing_calls_and_records_are_one_list_newest_first(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        for call_id in (1, 2, 3, 4):
            world.records.on_event(an_event(a_call(call_id)))
        world.records.on_event(the_end(a_record(a_call(2))))
        world.records.on_event(the_end(a_record(a_call(4))))
        await world.until_told(6)
        found = await world.records.page(ACCOUNT, CallFilter(), 3)
        assert [each.call.id for each in found] == [4, 3, 2]
        rest = await world.records.page(ACCOUNT, CallFilter(), 3, before=2)
        assert [each.call.id for each in rest] == [1]


@pytest.mark.parametrize(
    ("where", "is_found"),
    [
        ({"called": CALLED, "status": CallStatus.INITIATED}, True),
        ({"called": "+15005550001"}, False),
        ({"caller": "+15005550001"}, False),
        ({"status": RINGING}, False),
        ({"started_since": NOON + 1, "started_until": NOON + 2}, True),
        ({"started_since": NOON + 2}, False),
        ({"ended_since": NOON}, False),
        ({"ended_until": NOON}, False),
    ],
)
async def test_filters_hold_for_calls_that_stand(
    tmp_path: Path, where: dict[str, Any], is_found: bool
) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(an_event())
        assert len(await world.records.page(ACCOUNT, CallFilter(**where), 10)) == is_found


async def test_a_call_that_was_cut_off_has_failed(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(an_event())
        world.records.on_event(an_event(number=2, status=RINGING))
    async with a_world(tmp_path) as again:
        again.records.begin()
        await again.until_told(1)
        event = again.told[0]
        assert (event.number, event.status, event.sip_status) == (3, CallStatus.FAILED, 0)
        assert event.record == await again.store.fetch(ACCOUNT, 1)
        assert event.record is not None
        assert (event.record.ended_by, event.record.duration_s) == (EndedBy.GATEWAY, 0.0)
        assert again.records.recovered == 1


async def test_an_answered_call_that_was_cut_off_lasted_until_we_were_last_seen(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, NOON + 100) as world:
        world.records.on_event(an_event())
        world.records.on_event(an_event(number=2, status=IN_PROGRESS, at=NOON + 90))
        running = asyncio.create_task(world.records.run())
        await asyncio.sleep(0)
        running.cancel()
    async with a_world(tmp_path) as again:
        again.records.begin()
        await again.until_told(1)
        record = again.told[0].record
        assert record is not None
        assert record.status is CallStatus.COMPLETED
        assert 10.0 <= record.duration_s < 10.0 + HEARTBEAT_S


async def test_a_call_that_was_cut_off_is_recorded_once(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(an_event())
    async with a_world(tmp_path) as again:
        again.records.begin()
        await again.until_told(1)
    async with a_world(tmp_path) as third:
        assert third.store.under_way == []


async def test_a_record_that_cannot_be_stored_is_told_and_counted(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        world.records.on_event(the_end(a_record(a_call(1 << 64)), 1))
        await world.until_told(1)
        assert (world.records.lost, world.records.standing) == (1, 0)
