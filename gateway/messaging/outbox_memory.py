"""How much of what is owed may be in memory: for all hosts, and for one of them. Pure."""

from __future__ import annotations

from gateway.messaging.host_lane import HostLane
from gateway.messaging.webhook_delivery import Delivery

# A host may fill a sixteenth of the memory that is free, so that however many hosts are slow,
# there is room for one that is not.
FREE_SHARE = 16


class OutboxMemory:
    """Counts deliveries: half of `pending_max` are for what newly comes, the other half for what is
    late, because it was read again from the store. `waiting` counts positions.
    """

    def __init__(self, pending_max: int, host_pending_max: int, waiting_max: int) -> None:
        self._half = pending_max // 2
        self._host_pending_max = host_pending_max
        self._waiting_max = waiting_max
        self._new = 0
        self._late = 0
        self.waiting = 0

    @property
    def held(self) -> int:
        return self._new + self._late

    def count(self, lane: HostLane, delivery: Delivery, one: int) -> None:
        """One delivery comes into the lane (1), or leaves it (-1)."""
        lane.held += one
        if delivery.is_late:
            self._late += one
        else:
            self._new += one

    def room_for_new(self) -> int:
        """How many new ones a host may have now (dynamic threshold)."""
        return self._room(self._new)

    def room_for_late(self, reading: int) -> int:
        """How many late ones a host may have now, while so many are being read."""
        return self._room(self._late + reading)

    def is_crowded(self, delivery: Delivery) -> bool:
        """Whether there are so many of its sort that it had better wait in the store."""
        return 2 * (self._late if delivery.is_late else self._new) > self._half

    def has_position_for(self, lane: HostLane) -> bool:
        """Whether one more may wait for the lane. It has at most as many as it leaves free."""
        return lane.waiting < self._waiting_max - self.waiting

    def _room(self, used: int) -> int:
        return min(self._host_pending_max, (self._half - used) // FREE_SHARE)
