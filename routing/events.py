"""What the router is told, each with the time `at` when it happened (seconds, any one clock)."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from routing.route_table import Route


class Outcome(StrEnum):
    """What a submit_sm came to. Whose fault it is decides what the router learns from it.

    THROTTLED is ESME_RTHROTTLED and QUEUE_FULL ESME_RMSGQFUL: the bind must go slower, it has
    not failed. TEMPORARY is the carrier's own trouble (ESME_RSYSERR and its like). PERMANENT is
    the message's trouble (an address, the sender, the content) and says nothing of the bind.
    TIMEOUT: no response in time, so that nobody knows whether the carrier has it.
    """

    OK = "ok"
    THROTTLED = "throttled"
    QUEUE_FULL = "queue_full"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    TIMEOUT = "timeout"


class BindUp(NamedTuple):
    """A bind is bound and may carry traffic."""

    bind: str
    at: float


class BindDown(NamedTuple):
    """A bind is lost. What waited for a response there no longer counts in its window."""

    bind: str
    at: float


class WindowIs(NamedTuple):
    """A bind of several sessions is up with another number of them: so many segments may await
    their response there, and `used` do."""

    bind: str
    window: int
    used: int


class Submitted(NamedTuple):
    """One segment went out on the route of a ranking's candidate.

    `part` counts the segments of a message from 1: a message takes one turn among its rivals,
    however many segments follow on the same bind.
    """

    route: Route
    at: float
    part: int = 1


class SubmitResult(NamedTuple):
    """The one answer to a Submitted, `latency_s` after it (for TIMEOUT, how long it waited)."""

    bind: str
    outcome: Outcome
    latency_s: float
    at: float


class ReceiptSeen(NamedTuple):
    """A final receipt came, `delay_s` after the submit_sm_resp."""

    bind: str
    delivered: bool
    delay_s: float
    at: float


Event: TypeAlias = BindUp | BindDown | WindowIs | Submitted | SubmitResult | ReceiptSeen
