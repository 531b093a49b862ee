"""Filters by time: `DateSent`, `DateSent<` and `DateSent>`, whose sign is a part of the name."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from gateway.errors import Refusal, Refused
from gateway.ingress.rest.form import Form
from gateway.ingress.rest.message_form import unix_time

DAY_S = 86_400


def range_names(name: str) -> tuple[str, str, str]:
    """The three parameters that narrow a time."""
    return name, f"{name}<", f"{name}>"


def time_range(query: Form, name: str) -> tuple[float, float]:
    """From when, and until before when. The bare name is the whole UTC day; with a sign it
    includes the second that it names.

    Raises:
        Refused: PARAMETER_INVALID.
    """
    since, until = 0.0, inf
    for parameter, narrow in zip(range_names(name), NARROW, strict=True):
        if text := query.text(parameter):
            instant = unix_time(text)
            if instant is None:
                raise Refused(
                    Refusal.PARAMETER_INVALID, f"{parameter} must be an ISO 8601 date or time"
                )
            from_, to = narrow(instant)
            since, until = max(since, from_), min(until, to)
    return since, until


def whole_day(instant: float) -> tuple[float, float]:
    day = instant // DAY_S * DAY_S
    return day, day + DAY_S


NARROW: tuple[Callable[[float], tuple[float, float]], ...] = (
    whole_day,
    lambda instant: (0.0, instant + 1),
    lambda instant: (instant, inf),
)
