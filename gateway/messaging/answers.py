"""What becomes of a part once it is at a carrier: taken, refused, or in doubt.

Without an answer nobody knows whether the carrier has the part. Where its bind went down before
the answer, or we did ourselves, the account decides: sent again at once (`resend`), held for a
receipt first (`hold`), or never sent again (`unknown`). Where the bind stayed up and no answer
came in time it is never sent again blindly, and neither is a message that seems to bring binds
down. What is never sent again fails after `unknown_wait_s`, unless an answer or a receipt comes.
"""

from __future__ import annotations

import logging

from gateway.account import InDoubt
from gateway.carriers.bind_events import SubmitAnswered, SubmitLost, SubmitTimedOut
from gateway.clock import Clock, message_sid
from gateway.interworking.carrier_errors import (
    SENDER_NOT_PROVISIONED,
    Disposition,
    Kind,
    disposition,
)
from gateway.message import FINAL, Status
from gateway.messaging.journal import Journal
from gateway.messaging.lane import Lane
from gateway.messaging.lanes import Lanes
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parts_in_doubt import Doubt, PartsInDoubt
from gateway.messaging.receipts import Receipts
from gateway.messaging.suspects import Suspects
from gateway.store.interface import AttemptOutcome
from routing.events import Outcome, SubmitResult
from routing.router import Router

log = logging.getLogger(__name__)

PROVIDER_TIMEOUT = 30410

# What comes back with the answer to a part: its message, its number, and where it came from.
Reference = tuple[OpenMessage, int, Lane]

OUTCOMES: dict[Kind, Outcome] = {
    Kind.OK: Outcome.OK,
    Kind.THROTTLED: Outcome.THROTTLED,
    Kind.QUEUE_FULL: Outcome.QUEUE_FULL,
    Kind.TRY_ANOTHER: Outcome.TEMPORARY,
    Kind.PERMANENT: Outcome.PERMANENT,
}


class Answers:
    def __init__(
        self,
        journal: Journal,
        receipts: Receipts,
        router: Router,
        lanes: Lanes,
        in_doubt: PartsInDoubt,
        suspects: Suspects,
        clock: Clock,
        unknown_wait_s: float,
    ) -> None:
        self._journal = journal
        self._receipts = receipts
        self._router = router
        self._lanes = lanes
        self._in_doubt = in_doubt
        self._suspects = suspects
        self._clock = clock
        self._unknown_wait_s = unknown_wait_s

    def on_answered(self, event: SubmitAnswered) -> None:
        """The carrier has taken the part, or has not: then nothing was sent (§2.8)."""
        reference: Reference = event.reference
        opened, part, lane = reference
        now = self._clock.now()
        answer = disposition(event.command_status)
        if event.late:
            known = not self._in_doubt.end(opened, part)
        else:
            known = opened.status in FINAL
            opened.in_flight -= 1
            self._router.observe(
                SubmitResult(
                    event.bind,
                    _outcome(answer, opened),
                    event.latency_s,
                    now,
                    opened.message.id,
                    answer.fault,
                )
            )
        self._lanes.turns.wake(event.bind)  # Before the sender itself asks for the room.
        self._journal.doubts.discard(opened, part)
        if known:
            self._after_the_end(opened, part, event, answer)
        elif answer.kind is Kind.OK:
            self._taken(opened, part, event.bind, event.carrier_id)
        elif answer.kind is Kind.PERMANENT:
            self._lanes.fail(opened, answer.error_code, event.bind)
        else:
            if answer.kind is Kind.TRY_ANOTHER:
                opened.excluded += (event.bind,)
                opened.error_code = answer.error_code
            self._journal.attempt(
                opened, part, AttemptOutcome.REFUSED, event.bind, event.command_status
            )
            self._return(opened, part, lane)
        self._settle(opened, lane, now)
        self._lanes.on_work()

    def on_timed_out(self, event: SubmitTimedOut) -> None:
        """Nobody knows whether the carrier has it: never sent again blindly, not even after a
        restart, but failed unless an answer comes late."""
        reference: Reference = event.reference
        opened, part, lane = reference
        now = self._clock.now()
        self._router.observe(
            SubmitResult(event.bind, Outcome.TIMEOUT, event.latency_s, now, opened.message.id)
        )
        self._lanes.turns.wake(event.bind)
        opened.in_flight -= 1
        if opened.status in FINAL:
            self._journal.attempt(opened, part, AttemptOutcome.UNANSWERED, event.bind)
        else:
            self._give_up_on(opened, part, event.bind)
        self._settle(opened, lane, now)
        self._lanes.on_work()

    def on_lost(self, event: SubmitLost) -> None:
        """The bind went down before the answer: the account's policy decides, unless it looks as
        if the message itself had brought the bind down."""
        reference: Reference = event.reference
        opened, part, lane = reference
        opened.in_flight -= 1
        suspect = self._suspects.lost(opened)
        if suspect:
            log.error(
                "message was under way each time binds went down",
                extra={"sid": message_sid(opened.message.id), "bind": event.bind},
            )
        if opened.status in FINAL:
            self._journal.attempt(opened, part, AttemptOutcome.LOST, event.bind)
        elif suspect:
            self._give_up_on(opened, part, event.bind)
        else:
            self._decide(opened, part, event.bind, lane, AttemptOutcome.WRITTEN)
        self._settle(opened, lane, self._clock.now())
        self._lanes.on_work()

    def on_confirmed(self, opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
        """A receipt has come that can only be for this part in doubt: its carrier has it."""
        self._in_doubt.confirm(opened, part)
        self._taken(opened, part, bind, carrier_id)

    def restore(self, opened: OpenMessage, lane: Lane | None) -> None:
        """Decide on the parts that an earlier run wrote and heard no answer to. Without a `lane`,
        for the sender may not send any more, none goes out again."""
        if opened.in_doubt:
            self._in_doubt.restore(opened, self._clock.now() + self._unknown_wait_s)
        doubtful, opened.doubtful = opened.doubtful, {}
        for part, (bind, outcome) in sorted(doubtful.items(), reverse=True):
            self._decide(opened, part, bind, lane, outcome)

    def handle_timer(self, now: float) -> None:
        """What was held long enough goes out again; what was waited for in vain fails."""
        for doubt in self._in_doubt.due(now):
            if not doubt.opened.in_doubt:
                continue  # Another part of it has just failed it.
            if doubt.held_by is None:
                self._lanes.fail(doubt.opened, PROVIDER_TIMEOUT)
            else:
                self._resend(doubt, doubt.held_by, now)

    def next_timer(self) -> float | None:
        return self._in_doubt.next_at()

    def _resend(self, doubt: Doubt, lane: Lane, now: float) -> None:
        opened, part = doubt.opened, doubt.part
        self._in_doubt.end(opened, part)
        self._journal.attempt(opened, part, AttemptOutcome.RESENT, doubt.bind)
        self._return(opened, part, lane)
        self._settle(opened, lane, now)

    def _after_the_end(
        self, opened: OpenMessage, part: int, event: SubmitAnswered, answer: Disposition
    ) -> None:
        """Of a message of several parts that failed while this one was under way it is kept that
        the carrier has taken it: its receipt will come."""
        log.info("answer after the end", extra={"sid": message_sid(opened.message.id)})
        if answer.kind is not Kind.OK:
            return
        if opened.total > 1 and not event.late:
            self._journal.note_part(opened, part, Status.SENT, event.bind, event.carrier_id)
            self._receipts.expect(opened, part, event.bind, event.carrier_id)
        else:
            self._receipts.disregard(event.bind, event.carrier_id)

    def _taken(self, opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
        opened.sent += 1
        single = opened.total == 1
        if not single:
            self._journal.note_part(opened, part, Status.SENT, bind, carrier_id)
        if opened.sent == opened.total:
            self._journal.advance(
                opened, Status.SENT, bind=bind, carrier_id=carrier_id if single else ""
            )
        self._receipts.expect(opened, part, bind, carrier_id)

    def _give_up_on(self, opened: OpenMessage, part: int, bind: str) -> None:
        """It is not sent again, whatever the account says."""
        opened.doubted = True
        self._journal.attempt(opened, part, AttemptOutcome.UNANSWERED, bind)
        self._in_doubt.add(opened, part, bind, self._clock.now() + self._unknown_wait_s)

    def _decide(
        self, opened: OpenMessage, part: int, bind: str, lane: Lane | None, noted: AttemptOutcome
    ) -> None:
        """By the policy of the account; `noted` is what is on record of the part already."""
        opened.doubted = True
        now = self._clock.now()
        policy = lane.in_doubt if lane else InDoubt.UNKNOWN
        outcome = AttemptOutcome.HELD if policy is InDoubt.HOLD else AttemptOutcome.LOST
        if noted is not outcome:
            self._journal.attempt(opened, part, outcome, bind)
        if lane is None or policy is InDoubt.UNKNOWN:
            self._in_doubt.add(opened, part, bind, now + self._unknown_wait_s)
        elif policy is InDoubt.HOLD:
            self._in_doubt.add(opened, part, bind, now + lane.hold_s, lane)
        else:
            self._return(opened, part, lane)

    def _return(self, opened: OpenMessage, part: int, lane: Lane) -> None:
        """Back to the head of its queue, before everything accepted after it."""
        lane = self._lanes.standing(lane)
        self._lanes.take_back_note(opened)  # The next part is another one now.
        queued = bool(opened.unsent)
        opened.put_back(part)
        self._journal.requeue(opened)
        if not queued:
            self._lanes.put_back(lane, opened)
        self._lanes.call(lane)

    def _settle(self, opened: OpenMessage, lane: Lane, now: float) -> None:
        """Once nothing of it is at a carrier, its time may be over, and the next message to its
        recipient may go."""
        if opened.in_flight:
            return
        self._journal.end_doubts(opened)
        for other in self._suspects.settled(opened):
            self._lanes.call(other)
        message = opened.message
        if message.expires_at <= now:
            self._lanes.expire(opened)
        if lane.busy.get(message.recipient) is opened:
            del lane.busy[message.recipient]
            head = lane.queue.head()
            if head is None:
                self._lanes.rest(lane, now)
            elif head.message.recipient == message.recipient and not lane.waiting:
                self._lanes.call(lane)


def _outcome(answer: Disposition, opened: OpenMessage) -> Outcome:
    """What the router learns. A sender that a carrier does not know says nothing of the bind, nor
    does another refusal of a message that all binds have refused: it would be one message that
    opens the circuits of all."""
    again = answer.kind is Kind.TRY_ANOTHER and opened.rounds > 0
    if again or answer.error_code == SENDER_NOT_PROVISIONED:
        return Outcome.PERMANENT
    return OUTCOMES[answer.kind]
