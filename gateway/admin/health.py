"""`GET /health`: is the gateway well, and if not, what is wrong. For load balancers and people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from gateway.admin.readings import Readings
from gateway.streams.event_streams import SinkReadings
from gateway.streams.timestamp import rfc_3339
from routing.alarm import Alarm, AlarmKind
from routing.bind_health import BindSnapshot

ALARMS_SHOWN_MAX = 100
# What the router deals with itself, or what `binds` shows already.
BORNE = frozenset({AlarmKind.THROTTLING, AlarmKind.LATENCY, AlarmKind.DOWN})


class BindReport(msgspec.Struct, frozen=True):
    bind: str
    state: str
    window: str
    segments_per_second: float
    latency_ms: float


class AlarmReport(msgspec.Struct, frozen=True):
    """Of a route, `since` in RFC 3339; an empty `bind` or `network` means all of them."""

    kind: str
    bind: str
    network: str
    sender_type: str
    since: str
    lost: int


class HealthReport(msgspec.Struct, frozen=True):
    """`status` is ok, degraded (some binds are down) or failing (nothing can be taken or sent).

    `alarms` are about routes, the newest first: messages go over others meanwhile, so they do not
    change the status, but somebody should call the carrier.
    """

    status: str
    reasons: tuple[str, ...]
    version: str
    uptime_s: int
    messages_open: int
    segments_queued: int
    binds: tuple[BindReport, ...]
    alarms: tuple[AlarmReport, ...]


def troubles(
    restored: bool,
    accepting: bool,
    binds: Iterable[BindSnapshot],
    sinks: Iterable[SinkReadings],
    media_down: int = 0,
) -> dict[str, str]:
    """What is wrong, by name, in words for people."""
    found = {}
    if not restored:
        found["store"] = "the messages of an earlier run are being read"
    elif not accepting:
        found["store"] = "the store takes no messages"
    down = [bind.bind for bind in binds if not bind.up]
    if down:
        found["carriers"] = f"down: {', '.join(down)}"
    behind = [sink.sink for sink in sinks if sink.is_behind]
    if behind:
        found["events"] = f"behind: {', '.join(behind)}"
    if media_down:
        found["media"] = f"media workers down: {media_down}"
    return found


def health(readings: Readings) -> HealthReport:
    media = readings.calls.gauges if readings.calls else {}
    found = troubles(
        readings.restored,
        readings.accepting,
        readings.binds,
        readings.sinks,
        int(media.get("media_workers_down", 0)),
    )
    all_down = bool(readings.binds) and not any(bind.up for bind in readings.binds)
    failing = not readings.accepting or all_down
    return HealthReport(
        status="failing" if failing else "degraded" if found else "ok",
        reasons=tuple(found.values()),
        version=readings.version,
        uptime_s=int(readings.uptime_s),
        messages_open=int(readings.gauges.get("messages_open", 0)),
        segments_queued=sum(backlog.segments for backlog in readings.backlogs),
        binds=tuple(
            BindReport(
                bind=bind.bind,
                state="up" if bind.up and not bind.block else str(bind.block or "down"),
                window=f"{bind.window_used}/{bind.window}",
                segments_per_second=round(bind.tps, 1),
                latency_ms=round(bind.latency_s * 1000, 1),
            )
            for bind in readings.binds
        ),
        alarms=tuple(_alarms(readings.alarms)),
    )


def _alarms(standing: Iterable[Alarm]) -> Iterator[AlarmReport]:
    to_act_on = [alarm for alarm in standing if alarm.kind not in BORNE]
    for alarm in sorted(to_act_on, key=lambda alarm: -alarm.since)[:ALARMS_SHOWN_MAX]:
        yield AlarmReport(
            kind=alarm.kind.value,
            bind=alarm.bind,
            network=alarm.network,
            sender_type=alarm.sender_type,
            since=rfc_3339(alarm.since),
            lost=round(alarm.lost),
        )
