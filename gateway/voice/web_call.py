"""A call that is made over the REST API, as its caller is told of it: what became of it, and what
the other side describes. Pure.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from enum import StrEnum

import msgspec

from gateway.call import Call, CallEvent
from gateway.sip.leg_events import Asked
from gateway.sip.outgoing_leg import OutgoingLeg
from gateway.sip.own_request import OwnRequest
from gateway.sip.sanity import Refusal

# A caller who comes back hears so many again at most, the newest. A call has six or so, and two
# each time that the other side puts it on hold.
EVENTS_MAX = 64
_WARNING = re.compile(r'\d{3} \S+ "(.*)"')

OnChange = Callable[[], None]


class Kind(StrEnum):
    """What a description of the other side's is."""

    EARLY = "early"  # an answer that may still change: the other side rings
    ANSWER = "answer"
    OFFER = "offer"  # to be answered


class Described(msgspec.Struct, frozen=True):
    kind: Kind
    sdp: bytes


WebEvent = CallEvent | Described


class WebCall:
    """`call` is set once it is admitted, else `refusal`. `offered` and `reoffered` are offers that
    wait for their answer: the other side's, and one of the caller's own."""

    __slots__ = (
        "_events",
        "_number",
        "account_sid",
        "call",
        "leg",
        "listener",
        "offered",
        "on_answer",
        "over",
        "refusal",
        "reoffered",
    )

    def __init__(self, account_sid: str, leg: OutgoingLeg) -> None:
        self.account_sid = account_sid
        self.leg = leg
        self.call: Call | None = None
        self.refusal: Refusal | None = None
        self.over = False
        self.listener: OnChange | None = None
        self.offered: Asked | None = None
        self.reoffered: OwnRequest | None = None
        self.on_answer: Callable[[int, bytes], None] | None = None
        self._events: deque[tuple[int, WebEvent]] = deque(maxlen=EVENTS_MAX)
        self._number = 0

    def after(self, number: int) -> list[tuple[int, WebEvent]]:
        """The events since that one, with their numbers, which begin at 1."""
        return [each for each in self._events if each[0] > number]

    def reached(self, event: CallEvent) -> None:
        self.call = event.call
        self.over = event.record is not None
        self._tell(event)

    def described(self, kind: Kind, sdp: bytes) -> None:
        """Told once, however often it is said while it rings."""
        said = Described(kind, sdp)
        if kind is Kind.EARLY and self._events and self._events[-1][1] == said:
            return
        self._tell(said)

    def refused(self, refusal: Refusal) -> None:
        """It never began."""
        self.refusal = refusal
        self.over = True
        self.changed()

    def changed(self) -> None:
        if self.listener is not None:
            self.listener()

    def _tell(self, event: WebEvent) -> None:
        self._number += 1
        self._events.append((self._number, event))
        self.changed()


def warning(value: str | None) -> str:
    """The text of a Warning header (RFC 3261 §20.43), empty where there is none."""
    found = _WARNING.match(value or "")
    return found[1] if found else ""
