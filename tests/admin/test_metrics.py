"""The readings for Prometheus."""

import re

import pytest

from gateway.admin.metrics import BACKLOGS_SHOWN_MAX, metrics
from gateway.admin.readings import Backlog
from gateway.voice.call_meters import CallReadings, Sum
from routing.alarm import Alarm, AlarmKind
from tests.admin.builders import busy_bind, readings

# Text format 0.0.4: a comment, or a sample.
LINE = re.compile(
    r"# (?:HELP|TYPE) [a-z_]+ .+|"
    r'(?P<name>[a-z_]+)(?P<labels>\{(?:[a-z]+="(?:[^"\\\n]|\\.)*",?)+\})? (?P<value>[0-9.e+-]+)'
)


def samples(text: str) -> dict[str, float]:
    """By name and labels."""
    found = {}
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        if match["name"]:
            found[match["name"] + (match["labels"] or "")] = float(match["value"])
    return found


def test_every_line_has_the_form_of_the_format() -> None:
    text = metrics(readings(binds=busy_bind()))
    assert text.endswith("\n")
    assert len(samples(text)) > 20


def test_every_family_has_its_help_and_type_once() -> None:
    text = metrics(readings())
    kinds = re.findall(r"# TYPE (\S+) (\S+)", text)
    assert len(dict(kinds)) == len(kinds) == len(re.findall("# HELP", text))
    assert {kind for _, kind in kinds} == {"gauge", "counter"}


def test_counters_end_with_total() -> None:
    for name, kind in re.findall(r"# TYPE (\S+) (\S+)", metrics(readings())):
        assert (kind == "counter") is name.endswith("_total")


@pytest.mark.parametrize(
    ("sample", "value"),
    [
        ("supernet_uptime_seconds", 3_600.9),
        ("supernet_accepting", 1),
        ("supernet_messages_open", 4),
        ("supernet_messages_accepted_total", 7),
        ('supernet_message_status_total{status="sent"}', 3),
        ('supernet_message_error_total{code="30005"}', 1),
        ('supernet_queue_segments{account="AC1",sender="55501"}', 5),
        ('supernet_bind_up{bind="alpha/1"}', 1),
        ('supernet_bind_window_used{bind="alpha/1"}', 1),
        ('supernet_bind_rate{bind="alpha/1"}', 50),
        ('supernet_bind_latency_seconds{bind="alpha/1"}', 0.25),
        ('supernet_bind_submitted_total{bind="alpha/1"}', 2),
        ('supernet_bind_drops_total{bind="alpha/1"}', 0),
        ('supernet_bind_results_total{bind="alpha/1",outcome="ok"}', 1),
    ],
)
def test_a_reading_is_told(sample: str, value: float) -> None:
    assert samples(metrics(readings(binds=busy_bind())))[sample] == pytest.approx(value)


def test_a_gateway_that_takes_nothing_tells_so() -> None:
    assert samples(metrics(readings(accepting=False)))["supernet_accepting"] == 0


def test_large_counters_are_exact() -> None:
    """A rate over them would else be made of steps."""
    text = metrics(readings(counters={"messages_accepted": 123_456_789}))
    assert "supernet_messages_accepted_total 123456789" in text.splitlines()


def test_only_the_deepest_queues_are_told_one_by_one() -> None:
    backlogs = tuple(
        Backlog("AC1", f"sender {depth}", 1, depth) for depth in range(BACKLOGS_SHOWN_MAX + 50)
    )
    told = [
        value
        for name, value in samples(metrics(readings(backlogs=backlogs))).items()
        if name.startswith("supernet_queue_segments")
    ]
    assert told == [float(depth) for depth in range(BACKLOGS_SHOWN_MAX + 49, 49, -1)]


def test_labels_cannot_break_out() -> None:
    hostile = Backlog("AC1", 'a"b\\c\nd', 1, 1)
    text = metrics(readings(backlogs=(hostile,)))
    assert 'sender="a\\"b\\\\c\\nd"' in text
    samples(text)


def test_alarms_of_routes_are_counted_by_kind() -> None:
    standing = (Alarm(AlarmKind.GREY, "alpha/1", "26201", "", 0.0, 0.0, 5.0),)
    raised = {AlarmKind.GREY: 3, AlarmKind.DOWN: 0}
    found = samples(metrics(readings(alarms=standing, alarms_raised=raised)))
    assert found['supernet_route_alarms{kind="grey"}'] == 1
    assert found['supernet_route_alarms{kind="down"}'] == 0
    assert found['supernet_route_alarms_raised_total{kind="grey"}'] == 3


def test_calls_are_counted() -> None:
    calls = CallReadings(
        ended={("busy", "alpha/east"): 2},
        attempts={("alpha/east", "4xx"): 3},
        pdd={"alpha/east": Sum(2, 3.5)},
        mos={"caller": Sum(1, 4.25)},
        counters={"calls_begun": 5},
        gauges={"calls_standing": 1},
    )
    found = samples(metrics(readings(calls=calls)))
    assert found['supernet_calls_ended_total{status="busy",trunk="alpha/east"}'] == 2
    assert found['supernet_call_attempts_total{trunk="alpha/east",class="4xx"}'] == 3
    assert found['supernet_call_pdd_seconds_sum{trunk="alpha/east"}'] == 3.5
    assert found['supernet_call_pdd_seconds_count{trunk="alpha/east"}'] == 2
    assert found['supernet_call_mos_sum{side="caller"}'] == 4.25
    assert (found["supernet_calls_begun_total"], found["supernet_calls_standing"]) == (5, 1)


def test_without_calls_nothing_is_told_of_them() -> None:
    assert not [name for name in samples(metrics(readings())) if "call" in name]
