"""A time, as RFC 3339 writes it."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc_3339(at: float) -> str:
    """Unix seconds in UTC, cut to the millisecond: `2026-01-02T03:04:05.678Z`."""
    second, millisecond = divmod(int(at * 1_000), 1_000)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{millisecond:03}Z"
