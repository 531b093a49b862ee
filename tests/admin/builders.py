"""Readings of a gateway that is well, and of one that is not."""

from typing import Any

from gateway.admin.readings import Backlog, Readings
from routing.alarm import AlarmKind
from routing.bind_health import BindSnapshot
from routing.events import BindUp, Outcome, SubmitResult, Submitted
from routing.router import Router
from tests.routing.builders import NOW, a_bind, a_request, a_router


def binds(**up: bool) -> tuple[BindSnapshot, ...]:
    """Of the router itself: `alpha=True` is the bind alpha/1, which is up."""
    router = Router([a_bind(f"{carrier}/1") for carrier in up], now=NOW)
    for carrier, is_up in up.items():
        if is_up:
            router.observe(BindUp(f"{carrier}/1", NOW))
    return router.snapshot(NOW)


def busy_bind() -> tuple[BindSnapshot, ...]:
    """Two segments went out, and one was answered after 250 ms."""
    router = a_router(a_bind("alpha/1", window=10, tps=50.0))
    for at in (NOW, NOW + 0.1):
        best = router.rank(a_request(), at).best
        assert best is not None
        router.observe(Submitted(best.route, at))
    router.observe(SubmitResult("alpha/1", Outcome.OK, 0.25, NOW + 0.25))
    return router.snapshot(NOW + 0.3)


def readings(**changes: Any) -> Readings:
    fields: dict[str, Any] = {
        "version": "1.2.3",
        "uptime_s": 3_600.9,
        "restored": True,
        "accepting": True,
        "binds": binds(alpha=True, beta=True),
        "backlogs": (Backlog("AC1", "55501", 2, 5), Backlog("AC1", "DEMO", 1, 1)),
        "sinks": (),
        "alarms": (),
        "alarms_raised": {AlarmKind.GREY: 0, AlarmKind.DOWN: 0},
        "statuses": {"sent": 3, "delivered": 2},
        "error_codes": {30005: 1},
        "counters": {"messages_accepted": 7},
        "gauges": {"messages_open": 4},
    }
    return Readings(**(fields | changes))
