"""Receipts and inbound messages to the customers' ESMEs, as deliver_sm over any receiving bind of
the account, in the order in which they came about.

The outbox is the store's: a transition with listener ESME, or a replay of one, that has no
`Notified` yet. Memory holds the head of it per account, and positions for the rest.

Intermediate notifications and alerts are news of the moment: a bind that is there gets them, and
nobody later.
"""

from __future__ import annotations

import asyncio
import logging
from math import inf

import msgspec

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.events import StatusEvent
from gateway.ingress.esme_outbox import AccountOutbox, Delivery, position_of
from gateway.interworking.address_range import AddressRange
from gateway.interworking.customer_deliver_sm import intermediate_for_customer
from gateway.message import Message
from gateway.messaging.journal import event_of, listener_of
from gateway.messaging.owed_positions import Position
from gateway.net.alarm import Alarm
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus, status_name
from gateway.smpp.errors import FieldError, NotBound
from gateway.smpp.pdus import AlertNotification, DeliverSm, WrittenDeliverSm
from gateway.store.interface import Listener, Notified, Owed, OwedKey, Store

log = logging.getLogger(__name__)

# Deliveries of one account in memory, and how many are read at once when half of them are gone.
HEAD_MAX = 500
PAGE = 250
# Deliveries that one account and all together may be owed, some 21 octets each. One more, and the
# oldest is given up.
OWED_MAX = 1_000_000
OWED_TOTAL_MAX = 4_000_000
RETRY_S = 5.0
# While nothing can be noted, nothing is told.
STORE_POLL_S = 0.1
# How often it is looked for what has waited too long, and how much of it is given up at once.
SWEEP_S = 60.0
SWEEP_MAX = 1_000
SWEEP_AGAIN_S = 0.1

TOO_OLD = "gave up: not taken in time"
TOO_MANY = "gave up: too many waited"

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


class EsmeDelivery:
    """What an account's ESMEs have not taken `deliver_s` seconds after it came about is given up,
    bound or not."""

    def __init__(self, store: Store, clock: Clock, deliver_s: float) -> None:
        self._store = store
        self._clock = clock
        self._deliver_s = deliver_s
        self._outboxes: dict[str, AccountOutbox] = {}
        self._in_flight: dict[SmppConnection, dict[int, Delivery]] = {}
        self._without_tlvs: set[SmppConnection] = set()
        # What is still to follow a PDU in flight, of a message that an ESME gets in parts.
        self._rest: dict[tuple[SmppConnection, int], tuple[DeliverSm | WrittenDeliverSm, ...]] = {}
        self._alarm = Alarm(clock, self._ring)
        self._sweep_at = 0.0
        # Outboxes to be read for, in the order in which they asked.
        self._wanted: dict[AccountOutbox, None] = {}
        self._paging: asyncio.Task[None] | None = None
        self.pending = 0
        self.delivered = 0
        self.refused = 0
        self.given_up = 0

    def close(self) -> None:
        self._alarm.cancel()
        if self._paging:
            self._paging.cancel()
        for outbox in self._outboxes.values():
            self._report(outbox)

    # What is owed

    def on_event(self, event: StatusEvent) -> None:
        """Take an event of any message; those whose listener is an ESME are told."""
        if listener_of(event.message, event.status) is Listener.ESME:
            self._offer(event, 0, event.at)

    def recover(self, owed: Owed) -> None:
        """Take up a debt of an earlier run, or one that is to be told again (`round` from 1). The
        time of the latter counts from now."""
        step = owed.transition
        if step.listener is Listener.ESME:
            since = self._clock.now() if owed.round else step.at
            self._offer(event_of(owed.message, step), owed.round, since)

    def _offer(self, event: StatusEvent, round_: int, since: float) -> None:
        account_sid = event.message.account_sid
        outbox = self._outboxes.get(account_sid) or self._outbox(account_sid)
        self.pending += 1
        if outbox.binds and not outbox.pages and len(outbox.head) < HEAD_MAX:
            outbox.put(event, round_, since)
            self._send_head(outbox)
        else:
            key = OwedKey(event.message.id, event.number, round_)
            outbox.waiting.append(position_of(key, since))
        if self.pending > OWED_MAX and outbox.size > OWED_MAX:  # `pending` counts all outboxes'.
            self._give_up(outbox, inf, 1, TOO_MANY)
        elif self.pending > OWED_TOTAL_MAX:
            self._give_up(self._burden(outbox), inf, 1, TOO_MANY)
        if not self._sweep_at:
            self._sweep_at = self._clock.now() + SWEEP_S
            self._alarm.set(self._sweep_at)

    def _burden(self, outbox: AccountOutbox) -> AccountOutbox:
        """Whose fault it is that too much is owed: this one's if it has more than its share."""
        if outbox.size * len(self._outboxes) > OWED_TOTAL_MAX:
            return outbox
        return max(self._outboxes.values(), key=lambda each: each.size)

    # News of the moment

    def on_intermediate(self, message: Message, stat: str, err: str, at: float) -> None:
        """Tell an ESME that asked for it where its message stands (§5.2.17)."""
        smpp = message.smpp
        outbox = self._outboxes.get(message.account_sid)
        if outbox is None or smpp is None or not smpp.intermediate:
            return
        pdu = intermediate_for_customer(message, stat, err, at)
        bind = outbox.next_bind(pdu.destination_addr)
        if bind:
            self._tell(bind, pdu)

    def on_alert(self, account_sid: str, pdu: AlertNotification) -> None:
        """Tell the account's ESMEs that a handset is there again (§4.12). SMPP v3.3 has no such
        PDU."""
        outbox = self._outboxes.get(account_sid)
        for bind in outbox.binds if outbox else ():
            if bind not in self._without_tlvs and bind.sendable > 0:
                self._tell(bind, pdu)

    def _tell(self, bind: SmppConnection, pdu: DeliverSm | AlertNotification) -> None:
        """Once, whatever becomes of it."""
        if isinstance(pdu, DeliverSm) and bind in self._without_tlvs:
            pdu = msgspec.structs.replace(pdu, tlvs={})
        try:
            bind.request(pdu)
        except (NotBound, FieldError) as error:
            log.info("news for an ESME not sent", extra={"cause": str(error)})

    # Binds

    def add(
        self,
        account_sid: str,
        bind: SmppConnection,
        tlvs: bool = True,
        address_range: AddressRange | None = None,
    ) -> None:
        """An ESME of the account can receive; one of SMPP v3.3 cannot read TLVs (§3.4). What is
        for an address in its range goes to it before others."""
        outbox = self._outbox(account_sid)
        outbox.binds.append(bind)
        if address_range:
            outbox.ranges[bind] = address_range
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
            for sequence_number, delivery in reversed(self._in_flight.pop(bind).items()):
                self._rest.pop((bind, sequence_number), None)
                outbox.in_flight -= 1
                outbox.put_back(delivery)
            outbox.set_aside()
            self._pump(outbox)

    def on_response(
        self, account_sid: str, bind: SmppConnection, sequence_number: int, command_status: int
    ) -> None:
        delivery = self._landed(account_sid, bind, sequence_number)
        if delivery is None:
            return
        outbox = self._outboxes[account_sid]
        rest = self._rest.pop((bind, sequence_number), ()) if self._rest else ()
        if command_status in TEMPORARY:
            self._try_again(outbox, delivery)
            return
        if rest and not command_status:
            self._send(outbox, bind, delivery, self._clock.now(), rest)
            return
        if command_status:
            self.refused += 1
            log.warning(
                "ESME refuses a deliver_sm",
                extra={"account": account_sid, "command_status": status_name(command_status)},
            )
        else:
            self.delivered += 1
        event = delivery.event
        self._settle(event.message.id, event.number, delivery.round, status_name(command_status))
        self._pump(outbox)

    def on_timed_out(self, account_sid: str, bind: SmppConnection, sequence_number: int) -> None:
        delivery = self._landed(account_sid, bind, sequence_number)
        if delivery:
            self._rest.pop((bind, sequence_number), None)
            self._try_again(self._outbox(account_sid), delivery)

    def _landed(
        self, account_sid: str, bind: SmppConnection, sequence_number: int
    ) -> Delivery | None:
        """What was in flight under this number, if it still was."""
        in_flight = self._in_flight.get(bind)
        delivery = in_flight.pop(sequence_number, None) if in_flight else None
        if delivery:
            self._outboxes[account_sid].in_flight -= 1
        return delivery

    def _try_again(self, outbox: AccountOutbox, delivery: Delivery) -> None:
        """The account's deliveries pause, and begin again with the first that was not taken."""
        outbox.put_back(delivery)
        outbox.set_aside()
        self._pause(outbox)

    def _pause(self, outbox: AccountOutbox) -> None:
        outbox.paused_until = self._clock.now() + RETRY_S
        self._alarm.set(outbox.paused_until)

    # Sending

    def _pump(self, outbox: AccountOutbox) -> None:
        if outbox.binds and outbox.stands and self._send_head(outbox):
            room = HEAD_MAX - PAGE - len(outbox.head)
            if outbox.binds and len(outbox.waiting) and not outbox.reading and room >= 0:
                self._wanted[outbox] = None
                if self._paging is None or self._paging.done():
                    self._paging = asyncio.get_running_loop().create_task(self._page())

    def _send_head(self, outbox: AccountOutbox) -> bool:
        """Send what stands ready, as far as windows allow; False: for now nothing may be sent."""
        now = self._clock.now()
        if outbox.paused_until > now:
            return False
        if not self._store.writable:
            self._alarm.set(now + STORE_POLL_S)
            return False
        head = outbox.head
        too_old = now - self._deliver_s
        if not head or head[0].since <= too_old:
            self._give_up(outbox, too_old, SWEEP_MAX, TOO_OLD)
        while head:
            bind = outbox.next_bind(head[0].address if outbox.ranges else "")
            if bind is None:
                break
            self._send(outbox, bind, head.popleft(), now)
        return True

    def _send(
        self,
        outbox: AccountOutbox,
        bind: SmppConnection,
        delivery: Delivery,
        now: float,
        rest: tuple[DeliverSm | WrittenDeliverSm, ...] = (),
    ) -> None:
        """Send a delivery, or the `rest` of one; of several PDUs each waits for the answer to the
        one before."""
        try:
            pdus = rest or delivery.pdus(bind not in self._without_tlvs)
            sequence_number = bind.request(pdus[0], now)
            self._in_flight[bind][sequence_number] = delivery
            if len(pdus) > 1:
                self._rest[bind, sequence_number] = pdus[1:]
        except NotBound:  # It is unbinding, and only answers what it has.
            outbox.leave(bind)
            outbox.put_back(delivery)
            outbox.set_aside()
        except FieldError as error:
            log.error("deliver_sm not sent", extra={"cause": str(error)})
            self._settle(*delivery.key, f"gave up: {error}", gave_up=True)
        except Exception:
            log.exception("deliver_sm broke", extra={"account": outbox.account_sid})
            self._settle(*delivery.key, "gave up: an error of ours", gave_up=True)
        else:
            outbox.in_flight += 1

    def _settle(
        self, message_id: int, number: int, round_: int, outcome: str, *, gave_up: bool = False
    ) -> None:
        """Write that a debt is none any more."""
        self.pending -= 1
        self.given_up += gave_up
        self._store.append(
            Notified(message_id, number, self._clock.now(), outcome, round_, gave_up)
        )

    # Reading what waits in the store

    async def _page(self) -> None:
        """One reading at a time, of one account after the other."""
        while self._wanted:
            outbox = next(iter(self._wanted))
            del self._wanted[outbox]
            try:
                await self._read(outbox, outbox.waiting.take(PAGE))
            except StoreError as error:
                log.warning(
                    "ESME's outbox not read",
                    extra={"account": outbox.account_sid, "reason": str(error)},
                )
                self._pause(outbox)
            except Exception:
                log.exception(
                    "reading of an ESME's outbox broke", extra={"account": outbox.account_sid}
                )
                self._pause(outbox)

    async def _read(self, outbox: AccountOutbox, positions: list[Position]) -> None:
        outbox.reading = len(positions)
        try:
            found = await self._store.read_owed([position.key for position in positions])
            since = {position.key: position.since for position in positions}
            restored = [
                (
                    event_of(owed.message, owed.transition),
                    owed.round,
                    since[OwedKey(owed.message.id, owed.transition.number, owed.round)],
                )
                for owed in found
            ]
        except Exception:
            outbox.waiting.put_back(positions)
            raise
        finally:
            outbox.reading = 0
        self.pending -= len(positions) - len(restored)  # The others are no more.
        for event, round_, at in restored:
            outbox.put(event, round_, at)
        outbox.set_aside()
        self._pump(outbox)

    # Giving up

    def _give_up(self, outbox: AccountOutbox, since: float, count: int, reason: str) -> int:
        """Give up the first ones that are owed since then or longer, up to `count`, except what is
        on its way; how many that were."""
        keys = outbox.take_older(since, count)
        for key in keys:
            self._settle(*key, reason, gave_up=True)
        if keys:
            outbox.given_up[reason] += len(keys)
        return len(keys)

    def _sweep(self, now: float) -> None:
        """Give up what has waited too long, and tell of all that was given up since the last."""
        left = SWEEP_MAX
        for outbox in self._outboxes.values():
            left -= self._give_up(outbox, now - self._deliver_s, left, TOO_OLD)
            self._report(outbox)
        self._sweep_at = now + (SWEEP_S if left else SWEEP_AGAIN_S) if self.pending else 0.0

    def _report(self, outbox: AccountOutbox) -> None:
        """One line for a burst, however many."""
        for reason, count in outbox.given_up.items():
            log.warning(
                "ESME deliveries given up",
                extra={"account": outbox.account_sid, "count": count, "reason": reason},
            )
        outbox.given_up.clear()

    def _ring(self) -> None:
        now = self._clock.now()
        for outbox in self._outboxes.values():
            if outbox.paused_until > now:
                self._alarm.set(outbox.paused_until)
            else:
                self._pump(outbox)
        if self._sweep_at and now >= self._sweep_at and self._store.writable:
            self._sweep(now)
        if self._sweep_at:
            self._alarm.set(max(self._sweep_at, now + STORE_POLL_S))

    def _outbox(self, account_sid: str) -> AccountOutbox:
        outbox = self._outboxes.get(account_sid)
        if outbox is None:
            outbox = self._outboxes[account_sid] = AccountOutbox(account_sid)
        return outbox
