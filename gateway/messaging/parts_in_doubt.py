"""Parts that a carrier may have, though it has not said so, and how long each is waited for.

One that is held goes out again when its time is over; one that is not is never sent again, and its
message fails then. Until then an answer that comes late, or a receipt, may end the doubt.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.messaging.deadlines import Deadlines
from gateway.messaging.lane import Lane
from gateway.messaging.open_message import OpenMessage
from gateway.store.interface import WHOLE

GRAIN_S = 0.1
# A part of an earlier run of which only the message is known; a message that went whole has no
# other part.
ANY_PART = WHOLE


class Doubt(NamedTuple):
    """`held_by` is the lane that sends the part again; None: nobody does."""

    opened: OpenMessage
    part: int
    bind: str
    until: float
    held_by: Lane | None


class PartsInDoubt:
    """There are no more of them than parts that were in flight during the longest wait. Each is
    counted in `in_doubt` of its message."""

    def __init__(self) -> None:
        self._doubts: dict[tuple[OpenMessage, int], Doubt] = {}
        self._ends: Deadlines[tuple[OpenMessage, int]] = Deadlines(GRAIN_S)

    def __len__(self) -> int:
        return len(self._doubts)

    def add(
        self, opened: OpenMessage, part: int, bind: str, until: float, held_by: Lane | None = None
    ) -> None:
        """Nobody knows whether the carrier of the bind has the part."""
        opened.in_doubt += 1
        self._keep(Doubt(opened, part, bind, until, held_by))

    def restore(self, opened: OpenMessage, until: float) -> None:
        """The parts that the message counts in doubt already."""
        self._keep(Doubt(opened, ANY_PART, "", until, None))

    def end(self, opened: OpenMessage, part: int) -> bool:
        """An answer tells of the part, or it goes out again; False: it was not in doubt."""
        if not self._let_go(opened, part):
            return False
        opened.in_doubt -= 1
        return True

    def confirm(self, opened: OpenMessage, part: int) -> None:
        """A receipt tells of the part, which may be of an earlier run."""
        self._let_go(opened, part)
        opened.in_doubt -= 1
        if not opened.in_doubt:
            self._let_go(opened, ANY_PART)

    def forget(self, opened: OpenMessage) -> None:
        """The message has ended."""
        if opened.in_doubt:
            opened.in_doubt = 0
            for part in range(ANY_PART, opened.segments + 1):
                self._let_go(opened, part)

    def due(self, now: float) -> list[Doubt]:
        """Those whose time is over; they stay in doubt until `end`."""
        keys = self._ends.due(now)
        return [self._doubts[key] for key in keys]

    def next_at(self) -> float | None:
        return self._ends.next_at()

    def _keep(self, doubt: Doubt) -> None:
        key = (doubt.opened, doubt.part)
        self._doubts[key] = doubt
        self._ends.add(doubt.until, key)

    def _let_go(self, opened: OpenMessage, part: int) -> bool:
        doubt = self._doubts.pop((opened, part), None)
        if doubt is None:
            return False
        self._ends.discard(doubt.until, (opened, part))
        return True
