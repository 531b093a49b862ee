"""Is the gateway well?"""

import pytest

from gateway.admin.health import ALARMS_SHOWN_MAX, health
from gateway.voice.call_meters import CallReadings
from routing.alarm import Alarm, AlarmKind
from tests.admin.builders import binds, busy_bind, readings


def test_a_gateway_that_takes_and_sends_is_ok() -> None:
    report = health(readings())
    assert (report.status, report.reasons) == ("ok", ())
    assert (report.version, report.uptime_s) == ("1.2.3", 3_600)
    assert (report.messages_open, report.segments_queued) == (4, 6)


def test_a_gateway_with_a_bind_down_is_degraded_and_names_it() -> None:
    report = health(readings(binds=binds(alpha=True, beta=False)))
    assert (report.status, report.reasons) == ("degraded", ("down: beta/1",))


def test_a_gateway_with_every_bind_down_is_failing() -> None:
    report = health(readings(binds=binds(alpha=False, beta=False)))
    assert (report.status, report.reasons) == ("failing", ("down: alpha/1, beta/1",))


def test_a_gateway_that_takes_nothing_is_failing() -> None:
    report = health(readings(accepting=False))
    assert (report.status, report.reasons) == ("failing", ("the store takes no messages",))


def test_a_gateway_that_reads_what_an_earlier_run_left_is_not_ready() -> None:
    report = health(readings(restored=False, accepting=False))
    assert report.status == "failing"
    assert report.reasons == ("the messages of an earlier run are being read",)


def test_all_reasons_are_told() -> None:
    report = health(readings(accepting=False, binds=binds(alpha=False)))
    assert report.reasons == ("the store takes no messages", "down: alpha/1")


def test_a_gateway_with_a_media_worker_down_is_degraded() -> None:
    report = health(readings(calls=CallReadings(gauges={"media_workers_down": 1})))
    assert (report.status, report.reasons) == ("degraded", ("media workers down: 1",))


def test_a_gateway_without_binds_has_none_down() -> None:
    assert health(readings(binds=(), gauges={})).status == "ok"


@pytest.mark.parametrize(("is_up", "state"), [(True, "up"), (False, "down")])
def test_a_bind_tells_whether_it_is_up(is_up: bool, state: str) -> None:
    (bind,) = health(readings(binds=binds(alpha=is_up))).binds
    assert (bind.bind, bind.state) == ("alpha/1", state)


def test_a_bind_tells_how_it_fares() -> None:
    (bind,) = health(readings(binds=busy_bind())).binds
    assert (bind.state, bind.window, bind.segments_per_second) == ("up", "1/10", 50.0)
    assert bind.latency_ms == 250.0


def an_alarm(kind: AlarmKind, since: float = 0.0) -> Alarm:
    return Alarm(kind, "alpha/1", "26201", "", since, since - 20, 41.6)


def test_a_route_that_a_person_must_act_on_is_named_and_changes_no_status() -> None:
    report = health(readings(alarms=(an_alarm(AlarmKind.GREY, 1_700_000_000.0),)))
    (alarm,) = report.alarms
    assert report.status == "ok"
    assert (alarm.kind, alarm.bind, alarm.network, alarm.lost) == ("grey", "alpha/1", "26201", 42)
    assert alarm.since == "2023-11-14T22:13:20.000Z"


@pytest.mark.parametrize("kind", [AlarmKind.THROTTLING, AlarmKind.LATENCY, AlarmKind.DOWN])
def test_what_the_router_deals_with_is_not_named(kind: AlarmKind) -> None:
    assert health(readings(alarms=(an_alarm(kind),))).alarms == ()


def test_the_newest_alarms_come_first_and_not_too_many_are_shown() -> None:
    standing = tuple(an_alarm(AlarmKind.GREY, float(second)) for second in range(200))
    shown = health(readings(alarms=standing)).alarms
    assert len(shown) == ALARMS_SHOWN_MAX
    assert shown[0].since == "1970-01-01T00:03:19.000Z"
