"""The way in for every message: admitted, given an id and room in its queue, made durable, queued.

Nobody hears "accepted" before the store has it; a refusal leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from random import Random

from gateway.account import Account
from gateway.clock import Clock, IdFactory
from gateway.errors import Refusal, Refused, StoreError
from gateway.message import Message, Status
from gateway.messaging.admission import Admission, Admitted, SendRequest
from gateway.messaging.alarm import Alarm
from gateway.messaging.deadlines import Deadlines
from gateway.messaging.dispatcher import Dispatcher
from gateway.messaging.journal import Journal
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.turns import Lane

SCHEDULED_MAX = 500_000
SCHEDULE_GRAIN_S = 0.5
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
    def __init__(
        self,
        admission: Admission,
        journal: Journal,
        dispatcher: Dispatcher,
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
        self._scheduled: Deadlines[OpenMessage] = Deadlines(SCHEDULE_GRAIN_S)
        self._scheduled_count = 0
        self._alarm = Alarm(clock, self._run)
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
        opened = self._journal.find(message_id)
        if opened is None or opened.status is not Status.SCHEDULED:
            raise Refused(Refusal.NOT_CANCELABLE)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def on_commit(error: StoreError | None) -> None:
            if done.done():  # The caller has gone; the message is canceled.
                return
            if error:
                done.set_exception(Refused(Refusal.STORE_UNAVAILABLE))
            else:
                done.set_result(None)

        self._scheduled_count -= 1
        self._scheduled.discard(opened.message.send_at, opened)
        self._journal.advance(opened, Status.CANCELED, on_commit=on_commit)
        await done

    def restore(self, opened: OpenMessage) -> None:
        """Take up a message of an earlier run that is not yet sent."""
        if opened.status is Status.SCHEDULED:
            self._schedule(opened)
        elif opened.unsent:
            self._queue(opened, hold=True)
        if opened.in_doubt:
            self._dispatcher.doubt(opened)

    def close(self) -> None:
        """Accept no more."""
        self._closed = True
        self._alarm.cancel()

    def _take(self, request: SendRequest, on_accepted: OnAccepted, on_refused: OnRefused) -> None:
        if self._closed:
            raise Refused(Refusal.STORE_UNAVAILABLE, "the gateway is shutting down")
        now = self._clock.now()
        admitted = self._admission.check(request, now)
        lane: Lane | None = None
        if request.send_at:
            if self._scheduled_count >= SCHEDULED_MAX:
                raise Refused(Refusal.QUEUE_FULL, "too many messages are scheduled")
        else:
            lane = self._dispatcher.lane(request.account, admitted.sender)
            if not lane.queue.reserve(admitted.segments):
                raise Refused(Refusal.QUEUE_FULL)

        def on_durable(opened: OpenMessage | None) -> None:
            if opened is None:
                if lane:
                    self._dispatcher.withdraw(lane, admitted.segments)
                on_refused(Refused(Refusal.STORE_UNAVAILABLE))
                return
            self.accepted += 1
            on_accepted(opened.message)
            if lane:
                self._dispatcher.put(lane, opened)
            else:
                self._schedule(opened)

        try:
            self._journal.accept(self._message(request, admitted, now), on_durable)
        except StoreError:
            if lane:
                self._dispatcher.withdraw(lane, admitted.segments)
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
            concat_ref=self._reference(admitted) if admitted.segments > 1 else 0,
            udh=request.udh,
            octets=request.octets,
            traffic_type=request.traffic_type,
        )

    def _reference(self, admitted: Admitted) -> int:
        """The next reference from this sender to this recipient, from a random start."""
        key = (admitted.sender_address, admitted.recipient)
        reference = self._references.pop(key, None)
        if reference is None:
            if len(self._references) >= REFERENCES_MAX:
                self._references.popitem(last=False)
            reference = self._random.randrange(0x10000)
        self._references[key] = reference = (reference + 1) & 0xFFFF
        return reference

    # Scheduled messages

    def _schedule(self, opened: OpenMessage) -> None:
        self._scheduled_count += 1
        self._scheduled.add(opened.message.send_at, opened)
        self._alarm.set(self._scheduled.next_at())

    def _run(self) -> None:
        for opened in self._scheduled.due(self._clock.now()):
            self._scheduled_count -= 1
            if self._admission.opted_out(opened.message):
                self._journal.advance(opened, Status.FAILED, OPTED_OUT)
            else:
                self._journal.advance(opened, Status.QUEUED)
                self._queue(opened, hold=False)
        self._alarm.set(self._scheduled.next_at())

    def _queue(self, opened: OpenMessage, hold: bool) -> None:
        """Queue a message that was accepted some time ago: the account may have changed. `hold`:
        it had its room before, and has it again even where the queue has become smaller."""
        message = opened.message
        account = self._accounts(message.account_sid)
        senders = account.senders if account and not account.suspended else ()
        sender = next((known for known in senders if known.address == message.sender), None)
        if account is None or sender is None:
            self._journal.advance(opened, Status.FAILED, ACCOUNT_SUSPENDED)
            return
        lane = self._dispatcher.lane(account, sender)
        if hold:
            lane.queue.hold(opened.segments)
        elif not lane.queue.reserve(opened.segments):
            self._journal.advance(opened, Status.FAILED, QUEUE_OVERFLOW)
            return
        self._dispatcher.put(lane, opened)
