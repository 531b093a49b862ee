"""What the ESMEs of one account are still to be told, and over which of their binds: the head of it
as it goes out, the rest as positions in the store."""

from __future__ import annotations

from collections import Counter, deque

import msgspec

from gateway.events import StatusEvent
from gateway.interworking.address_range import AddressRange
from gateway.interworking.addresses import to_smpp
from gateway.interworking.customer_deliver_sm import (
    message_for_customer,
    receipt_for_customer,
    without_tlvs,
    written_receipt_for_customer,
)
from gateway.message import Direction
from gateway.messaging.owed_positions import OwedPositions, Position
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.pdus import DeliverSm, WrittenDeliverSm
from gateway.store.interface import OwedKey

_INBOUND = Direction.INBOUND


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One deliver_sm to come. `since` is when it came to be owed, `place` grows along the queue."""

    event: StatusEvent
    round: int
    since: float
    place: int

    @property
    def key(self) -> OwedKey:
        return OwedKey(self.event.message.id, self.event.number, self.round)

    @property
    def position(self) -> Position:
        return position_of(self.key, self.since)

    @property
    def address(self) -> str:
        """The one of the ESME's that it is for, as it stands in the PDU."""
        message = self.event.message
        inbound = message.direction is Direction.INBOUND
        _, _, addr = to_smpp(message.recipient if inbound else message.sender)
        return addr

    def pdus(self, tlvs: bool) -> tuple[DeliverSm | WrittenDeliverSm, ...]:
        """One, but for a long message to an ESME that reads no TLVs.

        Raises:
            FieldError: it cannot be told to such an ESME.
        """
        event = self.event
        message = event.message
        if message.direction is _INBOUND:
            return (message_for_customer(message),) if tlvs else without_tlvs(message)
        told = (
            message,
            event.status,
            event.at,
            event.error_code,
            event.carrier_status,
            event.carrier_error,
        )
        if not tlvs:
            return (msgspec.structs.replace(receipt_for_customer(*told), tlvs={}),)
        return (written_receipt_for_customer(*told) or receipt_for_customer(*told),)


class AccountOutbox:
    """In this order: what is in flight, `head`, what is being read, `waiting`. `size` counts all of
    it. Without a bind there are positions alone, so that customers who are away cost little.
    `ranges` are those of the binds that gave one.
    """

    def __init__(self, account_sid: str) -> None:
        self.account_sid = account_sid
        self.binds: list[SmppConnection] = []
        self.ranges: dict[SmppConnection, AddressRange] = {}
        self.head: deque[Delivery] = deque()
        self.waiting = OwedPositions()
        self.in_flight = 0
        self.reading = 0
        self.paused_until = 0.0
        self.given_up: Counter[str] = Counter()
        self._places = 0

    @property
    def size(self) -> int:
        return self.in_flight + len(self.head) + self.reading + len(self.waiting)

    @property
    def stands(self) -> bool:
        """Whether something could go out."""
        return bool(self.head) or len(self.waiting) > 0

    @property
    def pages(self) -> bool:
        """Whether something waits in the store, so that what comes must wait behind it."""
        return bool(self.reading) or len(self.waiting) > 0

    def put(self, event: StatusEvent, round_: int, since: float) -> None:
        """At the end of the head."""
        self._places += 1
        self.head.append(Delivery(event, round_, since, self._places))

    def put_back(self, delivery: Delivery) -> None:
        """Where it stood, which is not far from the front: before all that came after it."""
        later = (i for i, other in enumerate(self.head) if other.place > delivery.place)
        self.head.insert(next(later, len(self.head)), delivery)

    def set_aside(self) -> None:
        """Keep the head as positions, once nobody is there to take it."""
        if self.head and not (self.binds or self.in_flight or self.reading):
            self.waiting.put_back([delivery.position for delivery in self.head])
            self.head.clear()

    def take_older(self, since: float, count: int) -> list[OwedKey]:
        """The first ones that are not on their way, if they are owed since then or longer; up to
        `count`."""
        keys: list[OwedKey] = []
        while self.head and len(keys) < count and self.head[0].since <= since:
            keys.append(self.head.popleft().key)
        if not self.head:
            older = self.waiting.take_older(since, count - len(keys))
            keys += [position.key for position in older]
        return keys

    def leave(self, bind: SmppConnection) -> None:
        """The bind takes nothing new."""
        if bind in self.binds:
            self.binds.remove(bind)
            self.ranges.pop(bind, None)

    def next_bind(self, address: str) -> SmppConnection | None:
        """A bind for what is to this address of the ESME's, with room in its window; they take
        turns. None where it must wait: what is in the range of a bind waits for it, rather than go
        to another (§5.2.7). Without ranges the address does not matter.
        """
        wanted = self.binds
        if self.ranges:
            wanted = [bind for bind in self.binds if self._serves(bind, address)] or self.binds
        for bind in wanted:
            if bind.sendable > 0:
                if len(self.binds) > 1:
                    self.binds.remove(bind)
                    self.binds.append(bind)
                return bind
        return None

    def _serves(self, bind: SmppConnection, address: str) -> bool:
        """One without a range serves all."""
        address_range = self.ranges.get(bind)
        return address_range is None or address_range.matches(address)


def position_of(key: OwedKey, since: float) -> Position:
    return Position(key.message_id, key.number, key.round, int(since), 0)
