"""What one account has for one host: its queue, its backlog in the store, its circuit. Pure."""

from __future__ import annotations

from collections import deque

from gateway.messaging.host_circuit import OPEN, HostCircuit
from gateway.messaging.owed_positions import OwedPositions
from gateway.messaging.webhook_delivery import Delivery
from gateway.webhooks.request import Failure


class HostLane:
    """Owned by the outbox, which keeps its counts. Each account has lanes of its own, so that a
    URL of one that fails does not close the way of another to the same host.

    `ready` are the deliveries that could start now; those that wait for a retry or for an older
    event of their message are only counted in `held`, with them and those in flight. What waits
    in the store is in `backlog`, or in `divertible` where there is a fallback, so that it need not
    wait for this host; `reading` of them are being read. `trouble` is the last one of the host, at
    `trouble_at`. `forget_at` is when it is looked whether there is still a use for the lane, or 0.
    """

    __slots__ = (
        "account",
        "backlog",
        "circuit",
        "divertible",
        "forget_at",
        "held",
        "host",
        "in_flight",
        "reading",
        "ready",
        "trouble",
        "trouble_at",
    )

    def __init__(self, account: str, host: str) -> None:
        self.account = account
        self.host = host
        self.circuit = HostCircuit()
        self.ready: deque[Delivery] = deque()
        self.backlog = OwedPositions()
        self.divertible = OwedPositions()
        self.held = 0
        self.in_flight = 0
        self.reading = 0
        self.trouble: Failure | None = None
        self.trouble_at = 0.0
        self.forget_at = 0.0

    @property
    def waiting(self) -> int:
        """How many are in the store only."""
        return len(self.backlog) + len(self.divertible)

    @property
    def is_idle(self) -> bool:
        return not (self.held or self.reading or self.backlog or self.divertible)

    @property
    def in_trouble(self) -> bool:
        """Its last attempt has failed: what comes next may take its time."""
        return bool(self.circuit.failures)

    def takes(self, room: int) -> bool:
        """Whether a new delivery may stay in memory, where there is room for so many of one host.
        Nothing overtakes what waits already.
        """
        if self.circuit.state is OPEN or self.reading or self.backlog or self.divertible:
            return False
        return self.held < room and not (self.in_trouble and self._is_busy)

    def wants(self, room: int) -> tuple[OwedPositions, int]:
        """From which of its two queues it wants how many to be read, with room for so many."""
        if self.circuit.state is OPEN:
            return self.divertible, room
        queue = self.backlog or self.divertible
        if self.in_trouble:
            return queue, 0 if self._is_busy else 1
        return queue, room - self.held if 2 * self.held <= room else 0

    @property
    def _is_busy(self) -> bool:
        """In trouble it has one at a time, so more in memory would only be in the way of others."""
        return bool(self.ready or self.in_flight)
