"""The way in for every message: admitted, given an id and room in its queue, made durable, queued.

Nobody hears "accepted" before the store has it; a refusal leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from random import Random

from gateway.account import Account
from gateway.clock import Clock, IdFactory
from gateway.errors import Refusal, Refused, StoreError
from gateway.message import Message, Status
from gateway.messaging.admission import Admission, Admitted, SendRequest
from gateway.messaging.dispatcher import Dispatcher
from gateway.messaging.journal import Journal
from gateway.messaging.lane import Lane
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.paging import READ_AGAIN_S, ReadMessages
from gateway.messaging.schedule import PAGE, Schedule
from gateway.messaging.short_id import short_key
from gateway.store.interface import OnCommit, StoredMessage, WaitingMessage

log = logging.getLogger(__name__)

# References of concatenated messages (3GPP TS 23.040 §9.2.3.24.1) count per sender and recipient.
REFERENCES_MAX = 65_536
# Twilio's codes for a scheduled message that came due: its queue is full, its account is gone, its
# recipient has opted out.
QUEUE_OVERFLOW = 30001
ACCOUNT_SUSPENDED = 30002
OPTED_OUT = 21610

OnAccepted = Callable[[Message], None]
OnRefused = Callable[[Refused], None]


class Intake:
    """While `run` is not running, nothing that is scheduled comes due."""

    def __init__(
        self,
        admission: Admission,
        journal: Journal,
        dispatcher: Dispatcher,
        read_messages: ReadMessages,
        accounts: Callable[[str], Account | None],
        clock: Clock,
        ids: IdFactory,
        random: Random,
    ) -> None:
        self._admission = admission
        self._journal = journal
        self._dispatcher = dispatcher
        self._accounts = accounts
        self._clock = clock
        self._ids = ids
        self._random = random
        self._references: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._read_messages = read_messages
        self._schedule = Schedule(read_messages, clock)
        # Queued messages of an earlier run whose senders may not send any more.
        self._senderless = array("Q")
        self._closed = False
        self.accepted = 0

    def submit(self, request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        """Take a message; one of the two is called, `on_accepted` once it is durable."""
        try:
            self._take(request, on_accepted, on_refused)
        except Refused as refused:
            on_refused(refused)

    async def accept(self, request: SendRequest) -> Message:
        """Take a message; it is durable when this returns.

        Raises:
            Refused: nothing was made.
        """
        done: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def on_accepted(message: Message) -> None:
            if not done.done():  # The caller may have gone; the message stays accepted.
                done.set_result(message)

        def on_refused(refused: Refused) -> None:
            if not done.done():
                done.set_exception(refused)

        self._take(request, on_accepted, on_refused)
        return await done

    async def cancel(self, message_id: int) -> None:
        """Cancel a message while it is scheduled; durable when this returns.

        Raises:
            Refused: it is not scheduled (any more).
        """
        try:
            message = await self._schedule.cancel(message_id)
        except StoreError:
            raise Refused(Refusal.STORE_UNAVAILABLE) from None
        if message is None:
            raise Refused(Refusal.NOT_CANCELABLE)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_commit(error: StoreError | None) -> None:
            if done.done():  # The caller has gone; the message is canceled.
                return
            if error:
                done.set_exception(Refused(Refusal.STORE_UNAVAILABLE))
            else:
                done.set_result(None)

        opened = self._journal.restore(StoredMessage(message))
        self._journal.advance(opened, Status.CANCELED, on_commit=on_commit)
        await done

    def reschedule(self, old: Message, message: Message, on_commit: OnCommit) -> bool:
        """Put another message in the place of one that is scheduled; False: it is not (any more).
        It does not come due before it is durable."""
        if not self._schedule.take_out(old):
            return False
        self._journal.replace(message, partial(self._rescheduled, message, on_commit))
        return True

    def postpone(
        self, place: Lane | OpenMessage, old: Message, message: Message, on_commit: OnCommit
    ) -> bool:
        """Take a message out of its queue and schedule another in its stead; False: too many are
        scheduled."""
        if self._schedule.full:
            return False
        self._journal.set_aside(self._dispatcher.lanes.take_out(place, old))
        self._journal.replace(message, partial(self._rescheduled, message, on_commit))
        return True

    def newest_scheduled(self, account_sid: str, count: int) -> list[int]:
        """The ids of the last so many messages that the account has scheduled."""
        return self._schedule.newest(account_sid, count)

    def _rescheduled(self, message: Message, on_commit: OnCommit, error: StoreError | None) -> None:
        self._schedule.add(message)
        on_commit(error)

    async def run(self) -> None:
        """Queue what comes due, until canceled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._schedule.run(self._come_due), name="scheduled messages")
            tasks.create_task(self._fail_senderless(), name="messages without a sender")

    def restore(self, opened: OpenMessage) -> None:
        """Take up a message of an earlier run that is scheduled, or that a carrier has seen."""
        if opened.status is Status.SCHEDULED:
            self._set_aside(opened)
            return
        message = opened.message
        lane = self._lane(message.account_sid, message.sender)
        if lane is None and opened.unsent:
            self._journal.advance(opened, Status.FAILED, ACCOUNT_SUSPENDED)
        else:
            self._dispatcher.restore(opened, lane)

    def restore_waiting(self, waiting: WaitingMessage) -> None:
        """Queue a message of an earlier run that no carrier has seen."""
        lanes, account_sid, sender = self._dispatcher.lanes, waiting.account_sid, waiting.sender
        lane = lanes.find(account_sid, sender) or self._lane(account_sid, sender)
        if lane:
            lanes.restore(lane, waiting)
        else:
            self._senderless.append(waiting.id)

    def close(self) -> None:
        """Accept no more."""
        self._closed = True
        self._schedule.close()

    @property
    def scheduled(self) -> int:
        """How many messages are to be sent later."""
        return len(self._schedule)

    def _take(self, request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        if self._closed:
            raise Refused(Refusal.STORE_UNAVAILABLE, "the gateway is shutting down")
        now = self._clock.now()
        admitted = self._admission.check(request, now)
        lane: Lane | None = None
        if request.send_at:
            if self._schedule.full:
                raise Refused(Refusal.QUEUE_FULL, "too many messages are scheduled")
        else:
            lane = self._dispatcher.lanes.of(request.account, admitted.sender)
            if not lane.queue.reserve(admitted.segments):
                raise Refused(Refusal.QUEUE_FULL)
            turn_at = lane.queue.turn_at(now, admitted.segments)
            if turn_at >= admitted.expires_at:
                self._dispatcher.lanes.withdraw(lane, admitted.segments)
                raise Refused(
                    Refusal.QUEUE_FULL,
                    f"{Refusal.QUEUE_FULL.value}: it would wait {turn_at - now:.0f} s and expire "
                    f"after {admitted.expires_at - now:.0f} s",
                )

        def on_durable(opened: OpenMessage | None) -> None:
            if opened is None:
                if lane:
                    self._dispatcher.lanes.withdraw(lane, admitted.segments)
                on_refused(Refused(Refusal.STORE_UNAVAILABLE))
                return
            self.accepted += 1
            message = opened.message
            if lane:
                self._dispatcher.lanes.put(lane, opened)
            else:
                self._set_aside(opened)
            on_accepted(message)

        key, fingerprint = request.key, request.fingerprint
        if request.smpp and request.smpp.short_id and not key:
            key, fingerprint = short_key(request.account.sid, request.smpp.short_id)
        try:
            self._journal.accept(
                self._message(request, admitted, now), on_durable, key, fingerprint
            )
        except StoreError:
            if lane:
                self._dispatcher.lanes.withdraw(lane, admitted.segments)
            raise Refused(Refusal.STORE_UNAVAILABLE) from None

    def _message(self, request: SendRequest, admitted: Admitted, now: float) -> Message:
        return Message(
            id=self._ids.next(),
            account_sid=request.account.sid,
            sender=admitted.sender_address,
            recipient=admitted.recipient,
            body=admitted.body,
            encoding=admitted.encoding,
            segments=admitted.segments,
            direction=request.direction,
            origin=request.origin,
            accepted_at=now,
            expires_at=admitted.expires_at,
            send_at=request.send_at,
            status_callback=request.status_callback,
            receipts=request.receipts,
            concat_ref=self.reference(admitted) if admitted.segments > 1 else 0,
            udh=request.udh,
            octets=request.octets,
            traffic_type=request.traffic_type,
            locking_shift=admitted.locking_shift,
            single_shift=admitted.single_shift,
            ref_bits=admitted.ref_bits,
            smpp=request.smpp,
        )

    def reference(self, admitted: Admitted) -> int:
        """The next reference of a concatenated message from this sender to this recipient, from a
        random start."""
        key = (admitted.sender_address, admitted.recipient)
        reference = self._references.pop(key, None)
        if reference is None:
            if len(self._references) >= REFERENCES_MAX:
                self._references.popitem(last=False)
            reference = self._random.randrange(0x10000)
        self._references[key] = reference = (reference + 1) & 0xFFFF
        return reference

    # What waits in the store

    def _set_aside(self, opened: OpenMessage) -> None:
        """Keep of a scheduled message its id until its time."""
        self._journal.set_aside(opened)
        self._schedule.add(opened.message)

    def _come_due(self, message: Message) -> None:
        opened = self._journal.restore(StoredMessage(message))
        if self._admission.opted_out(message):
            self._journal.advance(opened, Status.FAILED, OPTED_OUT)
            return
        self._journal.advance(opened, Status.QUEUED)
        lane = self._lane(message.account_sid, message.sender)
        if lane is None:
            self._journal.advance(opened, Status.FAILED, ACCOUNT_SUSPENDED)
        elif not lane.queue.reserve(message.segments):
            self._journal.advance(opened, Status.FAILED, QUEUE_OVERFLOW)
        else:
            self._dispatcher.lanes.put(lane, opened)

    def _lane(self, account_sid: str, sender: str) -> Lane | None:
        """The lane of a sender for a message that was accepted some time ago; None where it may
        not send any more."""
        account = self._accounts(account_sid)
        senders = account.senders if account and not account.suspended else ()
        known = next((each for each in senders if each.address == sender), None)
        return self._dispatcher.lanes.of(account, known) if account and known else None

    async def _fail_senderless(self) -> None:
        """They must be read to be failed."""
        if self._senderless:
            log.warning("queued messages have no sender", extra={"messages": len(self._senderless)})
        while self._senderless:
            page = self._senderless[:PAGE]
            try:
                messages = await self._read_messages(page.tolist())
            except StoreError:
                await asyncio.sleep(READ_AGAIN_S)
                continue
            del self._senderless[:PAGE]
            for message in messages:
                opened = self._journal.take_up(message, bool(message.send_at))
                self._journal.advance(opened, Status.FAILED, ACCOUNT_SUSPENDED)
