"""Messages under way, by id, so that receipts and conversions find what they are about."""

from __future__ import annotations

from collections import OrderedDict

from routing.delay_law import Ages
from routing.leaf import Leaf

FLIGHTS_MAX = 131_072
FLIGHT_TIME_MAX_S = 14_400


class Flight:
    """`accepted` is the second of the first submit_sm_resp, 0 before it; `receipt` what the first
    final receipt said, and `told` the second from which conversions are counted; `hasty` is a call
    that was answered without ringing."""

    __slots__ = (
        "accepted",
        "ages",
        "converted",
        "hasty",
        "key",
        "leaf",
        "receipt",
        "sent",
        "told",
    )

    def __init__(self, leaf: Leaf, key: str, sent: int) -> None:
        self.leaf = leaf
        self.key = key
        self.sent = sent
        self.accepted = 0
        self.told = 0
        self.ages: Ages = ()
        self.receipt: bool | None = None
        self.converted = False
        self.hasty = False


class Flights:
    """The newest of them. The oldest is forgotten where a new one has no place: its silence stays
    counted, its receipt is taken for the bind's."""

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        # Ordered, for the oldest of a dict is the slower to find the more have gone before it.
        self._by_id: OrderedDict[int, Flight] = OrderedDict()

    def take_off(self, message_id: int, flight: Flight) -> None:
        by_id = self._by_id
        by_id.pop(message_id, None)
        if len(by_id) >= FLIGHTS_MAX:
            by_id.popitem(last=False)
        by_id[message_id] = flight

    def find(self, message_id: int) -> Flight | None:
        return self._by_id.get(message_id)

    def settle(self, second: int) -> None:
        """Forget those of hours ago."""
        by_id = self._by_id
        while by_id:
            oldest = next(iter(by_id))
            if by_id[oldest].sent > second - FLIGHT_TIME_MAX_S:
                return
            del by_id[oldest]

    def __len__(self) -> int:
        return len(self._by_id)
