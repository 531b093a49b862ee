"""All lanes: made when there is something to tell, judged, forgotten. Pure."""

from __future__ import annotations

from gateway.messaging.host_circuit import CLOSED, OPEN
from gateway.messaging.host_lane import HostLane
from gateway.messaging.webhook_delivery import Delivery
from gateway.webhooks.request import Failure

# The troubles of hosts to which there is nothing to tell now are remembered: for so long, so many.
FORGET_AFTER_S = 600.0
REMEMBERED_MAX = 10_000


class HostLanes:
    """`open` counts the lanes that get nothing but probes. A lane that there is nothing to tell,
    and that is in no trouble, costs nothing.
    """

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, str], HostLane] = {}
        self._remembered = 0
        self.open = 0

    def __len__(self) -> int:
        return len(self._lanes)

    def of(self, delivery: Delivery) -> HostLane:
        """The lane of a delivery, a new one if need be."""
        place = delivery.event.message.account_sid, delivery.host
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = HostLane(*place)
        return lane

    def find(self, account: str, host: str) -> HostLane | None:
        return self._lanes.get((account, host))

    def judge(self, lane: HostLane, trouble: Failure | None, now: float, chance: float) -> bool:
        """Note how an attempt ended; True where the circuit has opened by it."""
        circuit = lane.circuit
        before = circuit.state
        if trouble:
            lane.trouble, lane.trouble_at = trouble, now
            circuit.failed(now, chance)
        else:
            circuit.succeeded()
        self.open += (circuit.state is not CLOSED) - (before is not CLOSED)
        return circuit.state is OPEN and before is not OPEN

    def leave(self, lane: HostLane) -> float | None:
        """Forget the lane, if it is idle. If it is in trouble, that is remembered first: then it
        is to be looked after at the time that this returns.
        """
        if not lane.is_idle or self.find(lane.account, lane.host) is not lane:
            return None
        if not lane.in_trouble or (not lane.forget_at and self._remembered >= REMEMBERED_MAX):
            self._drop(lane)
            return None
        if lane.forget_at:
            return None
        self._remembered += 1
        lane.forget_at = lane.trouble_at + FORGET_AFTER_S
        return lane.forget_at

    def look_after(self, lane: HostLane, now: float) -> float | None:
        """Forget an old trouble. A newer one is to be looked after later, as with `leave`."""
        if not 0 < lane.forget_at <= now:
            return None
        if lane.is_idle and lane.trouble_at + FORGET_AFTER_S <= now:
            self._drop(lane)
            return None
        self._remembered -= 1
        lane.forget_at = 0.0
        return self.leave(lane)

    def _drop(self, lane: HostLane) -> None:
        del self._lanes[lane.account, lane.host]
        self.open -= lane.circuit.state is not CLOSED
        self._remembered -= lane.forget_at > 0
        lane.forget_at = 0.0
