"""The metrics of calls."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.admin.metric_family import family, summary
from gateway.voice.call_meters import CallReadings


def call_families(calls: CallReadings) -> Iterator[str]:
    for name, value in calls.gauges.items():
        yield from family(name, "gauge", name.replace("_", " "), [({}, value)])
    for name, value in calls.counters.items():
        yield from family(f"{name}_total", "counter", name.replace("_", " "), [({}, value)])
    yield from family(
        "calls_ended_total",
        "counter",
        "Calls that are over.",
        [({"status": status, "trunk": trunk}, n) for (status, trunk), n in calls.ended.items()],
    )
    yield from family(
        "call_attempts_total",
        "counter",
        "Tries at trunks by the class of their SIP status.",
        [({"trunk": trunk, "class": kind}, n) for (trunk, kind), n in calls.attempts.items()],
    )
    yield from family(
        "calls_one_way_total",
        "counter",
        "Calls at whose end one side was not heard.",
        [({"trunk": trunk, "silent": side}, n) for (trunk, side), n in calls.one_way.items()],
    )
    yield from summary("call_pdd_seconds", "From INVITE to ringing.", "trunk", calls.pdd)
    yield from summary("call_talk_seconds", "From the answer to the end.", "trunk", calls.talk)
    yield from summary("call_mos", "Of whole calls, by who spoke (ITU-T G.107).", "side", calls.mos)
