"""What is read again from the backlogs of hosts: a page at a time, the hosts in turn. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from gateway.messaging.host_lane import HostLane
from gateway.messaging.owed_positions import OwedPositions, Position
from gateway.store.interface import OwedKey

PAGE_MAX = 500
RETRY_S = 1.0


class Share(NamedTuple):
    """The part of a page that is for one lane, and from which of its queues it was taken."""

    lane: HostLane
    queue: OwedPositions
    positions: list[Position]


class BacklogPages:
    """`reading` counts the positions of the page that is under way."""

    def __init__(self) -> None:
        self._turns: OrderedDict[HostLane, None] = OrderedDict()
        self._page: list[Share] = []
        self._retry_at = 0.0
        self.reading = 0

    @property
    def next_timer(self) -> float | None:
        """When a page is asked for that could not be read before."""
        return self._retry_at if self._retry_at and self._turns else None

    def want(self, lane: HostLane) -> None:
        """Give the lane a turn, if something waits for it."""
        if not lane.reading and (lane.backlog or lane.divertible):
            self._turns.setdefault(lane)

    def ask(self, now: float, room: Callable[[int], int]) -> list[OwedKey]:
        """The next page, nothing while one is under way. `room` says how much there is in memory
        for one host, while so many are being read.
        """
        if self._page or now < self._retry_at:
            return []
        self._retry_at = 0.0
        while self._turns and self.reading < PAGE_MAX and room(self.reading) > 0:
            lane, _ = self._turns.popitem(last=False)
            queue, wanted = lane.wants(room(self.reading))
            positions = queue.take(min(wanted, PAGE_MAX - self.reading))
            if positions:
                lane.reading = len(positions)
                self.reading += len(positions)
                self._page.append(Share(lane, queue, positions))
        return [position.key for share in self._page for position in share.positions]

    def end(self) -> list[Share]:
        """The page is no longer under way."""
        page, self._page = self._page, []
        self.reading = 0
        for share in page:
            share.lane.reading = 0
        return page

    def retry(self, now: float) -> None:
        """The store could not be read; it is asked again a little later."""
        self._retry_at = now + RETRY_S
