"""`GET /metrics`: the readings in Prometheus's text format, version 0.0.4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gateway.admin.call_metrics import call_families
from gateway.admin.metric_family import family
from gateway.admin.readings import Readings

# Of UTF-8, which the web framework adds.
MEDIA_TYPE = "text/plain; version=0.0.4"
# Senders shown one by one; the others are in the totals.
BACKLOGS_SHOWN_MAX = 100


def metrics(readings: Readings) -> str:
    return "\n".join(_lines(readings)) + "\n"


def _lines(readings: Readings) -> Iterator[str]:
    yield from family("uptime_seconds", "gauge", "Since the start.", [({}, readings.uptime_s)])
    yield from family(
        "accepting", "gauge", "1 while messages are taken.", [({}, float(readings.accepting))]
    )
    for name, value in readings.gauges.items():
        yield from family(name, "gauge", name.replace("_", " "), [({}, value)])
    for name, value in readings.counters.items():
        yield from family(f"{name}_total", "counter", name.replace("_", " "), [({}, value)])
    yield from family(
        "message_status_total",
        "counter",
        "Messages that reached a status.",
        [({"status": status}, count) for status, count in readings.statuses.items()],
    )
    yield from family(
        "message_error_total",
        "counter",
        "Messages that ended with an error code.",
        [({"code": str(code)}, count) for code, count in readings.error_codes.items()],
    )
    deepest = sorted(readings.backlogs, key=lambda backlog: -backlog.segments)
    yield from family(
        "queue_segments",
        "gauge",
        f"Segments that wait, of the {BACKLOGS_SHOWN_MAX} deepest queues.",
        [
            ({"account": backlog.account, "sender": backlog.sender}, backlog.segments)
            for backlog in deepest[:BACKLOGS_SHOWN_MAX]
        ],
    )
    standing = Counter(alarm.kind for alarm in readings.alarms)
    yield from family(
        "route_alarms",
        "gauge",
        "Alarms of routes that stand.",
        [({"kind": kind.value}, standing[kind]) for kind in readings.alarms_raised],
    )
    yield from family(
        "route_alarms_raised_total",
        "counter",
        "Alarms of routes that were raised.",
        [({"kind": kind.value}, count) for kind, count in readings.alarms_raised.items()],
    )
    sinks = readings.sinks
    for name, kind, text, samples in (
        ("event_sink_behind_seconds", "gauge", "Age.", [sink.behind_s for sink in sinks]),
        ("event_sink_events_total", "counter", "Taken.", [sink.events for sink in sinks]),
        ("event_sink_failures_total", "counter", "Attempts.", [sink.failures for sink in sinks]),
        ("event_sink_lost_total", "counter", "Pages dropped.", [sink.lost for sink in sinks]),
    ):
        if sinks:
            yield from family(
                name,
                kind,
                text,
                [({"sink": sink.sink}, value) for sink, value in zip(sinks, samples, strict=True)],
            )
    binds = readings.binds
    for name, kind, text, samples in (
        ("bind_up", "gauge", "1 while bound.", [float(bind.up) for bind in binds]),
        ("bind_drops_total", "counter", "Binds lost.", [bind.drops for bind in binds]),
        ("bind_window_used", "gauge", "Unanswered.", [bind.window_used for bind in binds]),
        ("bind_rate", "gauge", "Segments a second allowed now.", [bind.tps for bind in binds]),
        ("bind_latency_seconds", "gauge", "Of responses.", [bind.latency_s for bind in binds]),
        ("bind_submitted_total", "counter", "Segments.", [bind.submitted for bind in binds]),
    ):
        yield from family(
            name,
            kind,
            text,
            [({"bind": bind.bind}, value) for bind, value in zip(binds, samples, strict=True)],
        )
    yield from family(
        "bind_results_total",
        "counter",
        "Answers to submit_sm by outcome.",
        [
            ({"bind": bind.bind, "outcome": outcome.value}, count)
            for bind in binds
            for outcome, count in bind.results.items()
        ],
    )
    if readings.calls is not None:
        yield from call_families(readings.calls)
