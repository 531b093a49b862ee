"""One reading of everything an operator may want to know, as plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
    """`counters` only ever grow; `gauges` are of this moment. Both by metric name."""

    version: str
    uptime_s: float
    accepting: bool
    binds: tuple[BindSnapshot, ...]
    backlogs: tuple[Backlog, ...]
    statuses: dict[str, int]
    error_codes: dict[int, int]
    counters: dict[str, int] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)


Read = Callable[[], Readings]
