"""What the legs of a user agent share: the states that they go through, what they can do, and what
they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

from gateway.sip.errors import SipError
from gateway.sip.headers import Field
from gateway.sip.leg_events import LegEvent
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.session_timer import SessionInterval
from gateway.sip.timers import TimerValues
from gateway.sip.transaction import Destination
from gateway.sip.transaction_layer import TransactionLayer

if TYPE_CHECKING:
    from gateway.sip.leg import Leg

OPTION_TAGS = frozenset({"100rel", "timer"})
CAPABILITIES: tuple[Field, ...] = (
    ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY"),
    ("Supported", ", ".join(sorted(OPTION_TAGS))),
)

Credentials = Callable[[SipRequest, SipResponse], Iterable[Field] | None]


class RequestPending(SipError):
    """Not now: a request or an offer of ours or of the peer's is under way (§14.1, RFC 3311 §5.1),
    or the leg is not in a dialog."""


class LegState(StrEnum):
    INVITED = "invited"  # no response but 100
    EARLY = "early"
    ANSWERED = "answered"  # by 2xx, whose ACK has not passed
    CONFIRMED = "confirmed"
    LEAVING = "leaving"  # told over; CANCEL or BYE is under way
    ENDED = "ended"


class LegSurroundings:
    """What all legs of a user agent share."""

    __slots__ = (
        "contact",
        "events",
        "interval",
        "layer",
        "legs",
        "locate",
        "new_token",
        "random",
        "timeout",
        "timers",
        "values",
    )

    def __init__(
        self,
        layer: TransactionLayer,
        values: TimerValues,
        interval: SessionInterval,
        contact: Callable[[Destination], str],
        locate: Callable[[str, Destination], Destination],
        new_token: Callable[[], str],
        random: Random,
    ) -> None:
        self.layer = layer
        self.values = values
        self.timeout = values.timeout
        self.interval = interval
        self.contact = contact
        self.locate = locate
        self.new_token = new_token
        self.random = random
        self.timers = layer.shared.timers
        self.events: list[LegEvent] = []
        self.legs: dict[tuple[str, str], Leg] = {}
