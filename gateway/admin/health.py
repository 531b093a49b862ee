"""`GET /health`: is the gateway well, and if not, what is wrong. For load balancers and people."""

from __future__ import annotations

import msgspec

from gateway.admin.readings import Readings


class BindReport(msgspec.Struct, frozen=True):
    bind: str
    state: str
    window: str
    segments_per_second: float
    latency_ms: float


class HealthReport(msgspec.Struct, frozen=True):
    """`status` is ok, degraded (some binds are down) or failing (nothing can be taken or sent)."""

    status: str
    reasons: tuple[str, ...]
    version: str
    uptime_s: int
    messages_open: int
    segments_queued: int
    binds: tuple[BindReport, ...]


def health(readings: Readings) -> HealthReport:
    down = [bind.bind for bind in readings.binds if not bind.up]
    reasons = []
    if not readings.accepting:
        reasons.append("the store takes no messages")
    if down:
        reasons.append(f"down: {', '.join(down)}")
    failing = not readings.accepting or (bool(down) and len(down) == len(readings.binds))
    return HealthReport(
        status="failing" if failing else "degraded" if reasons else "ok",
        reasons=tuple(reasons),
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
    )
