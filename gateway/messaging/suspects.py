"""Messages that may be what brings binds down.

A carrier's connection may end at one PDU, each time that it comes. Sent again and again, that one
message would take every bind down for everybody. So a message that was under way each time that
LOST_MAX binds went down is not sent again; and from SUSPECT_FROM losses on it is under way alone
among its like, so that those that were merely near it are cleared one by one.
"""

from __future__ import annotations

from gateway.messaging.lane import Lane
from gateway.messaging.open_message import OpenMessage

LOST_MAX = 3
SUSPECT_FROM = 2


class Suspects:
    """Lets one suspect be under way at a time; the lanes of the others wait here."""

    def __init__(self) -> None:
        self._under_way: OpenMessage | None = None
        self._lanes: dict[Lane, None] = {}

    def must_wait(self, opened: OpenMessage, lane: Lane) -> bool:
        """Whether another suspect is under way; the lane is then given back by `settled`."""
        if opened.lost < SUSPECT_FROM or self._under_way in (None, opened):
            return False
        self._lanes[lane] = None
        return True

    def sent(self, opened: OpenMessage) -> None:
        """A part of the message is at a carrier."""
        if opened.lost >= SUSPECT_FROM:
            self._under_way = opened
        opened.lost_again = False

    def lost(self, opened: OpenMessage) -> bool:
        """A bind went down with a part of the message; True: it must not be sent again. Several
        parts may be lost at once, and count once."""
        if not opened.lost_again:
            opened.lost_again = True
            opened.lost += 1
        return opened.lost >= LOST_MAX

    def settled(self, opened: OpenMessage) -> list[Lane]:
        """Nothing of the message is at a carrier: the lanes that may try now."""
        if self._under_way is not opened:
            return []
        self._under_way = None
        lanes, self._lanes = list(self._lanes), {}
        return lanes
