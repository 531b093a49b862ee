"""What the router is told, each with the time `at` when it happened (seconds, any one clock).

`message_id` joins what is told of one message: give it wherever it is known. Without it an event
still teaches about the bind as a whole.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from routing.ranking import Ranking
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


class Fault(StrEnum):
    """Who is to blame, where a command_status or a receipt's err tells it.

    NUMBER: unknown or absent subscriber, barred, phone off. CONFIGURATION: the sender or the
    content is not registered or not allowed on this route. ROUTE: everything else.
    """

    ROUTE = "route"
    NUMBER = "number"
    CONFIGURATION = "configuration"


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
    at: float


class Submitted(NamedTuple):
    """One segment went out on the route of a ranking's candidate.

    `part` counts the segments of a message from 1: a message takes one turn among its rivals,
    however many segments follow on the same bind. With its `ranking`, what happens to the message
    teaches about its network and sender type, and the decision can be explained.
    """

    route: Route
    at: float
    part: int = 1
    ranking: Ranking | None = None


class SubmitResult(NamedTuple):
    """The one answer to a Submitted, `latency_s` after it (for TIMEOUT, how long it waited)."""

    bind: str
    outcome: Outcome
    latency_s: float
    at: float
    message_id: int = 0
    fault: Fault | None = None


class ReceiptSeen(NamedTuple):
    """A final receipt came, `delay_s` after the submit_sm_resp."""

    bind: str
    delivered: bool
    delay_s: float
    at: float
    message_id: int = 0
    fault: Fault | None = None


class Converted(NamedTuple):
    """The customer says that the message did its work: a code was entered, a link followed."""

    message_id: int
    at: float


class PriceChanged(NamedTuple):
    """From now on a segment costs `price`: on the routes of one `match`, or on all of the bind."""

    bind: str
    price: float
    at: float
    match: str | None = None


class CallResult(NamedTuple):
    """The final response to an INVITE, or the end of waiting for one.

    `status` is the SIP status code (RFC 3261 §21), 0 for no answer at all. `pdd_s` is the post
    dial delay: from the INVITE to the first 18x, or to the final response. `progress` is False for
    a call that was answered, or given up by its caller (487), without ringing.
    """

    bind: str
    status: int
    pdd_s: float
    at: float
    message_id: int = 0
    progress: bool = True


class CallEnded(NamedTuple):
    """An answered call is over: how long it was, and how it sounded (MOS 1 to 5, 0: not known).
    `one_way`: the called side was not heard at its end, though the caller was."""

    bind: str
    duration_s: float
    at: float
    mos: float = 0.0
    message_id: int = 0
    one_way: bool = False


Event: TypeAlias = (
    BindUp
    | BindDown
    | WindowIs
    | Submitted
    | SubmitResult
    | ReceiptSeen
    | Converted
    | PriceChanged
    | CallResult
    | CallEnded
)
