"""One reading of everything an operator may want to know, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.streams.event_streams import SinkReadings
from gateway.voice.call_meters import CallReadings
from routing.alarm import Alarm, AlarmKind
from routing.bind_health import BindSnapshot


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in the queue of one sender."""

    account: str
    sender: str
    messages: int
    segments: int


@dataclass(frozen=True, slots=True)
class Readings:
    """`counters` only ever grow; `gauges` are of this moment. Both by metric name. `restored` is
    False while the messages of an earlier run are taken up. `alarms` are those of routes that
    stand, `alarms_raised` counts them by kind. `calls` is None where none are carried."""

    version: str
    uptime_s: float
    restored: bool
    accepting: bool
    binds: tuple[BindSnapshot, ...]
    backlogs: tuple[Backlog, ...]
    sinks: tuple[SinkReadings, ...]
    alarms: tuple[Alarm, ...]
    alarms_raised: dict[AlarmKind, int]
    statuses: dict[str, int]
    error_codes: dict[int, int]
    counters: dict[str, int] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    calls: CallReadings | None = None


Read = Callable[[], Readings]
