"""Alarms that a bind's own health raises: down, flapping, throttling, latency."""

from __future__ import annotations

from collections.abc import Mapping

from routing.alarm import Alarm, AlarmBoard, AlarmKind
from routing.bind_health import FLAPS_BORNE, BindHealth

# Raised at the first figure, cleared at the second, so that they do not flicker.
THROTTLED_FRACTION = (0.7, 0.95)
LATENCY_RATIO = (4.0, 2.0)
LATENCY_LEAST_S = 0.5
FLAPS_CLEARED = 1.0


def watch_binds(health: Mapping[str, BindHealth], board: AlarmBoard, now: float) -> None:
    for bind, one in health.items():
        down = one.drops > 0 and not one.up
        _set(board, AlarmKind.DOWN, bind, down, one.up, one.since, now)
        _set(
            board,
            AlarmKind.FLAPPING,
            bind,
            one.flaps > FLAPS_BORNE,
            one.flaps < FLAPS_CLEARED,
            one.since,
            now,
        )
        fraction = one.fraction
        _set(
            board,
            AlarmKind.THROTTLING,
            bind,
            fraction < THROTTLED_FRACTION[0],
            fraction > THROTTLED_FRACTION[1],
            now,
            now,
        )
        usual = one.usual_latency_s
        _set(
            board,
            AlarmKind.LATENCY,
            bind,
            one.latency_s > max(LATENCY_LEAST_S, LATENCY_RATIO[0] * usual),
            one.latency_s < max(LATENCY_LEAST_S, LATENCY_RATIO[1] * usual),
            now,
            now,
        )


def _set(
    board: AlarmBoard,
    kind: AlarmKind,
    bind: str,
    bad: bool,
    well: bool,
    first_at: float,
    now: float,
) -> None:
    if bad:
        board.raise_(Alarm(kind, bind, "", "", now, first_at, 0.0))
    elif well and board.stands(kind, bind):
        board.clear(kind, now, bind)
