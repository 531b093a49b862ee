"""Receipts and inbound messages to the customers' ESMEs, as deliver_sm over any receiving bind of
the account, in the order in which they came about.

The outbox is the store's: a transition with listener ESME and no `Notified` yet. Memory holds a
bounded head of it per account; what does not fit stays in the store, and is read again once there
is room.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from gateway.clock import Clock, message_sid
from gateway.errors import StoreError
from gateway.events import StatusEvent
from gateway.interworking import deliver_sm
from gateway.message import Direction, Message
from gateway.messaging.alarm import Alarm
from gateway.messaging.journal import event_of, listener_of
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus, status_name
from gateway.smpp.errors import FieldError, NotBound
from gateway.smpp.pdus import DeliverSm
from gateway.store.interface import Listener, Notified, OnCommit, Record, Transition

log = logging.getLogger(__name__)

PENDING_MAX = 10_000
RETRY_S = 5.0
# What an ESME does not take for so long holds up all behind it no longer; webhooks have as much.
GIVE_UP_S = 14_400.0
REFILL_INTERVAL_S = 5.0
REFILL_SLICE = 500

# The ESME's trouble of the moment, or a session that its unbind ended while ours was on the way:
# the same is sent again. Any other error is its last word.
TEMPORARY = frozenset(
    {
        CommandStatus.ESME_RINVBNDSTS,
        CommandStatus.ESME_RSYSERR,
        CommandStatus.ESME_RMSGQFUL,
        CommandStatus.ESME_RTHROTTLED,
        CommandStatus.ESME_RX_T_APPN,
    }
)

Key = tuple[int, int]
Append = Callable[[Record, OnCommit], None]


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One deliver_sm to come; (message.id, number) names its transition. `position` grows with the
    order in which deliveries came about. `failing_since` is when it was first not taken, or 0."""

    event: StatusEvent
    position: int
    failing_since: float = 0.0

    @property
    def key(self) -> Key:
        return self.event.message.id, self.event.number

    def pdu(self) -> DeliverSm:
        event = self.event
        if event.message.direction is Direction.INBOUND:
            return deliver_sm.message_for_customer(event.message)
        return deliver_sm.receipt_for_customer(
            event.message,
            message_sid(event.message.id),
            event.status,
            event.at,
            event.error_code,
            event.carrier_status,
            event.carrier_error,
        )


class AccountOutbox:
    """What one account's ESMEs are still to be told. `known` names all that memory holds."""

    def __init__(self) -> None:
        self.binds: list[SmppConnection] = []
        self.pending: deque[Delivery] = deque()
        self.known: set[Key] = set()
        self.overflowed = False
        self.paused_until = 0.0
        self._positions = 0

    def put(self, event: StatusEvent) -> None:
        self._positions += 1
        self.pending.append(Delivery(event, self._positions))

    def put_back(self, delivery: Delivery) -> None:
        """Where it stood, which is not far from the head: before all that came about after it."""
        later = (i for i, other in enumerate(self.pending) if other.position > delivery.position)
        self.pending.insert(next(later, len(self.pending)), delivery)

    def leave(self, bind: SmppConnection) -> None:
        """The bind takes nothing new."""
        if bind in self.binds:
            self.binds.remove(bind)

    def next_bind(self) -> SmppConnection | None:
        """A bind with room in its window; they take turns."""
        for _ in range(len(self.binds)):
            bind = self.binds.pop(0)
            self.binds.append(bind)
            if bind.sendable > 0:
                return bind
        return None


class EsmeDelivery:
    def __init__(
        self,
        append: Append,
        unnotified: Callable[[], Iterator[tuple[Message, Transition]]],
        clock: Clock,
    ) -> None:
        self._append = append
        self._unnotified = unnotified
        self._clock = clock
        self._outboxes: dict[str, AccountOutbox] = {}
        self._in_flight: dict[SmppConnection, dict[int, Delivery]] = {}
        self._without_tlvs: set[SmppConnection] = set()
        self._alarm = Alarm(clock, self._retry)
        self._refill: asyncio.Task[None] | None = None
        self._told_meanwhile: list[tuple[AccountOutbox, Key]] = []
        self.delivered = 0
        self.refused = 0

    @property
    def pending(self) -> int:
        return sum(len(outbox.known) for outbox in self._outboxes.values())

    def close(self) -> None:
        self._alarm.cancel()
        if self._refill:
            self._refill.cancel()

    # Events to tell

    def on_event(self, event: StatusEvent) -> None:
        """Take an event of any message; those whose listener is an ESME are told."""
        if listener_of(event.message, event.status) is Listener.ESME:
            self._offer(event)

    def recover(self, message: Message, transition: Transition) -> None:
        """Take up a transition of an earlier run."""
        if transition.listener is Listener.ESME:
            self._offer(event_of(message, transition))

    def _offer(self, event: StatusEvent) -> None:
        outbox = self._outbox(event.message.account_sid)
        key = (event.message.id, event.number)
        if key in outbox.known:
            return
        if outbox.overflowed or len(outbox.known) >= PENDING_MAX:
            # It waits in the store, and all later ones too, so that none overtakes it.
            if not outbox.overflowed:
                log.warning("ESME's outbox overflows", extra={"account": event.message.account_sid})
            outbox.overflowed = True
            return
        outbox.known.add(key)
        outbox.put(event)
        self._pump(outbox)

    # Binds

    def add(self, account_sid: str, bind: SmppConnection, tlvs: bool = True) -> None:
        """An ESME of the account can receive; one of SMPP v3.3 cannot read TLVs (§3.4)."""
        outbox = self._outbox(account_sid)
        outbox.binds.append(bind)
        self._in_flight[bind] = {}
        if not tlvs:
            self._without_tlvs.add(bind)
        self._pump(outbox)

    def remove(self, account_sid: str, bind: SmppConnection) -> None:
        """The bind has ended; what it had not answered goes out again."""
        outbox = self._outbox(account_sid)
        if bind in self._in_flight:
            outbox.leave(bind)
            self._without_tlvs.discard(bind)
            for delivery in reversed(self._in_flight.pop(bind).values()):
                outbox.put_back(delivery)
            self._pump(outbox)

    def on_response(
        self, account_sid: str, bind: SmppConnection, sequence_number: int, command_status: int
    ) -> None:
        delivery = self._in_flight.get(bind, {}).pop(sequence_number, None)
        if delivery is None:
            return
        outbox = self._outbox(account_sid)
        if command_status in TEMPORARY:
            self._try_again(outbox, delivery)
            return
        if command_status:
            self.refused += 1
            log.warning(
                "ESME refuses a deliver_sm",
                extra={"account": account_sid, "command_status": status_name(command_status)},
            )
        else:
            self.delivered += 1
        self._told(outbox, delivery, status_name(command_status))
        self._pump(outbox)

    def on_timed_out(self, account_sid: str, bind: SmppConnection, sequence_number: int) -> None:
        delivery = self._in_flight.get(bind, {}).pop(sequence_number, None)
        if delivery:
            self._try_again(self._outbox(account_sid), delivery)

    def _told(self, outbox: AccountOutbox, delivery: Delivery, outcome: str) -> None:
        """Write that it is done. It stays known until the store, and a reading of the store that
        may have begun before, can no longer bring it up again."""

        def on_commit(error: StoreError | None) -> None:
            if self._refill and not self._refill.done():
                self._told_meanwhile.append((outbox, delivery.key))
            else:
                outbox.known.discard(delivery.key)

        self._append(Notified(*delivery.key, self._clock.now(), outcome), on_commit)

    def _try_again(self, outbox: AccountOutbox, delivery: Delivery) -> None:
        """The account's deliveries pause, and begin again with the first that was not taken."""
        now = self._clock.now()
        failing_since = delivery.failing_since or now
        if now - failing_since >= GIVE_UP_S:
            self.refused += 1
            log.warning(
                "ESME never takes a deliver_sm", extra={"sid": message_sid(delivery.key[0])}
            )
            self._told(outbox, delivery, "gave up")
        else:
            outbox.put_back(msgspec.structs.replace(delivery, failing_since=failing_since))
        outbox.paused_until = now + RETRY_S
        self._alarm.set(outbox.paused_until)

    # Sending

    def _pump(self, outbox: AccountOutbox) -> None:
        if outbox.paused_until > self._clock.now():
            return
        while outbox.pending:
            bind = outbox.next_bind()
            if bind is None:
                return
            delivery = outbox.pending.popleft()
            pdu = delivery.pdu()
            if pdu.short_message and bind in self._without_tlvs:
                pdu = msgspec.structs.replace(pdu, tlvs={})
            try:
                self._in_flight[bind][bind.request(pdu)] = delivery
            except NotBound:  # It is unbinding, and only answers what it has.
                outbox.leave(bind)
                outbox.pending.appendleft(delivery)
            except FieldError as error:
                log.error("deliver_sm not sent", extra={"cause": str(error)})
                self._told(outbox, delivery, f"gave up: {error}")
        if outbox.overflowed and outbox.binds:
            self._alarm.set(self._clock.now() + REFILL_INTERVAL_S)

    def _retry(self) -> None:
        now = self._clock.now()
        for outbox in self._outboxes.values():
            if outbox.paused_until > now:
                self._alarm.set(outbox.paused_until)
            elif outbox.pending:
                self._pump(outbox)
        wanted = any(
            outbox.overflowed and outbox.binds and not outbox.pending
            for outbox in self._outboxes.values()
        )
        if wanted and (self._refill is None or self._refill.done()):
            self._refill = asyncio.get_running_loop().create_task(self._read_again())

    async def _read_again(self) -> None:
        """Fetch from the store what found no room, the oldest first, a slice a turn."""
        overflowed = [outbox for outbox in self._outboxes.values() if outbox.overflowed]
        for outbox in overflowed:
            outbox.overflowed = False
        try:
            for count, (message, transition) in enumerate(self._unnotified(), start=1):
                self.recover(message, transition)
                if count % REFILL_SLICE == 0:
                    await asyncio.sleep(0)
        except StoreError as error:
            log.warning("ESMEs' outboxes not filled", extra={"reason": str(error)})
            for outbox in overflowed:
                outbox.overflowed = True
        if any(outbox.overflowed for outbox in self._outboxes.values()):
            self._alarm.set(self._clock.now() + REFILL_INTERVAL_S)
        for outbox, key in self._told_meanwhile:
            outbox.known.discard(key)
        self._told_meanwhile.clear()

    def _outbox(self, account_sid: str) -> AccountOutbox:
        outbox = self._outboxes.get(account_sid)
        if outbox is None:
            outbox = self._outboxes[account_sid] = AccountOutbox()
        return outbox
