"""What is counted of calls."""

from pathlib import Path

import pytest

from gateway.call import CallAttempt, CallDirection, CallStatus, Quality
from gateway.voice import call_meters
from gateway.voice.call_meters import OTHER, CallMeters, CallReadings, Sum
from gateway.voice.media_session import MediaReadings
from tests.store.call_builders import NOON, a_call, a_record, an_event, the_end
from tests.voice.record_world import a_world
from tests.voice.test_call_callbacks import Server, told_by


async def readings_of(meters: CallMeters, path: Path) -> CallReadings:
    async with a_world(path) as world, told_by(world, Server()) as callbacks:
        return meters.readings(world.records, callbacks, MediaReadings(calls_free=7))


async def test_a_call_counts_once_with_its_attempts(tmp_path: Path) -> None:
    meters = CallMeters()
    attempts = (
        CallAttempt("alpha/east", 503, "No", NOON),
        CallAttempt("beta/west", 200, "OK", NOON + 1, NOON + 3.5, NOON + 9),
    )
    meters.on_event(an_event())
    meters.on_event(an_event(number=2, status=CallStatus.RINGING))
    meters.on_event(the_end(a_record(attempts=attempts)))
    readings = await readings_of(meters, tmp_path)
    assert readings.counters["calls_begun"] == 1
    assert readings.ended == {("completed", "beta/west"): 1}
    assert readings.attempts == {("alpha/east", "5xx"): 1, ("beta/west", "2xx"): 1}
    assert readings.pdd == {"beta/west": Sum(1, 2.5)}
    assert readings.talk == {"beta/west": Sum(1, 15.0)}
    assert readings.mos == {"caller": Sum(1, 4.4), "called": Sum(1, 4.2)}


async def test_a_call_that_reached_no_trunk_counts_too(tmp_path: Path) -> None:
    meters = CallMeters()
    silent = a_record(
        status=CallStatus.FAILED,
        answered_at=0.0,
        attempts=(),
        caller_quality=Quality(),
        called_quality=Quality(),
    )
    meters.on_event(the_end(silent))
    readings = await readings_of(meters, tmp_path)
    assert readings.ended == {("failed", ""): 1}
    assert not readings.pdd
    assert not readings.talk
    assert not readings.mos


async def test_calls_of_which_one_side_is_not_heard_are_counted_by_its_trunk(
    tmp_path: Path,
) -> None:
    meters = CallMeters()
    attempts = (CallAttempt("beta/west", 200, "OK", NOON),)
    silent = Quality(packets=7, one_way=True)
    inbound = a_call(2, direction=CallDirection.INBOUND, source="alpha/east")
    meters.on_event(the_end(a_record(attempts=attempts, called_quality=silent)))
    meters.on_event(the_end(a_record(attempts=attempts, caller_quality=silent)))
    meters.on_event(the_end(a_record(inbound, attempts=attempts, caller_quality=silent)))
    readings = await readings_of(meters, tmp_path)
    assert readings.one_way == {
        ("beta/west", "called"): 1,
        ("", "caller"): 1,
        ("alpha/east", "caller"): 1,
    }


async def test_names_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_meters, "TRUNKS_MAX", 1)
    meters = CallMeters()
    for call_id, trunk in enumerate(("a/1", "b/1", "c/1", "a/1"), start=1):
        attempt = CallAttempt(trunk, 486, "Busy", NOON)
        meters.on_event(the_end(a_record(a_call(call_id), attempts=(attempt,))))
    readings = await readings_of(meters, tmp_path)
    assert readings.attempts == {("a/1", "4xx"): 2, (OTHER, "4xx"): 2}
